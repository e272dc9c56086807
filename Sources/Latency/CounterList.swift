import Observations

extension Counters {
    package typealias Path = WritableKeyPath<Counters, UInt64> & Sendable

    /// Every counter with the name it has in files. A test compares its length with the size of `Counters`.
    package static let list: [(name: String, path: any Path)] = [
        ("offered", \.offered), ("started", \.started), ("answered", \.answered), ("ok", \.ok), ("failed", \.failed),
        ("unsent", \.unsent), ("datagrams_sent", \.datagramsSent), ("datagrams_received", \.datagramsReceived),
        ("requests_retransmitted", \.requestsRetransmitted), ("responses_retransmitted", \.responsesRetransmitted),
        ("acks_repeated", \.acksRepeated), ("repeats_received", \.repeatsReceived),
        ("late_provisional", \.lateProvisional), ("unlisted_provisional", \.unlistedProvisional), ("stray", \.stray),
        ("malformed", \.malformed), ("auto_answered", \.autoAnswered), ("large_requests", \.largeRequests),
        ("receive_queue_drops", \.receiveQueueDrops), ("send_queue_full", \.sendQueueFull),
        ("send_errors", \.sendErrors), ("icmp_errors", \.icmpErrors),
        ("transmit_stamps_missing", \.transmitStampsMissing), ("receive_stamps_missing", \.receiveStampsMissing),
        ("clock_steps", \.clockSteps), ("media_skipped", \.mediaSkipped),
    ]

    package static func + (a: Counters, b: Counters) -> Counters { combine(a, b) { $0 &+ $1 } }

    /// What was counted between two snapshots. A counter that went backwards (it must not) reads as zero.
    package static func - (a: Counters, b: Counters) -> Counters { combine(a, b) { $0 > $1 ? $0 - $1 : 0 } }

    private static func combine(_ a: Counters, _ b: Counters, _ operation: (UInt64, UInt64) -> UInt64) -> Counters {
        var result = Counters()
        for (_, path) in list { result[keyPath: path] = operation(a[keyPath: path], b[keyPath: path]) }
        return result
    }
}
