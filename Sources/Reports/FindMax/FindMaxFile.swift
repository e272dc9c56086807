import Datagrams
import Latency
import MaximumSearch

/// `summary.json` of a search, and the fields its manifest adds.
package enum FindMaxFile {
    package static func appendSummary(_ report: SearchReport, to buffer: inout ByteBuffer) {
        json(of: report).write(to: &buffer)
    }

    static func json(of report: SearchReport) -> JSONValue { .object(members(report)) }

    private static func members(_ report: SearchReport) -> [(String, JSONValue)] {
        let (verdict, answer) = (report.verdict, report.answer)
        return [
            ("schema", .string("sipmeter find-max")), ("schema_version", .count(RunFiles.schemaVersion)),
            (
                "verdict",
                .object([
                    ("level", .string(verdict.level.text)),
                    ("evidence", .array(verdict.evidence.map { .string($0) })),
                ])
            ),
            ("notes", .array((report.notes + verdict.notes).map { .string($0) })),
            (
                "result",
                .object([
                    ("ending", .string(name(answer.ending))),
                    ("ending_rate_cps", .optional(detail(answer.ending).rate, decimals: 3)),
                    ("ending_because", detail(answer.ending).why.map { .string($0) } ?? .null),
                    ("rate_cps", .optional(answer.rate, decimals: 3)),
                    ("is_lower_bound", .bool(isLowerBound(answer.ending))),
                    ("resolution", .optional(report.resolution, decimals: 6)),
                    ("failing_rate_cps", .optional(answer.failing, decimals: 3)),
                    ("failing_because", .array(answer.reasons.map { .string($0) })),
                    ("confirmations", .count(UInt64(answer.confirmations))),
                    ("confirmation_attempts", report.confirmation.map { .count($0.attempts) } ?? .null),
                    ("confirmation_failed", report.confirmation.map { .count($0.failed) } ?? .null),
                    (
                        "failure_share_at_most",
                        .optional(
                            report.confirmation.map { ShareTest.upperBound($0.failed, of: $0.attempts) }, decimals: 9)
                    ),
                ])
            ),
            ("criteria", .object(criteria(report))),
            ("test_bed", .object(testBed(report.baseline))),
            (
                "at_low_rate",
                report.atLowRate.map {
                    .object([("attempts", .count($0.attempts)), ("failed", .count($0.failed))])
                } ?? .null
            ),
            ("method", .string(report.method)),
            ("target", .string(report.target)), ("transport", .string(report.transport)),
            ("scenario", .string(report.scenario)),
            ("trials", .count(UInt64(report.rows.count))), ("trials_spoilt", .count(UInt64(report.spoilt))),
            ("attempts", .count(report.attempts)), ("took_s", .seconds(report.took)),
        ]
    }

    package static func criteria(_ report: SearchReport) -> [(String, JSONValue)] {
        [
            ("failures_allowed", .number(report.criteria.failures, decimals: 9)),
            ("resent_allowed", .optional(report.criteria.resent, decimals: 9)),
            ("response_growth_allowed_s_per_s", .optional(report.criteria.growth, decimals: 9)),
            ("thresholds", .array(report.thresholds.map { .string($0) })),
        ]
    }

    package static func testBed(_ baseline: Baseline) -> [(String, JSONValue)] {
        switch baseline {
        case .measured(let rate, let above):
            [("rate_cps", .number(rate, decimals: 3)), ("not_cps", .optional(above, decimals: 3))]
        case .notKept(let lowest): [("rate_cps", .null), ("not_cps", .number(lowest, decimals: 3))]
        case .unknown(let why): [("rate_cps", .null), ("unknown_because", .string(why))]
        }
    }

    private static func isLowerBound(_ ending: Answer.Ending) -> Bool {
        switch ending {
        case .found, .converged: false
        case .nothingPassed, .slowCallsFail, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted,
            .targetLost, .cutOff:
            true
        }
    }

    private static func name(_ ending: Answer.Ending) -> String {
        switch ending {
        case .found: "found"
        case .converged: "converged"
        case .nothingPassed: "nothing passed"
        case .slowCallsFail: "slow calls fail"
        case .ceilingReached: "highest rate reached"
        case .generatorInTheWay: "generator in the way"
        case .tooManyTrials: "too many trials"
        case .interrupted: "interrupted"
        case .targetLost: "target lost"
        case .cutOff: "cut off"
        }
    }

    private static func detail(_ ending: Answer.Ending) -> (rate: Double?, why: String?) {
        switch ending {
        case .found, .converged, .nothingPassed, .slowCallsFail, .tooManyTrials, .interrupted: (nil, nil)
        case .ceilingReached(let rate): (rate, nil)
        case .generatorInTheWay(let rate, let why): (rate, why)
        case .targetLost(let why), .cutOff(let why): (nil, why)
        }
    }
}

// MARK: reading

