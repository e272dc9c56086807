import Datagrams
import Latency
import Observations

/// One line a second while a run is on: where it is, what has happened so far, and the RTT of the last second. Its p90,
/// because a second seldom holds the hundred calls a p99 takes.
package enum ProgressLine {
    package static let width = 100

    /// Counts are since the start, the times of the last second. At most `width` columns whatever the numbers, without a
    /// line feed: large counts are shortened, then the total duration goes.
    package static func text(_ row: IntervalRow, of total: Nanoseconds?) -> String {
        let attempts: [(total: Nanoseconds?, countWidth: Int)] = [(total, 7), (total, 5), (total, 4), (nil, 4)]
        for attempt in attempts {
            let text = text(row, of: attempt.total, countWidth: attempt.countWidth)
            if text.columns <= width { return text }
        }
        return text(row, of: nil, countWidth: 4).cut(to: width)
    }

    private static func text(_ row: IntervalRow, of total: Nanoseconds?, countWidth: Int) -> String {
        let totals = row.totals
        func n(_ count: UInt64) -> String { shortened(count, to: countWidth) }
        func ms(_ length: Nanoseconds?) -> String { length.map(DecimalText.milliseconds) ?? "n/a" }
        // Rounded: a run of 15 s ends with its last call, at 14.99 s.
        let time = clock(row.at + .milliseconds(500)) + (total.map { "/" + clock($0) } ?? "")
        return time + " offered \(n(totals.offered)) started \(n(totals.started)) ok \(n(totals.ok))"
            + " failed \(n(totals.failed)) p50/p90/max \(ms(row.rtt.p50))/\(ms(row.rtt.p90))/\(ms(row.rtt.max)) ms"
            + " resent \(n(totals.requestsRetransmitted))"
    }

    /// `00:12`, `1:02:03`.
    static func clock(_ length: Nanoseconds) -> String {
        let seconds = max(0, length.rawValue / 1_000_000_000)
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let minutes = two(seconds / 60 % 60) + ":" + two(seconds % 60)
        return seconds < 3600 ? minutes : "\(seconds / 3600):" + minutes
    }
}
