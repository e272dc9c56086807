import Breakdown
import Datagrams
import Latency

/// Everything `explain` reports: what was measured, and what follows from it. The text and the file are written from it.
package struct ExplainReport: Sendable {
    package var breakdown: Breakdown
    /// One sentence.
    package var verdict: String
    /// What can be done, one piece an entry. Lines that begin with `$ ` are commands, printed whole.
    package var advice: [String]
    package var cost: ProbeCost

    /// Where the recordings counted the probes' time themselves, `cost` is filled from them unless it says otherwise.
    package init(
        _ breakdown: Breakdown, verdict: String, advice: [String] = [], cost: ProbeCost = ProbeCost()
    ) {
        self.breakdown = breakdown
        self.verdict = verdict
        self.advice = advice
        self.cost = cost
        if self.cost.perRequest == nil {
            let counted = ProbeCost(countedBy: breakdown)
            self.cost.perRequest = counted.perRequest
            self.cost.runsPerRequest = counted.runsPerRequest
        }
    }
}

/// What the probes themselves cost.
package struct ProbeCost: Sendable, Equatable {
    /// The server's response time with and without probes.
    package struct Difference: Sendable, Equatable {
        /// With minus without, at the median; below 0 by chance where they cost less than the rest varies.
        package var value: Nanoseconds
        /// 95 % interval.
        package var low: Nanoseconds
        package var high: Nanoseconds
        /// Rounds of each kind.
        package var rounds: Int

        package init(value: Nanoseconds, low: Nanoseconds, high: Nanoseconds, rounds: Int) {
            self.value = value
            self.low = low
            self.high = high
            self.rounds = rounds
        }
    }

    /// The probes' own time per request over all points, by the kernel's counting; nil where it did not count.
    package var perRequest: Nanoseconds?
    package var runsPerRequest: Double?
    /// Nil where it was not measured.
    package var measured: Difference?

    package init(perRequest: Nanoseconds? = nil, runsPerRequest: Double? = nil, measured: Difference? = nil) {
        self.perRequest = perRequest
        self.runsPerRequest = runsPerRequest
        self.measured = measured
    }

    /// By what the recordings counted. Each runs for all requests though it may have recorded a share of them.
    init(countedBy breakdown: Breakdown) {
        self.init()
        let requests = Double(breakdown.tally.requests)
        guard requests > 0, breakdown.recordings.contains(where: { $0.probeRuns > 0 }) else { return }
        var (runs, time) = (0.0, 0.0)
        for (i, tally) in breakdown.recordings.enumerated() {
            let share = breakdown.sources.indices.contains(i) ? breakdown.sources[i].share : 1
            runs += Double(tally.probeRuns) * share / requests
            time += Double(tally.probeTime.rawValue) * share / requests
        }
        perRequest = Nanoseconds(Int64(time.rounded()))
        runsPerRequest = runs
    }
}

/// The figures of the report that the breakdown holds only as single values.
struct ExplainFigures {
    struct Length: Equatable {
        var mean: Nanoseconds
        var sd: Nanoseconds
        var p50: Nanoseconds
        var p99: Nanoseconds
        var maximum: Nanoseconds
    }

    /// Of the requests' totals; nil without requests.
    let total: Length?
    let waits: CauseFigures
    /// Of the time between receive and send.
    let work: CauseFigures

    init(_ breakdown: Breakdown) {
        total = Self.length(breakdown.requests.map(\.total))
        waits = CauseFigures(breakdown.waits)
        work = CauseFigures(breakdown.work)
    }

