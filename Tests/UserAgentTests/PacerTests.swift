import Datagrams
import Testing
import UserAgent

@Suite struct PacerTests {
    private let start = MonotonicInstant(nanoseconds: 123_456_789)

    private func arrivals(_ pacer: Pacer) -> [Pacer.Arrival] {
        var pacer = pacer
        var all: [Pacer.Arrival] = []
        while let next = pacer.upcoming {
            all.append(next)
            pacer.advance()
        }
        return all
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var sentence: String
        var rate: Double
        var duration: Nanoseconds
        var limit: UInt64 = .max
        var count: Int
        /// Of the last call, from the start.
        var last: Int64
        var testDescription: String { sentence }
    }

    @Test(arguments: [
        Row(
            sentence: "One call a second: the first at once, none at the end itself", rate: 1, duration: .seconds(3),
            count: 3, last: 2_000_000_000),
        Row(
            sentence: "A duration a nanosecond longer has one more", rate: 1, duration: Nanoseconds(3_000_000_001),
            count: 4, last: 3_000_000_000),
        Row(
            sentence: "Three a second do not add up their thirds", rate: 3, duration: .seconds(10), count: 30,
            last: 9_666_666_666),
        Row(
            sentence: "A rate with decimals is exact to the millionth", rate: 333.333, duration: .seconds(3),
            count: 1000, last: 2_997_002_997),
        Row(sentence: "A call every 1000 s", rate: 0.001, duration: .seconds(2001), count: 3, last: 2_000_000_000_000),
        Row(
            sentence: "A limit of calls ends it earlier", rate: 100, duration: .seconds(3600), limit: 7, count: 7,
            last: 60_000_000),
        Row(sentence: "A limit of none means none", rate: 100, duration: .seconds(1), limit: 0, count: 0, last: 0),
        Row(
            sentence: "A duration shorter than the interval has its first call", rate: 2, duration: .milliseconds(1),
            count: 1, last: 0),
    ])
    func theSchedule(row: Row) {
        let all = arrivals(Pacer(start: start, rate: row.rate, duration: row.duration, limit: row.limit))
        #expect(all.count == row.count)
        #expect(all.indices.allSatisfy { all[$0].number == UInt64($0 + 1) })
        if let last = all.last { #expect((last.dueAt - start).rawValue == row.last) }
    }

    @Test(arguments: [(700.0, 700_000_000 as UInt64), (333.333, 333_333_000)])
    func aDayAtAnOddRateDoesNotDrift(rate: Double, perMillionSeconds: UInt64) {
        let day = Nanoseconds.seconds(86_400)
        // Striding reaches the end of a day quickly; every call it meets is checked in integers.
        let stride: UInt64 = 997
        var pacer = Pacer(start: start, rate: rate, duration: day, worker: 5, workers: stride)
        var last: UInt64 = 0
        while let next = pacer.upcoming {
            let (high, low) = (next.number - 1).multipliedFullWidth(by: 1_000_000_000_000_000)
            let expected = perMillionSeconds.dividingFullWidth((high, low)).quotient
            guard (next.dueAt - start).rawValue == Int64(expected) else {
                Issue.record("call \(next.number) is due at \(next.dueAt - start), not \(expected)")
                return
            }
            last = next.number
            pacer.advance()
        }
        let inADay = perMillionSeconds * 864 / 10_000
        #expect(last <= inADay && last > inADay - stride)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func workersShareOneSchedule(workers: UInt64) {
        for kind in [Pacer.Arrivals.constant, .poisson(seed: 11)] {
            let whole = arrivals(Pacer(start: start, rate: 77.7, duration: .seconds(20), arrivals: kind))
            let shares = (0..<workers).map { worker in
                arrivals(
                    Pacer(
                        start: start, rate: 77.7, duration: .seconds(20), arrivals: kind, worker: worker,
                        workers: workers))
            }
            #expect(shares.flatMap { $0 }.sorted { $0.number < $1.number } == whole)
            #expect(shares.allSatisfy { abs($0.count - whole.count / Int(workers)) <= 1 })
        }
    }

    @Test func poissonGapsHaveTheMeanAndTheVarianceOfTheExponential() {
        let all = arrivals(Pacer(start: start, rate: 1000, duration: .seconds(50), arrivals: .poisson(seed: 4)))
        let gaps = zip(all.dropFirst(), all).map { ($0.dueAt - $1.dueAt).seconds * 1000 }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        // In units of the mean gap; 50,000 gaps: standard errors 0.0045 and 0.013.
        #expect(abs(mean - 1) < 0.02)
        #expect(abs(variance - 1) < 0.06)
        #expect(gaps.allSatisfy { $0 >= 0 })
        // Memoryless: 1/e of the gaps are longer than the mean.
        let longer = Double(gaps.count { $0 > 1 }) / Double(gaps.count)
        #expect(abs(longer - 0.3679) < 0.01)
    }

    @Test func poissonIsRepeatedByItsSeedAndChangedByAnother() {
        func first(_ seed: UInt64) -> [Pacer.Arrival] {
            arrivals(Pacer(start: start, rate: 50, duration: .seconds(4), arrivals: .poisson(seed: seed)))
        }
        #expect(first(1) == first(1))
        #expect(first(1) != first(2))
    }

    @Test func afterAStopNoCallIsDue() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(4))
        pacer.stop()
        #expect(pacer.upcoming == nil)
    }
}

