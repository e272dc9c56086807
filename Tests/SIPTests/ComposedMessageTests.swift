import Datagrams
import SIP
import Testing

@Suite struct ComposedMessageTests {
    private static let routedInvite = """
        INVITE sip:service@192.0.2.2 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport, SIP/2.0/UDP upstream;branch=u
        From: "A" <sip:a@192.0.2.1>;tag=local
        To: <sip:service@192.0.2.2>
        i: 9f3a01c2.123.4f
        CSeq: 5 INVITE
        Route: <sip:p1;lr>
        Route: <sip:p2;lr>,
          <sip:p3;lr>
        Contact: <sip:a@192.0.2.1>
        """

    /// What was composed, read back.
    private func compose(_ write: (inout ByteBuffer) -> Rendered) throws -> (text: String, message: IndexedMessage) {
        var out = ByteBuffer(capacity: 64)
        out.append("earlier")
        let rendered = write(&out)
        let text = out.text(rendered)
        let message = try IndexedMessage(bytes: Array(text.utf8))
        #expect(out.callID(rendered) == message.text(message.index.callID))
        #expect(message.index.contentLength == 0)
        return (text, message)
    }

    @Test func theACKOfARefusalFollowsTheINVITE() throws {
        let invite = try IndexedMessage(Self.routedInvite)
        let busy = try IndexedMessage(
            Sample.okLines.replacing("200 OK", with: "486 Busy Here").replacing("peer7", with: "busy1"))
        let (text, _) = try compose {
            ComposedMessage.ack(for: busy.bytes.span, busy.index, to: invite.bytes.span, invite.index, into: &$0)
        }
        #expect(
            text
                == IndexedMessage.crlf(
                    """
                    ACK sip:service@192.0.2.2 SIP/2.0
                    Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport
                    From: "A" <sip:a@192.0.2.1>;tag=local
                    To: <sip:service@192.0.2.2:5060>;tag=busy1
                    Call-ID: 9f3a01c2.123.4f
                    CSeq: 5 ACK
                    Route: <sip:p1;lr>
                    Route: <sip:p2;lr>, <sip:p3;lr>
                    Max-Forwards: 70
                    Content-Length: 0


                    """))
    }

    @Test func theCANCELKeepsTheTransaction() throws {
        let invite = try IndexedMessage(Self.routedInvite)
        let (text, message) = try compose { ComposedMessage.cancel(invite.bytes.span, invite.index, into: &$0) }
        #expect(
            text.hasPrefix(
                "CANCEL sip:service@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport\r\n"
            ))
        #expect(message.index.viaCount == 1)
        #expect(message.index.toTag.isEmpty)
        #expect(message.index.cseq == 5)
        #expect(message.index.cseqMethod == .cancel)
        #expect(message.value(of: .route, occurrence: 1) == "<sip:p2;lr>, <sip:p3;lr>")
    }

    @Test func theBYETravelsInTheDialog() throws {
        let invite = try IndexedMessage(Self.routedInvite)
        let ok = try Sample.ok()
        let branch = BranchIdentity(run: 0x9F3A_01C2, number: 123, sequence: 8)
        let uri = Array("sip:service@192.0.2.9:5080".utf8)
        let routes = Array("<sip:p9;lr>".utf8)
        let (text, message) = try compose {
            ComposedMessage.bye(
                after: invite.bytes.span, invite.index, requestURI: uri.span,
                to: ok.bytes.span.extracting(ok.index.to.bounds), branch: branch, cseq: 6, routes: routes.span,
                into: &$0)
        }
        #expect(text.hasPrefix("BYE sip:service@192.0.2.9:5080 SIP/2.0\r\n"))
        #expect(message.text(message.index.topVia) == "SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.8;rport")
        #expect(message.index.viaCount == 1)
        #expect(message.text(message.index.fromTag) == "local")
        #expect(message.text(message.index.toTag) == "peer7")
        #expect(message.index.cseq == 6)
        #expect(message.index.cseqMethod == .bye)
        #expect(message.value(of: .route) == "<sip:p9;lr>")
        #expect(message.value(of: .route, occurrence: 1) == nil)
    }

    @Test func theACKOfA2xxHasItsOwnBranchAndTheNumberOfTheINVITE() throws {
        let invite = try IndexedMessage(Self.routedInvite.replacing(";branch=z9hG4bK9f3a01c2.123.0", with: ""))
        let to = Array("<sip:service@192.0.2.2>;tag=peer".utf8)
        let uri = Array("sip:target".utf8)
        let branch = BranchIdentity(run: 1, number: 2, sequence: 3)
        let (_, message) = try compose {
            ComposedMessage.ackFor2xx(
                to: invite.bytes.span, invite.index, requestURI: uri.span, to: to.span, branch: branch,
                routes: [UInt8]().span, into: &$0)
        }
        #expect(message.index.startLine == .request(.ack))
        #expect(message.text(message.index.viaBranch) == "z9hG4bK00000001.2.3")
        #expect(message.index.viaHasRport)
        #expect(message.index.cseq == 5)
        #expect(message.index.cseqMethod == .ack)
        #expect(message.value(of: .route) == nil)
    }

    @Test func aResponseEchoesTheRequest() throws {
        let request = try IndexedMessage(
            Self.routedInvite.replacing("CSeq: 5 INVITE", with: "CSeq: 5 PING\nVia: SIP/2.0/UDP last"))
        let (text, message) = try compose {
            ComposedMessage.response(
                481, reason: "Call/Transaction Does Not Exist", to: request.bytes.span, request.index,
                toTag: Array("mine".utf8).span, into: &$0)
        }
        #expect(
            text
                == IndexedMessage.crlf(
                    """
                    SIP/2.0 481 Call/Transaction Does Not Exist
                    Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport, SIP/2.0/UDP upstream;branch=u
                    Via: SIP/2.0/UDP last
                    From: "A" <sip:a@192.0.2.1>;tag=local
                    To: <sip:service@192.0.2.2>;tag=mine
                    Call-ID: 9f3a01c2.123.4f
                    CSeq: 5 PING
                    Content-Length: 0


                    """))
        #expect(message.index.viaCount == 3)
    }

    @Test func a100HasNoTagAndAnExistingTagStays() throws {
        let invite = try Sample.invite()
        let tag = Array("mine".utf8)
        let trying = try compose {
            ComposedMessage.response(
                100, reason: "Trying", to: invite.bytes.span, invite.index, toTag: tag.span, into: &$0)
        }
        #expect(trying.message.index.toTag.isEmpty)
        let bye = try Sample.options(replacing: ["To": "To: <sip:b@192.0.2.2>;tag=theirs"])
        let ok = try compose {
            ComposedMessage.response(200, reason: "OK", to: bye.bytes.span, bye.index, toTag: tag.span, into: &$0)
        }
        #expect(ok.message.text(ok.message.index.to) == "<sip:b@192.0.2.2>;tag=theirs")
    }
}
