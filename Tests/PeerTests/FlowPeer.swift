import Foundation
import Glibc
import Synchronization

/// What is at the other end of a flow: a few words in its file say what it answers, or how it calls.
///
///     peer: INVITE: 100 180 200+sdp, 486 | BYE: 200      to the first INVITE of a call this, to later ones 486
///     caller: INVITE =200 ACK ~50 BYE =200               sends a request, waits for a status or a request, waits 50 ms
///
/// Besides statuses an answer may hold requests in the dialog (`ACK: INFO`) and waits. `+sdp`, `+rr`, `+moved`, `+auth`,
/// `+proxyauth` and `+qop` add to a message; `487:INVITE` answers the INVITE, whatever it was that came.
struct FlowScript: Sendable {
    private var answers: [String: [[String]]] = [:]
    var caller: [String] = []

    init(peer: String, caller: String) {
        for rule in peer.split(separator: "|") {
            let parts = rule.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let method = parts[0].trimmingCharacters(in: .whitespaces)
            answers[method] = parts[1].split(separator: ",").map { $0.split(separator: " ").map(String.init) }
        }
        self.caller = caller.split(separator: " ").map(String.init)
    }

    /// - Parameter number: of this method in its call, from 0.
    func answer(to method: String, number: Int) -> [String] {
        guard let all = answers[method] else { return [] }
        return all[min(number, all.count - 1)]
    }
}

/// A SIP message in as much detail as a peer in a test needs.
private struct PeerMessage {
    let start: String
    private let lines: [Substring]

    init(_ text: String) {
        lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
        start = String(lines.first ?? "")
    }

    var isResponse: Bool { start.hasPrefix("SIP/2.0 ") }
    var method: String { String(start.prefix { $0 != " " }) }
    var status: String { String(start.dropFirst("SIP/2.0 ".count).prefix { $0 != " " }) }

    func headers(_ name: String) -> [String] {
        lines.dropFirst().prefix { !$0.isEmpty }.filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }.map {
            $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
        }
    }

    func header(_ name: String) -> String { headers(name).first ?? "" }
}

/// Answers and calls as a `FlowScript` says, on a thread of its own, and keeps every message that came: of each call in
/// the order of their coming, sent again or not only once.
final class FlowPeer: Sendable {
    private struct Call {
        var id: String
        var received: [String] = []
        var invite: String?
        var counts: [String: Int] = [:]
        /// Own requests in the dialog so far.
        var sent = 0
        /// In place of the first INVITE's, of a call of our own.
        var localTag = "peer"
        /// What came and was not waited for yet.
        var unread: [String] = []
    }

    private let socket: LoopbackSocket
    private let script: FlowScript
    private let calls = Mutex<[Call]>([])
    private let isOver = Atomic(false)

    var port: UInt16 { socket.port }

    private let hasEnded = DispatchSemaphore(value: 0)

    init(_ script: FlowScript, _ socket: LoopbackSocket) {
        self.script = script
        self.socket = socket
        Thread.detachNewThread { [self] in
            while !isOver.load(ordering: .acquiring) {
                guard let (text, source) = socket.receive(within: 20) else { continue }
                handle(text, from: source)
            }
            hasEnded.signal()
        }
    }

    /// Once; then the socket is free for another.
    func stop() {
        isOver.store(true, ordering: .releasing)
        hasEnded.wait()
    }

    /// Of each call what came, in order.
    var received: [[String]] { calls.withLock { $0.map(\.received) } }

    private func handle(_ text: String, from source: UInt16) {
        let message = PeerMessage(text)
        let id = message.header("Call-ID")
        let answer: [String]? = calls.withLock { calls in
            let i = calls.firstIndex { $0.id == id } ?? calls.count
            if i == calls.count { calls.append(Call(id: id)) }
            if calls[i].received.contains(text) { return nil }
            calls[i].received.append(text)
            calls[i].unread.append(message.isResponse ? message.status : message.method)
            if message.isResponse { return nil }
            if message.method == "INVITE" { calls[i].invite = text }
            let number = calls[i].counts[message.method, default: 0]
            calls[i].counts[message.method] = number + 1
            return script.answer(to: message.method, number: number)
        }
        for word in answer ?? [] { act(word, on: message, of: id, to: source) }
    }

    private func act(_ word: String, on message: PeerMessage, of id: String, to port: UInt16) {
        if word.hasPrefix("~") { return pause(word) }
        if word.first?.isNumber == true {
            let parts = word.split(separator: ":")
            let invite = calls.withLock { calls in calls.first { $0.id == id }?.invite }
            let answered = parts.count > 1 ? PeerMessage(invite ?? "") : message
            return socket.send(response(String(parts[0]), to: answered), to: port)
        }
        let number = calls.withLock { calls in
            let i = calls.firstIndex { $0.id == id } ?? 0
            calls[i].sent += 1
            return calls[i].sent
        }
        socket.send(
            request(
                word, to: port, id: id, from: tagged(message.header("To")), to: message.header("From"),
                number: 100 + number), to: port)
    }

    private func pause(_ word: String) { usleep(useconds_t(Int(word.dropFirst()) ?? 0) * 1000) }

