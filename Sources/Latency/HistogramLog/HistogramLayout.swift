import Datagrams

/// Where an HdrHistogram counts a value: the arithmetic all of its implementations share, from which the index of a count
/// follows.
///
/// A bucket holds values of one power of two, cut into as many equal parts as the significant digits need; the first
/// bucket counts from zero, of the others only the upper half is new.
package struct HistogramLayout: Equatable, Sendable {
    /// At least 1.
    package let lowest: UInt64
    /// At least twice the lowest.
    package let highest: UInt64
    /// From 0 to 5.
    package let significantDigits: Int

    /// All that lies in the first bucket.
    private let firstMask: UInt64
    private let unitMagnitude: Int
    /// A half bucket has 2 to this power parts.
    private let halfMagnitude: Int
    /// Counts there are.
    package let length: Int

    /// Nil where there is no such histogram, or it would have more than `mostCounts`.
    package init?(lowest: UInt64, highest: UInt64, significantDigits: Int) {
        guard (0...5).contains(significantDigits), lowest >= 1, lowest <= highest / 2, highest <= UInt64(Int64.max)
        else {
            return nil
        }
        self.lowest = lowest
        self.highest = highest
        self.significantDigits = significantDigits
        unitMagnitude = 63 - lowest.leadingZeroBitCount
        // Parts of one unit up to here are what the digits ask for.
        let parts = 2 * (0..<significantDigits).reduce(UInt64(1)) { power, _ in power * 10 }
        let magnitude = 64 - (parts - 1).leadingZeroBitCount
        halfMagnitude = max(magnitude, 1) - 1
        guard unitMagnitude + halfMagnitude <= 61 else { return nil }
        firstMask = (UInt64(2) << UInt64(halfMagnitude + unitMagnitude)) - 1
        var (buckets, beyond) = (1, UInt64(2) << UInt64(halfMagnitude + unitMagnitude))
        while beyond <= highest {
            buckets += 1
            beyond = beyond > UInt64(Int64.max) / 2 ? UInt64.max : beyond << 1
        }
        length = (buckets + 1) << halfMagnitude
        guard length <= Self.mostCounts else { return nil }
    }

    /// An hour in nanoseconds at five digits has 4 million; what asks for more is damaged.
    static let mostCounts = 1 << 24

    /// That of `LatencyHistogram`: nanoseconds up to an hour, three digits.
    package static let latency: HistogramLayout = {
        let hour = UInt64(LatencyHistogram.longestTracked.rawValue)
        guard let layout = HistogramLayout(lowest: 1, highest: hour, significantDigits: 3) else {
            preconditionFailure("the layout of a latency")
        }
        return layout
    }()

    /// At most `length` - 1: what is above `highest` is counted last.
    package func index(of value: UInt64) -> Int {
        // Some dozens of times a call. Nothing here overflows: no shift is by more than 62.
        let bucket = 63 &- (value | firstMask).leadingZeroBitCount &- unitMagnitude &- halfMagnitude
        let part = Int(truncatingIfNeeded: value &>> UInt64(truncatingIfNeeded: bucket &+ unitMagnitude))
        return min((bucket &<< halfMagnitude) &+ part, length - 1)
    }

    /// The values counted there.
    package func values(at index: Int) -> ClosedRange<UInt64> {
        let half = 1 << halfMagnitude
        let bucket = max((index >> halfMagnitude) - 1, 0)
        let part = index < half ? index : (index & (half - 1)) + half
        let first = UInt64(part) << UInt64(bucket + unitMagnitude)
        return first...(first + (UInt64(1) << UInt64(bucket + unitMagnitude)) - 1)
    }
}
