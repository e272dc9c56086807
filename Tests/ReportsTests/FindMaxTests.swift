import Datagrams
import Latency
import MaximumSearch
import Testing

@testable import Reports

/// A search that never was: doubling to 80, a trial spoilt, one undecided, a bracket, a confirmation taken back.
func madeUpSearch() -> SearchReport {
    var report = SearchReport(
        method: "bisect", criteria: Criteria(), resolution: 0.1, target: "192.0.2.5", transport: "udp",
        scenario: "uac", baseline: .measured(rate: 21_000, above: 24_000),
        answer: Answer(
            ending: .found, rate: 60, confirmations: 2, failing: 65,
            reasons: [
                "25 of 975 failed (timeout 20, 503 5)",
                "response times grew by 8.000 ms in each second: it falls behind",
            ]))
    func add(
        _ phase: Phase, _ rate: Double, _ attempts: UInt64, _ kind: Decision.Kind, _ sentence: String, next: Double?,
        failures: [TrialResult.Failure] = [], resent: UInt64 = 0, doubt: TrialResult.Doubt? = nil,
        p99: Int64? = 2_345
    ) {
        let result = TrialResult(
            attempts: attempts, failures: failures, resent: resent, doubt: doubt,
            generator: doubt == nil ? .valid : .suspect, responseP50: .microseconds(1_200),
            responseP99: p99.map { .microseconds($0) }, lateP99: .microseconds(88), took: .seconds(15))
        report.rows.append(
            .init(
                trial: Trial(number: report.rows.count + 1, phase: phase, rate: rate, attempts: attempts),
                result: result, decision: Decision(kind: kind, sentence: sentence, nextRate: next)))
    }
    add(.double, 20, 60, .passes, "passes: twice as much next", next: 40, p99: nil)
    add(
        .double, 40, 600, .void, "decides nothing, the generator was in the way: A stall. Again.", next: 40,
        doubt: .load("A stall."))
    add(
        .double, 40, 600, .undecided, "1 of 600 failed (503 1): too few attempts to tell, 40 again", next: 40,
        failures: [.init(cause: "503", count: 1)])
    add(.double, 40, 600, .passes, "passes: twice as much next", next: 80, doubt: .timing("Late."))
    add(
        .double, 80, 1200, .fails, "fails: 90 requests sent again in 1200 attempts; between 40 and 80 now", next: 60,
        resent: 90)
    add(.bisect, 60, 900, .passes, "passes; between 60 and 80 now", next: 65)
    add(.bisect, 65, 975, .passes, "passes; 65 is to be confirmed", next: 65)
    add(
        .confirm, 65, 975, .fails, "fails: 25 of 975 failed (timeout 20, 503 5); down by the resolution", next: 60,
        failures: [.init(cause: "timeout", count: 20), .init(cause: "503", count: 5)], resent: 80, p99: 501_000)
    add(.confirm, 60, 3600, .passes, "confirmed 1 of 2 times", next: 60, failures: [.init(cause: "503", count: 1)])
    add(.confirm, 60, 3600, .passes, "confirmed 2 of 2 times: found", next: nil)
    report.took = .seconds(252)
    return report
}

private func textOf(_ append: (inout ByteBuffer) -> Void) -> String {
    var bytes = ByteBuffer(capacity: 1 << 14)
    append(&bytes)
    return String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
}

@Suite struct FindMaxTests {
    @Test func theSummaryReadsAsItsGolden() {
        #expect(textOf { FindMaxText.append(madeUpSearch(), to: &$0) } == Goldens.findMax)
    }

    @Test func everyTrialIsARow() {
        let table = textOf { buffer in
            CSV.appendTrialsHeader(to: &buffer)
            for row in madeUpSearch().rows { CSV.appendTrialsRow(row, to: &buffer) }
        }
        #expect(table == Goldens.trials)
    }

