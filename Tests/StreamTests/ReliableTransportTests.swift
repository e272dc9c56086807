import Datagrams
import Observations
import SIP
import Scenarios
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// The engine over a transport that loses nothing (RFC 3261, 17: timers; 18: connections).
@Suite struct ReliableTransport {
    private static func run(
        _ peer: @escaping (String) -> UInt16?, transport: TransportProtocol = .tcp,
        configure: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> VirtualRun {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1) {
                $0.transport = transport
                configure(&$0)
            },
            peer: .scripted { bytes, _ in
                var index = MessageIndex()
                try? index.parse(bytes.span)
                let method = String(decoding: bytes[index.cseqMethodText.bounds], as: UTF8.self)
                return peer(method).map { [(.milliseconds(1), Answers.response($0, to: bytes))] } ?? []
            })
        run.keepsTrace = true
        run.run()
        return run
    }

    @Test func aRequestIsSentOnceAndGivenUpAt64TimesT1() throws {
        let run = try Self.run { _ in nil }
        #expect(run.trace.map(\.summary) == ["INVITE"])
        #expect(run.calls.map(\.outcome) == [.timeout])
        #expect(run.calls[0].ended == .seconds(32))
        #expect(run.retransmissions.isEmpty)
    }

    @Test func aByeIsSentOnceAndGivenUpAt64TimesT1() throws {
        let run = try Self.run { $0 == "INVITE" ? 200 : nil }
        #expect(run.trace.filter { $0.from == .client }.map(\.summary) == ["INVITE", "ACK", "BYE"])
        #expect(run.calls.map(\.outcome) == [.timeout])
    }

    @Test func overUDPTheSameIsSentAgain() throws {
        let run = try Self.run({ _ in nil }, transport: .udp)
        #expect(run.trace.map(\.summary) == Array(repeating: "INVITE", count: 7))
    }

    /// Timer A is not there to notice that it rings.
    @Test func theRingTimeoutCountsFromTheFirstSending() throws {
        let run = try Self.run({ ["INVITE": 180, "CANCEL": 200][$0] }) { $0.ringTimeout = .seconds(5) }
        let cancel = try #require(run.trace.first { $0.summary == "CANCEL" })
        #expect(cancel.at - VirtualRun.start == .seconds(5))
        #expect(run.trace.filter { $0.from == .client }.map(\.summary) == ["INVITE", "CANCEL"])
    }

    @Test func aRingTimeoutLongerThanTimerBIsKept() throws {
        let run = try Self.run({ ["INVITE": 180, "CANCEL": 200][$0] }) { $0.ringTimeout = .seconds(60) }
        let cancel = try #require(run.trace.first { $0.summary == "CANCEL" })
        #expect(cancel.at - VirtualRun.start == .seconds(60))
    }

    @Test func nothingIsSaidAgainstLargeRequests() throws {
        let long = String(repeating: "x", count: 1400)
        for (transport, count) in [(TransportProtocol.udp, UInt64(1)), (.tcp, 0), (.tls, 0)] {
            var uac = try VirtualEnds.uac(
                Array(
                    """
                    <scenario name="large"><send><![CDATA[
                    OPTIONS sip:a@b SIP/2.0
                    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                    From: <sip:a@b>;tag=1
                    To: <sip:a@b>
                    Call-ID: [call_id]
                    CSeq: 1 OPTIONS
                    Subject: \(long)
                    Content-Length: 0

                    ]]></send></scenario>
                    """.utf8), calls: 1
            ) { $0.transport = transport }
            uac.advance(to: VirtualRun.start)
            #expect(uac.engine.counters.largeRequests == count)
        }
    }

    /// Over a stream nothing else says where a message ends (18.3).
    @Test(arguments: [
        ("Content-Length: [len]", true), ("l: 0", true), ("content-length : 0", true), ("[last_Content-Length:]", true),
        ("Subject: Content-Length: 0", false), ("Subject: x", false), ("[routes]\nL: 0", true), ("X-l: 0", false),
    ])
    func aMessageWithoutItsLengthIsNoticed(_ header: String, _ saysLength: Bool) throws {
        let program = try VirtualEnds.program(
            Array(
                """
                <scenario name="length"><send><![CDATA[
                OPTIONS sip:a@b SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                From: <sip:a@b>;tag=1
                To: <sip:a@b>
                Call-ID: [call_id]
                CSeq: 1 OPTIONS
                \(header)

                l: 4 of the body, which does not count
                ]]></send></scenario>
                """.utf8), name: "length.xml", isClient: true)
        #expect(program.linesWithoutLength.isEmpty == saysLength)
    }

    @Test func theStandardScenariosSayTheLengthOfEveryMessage() throws {
        for (text, isClient) in [(StandardScenarios.uac, true), (StandardScenarios.uas, false)] {
            #expect(try VirtualEnds.program(text, name: "x", isClient: isClient).linesWithoutLength.isEmpty)
        }
    }

    // MARK: the answering side

    private static func server(_ transport: TransportProtocol, refusing: Bool = false) throws -> AnsweringServer {
        var configuration = EngineConfiguration(
            run: 0x5E12_7E12, start: VirtualRun.start, sources: [VirtualRun.serverAddress])
        configuration.transport = transport
        var faults = AnswerFaults()
        if refusing { faults.refusals = [AnswerFaults.Refusal(status: 486, share: 1)] }
        return AnsweringServer(
            program: try VirtualEnds.program(StandardScenarios.uas, name: "uas.xml", isClient: false),
            configuration: configuration, faults: faults)
    }

    private static func sent(_ server: inout AnsweringServer, for length: Nanoseconds) -> [(String, SocketAddress)] {
        var now = VirtualRun.start
        var sent: [(String, SocketAddress)] = []
        while now <= VirtualRun.start + length {
            server.advance(to: now)
            for transmit in server.uas.engine.outbox.datagrams {
                let bytes = server.uas.engine.outbox.bytes.storage[transmit.start..<transmit.start + transmit.count]
                let one = VirtualRun.Sent(at: now, from: .server, bytes: Array(bytes))
                sent.append((one.summary, transmit.destination))
            }
            server.uas.engine.outbox.removeAll()
            if server.deadline == .distantFuture { break }
            now = max(now, server.deadline)
        }
        return sent
    }

    /// 13.3.1.4: the 2xx is the core's, on every transport; the others are timer G's.
    @Test(arguments: [(TransportProtocol.tcp, false, 11), (.tcp, true, 1), (.udp, true, 11)])
    func onlyA2xxIsRepeated(_ transport: TransportProtocol, _ refusing: Bool, _ finals: Int) throws {
        var server = try Self.server(transport, refusing: refusing)
        server.handleDatagram(
            Answers.request("INVITE", via: "10.9.9.9:7000").span, from: VirtualRun.clientAddress, at: VirtualRun.start)
        let sent = Self.sent(&server, for: .milliseconds(31_900))
        #expect(sent.filter { $0.0 == (refusing ? "486 INVITE" : "200 INVITE") }.count == finals)
    }

    /// 18.2.2: by the connection it came by, whatever Via says.
    @Test func responsesGoBackByTheirConnection() throws {
        let source = SocketAddress(ipv4: 0x0A00_0001, port: 40_123)
        for (transport, port) in [(TransportProtocol.tcp, UInt16(40_123)), (.udp, 7000)] {
            var server = try Self.server(transport)
            server.handleDatagram(
                Answers.request("INVITE", via: "10.0.0.1:7000").span, from: source, at: VirtualRun.start)
            #expect(Self.sent(&server, for: .zero).allSatisfy { $0.1 == source.withPort(port) })
            server.handleDatagram(
                Answers.request("OPTIONS", via: "10.0.0.1:7000", callID: "o@x").span, from: source, at: VirtualRun.start
            )
            #expect(Self.sent(&server, for: .zero).map(\.1.port) == [port])
        }
    }

    /// Timers D, J and K are zero, L and M are not.
    @Test func onlyCallsWithA2xxLinger() throws {
        let answered = try Self.run { _ in 200 }
        #expect(answered.uac.engine.lingeringCalls == 1)
        let refused = try Self.run { _ in 486 }
        #expect(refused.calls.map(\.outcome) == [.status(486)])
        #expect(refused.uac.engine.lingeringCalls == 0)
        #expect(refused.uac.engine.textBlocksInUse == 0)
        let overUDP = try Self.run({ _ in 486 }, transport: .udp)
        #expect(overUDP.uac.engine.lingeringCalls == 1)
    }

    // MARK: lost connections

    private static func bench(answering: [(Method, UInt16)]) throws -> (UAC, [CallRecord]) {
        var uac = try VirtualEnds.uac(StandardScenarios.uac, calls: 1) {
            $0.transport = .tcp
            $0.hold = .seconds(10)
        }
        uac.advance(to: VirtualRun.start)
        for (method, status) in answering {
            let outbox = uac.engine.outbox
            uac.engine.outbox.removeAll()
            for transmit in outbox.datagrams {
                uac.engine.didSend(transmit, at: VirtualRun.start)
                let bytes = Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count])
                if String(decoding: bytes, as: UTF8.self).hasPrefix("\(method.text)") {
                    uac.handleDatagram(
                        Answers.response(status, to: bytes).span, from: VirtualRun.serverAddress, at: VirtualRun.start)
                }
            }
        }
        uac.engine.outbox.removeAll()
        uac.engine.connectionLost(at: VirtualRun.start + .seconds(1))
        return (uac, uac.engine.journal.calls)
    }

    @Test func aCallThatWaitsForItsAnswerIsRefusedWithItsConnection() throws {
        let (uac, rows) = try Self.bench(answering: [])
        #expect(rows.map(\.outcome) == [.refused])
        #expect(uac.engine.openCalls == 0 && uac.engine.outbox.isEmpty)
        let (_, ringing) = try Self.bench(answering: [(.invite, 180)])
        #expect(ringing.map(\.outcome) == [.refused])
    }

    /// A dialog is not its connection: the BYE takes another (18.1.1).
    @Test func aCallThatIsHeldOutlivesItsConnection() throws {
        var (uac, rows) = try Self.bench(answering: [(.invite, 200)])
        #expect(rows.isEmpty && uac.engine.openCalls == 1)
        uac.engine.setSource(0, to: SocketAddress(ipv4: 0x0A00_0001, port: 40_001))
        uac.advance(to: VirtualRun.start + .seconds(10))
        #expect(uac.engine.outbox.datagrams.count == 1)
    }

    @Test func aMessageWithoutAConnectionEndsItsCall() throws {
        var uac = try VirtualEnds.uac(StandardScenarios.uac, calls: 1) { $0.transport = .tcp }
        uac.advance(to: VirtualRun.start)
        let transmit = try #require(uac.engine.outbox.datagrams.first)
        uac.engine.couldNotSend(transmit, at: VirtualRun.start)
        #expect(uac.engine.journal.calls.map(\.outcome) == [.refused])
        #expect(uac.engine.journal.calls[0].sent == nil)
        // It is no fault of this host's.
        #expect(uac.engine.counters.sendErrors == 0)
    }

    // MARK: a connection for each call

    @Test func everyCallHasTheSourceItIsGivenUntilItEnds() throws {
        var uac = try VirtualEnds.uac(StandardScenarios.uac, rate: 1000, calls: 3) {
            $0.transport = .tcp
            $0.hasSourcePerCall = true
        }
        let now = VirtualRun.start + .seconds(1)
        var references: [CallReference] = []
        for key in [UInt16(4), 9] {
            #expect(uac.isCallDue(at: now))
            uac.engine.setSource(key, to: SocketAddress(ipv4: 0x0A00_0001, port: 40_000 + key))
            let reference = uac.placeNext(from: key, at: now)
            references.append(try #require(reference))
        }
        #expect(uac.engine.outbox.datagrams.map(\.source) == [4, 9])
        let unplaced = uac.placeNext(from: nil, at: now)
        #expect(unplaced == nil)
        #expect(uac.engine.journal.calls.map(\.outcome) == [.unsent])
        #expect(!uac.isCallDue(at: now) && !uac.isOffering)
        uac.engine.connectionLost(of: references[1], at: now)
        #expect(uac.engine.releasedSources == [9])
        // Once more changes nothing: the call has ended.
        uac.engine.connectionLost(of: references[1], at: now)
        #expect(uac.engine.releasedSources == [9] && uac.engine.openCalls == 1)
    }
}

