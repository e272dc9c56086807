import Datagrams
import Latency
import Observations
import Reports
import RunArchive

/// What a part's summary counts, as numbers to be added; of a part that was killed, what its rows and seconds tell.
enum MergedFigures {
    static func counts(of summary: JSONValue) -> RunCounts {
        var counts = RunCounts()
        for (name, path) in Counters.list { counts.counters[keyPath: path] = summary["counters"]?[name]?.whole ?? 0 }
        counts.sessions = sessions(summary["rfc6076"])
        for (status, count) in summary["final_statuses"]?.members ?? [] {
            if let status = UInt16(status) { counts.finalStatuses[status] = count.whole ?? 0 }
        }
        for check in ScenarioCheck.allCases {
            guard let count = summary["calls"]?["outcomes"]?[CallOutcome.check(check).text]?.whole else { continue }
            counts.failedChecks[check] = count
        }
        for timer in TimerName.allCases {
            if let count = summary["retransmissions"]?["by_timer"]?["\(timer.text)"]?.whole {
                counts.retransmissionsByTimer[timer] = count
            }
        }
        let generator = summary["generator"]
        counts.load = WorkerLoad(
            meanPercent: generator?["cpu_mean_percent"]?.double, peakPercent: generator?["cpu_peak_percent"]?.double,
            seconds: generator?["seconds_observed"]?.whole ?? 0, busySeconds: generator?["seconds_busy"]?.whole ?? 0)
        return counts
    }

    /// The ratios of RFC 6076 keep both their numbers, and from these follow all the counts.
    private static func sessions(_ ratios: JSONValue?) -> SessionMetrics {
        func number(_ ratio: String, _ part: String) -> UInt64 { ratios?[ratio]?[part]?.whole ?? 0 }
        var sessions = SessionMetrics()
        sessions.requests = number("isa", "denominator")
        sessions.established = number("ser", "numerator")
        sessions.redirected = sessions.requests - min(sessions.requests, number("ser", "denominator"))
        sessions.declinedByCallee = number("seer", "numerator") - min(number("seer", "numerator"), sessions.established)
        sessions.ineffective = number("isa", "numerator")
        sessions.ended = number("scr", "denominator")
        sessions.completed = number("scr", "numerator")
        return sessions
    }

    static func disturbances(of part: MergePart) -> Disturbances? {
        guard let fields = part.archive.summary?["generator"]?["disturbances"], fields.members != nil else {
            return nil
        }
        var found = Disturbances()
        found.longestStall = MergePart.microseconds(fields["longest_stall_us"]) ?? .zero
        found.longestStallEnded = MergePart.seconds(fields["longest_stall_ended_s"]) + part.offset
        found.stalls = fields["stalls_of_100_ms"]?.whole ?? 0
        found.waitedForCPU = MergePart.microseconds(fields["waited_for_cpu_us"])
        found.involuntarySwitches = fields["involuntary_switches"]?.whole
        if let percent = fields["stolen_percent"]?.double {
            // Only the share is kept: of so much time that three decimals of it are whole nanoseconds.
            found.stealable = .seconds(1)
            found.stolen = MergePart.nanoseconds(percent * 1e7)
        }
        found.suspended = MergePart.seconds(fields["suspended_s"])
        return found
    }

    /// Of other hosts, too: the worst of each.
    static func worst(_ a: Disturbances?, _ b: Disturbances?) -> Disturbances? {
        guard var worst = a, let b else { return a ?? b }
        worst.merge(b)
        worst.suspended = max(worst.suspended, b.suspended)
        if (b.stolenShare ?? 0) > (worst.stolenShare ?? 0) { (worst.stolen, worst.stealable) = (b.stolen, b.stealable) }
        return worst
    }

    static func figures(_ fields: JSONValue?) -> LatencyFigures? {
        guard let fields, let count = fields["count"]?.whole else { return nil }
        func time(_ name: String) -> Nanoseconds? { MergePart.microseconds(fields[name]) }
        return LatencyFigures(
            count: count, min: time("min"), mean: time("mean"), sd: time("sd"), p50: time("p50"), p90: time("p90"),
            p95: time("p95"), p99: time("p99"), p999: time("p999"), max: time("max"))
    }

    /// Of a distribution that no row tells of, but `rtt.hlog` does: percentiles from its buckets, which add up exactly;
    /// mean and deviation from those of the parts, to the nanosecond they are written with.
    static func sum(_ parts: [LatencyFigures], _ counts: HistogramCounts?) -> LatencyFigures {
        let parts = parts.filter { $0.count > 0 }
        let n = parts.reduce(0) { $0 + $1.count }
        guard n > 0, let least = parts.compactMap(\.min).min(), let most = parts.compactMap(\.max).max() else {
            return LatencyFigures()
        }
        var found = percentiles(counts, n, least, most)
        let mean = parts.reduce(0.0) { $0 + Double($1.count) * Double($1.mean?.rawValue ?? 0) } / Double(n)
        found.mean = Nanoseconds(Int64(mean.rounded()))
        if n > 1 {
            let squares = parts.reduce(0.0) { sum, part in
                let (sd, off) = (Double(part.sd?.rawValue ?? 0), Double(part.mean?.rawValue ?? 0) - mean)
                return sum + sd * sd * Double(part.count - 1) + off * off * Double(part.count)
            }
            found.sd = Nanoseconds(Int64((squares / Double(n - 1)).squareRoot().rounded()))
        }
        return found
    }

    /// Without mean and deviation. Those of too few values are left out, as everywhere.
    static func percentiles(
        _ counts: HistogramCounts?, _ n: UInt64, _ least: Nanoseconds, _ most: Nanoseconds
    ) -> LatencyFigures {
        var found = LatencyFigures()
        (found.count, found.min, found.max) = (n, least, most)
        // Values beyond the range of the buckets are in the last of them.
        guard let counts, counts.total == n else { return found }
        func value(_ percentile: Percentile) -> Nanoseconds? {
            guard n >= percentile.leastCount, let value = counts.value(at: percentile) else { return nil }
            return Swift.min(Swift.max(Nanoseconds(Int64(clamping: value)), least), most)
        }
        found.p50 = counts.value(at: .p50).map { Swift.min(Swift.max(Nanoseconds(Int64(clamping: $0)), least), most) }
        (found.p90, found.p95, found.p99, found.p999) = (value(.p90), value(.p95), value(.p99), value(.p999))
        return found
    }
}
