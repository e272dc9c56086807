import Datagrams

/// What the call tag itself does to the calls that carry it: those with and those without it side by side.
///
/// Which call went without is drawn for each by its number alone (`TagControl`), so whatever else differs between two
/// calls falls on both sides by chance. The intervals say how much chance can do:
///
/// - **Times**: a bootstrap over up to 64 blocks of neighbouring calls, both populations of a block drawn together, 1,000
///   drawings from the run's seed; the 95 % interval runs from the 2.5th to the 97.5th percentile of what was drawn.
///   Calls are not taken to be independent: neighbours stay together. A population's own interval still takes blocks
///   to be: where the server's state lasts longer than a block, only the difference's interval keeps its promise,
///   because such a state is in both populations.
/// - **Failures and retransmissions**: how often chance alone deals them out as unequally (Fisher's exact test), which
///   follows from the drawing of the tag and supposes nothing of the calls.
///
/// It never shows what the tag does to all calls alike, such as a queue that tagged calls lengthen for everyone:
/// a run with `--no-tag` beside it does.
package struct TagEffect: Sendable, Equatable {
    package struct Estimate: Sendable, Equatable {
        package var value: Nanoseconds
        /// 95 %. Nil: too few calls.
        package var interval: ClosedRange<Nanoseconds>?
    }

    package struct Figures: Sendable, Equatable {
        package var mean: Estimate?
        package var p50: Estimate?
        package var p99: Estimate?
    }

    package struct Population: Sendable, Equatable {
        package var calls: UInt64 = 0
        package var ok: UInt64 = 0
        package var failed: UInt64 = 0
        package var retransmissions: UInt64 = 0
        package var callsWithRetransmission: UInt64 = 0
        package var rtt = Figures()
    }

    package var tagged = Population()
    package var untagged = Population()
    /// Tagged less untagged.
    package var difference = Figures()
    /// How often chance alone makes the two at least as unequal, 0...1.
    package var failureChance = 1.0
    package var retransmissionChance = 1.0

    package init() {}

    /// Calls of each kind that an interval takes; below, a handful of blocks would pretend to know the spread.
    static let leastCount = 100
    /// Ten calls beyond the percentile: fewer, and an interval for it is that of single calls.
    static let leastCountForP99 = 1000
    /// Counts are looked at beside the median: rarely enough that they do not cry wolf where it does not.
    static let leastChance = 0.01
}

extension TagPopulations {
    package func effect(seed: UInt64) -> TagEffect { effect(seed: seed, drawings: 1000) }

    func effect(seed: UInt64, drawings: Int) -> TagEffect {
        var effect = TagEffect()
        effect.tagged = tagged.counts
        effect.untagged = untagged.counts
        effect.failureChance = chance(\.failed)
        effect.retransmissionChance = chance(\.callsWithRetransmission)
        compareTimes(seed: seed, drawings: drawings, &effect)
        return effect
    }

    private func chance(_ count: KeyPath<Population, UInt64>) -> Double {
        ExactChance.twoSided(
            (tagged[keyPath: count], of: tagged.calls), (untagged[keyPath: count], of: untagged.calls))
    }

    private func compareTimes(seed: UInt64, drawings: Int, _ effect: inout TagEffect) {
        let last = (tagged.times + untagged.times).reduce(1) { max($0, $1.number) }
        // At least five calls a block, so that most blocks hold calls of both kinds.
        let blockCount = min(max((tagged.times.count + untagged.times.count) / 5, 1), 64)
        let cut = BlockedSample.Blocks(count: blockCount, last: last)
        let bootstrap = Bootstrap(
            tagged: BlockedSample(tagged.times, in: cut), untagged: BlockedSample(untagged.times, in: cut),
            drawings: Bootstrap.drawings(drawings, of: blockCount, seed: seed))
        bootstrap.estimate(\.mean, atLeast: TagEffect.leastCount, in: &effect) { $0.mean($1) }
        bootstrap.estimate(\.p50, atLeast: TagEffect.leastCount, in: &effect) { $0.value(at: .p50, $1) }
        bootstrap.estimate(\.p99, atLeast: TagEffect.leastCountForP99, in: &effect) { $0.value(at: .p99, $1) }
    }
}

