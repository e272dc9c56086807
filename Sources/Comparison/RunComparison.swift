import Datagrams
import Latency

/// What two runs are compared by.
package enum ComparedMetric: CaseIterable, Sendable, Hashable {
    case mean, standardDeviation, p50, p90, p99, maximum
    /// Requests sent again, for each call sent.
    case retransmissions
    /// Share of the calls sent.
    case failures

    /// As in `--fail-if`.
    package var name: String {
        switch self {
        case .mean: "rtt.mean"
        case .standardDeviation: "rtt.sd"
        case .p50: "rtt.p50"
        case .p90: "rtt.p90"
        case .p99: "rtt.p99"
        case .maximum: "rtt.max"
        case .retransmissions: "retrans"
        case .failures: "failed"
        }
    }

    /// A length of time, in nanoseconds; the others are shares.
    package var isTime: Bool {
        switch self {
        case .mean, .standardDeviation, .p50, .p90, .p99, .maximum: true
        case .retransmissions, .failures: false
        }
    }

    /// Calls with an RTT that a run must have: of fewer a percentile is the maximum under another name.
    var leastTimed: Int {
        switch self {
        case .mean, .p50, .maximum: 1
        case .standardDeviation: 2
        case .p90: Int(Percentile.p90.leastCount)
        case .p99: Int(Percentile.p99.leastCount)
        case .retransmissions, .failures: 0
        }
    }
}

