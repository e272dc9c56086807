import Datagrams
import Testing

@testable import MaximumSearch

/// What each method finds, against devices whose ceiling is known: 200 seeded searches a row.
@Suite struct SearchTableTests {
    private struct Row {
        var answers: [Double] = []
        var trials: [Double] = []
        var hours: [Double] = []
        var endless = 0

        /// `median 459, error -1.0 to 0.0 %, trials 17 (at most 19), 0.1 h`
        func text(_ ceiling: Double) -> String {
            if answers.isEmpty { return "no end in \(endless) of \(endless)" }
            let errors = answers.map { 100 * ($0 / ceiling - 1) }
            func tenths(_ x: Double) -> String { "\((x * 10).rounded() / 10)" }
            return "median \(median(answers)), error \(tenths(median(errors))) (\(tenths(errors.min() ?? 0)) to "
                + "\(tenths(errors.max() ?? 0))) %, trials \(Int(median(trials))) (at most \(Int(trials.max() ?? 0))), "
                + "\((median(hours) * 100).rounded() / 100) h, no end in \(endless)"
        }
    }

    private static func row(
        ceiling: Double, failures: Double, runs: UInt64 = 200, _ method: (inout SeededGenerator) -> MaximumSearch
    ) -> Row {
        var row = Row()
        for seed in 1...runs {
            var generator = SeededGenerator(seed: seed &* 31)
            var device = HardCeiling(ceiling: ceiling, randomFailures: failures, seed: seed)
            let (answer, trials, sending) = search(method(&generator)) { device.run($0) }
            guard let rate = answer.rate, answer.ending == .found || answer.ending == .converged else {
                row.endless += 1
                continue
            }
            row.answers.append(rate)
            row.trials.append(Double(trials))
            row.hours.append(sending.seconds / 3600)
        }
        return row
    }

    @Test(arguments: [100.0, 460, 3_000], [0, 1e-5, 1e-4])
    func bisectionEndsWithinTwoPercentWhateverOneCallInTenThousandDoes(ceiling: Double, failures: Double) {
        let row = Self.row(ceiling: ceiling, failures: failures) { generator in
            var settings = BisectSearch.Settings()
            // From 10 the doubling and halving would land on round ceilings to the digit.
            settings.start = 7 + 6 * generator.unit()
            return .bisect(BisectSearch(settings))
        }
        #expect(row.endless == 0)
        #expect(row.answers.allSatisfy { $0 <= ceiling * 1.002 && $0 >= ceiling * 0.98 }, "\(row.text(ceiling))")
        #expect(row.trials.allSatisfy { $0 <= 40 })
    }

    @Test func rfc7502FindsWhatTheNotesSayAndOneLostCallInAHundredThousandRuinsIt() {
        let table = [0, 1e-6, 1e-5, 1e-4].map { failures in
            Self.row(ceiling: 460, failures: failures) { _ in .rfc7502(RFC7502Search(RFC7502Search.Settings())) }
        }
        #expect(Set(table[0].answers) == [458] && Set(table[0].trials) == [38])
        #expect(median(table[0].hours) > 1.8 && median(table[0].hours) < 1.95)
        #expect(median(table[1].answers) == 458)
        #expect(median(table[2].answers) > 130 && median(table[2].answers) < 180)
        #expect(table[3].endless == 200)
    }
}

/// The same against a server that queues and loses nothing, so that only its response times tell.
@Suite struct QueueingServerTests {
    @Test(arguments: [100.0, 460, 3_000], [0, 1e-5, 1e-4])
    func bisectionFindsTheCeilingOfAQueueByTheGrowthOfItsResponseTimes(ceiling: Double, failures: Double) {
        for seed in 1...2 as ClosedRange<UInt64> {
            var server = QueueingServer(ceiling: ceiling, randomFailures: failures, seed: seed)
            var settings = BisectSearch.Settings()
            // Enough for the trend, and a test.
            settings.confirmations = 1
            settings.longestConfirmation = .seconds(15)
            let found = search(.bisect(BisectSearch(settings))) { server.run($0) }
            let rate = found.answer.rate ?? 0
            #expect(found.answer.ending == .found)
            #expect(rate > ceiling * 0.98 && rate < ceiling * 1.01, "\(rate)")
            #expect(found.answer.reasons.contains { $0.hasPrefix("response times grew") }, "\(found.answer.reasons)")
        }
    }

    @Test func byFailuresAloneShortTrialsOfAQueueAreFarTooKind() {
        var server = QueueingServer(ceiling: 460, seed: 1)
        var settings = BisectSearch.Settings()
        settings.criteria = Criteria(resent: nil, growth: nil)
        settings.confirmations = 0
        settings.ceiling = 5_000
        let found = search(.bisect(BisectSearch(settings))) { server.run($0) }
        #expect(found.answer.rate == 5_000)
    }
}
