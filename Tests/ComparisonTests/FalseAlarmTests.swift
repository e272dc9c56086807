import Datagrams
import Foundation
import Testing

@testable import Comparison

/// What a comparison claims of itself, held against simulated runs of which we know whether they differ.
///
/// `SIPMETER_PAIRS=1000 swift test -c release --filter ComparisonTests` prints the tables of docs/compare.md.
@Suite struct FalseAlarmTests {
    struct Tally: Sendable {
        var pairs = 0
        var any = 0
        var shown: [ComparedMetric: Int] = [:]
        /// Intervals that missed a difference of zero.
        var missed: [ComparedMetric: Int] = [:]
        var blocks = 0
        var coarse = 0

        func share(_ n: Int) -> String { "\((1000 * n + pairs / 2) / max(pairs, 1))".promille }
    }

    /// A debug build is fifty times slower: it takes a sample.
    static var pairs: Int {
        if let text = ProcessInfo.processInfo.environment["SIPMETER_PAIRS"], let pairs = Int(text) { return pairs }
        return isOptimised ? 300 : 10
    }
    static var isPrinting: Bool { ProcessInfo.processInfo.environment["SIPMETER_PAIRS"] != nil }
    static var isOptimised: Bool {
        var isDebug = false
        assert({ isDebug = true }() == ())
        return !isDebug
    }

    static func compare(
        _ a: SimulatedServer, _ b: SimulatedServer, calls: Int, pairs: Int, drawings: Int = 400
    ) -> Tally {
        var tally = Tally()
        for pair in 0..<pairs {
            let seed = UInt64(pair) * 2 + 1_000_003
            let comparison = RunComparison(
                a.run(calls, seed: seed), b.run(calls, seed: seed + 1), seed: UInt64(pair), drawings: drawings)
            tally.pairs += 1
            if case .blocks(_, let blocks, _) = comparison.basis { tally.blocks += blocks }
            tally.coarse += comparison.isTooCoarse ? 1 : 0
            for row in comparison.rows {
                tally.shown[row.metric, default: 0] += row.isShown ? 1 : 0
                if let interval = row.difference?.interval, !interval.contains(0) {
                    tally.missed[row.metric, default: 0] += 1
                }
            }
            if comparison.rows.contains(where: \.isShown) { tally.any += 1 }
        }
        return tally
    }

    /// The most that chance makes of `pairs` at this share: one such run of the test in a million has more.
    static func most(_ share: Double, of pairs: Int) -> Int {
        let n = Double(pairs)
        return Int((n * share + 4.9 * (n * share * (1 - share)).squareRoot()).rounded(.up))
    }

    static let equal: [(String, SimulatedServer, Int)] = [
        ("40 % busy", SimulatedServer(service: 1), 2000),
        ("60 % busy", SimulatedServer(service: 1.5), 2000),
        ("60 % busy, 6,000 calls", SimulatedServer(service: 1.5), 6000),
        ("80 % busy", SimulatedServer(service: 2), 6000),
        ("steady, 80 % busy", SimulatedServer(service: 2, swings: false), 2000),
        ("60 % busy, stalls of 50 ms", SimulatedServer(service: 1.5, stallEvery: 0.5, stall: 50), 6000),
        ("1 % fail", SimulatedServer(service: 1.5, failures: 0.01), 2000),
    ]

    /// A debug build leaves the long runs to the optimised one.
    static func isRun(_ calls: Int) -> Bool { isOptimised || calls <= 2000 }

    @Test(arguments: equal.indices.filter { isRun(equal[$0].2) })
    func ofEqualRunsNoMoreThanOneInTwentySaysAnything(index: Int) {
        let (name, server, calls) = Self.equal[index]
        let pairs = Self.pairs
        let tally = Self.compare(server, server, calls: calls, pairs: pairs)
        Self.print("false alarms", name, calls, tally)
        #expect(tally.any <= Self.most(0.05, of: pairs), "\(name): \(tally.any) of \(pairs)")
    }

    /// With the share of the pairs in which something is to be marked: what is small is seldom seen, what is large always.
    static let different: [(String, SimulatedServer, SimulatedServer, Int, ClosedRange<Double>)] = [
        ("mean service 2 % longer", SimulatedServer(), SimulatedServer(service: 1.53), 6000, 0...0.2),
        ("mean service 5 % longer", SimulatedServer(), SimulatedServer(service: 1.575), 6000, 0.1...0.5),
        ("mean service 10 % longer", SimulatedServer(), SimulatedServer(service: 1.65), 6000, 0.6...1),
        ("mean service 20 % longer", SimulatedServer(), SimulatedServer(service: 1.8), 6000, 0.9...1),
        ("service no longer swings", SimulatedServer(), SimulatedServer(swings: false), 2000, 0.9...1),
        ("a stall of 50 ms a second", SimulatedServer(), SimulatedServer(stallEvery: 1, stall: 50), 6000, 0.9...1),
        ("1 % of the calls fail", SimulatedServer(), SimulatedServer(failures: 0.01), 6000, 0.9...1),
    ]

    @Test(arguments: different.indices.filter { isRun(different[$0].3) })
    func aRealDifferenceIsShownAsOftenAsItsSizeLets(index: Int) {
        let (name, a, b, calls, share) = Self.different[index]
        let pairs = Self.pairs
        let tally = Self.compare(a, b, calls: calls, pairs: pairs)
        Self.print("power", name, calls, tally)
        #expect(share.contains(Double(tally.any) / Double(pairs)), "\(name): \(tally.any) of \(pairs)")
    }

    static func print(_ what: String, _ name: String, _ calls: Int, _ tally: Tally) {
        guard isPrinting else { return }
        let cells = ComparedMetric.allCases.map { metric in
            "\(metric.name) \(tally.share(tally.shown[metric] ?? 0)) (\(tally.share(tally.missed[metric] ?? 0)))"
        }
        let blocks = tally.blocks / max(tally.pairs, 1)
        Swift.print(
            "| \(what) | \(name) | \(calls) | \(blocks) | \(tally.share(tally.any)) | \(cells.joined(separator: " | ")) | "
                + "coarse \(tally.share(tally.coarse)) |")
    }
}

extension String {
    /// Tenths of a per cent, in per cent.
    fileprivate var promille: String {
        let digits = count < 2 ? "0" + self : self
        return digits.dropLast() + "." + digits.suffix(1) + " %"
    }
}
