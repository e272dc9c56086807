import Authentication
import Datagrams
import Digests
import Glibc
import LiveView
import LoadRun
import StreamTransport
import Synchronization
import UDPTransport

/// The HTTP server of `--http`, on a thread of its own. It reads the board and nothing else: a client that is slow, silent or
/// gone costs it a buffer and a deadline, and the run nothing.
///
/// Our own, and small: who may look, and for how long it may take, is decided before anything else is known of a request;
/// an ordinary server library decides that last, or leaves it to whoever uses it.
final class LiveServer: Sendable {
    enum Answer {
        case response([UInt8])
        /// This head, and then events.
        case stream([UInt8])
    }

    /// More look at the same time only by mistake.
    private static let mostClients = 32
    private static let tickMilliseconds: Int32 = 200
    /// At the end, for responses on their way.
    private static let farewell = Nanoseconds.milliseconds(500)

    let address: SocketAddress
    private let board: LiveBoard
    private let rules: HTTPRules
    private let policy: String
    private let isOver = Atomic(false)
    private let thread = Mutex<WorkerThread?>(nil)

    init(_ asked: LiveAddress, _ board: LiveBoard) throws {
        let listener = Mutex<StreamListener?>(try asked.listen())
        address = listener.withLock { $0?.localAddress ?? asked.address }
        self.board = board
        rules = HTTPRules(listeningAt: address, name: asked.name) { NameResolution.numeric($0) }
        policy = LivePage.policy(
            scriptDigest: Self.digest(LivePage.script), styleDigest: Self.digest(LivePage.style))
        let started = try WorkerThread(name: "sipmeter-http") { [self] in
            WorkerThread.askForShortSlices()
            WorkerThread.beNice()
            if let listener = listener.withLock({ $0.take() }) { serve(listener) }
        }
        thread.withLock { $0 = started }
    }

    /// As it is typed into a browser.
    var url: String {
        let host = address.isUnspecified ? (address.family == .ipv4 ? "127.0.0.1" : "[::1]") : address.hostInURI
        return "http://\(host):\(address.port)/"
    }

    /// Those who follow get the last event first.
    func stop() {
        isOver.store(true, ordering: .releasing)
        thread.withLock { $0.take() }?.join()
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        var hex = ByteBuffer(capacity: 64)
        guard OpenSSLDigests().function.append(DigestHash.sha256, bytes.span, &hex) else {
            preconditionFailure("OpenSSL without SHA-256")
        }
        let digits = hex.storage[..<hex.count].map { $0 < 58 ? $0 - 48 : $0 - 87 }
        let digest = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        return String(decoding: Base64.encode(digest.span), as: UTF8.self)
    }

    // MARK: the thread

    private func serve(_ listener: consuming StreamListener) {
        var clients: [LiveClient] = []
        var end: MonotonicInstant?
        var canAccept = true
        while true {
            // A descriptor below zero is not looked at.
            let listening = pollfd(
                fd: canAccept ? listener.fileDescriptor : -1, events: Int16(POLLIN), revents: 0)
            var polls = [listening] + clients.map(\.poll)
            _ = poll(&polls, nfds_t(polls.count), Self.tickMilliseconds)
            let now = SystemClock.monotonic()
            for (client, poll) in zip(clients, polls.dropFirst()) {
                client.serve(poll.revents, at: now) { answer($0) }
            }
            tell(clients, at: now)
            clients.removeAll(where: \.isGone)
            canAccept = polls[0].revents == 0 || accept(listener, &clients, at: now)
            guard isOver.load(ordering: .acquiring) else { continue }
            end = end ?? now + Self.farewell
            if clients.isEmpty || now >= end! { return }
        }
    }

    /// False: not now, for the calls of the run have all the descriptors there are. Asked again at once it would be as
    /// before, round and round.
    private func accept(
        _ listener: borrowing StreamListener, _ clients: inout [LiveClient], at now: MonotonicInstant
    ) -> Bool {
        // Bounded: who is here already is served, too.
        for _ in 0..<16 {
            let next: (descriptor: Int32, peer: SocketAddress)?
            do throws(SystemError) { next = try listener.accept() } catch { return false }
            guard let made = next else { return true }
            let client = LiveClient(adopting: made.descriptor, at: now)
            if clients.count < Self.mostClients {
                clients.append(client)
            } else {
                // It is told so once, and closed whether it hears or not.
                client.refuse(
                    HTTPResponse.refusal(503, "\(Self.mostClients) connections are open, and more are not served."),
                    at: now)
            }
        }
        return true
    }

    private func tell(_ clients: [LiveClient], at now: MonotonicInstant) {
        guard clients.contains(where: \.isIdleStream) else { return }
        let version = board.version
        if clients.contains(where: { $0.waits(for: version) }) {
            let state = board.snapshot()
            let event = HTTPResponse.event("state", LiveStateFile.event(state))
            for client in clients {
                client.offer(event, version: state.version, isLast: state.phase == .ended, at: now)
            }
        }
        for client in clients { client.keepAlive(at: now) }
    }

    private func answer(_ request: HTTPRequest) -> Answer {
        switch rules.decide(request) {
        case .refuse(let status, let sentence): return .response(HTTPResponse.refusal(status, sentence))
        case .show(.page, let withBody):
            return .response(
                HTTPResponse.of(
                    LivePage.bytes, type: "text/html; charset=utf-8", withBody: withBody, policy: policy))
        case .show(.metrics, let withBody):
            let text = PrometheusText.text(board.snapshot())
            return .response(
                HTTPResponse.of(Array(text.utf8), type: PrometheusText.contentType, withBody: withBody))
        case .show(.state, let withBody):
            return .response(
                HTTPResponse.of(
                    LiveStateFile.state(board.snapshot()), type: "application/json", withBody: withBody))
        case .show(.events, let withBody):
            return withBody ? .stream(HTTPResponse.eventStreamHead()) : .response(HTTPResponse.eventStreamHead())
        }
    }
}