    /// Percentiles by nearest rank, exact.
    private static func length(_ lengths: [Nanoseconds]) -> Length? {
        if lengths.isEmpty { return nil }
        let sorted = lengths.sorted()
        let n = Double(sorted.count)
        let mean = sorted.reduce(0) { $0 + Double($1.rawValue) } / n
        let squares = sorted.reduce(0) { $0 + (Double($1.rawValue) - mean) * (Double($1.rawValue) - mean) }
        func at(_ percentile: Percentile) -> Nanoseconds { sorted[Int(percentile.rank(of: UInt64(sorted.count))) - 1] }
        return Length(
            mean: Nanoseconds(Int64(mean.rounded())),
            // Of these requests, as the blocks' own are.
            sd: Nanoseconds(Int64((squares / n).squareRoot().rounded())), p50: at(.p50), p99: at(.p99),
            maximum: sorted[sorted.count - 1])
    }
}

/// Stretches of requests by what their thread was doing.
struct CauseFigures {
    /// Stretches.
    let count: Int
    /// Sum over all of them, and the longest, by `WaitCause.rawValue`.
    let times: [Nanoseconds]
    let longest: [Nanoseconds]
    /// What requests waited behind other tasks, by the task named first, longest first.
    let neighbours: [(name: String, time: Nanoseconds)]
    let wakeToRun: LatencyFigures

    init(_ stretches: [SocketWait]) {
        var times = WaitCause.allCases.map { _ in Nanoseconds.zero }
        var longest = times
        var behind: [String: Nanoseconds] = [:]
        var wakeToRun = LatencyHistogram()
        for stretch in stretches {
            for cause in WaitCause.allCases {
                times[cause.rawValue] += stretch.causes[cause.rawValue]
                longest[cause.rawValue] = max(longest[cause.rawValue], stretch.causes[cause.rawValue])
            }
            if !stretch.behind.isEmpty {
                behind[stretch.behind, default: .zero] += stretch.causes[WaitCause.behindAnotherTask.rawValue]
            }
            if let length = stretch.wakeToRun { wakeToRun.record(length) }
        }
        count = stretches.count
        self.times = times
        self.longest = longest
        neighbours = behind.map { (name: $0.key, time: $0.value) }.filter { $0.time > .zero }
            .sorted { ($1.time, $0.name) < ($0.time, $1.name) }
        self.wakeToRun = wakeToRun.figures
    }

    var sum: Nanoseconds { times.reduce(.zero, +) }

    func time(_ cause: WaitCause) -> Nanoseconds { times[cause.rawValue] }

    /// Of `sum`, which must not be zero.
    func share(_ cause: WaitCause) -> Double { Double(time(cause).rawValue) / Double(sum.rawValue) }

    /// Causes of any time at all.
    var seen: [WaitCause] { WaitCause.allCases.filter { time($0) > .zero } }
}

/// How full one queue was: as each request came, or where the reads themselves were seen, at each read.
struct QueueFigures: Equatable {
    var event: QueueSample.Event
    var samples: Int
    var mean: Double
    var maximum: UInt32

    /// Nil where nothing was seen of it.
    init?(_ samples: [QueueSample], of queue: QueueSample.Queue) {
        let preferred: QueueSample.Event =
            switch queue {
            case .tap: .read
            case .socket: .enqueue
            }
        let all = samples.filter { $0.queue == queue }
        var chosen = all.filter { $0.event == preferred }
        if chosen.isEmpty { chosen = all }
        guard let first = chosen.first else { return nil }
        event = first.event
        self.samples = chosen.count
        mean = chosen.reduce(0) { $0 + Double($1.depth) } / Double(chosen.count)
        maximum = chosen.reduce(0) { max($0, $1.depth) }
    }
}

/// Bursts by size, sizes put together where there are too many of them to show one by one.
struct BurstBin: Equatable {
    var sizes: ClosedRange<Int>
    var bursts: Int
    /// In all of them.
    var requests: Int
    /// Over the requests, and over the last request of each burst.
    var meanWait: Nanoseconds
    var meanWaitOfLast: Nanoseconds

    var name: String {
        sizes.count == 1 ? "\(sizes.lowerBound)" : "\(sizes.lowerBound)-\(sizes.upperBound)"
    }

    static let most = 8

