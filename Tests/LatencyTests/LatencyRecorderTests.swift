import Datagrams
import Observations
import Testing

@testable import Latency

@Suite struct LatencyRecorderTests {
    static func call(
        _ number: UInt64, rtt: Int64?, outcome: CallOutcome = .ok, status: UInt16 = 200, ringing: Int64? = 3,
        answer: Int64? = 5, bye: Int64? = 4, retransmissions: UInt32 = 0, late: Int64 = 10
    ) -> CallRecord {
        var call = CallRecord(number: number, callID: CallIDText("\(number)@test"), due: .milliseconds(Int64(number)))
        call.sent = call.due + .microseconds(late)
        call.ringing = ringing.map { .milliseconds($0) }
        call.answer = answer.map { .milliseconds($0) }
        call.bye = bye.map { .milliseconds($0) }
        call.rtt = rtt.map { .milliseconds($0) }
        call.rttFromDue = call.rtt.map { $0 + .microseconds(late) }
        call.outcome = outcome
        call.inviteStatus = status
        call.retransmissions = retransmissions
        return call
    }

    static func mark(second: Int64, offered: UInt64, open: UInt64 = 0, cpuMilliseconds: Int64 = 0) -> IntervalMark {
        var counters = Counters()
        counters.offered = offered
        counters.started = offered
        return IntervalMark(
            at: .seconds(second), counters: counters, open: open, cpu: .milliseconds(cpuMilliseconds))
    }

    @Test func everyCounterHasAName() {
        #expect(Counters.list.count * MemoryLayout<UInt64>.size == MemoryLayout<Counters>.size)
        #expect(Set(Counters.list.map(\.name)).count == Counters.list.count)
        #expect(Set(Counters.list.map { $0.path as AnyKeyPath }).count == Counters.list.count)
    }

    @Test func aSecondHoldsOnlyWhatEndedInIt() throws {
        var recorder = LatencyRecorder()
        var journal = Journal()
        journal.calls = [Self.call(1, rtt: 10)]
        // A journal handed over early, because it was full.
        let early = recorder.record(journal)?.row
        #expect(early == nil)
        journal.calls = [Self.call(2, rtt: 20)]
        journal.mark = Self.mark(second: 1, offered: 2, open: 3, cpuMilliseconds: 250)
        let firstRow = recorder.record(journal)?.row
        let first = try #require(firstRow)
        #expect(first.rtt.count == 2)
        #expect(first.rtt.max == .milliseconds(20))
        #expect(first.counts.offered == 2)
        #expect(first.open == 3)
        #expect(first.cpuPercent == 25)

        journal.calls = [Self.call(3, rtt: 7, late: 50)]
        journal.mark = Self.mark(second: 2, offered: 7, cpuMilliseconds: 1250)
        let secondRow = recorder.record(journal)?.row
        let second = try #require(secondRow)
        #expect(second.rtt.count == 1)
        #expect(second.rtt.p50 == .milliseconds(7))
        #expect(second.rttFromDue.max == .milliseconds(7) + .microseconds(50))
        #expect(second.late.max == .microseconds(50))
        #expect(second.counts.offered == 5)
        #expect(second.totals.offered == 7)
        #expect(second.cpuPercent == 100)

        journal.removeAll()
        journal.mark = Self.mark(second: 3, offered: 7, cpuMilliseconds: 1250)
        let thirdRow = recorder.record(journal)?.row
        let third = try #require(thirdRow)
        #expect(third.rtt == LatencyFigures())
        #expect(recorder.rtt.count == 3)
        #expect(recorder.load.busySeconds == 1)
        #expect(recorder.load.seconds == 3)
    }

    @Test func karnsPopulationLeavesRetransmittedCallsOut() {
        var recorder = LatencyRecorder()
        recorder.record(Self.call(1, rtt: 10))
        recorder.record(Self.call(2, rtt: 600, retransmissions: 1))
        #expect(recorder.rtt.count == 2)
        #expect(recorder.rttWithoutRetransmission.maximum == .milliseconds(10))
        #expect(recorder.callsWithRetransmission == 1)
    }

