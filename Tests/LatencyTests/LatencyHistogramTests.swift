import Datagrams
import Testing

@testable import Latency

@Suite struct LatencyHistogramTests {
    /// Latencies as they come: most near a millisecond, a tail to seconds.
    private static func sample(_ count: Int, seed: UInt64) -> [Int64] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let u = generator.unit()
            return Int64(800_000 + 1_000_000 * u + (u > 0.97 ? 2e9 * generator.unit() : 0))
        }
    }

    private static func histogram(_ values: [Int64]) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for value in values { histogram.record(Nanoseconds(value)) }
        return histogram
    }

    @Test(arguments: [1, 2, 10, 99, 100, 1000, 4321])
    func percentilesAreTheNearestRankWithinOneInAThousand(count: Int) throws {
        let values = Self.sample(count, seed: UInt64(count))
        let sorted = values.sorted()
        let histogram = Self.histogram(values)
        for percentile in [Percentile.p50, .p90, .p95, .p99, .p999, Percentile(thousandths: 100_000)] {
            // The oracle looks at each place instead of computing the rank.
            let place = try #require(
                sorted.indices.first { UInt64($0 + 1) * 100_000 >= percentile.thousandths * UInt64(count) })
            let oracle = sorted[place]
            let found = try #require(histogram.value(at: percentile)).rawValue
            #expect(found >= oracle && Double(found) <= Double(oracle) * 1.001)
            #expect(found <= sorted[count - 1])
        }
    }

    @Test func extremesAndMomentsAreExact() throws {
        let values = Self.sample(3000, seed: 5)
        let histogram = Self.histogram(values)
        #expect(histogram.minimum?.rawValue == values.min())
        #expect(histogram.maximum?.rawValue == values.max())
        #expect(histogram.count == 3000)
        let mean = Double(values.reduce(0, +)) / 3000
        let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        #expect(histogram.mean == mean)
        let deviation = try #require(histogram.standardDeviation)
        #expect((deviation / (squares / 2999).squareRoot() - 1).magnitude < 1e-12)
    }

    /// Floating sums of squares would give 0 or NaN here.
    @Test func deviationOfLongButEqualTimesIsNotLostToCancellation() {
        let histogram = Self.histogram([3_000_000_000_000, 3_000_000_000_002])
        #expect(histogram.standardDeviation == 2.0.squareRoot())
        #expect(Self.histogram(Array(repeating: 3_000_000_000_001, count: 7)).standardDeviation == 0)
    }

    @Test func anEmptyOneKnowsNothingAndOneValueHasNoDeviation() {
        #expect(LatencyHistogram().figures == LatencyFigures())
        #expect(LatencyHistogram().value(at: .p50) == nil)
        let one = Self.histogram([1_234_567]).figures
        let value = Nanoseconds(1_234_567)
        #expect(
            one
                == LatencyFigures(
                    count: 1, min: value, mean: value, sd: nil, p50: value, p90: nil, p95: nil, p99: nil, p999: nil,
                    max: value))
    }

    /// The maximum under another name would be taken for what one call in a hundred takes.
    @Test func aPercentileOfTooFewValuesIsUndefined() {
        func figures(_ count: Int64) -> LatencyFigures { Self.histogram(Array(1...count)).figures }
        #expect(figures(9).p90 == nil)
        #expect(figures(10).p90 == Nanoseconds(9))
        #expect(figures(19).p95 == nil)
        #expect(figures(20).p95 == Nanoseconds(19))
        #expect(figures(99).p99 == nil)
        #expect(figures(100).p99 == Nanoseconds(99))
        #expect(figures(999).p999 == nil)
        #expect(figures(1000).p999 == Nanoseconds(999))
    }

    @Test func mergingGivesWhatRecordingAllWouldHave() {
        let all = Self.sample(2000, seed: 9)
        var merged = Self.histogram(Array(all[..<700]))
        merged.merge(Self.histogram(Array(all[700...])))
        merged.merge(LatencyHistogram())
        let whole = Self.histogram(all)
        #expect(merged.figures == whole.figures)
        #expect(merged.standardDeviation == whole.standardDeviation)
        var other = Self.histogram(Array(all[700...]))
        other.merge(Self.histogram(Array(all[..<700])))
        #expect(other.standardDeviation == whole.standardDeviation)
        #expect(other.mean == whole.mean)
    }

    @Test func valuesOutOfRangeAreCountedAndNotLost() {
        let histogram = Self.histogram([-5, 7_200_000_000_000, 1000])
        #expect(histogram.count == 3)
        #expect(histogram.negative == 1)
        #expect(histogram.beyondRange == 1)
        #expect(histogram.minimum == .zero)
        #expect(histogram.maximum == .seconds(7200))
        #expect(histogram.mean == 7_200_000_001_000.0 / 3)
    }

    @Test func removeAllForgetsEverything() {
        var histogram = Self.histogram([1, 2, -3])
        histogram.removeAll()
        #expect(histogram.figures == LatencyFigures())
        #expect(histogram.negative == 0)
        histogram.record(Nanoseconds(10))
        #expect(histogram.mean == 10)
    }

    @Test(
        arguments: [
            (Percentile.p50, UInt64(1), UInt64(1)), (.p50, 2, 1), (.p50, 3, 2), (.p999, 1000, 999), (.p999, 1001, 1000),
            (.p99, 100, 99), (.p99, 101, 100),
        ])
    func ranksAreExact(percentile: Percentile, count: UInt64, rank: UInt64) {
        #expect(percentile.rank(of: count) == rank)
    }

    @Test func leastCountsOfThePercentilesPrinted() {
        #expect(Percentile.p50.leastCount == 2)
        #expect(Percentile.p99.leastCount == 100)
        #expect(Percentile.p999.leastCount == 1000)
    }
}

@Suite struct DecimalTextTests {
    @Test(
        arguments: [
            (0, "0.000"), (1, "0.000"), (500, "0.001"), (213_000, "0.213"), (9_999_400, "9.999"), (9_999_600, "10.00"),
            (43_120_000, "43.12"), (99_996_000, "100.0"), (380_123_000, "380.1"), (999_960_000, "1000"),
            (32_000_400_000, "32000"), (-2_500_000, "-2.500"),
        ] as [(Int64, String)])
    func millisecondsHaveFourDigits(length: Int64, text: String) {
        #expect(DecimalText.milliseconds(Nanoseconds(length)) == text)
    }

    @Test func ratesAreAsTyped() {
        #expect(DecimalText.trimmed(400) == "400")
        #expect(DecimalText.trimmed(0.5) == "0.5")
        #expect(DecimalText.trimmed(33.3333) == "33.333")
        #expect(DecimalText.trimmed(-0.0001) == "0")
    }

    @Test func thousandsAreGrouped() {
        #expect(
            [0, 999, 1000, 123_456, 1_234_567].map(DecimalText.grouped) == [
                "0", "999", "1,000", "123,456", "1,234,567",
            ])
    }
}