    /// At most `most`, by size. Put together, they double: 1, 2, 3-4, 5-8, …, and the last holds whatever is left.
    static func bins(_ groups: [BurstGroup]) -> [BurstBin] {
        let groups = groups.filter { $0.bursts > 0 && $0.size > 0 }.sorted { $0.size < $1.size }
        if groups.count <= most { return groups.map { BurstBin(from: $0.size, [$0]) } }
        var bins: [BurstBin] = []
        var (low, high) = (1, 1)
        var rest = groups[...]
        while !rest.isEmpty {
            if bins.count == most - 1 { high = rest[rest.endIndex - 1].size }
            let here = rest.prefix { $0.size <= high }
            if !here.isEmpty { bins.append(BurstBin(from: low, Array(here))) }
            rest = rest.dropFirst(here.count)
            (low, high) = (high + 1, 2 * high)
        }
        return bins
    }

    private init(from low: Int, _ groups: [BurstGroup]) {
        let largest = groups[groups.count - 1].size
        sizes = (groups.count == 1 ? largest : low)...largest
        bursts = groups.reduce(0) { $0 + $1.bursts }
        requests = groups.reduce(0) { $0 + $1.bursts * $1.size }
        var (wait, last) = (0.0, 0.0)
        for group in groups {
            wait += Double(group.meanWait.rawValue) * Double(group.bursts * group.size) / Double(requests)
            last += Double(group.meanWaitOfLast.rawValue) * Double(group.bursts) / Double(bursts)
        }
        meanWait = Nanoseconds(Int64(wait.rounded()))
        meanWaitOfLast = Nanoseconds(Int64(last.rounded()))
    }
}

extension ProbePoint {
    /// As people read it.
    var label: String {
        switch self {
        case .tapTransmit: "arrival at the host"
        case .tapRead: "read from the tap"
        case .driverReceive: "driver to stack"
        case .protocolStart: "protocol start"
        case .socketEnqueue: "socket queue"
        case .applicationReceive: "application received"
        case .applicationSend: "application sent"
        case .responseTransmit: "reply on the wire"
        case .responseReceive: "reply at the host"
        case .waking: "thread made runnable"
        case .contextSwitch: "context switch"
        case .receiveDrop: "receive buffer full"
        case .requestSent: "client's request sent"
        case .responseArrived: "reply at the client"
        }
    }

    /// As files name it.
    var key: String {
        switch self {
        case .tapTransmit: "tap_transmit"
        case .tapRead: "tap_read"
        case .driverReceive: "driver_receive"
        case .protocolStart: "protocol_start"
        case .socketEnqueue: "socket_enqueue"
        case .applicationReceive: "application_receive"
        case .applicationSend: "application_send"
        case .responseTransmit: "response_transmit"
        case .responseReceive: "response_receive"
        case .waking: "waking"
        case .contextSwitch: "context_switch"
        case .receiveDrop: "receive_drop"
        case .requestSent: "request_sent"
        case .responseArrived: "response_arrived"
        }
    }
}

extension KeyQuality {
    var text: String {
        switch self {
        case .exact: "exact"
        case .inferred: "inferred"
        case .missing: "missing"
        }
    }
}

extension TraceSource.Rung {
    var text: String {
        switch self {
        case .functionEntries: "kernel functions and raw tracepoints"
        case .rawTracepoints: "raw tracepoints"
        case .taps: "taps on the interfaces, nothing from inside"
        case .client: "a client's run"
        }
    }

    var key: String {
        switch self {
        case .functionEntries: "function_entries"
        case .rawTracepoints: "raw_tracepoints"
        case .taps: "taps"
        case .client: "client"
        }
    }
}

extension WaitCause {
    /// Of the time between receive and send.
    var nameAtWork: String {
        switch self {
        case .earlierWork: "working on the request"
        case .behindAnotherTask, .cpuWaking, .asleep, .unknown: name.description
        }
    }

    var key: String {
        switch self {
        case .earlierWork: "busy"
        case .behindAnotherTask: "behind"
        case .cpuWaking: "cpu_waking"
        case .asleep: "asleep"
        case .unknown: "unknown"
        }
    }
}
