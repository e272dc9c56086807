import Datagrams

/// The distribution of one latency: HdrHistogram's buckets for the percentiles, exact integers beside them for all else.
///
/// Count, minimum, maximum, mean and standard deviation are those of the values as recorded, to the nanosecond; only a
/// percentile is rounded, up to the end of its bucket (3 significant digits: at most 0.1 % high, never above the
/// maximum). The sums are integers, so merging in any order gives the same figures to the last digit.
///
/// It never drops a value: a negative one counts as zero, one above `longestTracked` has its percentile there, and
/// `negative` and `beyondRange` say how many of each there were.
package struct LatencyHistogram: Sendable {
    /// RFC 3261 gives up after 32 s; an hour also holds a callee who lets it ring, at 270 kB a histogram.
    package static let longestTracked = Nanoseconds.seconds(3600)

    private(set) var moments = LatencyMoments()
    private var buckets = BucketArray()

    package init() {}

    package mutating func record(_ length: Nanoseconds) {
        buckets.record(moments.record(length))
    }

    package mutating func merge(_ other: borrowing LatencyHistogram) {
        moments.merge(other.moments)
        buckets.add(other.buckets)
    }

    /// Forgets everything.
    package mutating func removeAll() {
        moments = LatencyMoments()
        buckets.removeAll()
    }

    package var count: UInt64 { moments.count }
    package var negative: UInt64 { moments.negative }
    package var beyondRange: UInt64 { moments.beyondRange }
    package var minimum: Nanoseconds? { moments.minimum }
    package var maximum: Nanoseconds? { moments.maximum }

    /// In nanoseconds.
    package var mean: Double? { moments.mean }
    /// Of the sample (n - 1), in nanoseconds; undefined below two values.
    package var standardDeviation: Double? { moments.standardDeviation }

    /// Nearest rank: the least recorded value that at least `percentile` of all values do not exceed.
    package func value(at percentile: Percentile) -> Nanoseconds? { moments.values(at: [percentile], buckets).first }

    /// Everything a report prints of it.
    package var figures: LatencyFigures { moments.figures(buckets) }

    /// Its buckets alone.
    package var bucketCounts: HistogramCounts { HistogramCounts(buckets) }

    /// A step of the distribution: so many values, of all, are not above `value`.
    package struct Step: Sendable, Equatable {
        package var value: Nanoseconds
        package var passed: UInt64
    }

    /// The whole distribution, ascending: a step for each bucket that holds anything.
    package var steps: [Step] { moments.steps(buckets) }

    /// How many values each of `edges` (ascending) is not exceeded by; a value within 0.1 % of an edge may count as above
    /// it.
    package func counts(upTo edges: [Nanoseconds]) -> [UInt64] {
        var counts: [UInt64] = []
        counts.reserveCapacity(edges.count)
        var passed: UInt64 = 0
        for bucket in buckets {
            let value = HistogramLayout.latency.values(at: bucket.index).upperBound
            while counts.count < edges.count, value > UInt64(edges[counts.count].rawValue) { counts.append(passed) }
            if counts.count == edges.count { return counts }
            passed += bucket.count
        }
        while counts.count < edges.count { counts.append(passed) }
        return counts
    }
}

/// A percentile in thousandths of a per cent, so that ranks are integer arithmetic: 99.9 % of 1000 values is rank 999,
/// not whatever 0.999 rounds to.
package struct Percentile: Hashable, Sendable {
    package var thousandths: UInt64

    package init(thousandths: UInt64) {
        precondition(thousandths <= 100_000, "percentile above 100")
        self.thousandths = thousandths
    }

    package static let p50 = Percentile(thousandths: 50_000)
    package static let p90 = Percentile(thousandths: 90_000)
    package static let p95 = Percentile(thousandths: 95_000)
    package static let p99 = Percentile(thousandths: 99_000)
    package static let p999 = Percentile(thousandths: 99_900)

    /// From 1 to `count`: rounded up.
    package func rank(of count: UInt64) -> UInt64 {
        let product = UInt128(count) * UInt128(thousandths)
        return max(1, UInt64((product + 99_999) / 100_000))
    }

    /// How many values there must be before this percentile differs from the maximum by rule and not by luck.
    package var leastCount: UInt64 {
        thousandths == 100_000 ? 1 : (100_000 + 99_999 - thousandths) / (100_000 - thousandths)
    }
}

/// What is printed of one latency. Nil is undefined: of no value nothing is known, of one no deviation, and of fewer
/// than a hundred no 99th percentile.
package struct LatencyFigures: Sendable, Equatable {
    package var count: UInt64 = 0
    package var min: Nanoseconds?
    package var mean: Nanoseconds?
    package var sd: Nanoseconds?
    package var p50: Nanoseconds?
    package var p90: Nanoseconds?
    package var p95: Nanoseconds?
    package var p99: Nanoseconds?
    package var p999: Nanoseconds?
    package var max: Nanoseconds?

    package init() {}

    package init(
        count: UInt64, min: Nanoseconds?, mean: Nanoseconds?, sd: Nanoseconds?, p50: Nanoseconds?, p90: Nanoseconds?,
        p95: Nanoseconds?, p99: Nanoseconds?, p999: Nanoseconds?, max: Nanoseconds?
    ) {
        self.count = count
        self.min = min
        self.mean = mean
        self.sd = sd
        self.p50 = p50
        self.p90 = p90
        self.p95 = p95
        self.p99 = p99
        self.p999 = p999
        self.max = max
    }
}
