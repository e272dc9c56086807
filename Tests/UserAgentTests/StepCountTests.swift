import Datagrams
import Observations
import SIP
import Scenarios
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// What `sipmeter sipp` counts: each step of a scenario, and what a call had no place for.
@Suite struct StepCountTests {
    private func run(
        _ server: ReplyingServer = ReplyingServer(), calls: UInt64 = 1,
        configure: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> VirtualRun {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.sippUac, calls: calls, configure: configure),
            peer: server.peer())
        run.run()
        return run
    }

    private func passed(_ run: VirtualRun) -> [UInt64] { run.uac.engine.stepCounts.map(\.passed) }

    @Test func everyStepOfAPlainCallIsPassedOnce() throws {
        let run = try run(calls: 3)
        #expect(run.calls.map(\.outcome) == [.ok, .ok, .ok])
        // INVITE 100 180 183 200 ACK pause BYE 200
        #expect(passed(run) == [3, 3, 3, 0, 3, 3, 3, 3, 3])
        #expect(run.uac.engine.stepCounts.allSatisfy { $0.repeats == 0 && $0.timeouts == 0 && $0.unexpected == 0 })
    }

    @Test func bothSidesOfSippsFlowEndWell() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.sippUac, calls: 2),
            peer: .server(try VirtualEnds.server(StandardScenarios.sippUas)))
        run.run()
        #expect(run.calls.map(\.outcome) == [.ok, .ok])
        guard case .server(let server) = run.peer else { return }
        // INVITE 180 200 ACK BYE 200 timewait
        #expect(server.uas.engine.stepCounts.map(\.passed).prefix(6) == [2, 2, 2, 2, 2, 2])
    }

    @Test func lostRequestsAndLateAnswersAreRepeatsOfTheirSteps() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [180, 200, 200, 200]
        server.delay = .milliseconds(600)
        let run = try run(server)
        #expect(run.calls.map(\.outcome) == [.ok])
        let counts = run.uac.engine.stepCounts
        #expect(counts[0].repeats == UInt64(run.retransmissions.filter { $0.method == .invite }.count))
        #expect(counts[0].repeats > 0)
        #expect(counts[4].repeats >= 2, "the 200 came three times")
        #expect(counts[5].repeats == counts[4].repeats, "each with the ACK again")
    }

    @Test func responsesAreCountedByMethodAndStatusEachOnce() throws {
        let plain = try run(calls: 3).uac.engine.responses.list
        #expect(plain.map(\.method) == [.invite, .invite, .invite, .bye])
        #expect(plain.map(\.status) == [100, 180, 200, 200] && plain.map(\.count) == [3, 3, 3, 3])
        var server = ReplyingServer()
        server.inviteStatuses = [180, 200, 200, 200]
        let repeated = try run(server)
        #expect(repeated.uac.engine.counters.repeatsReceived == 2)
        #expect(repeated.uac.engine.responses.list.map(\.count) == [1, 1, 1], "180, one 200, the BYE's")
    }

    @Test func anUnansweredRequestTimesOutAtItsSend() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.sippUac, calls: 1), peer: .scripted { _, _ in [] })
        run.run()
        #expect(run.calls.map(\.outcome) == [.timeout])
        #expect(run.calls.map(\.timedOutReceiving) == [false])
        #expect(run.uac.engine.stepCounts[0].timeouts == 1)
    }

    @Test func aDefaultReceiveTimeoutIsToldFromExhaustedRetransmissions() throws {
        var uac = try VirtualEnds.uac(StandardScenarios.sippUac, calls: 0)
        var program = try VirtualEnds.program(StandardScenarios.sippUac, name: "client.xml", isClient: true)
        program.setDefaultReceiveTimeout(.seconds(2))
        program.removeRetransmissions()
        uac = UAC(
            program: program,
            configuration: EngineConfiguration(
                run: 1, start: VirtualRun.start, sources: [VirtualRun.clientAddress]),
            pacer: Pacer(start: VirtualRun.start, rate: 1, duration: .seconds(1)), target: VirtualRun.serverAddress)
        var run = VirtualRun(uac: uac, peer: .scripted { _, _ in [] })
        run.run()
        #expect(run.calls.map(\.outcome) == [.timeout])
        #expect(run.calls.map(\.timedOutReceiving) == [true])
        #expect(run.calls[0].ended == .seconds(2))
        #expect(run.retransmissions.isEmpty)
        #expect(run.uac.engine.stepCounts.map(\.timeouts).reduce(0, +) == 1)
    }

    @Test func anUnexpectedResponseIsKeptWithItsPlaceAndText() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [100, 486]
        var uac = try VirtualEnds.uac(StandardScenarios.sippUac, calls: 1) { $0.keepsMessages = true }
        // The journal of this run is looked at before the simulation empties it.
        var unexpected: [(UnexpectedMessage, String)] = []
        uac.advance(to: VirtualRun.start)
        let invite = Array(
            uac.engine.outbox.bytes.storage[0..<uac.engine.outbox.datagrams[0].count])
        for reply in server.peer().replies(to: invite) {
            uac.handleDatagram(reply.span, from: VirtualRun.serverAddress, at: VirtualRun.start)
        }
        for message in uac.engine.journal.unexpected {
            let bytes = uac.engine.journal.unexpectedBytes.storage[message.start..<message.start + message.count]
            unexpected.append((message, String(decoding: bytes, as: UTF8.self)))
        }
        #expect(unexpected.count == 1)
        #expect(unexpected.first?.0.status == 486)
        #expect(unexpected.first?.0.step == 2, "it stood behind the 100")
        #expect(unexpected.first?.1.hasPrefix("SIP/2.0 486 ") == true)
        #expect(uac.engine.stepCounts[2].unexpected == 1)
    }

    @Test func withoutDefaultBehavioursAnUnexpectedResponseLeavesTheCallWhereItIs() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [486]
        let run = try run(server) {
            $0.isBare = true
            $0.ringTimeout = .seconds(1)
        }
        #expect(run.calls.isEmpty, "it waits for ever, as in SIPp")
        #expect(run.uac.engine.openCalls == 1)
        #expect(run.uac.engine.stepCounts[1].unexpected == 1)
    }

    @Test func aLimitOfPlacedCallsCountsNoneThatWereHeldBack() throws {
        var limits = UAC.Limits(maxConcurrent: 1)
        limits.placed = 5
        limits.forgetsUnsent = true
        let uac = UAC(
            program: try VirtualEnds.program(StandardScenarios.sippUac, name: "client.xml", isClient: true),
            configuration: EngineConfiguration(
                run: 1, start: VirtualRun.start, sources: [VirtualRun.clientAddress]),
            pacer: Pacer(start: VirtualRun.start, rate: 1000, duration: .seconds(100)),
            target: VirtualRun.serverAddress, limits: limits)
        var server = ReplyingServer()
        server.delay = .milliseconds(20)
        var run = VirtualRun(uac: uac, peer: server.peer())
        run.run()
        #expect(run.calls.map(\.number) == [1, 2, 3, 4, 5], "numbers have no gaps")
        #expect(run.uac.engine.counters.started == 5)
        #expect(run.uac.engine.counters.unsent > 50)
        #expect(run.uac.isFinished)
    }

    @Test func aServerTakesSoManyCallsAndNoMore() throws {
        var server = try VirtualEnds.server(StandardScenarios.sippUas)
        server.uas.callLimit = 2
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.sippUac, calls: 3), peer: .server(server))
        run.run()
        #expect(run.calls.map(\.outcome) == [.ok, .ok, .timeout])
    }

    @Test func theFirstCSeqIsTheOneAskedFor() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.sippUac, calls: 1) { $0.firstCSeq = 4711 },
            peer: ReplyingServer().peer())
        run.keepsTrace = true
        run.run()
        let texts = run.trace.filter { $0.from == .client }.map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(texts.first?.contains("CSeq: 4711 INVITE") == true)
        #expect(texts.last?.contains("CSeq: 4712 BYE") == true)
    }
}

extension Peer {
    /// What a scripted one sends back, in order.
    fileprivate func replies(to datagram: [UInt8]) -> [[UInt8]] {
        switch self {
        case .scripted(let script): script(datagram, VirtualRun.start).map(\.bytes)
        case .server: []
        }
    }
}
