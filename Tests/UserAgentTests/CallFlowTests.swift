import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

@Suite struct CallFlows {
    private func run(
        _ server: ReplyingServer = ReplyingServer(), calls: UInt64 = 1,
        configure: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> VirtualRun {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: calls, configure: configure), peer: server.peer())
        run.keepsTrace = true
        run.run()
        return run
    }

    @Test func aPlainCallIsMeasuredFromItsOwnMessages() throws {
        let run = try run()
        #expect(
            run.trace.map(\.summary) == [
                "INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE",
            ])
        let call = run.calls[0]
        #expect(call.outcome == .ok)
        // 100 us each way; the server sends 100, 180 and 200 a millisecond apart.
        #expect(call.late == .zero)
        #expect(call.trying == .microseconds(200))
        #expect(call.ringing == .microseconds(1200))
        #expect(call.answer == .microseconds(2200))
        #expect(call.bye == .microseconds(200))
        #expect(call.rtt == .microseconds(2400))
        #expect(call.rttFromDue == .microseconds(2400))
        #expect(call.callID.text == "abcd1234.1.0")
        #expect(run.uac.engine.counters.stray == 0)
    }

    @Test func theHoldTimeIsNotPartOfTheResponseTime() throws {
        let run = try run { $0.hold = .seconds(3) }
        let call = run.calls[0]
        #expect(call.hold == .seconds(3))
        #expect(call.rtt == .microseconds(2400))
        #expect(call.ended == .seconds(3) + .microseconds(2400))
    }

    @Test func aRingingAfterTheAnswerDoesNotFailTheCall() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [200, 180, 100]
        let run = try run(server)
        #expect(run.calls.map(\.outcome) == [.ok])
        #expect(run.uac.engine.counters.lateProvisional == 2)
        #expect(run.calls[0].ringing == nil)
    }

    @Test func repeatedAndUnlistedProvisionalsAreOnlyCounted() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [100, 180, 181, 183, 180, 200]
        let run = try run(server)
        #expect(run.calls.map(\.outcome) == [.ok])
        #expect(run.uac.engine.counters.unlistedProvisional == 2)
    }

    @Test func everyRepeatedSuccessGetsTheSameAckAgain() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [180, 200, 200, 200]
        server.delay = .milliseconds(1)
        let run = try run(server)
        let acks = run.trace.filter { $0.from == .client && $0.summary == "ACK" }
        #expect(acks.count == 3)
        #expect(Set(acks.map(\.bytes)).count == 1)
        #expect(run.calls.map(\.outcome) == [.ok])
        #expect(run.uac.engine.counters.acksRepeated == 2)
    }

    @Test func aSuccessRepeatedAfterTheCallHasEndedIsStillAcknowledged() throws {
        var run = try run()
        let answer = try #require(run.trace.first { $0.summary == "200 INVITE" }).bytes
        let ack = try #require(run.trace.first { $0.summary == "ACK" })
        run.uac.handleDatagram(answer.span, from: VirtualRun.serverAddress, at: run.now + .seconds(10))
        let outbox = run.uac.engine.outbox
        #expect(outbox.datagrams.count == 1)
        #expect(Array(outbox.bytes.storage[0..<outbox.bytes.count]) == ack.bytes)
        // 32 s after its end the call is forgotten, and the same message is a stray.
        run.uac.engine.outbox.removeAll()
        run.uac.advance(to: run.now + .seconds(33))
        run.uac.handleDatagram(answer.span, from: VirtualRun.serverAddress, at: run.now + .seconds(33))
        #expect(run.uac.engine.outbox.isEmpty)
        #expect(run.uac.engine.counters.stray == 1)
    }

    @Test func aRefusedInviteIsAcknowledgedInItsTransaction() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [100, 486, 486]
        let run = try run(server)
        #expect(run.calls.map(\.outcome) == [.status(486)])
        #expect(run.calls[0].rtt == nil)
        let sent = run.trace.filter { $0.from == .client }
        try #require(sent.map(\.summary) == ["INVITE", "ACK", "ACK"])
        let (invite, ack) = (sent[0].bytes, sent[1].bytes)
        var inviteIndex = MessageIndex()
        var ackIndex = MessageIndex()
        try inviteIndex.parse(invite.span)
        try ackIndex.parse(ack.span)
        #expect(invite[inviteIndex.viaBranch.bounds] == ack[ackIndex.viaBranch.bounds])
        #expect(ack == sent[2].bytes)
        #expect(String(decoding: ack[ackIndex.toTag.bounds], as: UTF8.self) == "srv")
    }

    /// While the call is held, and after it has ended.
    @Test(arguments: [Nanoseconds.seconds(1), .zero])
    func anotherForksAnswerIsAcknowledgedAndEnded(hold: Nanoseconds) throws {
        var server = ReplyingServer()
        server.inviteStatuses = [180, 200, 200]
        server.toTags = ["one", "one", "two"]
        let run = try run(server) { $0.hold = hold }
        #expect(run.calls.map(\.outcome) == [.ok])
        let ended = run.trace.filter { $0.from == .client && $0.summary == "BYE" }
            .map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(ended.contains { $0.contains("tag=one") })
        #expect(ended.contains { $0.contains("tag=two") })
        #expect(run.trace.filter { $0.from == .client && $0.summary == "ACK" }.count == 2)
    }

    @Test func aPeersByeIsAnsweredAndFailsTheCall() throws {
        var hangsUp = ReplyingServer()
        hangsUp.silentMethods = [.bye]
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1) { $0.hold = .seconds(10) },
            peer: hangsUp.peer())
        run.keepsTrace = true
        run.run(until: VirtualRun.start + .seconds(1))
        let bye = """
            BYE sip:sipmeter@10.0.0.1:5060 SIP/2.0\r
            Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKpeer\r
            From: <sip:service@10.0.0.2:5060>;tag=srv\r
            To: <sip:sipmeter@10.0.0.1:5060>;tag=c1-1\r
            Call-ID: abcd1234.1.0\r
            CSeq: 7 BYE\r
            Content-Length: 0\r
            \r

            """
        run.uac.handleDatagram(Array(bye.utf8).span, from: VirtualRun.serverAddress, at: run.now)
        run.step()
        #expect(run.calls.map(\.outcome) == [.unexpected])
        #expect(run.trace.last?.summary == "200 BYE")
        #expect(run.uac.engine.openCalls == 0)
    }

    @Test func stoppingAnAnsweredCallSendsABye() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1) { $0.hold = .seconds(10) },
            peer: ReplyingServer().peer())
        run.keepsTrace = true
        run.run(until: VirtualRun.start + .seconds(1))
        run.uac.stopOffering()
        run.uac.engine.giveUp(.interrupted, at: run.now)
        run.run()
        #expect(run.calls.map(\.outcome) == [.interrupted])
        #expect(run.trace.filter { $0.from == .client }.map(\.summary) == ["INVITE", "ACK", "BYE"])
        #expect(run.uac.isFinished)
    }

    @Test func icmpEndsTheCallItNames() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 2), peer: .scripted { _, _ in [] })
        run.keepsTrace = true
        run.step()
        let invite = try #require(run.trace.first)
        // ICMP may bring back only the beginning: here up to the middle of the headers after Call-ID.
        var index = MessageIndex()
        try index.parse(invite.bytes.span)
        let cut = index.callID.bounds.upperBound + 10
        let returned = Array(invite.bytes[..<cut])
        run.uac.handleUnreachable(returned.span, at: run.now + .milliseconds(1))
        run.step()
        #expect(run.calls.map(\.outcome) == [.refused])
        #expect(run.calls[0].number == 1)
    }

    @Test func brokenAndForeignDatagramsAreCountedAndNothingElse() throws {
        var run = try run()
        let before = run.uac.engine.counters
        for junk in ["", "\r\n\r\n", "hello", "SIP/2.0 200 OK\r\n\r\n", "INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n"] {
            run.uac.handleDatagram(Array(junk.utf8).span, from: VirtualRun.serverAddress, at: run.now)
        }
        run.uac.handleDatagram(
            SampleMessages.invite(callID: "foreign@x", branch: "z9hG4bKx").span, from: VirtualRun.serverAddress,
            at: run.now)
        let after = run.uac.engine.counters
        #expect(after.malformed - before.malformed == 3)
        #expect(after.stray - before.stray == 1)
        #expect(run.uac.engine.outbox.isEmpty)
    }

    @Test func aLimitLeavesARowForEveryCallItHeldBack() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 100, calls: 10, maxConcurrent: 3) {
                $0.hold = .milliseconds(55)
            }, peer: ReplyingServer().peer())
        run.run()
        #expect(run.calls.count == 10)
        #expect(Set(run.calls.map(\.number)) == Set(1...10))
        let unsent = run.calls.filter { $0.outcome == .unsent }
        #expect(unsent.map(\.number).sorted() == [4, 5, 6, 10])
        #expect(unsent.allSatisfy { $0.sent == nil && $0.rtt == nil })
        #expect(run.uac.engine.counters.unsent == 4)
    }
}
