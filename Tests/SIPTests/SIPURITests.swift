import SIP
import Testing

@Suite struct SIPURITests {
    @Test(arguments: [
        (
            "sip:service@192.0.2.1:5060;transport=udp",
            SIPURI(user: "service", host: "192.0.2.1", port: 5060, parameters: ";transport=udp")
        ),
        ("SIP:192.0.2.1", SIPURI(host: "192.0.2.1")),
        ("192.0.2.1", SIPURI(host: "192.0.2.1")),
        ("localhost:5070", SIPURI(host: "localhost", port: 5070)),
        ("alice@example.com", SIPURI(user: "alice", host: "example.com")),
        (
            "sip:+49-30;phone-context=x@example.com;lr",
            SIPURI(user: "+49-30;phone-context=x", host: "example.com", parameters: ";lr")
        ),
        ("sip:[2001:db8::1]:5061", SIPURI(host: "2001:db8::1", port: 5061)),
        ("[fe80::1%eth0]", SIPURI(host: "fe80::1%eth0")),
        ("sip:bob:secret@pbx_1.example.com:65535", SIPURI(user: "bob:secret", host: "pbx_1.example.com", port: 65_535)),
    ])
    func readsTargets(_ text: String, as expected: SIPURI) throws {
        let uri = try SIPURI.parse(text)
        #expect(uri == expected)
        #expect(try SIPURI.parse(uri.description) == expected)
    }

    @Test(arguments: [
        ("sips:a@host", SIPURIError.secure("sips:a@host")), ("tel:+4930", .scheme("tel:+4930", scheme: "tel")),
        ("http://host", .scheme("http://host", scheme: "http")), ("foo://host", .scheme("foo://host", scheme: "foo")),
        ("sip:a b@host", .character("sip:a b@host")), ("<sip:a@host>", .character("<sip:a@host>")),
        ("sip:a@host?Subject=x", .headers("sip:a@host?Subject=x")), ("sip:@host", .user("sip:@host")),
        ("[2001:db8::1", .bracket("[2001:db8::1")), ("2001:db8::1", .bareIPv6("2001:db8::1")), ("", .host("")),
        ("sip:", .host("sip:")), ("sip:a@", .host("sip:a@")), ("[host]:1", .host("[host]:1")),
        ("[::1]x", .host("[::1]x")), ("sip:a@b@c", .host("sip:a@b@c")),
        ("host:0", .port("host:0", port: "0")), ("host:65536", .port("host:65536", port: "65536")),
        ("host:", .port("host:", port: "")), ("host:+5", .port("host:+5", port: "+5")),
        ("sip:a@[::1]:sip", .port("sip:a@[::1]:sip", port: "sip")),
    ])
    func refusesWithAReason(_ text: String, because reason: SIPURIError) {
        #expect(throws: reason) { try SIPURI.parse(text) }
    }

    @Test func theReasonSaysWhatToDo() {
        #expect(
            SIPURIError.port("host:65536", port: "65536").description
                == "\"65536\" in \"host:65536\" is not a port; a port is a number from 1 to 65535")
        #expect(
            SIPURIError.secure("sips:a@host").description
                == "\"sips:a@host\" asks for TLS; write `sip:` and add --transport tls")
    }
}
