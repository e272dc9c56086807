import Datagrams
import SIP
import Testing

/// Pieces written as a scenario author sees them.
private func template(_ parts: any PieceSource...) throws(TemplateError) -> MessageTemplate {
    try MessageTemplate(pieces: parts.map(\.piece))
}

private protocol PieceSource { var piece: MessageTemplate.Piece { get } }
extension String: PieceSource {
    fileprivate var piece: MessageTemplate.Piece { .literal(Array(IndexedMessage.crlf(self).utf8)) }
}
extension MessageTemplate.Slot: PieceSource { fileprivate var piece: MessageTemplate.Piece { .slot(self) } }
private typealias Slot = MessageTemplate.Slot

@Suite struct MessageTemplateTests {
    private static let identity = CallIdentity(run: 0x9F3A_01C2, number: 123, slot: 0x4F)

    /// Texts in the order peer tag, routes, remote target, request URI.
    private func render(
        _ template: MessageTemplate, last: IndexedMessage? = nil, texts: [String] = [], cseq: UInt32 = 1,
        branchSequence: UInt32 = 0, address: SocketAddress = .loopback(port: 5060)
    ) -> (text: String, callID: String) {
        var all: [UInt8] = []
        let ranges = (0..<4).map { i -> TextRange in
            let bytes = i < texts.count ? Array(texts[i].utf8) : []
            defer { all += bytes }
            return TextRange(start: UInt32(all.count), count: UInt32(bytes.count))
        }
        let values = RenderValues(
            identity: Self.identity, cseq: cseq, branchSequence: branchSequence, messageIndex: 4, localAddress: address,
            peerTag: ranges[0], routes: ranges[1], remoteTarget: ranges[2], requestURI: ranges[3])
        var out = ByteBuffer(capacity: 64)
        out.append("before")
        let lastBytes = last?.bytes ?? []
        let rendered = template.render(
            into: &out, values: values, texts: all.span, last: lastBytes.span, lastIndex: last?.index ?? MessageIndex())
        #expect(rendered.start == 6)
        #expect(rendered.start + rendered.count == out.count)
        return (out.text(rendered), out.callID(rendered))
    }

