import Datagrams
import Observations
import SIP
import Testing

@testable import Captures

@Suite struct CallFinderTests {
    private static func calls(_ tape: consuming Tape) -> (calls: [CapturedCall], begunBefore: UInt64) {
        let traffic = tape.finished()
        let start = traffic.messages.first?.at ?? .zero
        return CallFinder(
            traffic, TransactionTable(traffic), timeout: .seconds(32), start: start
        ).calls()
    }

    /// Answer 50 ms, hold 1002, bye 8: rtt 58.
    private static func call(_ id: String, at ms: Double, on tape: inout Tape) {
        tape.caller(Text.request("INVITE", call: id), at: ms)
        tape.callee(Text.response(100, "INVITE", call: id, toTag: nil), at: ms + 1)
        tape.callee(Text.response(180, "INVITE", call: id), at: ms + 20)
        tape.callee(Text.response(200, "INVITE", call: id), at: ms + 50)
        tape.caller(Text.request("ACK", call: id, branch: id + "ack", toTag: "t"), at: ms + 52)
        tape.caller(Text.request("BYE", call: id, cseq: 2, toTag: "t"), at: ms + 1052)
        tape.callee(Text.response(200, "BYE", call: id, cseq: 2), at: ms + 1060)
    }

    @Test func aCallsTimesAreThoseOfItsMessages() throws {
        var tape = Tape()
        Self.call("one", at: 0, on: &tape)
        Self.call("two", at: 10, on: &tape)
        let (calls, begunBefore) = Self.calls(tape)
        #expect(calls.map(\.record.callID.text) == ["one", "two"] && begunBefore == 0)
        for (i, call) in calls.enumerated() {
            let record = call.record
            #expect(record.number == UInt64(i + 1) && record.outcome == .ok && record.clock == .kernel)
            #expect(record.sent == .milliseconds(10 * Int64(i)) && record.due == record.sent)
            #expect(record.trying == .milliseconds(1) && record.ringing == .milliseconds(20))
            #expect(record.answer == .milliseconds(50) && record.bye == .milliseconds(8))
            #expect(record.hold == .milliseconds(1002) && record.rtt == .milliseconds(58))
            #expect(record.inviteStatus == 200 && record.retransmissions == 0)
            #expect(!call.isEndedByCallee && !call.hasFurtherLegs)
        }
    }

