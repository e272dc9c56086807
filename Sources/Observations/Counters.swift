import Datagrams

/// Everything counted since the run's start. A snapshot of it closes each second.
package struct Counters: Sendable, BitwiseCopyable, Equatable {
    // Calls
    /// Fell due.
    package var offered: UInt64 = 0
    package var started: UInt64 = 0
    /// Got a 2xx to their first request.
    package var answered: UInt64 = 0
    package var ok: UInt64 = 0
    /// Ended otherwise, `unsent` not counted.
    package var failed: UInt64 = 0
    package var unsent: UInt64 = 0

    // Datagrams
    package var datagramsSent: UInt64 = 0
    package var datagramsReceived: UInt64 = 0
    package var requestsRetransmitted: UInt64 = 0
    package var responsesRetransmitted: UInt64 = 0
    /// ACKs sent again for a repeated final response.
    package var acksRepeated: UInt64 = 0
    /// Repeats that arrived: requests or final responses already seen.
    package var repeatsReceived: UInt64 = 0
    /// Provisional responses after the final one: dropped (RFC 3261, 17.1.1.2).
    package var lateProvisional: UInt64 = 0
    /// Provisional responses the scenario does not mention: dropped.
    package var unlistedProvisional: UInt64 = 0
    /// SIP, but of no call or transaction of ours (RFC 6026, 8.4: dropped).
    package var stray: UInt64 = 0
    /// Not SIP, or broken.
    package var malformed: UInt64 = 0
    /// Requests in a call that the scenario does not mention, answered with 200 because the run asks for it.
    package var autoAnswered: UInt64 = 0
    /// Requests over 1300 bytes on UDP (RFC 3261, 18.1.1).
    package var largeRequests: UInt64 = 0

    // The kernel's word
    /// Datagrams the kernel dropped because our receive queue was full (SO_RXQ_OVFL).
    package var receiveQueueDrops: UInt64 = 0
    /// Sends refused because our send queue was full, and sent later.
    package var sendQueueFull: UInt64 = 0
    /// Sends that failed otherwise.
    package var sendErrors: UInt64 = 0
    package var icmpErrors: UInt64 = 0
    /// Transmit stamps asked for that never came, and datagrams received without a stamp while stamps were on.
    package var transmitStampsMissing: UInt64 = 0
    package var receiveStampsMissing: UInt64 = 0
    /// Times the wall clock, which packets are stamped with, was seen to be set.
    package var clockSteps: UInt64 = 0

    // Scenarios
    /// Media actions, which are accepted and not carried out.
    package var mediaSkipped: UInt64 = 0

    package init() {}
}

/// Closes one second of a run. `counters` are totals since the start; the reader takes differences.
package struct IntervalMark: Sendable, BitwiseCopyable {
    /// From the run's start.
    package var at: Nanoseconds
    package var counters: Counters
    package var open: UInt64
    /// CPU time of the sending thread since the run's start.
    package var cpu: Nanoseconds

    package init(at: Nanoseconds, counters: Counters, open: UInt64, cpu: Nanoseconds) {
        self.at = at
        self.counters = counters
        self.open = open
        self.cpu = cpu
    }
}

/// Counts between two marks, for whoever looks on while a run is on: totals since the start of one sending thread.
package struct Glance: Sendable, BitwiseCopyable {
    /// Which of the sending threads, from 0.
    package var worker: Int
    /// From the run's start.
    package var at: Nanoseconds
    package var counters: Counters
    package var open: UInt64
    /// Times of 100 ms and more that the thread's loop did not come round; the longest, and when it ended.
    package var stalls: UInt64
    package var longestStall: Nanoseconds
    package var longestStallEnded: Nanoseconds

    package init(
        worker: Int, at: Nanoseconds, counters: Counters, open: UInt64, stalls: UInt64 = 0,
        longestStall: Nanoseconds = .zero, longestStallEnded: Nanoseconds = .zero
    ) {
        self.worker = worker
        self.at = at
        self.counters = counters
        self.open = open
        self.stalls = stalls
        self.longestStall = longestStall
        self.longestStallEnded = longestStallEnded
    }
}

/// A response time the scenario itself names (`start_rtd`/`rtd`).
package struct NamedResponseTime: Sendable, BitwiseCopyable {
    package var call: UInt64
    /// Index into the scenario's list of names.
    package var name: UInt16
    package var stopped: Nanoseconds
    package var length: Nanoseconds

    package init(call: UInt64, name: UInt16, stopped: Nanoseconds, length: Nanoseconds) {
        self.call = call
        self.name = name
        self.stopped = stopped
        self.length = length
    }
}
