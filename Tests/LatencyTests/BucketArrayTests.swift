import Datagrams
import Histogram
import Testing

@testable import Latency

/// HdrHistogram's own implementation for Swift is the judge.
@Suite struct BucketArrayTests {
    private typealias Theirs = Histogram<UInt64>

    private static func theirs() -> Theirs {
        Theirs(
            lowestDiscernibleValue: 1, highestTrackableValue: UInt64(LatencyHistogram.longestTracked.rawValue),
            numberOfSignificantValueDigits: .three)
    }

    /// From none to an hour, few or many.
    private static func values(_ generator: inout SeededGenerator) -> [UInt64] {
        (0..<Int(generator.next() % 3000)).map { _ in
            min(generator.next() >> (22 + generator.next() % 42), UInt64(LatencyHistogram.longestTracked.rawValue))
        }
    }

    private static func record(_ values: [UInt64], _ ours: inout LatencyHistogram, _ theirs: inout Theirs) {
        for value in values {
            ours.record(Nanoseconds(Int64(value)))
            theirs.record(value)
        }
    }

    private static func areSame(_ ours: LatencyHistogram, _ theirs: Theirs) -> Bool {
        let counts = ours.bucketCounts
        let values = counts.counts.map { counts.layout.values(at: $0.index).upperBound }
        let their = Array(theirs.recordedValues())
        return values == their.map(\.value) && counts.counts.map(\.count) == their.map(\.count)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func countsAreThoseOfHdrHistogramAlsoInMemoryUsedBefore(seed: UInt64)
    {
        var generator = SeededGenerator(seed: seed)
        var (ours, theirs) = (LatencyHistogram(), Self.theirs())
        for _ in 0..<5 {
            ours.removeAll()
            theirs.reset()
            Self.record(Self.values(&generator), &ours, &theirs)
            #expect(Self.areSame(ours, theirs))
        }
    }

    @Test func bothEndsOfTheRangeAreCounted() {
        var (ours, theirs) = (LatencyHistogram(), Self.theirs())
        Self.record([0, 1, 63, 64, 2047, 2048, 3_600_000_000_000], &ours, &theirs)
        #expect(Self.areSame(ours, theirs))
        #expect(ours.bucketCounts.counts.first?.index == 0)
    }

    @Test func whatIsMergedIsThoseOfHdrHistogram() {
        var generator = SeededGenerator(seed: 12)
        var (ours, theirs) = (LatencyHistogram(), Self.theirs())
        for _ in 0..<5 {
            var (one, their) = (LatencyHistogram(), Self.theirs())
            Self.record(Self.values(&generator), &one, &their)
            let before = one
            ours.merge(one)
            theirs.add(their)
            #expect(Self.areSame(ours, theirs))
            // Merging into an empty one takes the other's memory until either changes.
            ours.record(.zero)
            theirs.record(0)
            #expect(one.bucketCounts == before.bucketCounts)
        }
    }

    /// A second holds what its histograms held, though they are used again at once.
    @Test func aDistributionKeepsWhatTheHistogramForgets() throws {
        var generator = SeededGenerator(seed: 4)
        var (one, two) = (LatencyHistogram(), LatencyHistogram())
        for value in Self.values(&generator) { one.record(Nanoseconds(Int64(value))) }
        for value in Self.values(&generator) { two.record(Nanoseconds(Int64(value))) }
        var both = one
        both.merge(two)
        var distribution = LatencyDistribution(one)
        #expect(distribution.figures == one.figures)
        distribution.merge(LatencyDistribution(two))
        one.removeAll()
        #expect(distribution.figures == both.figures)
        #expect(distribution.counts == both.bucketCounts)
        #expect(LatencyDistribution(one).figures == LatencyFigures())
        #expect(LatencyDistribution(one).counts.counts.isEmpty)
    }
}
