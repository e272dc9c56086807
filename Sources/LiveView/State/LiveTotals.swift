import Datagrams
import Latency
import Observations

/// A latency as Prometheus keeps it: how many values were at most as long as each edge.
package struct LatencyBuckets: Sendable, Equatable {
    /// From a tenth of a millisecond to what RFC 3261 waits for a response (64 x T1), three a decade.
    package static let edges: [Nanoseconds] = [
        .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1), .microseconds(2500),
        .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100),
        .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2500), .seconds(5), .seconds(10),
        .seconds(32),
    ]

    /// Cumulative, one an edge.
    package private(set) var counts = Array(repeating: UInt64(0), count: edges.count)
    package private(set) var count: UInt64 = 0
    package private(set) var seconds = 0.0

    package init() {}

    package init(_ histogram: borrowing LatencyHistogram) {
        counts = histogram.counts(upTo: Self.edges)
        count = histogram.count
        seconds = histogram.mean.map { $0 * Double(histogram.count) / 1e9 } ?? 0
    }

    static func + (a: LatencyBuckets, b: LatencyBuckets) -> LatencyBuckets {
        var sum = a
        for i in sum.counts.indices { sum.counts[i] += b.counts[i] }
        sum.count += b.count
        sum.seconds += b.seconds
        return sum
    }
}

/// What only ever grows while a command runs, over all its levels: a reader of counters takes a fall for a new start.
package struct LiveTotals: Sendable, Equatable {
    /// To requests of this method, with this status; 0: of more kinds than are told apart.
    package struct Responses: Hashable, Sendable {
        package var method: CallTag.Method
        package var status: UInt16
    }

    package var counters = Counters()
    package var outcomes: [CallOutcome: UInt64] = [:]
    package var responses: [Responses: UInt64] = [:]
    package var timers: [TimerName: UInt64] = [:]
    package var sessions = SessionMetrics()
    package var fromSent = LatencyBuckets()
    package var fromDue = LatencyBuckets()
    package var late = LatencyBuckets()
    package var cpu = Nanoseconds.zero

    package init() {}

    package init(_ recorder: borrowing LatencyRecorder) {
        counters = recorder.counters
        outcomes = recorder.outcomes
        timers = recorder.retransmissionsByTimer
        sessions = recorder.sessions
        fromSent = LatencyBuckets(recorder.rtt)
        fromDue = LatencyBuckets(recorder.rttFromDue)
        late = LatencyBuckets(recorder.late)
        cpu = recorder.load.cpu
    }

    package static func + (a: LiveTotals, b: LiveTotals) -> LiveTotals {
        var sum = a
        sum.counters = a.counters + b.counters
        sum.outcomes.merge(b.outcomes, uniquingKeysWith: +)
        sum.responses.merge(b.responses, uniquingKeysWith: +)
        sum.timers.merge(b.timers, uniquingKeysWith: +)
        sum.sessions.merge(b.sessions)
        sum.fromSent = a.fromSent + b.fromSent
        sum.fromDue = a.fromDue + b.fromDue
        sum.late = a.late + b.late
        sum.cpu += b.cpu
        return sum
    }
}
