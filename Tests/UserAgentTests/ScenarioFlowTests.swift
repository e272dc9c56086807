import Datagrams
import Observations
import SIP
import Simulation
import Testing
import UserAgent

/// The scenario language as calls walk through it.
@Suite struct ScenarioFlows {
    private static let ack = Steps.request("ACK", attributes: "", to: "[peer_tag_param]")
    private static let ok = "<recv response=\"200\"/>"

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    private func branch(_ bytes: [UInt8]) -> String {
        var index = MessageIndex()
        try? index.parse(bytes.span)
        return String(decoding: bytes[index.viaBranch.bounds], as: UTF8.self)
    }

    // MARK: jumps

    @Test func aLoopSendsTheSameStepWithBranchesOfItsOwn() throws {
        var bench = try Steps.client(
            "<label id=\"again\"/>" + Steps.request("OPTIONS") + "<recv response=\"200\" next=\"again\"/>")
        for _ in 0..<5 { bench.answer(.options, 200) }
        #expect(bench.summaries == Array(repeating: "OPTIONS", count: 6))
        #expect(Set(bench.sent.map { branch($0.bytes) }).count == 6)
        #expect(text(bench.sent[5].bytes).contains("CSeq: 6 OPTIONS"))
        // A late repeat of an earlier answer is absorbed by its own transaction.
        bench.receive(ClientBench.response(200, to: bench.sent[4].bytes))
        #expect(bench.sent.count == 6)
        #expect(bench.uac.engine.counters.repeatsReceived == 1)
    }

    @Test func aLoopWithoutAnyWaitIsBrokenOff() throws {
        let bench = try Steps.client(
            Steps.request("OPTIONS")
                + "<label id=\"1\"/><nop><action><assign assign_to=\"x\" value=\"1\"/></action></nop><nop next=\"1\" test=\"x\"/>"
        )
        #expect(bench.rows.map(\.outcome) == [.unexpected])
    }

