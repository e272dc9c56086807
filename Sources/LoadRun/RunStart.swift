import Datagrams
import UDPTransport

/// T0: the instant that every time of a run counts from, on both clocks.
package struct RunStart: Sendable {
    package var monotonic: MonotonicInstant
    package var wall: WallInstant
    /// The two are the same instant to this much.
    package var uncertainty: Nanoseconds

    /// `lead` from now.
    init(in lead: Nanoseconds) {
        let pair = SystemClock.pair()
        monotonic = pair.monotonic + lead
        wall = WallInstant(nanoseconds: pair.wall.nanoseconds + lead.rawValue)
        uncertainty = pair.uncertainty
    }
}
