import Datagrams

/// Lengths of time measured one after another, cut into blocks of neighbours, so that a bootstrap can draw whole blocks
/// again and again: what neighbouring calls have in common (a queue, a stall) stays together in every drawing.
///
/// A drawing is how often each block was drawn. Mean and percentiles of a drawing cost no sorting: the values are sorted
/// once, and every so often the sorted run has a checkpoint that says how many values of each block lie before it.
package struct BlockedSample: Sendable {
    package struct Timed: Sendable, BitwiseCopyable {
        /// The call's, from 1: says which block it is in.
        package var number: UInt64
        package var length: Nanoseconds

        package init(number: UInt64, length: Nanoseconds) {
            self.number = number
            self.length = length
        }
    }

    /// Of all the calls 1...last, in equal runs.
    struct Blocks {
        var count: Int
        var last: UInt64

        func block(of number: UInt64) -> Int { Int((number - 1) * UInt64(count) / max(last, 1)) }
    }

    /// A finer cut costs memory for every block and saves walking.
    private static let checkpointCount = 64

    private let lengths: [Int64]
    private let blocks: [UInt32]
    private let blockCount: Int
    private let stride: Int
    /// `checkpoints[c * blockCount + b]`: values of block b among the first c * stride.
    private var checkpoints: [Int] = []
    private var counts: [Int]
    /// Relative to `origin`, so that nothing is lost in adding millions of nanoseconds up.
    private var sums: [Double]
    private var squares: [Double]
    private var longest: [Int64]
    private let origin: Int64

    init(_ times: [Timed], in cut: Blocks) {
        self.init(times, blocks: cut.count) { cut.block(of: $0) }
    }

    /// - Parameter block: which of the `blocks` a call's number belongs to.
    package init(_ times: [Timed], blocks count: Int, block: (UInt64) -> Int) {
        let sorted = times.sorted { ($0.length, $0.number) < ($1.length, $1.number) }
        lengths = sorted.map(\.length.rawValue)
        blocks = sorted.map { UInt32(block($0.number)) }
        blockCount = count
        origin = sorted.isEmpty ? 0 : lengths[sorted.count / 2]
        stride = max(1, (sorted.count + Self.checkpointCount - 1) / Self.checkpointCount)
        counts = Array(repeating: 0, count: count)
        sums = Array(repeating: 0, count: count)
        squares = Array(repeating: 0, count: count)
        longest = Array(repeating: .min, count: count)
        for i in lengths.indices {
            if i % stride == 0 { checkpoints += counts }
            counts[Int(blocks[i])] += 1
            let distance = Double(lengths[i] - origin)
            sums[Int(blocks[i])] += distance
            squares[Int(blocks[i])] += distance * distance
            longest[Int(blocks[i])] = lengths[i]
        }
    }

    package var count: Int { lengths.count }

    /// As they were measured: each block once.
    var once: [Int] { Array(repeating: 1, count: blockCount) }

    /// Nil where the drawing holds no value.
    package func mean(_ drawing: [Int]) -> Nanoseconds? {
        var (n, sum) = (0, 0.0)
        for b in 0..<blockCount {
            n += drawing[b] * counts[b]
            sum += Double(drawing[b]) * sums[b]
        }
        return n == 0 ? nil : Nanoseconds(origin + Int64((sum / Double(n)).rounded()))
    }

    /// Of the sample (n - 1), in nanoseconds. Nil below two values.
    package func standardDeviation(_ drawing: [Int]) -> Double? {
        var (n, sum, square) = (0, 0.0, 0.0)
        for b in 0..<blockCount where drawing[b] > 0 {
            n += drawing[b] * counts[b]
            sum += Double(drawing[b]) * sums[b]
            square += Double(drawing[b]) * squares[b]
        }
        if n < 2 { return nil }
        // About the median, so that what cancels is small beside what is left.
        return (max(square - sum * sum / Double(n), 0) / Double(n - 1)).squareRoot()
    }

    package func maximum(_ drawing: [Int]) -> Nanoseconds? {
        var found = Int64.min
        for b in 0..<blockCount where drawing[b] > 0 { found = max(found, longest[b]) }
        return found == .min ? nil : Nanoseconds(found)
    }

    /// Nearest rank, as `LatencyHistogram`, but without its buckets.
    package func value(at percentile: Percentile, _ drawing: [Int]) -> Nanoseconds? {
        let total = values(drawing, before: counts[...])
        if total == 0 { return nil }
        let rank = Int(percentile.rank(of: UInt64(total)))
        var (low, high) = (0, checkpoints.count / blockCount)
        // The last checkpoint with fewer than `rank` values before it.
        while high - low > 1 {
            let middle = (low + high) / 2
            let row = checkpoints[(middle * blockCount)..<((middle + 1) * blockCount)]
            if values(drawing, before: row) < rank { low = middle } else { high = middle }
        }
        var passed = values(drawing, before: checkpoints[(low * blockCount)..<((low + 1) * blockCount)])
        var i = low * stride
        while i < lengths.count {
            passed += drawing[Int(blocks[i])]
            if passed >= rank { return Nanoseconds(lengths[i]) }
            i += 1
        }
        return nil
    }

    private func values(_ drawing: [Int], before row: ArraySlice<Int>) -> Int {
        var n = 0
        for b in 0..<blockCount { n += drawing[b] * row[row.startIndex + b] }
        return n
    }
}