/// A rate that changes and a schedule that is paused while it runs.
@Suite struct PacerSegmentTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000)

    private func take(_ count: Int, of pacer: inout Pacer) -> [Int64] {
        (0..<count).map { _ in
            defer { pacer.advance() }
            return pacer.upcoming.map { ($0.dueAt - start).rawValue } ?? -1
        }
    }

    private func at(_ milliseconds: Int64) -> MonotonicInstant { start + .milliseconds(milliseconds) }

    @Test func withinEachSegmentTheNthCallIsDueAtItsStartPlusNOverTheRate() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        #expect(take(3, of: &pacer) == [0, 100_000_000, 200_000_000])
        // Half of the wait for the call at 300 ms is over: half of it is left at the new rate, too.
        pacer.change(rate: 3, at: at(250))
        let segment: Int64 = 250_000_000 + 166_666_666
        #expect(
            take(4, of: &pacer) == [segment, segment + 333_333_333, segment + 666_666_666, segment + 1_000_000_000])
        #expect(pacer.upcoming?.number == 8)
        // Nothing adds up, however often it is asked for the same.
        for _ in 0..<1000 { pacer.change(rate: 3, at: at(1500)) }
        #expect(take(1, of: &pacer) == [segment + 1_333_333_333])
    }

    @Test func anOverdueCallStaysDueWhenItWas() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        _ = take(1, of: &pacer)
        pacer.change(rate: 1000, at: at(777))
        #expect(take(3, of: &pacer) == [100_000_000, 101_000_000, 102_000_000])
    }

    @Test func aPauseMovesAllLaterCallsByItsLength() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        _ = take(2, of: &pacer)
        pacer.pause(at: at(150))
        #expect(pacer.upcoming == nil && !pacer.isExhausted && pacer.isPaused)
        pacer.pause(at: at(160))
        pacer.resume(at: at(1150))
        #expect(take(2, of: &pacer) == [1_200_000_000, 1_300_000_000])
        // A rate changed meanwhile counts from where the schedule stood still.
        pacer.pause(at: at(1350))
        pacer.change(rate: 20, at: at(9000))
        pacer.resume(at: at(2350))
        #expect(take(2, of: &pacer) == [2_375_000_000, 2_425_000_000])
    }

    @Test func aRateOfZeroStandsStillAndEndsNothing() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        _ = take(1, of: &pacer)
        pacer.change(rate: 0, at: at(50))
        #expect(pacer.upcoming == nil && !pacer.isExhausted)
        pacer.change(rate: 4, at: at(1000))
        #expect(take(2, of: &pacer) == [1_250_000_000, 1_500_000_000])
        pacer.stop()
        pacer.change(rate: 9, at: at(2000))
        pacer.resume(at: at(2000))
        #expect(pacer.upcoming == nil && pacer.isExhausted)
    }

    @Test func limitAndDurationHoldAcrossSegments() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1), limit: 5)
        _ = take(2, of: &pacer)
        pacer.change(rate: 100, at: at(100))
        _ = take(3, of: &pacer)
        #expect(pacer.isExhausted)
        var second = Pacer(start: start, rate: 10, duration: .milliseconds(300))
        second.change(rate: 1, at: at(100))
        second.advance()
        #expect(second.isExhausted)
    }

    @Test func ratesFromTheSlowestToTheFastestStayInRange() {
        var pacer = Pacer(start: start, rate: 1e7, duration: .seconds(1_000_000_000))
        pacer.advance()
        pacer.change(rate: 0.000001, at: at(0))
        #expect(pacer.upcoming != nil)
        pacer.change(rate: 1e7, at: at(1))
        #expect(pacer.upcoming != nil)
    }

    @Test func aPoissonProcessGoesOnAtTheNewRate() {
        var pacer = Pacer(
            start: start, rate: 10, duration: .seconds(100_000), arrivals: .poisson(seed: 4))
        _ = take(10, of: &pacer)
        let now = pacer.upcoming!.dueAt
        pacer.change(rate: 1000, at: now)
        let due = take(10_000, of: &pacer)
        let mean = Double(due.last! - due.first!) / 9_999
        #expect(abs(mean - 1e6) < 4e4)
    }
}

/// Changes that are told before they come.
@Suite struct PlannedChangeTests {
    private let start = MonotonicInstant(nanoseconds: 5_000_000)

