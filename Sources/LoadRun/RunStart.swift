import Datagrams
import Latency
import UDPTransport

/// T0: the instant that every time of a run counts from, on both clocks.
package struct RunStart: Sendable {
    package var monotonic: MonotonicInstant
    package var wall: WallInstant
    /// The two are the same instant to this much.
    package var uncertainty: Nanoseconds
    /// It was asked for, and not chosen here.
    package var isAsked = false
    /// When this process begins to place calls: later than the start where it joins late.
    package private(set) var begin: MonotonicInstant

    /// `lead` from now.
    init(in lead: Nanoseconds) {
        let pair = SystemClock.pair()
        monotonic = pair.monotonic + lead
        wall = WallInstant(nanoseconds: pair.wall.nanoseconds + lead.rawValue)
        uncertainty = pair.uncertainty
        begin = monotonic
    }

    /// At an instant of the wall clock, as that stands now.
    init(at instant: WallInstant) {
        let pair = SystemClock.pair()
        monotonic = pair.monotonic(instant)
        wall = instant
        uncertainty = pair.uncertainty
        isAsked = true
        begin = monotonic
    }

    /// Nothing falls due before `now`.
    mutating func put(off now: MonotonicInstant) { begin = max(begin, now) }

    /// How late this process joins; zero where it is in time.
    var lateness: Nanoseconds { begin - monotonic }

    /// A process that joins later than this is refused unless it was told to: that is no slow machine but a wrong time, or
    /// a queue that held the job back.
    static let mostLateness = Nanoseconds.seconds(1)

    /// What to say of a process that would join a run of `instant` too late. Nil: it may.
    package static func refusal(_ instant: WallInstant) -> String? {
        RunStart(at: instant).refusal(at: SystemClock.monotonic())
    }

    func refusal(at now: MonotonicInstant) -> String? {
        let late = now - monotonic
        guard late > Self.mostLateness else { return nil }
        return
            "--start-at \(RunDirectory.utc(wall)) was \(DecimalText.trimmed(late.seconds, decimals: late > .seconds(60) ? 0 : 1)) s ago; give a "
            + "time to come (it is \(RunDirectory.utc(SystemClock.wall()))), or --join-late to leave out what was due before"
    }
}
