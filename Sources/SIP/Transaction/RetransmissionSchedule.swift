import Datagrams

/// When one message goes out again: T1 after the first sending, then at doubling intervals up to a cap, and when to give
/// up (64 x T1 after the first sending).
///
///     INVITE (timer A, B)      0   0.5   1.5   3.5   7.5   15.5           31.5 | 32 s
///     others (E, F; G, H; 2xx) 0   0.5   1.5   3.5   7.5   11.5 15.5 ...  31.5 | 32 s
///
/// Every instant is the previous *instant* plus the interval, never the moment the timer was noticed: a late loop must
/// not stretch the schedule.
package struct RetransmissionSchedule: Sendable, BitwiseCopyable {
    /// The next instant, of a retransmission or of giving up.
    package private(set) var next: MonotonicInstant
    package let givesUpAt: MonotonicInstant
    private var interval: Nanoseconds
    private let cap: Nanoseconds
    /// Instants that passed while nobody looked, and at which therefore nothing was sent.
    package private(set) var missed: UInt32 = 0

    package enum Event: Sendable, Equatable {
        case notYet
        /// Send again; `due` is the instant of the schedule.
        case retransmit(due: MonotonicInstant)
        case giveUp
    }

    /// - Parameter cap: T2, or nil for an INVITE, whose intervals double without a cap (RFC 3261, 17.1.1.2).
    package init(start: MonotonicInstant, t1: Nanoseconds, cap: Nanoseconds?) {
        interval = t1
        self.cap = cap ?? Nanoseconds(.max)
        givesUpAt = start + t1 * 64
        next = min(start + t1, givesUpAt)
    }

    package mutating func event(at now: MonotonicInstant) -> Event {
        if now < next { return .notYet }
        if next >= givesUpAt { return .giveUp }
        let due = next
        step()
        // After a stall longer than the interval: one copy, not a burst of overdue ones.
        while next <= now, next < givesUpAt {
            step()
            missed += 1
        }
        return .retransmit(due: due)
    }

    /// A provisional response to a non-INVITE request: the interval becomes T2 at once (RFC 3261, 17.1.2.2).
    package mutating func slowDown(to t2: Nanoseconds) { interval = t2 }

    private mutating func step() {
        interval = min(interval * 2, cap)
        next = min(next + interval, givesUpAt)
    }
}
