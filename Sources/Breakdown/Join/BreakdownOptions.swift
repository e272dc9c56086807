import Datagrams

package struct BreakdownOptions: Sendable {
    package enum End: Sendable {
        /// Any response; a 100 is one.
        case first
        /// The first response of 200 or above.
        case final
    }

    package var end: End
    /// Requests that arrive within this of each other are one burst.
    package var burstGap: Nanoseconds
    /// Of the requests that were answered, or where none was of all: a point that fewer of them passed is no part of the way. At half, a probe that fires now and then
    /// costs its own point and not the requests.
    package var leastPresence: Double

    package init(end: End = .final, burstGap: Nanoseconds = .microseconds(50), leastPresence: Double = 0.5) {
        self.end = end
        self.burstGap = burstGap
        self.leastPresence = leastPresence
    }
}
