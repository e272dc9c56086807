import Datagrams
import Latency
import LoadRun
import Observations
import RunArchive

/// `intervals.csv` and `rtt.hlog` of several runs: their seconds put together by where they begin, counted from each run's
/// T0. Counts add up; percentiles cannot be averaged, so they are those of the histograms added.
struct MergedSeconds {
    private struct Second {
        var start: Nanoseconds
        var end: Nanoseconds
        var length: Nanoseconds
        var counts = Counters()
        var open: UInt64 = 0
        var rtt: [LatencyFigures] = []
        var fromDue: [LatencyFigures] = []
        var late: [LatencyFigures] = []
        var cpu: [Double] = []
    }

    private struct Logged {
        var start: Nanoseconds
        var length: Nanoseconds
        var maximum: Nanoseconds
        var counts: HistogramCounts
    }

    private var seconds: [Int64: Second] = [:]
    private var logged: [Int64: [String: Logged]] = [:]
    /// In the order of their first line.
    private var tags: [String] = []
    /// The whole of each tag.
    private(set) var sums: [String: HistogramCounts] = [:]

    /// Only what is a column of `intervals.csv`.
    private static let counters: [(String, any Counters.Path)] = Counters.list.filter { name, _ in
        [
            "offered", "started", "answered", "ok", "failed", "unsent", "requests_retransmitted",
            "responses_retransmitted", "repeats_received", "stray", "malformed", "datagrams_sent", "datagrams_received",
            "receive_queue_drops", "send_queue_full", "send_errors", "icmp_errors",
        ].contains(name)
    }

    /// Seconds begin when their sending thread came round, so the nearest whole second is which one it is.
    private static func place(_ start: Nanoseconds) -> Int64 { (start.rawValue + 500_000_000) / 1_000_000_000 }

    /// Where the last of them ends: a run that follows begins there or later, that no second is of both.
    var end: Nanoseconds { .seconds((Array(seconds.keys) + Array(logged.keys)).max().map { $0 + 1 } ?? 0) }

    mutating func add(_ part: MergePart) throws {
        if let table = try part.archive.intervals() {
            for row in table.rows.indices { add(row, of: table, by: part.offset) }
        }
        guard let log = part.log else { return }
        for interval in log.intervals { try add(interval, of: part) }
    }

    private mutating func add(_ row: Int, of table: CSVTable, by offset: Nanoseconds) {
        guard let end = table.double(row, "t_s"), let length = table.double(row, "length_s") else { return }
        let at = MergePart.nanoseconds(end * 1e9) + offset
        let long = MergePart.nanoseconds(length * 1e9)
        let key = Self.place(at - long)
        var second = seconds[key] ?? Second(start: at - long, end: at, length: long)
        second.start = min(second.start, at - long)
        second.end = max(second.end, at)
        second.length = max(second.length, long)
        for (name, path) in Self.counters { second.counts[keyPath: path] += table.whole(row, name) ?? 0 }
        second.open += table.whole(row, "open") ?? 0
        func time(_ name: String) -> Nanoseconds? {
            table.double(row, name).map { MergePart.nanoseconds($0 * 1000) }
        }
        var rtt = LatencyFigures()
        (rtt.count, rtt.min, rtt.mean, rtt.max) = (
            table.whole(row, "rtt_n") ?? 0, time("rtt_min_us"), time("rtt_mean_us"), time("rtt_max_us")
        )
        second.rtt.append(rtt)
        var (fromDue, late) = (LatencyFigures(), LatencyFigures())
        (fromDue.max, late.max) = (time("rtt_from_due_max_us"), time("late_max_us"))
        second.fromDue.append(fromDue)
        second.late.append(late)
        if let cpu = table.double(row, "cpu_percent") { second.cpu.append(cpu) }
        seconds[key] = second
    }

    private mutating func add(_ interval: HistogramLog.Interval, of part: MergePart) throws(RunFailure) {
        func refused(_ what: String) -> RunFailure {
            RunFailure(.badScenario, "\(part.archive.path(HistogramLogFile.name)): \(what)")
        }
        let start = interval.start + part.offset
        if !tags.contains(interval.tag) { tags.append(interval.tag) }
        if sums[interval.tag]?.add(interval.counts) == false {
            throw refused("its histograms tagged \(interval.tag) have another range than those before")
        }
        if sums[interval.tag] == nil { sums[interval.tag] = interval.counts }
        let key = Self.place(start)
        guard var known = logged[key]?[interval.tag] else {
            logged[key, default: [:]][interval.tag] = Logged(
                start: start, length: interval.length, maximum: interval.maximum, counts: interval.counts)
            return
        }
        known.start = min(known.start, start)
        known.length = max(known.length, interval.length)
        known.maximum = max(known.maximum, interval.maximum)
        _ = known.counts.add(interval.counts)
        logged[key]?[interval.tag] = known
    }

    var rows: [IntervalRow] {
        seconds.sorted { $0.key < $1.key }.map { key, second in
            var rtt = figures(second.rtt, key, "rtt")
            let n = second.rtt.reduce(0) { $0 + $1.count }
            if n > 0 {
                let sum = second.rtt.reduce(0.0) { $0 + Double($1.count) * Double($1.mean?.rawValue ?? 0) }
                rtt.mean = Nanoseconds(Int64((sum / Double(n)).rounded()))
            }
            return IntervalRow(
                at: second.end, length: second.length, counts: second.counts, totals: Counters(), open: second.open,
                rtt: rtt, rttFromDue: figures(second.fromDue, key, "rtt_from_due"),
                late: figures(second.late, key, "late"),
                cpuPercent: second.cpu.isEmpty ? nil : second.cpu.reduce(0, +) / Double(second.cpu.count))
        }
    }

    private func figures(_ parts: [LatencyFigures], _ key: Int64, _ tag: String) -> LatencyFigures {
        guard let most = parts.compactMap(\.max).max() else { return LatencyFigures() }
        let counts = logged[key]?[tag]?.counts
        // Of lateness the rows have no count and no minimum; the buckets' own will do for a percentile.
        let told = parts.reduce(0) { $0 + $1.count }
        let least = parts.compactMap(\.min).min() ?? Nanoseconds(Int64(clamping: counts?.minimum ?? 0))
        return MergedFigures.percentiles(counts, told > 0 ? told : counts?.total ?? 0, least, most)
    }

    func writeLog(to directory: String, start: WallInstant) throws(RunFailure) {
        var file = try HistogramLogFile(in: directory)
        file.begin(at: start)
        for (_, byTag) in logged.sorted(by: { $0.key < $1.key }) {
            for tag in tags {
                guard let second = byTag[tag] else { continue }
                file.append(
                    tag: tag, start: second.start, length: second.length, maximum: second.maximum, second.counts)
            }
            try file.flush()
        }
        try file.flush()
    }
}
