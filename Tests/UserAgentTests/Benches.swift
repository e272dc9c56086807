import Datagrams
import Observations
import SIP
import Scenarios
import Simulation
import UserAgent

/// A UAC alone on virtual time: the test is its network and its peer.
struct ClientBench {
    var uac: UAC
    var now = VirtualRun.start
    private(set) var sent: [VirtualRun.Sent] = []
    private(set) var rows: [CallRecord] = []
    private(set) var responseTimes: [NamedResponseTime] = []
    private(set) var retransmissions: [RetransmissionRecord] = []
    /// What the scenario logged: `log: text`.
    private(set) var notes: [String] = []
    /// Datagrams of these numbers (from 0) are refused by the kernel: never reported as sent.
    var refused: Set<Int> = []

    init(_ uac: UAC) {
        self.uac = uac
        advance(by: .zero)
    }

    /// Lets this much time pass, stopping at every deadline.
    mutating func advance(by length: Nanoseconds) {
        let end = now + length
        while true {
            uac.advance(to: now)
            collect()
            let next = uac.deadline
            if next > end {
                now = end
                return
            }
            now = max(now, next)
        }
    }

    mutating func receive(_ bytes: [UInt8]) {
        uac.handleDatagram(bytes.span, from: VirtualRun.serverAddress, at: now)
        collect()
    }

    /// A response to the last request of this method.
    mutating func answer(_ method: Method, _ status: UInt16, tag: String = "srv", headers: String = "") {
        guard let request = last(method) else { return }
        receive(Self.response(status, to: request, tag: tag, headers: headers))
    }

    mutating func giveUp() {
        uac.stopOffering()
        uac.engine.giveUp(.interrupted, at: now)
        collect()
    }

    func last(_ method: Method) -> [UInt8]? { sent.last { $0.summary == "\(method.text)" }?.bytes }
    var summaries: [String] { sent.map(\.summary) }

    /// `headers` stand after the start line, each with its line end.
    static func response(_ status: UInt16, to request: [UInt8], tag: String = "srv", headers: String = "") -> [UInt8] {
        var index = MessageIndex()
        try? index.parse(request.span)
        let bytes = ReplyingServer.response(status, to: request, index, tag: tag)
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes }
        return bytes[...end] + Array(headers.utf8) + bytes[(end + 1)...]
    }

    private mutating func collect() {
        let outbox = uac.engine.outbox
        uac.engine.outbox.removeAll()
        for transmit in outbox.datagrams {
            if !refused.contains(sent.count) { uac.engine.didSend(transmit, at: now) }
            let bytes = Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count])
            sent.append(VirtualRun.Sent(at: now, from: .client, bytes: bytes))
        }
        rows += uac.engine.journal.calls
        responseTimes += uac.engine.journal.responseTimes
        retransmissions += uac.engine.journal.retransmissions
        for note in uac.engine.journal.notes { notes.append("\(note.kind): \(uac.engine.journal.text(of: note))") }
        uac.engine.journal.removeAll()
    }
}

/// An answering server alone on virtual time.
struct ServerBench {
    var server: AnsweringServer
    var now = VirtualRun.start
    private(set) var sent: [VirtualRun.Sent] = []
    private(set) var destinations: [SocketAddress] = []

    init(_ server: AnsweringServer) { self.server = server }

    var summaries: [String] { sent.map(\.summary) }

    mutating func advance(by length: Nanoseconds) {
        let end = now + length
        while true {
            server.advance(to: now)
            collect()
            let next = server.deadline
            if next > end {
                now = end
                return
            }
            now = max(now, next)
        }
    }

    mutating func receive(_ bytes: [UInt8], from source: SocketAddress = VirtualRun.clientAddress) {
        server.handleDatagram(bytes.span, from: source, at: now)
        collect()
    }

    mutating func receive(_ request: SampleRequest, from source: SocketAddress = VirtualRun.clientAddress) {
        receive(request.bytes, from: source)
    }

    private mutating func collect() {
        let outbox = server.uas.engine.outbox
        server.uas.engine.outbox.removeAll()
        for transmit in outbox.datagrams {
            server.uas.engine.didSend(transmit, at: now)
            let bytes = Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count])
            sent.append(VirtualRun.Sent(at: now, from: .server, bytes: bytes))
            destinations.append(transmit.destination)
        }
    }
}

/// A request of a caller, header by header.
struct SampleRequest {
    var method: Method
    var cseq = 1
    var branch = "z9hG4bKone"
    var callID = "a@x"
    var toTag: String?
    var via = "10.0.0.1:5060"
    var rport = true
    var headers = ""

    var bytes: [UInt8] {
        Array(
            """
            \(method.text) sip:service@10.0.0.2:5060 SIP/2.0\r
            Via: SIP/2.0/UDP \(via);branch=\(branch)\(rport ? ";rport" : "")\r
            Max-Forwards: 70\r
            \(headers)From: <sip:a@10.0.0.1>;tag=f1\r
            To: <sip:service@10.0.0.2>\(toTag.map { ";tag=\($0)" } ?? "")\r
            Call-ID: \(callID)\r
            CSeq: \(cseq) \(method.text)\r
            Contact: <sip:a@10.0.0.1:5060>\r
            Content-Length: 0\r
            \r

            """.utf8)
    }
}

/// Small scenarios, written as a tester would.
enum Steps {
    static func scenario(_ steps: String) -> [UInt8] { Array("<scenario name=\"test\">\(steps)</scenario>".utf8) }

    static func request(
        _ method: String, attributes: String = "retrans=\"500\"",
        uri: String = "sip:[service]@[remote_ip]:[remote_port]",
        branch: String = "[branch]", to: String = "", callID: String = "[call_id]", cseq: String = "[cseq]",
        extra: String = ""
    ) -> String {
        """
        <send \(attributes)><![CDATA[
        \(method) \(uri) SIP/2.0
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=\(branch)
        \(extra)From: <sip:t@[local_ip]>;tag=c[call_number]
        To: <sip:[service]@[remote_ip]>\(to)
        Call-ID: \(callID)
        CSeq: \(cseq) \(method)
        Contact: <sip:t@[local_ip]:[local_port]>
        Content-Length: 0

        ]]></send>
        """
    }

    static func response(
        _ status: String, attributes: String = "", tag: String = "", cseq: String = "[last_CSeq:]", extra: String = ""
    ) -> String {
        """
        <send \(attributes)><![CDATA[
        SIP/2.0 \(status)
        [last_Via:]
        \(extra)[last_From:]
        [last_To:]\(tag)
        [last_Call-ID:]
        \(cseq)
        Content-Length: 0

        ]]></send>
        """
    }

    static func client(
        _ steps: String, calls: UInt64 = 1, users: Int = 0, configure: (inout EngineConfiguration) -> Void = { _ in },
        constants: (inout RunConstants) -> Void = { _ in }
    ) throws -> ClientBench {
        ClientBench(
            try VirtualEnds.uac(
                scenario(steps), calls: calls, users: users, configure: configure, constants: constants))
    }

    static func server(
        _ steps: String, configure: (inout EngineConfiguration) -> Void = { _ in },
        constants: (inout RunConstants) -> Void = { _ in }
    ) throws -> ServerBench {
        ServerBench(try VirtualEnds.server(scenario(steps), configure: configure, constants: constants))
    }
}
