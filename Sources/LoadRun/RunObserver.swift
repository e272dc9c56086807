import Datagrams
import Latency
import Observations
import UserAgent

/// Who looks on while a level runs. But for `began` everything is called on the writing thread: the sending threads only
/// hand over a little more often what they hand over anyway.
package struct RunObserver: Sendable {
    /// How often the sending threads hand over what there is, with a glance at their counts.
    package var interval: Nanoseconds
    /// When the first call is due, and the method it begins with; before any of the others.
    package var began: @Sendable (MonotonicInstant, String) -> Void
    package var handed: @Sendable (borrowing Journal) -> Void
    /// Full seconds, with everything recorded until the last of them ended.
    package var closed: @Sendable ([IntervalRow], LatencyRecorder, Nanoseconds) -> Void

    package init(
        every interval: Nanoseconds, began: @escaping @Sendable (MonotonicInstant, String) -> Void,
        handed: @escaping @Sendable (borrowing Journal) -> Void,
        closed: @escaping @Sendable ([IntervalRow], LatencyRecorder, Nanoseconds) -> Void
    ) {
        self.interval = interval
        self.began = began
        self.handed = handed
        self.closed = closed
    }

    func began(_ start: MonotonicInstant, firstRequest: String) { began(start, firstRequest) }
    func closed(_ rows: [IntervalRow], _ recorder: LatencyRecorder, at: Nanoseconds) { closed(rows, recorder, at) }
}

extension LatencyRecorder {
    /// Of all sending threads of one run.
    static func sum(_ recorders: [LatencyRecorder]) -> LatencyRecorder {
        var sum = recorders[0]
        for recorder in recorders.dropFirst() { sum.merge(recorder) }
        return sum
    }
}

extension LoadChange {
    /// - Parameter change: on a clock that starts with the run.
    init(_ change: Pacer.Change) {
        let at = Nanoseconds(change.at.nanoseconds)
        switch change.kind {
        case .rate(let rate): self.init(at: at, .rate(rate))
        case .pause: self.init(at: at, .pause)
        case .resume: self.init(at: at, .resume)
        }
    }
}
