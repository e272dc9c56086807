import Datagrams
import Latency
import Observations
import Testing

@testable import Comparison

@Suite struct RepeatedRunsTests {
    /// A run of as many calls as there are lengths, in ms; nil fails.
    private static func figures(_ lengths: [Double?]) -> RunFigures {
        var sample = RunSample()
        for (i, length) in lengths.enumerated() {
            var call = CallRecord(number: UInt64(i + 1), callID: CallIDText(), due: .milliseconds(Int64(i)))
            call.sent = call.due
            call.outcome = length == nil ? .timeout : .ok
            call.retransmissions = length == nil ? 6 : 0
            call.rtt = length.map { Nanoseconds(Int64(($0 * 1e6).rounded())) }
            sample.record(call)
        }
        return RunFigures(sample)
    }

    @Test func aRunsFiguresAreThoseOfItsCalls() {
        let figures = Self.figures((1...1000).map { $0 % 100 == 0 ? nil : Double($0) })
        #expect(figures.sent == 1000)
        #expect(figures.timed == 990)
        #expect(figures[.maximum] == 999e6)
        #expect(figures[.failures] == 0.01)
        #expect(figures[.retransmissions] == 0.06)
        #expect(figures[.mean] == 500e6)
    }

    /// The second of the examples of Welch's test that Wikipedia computes; its t, degrees of freedom and chance were
    /// integrated numerically apart from this program: -2.2192, 24.496, 0.035972.
    @Test func theChanceIsWelchs() throws {
        let a = [19.8, 20.4, 19.6, 17.8, 18.5, 18.9, 18.3, 18.9, 19.5, 22.0]
        let b = [
            28.2, 26.6, 20.1, 23.3, 25.2, 22.1, 17.7, 27.6, 20.6, 13.7, 23.2, 17.5, 20.6, 18.0, 23.9, 21.6, 24.3, 20.4,
            24.0, 13.2,
        ]
        let runs = RepeatedRuns(a: a.map { Self.figures([$0]) }, b: b.map { Self.figures([$0]) })
        let row = runs.row(.mean)
        let chance = try #require(row.chance)
        #expect(abs(chance - 0.035_972_271_03) < 1e-7)
        let difference = try #require(row.difference)
        #expect(abs(difference.value - 2.22e6) < 1)
        #expect(abs(try #require(difference.half) - 2.062_393_535_5e6) < 10)
        // The quotient is told to first order.
        #expect(abs(try #require(row.ratio?.value) - (row.b ?? 0) / (row.a ?? 1)) < 1e-12)
    }

    @Test func runsThatDifferAmongThemselvesShowNothing() {
        let a = [1.0, 2, 3].map { Self.figures([$0, $0]) }
        let b = [1.5, 2.5, 3.5].map { Self.figures([$0, $0]) }
        let comparison = RunComparison(repeated: a, b)
        #expect(comparison.basis == .runs(a: 3, b: 3))
        #expect(comparison[.mean]?.isShown == false)
        #expect(comparison[.mean]?.difference?.interval?.contains(0) == true)
        #expect(comparison[.mean]?.ratio?.interval?.contains(1) == true)
    }

    @Test func runsThatAgreeShowWhatSetsThemApart() {
        let a = [1.0, 1.01, 0.99].map { Self.figures([$0, $0 + 1]) }
        let b = [2.0, 2.01, 1.99].map { Self.figures([$0, $0 + 1]) }
        let comparison = RunComparison(repeated: a, b)
        #expect(comparison[.mean]?.isShown == true)
        #expect(comparison[.maximum]?.isShown == true)
        #expect(comparison[.standardDeviation]?.isShown == false, "it is the same in all of them")
        #expect(comparison[.failures]?.chance == 1)
        let ratio = comparison[.mean]?.ratio
        #expect(ratio.map { abs($0.value - 2.5 / 1.5) < 1e-9 } == true)
        #expect(ratio?.interval?.contains(1) == false)
    }

    /// Two kinds of three runs each, all alike to the last digit: one deal in ten sorts six runs so.
    @Test func runsWithoutASpreadAreJudgedByHowTheyMayBeDealt() throws {
        let answered: [Double?] = Array(repeating: 1, count: 200)
        func comparison(_ count: Int) -> RunComparison {
            RunComparison(
                repeated: Array(repeating: Self.figures(answered), count: count),
                Array(repeating: Self.figures(answered + [nil]), count: count))
        }
        // Raised by Holm's rule: failures and retransmissions differ, the six times do not.
        let three = try #require(comparison(3)[.failures])
        #expect(abs(try #require(three.chance) - 8 * 0.1) < 1e-12)
        #expect(!three.isShown)
        let eight = try #require(comparison(8)[.failures])
        #expect(abs(try #require(eight.chance) - 8 * 2 / 12_870) < 1e-12)
        #expect(eight.isShown)
    }