    private func at(_ milliseconds: Int64) -> MonotonicInstant { start + .milliseconds(milliseconds) }

    private var changes: [Pacer.Change] {
        [
            Pacer.Change(at: at(1013), .rate(61.3)), Pacer.Change(at: at(2500), .pause),
            Pacer.Change(at: at(3100), .rate(140)), Pacer.Change(at: at(3777), .resume),
            Pacer.Change(at: at(3777), .rate(7.7)), Pacer.Change(at: at(3900), .pause),
            Pacer.Change(at: at(3950), .resume), Pacer.Change(at: at(6001), .rate(333.333)),
        ]
    }

    private func pacer(_ kind: Pacer.Arrivals, worker: UInt64 = 0, workers: UInt64 = 1) -> Pacer {
        Pacer(start: start, rate: 77.7, duration: .seconds(9), arrivals: kind, worker: worker, workers: workers)
    }

    /// Takes what is due, hearing of each change `lead` before it comes; `lag` behind in placing.
    private func walk(
        _ pacer: Pacer, lead: Nanoseconds = .milliseconds(60), lag: Nanoseconds = .zero
    ) -> [Pacer.Arrival] {
        var (pacer, all) = (pacer, [Pacer.Arrival]())
        for change in changes {
            while let next = pacer.upcoming, next.dueAt <= change.at - lead - lag {
                all.append(next)
                pacer.advance()
            }
            pacer.plan(change)
        }
        while let next = pacer.upcoming {
            all.append(next)
            pacer.advance()
        }
        return all
    }

    @Test func theRestOfAWaitShrinksWithTheRate() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        pacer.plan(Pacer.Change(at: at(250), .rate(3)))
        var due: [Int64] = []
        for _ in 0..<5 {
            due.append((pacer.upcoming!.dueAt - start).rawValue)
            pacer.advance()
        }
        // Half of the wait for the fourth was over.
        let fourth: Int64 = 250_000_000 + 166_666_666
        #expect(due == [0, 100_000_000, 200_000_000, fourth, fourth + 333_333_334])
    }

    @Test func aCallDueAtTheChangeItselfIsNotMoved() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        pacer.plan(Pacer.Change(at: at(100), .rate(100)))
        pacer.advance()
        #expect(pacer.upcoming?.dueAt == at(100))
        pacer.advance()
        #expect(pacer.upcoming?.dueAt == at(110))
    }

    @Test(arguments: [Pacer.Arrivals.constant, .poisson(seed: 3)])
    func theScheduleIsTheSameHoweverFarBehindAWorkerIs(kind: Pacer.Arrivals) {
        let punctual = walk(pacer(kind))
        #expect(punctual.count > 300)
        for lag in [Nanoseconds.milliseconds(1), .milliseconds(700), .seconds(9)] {
            #expect(walk(pacer(kind), lag: lag) == punctual)
        }
        #expect(zip(punctual, punctual.dropFirst()).allSatisfy { $0.dueAt <= $1.dueAt })
        #expect(punctual.map(\.number) == Array(1...UInt64(punctual.count)))
    }

    @Test(arguments: [Pacer.Arrivals.constant, .poisson(seed: 3)], [2, 3, 7] as [UInt64])
    func workersShareTheChangedSchedule(kind: Pacer.Arrivals, workers: UInt64) {
        let whole = walk(pacer(kind))
        let shares = (0..<workers).flatMap { worker in
            walk(pacer(kind, worker: worker, workers: workers), lag: .milliseconds(Int64(worker) * 90))
        }
        #expect(shares.sorted { $0.number < $1.number } == whole)
    }

    @Test func nothingIsDueInAPauseAndWhatFollowsIsLaterByItsLength() {
        let all = walk(pacer(.constant))
        #expect(!all.contains { $0.dueAt > at(2500) && $0.dueAt <= at(3777) })
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1000))
        pacer.plan(Pacer.Change(at: at(150), .pause))
        for _ in 0..<2 { pacer.advance() }
        #expect(pacer.upcoming == nil && pacer.isPaused && !pacer.isExhausted)
        pacer.plan(Pacer.Change(at: at(1150), .resume))
        #expect(pacer.upcoming?.dueAt == at(1200) && pacer.upcoming?.number == 3)
    }

    @Test func aPauseBeyondTheEndLeavesNoCalls() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(1))
        pacer.plan(Pacer.Change(at: at(450), .pause))
        for _ in 0..<5 { pacer.advance() }
        #expect(pacer.upcoming == nil && !pacer.isExhausted)
        pacer.plan(Pacer.Change(at: at(1001), .resume))
        #expect(pacer.isExhausted)
    }

    @Test func afterAStopAPlanChangesNothing() {
        var pacer = Pacer(start: start, rate: 10, duration: .seconds(10))
        pacer.stop()
        pacer.plan(Pacer.Change(at: at(100), .rate(100)))
        #expect(pacer.upcoming == nil && pacer.isExhausted)
    }
}
