import Datagrams
import Latency
import Testing

@testable import MaximumSearch

@Suite struct BisectSearchTests {
    private static func bisect(_ change: (inout BisectSearch.Settings) -> Void = { _ in }) -> MaximumSearch {
        var settings = BisectSearch.Settings()
        change(&settings)
        return .bisect(BisectSearch(settings))
    }

    /// Rates asked for, and what was said, while trials pass up to `limit`.
    private static func rates(_ start: MaximumSearch, upTo limit: Double) -> (rates: [Double], answer: Answer) {
        var rates: [Double] = []
        let found = search(start) { trial in
            rates.append(trial.rate)
            return TrialResult(
                attempts: trial.attempts,
                failures: trial.rate > limit ? [.init(cause: "503", count: (trial.attempts + 9) / 10)] : [])
        }
        return (rates, found.answer)
    }

    @Test func itDoublesBisectsAndConfirms() {
        let (rates, answer) = Self.rates(Self.bisect(), upTo: 460)
        #expect(
            rates == [10, 20, 40, 80, 160, 320, 640, 480, 400, 440, 460, 470, 465, 462.5, 462.5, 460, 460, 460])
        #expect(answer.ending == .found && answer.rate == 460 && answer.failing == 462.5)
        #expect(answer.confirmations == 3 && answer.reasons.first?.hasPrefix("500 of 5000 failed (503 500)") == true)
    }

    @Test(arguments: [0.37, 3.3, 73.1, 999, 12_345, 654_321])
    func whateverTheCeilingTheAnswerLiesBelowItByNoMoreThanTheResolution(ceiling: Double) {
        for resolution in [0.05, 0.01, 0.002] {
            let answer = Self.rates(Self.bisect { $0.resolution = resolution }, upTo: ceiling).answer
            let rate = answer.rate ?? 0
            // A rate has four digits.
            #expect(rate <= ceiling && rate >= ceiling * (1 - resolution - 0.001), "\(rate)")
            #expect((answer.failing ?? 0) > ceiling)
        }
    }

    @Test func whereTheFirstFailsItHalves() {
        let (rates, answer) = Self.rates(Self.bisect { $0.start = 1000 }, upTo: 120)
        #expect(rates.prefix(6) == [1000, 500, 250, 125, 62.5, 93.75])
        #expect(answer.rate.map { $0 <= 120 && $0 > 118 } == true)
    }

    @Test func whereNothingPassesItEnds() {
        let (rates, answer) = Self.rates(Self.bisect(), upTo: 0)
        #expect(answer.ending == .nothingPassed && answer.rate == nil)
        // Below it the longest trial, of 15 s, has not a single call.
        #expect(rates.count == 8 && rates[7] > 1.0 / 15 && rates[7] < 2.0 / 15, "\(rates)")
    }

    @Test func aFailedConfirmationStepsDownByTheResolutionAndBeginsAnew() {
        // Probes pass up to 100; of longer runs those up to 98 do.
        var confirmed: [Double] = []
        let found = search(Self.bisect()) { trial in
            if trial.phase == .confirm { confirmed.append(trial.rate) }
            let limit = trial.phase == .confirm ? 98.0 : 100
            return TrialResult(
                attempts: trial.attempts,
                failures: trial.rate > limit ? [.init(cause: "timeout", count: trial.attempts / 2)] : [])
        }
        #expect(confirmed == [100, 99, 98.01, 97.03, 97.03, 97.03])
        #expect(found.answer.rate == 97.03 && found.answer.failing == 98.01)
    }

    /// A neighbour took the CPU for one trial: without a second one the result would be half of what it is, and VALID.
    @Test(arguments: [80.0, 320, 480, 470, 462.5])
    func oneTrialThatFailedForAReasonOfItsOwnDoesNotCapTheResult(unlucky: Double) {
        var hasFailed = false
        var rates: [Double] = []
        let found = search(Self.bisect()) { trial in
            rates.append(trial.rate)
            let isUnlucky = trial.rate == unlucky && !hasFailed
            hasFailed = hasFailed || isUnlucky
            return TrialResult(
                attempts: trial.attempts,
                failures: isUnlucky || trial.rate > 490 ? [.init(cause: "503", count: trial.attempts / 2)] : [])
        }
        let rate = found.answer.rate ?? 0
        #expect(rate <= 490 && rate > 490 * 0.989 && found.answer.ending == .found, "\(rates)")
        #expect((found.answer.failing ?? 0) > 490 && found.answer.reasons.first?.contains("failed") == true)
        // Each rate that is too much is found so twice, and no more often.
        #expect(rates.filter { $0 == found.answer.failing }.count == 2)
    }

    @Test func whereTheRateThatFailedOncePassesAtTheHighestThatCanBeTriedItEnds() {
        var hasFailed = false
        let found = search(Self.bisect { $0.ceiling = 100 }) { trial in
            let isUnlucky = trial.rate == 100 && !hasFailed
            hasFailed = hasFailed || isUnlucky
            return TrialResult(
                attempts: trial.attempts,
                failures: isUnlucky ? [.init(cause: "503", count: trial.attempts)] : [])
        }
        #expect(found.answer.ending == .ceilingReached(100) && found.answer.failing == nil)
    }

    @Test func whatPassedBelowAFailedConfirmationIsStillKnownWhenTheSearchIsStopped() {
        var search = Self.bisect()
        while case .trial(let trial) = search.step, trial.phase != .confirm {
            let failures = trial.rate > 100 ? trial.attempts / 2 : 0
            _ = search.record(
                TrialResult(attempts: trial.attempts, failures: [.init(cause: "timeout", count: failures)]))
        }
        _ = search.record(TrialResult(attempts: 6000, failures: [.init(cause: "timeout", count: 3000)]))
        search.stop(.interrupted)
        guard case .finished(let answer) = search.step else {
            Issue.record("it goes on")
            return
        }
        // 100 was to be confirmed and failed; of the shorter trials 80 passed.
        #expect(answer.rate == 80 && answer.failing == 100 && answer.confirmations == 0)
    }

    @Test func theHighestRateAskedForIsConfirmedAndWhatTheTestBedTakesIsNot() {
        func asked(_ change: @escaping (inout BisectSearch.Settings) -> Void) -> MaximumSearch {
            Self.bisect {
                $0.ceiling = 100
                $0.confirmsCeiling = true
                change(&$0)
            }
        }
        let (rates, answer) = Self.rates(asked { _ in }, upTo: 1e9)
        #expect(rates == [10, 20, 40, 80, 100, 100, 100, 100])
        #expect(answer.ending == .ceilingReached(100) && answer.confirmations == 3 && answer.failing == nil)
        #expect(Self.rates(asked { $0.confirmations = 0 }, upTo: 1e9).rates == [10, 20, 40, 80, 100])
        // Longer trials pass up to 99.5: then that is the maximum, and not a lower bound.
        let found = search(asked { _ in }) { trial in
            let isTooMuch = trial.phase == .confirm && trial.rate > 99.5
            return TrialResult(
                attempts: trial.attempts, failures: isTooMuch ? [.init(cause: "503", count: trial.attempts)] : [])
        }
        #expect(found.answer.ending == .found && found.answer.rate == 99 && found.answer.failing == 100)
    }

    @Test func aTrialTheGeneratorSpoiltIsRepeatedAndThenTheSearchStopsAndSaysSo() {
        var search = Self.bisect { $0.repeats = 2 }
        func spoilt(_ why: String?) -> TrialResult {
            TrialResult(attempts: 100, doubt: why.map { .load($0) }, generator: .suspect)
        }
        #expect(search.record(spoilt("A stall.")).kind == .void)
        let decision = search.record(spoilt(nil))
        #expect(decision.kind == .passes && decision.nextRate == 20)
        for _ in 0..<2 { #expect(search.record(spoilt("Late.")).nextRate == 20) }
        #expect(search.record(spoilt("Late.")).nextRate == nil)
        guard case .finished(let answer) = search.step else {
            Issue.record("it goes on")
            return
        }
        #expect(answer.ending == .generatorInTheWay(rate: 20, why: "Late.") && answer.rate == 10)
    }

    @Test func callsPlacedUnevenlyLeaveAPassStandingAndAFailureOpen() {
        var search = Self.bisect()
        let passed = search.record(TrialResult(attempts: 100, doubt: .timing("Late."), generator: .suspect))
        #expect(passed.kind == .passes && passed.nextRate == 20)
        let failed = search.record(
            TrialResult(
                attempts: 100, failures: [.init(cause: "503", count: 50)], doubt: .timing("Late."), generator: .suspect)
        )
        #expect(failed.kind == .void && failed.nextRate == 20)
        let growing = search.record(
            TrialResult(attempts: 100, trend: ResponseTrend(slope: 0.1, score: 28), doubt: .timing("Late.")))
        #expect(growing.kind == .fails)
    }

    @Test func aTargetThatTakesWhatTheTestBedTakesIsNotPressedFurther() {
        let (rates, answer) = Self.rates(Self.bisect { $0.ceiling = 100 }, upTo: 1e9)
        #expect(rates == [10, 20, 40, 80, 100])
        #expect(answer.ending == .ceilingReached(100) && answer.rate == 100)
    }

    @Test func oneFailureInFewAttemptsAsksForMoreAndThenHasTheBenefitOfTheDoubt() {
        var search = Self.bisect()
        func result(_ failed: UInt64) -> TrialResult {
            TrialResult(attempts: 150, failures: [.init(cause: "486", count: failed)])
        }
        let first = search.record(result(1))
        #expect(first.kind == .undecided && first.nextRate == 10)
        #expect(first.sentence == "1 of 150 failed (486 1): too few attempts to tell, 10 again")
        #expect(search.record(result(0)).kind == .undecided)
        #expect(search.record(result(0)).kind == .passes)
        // A third of them is no chance.
        #expect(search.record(result(50)).kind == .fails)
    }

    @Test func anEndWithoutAnEndIsBounded() {
        let found = search(Self.bisect { $0.mostTrials = 5 }) { TrialResult(attempts: $0.attempts) }
        #expect(found.trials == 5 && found.answer.ending == .tooManyTrials(5))
        var last = Self.bisect { $0.mostTrials = 1 }
        let decision = last.record(TrialResult(attempts: 150))
        #expect(decision.kind == .passes && decision.nextRate == nil)
    }

    @Test func trialsLastAsLongAsTheyMayAndNotLonger() {
        var lengths: [Phase: [Double]] = [:]
        _ = search(Self.bisect()) { trial in
            lengths[trial.phase, default: []].append(trial.length.seconds)
            return TrialResult(
                attempts: trial.attempts,
                failures: trial.rate > 3000 ? [.init(cause: "503", count: trial.attempts)] : [])
        }
        #expect(lengths[.double]?.first == 15 && lengths[.double]?.last == 5)
        #expect(lengths[.confirm]?.allSatisfy { $0 > 16 && $0 < 17 } == true)
    }
}

