import Datagrams
import Latency

/// `junit.xml`, as CI servers read it: a suite a level, a case a threshold, and one for the verdict on the generator.
package struct JUnitFile {
    package struct Level: Sendable {
        /// `100 calls/s`
        package var name: String
        package var summary: RunSummary
        /// When the level began: `2026-11-23T15:30:00Z`.
        package var begun: String
        /// Why there is nothing to judge: the target cannot be reached, a file not be written.
        package var failure: String?

        package init(name: String, summary: RunSummary, begun: String, failure: String? = nil) {
            self.name = name
            self.summary = summary
            self.begun = begun
            self.failure = failure
        }
    }

    private struct Case {
        enum Outcome {
            case passed
            /// The message, and the text under it.
            case failed(String, String)
            case error(String)
        }
        var name: String
        var kind: String
        var outcome: Outcome
    }

    /// `name`: of the whole, as in `sipmeter sweep`.
    package static func append(_ name: String, _ levels: [Level], to buffer: inout ByteBuffer) {
        var file = JUnitFile()
        let suites = levels.map { ($0, cases(of: $0)) }
        file.write(name, suites)
        buffer.append(text: file.text)
    }

    private var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

    private static func cases(of level: Level) -> [Case] {
        let summary = level.summary
        var cases: [Case] = []
        if let failure = level.failure {
            cases.append(Case(name: "the run", kind: "run", outcome: .error(failure)))
        }
        let verdict = summary.verdict
        cases.append(
            Case(
                name: "the generator kept up", kind: "generator",
                outcome: verdict.level == .invalid
                    ? .failed(
                        "verdict INVALID: the figures are not the target's", verdict.evidence.joined(separator: "\n"))
                    : .passed))
        for rule in summary.abortRules {
            var outcome = Case.Outcome.passed
            if let strike = summary.strike, strike.rule == rule { outcome = .failed(strike.sentence, strike.sentence) }
            cases.append(Case(name: rule.text, kind: "abort-on", outcome: outcome))
        }
        for result in summary.thresholds?.results ?? [] {
            let message = "\(result.threshold.condition.metric.name): \(result.reason)"
            cases.append(
                Case(
                    name: result.threshold.text, kind: "threshold",
                    outcome: result.passed
                        ? .passed : .failed(message, "\(result.threshold.text) does not hold. \(message)")))
        }
        return cases
    }

    // MARK: writing

    private mutating func write(_ name: String, _ suites: [(level: Level, cases: [Case])]) {
        let all = suites.flatMap(\.cases)
        let length = suites.reduce(Nanoseconds.zero) { $0 + $1.level.summary.conditions.lasted }
        text += "<testsuites \(attributes(name, all, length))>\n"
        for (level, cases) in suites {
            text += "  <testsuite \(attributes(level.name, cases, level.summary.conditions.lasted))"
            text += " skipped=\"0\" timestamp=\"\(Self.escaped(level.begun))\">\n"
            for each in cases { write(each, in: "\(name) \(level.name)") }
            text += "  </testsuite>\n"
        }
        text += "</testsuites>\n"
    }

    private func attributes(_ name: String, _ cases: [Case], _ length: Nanoseconds) -> String {
        var (failures, errors) = (0, 0)
        for each in cases {
            switch each.outcome {
            case .passed: break
            case .failed: failures += 1
            case .error: errors += 1
            }
        }
        return "name=\"\(Self.escaped(name))\" tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\""
            + " time=\"\(Self.seconds(length))\""
    }

    /// A case takes no time of its own: all are judged of the one run.
    private mutating func write(_ each: Case, in classname: String) {
        text += "    <testcase name=\"\(Self.escaped(each.name))\" "
        text += "classname=\"\(Self.escaped("\(classname) \(each.kind)"))\" time=\"0\""
        switch each.outcome {
        case .passed: text += "/>\n"
        case .failed(let message, let body): writeChild("failure", each.kind, message, body)
        case .error(let message): writeChild("error", each.kind, message, message)
        }
    }

    private mutating func writeChild(_ element: String, _ kind: String, _ message: String, _ body: String) {
        text += ">\n      <\(element) type=\"\(kind)\" message=\"\(Self.escaped(message))\">"
        text += "\(Self.escaped(body))</\(element)>\n    </testcase>\n"
    }

    private static func seconds(_ length: Nanoseconds) -> String {
        DecimalText.fixed(length, unit: 1_000_000_000, decimals: 3)
    }

    /// What XML 1.0 cannot hold at all becomes `?`.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n": escaped += "&#10;"
            case "\t": escaped += "&#9;"
            case "\r": escaped += "&#13;"
            case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value): escaped += "?"
            case _: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
