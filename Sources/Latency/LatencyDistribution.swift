import Datagrams

/// What a second leaves of a latency: its figures and its buckets, as large as the second was busy. Further values are not
/// recorded, but those of other sending threads are added.
package struct LatencyDistribution: Sendable {
    private var moments: LatencyMoments
    package private(set) var counts: HistogramCounts

    package init(_ histogram: borrowing LatencyHistogram) {
        moments = histogram.moments
        counts = histogram.bucketCounts
    }

    package mutating func merge(_ other: borrowing LatencyDistribution) {
        moments.merge(other.moments)
        let isSame = counts.add(other.counts)
        precondition(isSame, "latencies have one layout")
    }

    package var maximum: Nanoseconds? { moments.maximum }

    package var figures: LatencyFigures { moments.figures(counts.counts) }
}
