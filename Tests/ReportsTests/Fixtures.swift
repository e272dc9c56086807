import Datagrams
import Latency
import Observations

@testable import Reports

extension ByteBuffer {
    var text: String { String(decoding: storage[0..<count], as: UTF8.self) }
}

/// What `write` appends, as text.
func text(_ write: (inout ByteBuffer) -> Void) -> String {
    var buffer = ByteBuffer(capacity: 64)
    write(&buffer)
    return buffer.text
}

/// A run of `calls`, summed up as `LoadRun` would; as long as they take at their rate.
func summary(
    of calls: [CallRecord], rate: Double? = 400, notes: [String] = [],
    names: [String] = [], adjust: (inout Counters) -> Void = { _ in }
) -> RunSummary {
    let length = Nanoseconds(Int64(Double(calls.count) / (rate ?? 400) * 1e9))
    var recorder = LatencyRecorder(responseTimeNames: names.count)
    var journal = Journal()
    journal.calls = calls
    var counters = Counters()
    counters.offered = UInt64(calls.count)
    for call in calls {
        counters.started += call.sent == nil ? 0 : 1
        counters.ok += call.outcome == .ok ? 1 : 0
        counters.answered += (200..<300).contains(call.inviteStatus) ? 1 : 0
        counters.unsent += call.outcome == .unsent ? 1 : 0
        counters.requestsRetransmitted += UInt64(call.retransmissions)
    }
    counters.failed = counters.started - counters.ok
    adjust(&counters)
    journal.mark = IntervalMark(at: length, counters: counters, open: 0, cpu: length / 5)
    recorder.record(journal)
    return RunSummary(
        recorder,
        conditions: RunConditions(
            scenario: "uac", target: "127.0.0.1:5060", rate: rate, offeredFor: length,
            lasted: length + .milliseconds(40),
            responseTimeNames: names, notes: notes))
}

/// A call whose every time follows from its RTT.
func call(
    _ number: UInt64, rtt: Nanoseconds = .milliseconds(2), outcome: CallOutcome = .ok, status: UInt16 = 200,
    retransmissions: UInt32 = 0
) -> CallRecord {
    var call = CallRecord(
        number: number, callID: CallIDText("\(number)@sipmeter"), due: .microseconds(2500) * Int64(number))
    call.outcome = outcome
    call.ended = call.due + rtt
    if outcome == .unsent { return call }
    call.sent = call.due + .microseconds(20)
    call.inviteStatus = status
    call.retransmissions = retransmissions
    if status != 0 {
        call.trying = rtt / 10
        call.ringing = rtt / 5
        call.answer = rtt / 2
    }
    guard outcome == .ok else { return call }
    call.bye = rtt / 4
    call.rtt = rtt
    call.rttFromDue = rtt + .microseconds(20)
    return call
}

/// 400 calls of 1 to 40.9 ms, ten of them sent again, and one each of the ways to fail.
func mixedCalls() -> [CallRecord] {
    var calls = (1...400).map {
        call(UInt64($0), rtt: .microseconds(1000 + 100 * Int64($0 - 1)), retransmissions: $0 > 390 ? 1 : 0)
    }
    calls.append(call(401, outcome: .status(486), status: 486))
    calls.append(call(402, outcome: .status(503), status: 503))
    calls.append(call(403, outcome: .timeout, status: 0, retransmissions: 6))
    calls.append(call(404, outcome: .unsent))
    return calls
}
