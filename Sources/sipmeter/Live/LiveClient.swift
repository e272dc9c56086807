import Datagrams
import Glibc
import LiveView
import UDPTransport

/// One connection of somebody who looks: one request, one response, and never more kept for it than one of each.
final class LiveClient {
    private enum Stage {
        case reading
        /// The response goes out.
        case writing
        /// Events follow, as they come.
        case streaming
        /// Everything has left; until the other side closes, or a little later.
        case closing
        case gone
    }

    /// The head must be here by then, the response gone, an event taken: whoever is slower is dropped.
    static let requestLimit = Nanoseconds.seconds(5)
    static let responseLimit = Nanoseconds.seconds(10)
    private static let closingLimit = Nanoseconds.seconds(1)
    /// A connection through a proxy is cut when it is silent for long.
    private static let beat = Nanoseconds.seconds(15)

    private let descriptor: Int32
    private var stage = Stage.reading
    private var received: [UInt8] = []
    private var outgoing: ArraySlice<UInt8> = []
    private var deadline: MonotonicInstant
    private var endsAfterwards = true
    /// The other side may still say something.
    private var hears = true
    private var seenVersion: UInt64?
    private var lastSent: MonotonicInstant

    init(adopting descriptor: Int32, at now: MonotonicInstant) {
        self.descriptor = descriptor
        deadline = now + Self.requestLimit
        lastSent = now
    }

    deinit { close(descriptor) }

    var isGone: Bool { if case .gone = stage { true } else { false } }
    var isIdleStream: Bool { if case .streaming = stage { outgoing.isEmpty } else { false } }

    var poll: pollfd {
        var events = hears ? Int16(POLLIN) : 0
        if !outgoing.isEmpty { events |= Int16(POLLOUT) }
        return pollfd(fd: descriptor, events: events, revents: 0)
    }

    /// - Parameter answer: makes the response to a head, once.
    func serve(_ revents: Int16, at now: MonotonicInstant, answer: (HTTPRequest) -> LiveServer.Answer) {
        if revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { read(at: now, answer) }
        if revents & Int16(POLLOUT) != 0 { flush(at: now) }
        if now >= deadline { giveUp(at: now) }
    }

    /// The newest event, unless the last one has not been taken yet: then the next will be newer.
    func offer(_ event: [UInt8], version: UInt64, isLast: Bool, at now: MonotonicInstant) {
        guard waits(for: version) else { return }
        seenVersion = version
        endsAfterwards = isLast
        push(event, at: now)
    }

    /// It follows, and has not been told of this version.
    func waits(for version: UInt64) -> Bool { isIdleStream && version != seenVersion }

    func keepAlive(at now: MonotonicInstant) {
        guard isIdleStream, now - lastSent >= Self.beat else { return }
        push(Array(": still here\n\n".utf8), at: now)
    }

    private func push(_ bytes: [UInt8], at now: MonotonicInstant) {
        outgoing = bytes[...]
        deadline = now + Self.responseLimit
        flush(at: now)
    }

    func refuse(_ response: [UInt8], at now: MonotonicInstant) { send(response, thenEnds: true, at: now) }

    private func read(at now: MonotonicInstant, _ answer: (HTTPRequest) -> LiveServer.Answer) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        if count <= 0 {
            // Half closed is closed: who has sent its request and shuts its side still gets the response.
            if count == 0, case .writing = stage { hears = false } else { stage = .gone }
            return
        }
        // What comes after the head is of no interest to anybody.
        guard case .reading = stage else { return }
        received.append(contentsOf: bytes.prefix(count))
        do throws(HTTPRequest.Refusal) {
            guard let request = try HTTPRequest.parse(received) else { return }
            switch answer(request) {
            case .response(let response): send(response, thenEnds: true, at: now)
            case .stream(let head):
                stage = .streaming
                send(head, thenEnds: false, at: now)
            }
        } catch {
            send(HTTPResponse.refusal(error), thenEnds: true, at: now)
        }
    }

    private func send(_ bytes: [UInt8], thenEnds: Bool, at now: MonotonicInstant) {
        received = []
        if thenEnds { stage = .writing }
        endsAfterwards = thenEnds
        outgoing = bytes[...]
        deadline = now + Self.responseLimit
        flush(at: now)
    }

    private func flush(at now: MonotonicInstant) {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            if count <= 0 {
                stage = .gone
                return
            }
            outgoing = outgoing.dropFirst(count)
        }
        lastSent = now
        if endsAfterwards {
            // Closed at once, unread bytes would make the kernel take the response back.
            shutdown(descriptor, Int32(SHUT_WR))
            stage = .closing
            deadline = now + Self.closingLimit
        } else {
            deadline = .distantFuture
        }
    }

    private func giveUp(at now: MonotonicInstant) {
        if case .reading = stage {
            let sentence = "The request did not come within \(DecimalSeconds.text(Self.requestLimit))."
            send(HTTPResponse.refusal(408, sentence), thenEnds: true, at: now)
        } else {
            stage = .gone
        }
    }
}

private enum DecimalSeconds {
    static func text(_ length: Nanoseconds) -> String { "\(length.rawValue / 1_000_000_000) s" }
}
