import Datagrams
import Latency
import Observations
import Testing

@testable import Comparison

@Suite struct ComparisonTests {
    /// Call number n has `length(n)` ms; nil fails. Of `every` numbers one is a call.
    private static func sample(_ calls: Int, every: Int = 1, _ length: (Int) -> Double?) -> RunSample {
        var sample = RunSample()
        for n in stride(from: every, through: calls * every, by: every) {
            var call = CallRecord(number: UInt64(n), callID: CallIDText(), due: .milliseconds(Int64(n)))
            call.sent = call.due
            call.outcome = length(n) == nil ? .timeout : .ok
            call.retransmissions = length(n) == nil ? 6 : 0
            call.rtt = length(n).map { Nanoseconds(Int64($0 * 1e6)) }
            sample.record(call)
        }
        return sample
    }

    @Test func theFiguresAreThoseOfTheCalls() throws {
        // 1, 2, ... 1000 ms, in an order that leaves no block alike.
        let a = Self.sample(1000) { Double(($0 * 617) % 1000 + 1) }
        let b = Self.sample(1000) { $0 % 100 == 0 ? nil : Double(($0 * 617) % 1000 + 1) * 2 }
        let comparison = RunComparison(a, b, drawings: 400)
        #expect(comparison[.mean]?.a == 500.5e6)
        #expect(comparison[.p50]?.a == 500e6)
        #expect(comparison[.p90]?.a == 900e6)
        #expect(comparison[.p99]?.a == 990e6)
        #expect(comparison[.maximum]?.a == 1000e6)
        let deviation = try #require(comparison[.standardDeviation]?.a)
        #expect(abs(deviation - 288.819_436e6) < 10)
        #expect(comparison[.failures]?.b == 0.01)
        #expect(comparison[.retransmissions]?.b == 0.06)
        #expect(comparison[.failures]?.difference?.value == 0.01)
        let ratio = try #require(comparison[.mean]?.ratio?.value)
        #expect(abs(ratio - 2) < 0.02)
        #expect(comparison[.mean]?.isShown == true)
    }

    @Test func aRunBesideItselfShowsNothing() {
        let run = SimulatedServer().run(1000, seed: 5)
        let comparison = RunComparison(run, run, drawings: 100)
        for row in comparison.rows {
            #expect(row.difference?.value == 0)
            #expect(row.chance == 1)
            #expect(!row.isShown)
        }
    }

    @Test func theSameSeedSaysTheSameTwice() {
        let (a, b) = (SimulatedServer().run(1000, seed: 5), SimulatedServer(service: 1.6).run(1000, seed: 6))
        #expect(RunComparison(a, b, seed: 3, drawings: 100).rows == RunComparison(a, b, seed: 3, drawings: 100).rows)
        #expect(RunComparison(a, b, seed: 3, drawings: 100).rows != RunComparison(a, b, seed: 4, drawings: 100).rows)
    }

    @Test func ofAFewCallsNothingIsSaid() {
        let comparison = RunComparison(Self.sample(20) { Double($0) }, Self.sample(20) { Double($0) * 10 })
        #expect(comparison.isTooThin)
        let isSilent = comparison.rows.allSatisfy { $0.chance == nil && !$0.isShown }
        #expect(isSilent)
        #expect(comparison[.mean]?.ratio?.value == 10)
    }

    @Test func runsWithoutAnAnswerAreCompared() {
        let comparison = RunComparison(Self.sample(200) { _ in nil }, Self.sample(200) { _ in 1 }, drawings: 100)
        #expect(comparison[.mean]?.a == nil)
        #expect(comparison[.mean]?.difference == nil)
        #expect(comparison[.failures]?.difference?.value == -1)
        #expect(comparison[.failures]?.isShown == true)
        let empty = RunComparison(RunSample(), RunSample())
        #expect(empty.isTooThin)
    }

    private struct Unexpected: Error {}

    /// One call has no neighbours: cut by it, a long run would have as many blocks as calls.
    @Test func aSingleCallBesideALongRunIsTooFew() {
        let comparison = RunComparison(Self.sample(1) { _ in 1 }, Self.sample(70_000) { _ in 2 })
        #expect(comparison.isTooThin)
        #expect(comparison.basis == .values)
        #expect(comparison[.mean]?.ratio?.value == 2)
        #expect(comparison[.failures]?.difference?.value == 0)
    }

