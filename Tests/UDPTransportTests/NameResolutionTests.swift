import Datagrams
import Testing
import UDPTransport

@Suite struct NameResolutionTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:5060"),
        ("192.0.2.1:5070", "192.0.2.1:5070"),
        ("::1", "[::1]:5060"),
        ("[::1]", "[::1]:5060"),
        ("[::1]:5070", "[::1]:5070"),
        ("2001:db8::5:5070", "[2001:db8::5:5070]:5060"),
        ("::ffff:192.0.2.1", "[::ffff:c000:201]:5060"),
        ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
    ])
    func readsNumericAddresses(_ text: String, _ expected: String) {
        #expect(NameResolution.numeric(text, defaultPort: 5060)?.description == expected)
    }

    @Test func readsAZone() {
        #expect(NameResolution.numeric("fe80::1%1")?.scope == 1)
        #expect(NameResolution.numeric("[fe80::1%lo]:5060")?.scope == 1)
    }

    @Test(arguments: [
        "", "localhost", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:5060 ", "127.1",
        "1", "256.0.0.1", "[::1", "::1]", "[127.0.0.1]", "[::1]5060", "1:2:3:4:5:6:7:8:9", "fe80::1%nowhere", ":5060",
    ])
    func refusesWhatIsNotOne(_ text: String) {
        #expect(NameResolution.numeric(text, defaultPort: 5060) == nil)
    }

    @Test func aNumericHostAsksNobody() throws {
        #expect(
            try NameResolution.resolve(host: "192.0.2.7", port: 5060) == [SocketAddress(ipv4: 0xC000_0207, port: 5060)])
        #expect(try NameResolution.resolve(host: "::1", port: 1, family: .ipv6) == [loopback6.withPort(1)])
    }

    @Test func findsThisMachineByName() throws {
        let addresses = try NameResolution.resolve(host: "localhost", port: 5060, family: .ipv4)
        #expect(addresses == [.loopback(port: 5060)])
    }

    @Test(
        arguments: [
            // A space is in no host name, so that no name server is asked.
            ("no such host", .any, "cannot resolve \"no such host\": Name or service not known"),
            ("::1", .ipv4, "\"::1\" is not an IPv4 address"),
            ("127.0.0.1", .ipv6, "\"127.0.0.1\" is not an IPv6 address"),
        ] as [(String, NameResolution.Family, String)])
    func saysWhatIsWrong(_ host: String, _ family: NameResolution.Family, _ sentence: String) {
        let error = #expect(throws: ResolutionError.self) {
            _ = try NameResolution.resolve(host: host, port: 5060, family: family)
        }
        #expect(error?.description == sentence)
    }

    @Test func theWayToLoopbackStartsThere() throws {
        #expect(try NameResolution.localAddress(towards: .loopback(port: 5060)) == loopback4)
        #expect(try NameResolution.localAddress(towards: loopback4) == loopback4)
    }
}

@Suite struct SourceAddressesTests {
    @Test(arguments: [
        ("10.0.0.1", ["10.0.0.1"]),
        ("10.0.0.254-10.0.1.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
        ("10.0.0.1, 10.0.0.9 - 10.0.0.10", ["10.0.0.1", "10.0.0.9", "10.0.0.10"]),
        ("10.0.0.7-10.0.0.7", ["10.0.0.7"]),
        ("2001:db8::ffff-2001:db8::1:1", ["2001:db8::ffff", "2001:db8::1:0", "2001:db8::1:1"]),
    ])
    func readsAddressesAndRanges(_ text: String, _ expected: [String]) throws {
        let sources = try NameResolution.sourceAddresses(text, port: 5060)
        #expect(sources.map(\.host) == expected)
        #expect(sources.allSatisfy { $0.port == 5060 })
    }

    @Test func aRangeMayFillTheLimit() throws {
        #expect(try NameResolution.sourceAddresses("10.0.0.0-10.0.255.255", port: 1).count == 65_536)
    }

    @Test(arguments: [
        ("", "\"\" is not an IP address: write FIRST-LAST, as in 10.0.0.1-10.0.0.20"),
        ("10.0.0.1-", "\"\" in \"10.0.0.1-\" is not an IP address: write FIRST-LAST, as in 10.0.0.1-10.0.0.20"),
        ("eth0", "\"eth0\" is not an IP address: write FIRST-LAST, as in 10.0.0.1-10.0.0.20"),
        ("10.0.0.9-10.0.0.1", "\"10.0.0.9-10.0.0.1\" runs backwards: write 10.0.0.1-10.0.0.9"),
        ("10.0.0.1-::1", "\"10.0.0.1-::1\" is no range: both ends must lie in one network"),
        ("10.0.0.1,::1", "\"10.0.0.1,::1\" mixes IPv4 and IPv6 (::1): give sources of one family"),
        (
            "10.0.0.0-10.1.0.0",
            "\"10.0.0.0-10.1.0.0\" makes more than 65536 source addresses, the most a run can use"
        ),
        (
            "10.0.0.0-10.0.255.255,10.1.0.0",
            "\"10.1.0.0\" makes more than 65536 source addresses, the most a run can use"
        ),
        (
            "::-::ffff:ffff:ffff:ffff",
            "\"::-::ffff:ffff:ffff:ffff\" makes more than 65536 source addresses, the most a run can use"
        ),
    ])
    func saysWhatIsWrong(_ text: String, _ sentence: String) {
        let error = #expect(throws: ResolutionError.self) {
            _ = try NameResolution.sourceAddresses(text, port: 5060)
        }
        #expect(error?.description == sentence)
    }
}
