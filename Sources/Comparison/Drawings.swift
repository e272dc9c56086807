import Datagrams
import Latency

/// The blocks dealt out anew and drawn again, the same drawings for every metric.
struct Drawings {
    /// Whose each block is, all blocks dealt out by chance: hands of as many blocks as the runs have.
    private var dealt: [(a: [Int], b: [Int])] = []
    /// Each run's blocks drawn with putting back.
    private var drawn: [(a: [Int], b: [Int])] = []

    init(_ blocks: PooledBlocks, seed: UInt64, count: Int) {
        var generator = SeededGenerator(seed: seed)
        var order = Array(0..<blocks.count)
        for _ in 0..<count {
            var a = Array(repeating: 0, count: blocks.count)
            var b = Array(repeating: 1, count: blocks.count)
            // The first of a shuffle are a hand.
            for i in 0..<blocks.countA {
                order.swapAt(i, Int.random(in: i..<blocks.count, using: &generator))
                a[order[i]] = 1
                b[order[i]] = 0
            }
            dealt.append((a, b))
            a = Array(repeating: 0, count: blocks.count)
            b = a
            for _ in 0..<blocks.countA { a[Int.random(in: 0..<blocks.countA, using: &generator)] += 1 }
            for _ in 0..<blocks.countB { b[blocks.countA + Int.random(in: 0..<blocks.countB, using: &generator)] += 1 }
            drawn.append((a, b))
        }
    }

    /// By how much B's hand differs from A's in each deal.
    func dealtDifferences(_ metric: ComparedMetric, _ blocks: PooledBlocks) -> [Double] {
        dealt.compactMap { hands in
            guard let a = blocks.value(metric, hands.a), let b = blocks.value(metric, hands.b) else { return nil }
            return b - a
        }
    }

    /// How often hands dealt by chance differ at least as much, the runs themselves counted as one more deal.
    static func chance(of observed: Double, among dealt: [Double]) -> Double {
        let least = abs(observed) * (1 - 1e-12)
        return Double(1 + dealt.count { abs($0) >= least }) / Double(1 + dealt.count)
    }

    /// What 95 % of the deals do not exceed, either way.
    static func reach(of dealt: [Double]) -> Double {
        if dealt.isEmpty { return 0 }
        let sorted = dealt.map(abs).sorted()
        return sorted[min(Int(0.95 * Double(sorted.count)), sorted.count - 1)]
    }

    func pairs(_ metric: ComparedMetric, _ blocks: PooledBlocks) -> [(a: Double, b: Double)] {
        drawn.compactMap { drawing in
            guard let a = blocks.value(metric, drawing.a), let b = blocks.value(metric, drawing.b) else { return nil }
            return (a, b)
        }
    }

    /// Half the 95 % interval: the spread of what was drawn, widened for the few blocks it was drawn from.
    func half(_ values: [Double], _ blocks: PooledBlocks) -> Double? {
        let values = values.filter(\.isFinite)
        if values.count < drawn.count / 2 || values.count < 2 { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
        let fewest = Double(min(blocks.countA, blocks.countB))
        if fewest < 2 { return nil }
        let few = (fewest / (fewest - 1)).squareRoot()
        return square.squareRoot() * few * StudentT.quantile95(freedom: Double(blocks.countA + blocks.countB - 2))
    }
}
