import Datagrams

/// How far the clock of one capture point is ahead of the clock of the one before it on the path, as far as the traffic
/// itself can tell.
///
/// No datagram arrives before it was sent. So the least difference of the stamps of those travelling forth bounds the
/// offset from above, and of those travelling back from below:
///
///     -min(before - behind, travelling back)  ≤  offset  ≤  min(behind - before, travelling forth)
package struct ClockOffset: Sendable, Equatable {
    package enum Basis: Sendable, Equatable {
        /// The user says that both points have one clock.
        case asserted
        /// Zero lies within the bounds, so one clock explains all stamps.
        case compatible
        /// The middle of the bounds, as if both directions were equally fast at their best.
        case estimated
        /// The bounds contradict each other: the clocks drifted, or one was set.
        case contradictory
        /// Nothing travelled in one of the directions, or nothing at all.
        case unbounded
    }

    package var lower: Nanoseconds?
    package var upper: Nanoseconds?
    /// Taken off the stamps of the point behind.
    package var value: Nanoseconds
    package var basis: Basis

    /// How far off a one-way time through this pair can be. Nil: nothing is known.
    package var uncertainty: Nanoseconds? {
        switch basis {
        case .asserted: .zero
        case .compatible, .estimated, .contradictory:
            if let lower, let upper { max(absolute(upper - value), absolute(value - lower)) } else { nil }
        case .unbounded: nil
        }
    }

    private func absolute(_ length: Nanoseconds) -> Nanoseconds { max(length, -length) }

    package init(forth: Nanoseconds?, back: Nanoseconds?, isSameClock: Bool) {
        upper = forth
        lower = back.map { -$0 }
        value = .zero
        basis = .asserted
        if isSameClock { return }
        guard let lower, let upper else {
            // What little is known must not make a time negative.
            value = upper.map { min($0, .zero) } ?? lower.map { max($0, .zero) } ?? .zero
            basis = .unbounded
            return
        }
        if lower <= .zero, upper >= .zero {
            basis = .compatible
        } else {
            value = lower + (upper - lower) / 2
            basis = lower <= upper ? .estimated : .contradictory
        }
    }
}
