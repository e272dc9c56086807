import Datagrams
import SIP
import Testing

/// Messages in the spirit of RFC 4475: legal but unusual, and illegal.
@Suite struct TortureTests {
    // MARK: Legal

    @Test func foldedHeadersEndWhereTheFoldingEnds() throws {
        let message = try Sample.options(
            replacing: [
                "From": "From: \"Folded\n name\"\n <sip:a@192.0.2.1>\n\t;\n  tag\n =\n folded1",
                "Via": "Via:\n SIP/2.0/UDP\n 192.0.2.1:5062\n ;branch=z9hG4bKfolded",
                "CSeq": "CSeq:\n 1\n OPTIONS",
            ])
        #expect(message.text(message.index.fromTag) == "folded1")
        #expect(message.text(message.index.fromURI) == "sip:a@192.0.2.1")
        #expect(message.text(message.index.viaHost) == "192.0.2.1")
        #expect(message.index.viaPort == 5062)
        #expect(message.text(message.index.viaBranch) == "z9hG4bKfolded")
        #expect(message.index.cseqMethod == .options)
        #expect(message.index.headers.filter(\.isFolded).count == 3)
        #expect(message.index.headers.count == 5)
    }

    @Test func compactFormsUnusualCaseAndBlanksAroundTheColon() throws {
        let message = try IndexedMessage(
            """
            OPTIONS sip:b@192.0.2.2 SIP/2.0
            v  :SIP/2.0/UDP 192.0.2.1;BRANCH=z9hG4bKcase;RPORT
            F\t:  <sip:a@192.0.2.1>;TaG=upper
            t:<sip:b@192.0.2.2>
            I:c1
            cSeQ:   000000009    OPTIONS
            L:0
            """)
        #expect(message.text(message.index.viaBranch) == "z9hG4bKcase")
        #expect(message.index.viaHasRport)
        #expect(message.text(message.index.fromTag) == "upper")
        #expect(message.text(message.index.callID) == "c1")
        #expect(message.index.cseq == 9)
        #expect(message.index.contentLength == 0)
    }