/// Requests, and responses to them.
enum Answers {
    static func request(_ method: String, via: String, callID: String = "a@x") -> [UInt8] {
        Array(
            """
            \(method) sip:service@10.0.0.2:5060 SIP/2.0\r
            Via: SIP/2.0/TCP \(via);branch=z9hG4bK\(method)\r
            Max-Forwards: 70\r
            From: <sip:a@10.0.0.1>;tag=f1\r
            To: <sip:service@10.0.0.2>\r
            Call-ID: \(callID)\r
            CSeq: 1 \(method)\r
            Contact: <sip:a@10.0.0.1:5060>\r
            Content-Length: 0\r
            \r

            """.utf8)
    }

    static func response(_ status: UInt16, to request: [UInt8]) -> [UInt8] {
        var index = MessageIndex()
        try? index.parse(request.span)
        var text = "SIP/2.0 \(status) X\r\n"
        for header in index.headers {
            switch header.name {
            case .via, .from, .callID, .cseq, .to:
                text += String(decoding: request[header.nameRange.bounds], as: UTF8.self) + ": "
                text += String(decoding: request[header.value.bounds], as: UTF8.self)
                text += header.name == .to && index.toTag.isEmpty ? ";tag=srv\r\n" : "\r\n"
            case _: continue
            }
        }
        return Array((text + "Contact: <sip:srv@10.0.0.2:5060>\r\nContent-Length: 0\r\n\r\n").utf8)
    }
}