    /// Of a twelfth of the shorter run, the longer one has more blocks than 16 bits count.
    @Test func aShortRunBesideOneOfManyBlocksIsCompared() throws {
        let short = Self.sample(100) { Double($0 % 10) + 1 }
        let long = Self.sample(150, every: 5_000) { Double($0 / 5_000 % 10) + 1 }
        let comparison = RunComparison(short, long, drawings: 3)
        guard case .blocks(_, _, let blocks) = comparison.basis else { throw Unexpected() }
        #expect(blocks > 65_536)
        #expect(comparison[.mean]?.a == 5.5e6 && comparison[.mean]?.b == 5.5e6)
        #expect(comparison[.maximum]?.b == 10e6)
        let isSilent = comparison.rows.allSatisfy { !$0.isShown }
        #expect(isSilent)
    }

    /// Blocks are short beside a short run; calls that have nothing in common with their neighbours want no longer ones.
    @Test func aLongRunBesideAShortOneHangsTogetherNoMoreForIt() {
        func run(_ calls: Int, _ seed: UInt64) -> RunSample {
            var generator = SeededGenerator(seed: seed)
            return Self.sample(calls) { _ in 1 + generator.unit() }
        }
        #expect(!RunComparison(run(2_000, 1), run(40_000, 2), drawings: 2).isTooCoarse)
        let hanging = Self.sample(40_000) { Double($0 / 1_000 % 2) + Double($0 * 617 % 1000) / 1000 }
        #expect(RunComparison(run(2_000, 1), hanging, drawings: 2).isTooCoarse)
    }

    @Test func ofTooFewTimesThereIsNoPercentile() {
        let a = Self.sample(200) { $0 > 99 ? nil : 1 }
        let b = Self.sample(200) { $0 > 9 ? nil : 1 }
        let comparison = RunComparison(a, Self.sample(200) { _ in 1 }, drawings: 20)
        #expect(comparison[.p99]?.a == nil && comparison[.p99]?.b == 1e6)
        #expect(comparison[.p99]?.difference == nil && comparison[.p99]?.chance == nil)
        #expect(comparison[.p90]?.a == 1e6)
        #expect(RunComparison(b, a, drawings: 20)[.p90]?.a == nil)
        #expect(RunComparison(b, a, drawings: 20)[.mean]?.a == 1e6)
    }

    @Test func longRunsAndShortOnesHaveBlocksOfOneSize() throws {
        let comparison = RunComparison(
            SimulatedServer().run(4000, seed: 1), SimulatedServer().run(1000, seed: 2), drawings: 50)
        guard case .blocks(_, let a, let b) = comparison.basis else { throw Unexpected() }
        #expect(a >= 3 * b)
        #expect(b >= BlockLength.leastBlocks - 1)
    }

    @Test func neighboursThatHangTogetherMakeLongerBlocks() {
        let calm = BlockLength.correlation(SimulatedServer(service: 0.2).run(8000, seed: 1))
        let busy = BlockLength.correlation(SimulatedServer(service: 2.1).run(8000, seed: 1))
        #expect(calm * 5 < busy)
    }

    @Test func studentsTIsThatOfTheTables() {
        for (freedom, value) in [
            (1.0, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (22, 2.0739), (60, 2.0003),
            (1000, 1.9623),
        ] {
            #expect(abs(StudentT.quantile95(freedom: freedom) - value) < 6e-5)
        }
        // The distribution itself where it has a closed form: of one degree of freedom it is Cauchy's, 1/2 at t = 1.
        #expect(abs(StudentT.twoSided(1, freedom: 1) - 0.5) < 1e-14)
        #expect(abs(StudentT.twoSided(2.0.squareRoot(), freedom: 2) - (1 - 0.5.squareRoot())) < 1e-14)
        #expect(abs(StudentT.twoSided(-4, freedom: 4) - 0.016_130_089_900_092_5) < 1e-14)
        #expect(StudentT.twoSided(0, freedom: 7) == 1)
        #expect(StudentT.twoSided(.infinity, freedom: 7) == 0)
    }

    @Test func theGammaFunctionIsThatOfTheFactorials() {
        // ln 23!, and ln of the square root of pi.
        #expect(abs(StudentT.logGamma(24) - 51.606_675_567_764_37) < 1e-12)
        #expect(abs(StudentT.logGamma(0.5) - 0.572_364_942_924_700_1) < 1e-13)
    }

    @Test func theCurvesReachFromTheMedianToTheLongest() throws {
        let curves = RunCurves(Self.sample(1000) { Double(($0 * 617) % 1000 + 1) })
        let longest = try #require(curves.spectrum.last)
        #expect(longest.length == .milliseconds(1000))
        let p90 = try #require(curves.spectrum.first { abs($0.nines - 1) < 0.01 })
        #expect(p90.length == .milliseconds(900))
        let rises = zip(curves.spectrum, curves.spectrum.dropFirst()).allSatisfy { $0.length <= $1.length }
        #expect(rises)
        #expect(curves.stretches.count == 50)
        #expect(RunCurves(RunSample()).spectrum.isEmpty)
    }
}
