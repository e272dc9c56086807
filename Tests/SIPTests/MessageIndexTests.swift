import Datagrams
import SIP
import Testing

@Suite struct MessageIndexTests {
    @Test func findsEveryPartOfAnInvite() throws {
        let message = try Sample.invite()
        let index = message.index
        #expect(index.startLine == .request(.invite))
        #expect(index.isRequest)
        #expect(message.text(index.methodText) == "INVITE")
        #expect(message.text(index.requestURI) == "sip:service@192.0.2.2:5060")
        #expect(message.text(index.topVia) == "SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport")
        #expect(message.text(index.viaBranch) == "z9hG4bK9f3a01c2.123.0")
        #expect(message.text(index.viaHost) == "192.0.2.1")
        #expect(index.viaPort == 5061)
        #expect(index.viaHasRport)
        #expect(index.viaCount == 1)
        #expect(message.text(index.from) == "\"Load, generator\" <sip:sipmeter@192.0.2.1:5061>;tag=9f3a01c2.123")
        #expect(message.text(index.fromURI) == "sip:sipmeter@192.0.2.1:5061")
        #expect(message.text(index.fromTag) == "9f3a01c2.123")
        #expect(message.text(index.toURI) == "sip:service@192.0.2.2:5060")
        #expect(index.toTag.isEmpty)
        #expect(message.text(index.callID) == "9f3a01c2.123.4f")
        #expect(index.cseq == 1)
        #expect(index.cseqMethod == .invite)
        #expect(message.text(index.cseqMethodText) == "INVITE")
        #expect(message.text(index.contactURI) == "sip:sipmeter@192.0.2.1:5061")
        #expect(index.contentLength == Sample.sdp.utf8.count)
        #expect(message.text(index.body) == Sample.sdp)
        #expect(index.headers.count == 9)
    }

    @Test func findsEveryPartOfAResponse() throws {
        let message = try Sample.ok()
        #expect(message.index.startLine == .response(status: 200))
        #expect(!message.index.isRequest)
        #expect(message.text(message.index.reasonPhrase) == "OK")
        #expect(message.index.requestURI.isEmpty)
        #expect(message.text(message.index.toTag) == "peer7")
        #expect(message.text(message.index.contactURI) == "sip:service@192.0.2.9:5080;transport=udp")
        #expect(message.index.body.isEmpty)
    }

    @Test func nothingOfTheLastMessageIsLeftInTheNext() throws {
        var message = try Sample.invite()
        let next = try Sample.options().bytes
        try message.index.parse(next.span)
        message.bytes = next
        let fresh = try Sample.options()
        #expect(message.index.contentLength == nil)
        #expect(message.index.contactURI.isEmpty)
        #expect(!message.index.viaHasRport)
        #expect(message.index.viaPort == 0)
        #expect(message.index.viaCount == 1)
        #expect(message.index.headers.count == fresh.index.headers.count)
        #expect(message.text(message.index.fromTag) == "1")
    }

    @Test(arguments: [
        ("SIP/2.0 100 Trying", UInt16(100), "Trying"),
        ("SIP/2.0 486 Busy here; \"really\"", 486, "Busy here; \"really\""),
        ("SIP/2.0 200 ", 200, ""), ("SIP/2.0 200", 200, ""), ("sip/2.0 699 Ça va", 699, "Ça va"),
    ])
    func readsStatusLines(_ line: String, status: UInt16, reason: String) throws {
        let message = try IndexedMessage(line + "\n" + Sample.mandatory)
        #expect(message.index.startLine == .response(status: status))
        #expect(message.text(message.index.reasonPhrase) == reason)
    }

    @Test(arguments: [
        ("SIP/2.0 099 Low", MalformedMessage.status), ("SIP/2.0 700 High", .status), ("SIP/2.0 20 OK", .status),
        ("SIP/2.0 2000 OK", .status), ("SIP/2.0 4294967301 Overflow", .status), ("SIP/2.0 2x0 OK", .status),
        ("INVITE sip:b@192.0.2.2 SIP/3.0", .version), ("INVITE sip:b@192.0.2.2", .startLine),
        ("INVITE  sip:b@192.0.2.2 SIP/2.0", .startLine), ("INVITE sip:b c@192.0.2.2 SIP/2.0", .startLine),
        (" INVITE sip:b@192.0.2.2 SIP/2.0", .startLine), ("GET / HTTP/1.1", .startLine), ("INVITE", .startLine),
    ])
    func refusesStartLines(_ line: String, because reason: MalformedMessage) {
        #expect(throws: reason) { try IndexedMessage(line + "\n" + Sample.mandatory) }
    }