    // MARK: messages

    private func tagged(_ to: String) -> String { to.contains(";tag=") ? to : to + ";tag=peer" }

    private func response(_ word: String, to message: PeerMessage) -> String {
        let (status, flags) = split(word)
        var lines = ["SIP/2.0 \(status) \(Self.reasons[status] ?? "Whatever")"]
        lines += message.headers("Via").map { "Via: \($0)" }
        lines += [
            "From: \(message.header("From"))",
            "To: \(status == "100" ? message.header("To") : tagged(message.header("To")))",
            "Call-ID: \(message.header("Call-ID"))", "CSeq: \(message.header("CSeq"))",
        ]
        if status != "100" {
            lines.append(
                "Contact: <sip:\(flags.contains("moved") ? "moved" : "callee")@127.0.0.1:\(port);transport=udp>")
        }
        return finished(lines, flags)
    }

    private func request(_ word: String, to target: UInt16, id: String, from: String, to: String, number: Int) -> String
    {
        let (method, flags) = split(word)
        let branch = method == "ACK" || method == "CANCEL" ? "INVITE" : method
        var lines = [
            "\(method) sip:sut@127.0.0.1:\(target) SIP/2.0",
            "Via: SIP/2.0/UDP 127.0.0.1:\(port);branch=z9hG4bK-peer-\(branch)-\(number)", "Max-Forwards: 70",
            "From: \(from)", "To: \(to)", "Call-ID: \(id)", "CSeq: \(number) \(method)",
            "Contact: <sip:caller@127.0.0.1:\(port)>",
        ]
        if method == "NOTIFY" { lines += ["Event: presence", "Subscription-State: active"] }
        return finished(lines, flags)
    }

    private func split(_ word: String) -> (String, Set<Substring>) {
        let parts = word.split(separator: "+")
        return (String(parts[0]), Set(parts.dropFirst()))
    }

    private func finished(_ lines: [String], _ flags: Set<Substring>) -> String {
        var lines = lines
        if flags.contains("rr") {
            lines += [
                "Record-Route: <sip:127.0.0.1:\(port);lr;hop=1>", "Record-Route: <sip:127.0.0.1:\(port);lr;hop=2>",
            ]
        }
        let challenge = "Digest realm=\"peer\", nonce=\"0123456789abcdef\", algorithm=MD5"
        if flags.contains("auth") { lines.append("WWW-Authenticate: \(challenge)") }
        if flags.contains("qop") { lines.append("WWW-Authenticate: \(challenge), qop=\"auth\"") }
        if flags.contains("proxyauth") { lines.append("Proxy-Authenticate: \(challenge)") }
        var body = ""
        if flags.contains("sdp") {
            body =
                "v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
            lines.append("Content-Type: application/sdp")
        }
        lines += ["Content-Length: \(body.utf8.count)", "", body]
        return lines.joined(separator: "\r\n")
    }

    private static let reasons = [
        "100": "Trying", "180": "Ringing", "183": "Session Progress", "200": "OK", "202": "Accepted",
        "302": "Moved Temporarily", "401": "Unauthorized", "407": "Proxy Authentication Required", "486": "Busy Here",
        "487": "Request Terminated",
    ]

    // MARK: calling

    /// Goes through the script's calls, one after another.
    func placeCalls(_ count: Int, to target: UInt16) async throws {
        for number in 1...count {
            let id = "call-\(number)@peer"
            calls.withLock { $0.append(Call(id: id)) }
            for word in script.caller {
                if word.hasPrefix("~") {
                    try await Task.sleep(for: .milliseconds(Int(word.dropFirst()) ?? 0))
                } else if word.hasPrefix("=") {
                    try await wait(for: String(word.dropFirst()), of: id)
                } else {
                    send(word, of: id, call: number, to: target)
                }
            }
        }
    }

    private func wait(for what: String, of id: String) async throws {
        try await until("\(what) of \(id)", within: .seconds(10)) {
            calls.withLock { calls in
                guard let i = calls.firstIndex(where: { $0.id == id }),
                    let place = calls[i].unread.firstIndex(of: what)
                else { return false }
                calls[i].unread.remove(at: place)
                return true
            }
        }
    }

    private func send(_ word: String, of id: String, call: Int, to target: UInt16) {
        let (method, _) = split(word)
        let (to, number): (String, Int) = calls.withLock { calls in
            guard let i = calls.firstIndex(where: { $0.id == id }) else { return ("", 0) }
            let isNew = method != "ACK" && method != "CANCEL"
            if isNew { calls[i].sent += 1 }
            // The other side's tag, once it has said it. A CANCEL's To is the INVITE's.
            let answer = calls[i].received.map(PeerMessage.init).last { $0.header("To").contains(";tag=") }
            let plain = "<sip:sut@127.0.0.1:\(target)>"
            return (method == "CANCEL" ? plain : answer?.header("To") ?? plain, calls[i].sent)
        }
        let from = "\"Peer\" <sip:peer@127.0.0.1:\(port)>;tag=peer\(call)"
        socket.send(request(word, to: target, id: id, from: from, to: to, number: number), to: target)
    }
}