    /// A run in which nothing was answered has no times: it must not be left out of the mean as if it had not been run.
    @Test func aFigureThatOneRunLacksIsNotKnown() {
        let comparison = RunComparison(
            repeated: [Self.figures([1]), Self.figures([nil])], [Self.figures([1]), Self.figures([2])])
        #expect(comparison[.mean]?.a == nil)
        #expect(comparison[.mean]?.difference == nil)
        #expect(comparison[.failures]?.a == 0.5)
    }

    // MARK: Does it keep its word?

    /// Runs of one server whose speed differs from run to run by so much (SD of its mean service time).
    private static func runs(
        _ server: SimulatedServer, _ count: Int, spread: Double, _ generator: inout SeededGenerator
    ) -> [RunSample] {
        (0..<count).map { _ in
            // Near enough to normal: the sum of twelve uniforms.
            let z = (0..<12).reduce(-6.0) { sum, _ in sum + generator.unit() }
            var one = server
            one.service *= max(0.1, 1 + spread * z)
            return one.run(1000, seed: generator.next())
        }
    }

    struct Tally: Sendable {
        var pairs = 0
        var any = 0
        /// The first runs of both kinds, compared call by call.
        var anyOfTwo = 0
        var shown: [ComparedMetric: Int] = [:]
        var missed: [ComparedMetric: Int] = [:]
    }

    private static func tally(
        _ a: SimulatedServer, _ b: SimulatedServer, _ count: Int, spread: Double, pairs: Int
    ) -> Tally {
        var tally = Tally()
        for pair in 0..<pairs {
            var generator = SeededGenerator(seed: UInt64(pair) + 77_000)
            let left = runs(a, count, spread: spread, &generator)
            let right = runs(b, count, spread: spread, &generator)
            let comparison = RunComparison(repeated: left.map(RunFigures.init), right.map(RunFigures.init))
            tally.pairs += 1
            for row in comparison.rows {
                tally.shown[row.metric, default: 0] += row.isShown ? 1 : 0
                if let interval = row.difference?.interval, !interval.contains(0) {
                    tally.missed[row.metric, default: 0] += 1
                }
            }
            if comparison.rows.contains(where: \.isShown) { tally.any += 1 }
            let two = RunComparison(left[0], right[0], seed: UInt64(pair), drawings: 200)
            if two.rows.contains(where: \.isShown) { tally.anyOfTwo += 1 }
        }
        return tally
    }

    private static func print(_ what: String, _ count: Int, _ spread: Double, _ tally: Tally) {
        guard FalseAlarmTests.isPrinting else { return }
        func share(_ n: Int) -> String { "\(Double(n * 1000 / max(tally.pairs, 1)) / 10) %" }
        let cells = ComparedMetric.allCases.map { metric in
            "\(metric.name) \(share(tally.shown[metric] ?? 0)) (\(share(tally.missed[metric] ?? 0)))"
        }
        Swift.print(
            "| \(what) | \(count) | \(spread) | \(share(tally.any)) | \(cells.joined(separator: " | ")) | "
                + "two runs \(share(tally.anyOfTwo)) |")
    }

    /// What runs differ by anyway is no finding, however sure two of them make it look.
    @Test(arguments: [(2, 0.05), (3, 0.0), (3, 0.05), (5, 0.05), (3, 0.2)])
    func ofRunsOfOneKindNoMoreThanOneInTwentySaysAnything(count: Int, spread: Double) {
        let pairs = FalseAlarmTests.pairs
        let server = SimulatedServer()
        let tally = Self.tally(server, server, count, spread: spread, pairs: pairs)
        Self.print("equal", count, spread, tally)
        #expect(tally.any <= FalseAlarmTests.most(0.05, of: pairs), "\(tally.any) of \(pairs)")
    }

    /// The more runs, the surer; and of three only what is large.
    @Test(arguments: [
        (3, 1.8, true, 0.0...0.5), (5, 1.8, true, 0.2...0.9), (8, 1.8, true, 0.6...1), (3, 1.5, false, 0.1...0.9),
        (5, 1.5, false, 0.7...1),
    ])
    func aRealDifferenceIsShownAsOftenAsTheRunsLet(
        count: Int, service: Double, swings: Bool, share: ClosedRange<Double>
    ) {
        let pairs = FalseAlarmTests.pairs
        let tally = Self.tally(
            SimulatedServer(), SimulatedServer(service: service, swings: swings), count, spread: 0.05, pairs: pairs)
        Self.print("service \(service), \(swings ? "swings" : "steady")", count, 0.05, tally)
        #expect(share.contains(Double(tally.any) / Double(pairs)), "\(tally.any) of \(pairs)")
    }
}
