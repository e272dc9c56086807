import Datagrams

/// What the user changed of the load while it ran. It is part of the schedule the generator is judged by, and of the
/// notes, because the rate in the title is then not the whole truth.
package struct LoadChange: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Calls per second.
        case rate(Double)
        case pause, resume
    }

    /// From the run's start.
    package var at: Nanoseconds
    package var kind: Kind

    package init(at: Nanoseconds, _ kind: Kind) {
        self.at = at
        self.kind = kind
    }

    /// `at 5.20 s to 110 calls/s`
    package var text: String {
        let second = "at \(DecimalText.fixed(max(at, .zero), unit: 1_000_000_000, decimals: 2)) s "
        return switch kind {
        case .rate(let rate): second + "to \(DecimalText.trimmed(rate)) calls/s"
        case .pause: second + "paused"
        case .resume: second + "resumed"
        }
    }

    /// One sentence; nil of no changes.
    package static func note(_ changes: [LoadChange]) -> String? {
        if changes.isEmpty { return nil }
        let shown = changes.prefix(mostTold).map(\.text).joined(separator: ", ")
        let others = changes.count - mostTold
        return "The load was changed by hand: \(shown)"
            + (others > 0 ? ", and \(others) more \(others == 1 ? "time" : "times") (run.changes in summary.json)" : "")
            + ". The generator is judged by the schedule as changed."
    }

    /// Beyond that a sentence is no longer read.
    private static let mostTold = 8
}
