import Breakdown
import Datagrams
import Latency

/// `explain.json`: what `ExplainText` prints, for programs. Schema and version as in `RunFiles`.
package enum ExplainFile {
    package static func append(_ report: ExplainReport, to buffer: inout ByteBuffer) {
        let breakdown = report.breakdown
        let figures = ExplainFigures(breakdown)
        JSONValue.object([
            ("schema", .string("sipmeter explain")),
            ("schema_version", .count(RunFiles.schemaVersion)),
            ("verdict", .string(report.verdict)),
            ("advice", .array(report.advice.map { .string($0) })),
            ("sources", .array(breakdown.sources.indices.map { source($0, of: breakdown) })),
            ("clocks", .array(breakdown.clocks.map { .string($0) })),
            ("requests", requests(breakdown.tally)),
            ("total_us", total(breakdown, figures)),
            ("blocks", .array(breakdown.shares.map { block($0, of: breakdown) })),
            ("socket_wait", causes(figures.waits)),
            ("receive_to_send", causes(figures.work)),
            ("bursts", .array(breakdown.bursts.map(burst))),
            ("queues", queues(breakdown)),
            ("probe_cost", cost(report.cost)),
        ]).write(to: &buffer)
    }

    private static func source(_ index: Int, of breakdown: Breakdown) -> JSONValue {
        let source = breakdown.sources[index]
        let tally = breakdown.recordings.indices.contains(index) ? breakdown.recordings[index] : nil
        return .object([
            ("host", .string(source.host)),
            ("rung", .string(source.rung.key)),
            ("port", .count(UInt64(source.port))),
            ("share_recorded", .number(source.share, decimals: 6)),
            ("points", .array(source.coverage.map(point))),
            ("recording", tally.map(recording) ?? .null),
        ])
    }

    private static func point(_ coverage: TraceSource.Coverage) -> JSONValue {
        .object([
            ("point", .string(coverage.point.key)),
            ("quality", .string(coverage.quality.text)),
            ("reason", .string(coverage.reason)),
        ])
    }

    private static func recording(_ tally: TraceTally) -> JSONValue {
        .object([
            ("lasted_s", .seconds(tally.lasted)),
            ("records_lost", .count(tally.lost)),
            ("slot_misses", .count(tally.slotMisses)),
            ("stolen_us", .microseconds(tally.stolen)),
        ])
    }

    private static func requests(_ tally: Breakdown.Tally) -> JSONValue {
        .object([
            ("seen", .integer(Int64(tally.requests))),
            ("joined", .integer(Int64(tally.joined))),
            (
                "lacking",
                .object(tally.lacking.map { ($0.point.key, .integer(Int64($0.count))) })
            ),
            ("receive_drops", .integer(Int64(tally.receiveDrops))),
            ("dropped_and_sent_again", .integer(Int64(tally.requestsDropped))),
            ("sent_again", .integer(Int64(tally.sentAgain))),
            ("acks", .integer(Int64(tally.acks))),
            ("outside_of_a_recording", .integer(Int64(tally.outside))),
            ("records_unreadable", .integer(Int64(tally.unreadable))),
            ("records_not_kept", .integer(Int64(tally.unkept))),
        ])
    }

    private static func total(_ breakdown: Breakdown, _ figures: ExplainFigures) -> JSONValue {
        guard let total = figures.total else { return .null }
        return .object(
            [("count", .integer(Int64(breakdown.requests.count)))] + lengths(total, count: breakdown.requests.count))
    }

    /// As in `RunFiles.figures`: undefined of too few values.
    private static func lengths(_ lengths: ExplainFigures.Length, count: Int) -> [(String, JSONValue)] {
        let hasTail = UInt64(count) >= Percentile.p99.leastCount
        return [
            ("mean", .microseconds(lengths.mean)),
            ("sd", .microseconds(count > 1 ? lengths.sd : nil)),
            ("p50", .microseconds(lengths.p50)),
            ("p99", .microseconds(hasTail ? lengths.p99 : nil)),
            ("max", .microseconds(lengths.maximum)),
        ]
    }

    private static func block(_ share: BlockShare, of breakdown: Breakdown) -> JSONValue {
        let block = breakdown.blocks[share.block]
        let figures = ExplainFigures.Length(
            mean: share.mean, sd: share.sd, p50: share.p50, p99: share.p99, maximum: share.maximum)
        return .object([
            ("name", .string(block.name)),
            ("column", .string(block.columnName)),
            ("from", .string(block.from.key)),
            ("to", .string(block.to.key)),
            ("quality", .string(block.quality.text)),
            ("clock_uncertainty_us", .microseconds(block.clockUncertainty)),
            ("us", .object(lengths(figures, count: breakdown.requests.count))),
            ("share_of_mean", .number(share.ofMean, decimals: 6)),
            ("share_of_variance", .optional(share.ofVariance, decimals: 6)),
        ])
    }

    /// In `receive_to_send`, `busy` is work on the request itself.
    private static func causes(_ figures: CauseFigures) -> JSONValue {
        if figures.count == 0 { return .null }
        let hasTime = figures.sum > .zero
        return .object([
            ("requests", .integer(Int64(figures.count))),
            (
                "causes",
                .object(
                    WaitCause.allCases.map { cause in
                        (
                            cause.key,
                            .object([
                                ("mean_us", .microseconds(figures.time(cause) / Int64(figures.count))),
                                ("max_us", .microseconds(figures.longest[cause.rawValue])),
                                ("share", .optional(hasTime ? figures.share(cause) : nil, decimals: 6)),
                            ])
                        )
                    })
            ),
            (
                "behind_whom",
                .array(
                    figures.neighbours.map {
                        .object([("command", .string($0.name)), ("waited_us", .microseconds($0.time))])
                    })
            ),
            ("wake_to_run_us", RunFiles.figures(figures.wakeToRun)),
        ])
    }

    private static func burst(_ group: BurstGroup) -> JSONValue {
        .object([
            ("size", .integer(Int64(group.size))),
            ("bursts", .integer(Int64(group.bursts))),
            ("mean_wait_us", .microseconds(group.meanWait)),
            ("mean_wait_of_last_us", .microseconds(group.meanWaitOfLast)),
        ])
    }

    private static func queues(_ breakdown: Breakdown) -> JSONValue {
        .object(
            [QueueSample.Queue.tap, .socket].map { queue in
                guard let figures = QueueFigures(breakdown.queues, of: queue) else { return (queue.rawValue, .null) }
                return (
                    queue.rawValue,
                    .object([
                        ("sampled_at", .string(figures.event.rawValue)),
                        ("samples", .integer(Int64(figures.samples))),
                        ("mean", .number(figures.mean, decimals: 3)),
                        ("max", .count(UInt64(figures.maximum))),
                    ])
                )
            })
    }

    private static func cost(_ cost: ProbeCost) -> JSONValue {
        .object([
            ("per_request_us", .microseconds(cost.perRequest)),
            ("runs_per_request", .optional(cost.runsPerRequest, decimals: 3)),
            (
                "difference_us",
                cost.measured.map {
                    .object([
                        ("value", .microseconds($0.value)), ("from", .microseconds($0.low)),
                        ("to", .microseconds($0.high)), ("rounds", .integer(Int64($0.rounds))),
                        ("interval_percent", .count(95)),
                    ])
                } ?? .null
            ),
        ])
    }
}