    @Test func exhaustedRetransmissionsGoWhereOntimeoutSays() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS", attributes: "retrans=\"500\" ontimeout=\"other\"") + Self.ok
                + "<label id=\"other\"/>" + Steps.request("MESSAGE") + Self.ok)
        bench.advance(by: .seconds(32))
        #expect(bench.summaries.last == "MESSAGE")
        bench.answer(.message, 200)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    // MARK: receiving

    @Test func theShortestTimeoutOfAGroupCountsAndItsLabelIsTaken() throws {
        var bench = try Steps.client(
            Steps.request("INVITE", attributes: "")
                + "<recv response=\"100\" optional=\"true\" timeout=\"9000\"/>"
                + "<recv response=\"180\" optional=\"true\" timeout=\"2000\" ontimeout=\"giveup\"/>"
                + "<recv response=\"200\" timeout=\"5000\"/>" + Self.ack + "<label id=\"giveup\"/>"
                + Steps.request("CANCEL", branch: "[branch-5]", cseq: "[cseq]") + Self.ok + "<recv response=\"487\"/>")
        bench.answer(.invite, 100)
        // The 100 began the wait anew, now for 180 or 200.
        bench.advance(by: .milliseconds(1999))
        #expect(bench.summaries == ["INVITE"])
        bench.advance(by: .milliseconds(1))
        #expect(bench.summaries == ["INVITE", "CANCEL"])
        try #require(bench.sent.count == 2)
        #expect(branch(bench.sent[0].bytes) != "" && branch(bench.sent[0].bytes) == branch(bench.sent[1].bytes))
        bench.answer(.cancel, 200)
        bench.answer(.invite, 487)
        #expect(bench.summaries == ["INVITE", "CANCEL", "ACK"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aReceiveTimeoutWithoutALabelFailsTheCall() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS", attributes: "") + "<recv response=\"200\" timeout=\"700\"/>")
        bench.advance(by: .seconds(1))
        #expect(bench.rows.map(\.outcome) == [.timeout])
        #expect(bench.rows[0].ended == .milliseconds(700))
    }

    @Test func optionalReceivesMayComeInAnyNumberAndOneMayJump() throws {
        let steps =
            Steps.request("OPTIONS") + "<recv response=\"100\" optional=\"true\"/>"
            + "<recv response=\"404\" optional=\"true\" next=\"absent\"/>" + Self.ok + "<nop next=\"end\"/>"
            + "<label id=\"absent\"/>" + Steps.request("MESSAGE") + Self.ok + "<label id=\"end\"/>"
        var bench = try Steps.client(steps)
        bench.answer(.options, 200)
        #expect(bench.summaries == ["OPTIONS"])
        bench = try Steps.client(steps)
        bench.answer(.options, 100)
        bench.answer(.options, 404)
        bench.answer(.message, 200)
        #expect(bench.summaries == ["OPTIONS", "MESSAGE"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    // MARK: times

    @Test func pausesAreHoldTimeAndNoPartOfTheResponseTime() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS") + Self.ok + "<pause milliseconds=\"300\"/>" + Steps.request("MESSAGE") + Self.ok
                + "<pause milliseconds=\"2000\"/>")
        bench.advance(by: .milliseconds(7))
        bench.answer(.options, 200)
        bench.advance(by: .milliseconds(305))
        bench.answer(.message, 200)
        bench.advance(by: .seconds(3))
        let row = try #require(bench.rows.first)
        #expect(row.hold == .milliseconds(2300))
        #expect(row.answer == .milliseconds(7))
        // 7 ms for the one, 5 for the other; the pause after the last answer takes nothing off.
        #expect(row.rtt == .milliseconds(12))
        #expect(row.rttFromDue == .milliseconds(12))
        #expect(!row.isSession)
    }

    @Test func namedResponseTimesRunFromTheirStartToTheirFirstStop() throws {
        var bench = try Steps.client(
            Steps.request("INVITE", attributes: "retrans=\"500\" start_rtd=\"ring\"")
                + "<recv response=\"180\" optional=\"true\" rtd=\"ring\"/><recv response=\"200\" rtd=\"ring\"/>"
                + Self.ack
                + "<nop start_rtd=\"talk\"/><pause milliseconds=\"40\"/><nop rtd=\"talk\"/><nop rtd=\"all\"/>")
        bench.advance(by: .milliseconds(11))
        bench.answer(.invite, 180)
        bench.advance(by: .milliseconds(100))
        bench.answer(.invite, 200)
        bench.advance(by: .seconds(1))
        #expect(bench.responseTimes.map(\.name) == [0, 1, 2])
        #expect(bench.responseTimes.map(\.length) == [.milliseconds(11), .milliseconds(40), .milliseconds(151)])
        #expect(bench.responseTimes.map(\.stopped) == [.milliseconds(11), .milliseconds(151), .milliseconds(151)])
    }

    @Test func aFirstCopyTheKernelRefusedIsTimedFromTheNext() throws {
        var uac = ClientBench(
            try VirtualEnds.uac(
                Steps.scenario("<pause milliseconds=\"10\"/>" + Steps.request("OPTIONS") + Self.ok), calls: 1))
        uac.refused = [0]
        uac.advance(by: .milliseconds(512))
        uac.answer(.options, 200)
        let row = try #require(uac.rows.first)
        #expect(row.sent == .milliseconds(510))
        #expect(row.answer == .milliseconds(2))
    }

    // MARK: roles and texts

    @Test func aServerRefusesAndAwaitsTheAck() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("486 Busy Here", attributes: "retrans=\"500\"", tag: ";tag=t")
                + "<recv request=\"ACK\"/>")
        bench.receive(SampleRequest(method: .invite))
        bench.advance(by: .milliseconds(500))
        bench.receive(SampleRequest(method: .invite))
        #expect(bench.summaries == ["486 INVITE", "486 INVITE", "486 INVITE"])
        #expect(bench.server.uas.engine.openCalls == 1)
        bench.receive(SampleRequest(method: .ack, toTag: "t"))
        bench.advance(by: .seconds(10))
        #expect(bench.summaries.count == 3)
        #expect(bench.server.uas.engine.counters.ok == 1)
    }

    @Test func theRouteSetIsTheResponsesBackwardsAndTheRequestsForwards() throws {
        let hops = "Record-Route: <sip:near.example;lr>, <sip:far.example;lr>\r\n"
        var client = try Steps.client(
            Steps.request("INVITE") + "<recv response=\"200\" rrs=\"true\"/>"
                + Steps.request("ACK", attributes: "", uri: "[next_url]", extra: "[routes]\n"))
        client.answer(.invite, 200, headers: hops + "Contact: <sip:callee@10.0.0.7>\r\n")
        #expect(text(client.last(.ack)).hasPrefix("ACK sip:callee@10.0.0.7 SIP/2.0\r\n"))
        #expect(text(client.last(.ack)).contains("Route: <sip:far.example;lr>, <sip:near.example;lr>\r\n"))

        var server = try Steps.server(
            "<recv request=\"INVITE\" rrs=\"true\"/>" + Steps.response("200 OK", tag: ";tag=t")
                + "<recv request=\"ACK\"/>"
                + Steps.request("BYE", uri: "[next_url]", extra: "[routes]\n") + Self.ok)
        server.receive(SampleRequest(method: .invite, headers: hops))
        server.receive(SampleRequest(method: .ack, branch: "z9hG4bKa", toTag: "t"))
        let bye = try #require(server.sent.last)
        #expect(text(bye.bytes).hasPrefix("BYE sip:a@10.0.0.1:5060 SIP/2.0\r\n"))
        #expect(text(bye.bytes).contains("Route: <sip:near.example;lr>, <sip:far.example;lr>\r\n"))
        server.receive(ClientBench.response(200, to: bye.bytes))
        #expect(server.server.uas.engine.counters.ok == 1)
    }

    @Test(arguments: [("x///[call_id]", "x///abcd1234.1.0"), ("abc-[call_number]@host", "abc-1@host")])
    func callIDsOfTheScenariosOwnFindTheirCalls(written: String, sent: String) throws {
        var bench = try Steps.client(
            Steps.request("INVITE", callID: written) + Self.ok + Steps.request("ACK", attributes: "", callID: written)
                + Steps.request("BYE", callID: written) + Self.ok)
        bench.answer(.invite, 200)
        bench.answer(.bye, 200)
        #expect(bench.summaries == ["INVITE", "ACK", "BYE"])
        #expect(text(bench.last(.bye)).contains("Call-ID: \(sent)\r\n"))
        #expect(bench.rows.map(\.callID.text) == [sent])
        #expect(bench.rows.map(\.outcome) == [.ok])
        // After its end it is still found, and then forgotten.
        bench.answer(.invite, 200)
        #expect(bench.summaries.last == "ACK")
        bench.advance(by: .seconds(33))
        bench.answer(.invite, 200)
        #expect(bench.uac.engine.counters.stray == 1)
        #expect(bench.uac.engine.hashedCallIDs == 0)
        #expect(bench.uac.engine.textBlocksInUse == 0)
    }

    /// What was rendered from a received message cannot be rendered again: the bytes are kept.
    @Test func aRequestMadeFromTheLastMessageIsRepeatedByteForByte() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS") + Self.ok + Steps.request("INVITE", extra: "[last_X-Token:]\n") + Self.ok
                + Steps.request("ACK", attributes: "", extra: "[last_X-Token:]\n"))
        bench.answer(.options, 200, headers: "X-Token: seven\r\n")
        bench.advance(by: .seconds(2))
        let invites = bench.sent.filter { $0.summary == "INVITE" }.map(\.bytes)
        #expect(invites.count == 3)
        #expect(Set(invites).count == 1)
        #expect(text(invites[0]).contains("X-Token: seven\r\n"))
        bench.answer(.invite, 200, headers: "X-Token: eight\r\n")
        bench.answer(.invite, 200, headers: "X-Token: nine\r\n")
        let acks = bench.sent.filter { $0.summary == "ACK" }.map(\.bytes)
        #expect(acks.count == 2)
        #expect(Set(acks).count == 1)
        bench.advance(by: .seconds(33))
        #expect(bench.uac.engine.textBlocksInUse == 0)
    }

    @Test func aRepeatIsTheSameBytesThoughTheTagBecameKnown() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS", to: "[peer_tag_param]") + "<recv response=\"100\" optional=\"true\"/>" + Self.ok)
        bench.answer(.options, 100, tag: "early")
        // ComposedMessage leaves the tag off a 100: give it by hand.
        bench.answer(.options, 183, tag: "early")
        bench.advance(by: .seconds(1))
        #expect(bench.sent.count == 2)
        #expect(Set(bench.sent.map(\.bytes)).count == 1)
    }

    @Test func anAckIsTheSameBytesThoughTheTargetWasRefreshed() throws {
        let ack = Steps.request("ACK", attributes: "", uri: "[next_url]")
        let rrs = "<recv response=\"200\" rrs=\"true\"/>"
        var bench = try Steps.client(
            Steps.request("INVITE") + rrs + ack + Steps.request("INVITE") + rrs + ack + "<recv request=\"BYE\"/>")
        bench.answer(.invite, 200, headers: "Contact: <sip:one@10.0.0.7>\r\n")
        let first = try #require(bench.sent.first { $0.summary == "INVITE" }).bytes
        bench.answer(.invite, 200, headers: "Contact: <sip:two@10.0.0.7>\r\n")
        bench.receive(ClientBench.response(200, to: first))
        let acks = bench.sent.filter { $0.summary == "ACK" }.map(\.bytes)
        try #require(acks.count == 3)
        #expect(acks[0] == acks[2])
        #expect(text(acks[1]).hasPrefix("ACK sip:two@"))
    }
}
