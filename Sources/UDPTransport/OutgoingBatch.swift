import CLinuxNet
import Datagrams
import Glibc

/// linux/udp.h.
private let udpSegment: Int32 = 103

/// What stands around a payload on its way into the kernel: a control message, or headers of our own.
protocol DatagramFraming: ~Copyable {
    /// Fills everything in `item` and `header` but the payload. Returns 0, or the errno of a datagram that cannot be
    /// sent this way.
    mutating func frame(
        _ transmit: Transmit, payload: UnsafeRawBufferPointer, tag: TagOptions?,
        item: UnsafeMutablePointer<clinuxnet_outgoing>, header: UnsafeMutablePointer<msghdr>
    ) -> Int32
}

/// The message headers of one `sendmmsg`, allocated once. Payloads are not copied: the kernel reads them in the outbox.
struct OutgoingBatch: ~Copyable {
    private let messages: UnsafeMutablePointer<clinuxnet_mmsghdr>
    private let items: UnsafeMutablePointer<clinuxnet_outgoing>
    /// How many datagrams each message carries.
    private var spans: [Int]
    /// What the messages that carry several are put together from.
    private let pieces: UnsafeMutablePointer<iovec>
    private var piecesUsed = 0
    /// Several datagrams of one size to one destination leave as one message, which the kernel cuts up again
    /// (UDP_SEGMENT): a sixth of the cost of single ones. Only without a tag, for every segment would carry the same one.
    ///
    /// A capture on a device that takes segments as they are (lo, veth) shows the message before it is cut up.
    private(set) var segments: Bool
    private(set) var rejections: [Rejection] = []
    var ledger: StampLedger
    /// Whether each message asks for its transmit stamp.
    private var asks: [Bool]

    static let capacity = Outbox.flushThreshold
    /// UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT at all (4.18).
    private static let segmentLimit = 64
    /// The largest UDP payload over IPv4 (65,535 - 20 - 8).
    private static let payloadLimit = 65_507
    private static let pieceCapacity = capacity + 3 * segmentLimit

    init(segments: Bool = false, stamps: StampLedger.Numbering? = nil) {
        self.segments = segments
        ledger = StampLedger(isOn: stamps != nil, numbering: stamps ?? .chosen)
        asks = [Bool](repeating: false, count: Self.capacity)
        spans = [Int](repeating: 1, count: Self.capacity)
        messages = .allocate(capacity: Self.capacity)
        items = .allocate(capacity: Self.capacity)
        pieces = .allocate(capacity: Self.pieceCapacity)
        clinuxnet_wire_outgoing(messages, items, UInt32(Self.capacity))
        rejections.reserveCapacity(Self.capacity)
    }

    deinit {
        messages.deallocate()
        items.deallocate()
        pieces.deallocate()
    }

    mutating func send<Framing: DatagramFraming & ~Copyable>(
        _ outbox: borrowing Outbox, from index: Int, tag: TagOptions?, framing: inout Framing, through descriptor: Int32
    ) -> SendResult {
        var result = SendResult(next: index)
        rejections.removeAll(keepingCapacity: true)
        let end = outbox.datagrams.count
        outbox.datagrams.withUnsafeBufferPointer { datagrams in
            outbox.bytes.storage.withUnsafeBytes { bytes in
                while result.next < end, !result.isQueueFull {
                    var filled = 0
                    var next = result.next
                    var refusal: Int32 = 0
                    piecesUsed = 0
                    while filled < Self.capacity, next < end, piecesUsed <= Self.pieceCapacity - Self.segmentLimit {
                        let transmit = datagrams[next]
                        let payload = UnsafeRawBufferPointer(
                            rebasing: bytes[transmit.start..<transmit.start + transmit.count])
                        refusal = fill(filled, transmit, payload: payload, tag: tag, framing: &framing)
                        if refusal != 0 { break }
                        let span = segments && tag == nil ? run(datagrams, from: next) : 1
                        if span > 1 { carry(datagrams, next..<next + span, in: bytes, filled) }
                        // Of a message cut up into many, the stamp would be the first one's.
                        asks[filled] = transmit.wantsStamp && span == 1 && ledger.isAsking
                        if asks[filled] {
                            clinuxnet_ask_for_stamp(messages + filled, ledger.ask(for: transmit.receipt))
                        }
                        spans[filled] = span
                        filled += 1
                        next += span
                    }
                    flush(filled, through: descriptor, into: &result)
                    // Where the queue filled up or segments were refused, that datagram's turn has not come yet.
                    if refusal != 0, result.next == next { reject(refusal, in: &result) }
                }
            }
        }
        return result
    }

    /// How many datagrams from `first` on may leave as one message: of one size but for a shorter last one, to one
    /// destination.
    private func run(_ datagrams: UnsafeBufferPointer<Transmit>, from first: Int) -> Int {
        let head = datagrams[first]
        var total = head.count
        var i = first + 1
        while i < datagrams.count, i - first < Self.segmentLimit {
            let next = datagrams[i]
            guard next.count <= head.count, total + next.count <= Self.payloadLimit,
                next.destination == head.destination
            else { break }
            total += next.count
            i += 1
            if next.count < head.count { break }
        }
        return i - first
    }