    @Test func successAndFailureNeverShareADelay() {
        var recorder = LatencyRecorder()
        recorder.record(Self.call(1, rtt: 10, ringing: 3, answer: 5))
        recorder.record(Self.call(2, rtt: 10, ringing: nil, answer: 6))
        recorder.record(Self.call(3, rtt: nil, outcome: .status(486), status: 486, ringing: 8, answer: 9, bye: nil))
        recorder.record(Self.call(4, rtt: nil, outcome: .status(401), status: 401, ringing: nil, answer: 1, bye: nil))
        recorder.record(Self.call(5, rtt: nil, outcome: .status(302), status: 302, ringing: nil, answer: 1, bye: nil))
        // Established, but the BYE was refused.
        recorder.record(Self.call(6, rtt: nil, outcome: .status(481), status: 200, ringing: 4, answer: 5, bye: 7))
        #expect(recorder.srd.count == 3)
        #expect(recorder.srd.maximum == .milliseconds(6))
        #expect(recorder.srdFailed.figures.max == .milliseconds(8))
        #expect(recorder.srdFailed.count == 1)
        #expect(recorder.answer.count == 3)
        #expect(recorder.sdd.count == 2)
        #expect(recorder.sddFailed.maximum == .milliseconds(7))
    }

    @Test func sessionDurationRunsFromTheAnswerToTheBYE() {
        var recorder = LatencyRecorder()
        var call = Self.call(1, rtt: 12, answer: 5, bye: 4)
        call.hold = .seconds(2)
        recorder.record(call)
        // 12 ms without the pause: 5 to the answer, 4 from the BYE on, so 3 in between, and the pause itself.
        #expect(recorder.sdt.maximum == .seconds(2) + .milliseconds(3))
    }

    @Test func workersMergeIntoWhatOneWouldHaveSeen() throws {
        let calls = (1...40).map { Self.call(UInt64($0), rtt: Int64($0 * 7 % 50), late: Int64($0)) }
        var whole = LatencyRecorder()
        var one = LatencyRecorder()
        var two = LatencyRecorder()
        var journal = Journal()
        journal.calls = calls
        journal.mark = Self.mark(second: 1, offered: 40, open: 4, cpuMilliseconds: 100)
        let all = whole.record(journal)
        let row = try #require(all).row
        journal.calls = Array(calls[..<11])
        journal.mark = Self.mark(second: 1, offered: 11, open: 1, cpuMilliseconds: 60)
        let first = one.record(journal)
        journal.calls = Array(calls[11...])
        journal.mark = Self.mark(second: 1, offered: 29, open: 3, cpuMilliseconds: 140)
        let second = two.record(journal)
        var interval = try #require(first)
        interval.merge(try #require(second))
        #expect(interval.row == row)

        one.merge(two)
        let conditions = RunConditions(
            scenario: "uac", target: "test", rate: 40, offeredFor: .seconds(1), lasted: .seconds(1))
        let a = RunSummary(whole, conditions: conditions)
        let b = RunSummary(one, conditions: conditions)
        #expect(a.rtt == b.rtt)
        #expect(a.late == b.late)
        #expect(a.counters == b.counters)
        #expect(a.sessions == b.sessions)
        #expect(a.outcomes == b.outcomes)
        #expect(a.load.meanPercent == b.load.meanPercent)
    }

    /// An engine that is behind counts as offered only what it got to.
    @Test func whatTheEngineNeverGotToCountsAgainstIt() {
        var recorder = LatencyRecorder()
        var journal = Journal()
        journal.calls = [Self.call(1, rtt: 5)]
        journal.mark = Self.mark(second: 1, offered: 300)
        recorder.record(journal)
        var conditions = RunConditions(
            scenario: "uac", target: "test", rate: 400, offeredFor: .seconds(1), lasted: .seconds(1))
        #expect(RunSummary(recorder, conditions: conditions).verdict.level == .invalid)
        // Random arrivals: only 300 fell due.
        conditions.scheduled = 300
        #expect(RunSummary(recorder, conditions: conditions).verdict.level == .valid)
    }

    @Test func namedResponseTimesKeepTheirNames() {
        var recorder = LatencyRecorder(responseTimeNames: 2)
        var journal = Journal()
        journal.responseTimes = [
            NamedResponseTime(call: 1, name: 1, stopped: .zero, length: .milliseconds(4)),
            NamedResponseTime(call: 2, name: 1, stopped: .zero, length: .milliseconds(6)),
        ]
        recorder.record(journal)
        let summary = RunSummary(
            recorder,
            conditions: RunConditions(
                scenario: "x", target: "y", rate: nil, offeredFor: .zero, lasted: .zero,
                responseTimeNames: ["invite", "bye"]))
        #expect(summary.named.map(\.name) == ["invite", "bye"])
        #expect(summary.named.map(\.figures.count) == [0, 2])
        #expect(summary.named[1].figures.mean == .milliseconds(5))
    }
}

@Suite struct SessionMetricsTests {
    private static func metrics(_ calls: [CallRecord]) -> SessionMetrics {
        var metrics = SessionMetrics()
        for call in calls { metrics.record(call) }
        return metrics
    }

