import Datagrams
import Histogram

/// The distribution of one latency: an HdrHistogram for the percentiles, exact integers beside it for all else.
///
/// Count, minimum, maximum, mean and standard deviation are those of the values as recorded, to the nanosecond; only a
/// percentile is rounded, up to the end of its bucket (3 significant digits: at most 0.1 % high, never above the
/// maximum). The sums are integers, so merging in any order gives the same figures to the last digit.
///
/// It never drops a value: a negative one counts as zero, one above `longestTracked` has its percentile there, and
/// `negative` and `beyondRange` say how many of each there were.
package struct LatencyHistogram: Sendable {
    /// RFC 3261 gives up after 32 s; an hour also holds a callee who lets it ring, at 260 kB a histogram.
    package static let longestTracked = Nanoseconds.seconds(3600)

    package private(set) var count: UInt64 = 0
    package private(set) var negative: UInt64 = 0
    package private(set) var beyondRange: UInt64 = 0
    private var smallest = Int64.max
    private var largest = Int64.min
    private var sum: UInt128 = 0
    /// Nil once it no longer fits, which takes values of years: then there is no standard deviation.
    private var sumOfSquares: UInt128? = 0
    private var buckets: Histogram<UInt64>

    /// Shared until something is recorded: a recorder has twenty histograms, of which a run fills half, and to fill
    /// 260 kB with zeros one by one takes a millisecond.
    private static let empty = Histogram<UInt64>(
        lowestDiscernibleValue: 1, highestTrackableValue: UInt64(longestTracked.rawValue),
        numberOfSignificantValueDigits: .three)

    package init() { buckets = Self.empty }

    package mutating func record(_ length: Nanoseconds) {
        let value = max(length.rawValue, 0)
        if length.rawValue < 0 { negative += 1 }
        if value > Self.longestTracked.rawValue { beyondRange += 1 }
        count += 1
        smallest = min(smallest, value)
        largest = max(largest, value)
        let wide = UInt128(value)
        sum += wide
        addSquares(wide * wide)
        // Zero has a bucket of its own. The first value past the range may share the last bucket, so clamp first.
        buckets.record(UInt64(min(value, Self.longestTracked.rawValue)))
    }

    package mutating func merge(_ other: borrowing LatencyHistogram) {
        count += other.count
        negative += other.negative
        beyondRange += other.beyondRange
        smallest = min(smallest, other.smallest)
        largest = max(largest, other.largest)
        sum += other.sum
        if let squares = other.sumOfSquares { addSquares(squares) } else { sumOfSquares = nil }
        if other.count > 0 { buckets.add(other.buckets) }
    }

    /// Forgets everything.
    package mutating func removeAll() {
        count = 0
        negative = 0
        beyondRange = 0
        smallest = .max
        largest = .min
        sum = 0
        sumOfSquares = 0
        buckets = Self.empty
    }

    package var minimum: Nanoseconds? { count == 0 ? nil : Nanoseconds(smallest) }
    package var maximum: Nanoseconds? { count == 0 ? nil : Nanoseconds(largest) }

    /// In nanoseconds.
    package var mean: Double? { count == 0 ? nil : Double(sum) / Double(count) }

    /// Of the sample (n - 1), in nanoseconds; undefined below two values.
    package var standardDeviation: Double? {
        guard count >= 2, let sumOfSquares else { return nil }
        // With m the mean rounded down and r what it leaves, the squares about m are an integer that never leaves
        // 128 bits, and nothing cancels: for whole-second values apart by nanoseconds, floating sums would.
        let n = UInt128(count)
        let (m, r) = sum.quotientAndRemainder(dividingBy: n)
        let aboutM = sumOfSquares - m * sum - m * r
        let aboutMean = Double(aboutM) - Double(r) * Double(r) / Double(count)
        return (max(aboutMean, 0) / Double(count - 1)).squareRoot()
    }

    /// Nearest rank: the least recorded value that at least `percentile` of all values do not exceed.
    package func value(at percentile: Percentile) -> Nanoseconds? {
        var found: [Nanoseconds] = []
        collect([percentile], into: &found)
        return found.first
    }

    /// Everything a report prints of it, from one pass over the buckets (the package's own percentile call scans from
    /// the start each time). A percentile of too few values (`Percentile.leastCount`) is undefined: it would be the
    /// maximum under another name.
    package var figures: LatencyFigures {
        guard let least = minimum, let most = maximum, let mean else { return LatencyFigures() }
        var at: [Nanoseconds] = []
        collect([.p50, .p90, .p95, .p99, .p999], into: &at)
        func unlessThin(_ percentile: Percentile, _ value: Nanoseconds) -> Nanoseconds? {
            count >= percentile.leastCount ? value : nil
        }
        return LatencyFigures(
            count: count, min: least, mean: Nanoseconds(Int64(mean.rounded())),
            sd: standardDeviation.map { Nanoseconds(Int64($0.rounded())) }, p50: at[0], p90: unlessThin(.p90, at[1]),
            p95: unlessThin(.p95, at[2]), p99: unlessThin(.p99, at[3]), p999: unlessThin(.p999, at[4]), max: most)
    }

    /// `percentiles` ascending. Appends one value each, or nothing when the histogram is empty.
    private func collect(_ percentiles: [Percentile], into found: inout [Nanoseconds]) {
        guard count > 0 else { return }
        var passed: UInt64 = 0
        for bucket in buckets.recordedValues() {
            passed += bucket.count
            let value = Nanoseconds(min(max(Int64(bucket.value), smallest), largest))
            while found.count < percentiles.count, passed >= percentiles[found.count].rank(of: count) {
                found.append(value)
            }
            if found.count == percentiles.count { return }
        }
    }

    /// `body` is given the highest value of each bucket that holds any, ascending, and how many it holds.
    func forEachBucket(_ body: (_ value: UInt64, _ count: UInt64) -> Void) {
        guard count > 0 else { return }
        for bucket in buckets.recordedValues() { body(bucket.value, bucket.count) }
    }

    /// A step of the distribution: so many values, of all, are not above `value`.
    package struct Step: Sendable, Equatable {
        package var value: Nanoseconds
        package var passed: UInt64
    }

    /// The whole distribution, ascending: a step for each bucket that holds anything.
    package var steps: [Step] {
        if count == 0 { return [] }
        var passed: UInt64 = 0
        return buckets.recordedValues().map { bucket in
            passed += bucket.count
            return Step(value: Nanoseconds(min(max(Int64(bucket.value), smallest), largest)), passed: passed)
        }
    }

    /// How many values each of `edges` (ascending) is not exceeded by; a value within 0.1 % of an edge may count as above
    /// it.
    package func counts(upTo edges: [Nanoseconds]) -> [UInt64] {
        var counts: [UInt64] = []
        counts.reserveCapacity(edges.count)
        var passed: UInt64 = 0
        if count > 0 {
            for bucket in buckets.recordedValues() {
                while counts.count < edges.count, bucket.value > UInt64(edges[counts.count].rawValue) {
                    counts.append(passed)
                }
                if counts.count == edges.count { return counts }
                passed += bucket.count
            }
        }
        while counts.count < edges.count { counts.append(passed) }
        return counts
    }

    private mutating func addSquares(_ squares: UInt128) {
        guard let old = sumOfSquares else { return }
        let (new, overflow) = old.addingReportingOverflow(squares)
        sumOfSquares = overflow ? nil : new
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