extension FindMaxFile {
    /// A search as its files tell it: what was asked, what came of it, and every trial.
    /// - Parameter summary: nil: the search was killed. What is known then is what its rows say.
    package static func report(
        manifest: JSONValue, summary: JSONValue?, rows: [SearchReport.Row]
    ) -> SearchReport {
        let asked = manifest["find_max"]
        let method = summary?["method"]?.text ?? asked?["method"]?.text ?? "bisect"
        var report = SearchReport(
            method: method, criteria: criteria(summary?["criteria"] ?? asked),
            resolution: asked?["resolution"]?.double ?? summary?["result"]?["resolution"]?.double,
            target: summary?["target"]?.text ?? manifest["target"]?["asked"]?.text ?? "",
            transport: summary?["transport"]?.text ?? manifest["target"]?["transport"]?.text ?? "",
            scenario: summary?["scenario"]?.text ?? manifest["scenario"]?.text ?? "",
            baseline: baseline(summary?["test_bed"] ?? asked?["test_bed"]), answer: soFar(rows, method))
        report.rows = rows
        report.thresholds = (summary?["criteria"] ?? asked)?["thresholds"]?.texts ?? []
        guard let summary else {
            report.took = rows.reduce(.zero) { $0 + $1.result.took }
            return report
        }
        if let result = summary["result"] { report.answer = answer(result, trials: rows.count) }
        report.took = length(summary["took_s"]) ?? .zero
        let own = report.verdict.notes
        report.notes = (summary["notes"]?.texts ?? []).filter { !own.contains($0) }
        return report
    }

    private static func criteria(_ value: JSONValue?) -> Criteria {
        let usual = Criteria()
        return Criteria(
            failures: value?["failures_allowed"]?.double ?? usual.failures,
            resent: value?["resent_allowed"]?.double, growth: value?["response_growth_allowed_s_per_s"]?.double)
    }

    private static func baseline(_ value: JSONValue?) -> Baseline {
        if let rate = value?["rate_cps"]?.double { return .measured(rate: rate, above: value?["not_cps"]?.double) }
        if let lowest = value?["not_cps"]?.double { return .notKept(lowest: lowest) }
        return .unknown(value?["unknown_because"]?.text ?? "the search left no word of it")
    }

    private static func answer(_ result: JSONValue, trials: Int) -> Answer {
        let (rate, why) = (result["ending_rate_cps"]?.double ?? 0, result["ending_because"]?.text ?? "")
        let endings: [Answer.Ending] = [
            .found, .converged, .nothingPassed, .slowCallsFail, .ceilingReached(rate),
            .generatorInTheWay(rate: rate, why: why), .tooManyTrials(trials), .targetLost(why), .cutOff(why),
        ]
        return Answer(
            ending: endings.first { name($0) == result["ending"]?.text } ?? .interrupted,
            rate: result["rate_cps"]?.double, confirmations: Int(min(result["confirmations"]?.whole ?? 0, 1_000_000)),
            failing: result["failing_rate_cps"]?.double, reasons: result["failing_because"]?.texts ?? [])
    }

    /// What was known of a search that left rows and no answer.
    private static func soFar(_ rows: [SearchReport.Row], _ method: String) -> Answer {
        var (passed, failed) = (rows.filter { $0.decision.kind == .passes }, rows.filter { $0.decision.kind == .fails })
        // A bisection goes down from what failed; RFC 7502's search may have failed by chance, and come back.
        if method == "rfc7502" {
            let best = passed.map(\.trial.rate).max() ?? 0
            failed.removeAll { $0.trial.rate <= best }
        } else {
            // What failed once and passed when it was tried again had failed for a reason of its own.
            for again in passed where again.trial.phase == .recheck {
                failed.removeAll { $0.trial.rate <= again.trial.rate && $0.trial.number < again.trial.number }
            }
            let least = failed.map(\.trial.rate).min() ?? .infinity
            passed.removeAll { $0.trial.rate >= least }
        }
        let failing = failed.min { $0.trial.rate < $1.trial.rate }
        return Answer(
            ending: .interrupted, rate: passed.map(\.trial.rate).max(), failing: failing?.trial.rate,
            reasons: failing.map { [reason($0.decision.sentence)] } ?? [])
    }

    /// Without what came next.
    private static func reason(_ sentence: String) -> String {
        var text = sentence
        if text.hasPrefix("fails: ") { text.removeFirst("fails: ".count) }
        let next = ["half as much next", "down by the resolution", "found"]
        let at = text.lastIndex(of: ";").map { ($0, text[$0...].dropFirst(2)) }
        if let (end, last) = at,
            next.contains(String(last)) || last.hasSuffix(" now") || last.hasSuffix(" again")
                || last.hasSuffix(" confirmed")
        {
            text = String(text[..<end])
        }
        return text
    }

    private static func length(_ value: JSONValue?) -> Nanoseconds? {
        value?.double.flatMap { $0 >= 0 && $0 < 1e9 ? Nanoseconds(Int64($0 * 1e9)) : nil }
    }
}
