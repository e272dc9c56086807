import Datagrams
import Latency

/// The seconds of a run, as a page draws them: the rows of `intervals.csv`.
package struct RunSeries: Sendable {
    /// Ends of the intervals, seconds from the run's start.
    private(set) var instants: [Double] = []
    /// Their middles: what is of an interval is drawn there.
    private(set) var middles: [Double] = []
    /// Calls a second.
    private(set) var offered: [Double?] = []
    private(set) var started: [Double?] = []
    private(set) var completed: [Double?] = []
    private(set) var failed: [Double?] = []
    private(set) var unsent: [Double?] = []
    private(set) var open: [Double?] = []
    /// Milliseconds.
    private(set) var rttP50: [Double?] = []
    private(set) var rttP99: [Double?] = []
    private(set) var lateP99: [Double?] = []
    private(set) var lateMost: [Double?] = []
    /// Datagrams and requests in the interval.
    private(set) var resent: [Double?] = []
    private(set) var dropped: [Double?] = []
    private(set) var sendsRefused: [Double?] = []
    private(set) var cpuPercent: [Double?] = []
    /// Sums over the run, for one that left no summary.
    private(set) var totals: [String: Double] = [:]

    package init() {}

    package var isEmpty: Bool { instants.isEmpty }
    package var lasted: Double { instants.last ?? 0 }

    /// An interval shorter than this says nothing of a second.
    private static let shortest = 0.2

    /// `column`: what a row has in the column of that name; nil where it has nothing.
    package mutating func append(_ column: (String) -> Double?) {
        guard let at = column("t_s"), at.isFinite, at >= instants.last ?? 0 else { return }
        let length = column("length_s") ?? 1
        func perSecond(_ names: String...) -> Double? {
            if length < Self.shortest { return nil }
            return names.reduce(0) { $0 + (column($1) ?? 0) } / length
        }
        func sum(_ names: String...) -> Double? { names.reduce(0) { $0 + (column($1) ?? 0) } }
        func milliseconds(_ name: String) -> Double? { column(name).map { $0 / 1000 } }
        instants.append(at)
        middles.append(max(at - length / 2, middles.last ?? 0))
        offered.append(perSecond("offered"))
        started.append(perSecond("started"))
        completed.append(perSecond("ok", "failed"))
        failed.append(perSecond("failed"))
        unsent.append(perSecond("unsent"))
        open.append(column("open"))
        rttP50.append(milliseconds("rtt_p50_us"))
        rttP99.append(milliseconds("rtt_p99_us"))
        lateP99.append(milliseconds("late_p99_us"))
        lateMost.append(milliseconds("late_max_us"))
        resent.append(sum("requests_retransmitted"))
        dropped.append(sum("receive_queue_drops"))
        sendsRefused.append(sum("send_queue_full", "send_errors"))
        cpuPercent.append(length < Self.shortest ? nil : column("cpu_percent"))
        for name in Self.summed { totals[name, default: 0] += column(name) ?? 0 }
    }

    private static let summed = [
        "offered", "started", "answered", "ok", "failed", "unsent", "requests_retransmitted", "responses_retransmitted",
        "repeats_received", "stray", "malformed", "datagrams_sent", "datagrams_received", "receive_queue_drops",
        "send_queue_full", "send_errors", "icmp_errors",
    ]

    static func sum(_ values: [Double?]) -> Double { values.reduce(0) { $0 + ($1 ?? 0) } }
}

/// Retransmissions as they stream by: by timer and over time, in as many stretches as a picture has room for.
package struct RetransmissionSeries: Sendable {
    package struct Timer: Sendable {
        var count: UInt64 = 0
        var calls: Set<UInt64> = []
        var first = Nanoseconds(Int64.max)
        var longestLate = Nanoseconds.zero
        var messages: [String: UInt64] = [:]
        var bins: [UInt64] = Array(repeating: 0, count: RetransmissionSeries.bins)
    }

    static let bins = 240
    /// Calls concerned are counted up to this many for each timer.
    static let mostCalls = 200_000

    private(set) var timers: [String: Timer] = [:]
    private var width = Nanoseconds.milliseconds(50)

    package init() {}

    /// `message`: the method, or a status and the method it answers; `sent`: from the run's start.
    package mutating func insert(timer: String, message: String, call: UInt64, sent: Nanoseconds, late: Nanoseconds) {
        let sent = max(sent, .zero)
        while sent.rawValue / width.rawValue >= Int64(Self.bins) { fold() }
        // A table of a few timers: whatever a file may say.
        let name = timers.count < 16 || timers[timer] != nil ? timer : "other"
        var own = timers[name] ?? Timer()
        timers[name] = nil
        own.count += 1
        if own.calls.count < Self.mostCalls { own.calls.insert(call) }
        own.first = min(own.first, sent)
        own.longestLate = max(own.longestLate, late)
        if own.messages.count < 12 || own.messages[message] != nil { own.messages[message, default: 0] += 1 }
        own.bins[Int(sent.rawValue / width.rawValue)] += 1
        timers[name] = own
    }

    private mutating func fold() {
        width = width * 2
        for name in timers.keys {
            let old = timers[name]!.bins
            for bin in 0..<Self.bins {
                timers[name]!.bins[bin] = 2 * bin + 1 < Self.bins ? old[2 * bin] + old[2 * bin + 1] : 0
            }
        }
    }

    var isEmpty: Bool { timers.isEmpty }
    var count: UInt64 { timers.values.reduce(0) { $0 + $1.count } }

    /// Per second, at the middle of each stretch, to the last that has any or the run's end. A stretch is half a second or
    /// more: of less, a rate is noise.
    func rates(upTo seconds: Double) -> (instants: [Double], rates: [(timer: String, values: [Double?])]) {
        let together = max(1, Int((0.5 / width.seconds).rounded(.up)))
        let length = width.seconds * Double(together)
        let last = timers.values.reduce(0) { most, timer in max(most, timer.bins.lastIndex { $0 > 0 } ?? 0) }
        let count = max(min(Int((seconds / length).rounded(.up)), Self.bins / together), last / together + 1)
        return (
            (0..<count).map { (Double($0) + 0.5) * length },
            timers.keys.sorted().map { name in
                let bins = timers[name]!.bins
                return (
                    name,
                    (0..<count).map { stretch in
                        let range = stretch * together..<min((stretch + 1) * together, bins.count)
                        return Double(bins[range].reduce(0, +)) / length
                    }
                )
            }
        )
    }
}