    /// Makes message `i` carry all these datagrams: what lies side by side in the outbox is one piece.
    private mutating func carry(
        _ datagrams: UnsafeBufferPointer<Transmit>, _ range: Range<Int>, in bytes: UnsafeRawBufferPointer, _ i: Int
    ) {
        let first = piecesUsed
        var end = -1
        for transmit in datagrams[range] {
            if transmit.start == end {
                pieces[piecesUsed - 1].iov_len += transmit.count
            } else {
                let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + transmit.start)
                pieces[piecesUsed] = iovec(iov_base: start, iov_len: transmit.count)
                piecesUsed += 1
            }
            end = transmit.start + transmit.count
        }
        let header = UnsafeMutableRawPointer(messages + i).assumingMemoryBound(to: msghdr.self)
        header.pointee.msg_iov = pieces + first
        header.pointee.msg_iovlen = piecesUsed - first
        markSegments(i, size: datagrams[range.lowerBound].count)
    }

    private func markSegments(_ i: Int, size: Int) {
        let item = items + i
        item.pointee.control.level = Int32(IPPROTO_UDP)
        item.pointee.control.type = udpSegment
        item.pointee.control.length = clinuxnet_cmsg_len(2)
        UnsafeMutableRawPointer(clinuxnet_option(item)!).storeBytes(of: UInt16(size), as: UInt16.self)
        UnsafeMutableRawPointer(messages + i).assumingMemoryBound(to: msghdr.self).pointee.msg_controllen =
            clinuxnet_cmsg_space(2)
    }

    private func fill<Framing: DatagramFraming & ~Copyable>(
        _ i: Int, _ transmit: Transmit, payload: UnsafeRawBufferPointer, tag: TagOptions?, framing: inout Framing
    ) -> Int32 {
        let item = items + i
        let header = UnsafeMutableRawPointer(messages + i).assumingMemoryBound(to: msghdr.self)
        header.pointee.msg_namelen = transmit.destination.write(
            to: UnsafeMutableRawPointer(item).assumingMemoryBound(to: sockaddr_in6.self))
        item.pointee.payload.iov_base = UnsafeMutableRawPointer(mutating: payload.baseAddress)
        item.pointee.payload.iov_len = payload.count
        header.pointee.msg_iov = clinuxnet_pieces(item)! + 1
        header.pointee.msg_iovlen = 1
        return framing.frame(transmit, payload: payload, tag: tag, item: item, header: header)
    }

    /// Sends the first `filled` messages. Stops where the queue is full; steps over a message that is refused.
    private mutating func flush(_ filled: Int, through descriptor: Int32, into result: inout SendResult) {
        var done = 0
        var attempts = 0
        while done < filled {
            let taken = clinuxnet_sendmmsg(descriptor, messages + done, UInt32(filled - done))
            if taken > 0 {
                for i in done..<done + Int(taken) {
                    result.next += spans[i]
                    result.sent += spans[i]
                    if asks[i] { ledger.noteSent(1) }
                }
                done += Int(taken)
                attempts = 0
                continue
            }
            if asks[done..<filled].contains(true) { ledger.noteFailure() }
            switch -taken {
            case EINTR:
                continue
            case EAGAIN, ENOBUFS:
                result.isQueueFull = true
                return
            case let code:
                // An ICMP error of an earlier datagram is reported by the next send, once. Only an error that comes
                // again belongs to this message; ECONNREFUSED never does.
                attempts += 1
                if attempts < (code == ECONNREFUSED ? Self.pendingErrorLimit : 2) { continue }
                if spans[done] > 1 {
                    // A device without checksum offload refuses segments (EIO): from now on one by one.
                    segments = false
                    return
                }
                reject(code, in: &result)
                done += 1
                attempts = 0
            }
        }
    }

    private mutating func reject(_ code: Int32, in result: inout SendResult) {
        rejections.append(Rejection(index: result.next, errno: code))
        result.next += 1
        result.rejected += 1
    }

    /// Errors of other datagrams that may come in before one send gets through: a peer that refuses everything at the
    /// speed of loopback adds at most one between two attempts.
    private static let pendingErrorLimit = 64
}

/// The ordinary socket's framing: the kernel writes the headers, the tag is a control message of its datagram only.
struct ControlMessageFraming: DatagramFraming, ~Copyable {
    private let option = CallTagOption()

    mutating func frame(
        _ transmit: Transmit, payload: UnsafeRawBufferPointer, tag options: TagOptions?,
        item: UnsafeMutablePointer<clinuxnet_outgoing>, header: UnsafeMutablePointer<msghdr>
    ) -> Int32 {
        header.pointee.msg_controllen = 0
        guard let options, let tag = transmit.tag else { return 0 }
        let target = UnsafeMutableRawPointer(clinuxnet_option(item)!)
        let count: Int
        switch transmit.destination.family {
        case .ipv4:
            guard option.writeIPv4(tag, type: options.type, of: payload, to: target) else { return 0 }
            count = CallTagOption.ipv4Count
            item.pointee.control.level = ipLevel
            item.pointee.control.type = Int32(IP_RETOPTS)
        case .ipv6:
            guard option.writeIPv6(tag, of: payload, to: target) else { return 0 }
            count = CallTagOption.ipv6Count
            item.pointee.control.level = ipv6Level
            item.pointee.control.type = Int32(IPV6_DSTOPTS)
        }
        item.pointee.control.length = clinuxnet_cmsg_len(count)
        header.pointee.msg_controllen = clinuxnet_cmsg_space(count)
        return 0
    }
}
