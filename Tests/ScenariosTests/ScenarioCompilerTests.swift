import Datagrams
import SIP
import Testing

@testable import Scenarios

@Suite struct ScenarioCompilerTests {
    private static let ipv4 = RunConstants(
        service: "1000", remoteHost: "pbx.example.org", remote: SocketAddress(ipv4: 0xC000_0201, port: 5070),
        local: SocketAddress(ipv4: 0xC000_0263, port: 5080), processID: 42,
        keys: ["realm": "example.org", "empty": ""])
    private static let ipv6 = RunConstants(
        remoteHost: "::1", remote: SocketAddress(ipv6High: 0, low: 1, port: 5060),
        local: SocketAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1, port: 5062), transport: "TCP")

    private func program(_ steps: String, _ run: RunConstants = ipv4) throws -> Program {
        try read(scenario(steps)).compile(run)
    }

    /// The subject of a message whose subject is `text`, rendered for call 7 with CSeq 3.
    private func rendered(_ text: String, _ run: RunConstants = ipv4) throws -> String {
        let message = "<![CDATA[\nOPTIONS sip:a SIP/2.0\nSubject: \(text)\n\nab\n]]>"
        let program = try program("<label id=\"l\"/><nop/><send>\(message)</send>", run)
        var out = ByteBuffer(capacity: 0)
        let values = RenderValues(
            identity: CallIdentity(run: 1, number: 7, slot: 0), cseq: 3,
            localAddress: SocketAddress(ipv4: 0x0A00_0001, port: 1))
        let bounds = program.templates[0].render(
            into: &out, values: values, texts: [UInt8]().span, last: [UInt8]().span, lastIndex: MessageIndex()
        ).bounds
        let lines = String(decoding: out.storage[bounds], as: UTF8.self).split(separator: "\r\n")
        return String(lines[1].dropFirst("Subject: ".count))
    }

    @Test(arguments: [
        ("[service] [remote_ip]:[remote_port] [remote_host]", "1000 192.0.2.1:5070 pbx.example.org"),
        ("[transport] [local_ip] [local_ip_type] [local_port]", "UDP 192.0.2.99 4 5080"),
        ("[server_ip] [media_ip] [media_ip_type] [media_port]", "192.0.2.99 192.0.2.99 4 6000"),
        ("[remote_port+1] [local_port-80] [media_port+2]", "5071 5000 6002"),
        ("[pid] [realm] <[empty]> [sipp_version]", "42 example.org <> sipmeter"),
        // Labels do not count.
        ("[msg_index] [msg_index+1]", "1 2"), ("[call_number] [cseq] [cseq-1]", "7 3 2"),
        ("<[len]> <[len+10]>", "<    4> <   14>"),
        ("x[peer_tag_param]x", "xx"), ("\\x5bservice]", "[service]"),
    ])
    func keywordsBecomeTheirValues(written: String, sent: String) throws { #expect(try rendered(written) == sent) }

    @Test func addressesOfIPv6StandInBracketsButNotInSDP() throws {
        #expect(
            try rendered("[remote_ip] [remote_host] [local_ip] [server_ip]", Self.ipv6)
                == "[::1] ::1 [2001:db8::1] [2001:db8::1]")
        #expect(try rendered("IN IP[media_ip_type] [media_ip]", Self.ipv6) == "IN IP6 2001:db8::1")
        #expect(try rendered("[local_ip_type] [transport]", Self.ipv6) == "6 TCP")
    }

    @Test func theLocalAddressIsFilledInPerCallWhereThereAreSeveral() throws {
        var run = Self.ipv4
        run.hasSeveralSources = true
        #expect(try rendered("[local_ip] [server_ip] [media_ip]", run) == "10.0.0.1 10.0.0.1 192.0.2.99")
    }

    @Test(arguments: [
        ("[servise]", "3:10 `[servise]` is not a keyword; did you mean `service`?"),
        ("[relm]", "3:10 `[relm]` is not a keyword; did you mean `realm`?"),
        ("[remote_ipp]", "3:10 `[remote_ipp]` is not a keyword; did you mean `remote_ip`?"),
        ("[Call_ID]", "3:10 `[Call_ID]` is not a keyword; did you mean `call_id`?"),
        (
            "[2001:db8::1]",
            "3:10 `[2001:db8::1]` is not a keyword (nor a -key of this run); write \\x5b for a `[` of the text"
        ),
    ])
    func anUnknownKeywordIsAnErrorWithASuggestion(written: String, error: String) throws {
        let scenario = try read("<scenario><send><![CDATA[\nOPTIONS a\nSubject: \(written)\n]]></send></scenario>")
        let thrown = try #require(throws: ScenarioError.self) { _ = try scenario.compile(Self.ipv4) }
        let first = try #require(thrown.errors.first)
        #expect("\(first.position.line):\(first.position.column) \(first.message)" == error)
        #expect(thrown.errors.count == 1)
    }

    @Test func labelsBecomeIndicesAndVanish() throws {
        let program = try program(
            """
            <label id="start"/>\(invite)
            <recv response="100" optional="true" next="start"/><label id="wait"/>
            <recv response="200" ontimeout="end" timeout="10"/><nop next="wait"/><label id="end"/>
            """)
        #expect(program.instructions.count == 4)
        #expect(program.instructions.map(\.next) == [nil, 0, nil, 2])
        #expect(program.instructions[2].onTimeout == 4)
        #expect(program.instructions.map(\.line) == [2, 3, 4, 4])
        #expect(program.role == .client)
        #expect(program.name == "test.xml")
    }

    @Test func sendsKnowTheirMethodOrStatus() throws {
        let program = try program(
            """
            <send retrans="500"><![CDATA[INVITE a]]></send><send><![CDATA[FROB a]]></send>
            <send retrans="500"><![CDATA[SIP/2.0 486 Busy]]></send><send retrans="500"><![CDATA[ACK a]]></send>
            """)
        let sends = program.instructions.compactMap { instruction -> Instruction.Send? in
            if case .send(let send) = instruction.operation { send } else { nil }
        }
        #expect(sends.map(\.method) == [.invite, .other, .other, .ack])
        #expect(sends.map(\.status) == [0, 0, 486, 0])
        #expect(sends.map(\.template) == [0, 1, 2, 3])
        #expect(sends.map(\.retransmission) == [.milliseconds(500), nil, .milliseconds(500), nil])
    }

    @Test func responseTimesBecomeBits() throws {
        let program = try program(
            """
            <nop start_rtd="a" rtd="never"/>\(invite)<nop start_rtd="true"/>
            <recv response="200" rtd="1"/><nop rtd="a"/><nop rtd="false"/>
            """)
        #expect(program.responseTimeNames == ["a", "never", "1"])
        #expect(program.instructions.map(\.startsResponseTimes) == [1, 0, 4, 0, 0, 0])
        #expect(program.instructions.map(\.stopsResponseTimes) == [2, 0, 0, 4, 1, 0])
        #expect(program.responseTimesFromCreation == 2)
    }

    @Test func theShortestTimeoutOfAGroupOfReceivesCounts() throws {
        let program = try program(
            """
            \(invite)<recv response="100" optional="true"/><recv response="180" optional="true" timeout="9000"/>
            <label id="x"/><recv response="200" timeout="2000" ontimeout="end"/>
            <recv request="BYE"/><label id="end"/>
            """)
        let receives = program.instructions.compactMap { instruction -> Instruction.Receive? in
            if case .receive(let receive) = instruction.operation { receive } else { nil }
        }
        #expect(receives.map(\.timeout) == [.seconds(2), .seconds(2), .seconds(2), nil])
        #expect(program.instructions.map(\.onTimeout) == [nil, 5, 5, 5, nil])
    }

    @Test func whatIsKeptOfMessagesDependsOnTheTexts() throws {
        let plain = try program(invite)
        #expect(!plain.keepsLastMessage && !plain.keepsRouteSet)
        let unrecorded = try program("<send><![CDATA[BYE [next_url] SIP/2.0]]></send>")
        #expect(!unrecorded.keepsRouteSet)
        let both = try program(
            "<recv request=\"INVITE\" rrs=\"true\"/><send><![CDATA[BYE a SIP/2.0\n[routes]\n[last_Via:]]]></send>")
        #expect(both.keepsLastMessage && both.keepsRouteSet)
        #expect(both.role == .server)
    }

    @Test func aMessageLongerThanADatagramIsAnErrorAtItsText() throws {
        let long = String(repeating: "x", count: 70_000)
        let scenario = try read(scenario("<send><![CDATA[OPTIONS a SIP/2.0\nSubject: \(long)]]></send>"))
        let thrown = try #require(throws: ScenarioError.self) { _ = try scenario.compile(Self.ipv4) }
        #expect(thrown.errors.map(\.position) == [SourceText.Position(line: 2, column: 16)])
    }
}