    @Test func theMachinesSummarySaysWhatTheTextSays() {
        let json = textOf { FindMaxFile.appendSummary(madeUpSearch(), to: &$0) }
        for line in [
            "\"schema\": \"sipmeter find-max\"", "\"ending\": \"found\"", "\"rate_cps\": 60,",
            "\"is_lower_bound\": false", "\"failing_rate_cps\": 65,", "\"confirmation_attempts\": 7200",
            "\"trials_spoilt\": 1", "\"rate_cps\": 21000",
        ] { #expect(json.contains(line), "\(line) in \(json)") }
    }

    // MARK: verdicts

    @Test func aResultAboveEightyPercentOfTheTestBedIsSuspect() {
        var report = madeUpSearch()
        report.baseline = .measured(rate: 75, above: 80)
        #expect(report.verdict.level == .valid)
        report.baseline = .measured(rate: 74, above: 80)
        #expect(report.verdict.level == .suspect)
        #expect(report.verdict.evidence.first?.hasPrefix("The result is 81 % of what the test bed takes") == true)
    }

    @Test func whatTheGeneratorEndedIsNoMaximum() {
        var report = madeUpSearch()
        report.answer = Answer(ending: .ceilingReached(21_000), rate: 21_000)
        #expect(report.verdict.level == .invalid)
        #expect(FindMaxText.maximum(report) == "at least 21000 calls/s")
        // The highest rate the user wanted tried is another matter.
        report.answer = Answer(ending: .ceilingReached(200), rate: 200)
        #expect(report.verdict.level == .valid)
        #expect(FindMaxText.maximum(report) == "at least 200 calls/s")
        report.answer = Answer(ending: .generatorInTheWay(rate: 80, why: "A stall."), rate: 40)
        #expect(report.verdict.level == .invalid)
        #expect(
            report.verdict.evidence.first
                == "At 80 calls/s the generator was in the way, however often it was tried: A stall. What the target "
                + "takes lies above 40 calls/s.")
        report.answer = Answer(ending: .generatorInTheWay(rate: 80, why: "A stall."), rate: nil, failing: 80)
        #expect(report.verdict.evidence.first?.hasSuffix("What the target takes lies below 80 calls/s.") == true)
    }

    /// A confirmation with failures and too few attempts to tell is run again: what failed in it failed all the same.
    @Test func aConfirmationRunAgainIsCountedInWhatItConfirms() {
        var report = madeUpSearch()
        report.rows[8].decision.kind = .undecided
        report.rows[8].result.failures = [.init(cause: "503", count: 5)]
        #expect(report.confirmation?.attempts == 7200 && report.confirmation?.failed == 5)
        report.rows[8].decision.kind = .void
        #expect(report.confirmation?.attempts == 3600 && report.confirmation?.failed == 0)
    }

