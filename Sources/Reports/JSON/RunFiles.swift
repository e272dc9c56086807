import Datagrams
import Latency
import Observations

/// `summary.json` and `manifest.json`. A reader checks `schema` and `schema_version` first; a version changes when a
/// member changes its meaning or goes, not when one is added.
package enum RunFiles {
    package static let schemaVersion: UInt64 = 1

    package static func appendManifest(_ fields: [(String, JSONValue)], to buffer: inout ByteBuffer) {
        let head: [(String, JSONValue)] = [
            ("schema", .string("sipmeter manifest")), ("schema_version", .count(schemaVersion)),
        ]
        JSONValue.object(head + fields).write(to: &buffer)
    }

    /// `more`: members of a kind of run that others have not.
    package static func appendSummary(
        _ summary: RunSummary, adding more: [(String, JSONValue)] = [], to buffer: inout ByteBuffer
    ) {
        JSONValue.object(members(of: summary) + more).write(to: &buffer)
    }

    package static func json(of summary: RunSummary) -> JSONValue { .object(members(of: summary)) }

    private static func members(of summary: RunSummary) -> [(String, JSONValue)] {
        [
            ("schema", .string("sipmeter summary")),
            ("schema_version", .count(schemaVersion)),
            (
                "verdict",
                .object([
                    ("level", .string(summary.verdict.level.text)),
                    ("evidence", .array(summary.verdict.evidence.map { .string($0) })),
                ])
            ),
            ("notes", .array(summary.notes.map { .string($0) })),
        ] + ThresholdFile.members(of: summary) + [
            ("run", run(summary)),
            ("calls", calls(summary)),
            ("response_times_us", responseTimes(summary)),
            ("split_us", .object(summary.split.parts.map { ($0.name, figures($0.figures)) })),
            ("call_tag_effect", summary.tagEffect.map(TagEffectReport.json) ?? .null),
            ("rfc6076", sessionMetrics(summary)),
            ("final_statuses", .object(summary.finalStatuses.map { ("\($0.status)", .count($0.count)) })),
            ("retransmissions", retransmissions(summary)),
            ("generator", generator(summary)),
            ("counters", .object(Counters.list.map { ($0.name, .count(summary.counters[keyPath: $0.path])) })),
        ]
    }

    private static func run(_ summary: RunSummary) -> JSONValue {
        let conditions = summary.conditions
        return .object([
            ("scenario", .string(conditions.scenario)),
            ("target", .string(conditions.target)),
            ("transport", .string(conditions.transport)),
            ("first_request", .string(conditions.firstRequest)),
            ("offered_rate_cps", .optional(conditions.rate, decimals: 3)),
            ("achieved_rate_cps", .optional(summary.achievedRate, decimals: 3)),
            ("offered_for_s", .seconds(conditions.offeredFor)),
            ("started_for_s", .seconds(summary.startedFor)),
            ("lasted_s", .seconds(conditions.lasted)),
            ("t1_s", .seconds(conditions.t1)),
            ("workers", .integer(Int64(conditions.workers))),
            ("changes", .array(conditions.changes.map(change))),
        ])
    }

    private static func change(_ change: LoadChange) -> JSONValue {
        let what: [(String, JSONValue)] =
            switch change.kind {
            case .rate(let rate): [("what", .string("rate")), ("rate_cps", .number(rate, decimals: 6))]
            case .pause: [("what", .string("pause"))]
            case .resume: [("what", .string("resume"))]
            }
        return .object([("at_s", .seconds(change.at))] + what)
    }

    private static func calls(_ summary: RunSummary) -> JSONValue {
        let counters = summary.counters
        return .object([
            ("scheduled", summary.conditions.scheduled.map { .count($0) } ?? .null),
            ("offered", .count(counters.offered)),
            ("started", .count(counters.started)),
            ("answered", .count(counters.answered)),
            ("ok", .count(counters.ok)),
            ("failed", .count(counters.failed)),
            ("unsent", .count(counters.unsent)),
            ("outcomes", .object(summary.outcomes.map { ($0.outcome.text, .count($0.count)) })),
        ])
    }

    private static func responseTimes(_ summary: RunSummary) -> JSONValue {
        .object([
            ("rtt", figures(summary.rtt)),
            ("rtt_from_due", figures(summary.rttFromDue)),
            ("rtt_without_retransmission", figures(summary.rttWithoutRetransmission)),
            ("rtt_tagged", figures(summary.rttTagged)),
            ("rtt_untagged", figures(summary.rttUntagged)),
            ("trying", figures(summary.trying)),
            ("ringing", figures(summary.ringing)),
            ("answer", figures(summary.answer)),
            ("bye", figures(summary.bye)),
            ("late", figures(summary.late)),
            ("rtt_with_kernel_clock", .count(summary.rttByKernelClock)),
            ("named", .object(summary.named.map { ($0.name, figures($0.figures)) })),
        ])
    }

    private static func sessionMetrics(_ summary: RunSummary) -> JSONValue {
        let sessions = summary.sessions
        return .object([
            ("ser", ratio(sessions.ser)),
            ("seer", ratio(sessions.seer)),
            ("isa", ratio(sessions.isa)),
            ("scr", ratio(sessions.scr)),
            ("srd_us", figures(summary.srd)),
            ("srd_failed_us", figures(summary.srdFailed)),
            ("sdd_us", figures(summary.sdd)),
            ("sdd_failed_us", figures(summary.sddFailed)),
            ("sdt_us", figures(summary.sdt)),
        ])
    }

    private static func retransmissions(_ summary: RunSummary) -> JSONValue {
        .object([
            ("requests", .count(summary.counters.requestsRetransmitted)),
            ("responses", .count(summary.counters.responsesRetransmitted)),
            ("calls_affected", .count(summary.callsWithRetransmission)),
            (
                "by_timer",
                .object(summary.retransmissionsByTimer.map { ($0.timer.text.description, .count($0.count)) })
            ),
        ])
    }

    private static func generator(_ summary: RunSummary) -> JSONValue {
        .object([
            ("cpu_mean_percent", .optional(summary.load.meanPercent, decimals: 1)),
            ("cpu_peak_percent", .optional(summary.load.peakPercent, decimals: 1)),
            ("seconds_observed", .count(summary.load.seconds)),
            ("seconds_busy", .count(summary.load.busySeconds)),
            ("disturbances", summary.conditions.disturbances.map(disturbances) ?? .null),
        ])
    }

    private static func disturbances(_ disturbances: Disturbances) -> JSONValue {
        .object([
            ("longest_stall_us", .microseconds(disturbances.longestStall)),
            ("longest_stall_ended_s", .seconds(disturbances.longestStallEnded)),
            ("stalls_of_100_ms", .count(disturbances.stalls)),
            ("waited_for_cpu_us", .microseconds(disturbances.waitedForCPU)),
            ("involuntary_switches", disturbances.involuntarySwitches.map { .count($0) } ?? .null),
            ("stolen_us", .microseconds(disturbances.stolen)),
            ("stolen_percent", .optional(disturbances.stolenShare.map { 100 * $0 }, decimals: 3)),
            ("suspended_s", .seconds(disturbances.suspended)),
        ])
    }

    package static func figures(_ figures: LatencyFigures) -> JSONValue {
        .object([
            ("count", .count(figures.count)),
            ("min", .microseconds(figures.min)),
            ("mean", .microseconds(figures.mean)),
            ("sd", .microseconds(figures.sd)),
            ("p50", .microseconds(figures.p50)),
            ("p90", .microseconds(figures.p90)),
            ("p95", .microseconds(figures.p95)),
            ("p99", .microseconds(figures.p99)),
            ("p999", .microseconds(figures.p999)),
            ("max", .microseconds(figures.max)),
        ])
    }

    package static func ratio(_ ratio: Ratio) -> JSONValue {
        .object([
            ("percent", .optional(ratio.percent, decimals: 4)),
            ("numerator", .count(ratio.numerator)),
            ("denominator", .count(ratio.denominator)),
        ])
    }
}