/// Two runs side by side, and which of their differences are more than chance.
///
/// - **Blocks.** Neighbouring calls share a queue or a stall, so calls are never drawn singly: a run is cut into blocks
///   of neighbours, long enough that one says next to nothing of the next (`BlockLength`).
/// - **Chance**: the blocks of both runs are dealt out anew, 2,000 times from the seed, as if it did not matter which run
///   a block is from; `chance` is how often the two hands differ at least as much as the runs do. It holds for every
///   metric, the maximum too. Eight metrics are looked at: `chance` is raised by Holm's rule so that of a hundred
///   comparisons of equal runs at most five say anything at all.
/// - **Intervals**: 2,000 bootstrap drawings of each run's blocks give the error of the difference, Student's t for as
///   many blocks as there are makes it an interval of 95 %. Where `chance` says that the difference may be none, the
///   interval reaches as far as 95 % of the hands dealt. A maximum is a single call, and a bootstrap never draws more
///   than it has seen: a difference of maxima that is shown has no interval.
///
/// A difference is *shown* where `chance` is at most 5 % and the interval leaves zero out. All of it is about these two
/// runs: what changes from one run to the next on the same machine, only more runs can tell. Where there are some, of
/// both kinds, each run is one value of each metric, and chance and intervals are those of Welch's t test
/// (`RepeatedRuns`): then they tell what a further run of either kind would be like.
package struct RunComparison: Sendable {
    package struct Estimate: Sendable, Equatable {
        package var value: Double
        /// Half of the 95 % interval. Nil: not to be had.
        package var half: Double?

        package init(value: Double, half: Double? = nil) {
            self.value = value
            self.half = half
        }

        package var interval: ClosedRange<Double>? { half.map { value - $0...value + $0 } }
    }

    package struct Row: Sendable, Equatable {
        package var metric: ComparedMetric
        /// Nanoseconds, or a share.
        package var a: Double?
        package var b: Double?
        /// b - a.
        package var difference: Estimate?
        /// b / a, and a / b. Nil where the divisor is 0.
        package var ratio: Estimate?
        package var inverse: Estimate?
        /// 0...1, raised for as many rows as are looked at.
        package var chance: Double?
        package var isShown = false

        package init(
            metric: ComparedMetric, a: Double?, b: Double?, difference: Estimate? = nil, ratio: Estimate? = nil,
            inverse: Estimate? = nil, chance: Double? = nil, isShown: Bool = false
        ) {
            self.metric = metric
            self.a = a
            self.b = b
            self.difference = difference
            self.ratio = ratio
            self.inverse = inverse
            self.chance = chance
            self.isShown = isShown
        }
    }

    /// What chance is judged by.
    package enum Basis: Sendable, Equatable {
        /// How blocks of so many neighbouring calls differ, so many of each run.
        case blocks(calls: UInt64, a: Int, b: Int)
        /// How runs of a kind differ, so many of each.
        case runs(a: Int, b: Int)
        /// Nothing, of too few calls: the values stand beside each other.
        case values
    }

    package var rows: [Row]
    package var basis: Basis
    /// Calls hang together for longer than these runs can tell: chance is underestimated.
    package var isTooCoarse: Bool
    package var sent: (a: Int, b: Int)
    /// Calls with an RTT.
    package var timed: (a: Int, b: Int)
    /// Too few calls: nothing was compared but the values, and there are no blocks.
    package var isTooThin: Bool

    /// Calls that each run must have.
    package static let leastCalls = 100
    package static let level = 0.05

    package subscript(_ metric: ComparedMetric) -> Row? { rows.first { $0.metric == metric } }

    package init(_ a: RunSample, _ b: RunSample, seed: UInt64 = 1, drawings: Int = 2000) {
        isTooThin = min(a.callsSent, b.callsSent) < Self.leastCalls
        let length = isTooThin ? nil : BlockLength([a, b])
        let blocks = PooledBlocks(a, b, calls: length?.calls ?? max(a.last, b.last, 1))
        basis = length.map { .blocks(calls: $0.calls, a: blocks.countA, b: blocks.countB) } ?? .values
        isTooCoarse = length?.isTooCoarse ?? false
        sent = (a.callsSent, b.callsSent)
        timed = (a.callsTimed, b.callsTimed)
        let drawn = isTooThin ? nil : Drawings(blocks, seed: seed, count: drawings)
        rows = ComparedMetric.allCases.map { metric in
            Self.row(
                metric, a.callsTimed < metric.leastTimed ? nil : blocks.value(metric, blocks.onceA),
                b.callsTimed < metric.leastTimed ? nil : blocks.value(metric, blocks.onceB), drawn)
        }
        correctForMany()
        for i in rows.indices { rows[i].isShown = Self.isShown(rows[i], hasInterval: rows[i].metric != .maximum) }
    }

    /// Runs of one kind against runs of another: every value is the mean of its runs'.
    package init(repeated a: [RunFigures], _ b: [RunFigures]) {
        let runs = RepeatedRuns(a: a, b: b)
        basis = .runs(a: a.count, b: b.count)
        isTooCoarse = false
        isTooThin = min(a.count, b.count) < RepeatedRuns.least
        sent = (a.reduce(0) { $0 + $1.sent }, b.reduce(0) { $0 + $1.sent })
        timed = (a.reduce(0) { $0 + $1.timed }, b.reduce(0) { $0 + $1.timed })
        rows = ComparedMetric.allCases.map(runs.row)
        correctForMany()
        // Without one where the runs of both kinds agree to the last digit.
        for i in rows.indices { rows[i].isShown = Self.isShown(rows[i], hasInterval: false) }
    }

    /// - Parameter hasInterval: a difference that has none is not shown.
    private static func isShown(_ row: Row, hasInterval: Bool) -> Bool {
        guard let chance = row.chance, chance <= level else { return false }
        guard let interval = row.difference?.interval else { return !hasInterval }
        return !interval.contains(0)
    }

    private static func row(_ metric: ComparedMetric, _ a: Double?, _ b: Double?, _ drawn: Drawings?) -> Row {
        var row = Row(metric: metric, a: a, b: b)
        guard let a, let b else { return row }
        row.difference = Estimate(value: b - a)
        if a > 0 { row.ratio = Estimate(value: b / a) }
        if b > 0 { row.inverse = Estimate(value: a / b) }
        guard let drawn else { return row }
        let dealt = drawn.dealt[metric] ?? []
        let chance = Drawings.chance(of: b - a, among: dealt)
        row.chance = chance
        let reach = chance > level ? Drawings.reach(of: dealt) : 0
        let pairs = metric == .maximum ? [] : drawn.drawn[metric] ?? []
        row.difference?.half = widest(drawn.half(pairs.map { $0.b - $0.a }), reach)
        if a > 0 { row.ratio?.half = widest(drawn.half(pairs.map { $0.b / $0.a }), reach / a) }
        if b > 0 { row.inverse?.half = widest(drawn.half(pairs.map { $0.a / $0.b }), reach / b) }
        return row
    }

    /// Chance that deals out as much as there is must find room in the interval, too: of a 99th percentile's error a
    /// bootstrap of few blocks sees too little.
    private static func widest(_ half: Double?, _ reach: Double) -> Double? {
        guard reach > 0 else { return half }
        return max(half ?? 0, reach)
    }

    /// Holm, 1979: the least likely times as many as there are, the next times one fewer, never below the one before.
    private mutating func correctForMany() {
        let order = rows.indices.filter { rows[$0].chance != nil }.sorted {
            (rows[$0].chance ?? 1, $0) < (rows[$1].chance ?? 1, $1)
        }
        var least = 0.0
        for (place, i) in order.enumerated() {
            least = max(least, min(1, (rows[i].chance ?? 1) * Double(order.count - place)))
            rows[i].chance = least
        }
    }
}
