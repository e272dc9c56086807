/// The two clocks read together: what CLOCK_REALTIME showed when CLOCK_MONOTONIC showed this.
///
/// The kernel stamps packets with the wall clock, everything else here is monotonic. Only through a pair does one become
/// the other. Both clocks are slewed alike, so a pair holds until somebody sets the wall clock: `step(to:)` tells.
package struct ClockPair: Sendable, BitwiseCopyable, Equatable {
    package var wall: WallInstant
    package var monotonic: MonotonicInstant
    /// The wall clock was read at most this far from `monotonic`, either way.
    package var uncertainty: Nanoseconds

    package init(wall: WallInstant, monotonic: MonotonicInstant, uncertainty: Nanoseconds) {
        self.wall = wall
        self.monotonic = monotonic
        self.uncertainty = uncertainty
    }

    package func monotonic(_ instant: WallInstant) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: monotonic.nanoseconds + (instant.nanoseconds - wall.nanoseconds))
    }

    /// How far the wall clock was set between this pair and a later one. Zero where what the two readings leave open,
    /// and `tolerance`, explain the difference.
    package func step(to later: ClockPair) -> Nanoseconds {
        let moved = Nanoseconds(
            (later.wall.nanoseconds - wall.nanoseconds) - (later.monotonic.nanoseconds - monotonic.nanoseconds))
        let explained = uncertainty + later.uncertainty + Self.tolerance
        return moved > explained || moved < -explained ? moved : .zero
    }

    /// A step smaller than this would not show in an RTT given in microseconds.
    package static let tolerance = Nanoseconds.microseconds(5)
}
