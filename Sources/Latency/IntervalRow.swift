import Datagrams
import Observations

/// One second of a run: one row of `intervals.csv`. Counts are of this second, `totals` since the run's start.
///
/// The latencies are of the calls that *ended* in this second, the lateness of the calls *sent* and ended or given up in
/// it; each stands beside its own count, because at 3 calls a 99th percentile says nothing.
package struct IntervalRow: Sendable, Equatable {
    /// End of the interval, from the run's start.
    package var at: Nanoseconds
    package var length: Nanoseconds
    package var counts: Counters
    package var totals: Counters
    package var open: UInt64
    package var rtt: LatencyFigures
    package var rttFromDue: LatencyFigures
    package var late: LatencyFigures
    /// Of one CPU, averaged over the workers. Undefined for an interval of no length.
    package var cpuPercent: Double?
    /// Of the calls that ended in this second.
    package var sessions = SessionMetrics()

    package init(
        at: Nanoseconds, length: Nanoseconds, counts: Counters, totals: Counters, open: UInt64, rtt: LatencyFigures,
        rttFromDue: LatencyFigures, late: LatencyFigures, cpuPercent: Double?
    ) {
        self.at = at
        self.length = length
        self.counts = counts
        self.totals = totals
        self.open = open
        self.rtt = rtt
        self.rttFromDue = rttFromDue
        self.late = late
        self.cpuPercent = cpuPercent
    }
}

/// One worker's second before it becomes a row. Percentiles cannot be averaged, so where several workers share a run
/// their intervals are merged first and the row is made from the result.
package struct Interval: Sendable {
    package var at: Nanoseconds
    package var length: Nanoseconds
    package var counts: Counters
    package var totals: Counters
    package var open: UInt64
    /// CPU time spent and wall time available, each summed over the workers merged.
    package var cpu: Nanoseconds
    package var available: Nanoseconds
    package var sessions: SessionMetrics
    var rtt: LatencyDistribution
    var rttFromDue: LatencyDistribution
    var late: LatencyDistribution
    var answer: LatencyDistribution
    var bye: LatencyDistribution
    var srd: LatencyDistribution
    var own: OwnParts<LatencyDistribution>
    /// The scenario's own response times, in its order.
    var named: [LatencyDistribution]

    /// What `rtt.hlog` has of it, by tag. A response time that the scenario names has its name after `rtd.`, with `_` for
    /// what the format has its own use for.
    package func tagged(names: [String]) -> [(tag: String, distribution: LatencyDistribution)] {
        var tagged = [
            (tag: "rtt", distribution: rtt), ("rtt_from_due", rttFromDue), ("late", late), ("answer", answer),
            ("bye", bye), ("srd", srd),
        ]
        tagged += own.tagged
        for (name, times) in zip(names, named) { tagged.append((HistogramLog.tag(ofResponseTime: name), times)) }
        return tagged
    }

    package mutating func merge(_ other: borrowing Interval) {
        at = max(at, other.at)
        length = max(length, other.length)
        counts = counts + other.counts
        totals = totals + other.totals
        open += other.open
        cpu += other.cpu
        available += other.available
        sessions.merge(other.sessions)
        rtt.merge(other.rtt)
        rttFromDue.merge(other.rttFromDue)
        late.merge(other.late)
        answer.merge(other.answer)
        bye.merge(other.bye)
        srd.merge(other.srd)
        own.merge(other.own)
        for i in named.indices { named[i].merge(other.named[i]) }
    }

    package var row: IntervalRow {
        var row = IntervalRow(
            at: at, length: length, counts: counts, totals: totals, open: open, rtt: rtt.figures,
            rttFromDue: rttFromDue.figures, late: late.figures,
            cpuPercent: available > .zero ? 100 * cpu.seconds / available.seconds : nil)
        row.sessions = sessions
        return row
    }
}

/// What the run's seconds say of the sending threads' CPU.
package struct WorkerLoad: Sendable, Equatable {
    package var cpu = Nanoseconds.zero
    package var available = Nanoseconds.zero
    package var peakPercent: Double?
    /// Whole seconds seen, and those in which a worker was at `busyPercent` or above.
    package var seconds: UInt64 = 0
    package var busySeconds: UInt64 = 0

    /// A thread this busy has no slack left for a burst: what falls due waits behind what fell due before.
    package static let busyPercent = 95.0
    /// A shorter last interval says nothing about a second.
    static let shortest = Nanoseconds.milliseconds(500)

    package init() {}

    /// As a summary has it.
    package init(meanPercent: Double?, peakPercent: Double?, seconds: UInt64, busySeconds: UInt64) {
        self.peakPercent = peakPercent
        self.seconds = seconds
        self.busySeconds = busySeconds
        available = meanPercent == nil ? .zero : .seconds(Int64(clamping: max(seconds, 1)))
        cpu = Nanoseconds(Int64((available.seconds * (meanPercent ?? 0) * 1e7).rounded()))
    }

    package var meanPercent: Double? { available > .zero ? 100 * cpu.seconds / available.seconds : nil }

    mutating func record(cpu spent: Nanoseconds, in length: Nanoseconds) {
        cpu += spent
        available += length
        guard length >= Self.shortest else { return }
        let percent = 100 * spent.seconds / length.seconds
        peakPercent = max(peakPercent ?? 0, percent)
        seconds += 1
        if percent >= Self.busyPercent { busySeconds += 1 }
    }

    package mutating func merge(_ other: WorkerLoad) {
        cpu += other.cpu
        available += other.available
        if let peak = other.peakPercent { peakPercent = max(peakPercent ?? 0, peak) }
        seconds += other.seconds
        busySeconds += other.busySeconds
    }
}
