import Datagrams
import Latency

/// What a picture of a run needs of it: a few hundred points, however many calls there were.
package struct RunCurves: Sendable {
    package struct SpectrumPoint: Sendable, Equatable {
        /// -log10 of the share of the calls that took longer: 1 is the 90th percentile, 2 the 99th, 3 the 99.9th.
        package var nines: Double
        package var length: Nanoseconds
    }

    /// A stretch of neighbouring calls.
    package struct Stretch: Sendable, Equatable {
        /// The number of its middle call.
        package var call: Double
        package var p50: Nanoseconds
        package var p99: Nanoseconds
    }

    /// Up to the percentile that the ten longest calls lie beyond; then the longest one.
    package var spectrum: [SpectrumPoint] = []
    package var stretches: [Stretch] = []
    package var lastCall: UInt64

    /// 10 to the power of -1/20.
    private static let step = 0.891250938133746

    package init(_ sample: RunSample, stretches count: Int = 120) {
        lastCall = sample.last
        let sorted = sample.times.map(\.length).sorted()
        guard let longest = sorted.last else { return }
        var (beyond, nines) = (1.0, 0.0)
        while beyond * Double(sorted.count) >= 1 {
            let rank = max(1, sorted.count - Int((beyond * Double(sorted.count)).rounded(.down)))
            spectrum.append(SpectrumPoint(nines: nines, length: sorted[rank - 1]))
            beyond *= Self.step
            nines += 0.05
        }
        spectrum.append(SpectrumPoint(nines: nines, length: longest))
        addStretches(sample, count)
    }

    private mutating func addStretches(_ sample: RunSample, _ count: Int) {
        let ordered = sample.times.sorted { $0.number < $1.number }
        // Of fewer than 20 there is no 99th percentile worth the name.
        let pieces = max(1, min(count, ordered.count / 20))
        for piece in 0..<pieces {
            let range = ordered.count * piece / pieces..<ordered.count * (piece + 1) / pieces
            let lengths = ordered[range].map(\.length).sorted()
            guard let first = ordered[range].first, let last = ordered[range].last else { continue }
            stretches.append(
                Stretch(
                    call: Double(first.number + last.number) / 2, p50: lengths[(lengths.count - 1) / 2],
                    p99: lengths[min(lengths.count - 1, lengths.count * 99 / 100)]))
        }
    }
}