@Suite struct CriteriaTests {
    private static func judge(_ result: TrialResult, _ criteria: Criteria = Criteria()) -> Judgement {
        var tally = Tally()
        tally.add(result)
        return criteria.judge(result, pooled: tally)
    }

    @Test func requestsSentAgainCountAgainstARateAsFailuresDo() {
        #expect(Self.judge(TrialResult(attempts: 1000, resent: 10)) == .passes)
        #expect(
            Self.judge(TrialResult(attempts: 1000, resent: 40))
                == .fails(["40 requests sent again in 1000 attempts"]))
        #expect(Self.judge(TrialResult(attempts: 1000, resent: 40), Criteria(resent: nil)) == .passes)
    }

    @Test func responseTimesThatGrowFailARateLongBeforeACallDoes() {
        let growing = TrialResult(attempts: 1000, trend: ResponseTrend(slope: 0.012, score: 28))
        #expect(
            Self.judge(growing)
                == .fails([
                    "response times grew by 12.00 ms in each second: it falls behind"
                ]))
        #expect(Self.judge(growing, Criteria(growth: nil)) == .passes)
        #expect(Self.judge(TrialResult(attempts: 1000, trend: ResponseTrend(slope: 0.004, score: 28))) == .passes)
        #expect(Self.judge(TrialResult(attempts: 1000, trend: ResponseTrend(slope: 0.5, score: 12))) == .passes)
    }

    @Test func aThresholdThatDoesNotHoldFailsARateInItsOwnWords() {
        #expect(Self.judge(TrialResult(attempts: 9, broken: ["rtt.p99 is 61 ms"])) == .fails(["rtt.p99 is 61 ms"]))
    }

    @Test func itIsHopelessOnlyOnceTheRestCannotMendIt() {
        let criteria = Criteria()
        #expect(!criteria.isHopeless(failed: 5, resent: 0, of: 5000))
        #expect(!criteria.isHopeless(failed: 10, resent: 0, of: 5000))
        #expect(criteria.isHopeless(failed: 13, resent: 0, of: 5000))
        #expect(criteria.isHopeless(failed: 0, resent: 100, of: 5000))
        #expect(!Criteria.rfc7502.isHopeless(failed: 0, resent: 5000, of: 5000))
        #expect(Criteria.rfc7502.isHopeless(failed: 1, resent: 0, of: 50_000))
    }

    /// Against sums done by hand and by other programs.
    @Test func tailsAndBoundsAreTheBinomials() {
        func near(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude < 1e-4 * max(b, 1e-3) }
        #expect(near(ShareTest.tail(1, of: 1000, at: 0.001), 0.632305))
        #expect(near(ShareTest.tail(2, of: 10, at: 0.5), 0.989258))
        #expect(near(ShareTest.tail(12, of: 5000, at: 0.001), 0.005428))
        #expect(ShareTest.tail(0, of: 5, at: 0.1) == 1 && ShareTest.tail(6, of: 5, at: 0.1) == 0)
        // The rule of three, and the exact bound of 1 in 150.
        #expect(near(ShareTest.upperBound(0, of: 3000), 0.000998))
        #expect(near(ShareTest.upperBound(1, of: 150), 0.031234))
        let normal = ShareTest.tail(1100, of: 10_000, at: 0.1)
        #expect(normal > 0.0003 && normal < 0.0008)
    }
}