    @Test(arguments: [
        (#""Comma, ;tag=no; <sip:x@y>" <sip:a@192.0.2.1>;tag=yes"#, "sip:a@192.0.2.1", "yes"),
        (#""escaped \" quote ;tag=no \\" <sip:a@192.0.2.1>;tag=yes"#, "sip:a@192.0.2.1", "yes"),
        ("<sip:a@192.0.2.1;tag=no>;tag=yes", "sip:a@192.0.2.1;tag=no", "yes"),
        ("<sip:a@192.0.2.1;tag=no>", "sip:a@192.0.2.1;tag=no", ""),
        ("sip:a@192.0.2.1;tag=yes", "sip:a@192.0.2.1", "yes"), ("sip:a@192.0.2.1", "sip:a@192.0.2.1", ""),
        ("Bell, Alexander <sip:a@192.0.2.1>;tag=no", "Bell", ""),
        ("<sip:a@192.0.2.1> ; x=\"a;tag=no\" ; tag = yes", "sip:a@192.0.2.1", "yes"),
        ("<sip:a@192.0.2.1>;notag=no;tagx=no;;tag=yes", "sip:a@192.0.2.1", "yes"),
        ("A B <sip:a@[2001:db8::1]:5060>;tag=yes", "sip:a@[2001:db8::1]:5060", "yes"),
        (" < sip:a@192.0.2.1 >;tag=", "sip:a@192.0.2.1", ""),
    ])
    func findsURIAndTag(in value: String, uri: String, tag: String) throws {
        let message = try Sample.options(replacing: ["From": "From: " + value, "To": "To: " + value])
        #expect(message.text(message.index.fromURI) == uri)
        #expect(message.text(message.index.fromTag) == tag)
        #expect(message.text(message.index.toURI) == uri)
        #expect(message.text(message.index.toTag) == tag)
    }

    @Test(arguments: [
        ("<sip:c@192.0.2.1;transport=udp>;expires=5, <sip:d@192.0.2.1>", "sip:c@192.0.2.1;transport=udp"),
        ("sip:c@192.0.2.1;expires=5", "sip:c@192.0.2.1"), ("sip:c@192.0.2.1,sip:d@192.0.2.1", "sip:c@192.0.2.1"),
        (#""Quoted, <sip:no@x>" <sip:c@192.0.2.1>"#, "sip:c@192.0.2.1"), ("*", "*"),
    ])
    func findsTheFirstContact(in value: String, uri: String) throws {
        let message = try Sample.options(with: "Contact: " + value, "Contact: <sip:second@192.0.2.1>")
        #expect(message.text(message.index.contactURI) == uri)
    }

    @Test func severalViasInOneHeaderAndRepeated() throws {
        let message = try Sample.options(
            replacing: [
                "Via": """
                Via: SIP/2.0/UDP first.example.com:4000;ext="a, b";branch=z9hG4bKone , SIP / 2.0 / TCP second;branch=two
                v: SIP/2.0/UDP third;branch=three,SIP/2.0/UDP fourth
                Via: SIP/2.0/UDP fifth
                """
            ])
        #expect(
            message.text(message.index.topVia)
                == #"SIP/2.0/UDP first.example.com:4000;ext="a, b";branch=z9hG4bKone"#)
        #expect(message.text(message.index.viaBranch) == "z9hG4bKone")
        #expect(message.text(message.index.viaHost) == "first.example.com")
        #expect(message.index.viaCount == 5)
        #expect(!message.index.viaHasRport)
    }

    @Test(arguments: [
        ("SIP / 2.0\t/ UDP   192.0.2.1 : 5070 ; branch = b1", "192.0.2.1", UInt16(5070), "b1"),
        ("SIP/2.0/UDP [2001:db8::9]:5071;branch=b2", "[2001:db8::9]", 5071, "b2"),
        ("SIP/2.0/UDP [2001:db8::9];branch=b3", "[2001:db8::9]", 0, "b3"),
        ("SIP/2.0/UDP host.example.com", "host.example.com", 0, ""),
        ("SIP/2.0/UDP 192.0.2.1:5060;received=192.0.2.5;ttl=1;maddr=224.2.0.1;branch=b4", "192.0.2.1", 5060, "b4"),
        ("SIP/2.0/UNKNOWN-TRANSPORT 192.0.2.1;branch=b5;rport", "192.0.2.1", 0, "b5"),
    ])
    func readsVia(_ value: String, host: String, port: UInt16, branch: String) throws {
        let message = try Sample.options(replacing: ["Via": "Via: " + value])
        #expect(message.text(message.index.viaHost) == host)
        #expect(message.index.viaPort == port)
        #expect(message.text(message.index.viaBranch) == branch)
        #expect(message.text(message.index.topVia) == value)
    }

    @Test func lineFeedsAloneEndLinesToo() throws {
        let text = (Sample.inviteLines + "\n\n" + Sample.sdp)
        let message = try IndexedMessage(bytes: Array(text.utf8))
        #expect(message.text(message.index.callID) == "9f3a01c2.123.4f")
        #expect(message.text(message.index.body) == Sample.sdp)
        #expect(message.index.headers.count == 9)
    }

    @Test func bytesBeyondContentLengthAreIgnored() throws {
        let message = try IndexedMessage(Sample.okLines, body: "trailing garbage \0\u{7F}")
        #expect(message.index.body.isEmpty)
    }

    @Test func withoutContentLengthTheBodyIsTheRest() throws {
        let message = try IndexedMessage("OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory, body: "all of it")
        #expect(message.index.contentLength == nil)
        #expect(message.text(message.index.body) == "all of it")
    }

    @Test func aMessageMayEndAfterItsLastHeaderLine() throws {
        let text = IndexedMessage.crlf("OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory) + "\r\n"
        let message = try IndexedMessage(bytes: Array(text.utf8))
        #expect(message.text(message.index.callID) == "c1")
        #expect(message.index.body.isEmpty)
    }

    @Test func unknownHeadersWithStrangeValuesDoNotMatter() throws {
        let message = try Sample.options(
            with: "UnknownHeaderWithUnusualValue: ;;,,;;,;", "X-Empty:", "!interesting-Method0123456789_*+`.%: 1",
            "X-Unbalanced: \"open <")
        #expect(message.index.headers.count == 9)
        #expect(message.value(ofHeader: "x-empty") == "")
    }

    @Test func bytesOutsideASCIIAreCarried() throws {
        let message = try Sample.options(replacing: ["From": "From: \"Łódź 😀\" <sip:a@192.0.2.1>;tag=é1"])
        #expect(message.text(message.index.fromURI) == "sip:a@192.0.2.1")
        #expect(message.text(message.index.fromTag) == "é1")
    }

    @Test func aBodyMayHoldAnything() throws {
        let body = "From: <sip:fake@x>;tag=fake\r\n\r\nCall-ID: fake\r\n"
        let message = try IndexedMessage("OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory, body: body)
        #expect(message.text(message.index.callID) == "c1")
        #expect(message.index.headers.count == 5)
    }

    // MARK: Illegal

    @Test(arguments: [
        "\"open <sip:a@192.0.2.1>;tag=1", "<sip:a@192.0.2.1;tag=1", "", ";tag=1", "<>;tag=1", "\"name only\"",
        "\"ends with a backslash\\",
    ])
    func addressesWithoutURIAreRefused(_ value: String) {
        #expect(throws: MalformedMessage.self) { try Sample.options(replacing: ["From": "From: " + value]) }
        #expect(throws: MalformedMessage.self) { try Sample.options(replacing: ["To": "To: " + value]) }
    }

    @Test(arguments: [
        "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=1", "SIP/2.0 192.0.2.1", "SIP/2.0/UDP 192.0.2.1:", "192.0.2.1",
        "SIP/2.0/UDP 192.0.2.1:65536", "SIP/2.0/UDP 192.0.2.1:99999999999999999999999", "SIP/2.0/UDP [2001:db8::1", "",
    ])
    func viasWithoutHostAreRefused(_ value: String) {
        #expect(throws: MalformedMessage.self) { try Sample.options(replacing: ["Via": "Via: " + value]) }
    }

    @Test(arguments: [
        "2147483648 OPTIONS", "99999999999999999999999999 OPTIONS", "-1 OPTIONS", "1", "OPTIONS", "1OPTIONS", "1x 2",
    ])
    func sequenceNumbersOutOfRangeAreRefused(_ value: String) throws {
        let offset = try Sample.options().index.headers[4].value.start
        #expect(throws: MalformedMessage.cseq(offset: Int(offset))) {
            try Sample.options(replacing: ["CSeq": "CSeq: " + value])
        }
    }

    @Test func theLargestSequenceNumberIsAccepted() throws {
        #expect(try Sample.options(replacing: ["CSeq": "CSeq: 2147483647 X"]).index.cseq == 2_147_483_647)
    }

    @Test(arguments: ["-1", "1 2", "ten", "0x10", "99999999999999999999999"])
    func contentLengthsThatAreNoNumbersAreRefused(_ value: String) throws {
        let offset = try Sample.options(with: "Content-Length: 0").index.headers[5].value.start
        #expect(throws: MalformedMessage.contentLength(offset: Int(offset))) {
            try Sample.options(with: "Content-Length: " + value)
        }
    }

    @Test func anEmptyContentLengthIsRefused() {
        #expect(throws: MalformedMessage.self) { try Sample.options(with: "Content-Length:") }
    }

    @Test func twoContentLengthsThatDifferAreRefused() throws {
        #expect(try Sample.options(with: "Content-Length: 0", "l: 0").index.contentLength == 0)
        #expect(throws: MalformedMessage.self) { try Sample.options(with: "Content-Length: 0", "l: 1") }
    }

    @Test func aBodyShorterThanAnnouncedIsTruncated() {
        #expect(throws: MalformedMessage.truncated(announced: 10, present: 4)) {
            try IndexedMessage(
                "OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory + "\nContent-Length: 10", body: "four")
        }
    }

    @Test(arguments: ["no colon here", ": no name", " folded first line"])
    func linesThatAreNoHeadersAreRefused(_ line: String) {
        let text = "OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + line + "\n" + Sample.mandatory
        #expect(throws: MalformedMessage.headerWithoutColon(offset: 33)) { try IndexedMessage(text) }
    }

    // MARK: Sizes

    @Test func thereMayBe256HeaderLinesAndNoMore() throws {
        func message(headers: Int) throws(MalformedMessage) -> IndexedMessage {
            try Sample.options(with: (0..<headers - 5).map { "X-\($0): \($0)" }.joined(separator: "\n"))
        }
        #expect(try message(headers: MessageIndex.headerLimit).value(ofHeader: "x-250") == "250")
        #expect(throws: MalformedMessage.tooManyHeaders) { try message(headers: MessageIndex.headerLimit + 1) }
    }

    @Test func aHeaderLineMayBe16KilobytesLongAndNoMore() throws {
        let name = "X-Long: "
        func message(line count: Int) throws(MalformedMessage) -> IndexedMessage {
            // The CR counts as part of the line.
            try Sample.options(with: name + String(repeating: "x", count: count - name.utf8.count - 1))
        }
        _ = try message(line: MessageIndex.headerLineLimit)
        #expect(throws: MalformedMessage.self) { try message(line: MessageIndex.headerLineLimit + 1) }
    }

    @Test func theLargestDatagramIsIndexed() throws {
        let head = IndexedMessage.crlf("OPTIONS sip:b@192.0.2.2 SIP/2.0\n" + Sample.mandatory) + "\r\n\r\n"
        let padding = [UInt8](repeating: 0x41, count: MessageIndex.datagramLimit - head.utf8.count)
        let message = try IndexedMessage(bytes: Array(head.utf8) + padding)
        #expect(message.index.body.end == MessageIndex.datagramLimit)
        #expect(throws: MalformedMessage.datagramTooLong(count: 65_536)) {
            try IndexedMessage(bytes: Array(head.utf8) + padding + [0x41])
        }
    }
}
