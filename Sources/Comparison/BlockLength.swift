import Datagrams
import Latency

/// How many neighbouring calls a block must hold so that one block says next to nothing of the one after it.
///
/// The run is cut into bins, and for each of three series over the bins (mean RTT, how much it swings, how many calls are
/// above the 99th percentile) the integrated autocorrelation time is summed up until the pairs of coefficients turn
/// negative (Geyer's initial positive sequence). A block is four times the longest of the three.
struct BlockLength {
    /// In calls.
    var calls: UInt64
    /// Fewer blocks than `leastBlocks` would have been needed: chance is underestimated.
    var isTooCoarse: Bool

    static let most = 128
    /// Below a dozen blocks their spread is hardly known.
    static let leastBlocks = 12
    private static let timesCorrelation = 4.0

    init(_ samples: [RunSample]) {
        let least = samples.map { max($0.last, 1) }.min() ?? 1
        let most = samples.map { max($0.last, 1) }.max() ?? 1
        let together = samples.reduce(1) { max($0, Self.timesCorrelation * Self.correlation($1)) }
        let longest = max(1, Double(least) / Double(Self.leastBlocks))
        // Beside a short run a long one is cut finer than it need be, which takes time and nothing else.
        isTooCoarse = together > longest
        calls = UInt64(min(max(together, Double(most) / Double(Self.most)), longest).rounded(.up))
    }

    /// In calls: 1 where neighbours have nothing in common.
    static func correlation(_ sample: RunSample) -> Double {
        let whole = correlation(sample.times, numbered: 1...max(sample.last, 1))
        // A long run's bins are wide: whether calls are alike within one, a closer look at its middle says.
        let close = UInt64(mostBins * leastPerBin)
        guard !whole.isSeen, sample.last > 2 * close else { return whole.calls }
        let first = sample.last / 2 - close / 2
        let middle = first...first + close - 1
        let times = sample.times.filter { middle.contains($0.number) }
        return min(correlation(times, numbered: middle).calls, whole.calls)
    }

    private static let mostBins = 1024
    private static let leastPerBin = 8

    /// `isSeen`: neighbouring bins have something in common; else one bin is the least that can be told apart.
    private static func correlation(
        _ times: [BlockedSample.Timed], numbered numbers: ClosedRange<UInt64>
    ) -> (calls: Double, isSeen: Bool) {
        let bins = min(mostBins, times.count / leastPerBin)
        if bins < 16 { return (1, true) }
        let width = Double(numbers.count) / Double(bins)
        let sorted = times.map(\.length.rawValue).sorted()
        let (middle, high) = (sorted[sorted.count / 2], sorted[sorted.count - 1 - sorted.count / 100])
        var series = [[Double]](repeating: Array(repeating: 0, count: bins), count: 3)
        var counts = [Double](repeating: 0, count: bins)
        for time in times {
            let bin = min(Int(Double(time.number - numbers.lowerBound) / width), bins - 1)
            let distance = Double(time.length.rawValue - middle)
            counts[bin] += 1
            series[0][bin] += distance
            series[1][bin] += abs(distance)
            series[2][bin] += time.length.rawValue >= high ? 1 : 0
        }
        for s in series.indices {
            for bin in 0..<bins where counts[bin] > 0 { series[s][bin] /= counts[bin] }
        }
        let longest = series.map(integratedTime).max() ?? 1
        // Within a bin calls may be alike to the last.
        return longest <= 1.5 ? (width / 4, false) : (longest * width, true)
    }

    /// In steps of the series, at least 1.
    private static func integratedTime(_ series: [Double]) -> Double {
        let n = series.count
        let mean = series.reduce(0, +) / Double(n)
        let centred = series.map { $0 - mean }
        func covariance(_ lag: Int) -> Double {
            var sum = 0.0
            for i in 0..<(n - lag) { sum += centred[i] * centred[i + lag] }
            return sum / Double(n)
        }
        let variance = covariance(0)
        if variance <= 0 { return 1 }
        var (time, lag) = (1.0, 1)
        while lag + 1 < n / 3 {
            let pair = (covariance(lag) + covariance(lag + 1)) / variance
            if pair <= 0 { break }
            time += 2 * pair
            lag += 2
        }
        return time
    }
}