    private static func calls(_ n: Int, _ outcome: CallOutcome, status: UInt16) -> [CallRecord] {
        (0..<n).map {
            LatencyRecorderTests.call(
                UInt64($0), rtt: outcome == .ok ? 5 : nil, outcome: outcome, status: status)
        }
    }

    /// 100 INVITEs worked by hand with the formulas of RFC 6076, 4.6 to 4.9.
    @Test func aWorkedExample() {
        let sessions = Self.metrics(
            Self.calls(70, .ok, status: 200) + Self.calls(4, .status(302), status: 302)
                + Self.calls(6, .status(486), status: 486) + Self.calls(2, .status(603), status: 603)
                + Self.calls(3, .status(407), status: 407) + Self.calls(5, .status(503), status: 503)
                + Self.calls(1, .status(404), status: 404) + Self.calls(6, .timeout, status: 0)
                + Self.calls(1, .refused, status: 0)
                // Answered, but the BYE never was.
                + Self.calls(2, .timeout, status: 200))
        #expect(sessions.ser == Ratio(numerator: 72, denominator: 96))
        #expect(sessions.ser.percent == 75)
        #expect(sessions.seer == Ratio(numerator: 80, denominator: 96))
        #expect(sessions.isa == Ratio(numerator: 12, denominator: 100))
        #expect(sessions.scr == Ratio(numerator: 91, denominator: 100))
    }

    @Test func attemptsWithoutAResultAreInNoNumber() {
        var unsent = CallRecord(number: 1, callID: CallIDText("a"), due: .zero)
        unsent.outcome = .unsent
        let open = Self.calls(3, .interrupted, status: 0)
        let talking = Self.calls(2, .interrupted, status: 200)
        let sessions = Self.metrics([unsent] + open + talking)
        #expect(sessions.ser == Ratio(numerator: 2, denominator: 2))
        #expect(sessions.scr == Ratio(numerator: 0, denominator: 0))
        #expect(sessions.scr.percent == nil)
    }

    @Test func onlySessionsCount() {
        var register = Self.calls(1, .ok, status: 0)[0]
        register.isSession = false
        #expect(Self.metrics([register]) == SessionMetrics())
    }

    @Test func nothingButRedirectionsLeavesTheRatioUndefined() {
        let sessions = Self.metrics(Self.calls(3, .status(302), status: 302))
        #expect(sessions.ser.percent == nil)
        #expect(sessions.isa.percent == 0)
    }
}
