import Datagrams
import Latency
import Observations
import Reports

/// `/api/state` and the events of `/api/events`: the state as JSON. The members are described in docs/live.md.
package enum LiveStateFile {
    /// Changes when a member changes its meaning or goes, not when one is added.
    static let schemaVersion: UInt64 = 1

    /// Everything, with the whole history.
    package static func state(_ state: LiveState) -> [UInt8] {
        let history = JSONValue.array(state.history.points.map(point))
        return line(
            .object(
                members(state) + [
                    ("history_grain_s", .integer(Int64(state.history.grain))),
                    ("history_columns", .array(columns.map { .string($0.name) })), ("history", history),
                ]))
    }

    /// As once a second: everything but the history, and of that the last second.
    package static func event(_ state: LiveState) -> String {
        let last = state.history.recent.last.map(point) ?? .null
        return String(decoding: line(.object(members(state) + [("point", last)])), as: UTF8.self)
    }

    private static func line(_ value: JSONValue) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 1 << 13)
        value.writeOnOneLine(to: &buffer)
        return Array(buffer.storage[..<buffer.count])
    }

    private static func members(_ state: LiveState) -> [(String, JSONValue)] {
        [
            ("schema", .string("sipmeter live")), ("schema_version", .count(schemaVersion)),
            ("version", .count(state.version)), ("phase", .string(state.phase.rawValue)),
            ("verdict", verdict(state.verdict)), ("run", run(state)), ("level", level(state)),
            ("calls", calls(state)), ("rates_cps", rates(state)), ("last_second_us", lastSecond(state)),
            ("whole_run_us", wholeRun(state)), ("rfc6076", sessions(state)),
            (
                "final_statuses",
                .object((state.summary?.finalStatuses ?? []).map { ("\($0.status)", .count($0.count)) })
            ),
            ("retransmissions", retransmissions(state)), ("generator", generator(state)),
            ("changes", .array(state.changes.map(change))),
            ("failures", .array(state.failures.suffix(20).map(failure))),
            ("levels", .array(state.levels.map(result))),
        ]
    }

    private static func verdict(_ verdict: Verdict?) -> JSONValue {
        guard let verdict else { return .null }
        return .object([
            ("level", .string(verdict.level.text)), ("evidence", .array(verdict.evidence.map { .string($0) })),
        ])
    }

    private static func run(_ state: LiveState) -> JSONValue {
        let subject = state.subject
        return .object([
            ("command", .string(subject.command)), ("target", .string(subject.target)),
            ("transport", .string(subject.transport)), ("scenario", .string(subject.scenario)),
            ("traits", .array(subject.traits.map { .string($0) })),
            ("notes", .array(subject.notes.map { .string($0) })),
            ("workers", .integer(Int64(subject.workers))), ("sipmeter_version", .string(subject.version)),
        ])
    }

    private static func level(_ state: LiveState) -> JSONValue {
        let level = state.level
        return .object([
            ("number", .integer(Int64(level.number))), ("count", level.count.map { .integer(Int64($0)) } ?? .null),
            ("rate_cps", .number(level.rate, decimals: 6)), ("rate_now_cps", .optional(state.rate, decimals: 6)),
            ("users", level.users.map { .integer(Int64($0)) } ?? .null), ("duration_s", .seconds(level.duration)),
            ("call_limit", level.callLimit.map { .count($0) } ?? .null), ("elapsed_s", .seconds(state.elapsed)),
            ("first_request", .string(level.firstRequest)),
        ])
    }

    private static func calls(_ state: LiveState) -> JSONValue {
        let counters = state.counters
        return .object([
            ("offered", .count(counters.offered)), ("started", .count(counters.started)),
            ("answered", .count(counters.answered)), ("ok", .count(counters.ok)), ("failed", .count(counters.failed)),
            ("unsent", .count(counters.unsent)), ("open", .count(state.open)), ("open_peak", .count(state.peakOpen)),
            ("outcomes", .object((state.summary?.outcomes ?? []).map { ($0.outcome.text, .count($0.count)) })),
        ])
    }

    private static func rates(_ state: LiveState) -> JSONValue {
        guard let row = state.second, row.length > .zero else { return .null }
        func rate(_ count: UInt64) -> JSONValue { .number(Double(count) / row.length.seconds, decimals: 3) }
        return .object([
            ("offered", rate(row.counts.offered)), ("started", rate(row.counts.started)),
            ("answered", rate(row.counts.answered)), ("done", rate(row.counts.ok + row.counts.failed)),
        ])
    }

    private static func lastSecond(_ state: LiveState) -> JSONValue {
        guard let row = state.second else { return .null }
        return .object([
            ("rtt", RunFiles.figures(row.rtt)), ("rtt_from_due", RunFiles.figures(row.rttFromDue)),
            ("late", RunFiles.figures(row.late)),
        ])
    }

    private static func wholeRun(_ state: LiveState) -> JSONValue {
        guard let summary = state.summary else { return .null }
        return .object([
            ("rtt", RunFiles.figures(summary.rtt)), ("rtt_from_due", RunFiles.figures(summary.rttFromDue)),
            ("ringing", RunFiles.figures(summary.ringing)), ("answer", RunFiles.figures(summary.answer)),
            ("bye", RunFiles.figures(summary.bye)), ("late", RunFiles.figures(summary.late)),
        ])
    }

    private static func sessions(_ state: LiveState) -> JSONValue {
        let sessions = state.summary?.sessions ?? SessionMetrics()
        return .object([
            ("ser", RunFiles.ratio(sessions.ser)), ("seer", RunFiles.ratio(sessions.seer)),
            ("isa", RunFiles.ratio(sessions.isa)), ("scr", RunFiles.ratio(sessions.scr)),
        ])
    }

    private static func retransmissions(_ state: LiveState) -> JSONValue {
        .object([
            ("requests", .count(state.counters.requestsRetransmitted)), ("acks", .count(state.counters.acksRepeated)),
            ("received_again", .count(state.counters.repeatsReceived)),
            (
                "by_timer",
                .object((state.summary?.retransmissionsByTimer ?? []).map { ("\($0.timer.text)", .count($0.count)) })
            ),
        ])
    }

    private static func generator(_ state: LiveState) -> JSONValue {
        let counters = state.counters
        return .object([
            ("cpu_percent", .optional(state.second?.cpuPercent, decimals: 1)),
            ("receive_queue_drops", .count(counters.receiveQueueDrops)),
            ("send_queue_full", .count(counters.sendQueueFull)), ("send_errors", .count(counters.sendErrors)),
            ("stray", .count(counters.stray)), ("malformed", .count(counters.malformed)),
            ("icmp_errors", .count(counters.icmpErrors)),
        ])
    }

    private static func change(_ change: LoadChange) -> JSONValue {
        .object([("at_s", .seconds(change.at)), ("text", .string(change.text))])
    }

    private static func failure(_ failure: LiveFailure) -> JSONValue {
        .object([
            ("level", .integer(Int64(failure.level))), ("at_s", .seconds(failure.at)), ("call", .count(failure.call)),
            ("call_id", .string(failure.callID)), ("outcome", .string(failure.outcome)),
            ("sentence", .string(failure.sentence)),
        ])
    }

    private static func result(_ result: LiveState.LevelResult) -> JSONValue {
        .object([
            ("number", .integer(Int64(result.level.number))), ("rate_cps", .number(result.level.rate, decimals: 6)),
            ("verdict", verdict(result.verdict)), ("ok", .count(result.ok)), ("failed", .count(result.failed)),
            ("requests_sent_again", .count(result.retransmissions)), ("rtt_us", RunFiles.figures(result.rtt)),
        ])
    }

    // MARK: the history

    private static let columns: [(name: String, value: @Sendable (LivePoint) -> JSONValue)] = [
        ("at_s", { .number($0.at.seconds, decimals: 3) }), ("length_s", { .number($0.length.seconds, decimals: 3) }),
        ("level", { .integer(Int64($0.level)) }), ("offered", { .count($0.offered) }),
        ("started", { .count($0.started) }),
        ("answered", { .count($0.answered) }), ("ok", { .count($0.ok) }), ("failed", { .count($0.failed) }),
        ("resent", { .count($0.resent) }), ("open", { .count($0.open) }), ("p50_us", { .microseconds($0.p50) }),
        ("p90_us", { .microseconds($0.p90) }), ("p99_us", { .microseconds($0.p99) }),
        ("max_us", { .microseconds($0.max) }),
        ("p99_from_due_us", { .microseconds($0.p99FromDue) }), ("late_p99_us", { .microseconds($0.lateP99) }),
        ("late_max_us", { .microseconds($0.lateMax) }), ("cpu_percent", { .optional($0.cpuPercent, decimals: 1) }),
    ]

    private static func point(_ point: LivePoint) -> JSONValue { .array(columns.map { $0.value(point) }) }
}
