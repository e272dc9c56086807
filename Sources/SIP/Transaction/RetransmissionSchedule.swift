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
    package private(set) var givesUpAt: MonotonicInstant
    /// In whole microseconds, four bytes: there may be a hundred thousand schedules.
    private var microseconds: UInt32

    /// Length of the interval that ends at `next`, to the microsecond; past 71 minutes it stays there.
    package private(set) var interval: Nanoseconds {
        get { .microseconds(Int64(microseconds)) }
        set { microseconds = UInt32(clamping: newValue.rawValue / 1000) }
    }

    package enum Event: Sendable, Equatable {
        case notYet
        /// Send again; `due` is the instant of the schedule. `missed` instants passed while nobody looked, and nothing
        /// is sent for them.
        case retransmit(due: MonotonicInstant, missed: Int)
        case giveUp
    }

    package init(start: MonotonicInstant, t1: Nanoseconds) {
        microseconds = UInt32(clamping: t1.rawValue / 1000)
        givesUpAt = start + t1 * 64
        next = min(start + t1, givesUpAt)
    }

    /// The same end, and nothing sent again before it: over a reliable transport only timers B, F and H run.
    package static func givingUp(start: MonotonicInstant, t1: Nanoseconds) -> RetransmissionSchedule {
        var schedule = RetransmissionSchedule(start: start, t1: t1)
        schedule.wait(until: schedule.givesUpAt, length: t1 * 64)
        return schedule
    }

    /// - Parameter cap: T2, or nil for an INVITE, whose intervals double without a cap (RFC 3261, 17.1.1.2).
    package mutating func event(at now: MonotonicInstant, cap: Nanoseconds?) -> Event {
        if now < next { return .notYet }
        if next >= givesUpAt { return .giveUp }
        let due = next
        step(cap)
        // After a stall longer than the interval: one copy, not a burst of overdue ones.
        var missed = 0
        while next <= now, next < givesUpAt {
            step(cap)
            missed += 1
        }
        return .retransmit(due: due, missed: missed)
    }

    /// A provisional response to a non-INVITE request: the interval becomes T2 at once (RFC 3261, 17.1.2.2).
    package mutating func slowDown(to t2: Nanoseconds) { interval = t2 }

    /// Waits for one instant without sending anything again: a limit of `length`, which began to run earlier.
    package mutating func wait(until instant: MonotonicInstant, length: Nanoseconds) {
        interval = length
        next = instant
        givesUpAt = instant
    }

    private mutating func step(_ cap: Nanoseconds?) {
        interval = interval * 2
        if let cap { interval = min(interval, cap) }
        next = min(next + interval, givesUpAt)
    }
}
