import Datagrams

/// Of a latency all that is exact: everything but its distribution. The sums are integers, so that merging in any order
/// gives the same figures to the last digit.
struct LatencyMoments: Sendable {
    private(set) var count: UInt64 = 0
    private(set) var negative: UInt64 = 0
    private(set) var beyondRange: UInt64 = 0
    private var smallest = Int64.max
    private var largest = Int64.min
    private var sum: UInt128 = 0
    /// Nil once it no longer fits, which takes values of years: then there is no standard deviation.
    private var sumOfSquares: UInt128? = 0

    /// - Returns: the value to be counted in a bucket.
    mutating func record(_ length: Nanoseconds) -> UInt64 {
        let value = max(length.rawValue, 0)
        if length.rawValue < 0 { negative += 1 }
        if value > LatencyHistogram.longestTracked.rawValue { beyondRange += 1 }
        count += 1
        smallest = min(smallest, value)
        largest = max(largest, value)
        let wide = UInt128(value)
        sum += wide
        addSquares(wide * wide)
        return UInt64(min(value, LatencyHistogram.longestTracked.rawValue))
    }

    mutating func merge(_ other: LatencyMoments) {
        count += other.count
        negative += other.negative
        beyondRange += other.beyondRange
        smallest = min(smallest, other.smallest)
        largest = max(largest, other.largest)
        sum += other.sum
        if let squares = other.sumOfSquares { addSquares(squares) } else { sumOfSquares = nil }
    }

    private mutating func addSquares(_ squares: UInt128) {
        guard let old = sumOfSquares else { return }
        let (new, overflow) = old.addingReportingOverflow(squares)
        sumOfSquares = overflow ? nil : new
    }

    var minimum: Nanoseconds? { count == 0 ? nil : Nanoseconds(smallest) }
    var maximum: Nanoseconds? { count == 0 ? nil : Nanoseconds(largest) }

    /// In nanoseconds.
    var mean: Double? { count == 0 ? nil : Double(sum) / Double(count) }

    /// Of the sample (n - 1), in nanoseconds; undefined below two values.
    var standardDeviation: Double? {
        guard count >= 2, let sumOfSquares else { return nil }
        // With m the mean rounded down and r what it leaves, the squares about m are an integer that never leaves
        // 128 bits, and nothing cancels: for whole-second values apart by nanoseconds, floating sums would.
        let n = UInt128(count)
        let (m, r) = sum.quotientAndRemainder(dividingBy: n)
        let aboutM = sumOfSquares - m * sum - m * r
        let aboutMean = Double(aboutM) - Double(r) * Double(r) / Double(count)
        return (max(aboutMean, 0) / Double(count - 1)).squareRoot()
    }

    // MARK: with the buckets of the same values, by ascending index

    /// A bucket stands for the highest value in it, but nothing for more than was recorded.
    private func value(at index: Int) -> Nanoseconds {
        Nanoseconds(min(max(Int64(HistogramLayout.latency.values(at: index).upperBound), smallest), largest))
    }

    /// Nearest ranks, of one pass: one value for each of the ascending `percentiles`, or nothing where there is no value.
    func values(
        at percentiles: [Percentile], _ buckets: some Sequence<HistogramCounts.Count>
    ) -> [Nanoseconds] {
        var found: [Nanoseconds] = []
        guard count > 0, let first = percentiles.first else { return found }
        found.reserveCapacity(percentiles.count)
        var passed: UInt64 = 0
        var rank = first.rank(of: count)
        for bucket in buckets {
            passed += bucket.count
            if passed < rank { continue }
            let value = value(at: bucket.index)
            repeat {
                found.append(value)
                if found.count == percentiles.count { return found }
                rank = percentiles[found.count].rank(of: count)
            } while passed >= rank
        }
        return found
    }

    /// Everything a report prints of it. A percentile of too few values (`Percentile.leastCount`) is undefined: it would
    /// be the maximum under another name.
    func figures(_ buckets: some Sequence<HistogramCounts.Count>) -> LatencyFigures {
        guard let least = minimum, let most = maximum, let mean else { return LatencyFigures() }
        let at = values(at: [.p50, .p90, .p95, .p99, .p999], buckets)
        func unlessThin(_ percentile: Percentile, _ value: Nanoseconds) -> Nanoseconds? {
            count >= percentile.leastCount ? value : nil
        }
        return LatencyFigures(
            count: count, min: least, mean: Nanoseconds(Int64(mean.rounded())),
            sd: standardDeviation.map { Nanoseconds(Int64($0.rounded())) }, p50: at[0], p90: unlessThin(.p90, at[1]),
            p95: unlessThin(.p95, at[2]), p99: unlessThin(.p99, at[3]), p999: unlessThin(.p999, at[4]), max: most)
    }

    func steps(_ buckets: some Sequence<HistogramCounts.Count>) -> [LatencyHistogram.Step] {
        var passed: UInt64 = 0
        return buckets.map { bucket in
            passed += bucket.count
            return LatencyHistogram.Step(value: value(at: bucket.index), passed: passed)
        }
    }
}