    @Test func rendersAnInviteThatIsReadBackAsItWasMeant() throws {
        let invite = try template(
            """
            INVITE sip:service@192.0.2.2:5060 SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.1:5061;branch=
            """, Slot.branch(offset: 0), "\nFrom: <sip:sipmeter@192.0.2.1>;tag=", Slot.callNumber,
            "\nTo: <sip:service@192.0.2.2>", Slot.peerTag, "\nCall-ID: ", Slot.callID, "\nCSeq: ", Slot.cseq(offset: 0),
            " INVITE\nContent-Length: ", Slot.contentLength(offset: 0), "\n\nv=0\ns=-\n")
        let (text, callID) = render(invite, texts: ["peer"], cseq: 7, branchSequence: 2)
        let message = try IndexedMessage(bytes: Array(text.utf8))
        #expect(message.index.startLine == .request(.invite))
        #expect(
            BranchIdentity.parse(message.bytes.span.extracting(message.index.viaBranch.bounds))
                == BranchIdentity(run: 0x9F3A_01C2, number: 123, sequence: 2))
        #expect(CallIdentity.parse(message.bytes.span.extracting(message.index.callID.bounds)) == Self.identity)
        #expect(message.text(message.index.fromTag) == "123")
        #expect(message.text(message.index.toTag) == "peer")
        #expect(message.index.cseq == 7)
        #expect(message.text(message.index.body) == "v=0\r\ns=-\r\n")
        #expect(callID == message.text(message.index.callID))
        #expect(text.contains("Content-Length:    10\r\n"))
    }

    // MARK: Single slots

    @Test func offsetsAreAdded() throws {
        let message = try template(
            "INFO x SIP/2.0\nV: ", Slot.branch(offset: -1), "|", Slot.cseq(offset: 5), "|", Slot.cseq(offset: -9), "|",
            Slot.messageIndex(offset: 2), "\n\n")
        let (text, _) = render(message, cseq: 3, branchSequence: 6)
        #expect(text == "INFO x SIP/2.0\r\nV: z9hG4bK9f3a01c2.123.5|8|0|6\r\n\r\n")
    }

    @Test(arguments: [
        SocketAddress(ipv4: 0xC000_0201, port: 5060), SocketAddress(ipv4: 0xFFFF_FFFF, port: 1),
        SocketAddress(ipv4: 0, port: 0), SocketAddress(ipv6High: 0, low: 1, port: 5060),
        SocketAddress(ipv6High: 0, low: 0, port: 5060),
        SocketAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 0x1, port: 1),
        SocketAddress(ipv6High: 0x2001_0DB8_0000_0001, low: 0x0001_0000_0000_0001, port: 1),
        SocketAddress(ipv6High: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0000, port: 1),
        SocketAddress(ipv6High: 0x0000_0001_0000_0001, low: 0x0000_0001_0000_0001, port: 1),
        SocketAddress(ipv6High: 0xFE80_0000_0000_0000, low: 0xFFFF_0000_0000_0000, port: 1),
    ])
    func theLocalAddressIsWrittenAsInAURI(_ address: SocketAddress) throws {
        let (text, _) = render(try template("INFO ", Slot.localIP, " SIP/2.0\n\n"), address: address)
        #expect(text == "INFO \(address.hostInURI) SIP/2.0\r\n\r\n")
    }

    @Test func thePeerTagIsAParameterOrNothing() throws {
        let message = try template("ACK x SIP/2.0\nTo: <sip:b>", Slot.peerTag, "\n\n")
        #expect(render(message).text == "ACK x SIP/2.0\r\nTo: <sip:b>\r\n\r\n")
        #expect(render(message, texts: ["t1"]).text == "ACK x SIP/2.0\r\nTo: <sip:b>;tag=t1\r\n\r\n")
    }

    @Test func theNextURLFallsBackToTheRequestURI() throws {
        let message = try template("ACK ", Slot.nextURL, " SIP/2.0\n\n")
        #expect(render(message, texts: ["", "", "sip:target", "sip:first"]).text == "ACK sip:target SIP/2.0\r\n\r\n")
        #expect(render(message, texts: ["", "", "", "sip:first"]).text == "ACK sip:first SIP/2.0\r\n\r\n")
    }

    @Test func partsOfTheLastMessageAreCopied() throws {
        let message = try template(
            "MESSAGE ", Slot.lastRequestURI, " SIP/2.0\nX: ", Slot.lastCSeqNumber(offset: 1), "\n\n", Slot.lastMessage)
        let last = try Sample.invite()
        let text = render(message, last: last).text
        #expect(
            text == "MESSAGE sip:service@192.0.2.2:5060 SIP/2.0\r\nX: 2\r\n\r\n"
                + String(decoding: last.bytes, as: UTF8.self))
    }

    // MARK: Headers of the last message

    private static let twoVias = """
        INVITE sip:b@192.0.2.2 SIP/2.0
        Via: SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two;branch=2
        v:   SIP/2.0/UDP
          three;branch=3
        From: <sip:a@192.0.2.1>;tag=1
        To: <sip:b@192.0.2.2>
        Call-ID: theirs@host
        CSeq: 9 INVITE
        X-Trace: t
        """

    @Test func everyViaIsEchoedOnOneLineAndUnfolded() throws {
        let message = try template("SIP/2.0 180 Ringing\n", Slot.lastHeader(name: "Via", withName: true), "\n\n")
        #expect(
            render(message, last: try IndexedMessage(Self.twoVias)).text
                == "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two;branch=2, SIP/2.0/UDP three;branch=3\r\n\r\n"
        )
    }

    @Test func aHeaderIsNamedAsTheTemplateNamesIt() throws {
        let message = try template(
            "SIP/2.0 200 OK\n", Slot.lastHeader(name: "t", withName: true), ";tag=x\n",
            Slot.lastHeader(name: "x-TRACE", withName: true), "\nY: ", Slot.lastHeader(name: "CSeq", withName: false),
            "\n\n")
        #expect(
            render(message, last: try IndexedMessage(Self.twoVias)).text
                == "SIP/2.0 200 OK\r\nt: <sip:b@192.0.2.2>;tag=x\r\nx-TRACE: t\r\nY: 9 INVITE\r\n\r\n")
    }

    @Test func anAbsentHeaderTakesItsLineWithIt() throws {
        let message = try template(
            "SIP/2.0 200 OK\nA: 1\n", Slot.lastHeader(name: "Record-Route", withName: true), "\n", Slot.routes,
            "\nB: 2\n\n")
        #expect(
            render(message, last: try IndexedMessage(Self.twoVias)).text == "SIP/2.0 200 OK\r\nA: 1\r\nB: 2\r\n\r\n")
        #expect(
            render(message, last: try IndexedMessage(Self.twoVias), texts: ["", "<sip:p;lr>"]).text
                == "SIP/2.0 200 OK\r\nA: 1\r\nRoute: <sip:p;lr>\r\nB: 2\r\n\r\n")
    }

    /// SIPp eats the empty line as well, and sends a message without an end of headers.
    @Test func anAbsentLastHeaderLeavesTheEmptyLine() throws {
        let message = try template(
            "SIP/2.0 200 OK\nA: 1\n", Slot.lastHeader(name: "Subject", withName: true), "\n\nbody")
        #expect(render(message, last: try IndexedMessage(Self.twoVias)).text == "SIP/2.0 200 OK\r\nA: 1\r\n\r\nbody")
        let atEnd = try template("SIP/2.0 200 OK\nA: 1\n", Slot.routes)
        #expect(render(atEnd).text == "SIP/2.0 200 OK\r\nA: 1\r\n\r\n")
    }

    @Test func aLineWithMoreThanTheSlotStays() throws {
        let message = try template(
            "SIP/2.0 200 OK\n", Slot.lastHeader(name: "Subject", withName: true), ";x\nY: ", Slot.routes, "\n\n")
        #expect(render(message, last: try IndexedMessage(Self.twoVias)).text == "SIP/2.0 200 OK\r\n;x\r\nY: \r\n\r\n")
    }

    @Test func slotsInTheBodyKeepTheirLineEnds() throws {
        let message = try template("SIP/2.0 200 OK\n\na\n", Slot.routes, "\nb\n")
        #expect(render(message).text == "SIP/2.0 200 OK\r\n\r\na\r\n\r\nb\r\n")
    }

    // MARK: Content-Length

    @Test(arguments: [
        (0, Int32(0), "    0"), (129, 0, "  129"), (12_345, 0, "12345"), (129, 10, "  139"), (5, -10, "   -5"),
    ])
    func theLengthStandsInFiveColumns(count: Int, offset: Int32, text: String) throws {
        let message = try template(
            "INFO x SIP/2.0\nl:", Slot.contentLength(offset: offset), "\n\n" + String(repeating: "x", count: count))
        #expect(render(message).text.hasPrefix("INFO x SIP/2.0\r\nl:\(text)\r\n\r\n"))
    }

    @Test func aBodyWithSlotsIsMeasured() throws {
        let message = try template(
            "INFO x SIP/2.0\nl: ", Slot.contentLength(offset: 0), "\nm: ", Slot.contentLength(offset: 1), "\n\nc=",
            Slot.localIP, "\n")
        let short = render(message, address: SocketAddress(ipv4: 0x0102_0304, port: 1)).text
        #expect(short == "INFO x SIP/2.0\r\nl:    11\r\nm:    12\r\n\r\nc=1.2.3.4\r\n")
        let long = render(message, address: SocketAddress(ipv4: 0xC8C8_C8C8, port: 1)).text
        #expect(long == "INFO x SIP/2.0\r\nl:    19\r\nm:    20\r\n\r\nc=200.200.200.200\r\n")
    }

    @Test(arguments: [
        "INFO x SIP/2.0\nA: 1\n\n", "INFO x SIP/2.0\nA: 1\n", "INFO x SIP/2.0\nA: 1", "\n\nINFO x SIP/2.0\nA: 1",
    ])
    func headersAlwaysEndWithAnEmptyLine(_ text: String) throws {
        #expect(render(try template(text)).text == "INFO x SIP/2.0\r\nA: 1\r\n\r\n")
    }

    @Test func withoutABodyTheLengthIsZeroAndWhatFollowsStays() throws {
        let message = try template("BYE x SIP/2.0\nl: ", Slot.contentLength(offset: 0), "\nB: 2")
        #expect(render(message).text == "BYE x SIP/2.0\r\nl:     0\r\nB: 2\r\n\r\n")
    }

    @Test func lineFeedsOfHeadersBecomeCRLFAndTheBodyIsLeftAlone() throws {
        let message = try MessageTemplate(pieces: [.literal(Array("INFO x SIP/2.0\nA: 1\n\nraw\nbody\r".utf8))])
        #expect(render(message).text == "INFO x SIP/2.0\r\nA: 1\r\n\r\nraw\nbody\r")
    }

    // MARK: Call-ID

    @Test(arguments: ["Call-ID: ", "CALL-id:", "i :\t", "I:   "])
    func theCallIDIsFoundWhateverItsHeaderLooksLike(_ header: String) throws {
        let message = try template("INFO x SIP/2.0\n\(header)x///", Slot.callID, "  \nB: 2\n\n")
        #expect(render(message).callID == "x///9f3a01c2.123.4f")
        let literal = try template("INFO x SIP/2.0\nFrom: ", Slot.callNumber, "\n\(header)fixed@host\t\n\n")
        #expect(render(literal).callID == "fixed@host")
    }

    @Test(arguments: ["Call-ID", "i"])
    func anEchoedCallIDIsFound(_ name: String) throws {
        let last = try IndexedMessage(Self.twoVias)
        let whole = try template("SIP/2.0 200 OK\n", Slot.lastHeader(name: name, withName: true), "\n\n")
        #expect(render(whole, last: last).callID == "theirs@host")
        let value = try template("SIP/2.0 200 OK\nCall-ID: ", Slot.lastHeader(name: name, withName: false), "\n\n")
        #expect(render(value, last: last).callID == "theirs@host")
    }

    @Test func aCallIDInTheBodyIsNotTheCallID() throws {
        let message = try template("INFO x SIP/2.0\nA: 1\n\nCall-ID: body\n")
        #expect(render(message).callID == "")
        let both = try template("INFO x SIP/2.0\ni: head\n\nCall-ID: body\n")
        #expect(render(both).callID == "head")
    }

    // MARK: Facts

    @Test func theStartLineIsKnown() throws {
        #expect(try template("INVITE x SIP/2.0\n\n").startLine == .request(.invite))
        #expect(try template("PING x SIP/2.0\n\n").startLine == .request(.other))
        #expect(try template("SIP/2.0 486 Busy Here\n\n").startLine == .response(status: 486))
        #expect(try template("INVITE ", Slot.nextURL, " SIP/2.0\n\n").startLine == .request(.invite))
    }

    @Test func theSequenceNumberIsKnown() throws {
        #expect(try template("BYE x SIP/2.0\nCSeq: 12 BYE\n\n").cseqNumber == .literal(12))
        #expect(
            try template("BYE x SIP/2.0\ncseq :  ", Slot.cseq(offset: 2), " BYE\n\n").cseqNumber == .slot(offset: 2))
        #expect(try template("BYE x SIP/2.0\nCSeq: ", Slot.lastCSeqNumber(offset: 1), " BYE\n\n").cseqNumber == .other)
        #expect(try template("BYE x SIP/2.0\nCSeq: 1", Slot.callNumber, " BYE\n\n").cseqNumber == .other)
        #expect(try template("BYE x SIP/2.0\n\nCSeq: 12 BYE\n").cseqNumber == .other)
    }

    @Test func whatATemplateUsesIsKnown() throws {
        let plain = try template(
            "BYE x SIP/2.0\nA: ", Slot.branch(offset: 0), Slot.cseq(offset: 0), Slot.callID, "\n\n")
        #expect(plain.isReproducible && !plain.usesLastMessage && !plain.usesRouteSet && !plain.usesPeerTag)
        let dialog = try template("BYE ", Slot.nextURL, " SIP/2.0\nA: ", Slot.peerTag, "\n\n")
        #expect(dialog.isReproducible && dialog.usesRouteSet && dialog.usesPeerTag)
        for slot in [
            Slot.lastMessage, .lastRequestURI, .lastCSeqNumber(offset: 0), .lastHeader(name: "To", withName: true),
        ] {
            let inHeaders = try template("BYE x SIP/2.0\nA: ", slot, "\n\n")
            let inBody = try template("BYE x SIP/2.0\n\n", slot)
            #expect(inHeaders.usesLastMessage && !inHeaders.isReproducible)
            #expect(inBody.usesLastMessage && !inBody.isReproducible)
        }
    }

    @Test func renderingTwiceGivesTheSameBytes() throws {
        let message = try template(
            "INFO ", Slot.localIP, " SIP/2.0\ni: ", Slot.callID, "\nl: ", Slot.contentLength(offset: 0), "\n\n",
            Slot.callNumber)
        #expect(render(message) == render(message))
    }

    @Test(arguments: [
        ("", TemplateError.noStartLine), ("\n\n", .noStartLine), ("[branch] x", .startLine("[branch]")),
        ("SIP/2.0 99 Low\n\n", .status("99")), ("SIP/2.0 abc\n\n", .status("abc")), ("SIP/2.0", .status("")),
        ("SIP/2.0 0200 OK\n\n", .status("0200")), ("<INVITE> x SIP/2.0\n\n", .startLine("<INVITE>")),
    ])
    func aWrongStartLineIsRefused(_ text: String, because reason: TemplateError) {
        #expect(throws: reason) { try template(text) }
    }

    @Test func aSlotCannotBeTheStartLine() {
        #expect(throws: TemplateError.noStartLine) { try template(Slot.lastMessage, "\n\n") }
        #expect(throws: TemplateError.startLine("INV")) { try template("INV", Slot.callNumber, " x SIP/2.0\n\n") }
    }

    @Test func whatCannotFitADatagramIsRefused() {
        #expect(throws: TemplateError.self) {
            try template("INFO x SIP/2.0\n\n" + String(repeating: "x", count: MessageIndex.datagramLimit))
        }
    }
}