@Suite struct ResponseTrendTests {
    private static func trend(_ count: Int, _ response: (Double, inout SeededGenerator) -> Double) -> ResponseTrend? {
        var generator = SeededGenerator(seed: 7)
        return ResponseTrend(
            (0..<count).map { call in
                let due = Double(call) * 0.01
                return .init(
                    due: Nanoseconds(Int64(due * 1e9)),
                    response: Nanoseconds(Int64(response(due, &generator) * 1e9)))
            })
    }

    @Test func aQueueThatGrowsOnePercentShowsWithinTenSecondsAndItsSlopeIsTheExcess() throws {
        let trend = try #require(Self.trend(1000) { due, random in 0.002 + 0.01 * due + 0.02 * random.unit() })
        #expect(trend.isCertain && (trend.slope - 0.01).magnitude < 0.001)
    }

    @Test func aSawtoothOfThreeHundredMillisecondsIsNoGrowth() throws {
        let trend = try #require(
            Self.trend(1000) { due, _ in 0.3 * ((due / 1.7) - (due / 1.7).rounded(.down)) })
        #expect(!trend.isCertain)
    }

    @Test func noiseAloneIsCalledGrowthInAboutThreeOfAThousand() {
        var generator = SeededGenerator(seed: 3)
        var certain = 0
        for _ in 0..<2000 {
            let samples = (0..<48).map { call in
                ResponseTrend.Sample(
                    due: .milliseconds(Int64(call)), response: .microseconds(Int64(generator.unit() * 1e6)))
            }
            if ResponseTrend(samples)?.isCertain == true { certain += 1 }
        }
        #expect(certain > 0 && certain < 14, "\(certain)")
    }

    @Test func fewCallsTellNothing() { #expect(Self.trend(23) { due, _ in due } == nil) }
}
