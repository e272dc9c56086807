import CLinuxNet
import Datagrams
import Glibc

/// One UDP socket, bound and non-blocking, that sends and receives in batches.
///
/// All memory is allocated at start. It never waits (`Poller` does), never retries a full queue by itself, and never
/// cuts a datagram short without counting it. One thread uses it.
package struct UDPSocket: ~Copyable {
    package struct Options: Sendable {
        /// Bytes asked for; the kernel may grant less (`receiveBuffer`, `sendBuffer` of the socket).
        package var receiveBuffer = 4 << 20
        package var sendBuffer = 4 << 20
        /// Hand over the IP options of what arrives: `withOptions(of:)`.
        package var receivesOptions = false

        /// Runs of datagrams of one size leave as one message, where they carry no tag.
        package var segments = false

        /// The kernel's stamps: of everything received (`ReceivedDatagram.arrivedAt`), and of each datagram sent that wants
        /// one (`drainErrorQueue`). They start a few milliseconds later (`KernelStamps.withGrant`).
        package var stamps = false

        /// How long `receive(waits: true)` waits for the first datagram, in the kernel's coarse ticks. Nil: it never waits.
        package var receivePatience: Nanoseconds?

        package init() {}
    }

    /// After binding, with the real port.
    package let localAddress: SocketAddress
    /// What the kernel granted, by its own count: twice the bytes asked for, because its bookkeeping is part of it.
    package let receiveBuffer: Int
    package let sendBuffer: Int
    /// Datagrams dropped because the receive queue was full, as of the last datagram received. `countDrops()` asks for
    /// those after it.
    package private(set) var droppedByKernel: UInt64 = 0
    /// Calls to receive that failed for another reason than an empty queue or an ICMP error.
    package private(set) var receiveErrors: UInt64 = 0
    /// A receive met an ICMP error; `drainErrors` tells which.
    package private(set) var hasErrors = false

    private let descriptor: SocketDescriptor
    private var outgoing: OutgoingBatch
    private var framing: ControlMessageFraming
    private var incoming: IncomingBatch
    private var errors: ErrorQueue
    /// The kernel's own counter, which has 32 bits.
    private var lastDropCounter: UInt32 = 0

    package init(binding address: SocketAddress, options: Options = Options()) throws(SystemError) {
        let descriptor = try SocketDescriptor(family: address.kernelFamily, type: Int32(SOCK_DGRAM.rawValue))
        try descriptor.set(SO_RXQ_OVFL, level: SOL_SOCKET, to: 1)
        switch address.family {
        case .ipv4:
            try descriptor.set(Int32(IP_RECVERR), level: ipLevel, to: 1)
            if options.receivesOptions { try descriptor.set(Int32(IP_RECVOPTS), level: ipLevel, to: 1) }
        case .ipv6:
            // Without this an IPv4 peer would appear as a mapped address, for which the kernel ignores the IPv6 tag.
            try descriptor.set(Int32(IPV6_V6ONLY), level: ipv6Level, to: 1)
            try descriptor.set(Int32(IPV6_RECVERR), level: ipv6Level, to: 1)
            if options.receivesOptions { try descriptor.set(Int32(IPV6_RECVDSTOPTS), level: ipv6Level, to: 1) }
        }
        let receiveBuffer = try descriptor.setBuffer(SO_RCVBUF, forced: SO_RCVBUFFORCE, bytes: options.receiveBuffer)
        let sendBuffer = try descriptor.setBuffer(SO_SNDBUF, forced: SO_SNDBUFFORCE, bytes: options.sendBuffer)
        if options.stamps {
            try kernelResult("setsockopt(SO_TIMESTAMPING)", clinuxnet_enable_stamps(descriptor.number))
        }
        if let patience = options.receivePatience {
            try kernelResult("setsockopt", clinuxnet_let_receive_wait(descriptor.number, patience.rawValue))
        }
        try descriptor.bind(to: address)
        localAddress = try descriptor.localAddress()
        self.receiveBuffer = receiveBuffer
        self.sendBuffer = sendBuffer
        self.descriptor = descriptor
        outgoing = OutgoingBatch(
            segments: options.segments, stamps: options.stamps ? KernelStamps.numbering : nil)
        framing = ControlMessageFraming()
        incoming = IncomingBatch()
        errors = ErrorQueue()
    }

    /// For `Poller`. Stays this socket's own.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Hands `outbox.datagrams[index...]` to the kernel, in order. Stops early where the send queue is full.
    package mutating func send(
        _ outbox: borrowing Outbox, from index: Int = 0, tag: TagOptions? = nil
    ) -> SendResult {
        outgoing.send(outbox, from: index, tag: tag, framing: &framing, through: descriptor.number)
    }

    /// Whether runs of datagrams leave as segments: asked for, and so far not refused by the kernel.
    package var segments: Bool { outgoing.segments }

    /// The datagrams the kernel refused in the last `send`.
    package var rejections: [Rejection] { outgoing.rejections }

    /// Takes what has arrived, at most `batchCapacity` datagrams, and returns how many. They stay readable until the
    /// next call.
    ///
    /// - Parameter waits: for the first datagram, `Options.receivePatience` long. A worker with nothing else to do waits
    ///   cheaper here than in a `Poller`: one system call instead of two, and no timer to set up.
    package mutating func receive(waits: Bool = false) -> Int {
        // Each round but the last consumes a pending ICMP error, which nobody waits after, or is interrupted.
        var waits = waits
        for _ in 0..<Self.receiveAttempts {
            let received = incoming.receive(from: descriptor.number, waits: waits)
            if received >= 0 {
                if let counter = incoming.dropCounter { note(dropCounter: counter) }
                return Int(received)
            }
            switch -received {
            case EAGAIN: return 0
            case EINTR: continue
            case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENOPROTOOPT, EPROTO, EMSGSIZE, EOPNOTSUPP, EACCES:
                hasErrors = true
                waits = false
                continue
            default:
                receiveErrors += 1
                return 0
            }
        }
        return 0
    }

    package static let batchCapacity = IncomingBatch.capacity
    private static let receiveAttempts = 64

    /// Datagram `i` of the last `receive`. The bytes are good for the length of the call.
    package func withDatagram<R, E: Error>(
        _ i: Int, _ body: (borrowing Span<UInt8>, ReceivedDatagram) throws(E) -> R
    ) throws(E) -> R {
        try incoming.withDatagram(i, body)
    }

    /// The IPv4 option area, or the IPv6 destination-options header, that came with datagram `i`; empty where none did
    /// or `Options.receivesOptions` was off.
    package func withOptions<R>(of i: Int, _ body: (borrowing Span<UInt8>) -> R) -> R {
        incoming.withOptions(of: i, body)
    }

    /// Datagrams that arrived longer than a receive buffer.
    package var truncated: UInt64 { incoming.truncated }

    /// Asks the kernel for its drop counter now: the count that comes with datagrams lags by those dropped since the
    /// last one that was queued.
    package mutating func countDrops() -> UInt64 {
        var counter: UInt32 = 0
        if clinuxnet_socket_drops(descriptor.number, &counter) == 0 { note(dropCounter: counter) }
        return droppedByKernel
    }

    /// Reads every ICMP error that has come in, with as much of the datagram's payload as ICMP quoted. Until they are
    /// read, `Poller` keeps reporting `.errors`.
    package mutating func drainErrors(_ body: (ICMPError, borrowing Span<UInt8>) -> Void) -> Int {
        var count = 0
        _ = drainErrorQueue { entry, payload in
            switch entry {
            case .unreachable(let error):
                count += 1
                body(error, payload)
            case .transmitted: break
            }
        }
        return count
    }

    /// The same with the transmit stamps between them.
    package mutating func drainErrorQueue(_ body: (ErrorQueueEntry, borrowing Span<UInt8>) -> Void) -> Int {
        hasErrors = false
        return errors.drain(descriptor.number, ledger: &outgoing.ledger, body)
    }

    /// Reads the transmit stamps of what has been sent, if any is still to come. Most have come when `send` returns.
    package mutating func drainStamps(_ body: (ErrorQueueEntry, borrowing Span<UInt8>) -> Void) {
        _ = errors.drain(descriptor.number, ledger: &outgoing.ledger, awaitedOnly: true, body)
    }

    package var awaitsStamps: Bool { outgoing.ledger.awaited > 0 }
    /// Transmit stamps that never came, as of `giveUpOldStamps`, which is called once a second.
    package var missingStamps: UInt64 { outgoing.ledger.missing }
    package mutating func giveUpOldStamps() { outgoing.ledger.giveUpOld() }

    private mutating func note(dropCounter counter: UInt32) {
        (droppedByKernel, lastDropCounter) = Self.total(droppedByKernel, last: lastDropCounter, now: counter)
    }

    /// The running total of a 32-bit counter that wraps. A reading a little behind the last one is an old one: the
    /// count that came with a datagram, read after the kernel was asked.
    package static func total(_ total: UInt64, last: UInt32, now: UInt32) -> (total: UInt64, last: UInt32) {
        let grown = now &- last
        return grown < 1 << 31 ? (total + UInt64(grown), now) : (total, last)
    }
}
