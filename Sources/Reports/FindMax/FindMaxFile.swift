import Datagrams
import Latency
import MaximumSearch

/// `summary.json` of a search, and the fields its manifest adds.
package enum FindMaxFile {
    package static func appendSummary(_ report: SearchReport, to buffer: inout ByteBuffer) {
        JSONValue.object(members(report)).write(to: &buffer)
    }

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

    private static func testBed(_ baseline: Baseline) -> [(String, JSONValue)] {
        switch baseline {
        case .measured(let rate, let above):
            [("rate_cps", .number(rate, decimals: 3)), ("not_cps", .optional(above, decimals: 3))]
        case .unknown(let why): [("rate_cps", .null), ("unknown_because", .string(why))]
        }
    }

    private static func isLowerBound(_ ending: Answer.Ending) -> Bool {
        switch ending {
        case .found, .converged: false
        case .nothingPassed, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted, .targetLost: true
        }
    }

    private static func name(_ ending: Answer.Ending) -> String {
        switch ending {
        case .found: "found"
        case .converged: "converged"
        case .nothingPassed: "nothing passed"
        case .ceilingReached: "highest rate reached"
        case .generatorInTheWay: "generator in the way"
        case .tooManyTrials: "too many trials"
        case .interrupted: "interrupted"
        case .targetLost: "target lost"
        }
    }
}
