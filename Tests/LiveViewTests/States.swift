import Datagrams
import Latency
import LiveView
import Observations

/// A run of seconds with calls in them, made as a real one is: from journals.
struct MadeUpRun {
    var subject = LiveState.Subject(
        command: "run", target: "192.0.2.5:5060", transport: "udp", scenario: "uac", version: "1.2.3")
    var level = LiveState.Level(rate: 500, duration: .seconds(30))
    var record: LiveRecord
    var recorder = LatencyRecorder()
    var counters = Counters()
    var responses = ResponseCounts()
    var number: UInt64 = 0
    var second: Int64 = 0
    private var elapsed: Int64 = 0
    /// Of the schedule; nil: as offered.
    var scheduled: UInt64?
    private var rows: [IntervalRow] = []

    init(_ adjust: (inout LiveState.Subject, inout LiveState.Level) -> Void = { _, _ in }) {
        adjust(&subject, &level)
        record = LiveRecord(subject: subject, level: level)
        record.begin(level, at: .zero)
    }

    mutating func begin(_ level: LiveState.Level) {
        close()
        record.end(summary)
        elapsed += second
        record.begin(level, at: .seconds(elapsed))
        self.level = level
        recorder = LatencyRecorder()
        (counters, responses, number, second) = (Counters(), ResponseCounts(), 0, 0)
    }

    /// A second of the run: `calls` that end in it, each made by `body` from its place in the second, and `open` at its end.
    mutating func second(
        _ calls: Int, open: UInt64 = 0,
        _ body: (Int, inout CallRecord) -> Void = { n, call in call.answer(in: .microseconds(400 + 7 * Int64(n))) },
        adjust: (inout Counters) -> Void = { _ in }
    ) {
        var journal = Journal()
        for n in 0..<calls {
            number += 1
            var call = CallRecord(
                number: number, callID: CallIDText("\(number)@sipmeter"),
                due: .seconds(second) + .milliseconds(1000 * Int64(n) / Int64(max(calls, 1))))
            call.sent = call.due + .microseconds(80)
            body(n, &call)
            count(call)
            journal.calls.append(call)
        }
        counters.started = counters.offered - counters.unsent
        adjust(&counters)
        second += 1
        journal.mark = IntervalMark(
            at: .seconds(second), counters: counters, open: open, cpu: .milliseconds(310 * second))
        journal.glance = Glance(worker: 0, at: .seconds(second), counters: counters, open: open)
        journal.responses = responses.list
        record.note(journal)
        rows.append(recorder.record(journal)!.row)
    }

    /// What was told so far is summed up; every second of it would take a while.
    mutating func close() {
        if rows.isEmpty { return }
        record.close(rows, summary, LiveTotals(recorder))
        rows = []
    }

    private mutating func count(_ call: CallRecord) {
        if call.trying != nil { responses.note(.invite, 100) }
        if call.ringing != nil { responses.note(.invite, 180) }
        if call.inviteStatus > 0 { responses.note(.invite, call.inviteStatus) }
        if call.bye != nil { responses.note(.bye, 200) }
        counters.offered += 1
        counters.datagramsSent += 3
        switch call.outcome {
        case .ok: counters.ok += 1
        case .unsent: counters.unsent += 1
        case .status, .timeout, .unexpected, .refused, .interrupted, .check: counters.failed += 1
        }
        if (200..<300).contains(call.inviteStatus) { counters.answered += 1 }
        counters.requestsRetransmitted += UInt64(call.retransmissions)
    }

    var summary: RunSummary {
        var conditions = RunConditions(
            scenario: subject.scenario, target: subject.target, rate: level.rate, offeredFor: .seconds(second),
            lasted: .seconds(second), scheduled: scheduled ?? counters.offered)
        conditions.changes = record.state.changes
        return RunSummary(recorder, conditions: conditions)
    }

    /// As it is shown `later` than the last second's end.
    func state(_ phase: LiveState.Phase = .running, later: Nanoseconds = .milliseconds(250)) -> LiveState {
        var copy = self
        copy.close()
        var state = copy.record.state
        state.phase = phase
        state.elapsed = .seconds(second) + later
        return state
    }
}

extension CallRecord {
    /// It ended well, after this time.
    mutating func answer(in rtt: Nanoseconds) {
        outcome = .ok
        inviteStatus = 200
        trying = rtt / 10
        ringing = rtt / 5
        answer = rtt / 2
        bye = rtt / 4
        self.rtt = rtt
        rttFromDue = rtt + (late ?? .zero)
        ended = due + rtt
    }

    mutating func fail(_ outcome: CallOutcome, status: UInt16 = 0, retransmissions: UInt32 = 0) {
        self.outcome = outcome
        inviteStatus = status
        self.retransmissions = retransmissions
        (trying, ringing, bye, rtt, rttFromDue) = (nil, nil, nil, nil, nil)
        answer = status == 0 ? nil : .microseconds(1200)
        if outcome == .unsent { sent = nil }
        ended = due + .milliseconds(3)
    }
}

enum MadeUpStates {
    /// Twelve seconds of 500 calls, the last ones slower, two failed.
    static let usual: MadeUpRun = {
        var run = MadeUpRun { subject, _ in subject.traits = ["Poisson", "hold 80ms"] }
        for second in 0..<12 {
            run.second(500, open: 41) { n, call in
                call.answer(in: .microseconds(400 + 2 * Int64(n) * (second > 9 ? Int64(second - 7) : 1)))
                if second == 11, n == 400 { call.fail(.status(486), status: 486) }
                if second == 11, n == 401 { call.fail(.timeout, retransmissions: 6) }
            } adjust: { counters in
                if second == 11 { (counters.acksRepeated, counters.repeatsReceived, counters.stray) = (1, 1, 2) }
            }
        }
        run.close()
        return run
    }()
}
