import Datagrams
import Latency

/// The blocks dealt out anew and drawn again, and what every metric came to in each deal and drawing. Only that is kept:
/// a long run beside a short one has a hundred thousand blocks.
struct Drawings {
    /// By how much B's hand differs from A's in each deal, for each metric.
    private(set) var dealt: [ComparedMetric: [Double]] = [:]
    /// Both runs' values in each drawing with putting back.
    private(set) var drawn: [ComparedMetric: [(a: Double, b: Double)]] = [:]
    private let count: Int
    private let blocks: (a: Int, b: Int)

    init(_ blocks: PooledBlocks, seed: UInt64, count: Int) {
        self.count = count
        self.blocks = (blocks.countA, blocks.countB)
        var generator = SeededGenerator(seed: seed)
        var order = Array(0..<blocks.count)
        // How often each block is in A's hand, and in B's.
        var (a, b) = (blocks.onceA, blocks.onceB)
        for _ in 0..<count {
            for i in 0..<blocks.count { (a[i], b[i]) = (0, 1) }
            // The first of a shuffle are a hand.
            for i in 0..<blocks.countA {
                order.swapAt(i, Int.random(in: i..<blocks.count, using: &generator))
                (a[order[i]], b[order[i]]) = (1, 0)
            }
            for (metric, x, y) in Self.values(blocks, a, b) { dealt[metric, default: []].append(y - x) }
            for i in 0..<blocks.count { (a[i], b[i]) = (0, 0) }
            for _ in 0..<blocks.countA { a[Int.random(in: 0..<blocks.countA, using: &generator)] += 1 }
            for _ in 0..<blocks.countB { b[blocks.countA + Int.random(in: 0..<blocks.countB, using: &generator)] += 1 }
            for (metric, x, y) in Self.values(blocks, a, b) { drawn[metric, default: []].append((x, y)) }
        }
    }

    private static func values(
        _ blocks: PooledBlocks, _ a: [Int], _ b: [Int]
    ) -> [(ComparedMetric, a: Double, b: Double)] {
        ComparedMetric.allCases.compactMap { metric in
            guard let x = blocks.value(metric, a), let y = blocks.value(metric, b) else { return nil }
            return (metric, x, y)
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

    /// Half the 95 % interval: the spread of what was drawn, widened for the few blocks it was drawn from.
    func half(_ values: [Double]) -> Double? {
        let values = values.filter(\.isFinite)
        if values.count < count / 2 || values.count < 2 { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
        let fewest = Double(min(blocks.a, blocks.b))
        if fewest < 2 { return nil }
        let few = (fewest / (fewest - 1)).squareRoot()
        return square.squareRoot() * few * StudentT.quantile95(freedom: Double(blocks.a + blocks.b - 2))
    }
}