    @Test func copiesOfRequestsAreCountedAndTheFirstOneCounts() throws {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: -500)
        Self.call("c1", at: 0, on: &tape)
        tape.caller(Text.request("BYE", cseq: 2, toTag: "t"), at: 1552)
        let record = try #require(Self.calls(tape).calls.first).record
        #expect(record.retransmissions == 2 && record.answer == .milliseconds(550) && record.bye == .milliseconds(8))
    }

    @Test func theCalleeMayHangUp() throws {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: 0)
        tape.callee(Text.response(200, "INVITE"), at: 10)
        tape.caller(Text.request("ACK", branch: "ack", toTag: "t"), at: 11)
        tape.callee(Text.request("BYE", cseq: 9, branch: "callee", toTag: "f"), at: 500)
        tape.caller(Text.response(200, "BYE", cseq: 9, branch: "callee", toTag: "f"), at: 503)
        let call = try #require(Self.calls(tape).calls.first)
        #expect(call.isEndedByCallee && call.record.outcome == .ok)
        #expect(call.record.bye == .milliseconds(3) && call.record.rtt == .milliseconds(13))
    }

    @Test func aChallengedCallIsOneCallFromItsFirstINVITE() throws {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: 0)
        tape.callee(Text.response(407, "INVITE"), at: 5)
        tape.caller(Text.request("ACK", branch: "c1INVITE1", toTag: "t"), at: 6)
        tape.caller(Text.request("INVITE", cseq: 2), at: 10)
        tape.callee(Text.response(200, "INVITE", cseq: 2), at: 40)
        tape.caller(Text.request("ACK", cseq: 2, branch: "ack", toTag: "t"), at: 41)
        tape.caller(Text.request("BYE", cseq: 3, toTag: "t"), at: 41)
        tape.callee(Text.response(200, "BYE", cseq: 3), at: 45)
        let (calls, _) = Self.calls(tape)
        #expect(calls.count == 1)
        #expect(calls[0].record.answer == .milliseconds(40) && calls[0].record.inviteStatus == 200)
        #expect(calls[0].record.rtt == .milliseconds(44) && calls[0].record.retransmissions == 0)
    }

    @Test func aRefusedCallHasItsStatus() throws {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: 0)
        tape.callee(Text.response(486, "INVITE"), at: 7)
        let record = try #require(Self.calls(tape).calls.first).record
        #expect(record.outcome == .status(486) && record.answer == .milliseconds(7) && record.rtt == nil)
        #expect(record.inviteStatus == 486)
    }

    /// What was still going on when the capture ended did not fail.
    @Test(arguments: [(31_000.0, CallOutcome.interrupted), (33_000, .timeout)])
    func anUnansweredCallHasFailedOnlyWhenTheCaptureIsLongEnough(end: Double, outcome: CallOutcome) throws {
        var unanswered = Tape()
        unanswered.caller(Text.request("INVITE"), at: 0)
        unanswered.caller(Text.request("OPTIONS", call: "other"), at: end)
        #expect(Self.calls(unanswered).calls.first?.record.outcome == outcome)
        var open = Tape()
        open.caller(Text.request("INVITE"), at: 0)
        open.callee(Text.response(200, "INVITE"), at: 10)
        open.caller(Text.request("BYE", cseq: 2, toTag: "t"), at: 20)
        open.caller(Text.request("OPTIONS", call: "other"), at: 20 + end)
        #expect(Self.calls(open).calls.first?.record.outcome == outcome)
    }

    @Test func aRingingCallAndOneWithoutBYEAreStillOpen() {
        var tape = Tape()
        tape.caller(Text.request("INVITE", call: "rings"), at: 0)
        tape.callee(Text.response(180, "INVITE", call: "rings"), at: 5)
        tape.caller(Text.request("INVITE", call: "talks"), at: 10)
        tape.callee(Text.response(200, "INVITE", call: "talks"), at: 15)
        tape.caller(Text.request("OPTIONS", call: "other"), at: 100_000)
        #expect(Self.calls(tape).calls.map(\.record.outcome) == [.interrupted, .interrupted])
    }

    @Test func aDialogBegunBeforeTheCaptureIsNoCall() {
        var tape = Tape()
        tape.caller(Text.request("BYE", cseq: 2, toTag: "t"), at: 0)
        tape.callee(Text.response(200, "BYE", cseq: 2), at: 1)
        let (calls, begunBefore) = Self.calls(tape)
        #expect(calls.isEmpty && begunBefore == 1)
    }

    /// Both sides of a proxy in one capture: the call is the caller's.
    @Test func aCallThroughAProxyIsMeasuredWhereItBegins() throws {
        var tape = Tape()
        func proxied(_ text: String, at ms: Double) {
            tape.frame(
                Frames.ethernet(Frames.ipv4(Frames.udp(Array(text.utf8)), from: 0xC000_0202, to: 0xC000_0203)), at: ms)
        }
        func returned(_ text: String, at ms: Double) {
            tape.frame(
                Frames.ethernet(Frames.ipv4(Frames.udp(Array(text.utf8)), from: 0xC000_0203, to: 0xC000_0202)), at: ms)
        }
        tape.caller(Text.request("INVITE"), at: 0)
        proxied(Text.request("INVITE", branch: "proxy"), at: 2)
        returned(Text.response(200, "INVITE", branch: "proxy"), at: 8)
        tape.callee(Text.response(200, "INVITE"), at: 10)
        tape.caller(Text.request("ACK", branch: "ack", toTag: "t"), at: 10)
        tape.caller(Text.request("BYE", cseq: 2, toTag: "t"), at: 10)
        proxied(Text.request("BYE", cseq: 2, branch: "proxy2", toTag: "t"), at: 11)
        returned(Text.response(200, "BYE", cseq: 2, branch: "proxy2"), at: 13)
        tape.callee(Text.response(200, "BYE", cseq: 2), at: 14)
        let (calls, _) = Self.calls(tape)
        #expect(calls.count == 1)
        #expect(calls[0].hasFurtherLegs && calls[0].record.retransmissions == 0)
        #expect(calls[0].record.answer == .milliseconds(10) && calls[0].record.rtt == .milliseconds(14))
    }

    /// The answer goes where the Via says, and that may be another port than the request came from.
    @Test func anAnswerToAnotherPortStillAnswers() throws {
        var tape = Tape()
        tape.frame(Frames.sip(Text.request("INVITE"), from: 40_000), at: 0)
        tape.callee(Text.response(486, "INVITE"), at: 3)
        #expect(Self.calls(tape).calls.first?.record.answer == .milliseconds(3))
    }
}
