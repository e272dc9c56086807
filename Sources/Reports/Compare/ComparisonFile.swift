import Comparison
import Datagrams
import Latency

/// `compare.json`.
package enum ComparisonFile {
    package static func append(_ reports: [ComparisonReport], to buffer: inout ByteBuffer) {
        JSONValue.object([
            ("schema", .string("sipmeter comparison")), ("schema_version", .count(1)),
            ("levels", .array(reports.map(json))),
        ]).write(to: &buffer)
    }

    private static func json(_ report: ComparisonReport) -> JSONValue {
        .object([
            ("level", report.level.map { .string($0) } ?? .null),
            ("first", run(report.first)),
            ("compared", .array(report.pairs.map { pair(report.first, $0) })),
        ])
    }

    private static func run(_ run: ComparisonReport.Run) -> JSONValue {
        .object([
            ("name", .string(run.name)), ("directory", .string(run.directory)),
            ("verdict", run.summary?["verdict"]?["level"] ?? .null),
            ("runs", run.repeats.isEmpty ? .null : .array(run.repeats.map(repeated))),
        ])
    }

    private static func repeated(_ run: ComparisonReport.Repeat) -> JSONValue {
        .object(
            [
                ("directory", .string(run.directory)), ("verdict", run.summary?["verdict"]?["level"] ?? .null),
                ("calls", .count(UInt64(run.figures.sent))),
            ]
                + ComparedMetric.allCases.map { metric in
                    (metric.name, number(metric, run.figures[metric]))
                })
    }

    /// Times in microseconds, shares as they are.
    private static func number(_ metric: ComparedMetric, _ value: Double?) -> JSONValue {
        .optional(value.map { $0 * (metric.isTime ? 1e-3 : 1) }, decimals: 6)
    }

    private static func basis(_ basis: RunComparison.Basis) -> [(String, JSONValue)] {
        switch basis {
        case .values: [("basis", .string("none: too few calls"))]
        case .blocks(let calls, let a, let b):
            [
                ("basis", .string("blocks")), ("block_calls", .count(calls)),
                ("blocks", .array([.count(UInt64(a)), .count(UInt64(b))])),
            ]
        case .runs(let a, let b):
            [("basis", .string("runs")), ("runs", .array([.count(UInt64(a)), .count(UInt64(b))]))]
        }
    }

    private static func pair(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> JSONValue {
        let comparison = pair.comparison
        let sentences = ComparisonSentences(name: pair.run.name)
        return .object(
            [
                ("run", run(pair.run)),
                (
                    "run_otherwise",
                    .array(
                        pair.differences.items.map {
                            .object([("path", .string($0.path)), ("first", .string($0.a)), ("this", .string($0.b))])
                        })
                ),
                ("notes", .array(ComparisonDoubts.sentences(first, pair).map { .string($0) })),
            ] + basis(comparison.basis) + [
                ("metrics", .array(comparison.rows.map { row($0, sentences) })),
                (
                    "rules",
                    .array(
                        pair.rules.map {
                            .object([
                                ("rule", .string($0.rule.text)), ("passed", .bool($0.outcome == .passed)),
                                ("sentence", .string($0.sentence)),
                            ])
                        })
                ),
            ])
    }

    private static func row(_ row: RunComparison.Row, _ sentences: ComparisonSentences) -> JSONValue {
        func number(_ value: Double?) -> JSONValue { Self.number(row.metric, value) }
        return .object([
            ("metric", .string(row.metric.name)), ("unit", .string(row.metric.isTime ? "us" : "per call")),
            ("first", number(row.a)), ("this", number(row.b)), ("difference", number(row.difference?.value)),
            ("difference_half_95", number(row.difference?.half)),
            ("ratio", .optional(row.ratio?.value, decimals: 6)),
            ("ratio_half_95", .optional(row.ratio?.half, decimals: 6)),
            ("chance", .optional(row.chance, decimals: 6)), ("shown", .bool(row.isShown)),
            ("sentence", .string(sentences.sentence(row))),
        ])
    }
}
