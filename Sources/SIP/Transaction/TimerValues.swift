import Datagrams

/// The base values of RFC 3261's timers (table 4) and those derived from them.
package struct TimerValues: Sendable, Equatable, BitwiseCopyable {
    /// Round-trip estimate; first retransmission interval.
    package var t1: Nanoseconds
    /// Longest retransmission interval of non-INVITE requests and of final responses to INVITE.
    package var t2: Nanoseconds
    /// How long a message may live in the network.
    package var t4: Nanoseconds

    package init(
        t1: Nanoseconds = .milliseconds(500), t2: Nanoseconds = .seconds(4), t4: Nanoseconds = .seconds(5)
    ) {
        self.t1 = t1
        self.t2 = t2
        self.t4 = t4
    }

    /// Timers B, F, H, L and M, and on UDP D and J: 64 x T1, 32 s by default.
    package var transactionTimeout: Nanoseconds { t1 * 64 }
}
