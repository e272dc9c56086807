import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// What becomes of a dialog that its scenario does not bring to its end.
@Suite struct DialogEndings {
    private static let contact = "Record-Route: <sip:10.9.9.9;lr>\r\nContact: <sip:there@10.0.0.7:5070>\r\n"

    private func client(configure: (inout EngineConfiguration) -> Void = { _ in }) throws -> ClientBench {
        ClientBench(try VirtualEnds.uac(StandardScenarios.uac, calls: 1, configure: configure))
    }

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    @Test func aSuccessThatCrossesTheCancelIsAcknowledgedAndEndedAtItsContact() throws {
        var bench = try client()
        bench.answer(.invite, 180)
        bench.giveUp()
        bench.answer(.invite, 200, headers: Self.contact)
        #expect(bench.summaries == ["INVITE", "CANCEL", "ACK", "BYE"])
        for message in [bench.last(.ack), bench.last(.bye)] {
            #expect(text(message).contains(" sip:there@10.0.0.7:5070 SIP/2.0"))
            #expect(text(message).contains("Route: <sip:10.9.9.9;lr>"))
        }
        bench.answer(.bye, 200)
        #expect(bench.uac.isFinished)
        #expect(bench.rows.map(\.outcome) == [.interrupted])
    }

    @Test func aSuccessTheScenarioDoesNotExpectIsEndedAtItsContact() throws {
        var bench = try client()
        bench.answer(.invite, 202, headers: Self.contact)
        #expect(bench.summaries == ["INVITE", "ACK", "BYE"])
        #expect(text(bench.last(.bye)).contains("BYE sip:there@10.0.0.7:5070 SIP/2.0"))
        #expect(bench.rows.map(\.outcome) == [.unexpected])
    }

    /// Without a provisional, after one without a tag, and after one that had told the tag.
    @Test(arguments: [nil, "", "srv"]) func aSuccessAfterGivingUpIsAcknowledgedAndEnded(ringingTag: String?) throws {
        var bench = try client { $0.ringTimeout = .seconds(10) }
        if let ringingTag { bench.answer(.invite, 180, tag: ringingTag) }
        bench.advance(by: .seconds(50))
        #expect(bench.uac.engine.openCalls == 0)
        let before = bench.sent.count
        bench.answer(.invite, 200)
        #expect(Array(bench.summaries[before...]) == ["ACK", "BYE"])
        #expect(bench.rows.map(\.outcome) == [.timeout])
    }

    @Test func aCancelIsTheInvitesTwinThoughTheTagIsKnownByThen() throws {
        var bench = try Steps.client(
            Steps.request("INVITE", to: "[peer_tag_param]") + "<recv response=\"180\" optional=\"true\"/>"
                + "<recv response=\"200\"/>")
        bench.answer(.invite, 180)
        bench.giveUp()
        #expect(!text(bench.last(.invite)).contains("tag=srv"))
        #expect(!text(bench.last(.cancel)).contains("tag=srv"))
    }

    /// INVITE accepted, a request of ours and one of the peer's unanswered: all places are taken.
    @Test func aCallWithAllItsTransactionsBusyStillSettles() throws {
        var bench = try Steps.client(
            Steps.request("INVITE") + "<recv response=\"200\"/>" + Steps.request("ACK", attributes: "")
                + Steps.request("INFO", attributes: "") + "<recv request=\"UPDATE\"/>"
                + "<recv response=\"299\"/>")
        bench.answer(.invite, 200)
        bench.receive(SampleRequest(method: .update, cseq: 5, callID: "abcd1234.1.0", toTag: "c1").bytes)
        bench.giveUp()
        #expect(bench.summaries == ["INVITE", "ACK", "INFO", "BYE"])
        bench.advance(by: .seconds(33))
        #expect(bench.summaries.filter { $0 == "BYE" }.count == 11)
        #expect(bench.uac.isFinished)
        bench.advance(by: .seconds(33))
        #expect(bench.uac.engine.textBlocksInUse == 0)
    }

    @Test func aRefusedReInviteEndsTheDialogItWasIn() throws {
        let steps =
            Steps.request("INVITE") + "<recv response=\"200\"/>" + Steps.request("ACK", attributes: "")
            + Steps.request("INVITE", to: "[peer_tag_param]") + "<recv response=\"200\"/>"
        var bench = try Steps.client(steps)
        bench.answer(.invite, 200)
        bench.answer(.invite, 488)
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
        bench.answer(.bye, 200)
        #expect(bench.uac.isFinished)
        #expect(bench.rows.map(\.outcome) == [.status(488)])

        bench = try Steps.client(steps)
        bench.answer(.invite, 200)
        bench.answer(.invite, 100)
        bench.giveUp()
        bench.answer(.invite, 487)
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE", "CANCEL", "ACK", "BYE"])
    }

    @Test func aServerWhoseSuccessIsNeverAcknowledgedSendsABye() throws {
        var bench = ServerBench(try VirtualEnds.server(StandardScenarios.uas))
        bench.receive(SampleRequest(method: .invite))
        bench.advance(by: .milliseconds(31_999))
        #expect(!bench.summaries.contains("BYE"))
        bench.advance(by: .milliseconds(2))
        let bye = try #require(bench.sent.last { $0.summary == "BYE" }).bytes
        #expect(text(bye).hasPrefix("BYE sip:a@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK"))
        #expect(text(bye).contains("\r\nTo: <sip:a@10.0.0.1>;tag=f1\r\nCall-ID: a@x\r\nCSeq: 2 BYE\r\n"))
        #expect(text(bye).contains("From: <sip:service@10.0.0.2>;tag="))
        bench.receive(ClientBench.response(200, to: bye))
        #expect(bench.server.uas.engine.openCalls == 0)
        #expect(bench.server.uas.engine.counters.failed == 1)
        bench.advance(by: .seconds(33))
        #expect(bench.server.uas.engine.textBlocksInUse == 0)
    }

    @Test(arguments: ["2147483646", "[cseq-2]"]) func anExtremeCSeqHarmsNothing(cseq: String) throws {
        var bench = try Steps.client(
            Steps.request("INVITE", cseq: cseq) + "<recv response=\"200\"/><pause/><recv response=\"299\"/>"
        ) { $0.hold = .seconds(5) }
        bench.answer(.invite, 200)
        bench.giveUp()
        #expect(bench.summaries == ["INVITE", "ACK", "BYE"])
        #expect(bench.rows.map(\.outcome) == [.interrupted])
    }

    @Test func aRequestFromElsewhereDoesNotMoveTheCall() throws {
        var bench = try client { $0.hold = .seconds(5) }
        bench.answer(.invite, 200)
        let other = SocketAddress(ipv4: 0x0A00_0063, port: 9)
        let info = SampleRequest(method: .info, cseq: 5, callID: "abcd1234.1.0", toTag: "c1-1").bytes
        bench.uac.handleDatagram(info.span, from: other, at: bench.now)
        #expect(bench.uac.engine.outbox.datagrams.map(\.destination) == [VirtualRun.serverAddress])
    }
}
