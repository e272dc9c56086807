import Datagrams
import Latency
import MaximumSearch

/// What `find-max` prints: a line a trial while it searches, and the answer.
package enum FindMaxText {
    // MARK: while it runs

    package static let trialHeader =
        "   phase       calls/s attempts  failed  resent   p99 ms  decision"

    package static func trial(_ row: SearchReport.Row) -> String {
        let result = row.result
        let first =
            "\(row.trial.number)".paddedLeft(to: 2) + " " + row.trial.phase.rawValue.padded(to: 8)
            + RateText.text(row.trial.rate).paddedLeft(to: 10) + "\(result.attempts)".paddedLeft(to: 9)
            + "\(result.failed)".paddedLeft(to: 8) + "\(result.resent)".paddedLeft(to: 8)
            + (result.responseP99.map(DecimalText.milliseconds) ?? "n/a").paddedLeft(to: 9)
        return first + "  " + row.decision.sentence
    }

    // MARK: the end

    package static func text(_ report: SearchReport) -> String { lines(report).joined(separator: "\n") }

    /// `summary.txt`: the same, and every trial.
    package static func append(_ report: SearchReport, to buffer: inout ByteBuffer) {
        buffer.append(text: text(report) + "\n\n" + trialHeader + "\n")
        for row in report.rows { buffer.append(text: trial(row) + "\n") }
    }

    private static func lines(_ report: SearchReport) -> [String] {
        let verdict = report.verdict
        var lines = ["VERDICT  \(verdict.level.text)"]
        for sentence in verdict.evidence { lines += wrapped(sentence, first: "  - ", rest: "    ") }
        for note in report.notes + verdict.notes { lines += wrapped(note, first: "  note: ", rest: "        ") }
        lines.append("")
        for line in answer(report) {
            // It belongs to the maximum above it.
            lines += labelled(line.title == "Confirmed" ? "" : line.title, line.text)
        }
        return lines
    }

    /// The answer, and what it stands on.
    static func answer(_ report: SearchReport) -> [(title: String, text: String)] {
        let lines: [(String, String?)] = [
            ("Maximum", maximum(report)), ("Confirmed", confirmed(report)),
            (report.answer.rate == nil ? "Failed at" : "Above it", above(report)), ("Allowed", allowed(report)),
            ("At low rate", atLowRate(report)), ("Test bed", testBed(report)), ("Trials", trials(report)),
        ]
        return lines.compactMap { title, text in text.map { (title, $0) } }
    }

    private static func labelled(_ title: String, _ text: String) -> [String] {
        wrapped(text, first: SummaryText.label(title), rest: SummaryText.label(""))
    }

    static func maximum(_ report: SearchReport) -> String {
        let answer = report.answer
        guard let rate = answer.rate else {
            switch answer.ending {
            case .nothingPassed:
                return "none: no rate down to \(lowest(report)) calls/s passed"
            case .slowCallsFail: return "none: not even a few slow calls end well"
            case .found, .converged, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted, .targetLost,
                .cutOff:
                return "not known: no rate passed so far"
            }
        }
        let text = "\(RateText.text(rate)) calls/s"
        switch answer.ending {
        case .found:
            return text + (report.resolution.map { ", within \(percent($0))" } ?? "") + " (\(report.method))"
        case .converged: return text + " (RFC 7502, 4.10)"
        case .nothingPassed, .slowCallsFail, .ceilingReached, .generatorInTheWay: return "at least " + text
        case .tooManyTrials, .interrupted, .targetLost, .cutOff: return text + " is the highest that passed so far"
        }
    }

    private static func lowest(_ report: SearchReport) -> String {
        report.rows.map(\.trial.rate).min().map(RateText.text) ?? "0"
    }

    private static func confirmed(_ report: SearchReport) -> String? {
        guard let confirmation = report.confirmation else {
            switch report.answer.ending {
            case .found, .ceilingReached: return report.resolution == nil ? nil : "not confirmed by longer trials"
            case .converged, .nothingPassed, .slowCallsFail, .generatorInTheWay, .tooManyTrials, .interrupted,
                .targetLost, .cutOff:
                return nil
            }
        }
        let bound = ShareTest.upperBound(confirmation.failed, of: confirmation.attempts)
        let count = report.answer.confirmations
        return
            "confirmed \(count == 1 ? "once" : "\(count) times"): \(confirmation.failed) of \(confirmation.attempts) "
            + "attempts failed, so with 95 % confidence at most \(percent(bound)) do"
    }

    private static func above(_ report: SearchReport) -> String? {
        guard let failing = report.answer.failing else {
            return report.answer.rate == nil ? nil : "no rate that failed is known"
        }
        return "\(RateText.text(failing)) calls/s: " + report.answer.reasons.joined(separator: "; ")
    }

    static func allowed(_ report: SearchReport) -> String {
        let criteria = report.criteria
        var parts = [criteria.failures == 0 ? "no failure" : "failures \(percent(criteria.failures)) of the attempts"]
        parts.append(
            criteria.resent.map { "requests sent again \(percent($0))" } ?? "any number of requests sent again")
        parts.append(
            criteria.growth.map {
                "response times that grow by \(DecimalText.trimmed(1000 * $0, decimals: 2)) ms in each second"
            } ?? "any growth of response times")
        return (parts + report.thresholds).joined(separator: ", ")
    }

    private static func atLowRate(_ report: SearchReport) -> String? {
        guard let low = report.atLowRate else { return nil }
        return "up to half of it \(low.failed) of \(low.attempts) attempts failed"
            + (low.failed > 0 ? " (\(percent(Double(low.failed) / Double(low.attempts))))" : "")
            + (report.criteria.failures > 0 ? "; allowed is \(percent(report.criteria.failures))" : "")
    }

    private static func testBed(_ report: SearchReport) -> String {
        switch report.baseline {
        case .measured(let rate, let above):
            return "\(RateText.text(rate)) calls/s without the target"
                + (above.map { ", and not \(RateText.text($0))" } ?? ", the highest tried")
        case .notKept(let lowest):
            return "did not keep up at any rate tried, down to \(RateText.text(lowest)) calls/s"
        case .unknown(let why): return "not known: \(why)"
        }
    }

    private static func trials(_ report: SearchReport) -> String {
        "\(report.rows.count) in \(length(report.took)), \(report.attempts) attempts"
            + (report.spoilt > 0 ? "; \(report.spoilt) decided nothing" : "")
    }

    /// `38 s`, `4 min 12 s`, `1 h 52 min`.
    static func length(_ length: Nanoseconds) -> String {
        let seconds = Int(length.seconds.rounded())
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }

    /// Two digits that count: `0.1 %`, `0.012 %`.
    static func percent(_ share: Double) -> String {
        let value = 100 * share
        var decimals = value >= 10 ? 0 : 1
        var scaled = value
        while decimals < 6, scaled > 0, scaled < 1 {
            scaled *= 10
            decimals += 1
        }
        return DecimalText.trimmed(value, decimals: decimals) + " %"
    }
}
