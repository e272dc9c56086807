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
        ])
    }

    private static func pair(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> JSONValue {
        let comparison = pair.comparison
        let sentences = ComparisonSentences(name: pair.run.name)
        return .object([
            ("run", run(pair.run)),
            (
                "run_otherwise",
                .array(
                    pair.differences.items.map {
                        .object([("path", .string($0.path)), ("first", .string($0.a)), ("this", .string($0.b))])
                    })
            ),
            ("notes", .array(ComparisonDoubts.sentences(first, pair).map { .string($0) })),
            ("block_calls", .count(comparison.blockCalls)),
            ("blocks", .array([.count(UInt64(comparison.blocks.a)), .count(UInt64(comparison.blocks.b))])),
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

    /// Times in microseconds, shares as they are.
    private static func row(_ row: RunComparison.Row, _ sentences: ComparisonSentences) -> JSONValue {
        let scale = row.metric.isTime ? 1e-3 : 1
        func number(_ value: Double?) -> JSONValue { .optional(value.map { $0 * scale }, decimals: 6) }
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
