import Datagrams

/// The counts of a histogram and nothing else, of which adding up loses nothing: what `rtt.hlog` holds of a second.
package struct HistogramCounts: Equatable, Sendable {
    package struct Count: Equatable, Sendable {
        /// As `HistogramLayout` has it.
        package var index: Int
        /// Above 0.
        package var count: UInt64
    }

    package let layout: HistogramLayout
    /// By ascending index.
    package private(set) var counts: [Count] = []

    package init(layout: HistogramLayout = .latency) { self.layout = layout }

    init(_ buckets: BucketArray) {
        layout = .latency
        for bucket in buckets { counts.append(bucket) }
    }

    /// Only with indices that ascend.
    mutating func append(_ count: UInt64, at index: Int) {
        precondition(index < layout.length && index > counts.last?.index ?? -1, "count \(index) of a histogram")
        if count > 0 { counts.append(Count(index: index, count: count)) }
    }

    package var total: UInt64 { counts.reduce(0) { $0 &+ $1.count } }

    /// The highest value that the bucket of the longest may hold.
    package var maximum: UInt64? { counts.last.map { layout.values(at: $0.index).upperBound } }
    /// The lowest value that the bucket of the shortest may hold.
    package var minimum: UInt64? { counts.first.map { layout.values(at: $0.index).lowerBound } }

    /// Nearest rank, as the highest value of its bucket: what HdrHistogram calls the value at a percentile.
    package func value(at percentile: Percentile) -> UInt64? {
        let rank = percentile.rank(of: total)
        var passed: UInt64 = 0
        for count in counts {
            passed &+= count.count
            if passed >= rank { return layout.values(at: count.index).upperBound }
        }
        return nil
    }

    /// Bucket by bucket. False, and nothing done, where the layouts differ.
    package mutating func add(_ other: HistogramCounts) -> Bool {
        guard layout == other.layout else { return false }
        var sum: [Count] = []
        sum.reserveCapacity(counts.count + other.counts.count)
        var (i, j) = (0, 0)
        while i < counts.count, j < other.counts.count {
            let (first, second) = (counts[i], other.counts[j])
            if first.index < second.index {
                sum.append(first)
                i += 1
            } else if first.index > second.index {
                sum.append(second)
                j += 1
            } else {
                sum.append(Count(index: first.index, count: first.count &+ second.count))
                i += 1
                j += 1
            }
        }
        sum += counts[i...]
        sum += other.counts[j...]
        counts = sum
        return true
    }
}