    @Test func methodsAreCaseSensitiveAndUnknownOnesAreKeptAsText() throws {
        for (text, method) in [
            ("OPTIONS", Method.options), ("options", .other), ("OPTIONSX", .other), ("PING", .other),
        ] {
            let message = try IndexedMessage("\(text) sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory)
            #expect(message.index.startLine == .request(method))
            #expect(message.text(message.index.methodText) == text)
        }
    }

    @Test func everyMethodIsRecognisedFromItsOwnText() {
        for method in Method.allCases where method != .other {
            let text = "\(method.text)"
            #expect(Method(bytes: Array(text.utf8).span) == method)
            #expect(Method(bytes: Array((text + "S").utf8).span) == .other)
            #expect(Method(bytes: Array(text.utf8.dropLast()).span) == .other)
        }
        #expect(Method(bytes: [UInt8]().span) == .other)
    }

    @Test func everyHeaderNameIsRecognisedInAnyCase() {
        for name in HeaderName.allCases where name != .other {
            let text = "\(name.text)"
            #expect(HeaderName(bytes: Array(text.utf8).span) == name)
            #expect(HeaderName(bytes: Array(text.uppercased().utf8).span) == name)
            #expect(HeaderName(bytes: Array(text.lowercased().utf8).span) == name)
            #expect(HeaderName(bytes: Array((text + "-").utf8).span) == .other)
        }
        #expect(HeaderName(bytes: [UInt8]().span) == .other)
        #expect(HeaderName(bytes: [UInt8](repeating: 97, count: 300).span) == .other)
    }

    @Test func compactFormsAreTheLongOnes() {
        let forms: [(Character, HeaderName)] = [
            ("v", .via), ("f", .from), ("t", .to), ("i", .callID), ("m", .contact), ("l", .contentLength),
            ("c", .contentType), ("e", .contentEncoding), ("k", .supported), ("o", .event), ("s", .subject),
            ("r", .referTo), ("u", .allowEvents), ("b", .referredBy), ("d", .requestDisposition),
            ("x", .sessionExpires),
            ("a", .acceptContact), ("j", .rejectContact), ("y", .identity), ("n", .identityInfo), ("q", .other),
        ]
        for (letter, name) in forms {
            #expect(HeaderName(bytes: Array(String(letter).utf8).span) == name)
            #expect(HeaderName(bytes: Array(letter.uppercased().utf8).span) == name)
        }
    }

    @Test func headersAreFoundByNameAndByText() throws {
        let message = try Sample.options(with: "X-Trace: one", "s: lunch", "x-trace: two", "X-Other: three")
        #expect(message.value(of: .subject) == "lunch")
        #expect(message.value(ofHeader: "SUBJECT") == "lunch")
        #expect(message.value(ofHeader: "X-trace") == "one")
        #expect(message.value(ofHeader: "X-Trace", occurrence: 1) == "two")
        #expect(message.value(ofHeader: "X-Trace", occurrence: 2) == nil)
        #expect(message.value(of: .other, occurrence: 2) == "three")
        #expect(message.value(of: .expires) == nil)
    }

    @Test(arguments: [HeaderName.via, .from, .to, .callID, .cseq])
    func aMissingMandatoryHeaderIsNamed(_ name: HeaderName) {
        #expect(throws: MalformedMessage.missing(name)) {
            try Sample.options(replacing: ["\(name.text)": nil])
        }
    }

    /// The engine needs the call of such a message (it is an unexpected message in that call).
    @Test func withoutToTheRestIsStillThere() throws {
        let bytes = Array(try Sample.invite().bytes)
        let text = String(decoding: bytes, as: UTF8.self).replacing("To: <sip:service@192.0.2.2:5060>\r\n", with: "")
        var index = MessageIndex()
        let without = Array(text.utf8)
        #expect(throws: MalformedMessage.missing(.to)) { try index.parse(without.span) }
        #expect(String(decoding: without[index.callID.bounds], as: UTF8.self) == "9f3a01c2.123.4f")
        #expect(index.cseq == 1)
        #expect(String(decoding: without[index.body.bounds], as: UTF8.self) == Sample.sdp)
    }

    @Test(arguments: ["", "\r\n", "\r\n\r\n", "\n", "\0\0\0\0"])
    func keepAlivesAreToldApart(_ text: String) {
        #expect(throws: MalformedMessage.keepAlive) { try IndexedMessage(bytes: Array(text.utf8)) }
    }

    @Test func lineEndsBeforeTheStartLineAreSkipped() throws {
        let message = try IndexedMessage("\n\n" + Sample.inviteLines, body: Sample.sdp)
        #expect(message.text(message.index.methodText) == "INVITE")
        #expect(message.text(message.index.callID) == "9f3a01c2.123.4f")
    }
}
