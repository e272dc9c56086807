import CLinuxNet
import Datagrams
import Glibc

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
    private(set) var rejections: [Rejection] = []

    static let capacity = Outbox.flushThreshold

    init() {
        messages = .allocate(capacity: Self.capacity)
        items = .allocate(capacity: Self.capacity)
        clinuxnet_wire_outgoing(messages, items, UInt32(Self.capacity))
        rejections.reserveCapacity(Self.capacity)
    }

    deinit {
        messages.deallocate()
        items.deallocate()
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
                    var refusal: Int32 = 0
                    while filled < Self.capacity, result.next + filled < end {
                        let transmit = datagrams[result.next + filled]
                        let payload = UnsafeRawBufferPointer(
                            rebasing: bytes[transmit.start..<transmit.start + transmit.count])
                        refusal = fill(filled, transmit, payload: payload, tag: tag, framing: &framing)
                        if refusal != 0 { break }
                        filled += 1
                    }
                    flush(filled, through: descriptor, into: &result)
                    if refusal != 0, !result.isQueueFull { reject(refusal, in: &result) }
                }
            }
        }
        return result
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
        return framing.frame(transmit, payload: payload, tag: tag, item: item, header: header)
    }

    /// Sends the first `filled` messages. Stops where the queue is full; steps over a message that is refused.
    private mutating func flush(_ filled: Int, through descriptor: Int32, into result: inout SendResult) {
        var done = 0
        var attempts = 0
        while done < filled {
            let taken = clinuxnet_sendmmsg(descriptor, messages + done, UInt32(filled - done))
            if taken > 0 {
                done += Int(taken)
                result.next += Int(taken)
                result.sent += Int(taken)
                attempts = 0
                continue
            }
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
