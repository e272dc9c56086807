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
