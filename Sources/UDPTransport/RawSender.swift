import CLinuxNet
import Datagrams
import Glibc

/// Sends UDP over IPv4 through a raw socket, writing both headers itself, from as many source addresses as it is given.
///
/// It never receives: bind a `UDPSocket` to the same port for the answers, which also keeps the kernel from refusing
/// them by ICMP. Datagrams are never fragmented (DF). Needs CAP_NET_RAW.
package struct RawSender: ~Copyable {
    private let descriptor: SocketDescriptor
    private var outgoing: OutgoingBatch
    private var framing: HeaderFraming
    private var errors: ErrorQueue
    /// What the kernel granted, by its own count.
    package let sendBuffer: Int

    /// `Transmit.source` is an index into `sources`. They must be IPv4, with a port, and not 0.0.0.0: the checksum
    /// covers them.
    package init(sources: [SocketAddress], sendBuffer: Int = 4 << 20, stamps: Bool = false) throws(SystemError) {
        for source in sources where source.family != .ipv4 {
            throw SystemError(call: "send raw from", subject: source, errno: EAFNOSUPPORT)
        }
        for source in sources where source.isUnspecified || source.port == 0 {
            throw SystemError(call: "send raw from", subject: source, errno: EADDRNOTAVAIL)
        }
        precondition(!sources.isEmpty, "a raw sender needs a source address")
        // IPPROTO_RAW implies IP_HDRINCL (raw(7)).
        let descriptor = try SocketDescriptor(
            family: AF_INET, type: Int32(SOCK_RAW.rawValue), protocol: Int32(IPPROTO_RAW))
        let granted = try descriptor.setBuffer(SO_SNDBUF, forced: SO_SNDBUFFORCE, bytes: sendBuffer)
        if stamps { try kernelResult("setsockopt(SO_TIMESTAMPING)", clinuxnet_enable_stamps(descriptor.number)) }
        self.sendBuffer = granted
        self.descriptor = descriptor
        outgoing = OutgoingBatch(stamps: stamps ? KernelStamps.numbering : nil)
        framing = HeaderFraming(sources: sources)
        errors = ErrorQueue()
    }

    /// For `Poller`. Stays this sender's own.
    package var fileDescriptor: Int32 { descriptor.number }

    /// As `UDPSocket.send`. A datagram for an IPv6 destination, and one too long for the headers, is rejected.
    package mutating func send(
        _ outbox: borrowing Outbox, from index: Int = 0, tag: TagOptions? = nil
    ) -> SendResult {
        outgoing.send(outbox, from: index, tag: tag, framing: &framing, through: descriptor.number)
    }

    /// As `UDPSocket.drainStamps`.
    package mutating func drainStamps(_ body: (ErrorQueueEntry, borrowing Span<UInt8>) -> Void) {
        _ = errors.drain(descriptor.number, ledger: &outgoing.ledger, awaitedOnly: true, body)
    }

    package var awaitsStamps: Bool { outgoing.ledger.awaited > 0 }
    package var missingStamps: UInt64 { outgoing.ledger.missing }
    package mutating func giveUpOldStamps() { outgoing.ledger.giveUpOld() }

    /// The datagrams refused in the last `send`.
    package var rejections: [Rejection] { outgoing.rejections }
}

/// The raw socket's framing: IPv4 and UDP headers as a first piece before the payload.
struct HeaderFraming: DatagramFraming, ~Copyable {
    private let sources: [SocketAddress]
    private let option = CallTagOption()
    private var identification: UInt16 = 0

    init(sources: [SocketAddress]) { self.sources = sources }

    mutating func frame(
        _ transmit: Transmit, payload: UnsafeRawBufferPointer, tag options: TagOptions?,
        item: UnsafeMutablePointer<clinuxnet_outgoing>, header: UnsafeMutablePointer<msghdr>
    ) -> Int32 {
        if transmit.destination.family != .ipv4 { return EAFNOSUPPORT }
        let headers = UnsafeMutableRawPointer(clinuxnet_header_bytes(item)!)
        var isTagged = false
        if let options, let tag = transmit.tag {
            isTagged = option.writeIPv4(tag, type: options.type, of: payload, to: headers + 20)
        }
        if payload.count > IPv4UDPHeaders.payloadLimit(isTagged: isTagged) { return EMSGSIZE }
        // Zero would make the kernel choose one.
        identification = identification == .max ? 1 : identification + 1
        item.pointee.headers.iov_len = IPv4UDPHeaders.write(
            from: sources[Int(transmit.source)], to: transmit.destination, identification: identification,
            isTagged: isTagged, payload: payload, into: headers)
        header.pointee.msg_iov = clinuxnet_pieces(item)
        header.pointee.msg_iovlen = 2
        header.pointee.msg_controllen = 0
        return 0
    }
}
