import Datagrams
import PosixPatterns
import SIP
import Scenarios
import StandardScenarios
import Testing

@Suite struct StandardScenariosTests {
    private static let run = RunConstants(
        remoteHost: "127.0.0.1", remote: .loopback(port: 5060), local: .loopback(port: 5061))

    private func compile(_ bytes: [UInt8], _ name: String) throws -> Program {
        let scenario = try ScenarioReader.read(bytes, name: name, patterns: PosixPatterns())
        #expect(scenario.warnings.map(\.description) == [])
        #expect(!scenario.responseTimeBorders.isEmpty)
        return try scenario.compile(Self.run)
    }

    /// One word a step, so that the flow is read at a glance.
    private func flow(_ program: Program) -> [String] {
        program.instructions.map { instruction in
            switch instruction.operation {
            case .send(let send): send.status == 0 ? "> \(send.method.text)" : "> \(send.status)"
            case .receive(let receive):
                switch receive.match {
                case .status(let status): "< \(status)\(receive.presence == .optional ? "?" : "")"
                case .method(let method): "< \(method.text)\(receive.presence == .optional ? "?" : "")"
                case .otherMethod, .statusPattern, .methodPattern: "< …"
                }
            case .pause(let pause): pause.length == .runDefault ? "pause" : "pause \(pause.length)"
            case .timewait(let pause): pause.length == .fixed(.seconds(4)) ? "timewait 4 s" : "timewait"
            case .nop: "nop"
            }
        }
    }

    private func text(_ program: Program, _ template: Int, last: [UInt8] = []) throws -> String {
        var index = MessageIndex()
        if !last.isEmpty { try index.parse(last.span) }
        var out = ByteBuffer(capacity: 0)
        let texts = Array("sip:bob@192.0.2.7<sip:p1;lr>, <sip:p2;lr>b7".utf8)
        let values = RenderValues(
            identity: CallIdentity(run: 0xAB, number: 7, slot: 2), cseq: 1, peerTag: TextRange(start: 41, count: 2),
            routes: TextRange(start: 17, count: 24), remoteTarget: TextRange(start: 0, count: 17))
        let rendered = program.templates[template].render(
            into: &out, values: values, texts: texts.span, last: last.span, lastIndex: index)
        return String(decoding: out.storage[rendered.bounds], as: UTF8.self)
    }

    @Test func theClientPlacesACall() throws {
        let program = try compile(StandardScenarios.uac, "uac")
        #expect(program.role == .client)
        #expect(
            flow(program) == [
                "> INVITE", "< 100?", "< 180?", "< 183?", "< 200", "> ACK", "pause", "> BYE", "< 200",
            ])
        #expect(program.responseTimeNames == ["invite", "bye"])
        #expect(program.instructions.map(\.startsResponseTimes) == [1, 0, 0, 0, 0, 0, 0, 2, 0])
        #expect(program.instructions.map(\.stopsResponseTimes) == [0, 0, 0, 0, 1, 0, 0, 0, 2])
        #expect(program.keepsRouteSet && !program.keepsLastMessage)
        let retransmissions = program.instructions.map { instruction -> Nanoseconds? in
            if case .send(let send) = instruction.operation { send.retransmission } else { nil }
        }
        #expect(retransmissions == [.milliseconds(500), nil, nil, nil, nil, nil, nil, .milliseconds(500), nil])
    }

    @Test func theClientsMessagesAreWellFormedAndFollowTheDialog() throws {
        let program = try compile(StandardScenarios.uac, "uac")
        for template in program.templates.indices {
            let bytes = Array(try text(program, template).utf8)
            var index = MessageIndex()
            try index.parse(bytes.span)
            #expect(index.cseqMethod == [.invite, .ack, .bye][template])
            #expect(bytes.count - Int(index.body.start) == index.contentLength ?? -1 || index.contentLength == 0)
        }
        let invite = try text(program, 0)
        #expect(
            invite.hasPrefix(
                "INVITE sip:service@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK"))
        #expect(
            invite.hasSuffix(
                "\r\n\r\nv=0\r\no=sipmeter 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                    + "m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"))
        let bye = try text(program, 2)
        #expect(bye.hasPrefix("BYE sip:bob@192.0.2.7 SIP/2.0\r\n"))
        #expect(bye.contains("\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: "))
        #expect(bye.contains("\r\nTo: <sip:service@127.0.0.1:5060>;tag=b7\r\n"))
        #expect(bye.hasSuffix("\r\nContent-Length: 0\r\n\r\n"))
    }

    @Test func theServerAnswersACall() throws {
        let program = try compile(StandardScenarios.uas, "uas")
        #expect(program.role == .server)
        #expect(flow(program) == ["< INVITE", "> 180", "> 200", "< ACK?", "< BYE", "> 200", "timewait 4 s"])
        #expect(program.keepsLastMessage)
        #expect(program.responseTimeNames.isEmpty)
    }

    @Test func theServersResponsesRepeatTheRequest() throws {
        let program = try compile(StandardScenarios.uas, "uas")
        let request = """
            INVITE sip:bob@b SIP/2.0\r
            Via: SIP/2.0/UDP p;branch=z9hG4bK2\r
            Via: SIP/2.0/UDP a;branch=z9hG4bK1\r
            Record-Route: <sip:p;lr>\r
            From: <sip:alice@a>;tag=1\r
            To: <sip:bob@b>\r
            Call-ID: x@a\r
            CSeq: 5 INVITE\r
            Content-Length: 0\r
            \r

            """
        let answer = try text(program, 1, last: Array(request.utf8))
        #expect(
            answer.hasPrefix(
                """
                SIP/2.0 200 OK\r
                Via: SIP/2.0/UDP p;branch=z9hG4bK2, SIP/2.0/UDP a;branch=z9hG4bK1\r
                Record-Route: <sip:p;lr>\r
                From: <sip:alice@a>;tag=1\r
                To: <sip:bob@b>;tag=s1-7\r
                Call-ID: x@a\r
                CSeq: 5 INVITE\r
                Contact: <sip:sipmeter@127.0.0.1:5061;transport=UDP>\r

                """))
        let withoutRoute = request.replacing("Record-Route: <sip:p;lr>\r\n", with: "")
        let ringing = try text(program, 0, last: Array(withoutRoute.utf8))
        #expect(ringing.contains("z9hG4bK1\r\nFrom: "))
    }
}