    @Test func aResultThatNobodyConfirmedSaysSo() {
        var report = madeUpSearch()
        report.answer.confirmations = 0
        #expect(
            FindMaxText.text(report).contains(
                "60 calls/s, within 10 % (bisect)\n            not confirmed by longer trials\n"))
    }

    @Test func aServerThatEndsNotOneSlowCallWellHasNoMaximumAndTheReasonIsTheAnswer() {
        var report = madeUpSearch()
        report.rows = []
        report.baseline = .unknown("the search ended before it was measured")
        report.answer = Answer(
            ending: .slowCallsFail, rate: nil, failing: 5, reasons: ["3 of 3 failed (404 3)"])
        #expect(report.verdict.level == .valid && report.verdict.notes.isEmpty)
        let text = FindMaxText.text(report)
        #expect(text.contains("Maximum     none: not even a few slow calls end well\n"))
        #expect(text.contains("Failed at   5 calls/s: 3 of 3 failed (404 3)\n"))
        #expect(text.contains("--rate 1"))
    }

    @Test func aSearchThatThisHostCutOffBlamesNeitherTheUserNorTheTarget() {
        var report = madeUpSearch()
        report.answer.ending = .cutOff("cannot write trials.csv: No space left on device.")
        #expect(report.verdict.level == .suspect)
        #expect(report.verdict.evidence.first?.contains("could not go on") == true)
        #expect(report.verdict.evidence.first?.contains("No space left") == true)
        #expect(FindMaxText.maximum(report) == "60 calls/s is the highest that passed so far")
    }

    @Test func aStartAboveWhatTheTestBedTakesIsNotPassedOverInSilence() {
        var report = madeUpSearch()
        report.noteStart(21_000, highest: nil)
        report.noteStart(30_000, highest: 40_000)
        #expect(report.notes.isEmpty)
        report.noteStart(30_000, highest: nil)
        #expect(report.notes == ["The first trial is at 21000 calls/s, all the test bed takes, and not at 30000."])
    }

    @Test func oneTrialThatPassedIsNotCalledAllOfThem() {
        var report = madeUpSearch()
        report.rows = [report.rows[3]]
        #expect(report.verdict.notes.contains { $0.hasPrefix("The one trial that passed was not VALID: ") })
    }

    @Test func aTestBedNobodyMeasuredIsSaid() {
        var report = madeUpSearch()
        report.baseline = .unknown("--no-baseline")
        #expect(report.verdict.level == .valid)
        #expect(FindMaxText.text(report).contains("Test bed    not known: --no-baseline\n"))
        #expect(report.verdict.notes.contains { $0.hasPrefix("What the test bed itself takes is not known") })
    }

    /// A machine that cannot place 10 calls/s to itself says nothing of a target: found beside other work, 222 of 460.
    @Test func aTestBedThatKeepsUpAtNoRateIsADoubt() {
        var report = madeUpSearch()
        report.baseline = .notKept(lowest: 15.63)
        #expect(report.verdict.level == .suspect)
        #expect(report.verdict.evidence.first?.contains("down to 15.63 calls/s") == true)
        #expect(
            FindMaxText.text(report).contains("Test bed    did not keep up at any rate tried, down to 15.63 calls/s\n"))
        // Where the target refused there is no limit to doubt.
        report.answer = Answer(ending: .slowCallsFail, rate: nil)
        #expect(report.verdict.level == .valid)
    }

    @Test func lossFarBelowTheResultIsWarnedOfOnceItIsSurelyAboveATenthOfWhatIsAllowed() {
        var report = madeUpSearch()
        report.rows[0].result.attempts = 20_000
        report.rows[0].result.failures = [.init(cause: "timeout", count: 5)]
        #expect(!report.verdict.notes.contains { $0.contains("chance decides") })
        report.rows[0].result.failures = [.init(cause: "timeout", count: 6)]
        #expect(report.verdict.notes.contains { $0.hasPrefix("At rates up to half the result 6 of 20000") })
    }

    // MARK: the picture

    @Test func thePictureHasAMarkForEveryTrialAndALineForEveryLimit() {
        let reader = SVGReader(TrialsPlot.svg(madeUpSearch()))
        #expect(reader.failure == nil)
        let texts = reader.texts.map(\.text)
        for text in [
            "60 calls/s, within 10 % (bisect): VALID", "passed 6", "failed 2", "too few to tell 1",
            "generator in the way 1", "test bed without the target: 21000 calls/s", "60 calls/s", "Around the result",
        ] { #expect(texts.contains(text), "\(text) in \(texts)") }
        // Six passes and one undecided above, all but the first of them below, and one of each in the legend.
        #expect(reader.circles.count == 7 + 6 + 2)
        #expect(reader.paths["failed"]?.count == 2 + 2 + 1)
        #expect(reader.paths["void"]?.count == 1 + 1 + 1)
        #expect(reader.texts.allSatisfy { $0.y > 12 && $0.y < TrialsPlot.height && $0.size >= 12 })
    }

    @Test func aSearchWithoutATrialOrAResultIsDrawnToo() {
        var report = madeUpSearch()
        report.answer = Answer(ending: .interrupted, rate: nil)
        #expect(!SVGReader(TrialsPlot.svg(report)).texts.contains { $0.text == "Around the result" })
        report.rows = []
        #expect(SVGReader(TrialsPlot.svg(report)).texts.contains { $0.text == "no trial was run" })
        #expect(FindMaxText.maximum(report) == "not known: no rate passed so far")
    }
}
