import Datagrams
import UDPTransport

/// Turns the kernel's stamps into instants of the loop's own clock, by a clock pair that is never older than a tenth of a
/// second when something is read.
struct StampClock {
    /// Times the wall clock was seen to be set.
    private(set) var steps: UInt64 = 0
    private var pair = SystemClock.pair()
    private var renewAt: MonotonicInstant

    /// Five readings of both clocks take half a microsecond.
    private static let lifetime = Nanoseconds.milliseconds(100)

    init(at now: MonotonicInstant) { renewAt = now + Self.lifetime }

    mutating func keepUp(at now: MonotonicInstant) { if now >= renewAt { renew(at: now) } }

    /// Nil for a stamp that lies ahead of the moment it is read: the wall clock was set since.
    mutating func instant(of stamp: WallInstant, notAfter now: MonotonicInstant) -> MonotonicInstant? {
        let instant = pair.monotonic(stamp)
        if instant <= now { return instant }
        if instant - now <= pair.uncertainty + ClockPair.tolerance { return now }
        renew(at: now)
        return nil
    }

    private mutating func renew(at now: MonotonicInstant) {
        let newer = SystemClock.pair()
        if pair.step(to: newer) != .zero { steps += 1 }
        pair = newer
        renewAt = now + Self.lifetime
    }
}