extension TagPopulations.Population {
    fileprivate var counts: TagEffect.Population {
        var counts = TagEffect.Population()
        counts.calls = calls
        counts.ok = ok
        counts.failed = failed
        counts.retransmissions = retransmissions
        counts.callsWithRetransmission = callsWithRetransmission
        return counts
    }
}

/// Both populations drawn again and again, block by block.
private struct Bootstrap {
    let tagged: BlockedSample
    let untagged: BlockedSample
    let drawings: [[Int]]

    static func drawings(_ count: Int, of blocks: Int, seed: UInt64) -> [[Int]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            var drawing = Array(repeating: 0, count: blocks)
            for _ in 0..<blocks { drawing[Int.random(in: 0..<blocks, using: &generator)] += 1 }
            return drawing
        }
    }

    func estimate(
        _ figure: WritableKeyPath<TagEffect.Figures, TagEffect.Estimate?>, atLeast leastCount: Int,
        in effect: inout TagEffect, _ statistic: (BlockedSample, [Int]) -> Nanoseconds?
    ) {
        let (a, b) = (statistic(tagged, tagged.once), statistic(untagged, untagged.once))
        var (drawnA, drawnB, drawnDifference): ([Nanoseconds], [Nanoseconds], [Nanoseconds]) = ([], [], [])
        if min(tagged.count, untagged.count) >= leastCount {
            for drawing in drawings {
                guard let a = statistic(tagged, drawing), let b = statistic(untagged, drawing) else { continue }
                drawnA.append(a)
                drawnB.append(b)
                drawnDifference.append(a - b)
            }
        }
        effect.tagged.rtt[keyPath: figure] = a.map { TagEffect.Estimate(value: $0, interval: interval(drawnA)) }
        effect.untagged.rtt[keyPath: figure] = b.map { TagEffect.Estimate(value: $0, interval: interval(drawnB)) }
        guard let a, let b else { return }
        effect.difference[keyPath: figure] = TagEffect.Estimate(value: a - b, interval: interval(drawnDifference))
    }

    private func interval(_ drawn: [Nanoseconds]) -> ClosedRange<Nanoseconds>? {
        if drawn.isEmpty { return nil }
        let sorted = drawn.sorted()
        let low = Int(Percentile(thousandths: 2_500).rank(of: UInt64(sorted.count))) - 1
        return sorted[low]...sorted[sorted.count - 1 - low]
    }
}

/// Fisher's exact test of two counts.
enum ExactChance {
    /// How often dealing out the marked ones by chance makes the two shares at least as unequal, both ways counted: twice
    /// the smaller tail. 1 where nothing is marked.
    static func twoSided(_ a: (UInt64, of: UInt64), _ b: (UInt64, of: UInt64)) -> Double {
        let marked = a.0 + b.0
        let (least, most) = (marked > b.of ? marked - b.of : 0, min(marked, a.of))
        if least == most { return 1 }
        /// P(k + 1) / P(k) that k of the marked ones fall on the first side.
        func ratio(_ k: UInt64) -> Double {
            Double(marked - k) * Double(a.of - k) / (Double(k + 1) * Double(b.of + k + 1 - marked))
        }
        // Outwards from the likeliest count, in units of its probability: no factorial, no overflow.
        let likeliest = min(
            max(UInt64(Double(marked + 1) * Double(a.of + 1) / Double(a.of + b.of + 2)), least), most)
        var (below, above) = (likeliest <= a.0 ? 1.0 : 0, likeliest >= a.0 ? 1.0 : 0)
        var total = 1.0
        var weight = 1.0
        var k = likeliest
        while k < most, weight > 0 {
            weight *= ratio(k)
            k += 1
            total += weight
            if k <= a.0 { below += weight }
            if k >= a.0 { above += weight }
        }
        (weight, k) = (1, likeliest)
        while k > least, weight > 0 {
            k -= 1
            weight /= ratio(k)
            total += weight
            if k <= a.0 { below += weight }
            if k >= a.0 { above += weight }
        }
        return min(1, 2 * min(below, above) / total)
    }
}
