import Datagrams
import Glibc
import SIP
import UDPTransport

/// A message that has left whole, and when.
package struct SentMessage: Sendable {
    package var transmit: Transmit
    /// The clock's reading just before the kernel was given its last byte. A message that had to wait for its connection
    /// counts as sent when it began to wait: the setting up is the other side's time, too.
    package var at: MonotonicInstant
}

/// One TCP connection, plain or with TLS: non-blocking, its messages framed.
///
///     append ──► (TLS) ──► wire ──► write                 wire ──► receive ──► (TLS) ──► framer ──► nextMessage
///
/// It never waits, and keeps what the kernel does not take. Whatever ends it is thrown once; then it is to be closed.
package final class StreamConnection {
    private enum Phase { case connecting, shakingHands, open }

    private struct Waiting {
        var transmit: Transmit
        /// Before encryption.
        var count: Int
        /// Of the wire, from the connection's first byte.
        var end: UInt64
        var waitedSince: MonotonicInstant?
    }

    package let peer: SocketAddress
    package private(set) var localAddress: SocketAddress
    package let begunAt: MonotonicInstant
    /// Until the handshakes were done. Nil: they are not, or nobody here saw them begin.
    package private(set) var setUpTime: Nanoseconds?
    /// Messages that left since this was last emptied.
    package var sent: [SentMessage] = []
    /// To be closed as soon as nothing waits.
    package var isEnding = false
    var isWatchedForWriting = false

    private let descriptor: SocketDescriptor
    private var phase: Phase
    private var tls: TLSSession?
    private var framer = StreamFramer()
    /// Messages that wait for the end of the handshakes, as text.
    private var text = ByteBuffer(capacity: 0)
    private var wire = ByteBuffer(capacity: 0)
    /// So much of `wire` the kernel has taken.
    private var taken = 0
    private var takenInAll: UInt64 = 0
    private var wireInAll: UInt64 = 0
    private var waiting: [Waiting] = []
    private var firstWaiting = 0

    /// What may wait for a peer that does not read: at a kilobyte a message 64 thousand of them.
    private static let backlogLimit = 64 << 20

    /// Begins to connect. `source` with port 0: any free one.
    package init(
        to peer: SocketAddress, from source: SocketAddress, tls context: TLSContext?, receiveBuffer: Int? = nil,
        at now: MonotonicInstant
    ) throws(StreamEnd) {
        self.peer = peer
        begunAt = now
        do throws(SystemError) {
            descriptor = try SocketDescriptor(family: peer.kernelFamily, type: Int32(SOCK_STREAM.rawValue))
            try descriptor.set(Int32(TCP_NODELAY), level: Int32(IPPROTO_TCP), to: 1)
            if let receiveBuffer {
                _ = try descriptor.setBuffer(SO_RCVBUF, forced: SO_RCVBUFFORCE, bytes: receiveBuffer)
            }
            if source.port == 0 {
                // The port is chosen with the destination in view: one in TIME_WAIT elsewhere will do.
                try descriptor.set(Int32(IP_BIND_ADDRESS_NO_PORT), level: Int32(IPPROTO_IP), to: 1)
            } else {
                try descriptor.set(SO_REUSEADDR, level: SOL_SOCKET, to: 1)
            }
            try descriptor.bind(to: source)
            phase = try Self.connect(descriptor, to: peer)
            localAddress = try descriptor.localAddress()
        } catch { throw .notAccepted(error) }
        do throws(TLSFailure) { if let context { tls = try TLSSession(context) } } catch { throw .tls(error) }
    }

    /// Adopts a connection that was accepted.
    package init(
        accepted number: Int32, peer: SocketAddress, tls context: TLSContext?, at now: MonotonicInstant
    ) throws(StreamEnd) {
        self.peer = peer
        begunAt = now
        descriptor = SocketDescriptor(adopting: number)
        phase = .open
        do throws(SystemError) {
            try descriptor.set(Int32(TCP_NODELAY), level: Int32(IPPROTO_TCP), to: 1)
            localAddress = try descriptor.localAddress()
        } catch { throw .notAccepted(error) }
        do throws(TLSFailure) {
            if let context {
                tls = try TLSSession(context)
                phase = .shakingHands
            }
        } catch { throw .tls(error) }
    }

    /// On one host it may be there at once: `becomeReady` finds that out all the same.
    private static func connect(_ descriptor: borrowing SocketDescriptor, to peer: SocketAddress) throws(SystemError)
        -> Phase
    {
        do throws(SystemError) {
            try descriptor.connect(to: peer)
        } catch {
            if error.errno != EINPROGRESS { throw error }
        }
        return .connecting
    }

    /// For `StreamPoller`.
    var fileDescriptor: Int32 { descriptor.number }
    package var isOpen: Bool { phase == .open }
    package var isShakingHands: Bool { phase == .shakingHands }
    /// `TLSv1.3, TLS_AES_256_GCM_SHA384`. Nil: plain TCP, or not there yet.
    package var cipherSuite: String? { isOpen ? tls?.cipherSuite : nil }
    /// Everything given to it has left.
    package var isDrained: Bool { taken == wire.count && firstWaiting == waiting.count }
    /// What is to be polled for beside arrivals.
    var wantsWrite: Bool { phase == .connecting || taken < wire.count }

    /// Is polled for what it now waits for.
    package func follow(_ poller: inout StreamPoller, key: Int) {
        if wantsWrite == isWatchedForWriting { return }
        isWatchedForWriting = wantsWrite
        poller.watch(self, key: key, forWriting: wantsWrite)
    }

    // MARK: sending

    /// Takes a message; `write` sends it.
    package func append(
        _ message: borrowing Span<UInt8>, _ transmit: Transmit, at now: MonotonicInstant, _ scratch: StreamScratch
    ) throws(StreamEnd) {
        if phase == .open {
            try encode(message, scratch)
            waiting.append(Waiting(transmit: transmit, count: message.count, end: wireInAll, waitedSince: nil))
        } else {
            text.append(message)
            waiting.append(Waiting(transmit: transmit, count: message.count, end: .max, waitedSince: now))
        }
        let backlog = wire.count - taken + text.count
        if backlog > Self.backlogLimit { throw .notRead(bytes: backlog) }
    }

    private func encode(_ message: borrowing Span<UInt8>, _ scratch: StreamScratch) throws(StreamEnd) {
        let before = wire.count
        if tls == nil {
            wire.append(message)
        } else {
            do throws(TLSFailure) { try tls?.write(message) } catch { throw .tls(error) }
            tls?.takeOutput(scratch.bytes, into: &wire)
        }
        wireInAll += UInt64(wire.count - before)
    }

    /// Gives the kernel what waits; what left whole is in `sent`.
    package func write() throws(StreamEnd) {
        if phase == .connecting { return }
        while taken < wire.count {
            let before = SystemClock.monotonic()
            let count = send(wire.storage.span.extracting(taken..<wire.count))
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                throw .broken(errno)
            }
            taken += count
            takenInAll += UInt64(count)
            noteSent(at: before)
        }
        if taken == wire.count {
            wire.removeAll()
            taken = 0
        } else if taken > 1 << 20 {
            var rest = ByteBuffer(capacity: wire.count - taken)
            rest.append(wire.storage.span.extracting(taken..<wire.count))
            wire = rest
            taken = 0
        }
    }

    private func send(_ bytes: borrowing Span<UInt8>) -> Int {
        bytes.withUnsafeBytes { Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func noteSent(at instant: MonotonicInstant) {
        while firstWaiting < waiting.count, waiting[firstWaiting].end <= takenInAll {
            let message = waiting[firstWaiting]
            sent.append(SentMessage(transmit: message.transmit, at: message.waitedSince ?? instant))
            firstWaiting += 1
        }
        if firstWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            firstWaiting = 0
        }
    }

    /// What was never sent whole.
    package func forEachUnsent(_ body: (Transmit) -> Void) {
        for message in waiting[firstWaiting...] { body(message.transmit) }
    }

    // MARK: receiving

    /// The socket has become writable, or has an error.
    package func becomeReady(at now: MonotonicInstant, _ scratch: StreamScratch) throws(StreamEnd) {
        guard phase == .connecting else { return try write() }
        do throws(SystemError) {
            let code = try descriptor.value(of: SO_ERROR, level: SOL_SOCKET)
            if code != 0 { throw SystemError(call: "connect", subject: peer, errno: code) }
        } catch { throw .notAccepted(error) }
        if tls == nil { return try establish(at: now, scratch) }
        phase = .shakingHands
        try shakeHands(at: now, scratch)
    }

    private func shakeHands(at now: MonotonicInstant, _ scratch: StreamScratch) throws(StreamEnd) {
        var failure: TLSFailure?
        do throws(TLSFailure) { try tls?.shakeHands() } catch { failure = error }
        // Also the alert that tells the other side why.
        let before = wire.count
        tls?.takeOutput(scratch.bytes, into: &wire)
        wireInAll += UInt64(wire.count - before)
        if tls?.isEstablished == true { try establish(at: now, scratch) } else { try write() }
        if let failure { throw .tls(failure) }
    }

    private func establish(at now: MonotonicInstant, _ scratch: StreamScratch) throws(StreamEnd) {
        phase = .open
        setUpTime = now - begunAt
        var from = 0
        let waited = text.storage
        text = ByteBuffer(capacity: 0)
        for i in firstWaiting..<waiting.count {
            try encode(waited.span.extracting(from..<from + waiting[i].count), scratch)
            waiting[i].end = wireInAll
            from += waiting[i].count
        }
        try write()
    }

    /// Reads once. True: there may be more. Messages that are complete come from `nextMessage`; they arrived at the moment
    /// this returned from the kernel, `scratch.readAt`.
    package func receive(_ scratch: StreamScratch) throws(StreamEnd) -> Bool {
        let bytes = scratch.bytes
        let count = recv(descriptor.number, bytes.baseAddress, bytes.count, 0)
        let code = errno
        scratch.readAt = SystemClock.monotonic()
        if count < 0 {
            if code == EAGAIN || code == EINTR { return false }
            throw .broken(code)
        }
        if count == 0 { throw closedByPeer }
        let arrived = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        if tls == nil {
            framer.append(Span(_unsafeBytes: arrived))
        } else {
            tls?.receive(arrived)
            try decrypt(scratch)
        }
        return count == bytes.count
    }

    private var closedByPeer: StreamEnd {
        .closedByPeer(insideMessage: framer.isInsideMessage, duringTLS: phase == .shakingHands)
    }

    private func decrypt(_ scratch: StreamScratch) throws(StreamEnd) {
        if phase == .shakingHands { try shakeHands(at: scratch.readAt, scratch) }
        guard phase == .open else { return }
        while true {
            let count: Int?
            do throws(TLSFailure) { count = try tls?.read(into: scratch.bytes) } catch { throw .tls(error) }
            guard let count else { throw closedByPeer }
            if count == 0 { break }
            framer.append(Span(_unsafeBytes: UnsafeRawBufferPointer(rebasing: scratch.bytes[..<count])))
        }
        // TLS itself may have something to say (a key update).
        let before = wire.count
        tls?.takeOutput(scratch.bytes, into: &wire)
        wireInAll += UInt64(wire.count - before)
        try write()
    }

    /// The next message that is complete, for the length of `body`. False: there is none.
    package func nextMessage(_ body: (borrowing Span<UInt8>) -> Void) throws(StreamEnd) -> Bool {
        let bounds: Range<Int>?
        do throws(StreamFailure) { bounds = try framer.next() } catch { throw .framing(error) }
        guard let bounds else { return false }
        framer.withMessage(bounds, body)
        return true
    }

    /// Answers the keep-alives that came (RFC 5626, 4.4.1).
    package func answerPings(_ scratch: StreamScratch) throws(StreamEnd) {
        let pings = framer.takePings()
        if pings == 0 || phase != .open { return }
        for _ in 0..<pings { try encode([13, 10].span, scratch) }
        try write()
    }

    /// Says goodbye where TLS has a word for it, and closes; what still waits is lost.
    package func close(_ scratch: StreamScratch) {
        tls?.close()
        tls?.takeOutput(scratch.bytes, into: &wire)
        // The other side may be gone: then nobody misses it.
        if taken < wire.count { _ = send(wire.storage.span.extracting(taken..<wire.count)) }
        shutdown(descriptor.number, Int32(SHUT_WR))
    }
}

/// What the connections of one thread read into.
package final class StreamScratch {
    let bytes: UnsafeMutableRawBufferPointer
    /// When the last read returned.
    package fileprivate(set) var readAt = MonotonicInstant(nanoseconds: 0)

    package init() { bytes = .allocate(byteCount: 128 << 10, alignment: 64) }
    deinit { bytes.deallocate() }
}
