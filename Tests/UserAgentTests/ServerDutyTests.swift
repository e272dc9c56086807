import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// What RFC 3261 asks of the answering side, request by request.
@Suite struct ServerDuties {
    private func standard() throws -> ServerBench { ServerBench(try VirtualEnds.server(StandardScenarios.uas)) }

    @Test func eachInviteOfACallHasAnAckOfItsOwn() throws {
        let answer = Steps.response("200 OK", tag: ";tag=t") + "<recv request=\"ACK\"/>"
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + answer + "<recv request=\"INVITE\"/>"
                + Steps.response("200 OK") + "<recv request=\"ACK\"/><recv request=\"BYE\"/>" + Steps.response("200 OK")
        )
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .ack, branch: "z9hG4bKa1", toTag: "t"))
        bench.receive(SampleRequest(method: .invite, cseq: 2, branch: "z9hG4bKtwo", toTag: "t"))
        bench.receive(SampleRequest(method: .ack, cseq: 2, branch: "z9hG4bKa2", toTag: "t"))
        bench.advance(by: .seconds(5))
        bench.receive(SampleRequest(method: .bye, cseq: 3, branch: "z9hG4bKb", toTag: "t"))
        #expect(bench.summaries == ["200 INVITE", "200 INVITE", "200 BYE"])
        #expect(bench.server.uas.engine.counters.ok == 1)
    }

    @Test func aScenariosAnswersToACancelFindTheirTransactions() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("180 Ringing", tag: ";tag=t")
                + "<recv request=\"CANCEL\"/>" + Steps.response("200 OK")
                + Steps.response("487 Request Terminated", tag: ";tag=t", cseq: "CSeq: 1 INVITE")
                + "<recv request=\"ACK\"/>")
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .cancel))
        #expect(bench.summaries == ["180 INVITE", "200 CANCEL", "487 INVITE"])
        // Timer G repeats the 487, and a repeated CANCEL its 200.
        bench.advance(by: .milliseconds(500))
        bench.receive(SampleRequest(method: .cancel))
        #expect(Array(bench.summaries[3...]) == ["487 INVITE", "200 CANCEL"])
        bench.receive(SampleRequest(method: .ack))
        #expect(bench.server.uas.engine.counters.ok == 1)
        #expect(bench.server.uas.engine.openCalls == 0)
    }

    @Test func aCancelTheScenarioDoesNotMentionIsAnsweredWith200And487() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("180 Ringing", tag: ";tag=t")
                + "<pause milliseconds=\"9000\"/>")
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .cancel))
        bench.receive(SampleRequest(method: .cancel))
        #expect(bench.summaries == ["180 INVITE", "200 CANCEL", "487 INVITE", "200 CANCEL"])
        bench.receive(SampleRequest(method: .ack))
        #expect(bench.server.uas.engine.openCalls == 0)
    }

    @Test func aMergedRequestGetsA482AndHarmsNothing() throws {
        var bench = try standard()
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .invite, branch: "z9hG4bKotherpath"))
        #expect(bench.summaries == ["180 INVITE", "200 INVITE", "482 INVITE"])
        #expect(bench.server.uas.engine.openCalls == 1)
        #expect(bench.server.uas.engine.counters.failed == 0)
    }

    @Test func aRepeatedInviteIsAbsorbedInAcceptedAndAnsweredInProceeding() throws {
        var bench = try standard()
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .invite))
        #expect(bench.summaries == ["180 INVITE", "200 INVITE"])

        bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("180 Ringing", tag: ";tag=t")
                + "<pause milliseconds=\"9000\"/>")
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .invite))
        #expect(bench.summaries == ["180 INVITE", "180 INVITE"])
        #expect(bench.sent[0].bytes == bench.sent[1].bytes)
    }

    @Test func anyOfTheFirstReceivesOpensACall() throws {
        let steps =
            "<recv request=\"OPTIONS\" optional=\"true\" next=\"end\"/><recv request=\"INVITE\"/>"
            + Steps.response("486 Busy Here", tag: ";tag=t") + "<recv request=\"ACK\" next=\"out\"/><label id=\"end\"/>"
            + Steps.response("200 OK", tag: ";tag=t") + "<label id=\"out\"/>"
        var bench = try Steps.server(steps)
        bench.receive(SampleRequest(method: .invite, callID: "i@x"))
        bench.receive(SampleRequest(method: .options, callID: "o@x"))
        bench.receive(SampleRequest(method: .message, callID: "m@x"))
        #expect(bench.summaries == ["486 INVITE", "200 OPTIONS", "481 MESSAGE"])
        #expect(bench.server.uas.engine.counters.started == 2)
    }

    @Test func aRefusalIsRepeatedUntilTheAckThoughTheScenarioHasEnded() throws {
        var bench = try Steps.server("<recv request=\"INVITE\"/>" + Steps.response("486 Busy Here", tag: ";tag=t"))
        bench.receive(SampleRequest(method: .invite))
        bench.advance(by: .milliseconds(1600))
        #expect(bench.summaries == ["486 INVITE", "486 INVITE", "486 INVITE"])
        bench.receive(SampleRequest(method: .ack))
        bench.advance(by: .seconds(33))
        #expect(bench.summaries.count == 3)
        #expect(bench.server.uas.engine.counters.ok == 1)
        #expect(bench.server.uas.engine.openCalls == 0)
        #expect(bench.server.uas.engine.textBlocksInUse == 0)
    }

    @Test func aPeersByeAnsweredByTheEngineIsAnsweredAgain() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("200 OK", tag: ";tag=t") + "<recv request=\"ACK\"/>"
                + "<recv request=\"INFO\"/>")
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .ack, branch: "z9hG4bKa", toTag: "t"))
        for _ in 0..<2 { bench.receive(SampleRequest(method: .bye, cseq: 2, branch: "z9hG4bKb", toTag: "t")) }
        bench.receive(SampleRequest(method: .info, cseq: 3, branch: "z9hG4bKc", toTag: "t"))
        #expect(bench.summaries == ["200 INVITE", "200 BYE", "200 BYE", "481 INFO"])
    }

    @Test func aCallerThatTriesAgainUnderItsOldCallIDIsAnswered() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("486 Busy Here", tag: ";tag=t") + "<recv request=\"ACK\"/>")
        for cseq in 1...3 {
            let branch = "z9hG4bK\(cseq)"
            bench.receive(SampleRequest(method: .invite, cseq: cseq, branch: branch))
            bench.receive(SampleRequest(method: .ack, cseq: cseq, branch: branch))
            bench.receive(SampleRequest(method: .invite, cseq: cseq, branch: branch))
            bench.advance(by: .seconds(1))
        }
        #expect(bench.summaries == ["486 INVITE", "486 INVITE", "486 INVITE"])
        #expect(bench.server.uas.engine.counters.ok == 3)
        bench.advance(by: .seconds(33))
        #expect(bench.server.uas.engine.textBlocksInUse == 0)
    }

    /// RFC 3261, 18.2.2 and RFC 3581.
    @Test func responsesGoWhereTheViaAsksForThem() throws {
        let source = SocketAddress(ipv4: 0x0A00_0001, port: 40_000)
        for (via, rport, port) in [
            ("10.0.0.1:5070", false, 5070), ("10.0.0.1", false, 5060), ("10.0.0.1:5070", true, 40_000),
        ]
            as [(String, Bool, UInt16)]
        {
            var bench = try standard()
            bench.receive(SampleRequest(method: .invite, via: via, rport: rport), from: source)
            bench.advance(by: .milliseconds(500))
            #expect(bench.destinations == Array(repeating: source.withPort(port), count: 3))
        }
    }

    /// RFC 3261, 18.2.1 and RFC 3581, 4: in every response, the engine's own as well as the scenario's.
    @Test(
        arguments: [
            ("10.0.0.1:5070", false, "10.0.0.1:5070;branch=z9hG4bKone"),
            ("10.0.0.2:5070", false, "10.0.0.2:5070;branch=z9hG4bKone;received=10.0.0.1"),
            ("10.0.0.10", false, "10.0.0.10;branch=z9hG4bKone;received=10.0.0.1"),
            ("pc.example", false, "pc.example;branch=z9hG4bKone;received=10.0.0.1"),
            ("10.0.0.1:5070", true, "10.0.0.1:5070;branch=z9hG4bKone;rport=40000;received=10.0.0.1"),
            ("pc.example;rport=7;received=9.9.9.9", false, "pc.example;rport=7;received=9.9.9.9;branch=z9hG4bKone"),
            ("pc.example;received=9.9.9.9", true, "pc.example;received=9.9.9.9;branch=z9hG4bKone;rport=40000"),
            ("[2001:db8::1]", false, "[2001:db8::1];branch=z9hG4bKone;received=10.0.0.1"),
        ] as [(String, Bool, String)])
    func responsesShowWhereTheRequestCameFrom(_ via: String, _ rport: Bool, _ expected: String) throws {
        let source = SocketAddress(ipv4: 0x0A00_0001, port: 40_000)
        for (steps, capacity) in [(Self.called, CapacityProfile.unlimited), (Self.called, .fixed(.milliseconds(1)))] {
            var bench = ServerBench(try VirtualEnds.server(Steps.scenario(steps), capacity: capacity))
            bench.receive(SampleRequest(method: .invite, via: via, rport: rport), from: source)
            bench.advance(by: .milliseconds(300))
            bench.receive(SampleRequest(method: .options, callID: "o@x", via: via, rport: rport), from: source)
            bench.advance(by: .milliseconds(1))
            let vias = bench.sent.map(\.topVia)
            #expect(vias.count == (capacity == .unlimited ? 3 : 4))
            #expect(vias == vias.map { _ in "SIP/2.0/UDP " + expected })
        }
    }

    /// Rings, and answers after a pause: then the request is taken from where it was kept.
    private static let called =
        "<recv request=\"INVITE\"/>" + Steps.response("180 Ringing", tag: ";tag=t") + "<pause milliseconds=\"200\"/>"
        + Steps.response("200 OK", tag: ";tag=t") + "<recv request=\"ACK\"/>"

    @Test func anIPv6SourceStandsInReceivedWithoutBrackets() throws {
        let source = SocketAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1, port: 5070)
        var bench = try standard()
        bench.receive(SampleRequest(method: .invite, via: "pc.example", rport: true), from: source)
        #expect(
            bench.sent.first?.topVia
                == "SIP/2.0/UDP pc.example;branch=z9hG4bKone;rport=5070;received=2001:db8::1")
    }

    /// Vias below the top one are other servers' business.
    @Test func onlyTheTopViaIsAddedTo() throws {
        var bench = try standard()
        let below = "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKtwo;rport"
        bench.receive(
            SampleRequest(method: .invite, via: "10.0.0.7", rport: false, headers: "Via: \(below)\r\n"),
            from: SocketAddress(ipv4: 0x0A00_0001, port: 5060))
        let text = String(decoding: bench.sent[0].bytes, as: UTF8.self)
        #expect(
            text.contains(
                "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKone;received=10.0.0.1, \(below)\r\n"))
    }

    @Test func workThatMetAFullOutboxIsBegunAtOnce() throws {
        var server = try VirtualEnds.server(StandardScenarios.uas, capacity: .fixed(.milliseconds(1)))
        let now = VirtualRun.start
        while !server.uas.engine.outbox.wantsFlush {
            let question = SampleRequest(method: .options, callID: "o@x").bytes
            server.handleDatagram(question.span, from: VirtualRun.clientAddress, at: now)
        }
        let invite = SampleRequest(method: .invite).bytes
        server.handleDatagram(invite.span, from: VirtualRun.clientAddress, at: now)
        #expect(server.queued == 1)
        server.uas.engine.outbox.removeAll()
        #expect(server.deadline <= now)
        server.advance(to: now)
        #expect(server.deadline == now + .milliseconds(1))
    }
}

extension VirtualRun.Sent {
    /// The first value of the first Via.
    fileprivate var topVia: String? {
        var index = MessageIndex()
        try? index.parse(bytes.span)
        return String(decoding: bytes[index.topVia.bounds], as: UTF8.self)
    }
}
