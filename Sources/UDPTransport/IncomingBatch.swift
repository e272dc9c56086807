import CLinuxNet
import Datagrams
import Glibc

/// One datagram of a batch, without its bytes.
package struct ReceivedDatagram: Sendable, BitwiseCopyable {
    package var source: SocketAddress
    /// When the kernel took it from the device. Nil: not asked for, or not stamped.
    package var arrivedAt: WallInstant?
    /// Longer than its buffer; cannot happen with UDP's largest datagram, and is counted all the same.
    package var isTruncated: Bool
}

/// The message headers and buffers of one `recvmmsg`, allocated once. Each buffer holds the largest datagram there is;
/// memory is touched only as far as datagrams reach.
struct IncomingBatch: ~Copyable {
    private let messages: UnsafeMutablePointer<clinuxnet_mmsghdr>
    private let items: UnsafeMutablePointer<clinuxnet_incoming>
    private let buffers: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private(set) var truncated: UInt64 = 0

    static let capacity = 64
    private static let bufferCapacity = 65_536
    /// An odd number of cache lines: at a power of two all buffers would share the same few sets of the cache.
    private static let stride = bufferCapacity + 17 * 64

    init() {
        messages = .allocate(capacity: Self.capacity)
        items = .allocate(capacity: Self.capacity)
        buffers = .allocate(capacity: Self.capacity * Self.stride)
        clinuxnet_wire_incoming(
            messages, items, buffers, Self.stride, Self.bufferCapacity, UInt32(Self.capacity))
    }

    deinit {
        messages.deallocate()
        items.deallocate()
        buffers.deallocate()
    }

    /// Returns the number received, or minus errno.
    mutating func receive(from descriptor: Int32, waits: Bool) -> Int32 {
        clinuxnet_reset_incoming(messages, UInt32(count))
        count = 0
        let received = clinuxnet_recvmmsg(descriptor, messages, UInt32(Self.capacity), waits)
        if received > 0 {
            count = Int(received)
            for i in 0..<count where isTruncated(i) { truncated += 1 }
        }
        return received
    }

    /// The drop counter as it stood when the last datagram of the batch was queued. It only grows, so the others need
    /// not be asked. Nil: the socket has dropped nothing so far.
    var dropCounter: UInt32? {
        if count == 0 { return nil }
        return control(count - 1, level: SOL_SOCKET, type: SO_RXQ_OVFL)?.loadUnaligned(as: UInt32.self)
    }

    func withDatagram<R, E: Error>(
        _ i: Int, _ body: (borrowing Span<UInt8>, ReceivedDatagram) throws(E) -> R
    ) throws(E) -> R {
        precondition(i < count, "datagram \(i) of \(count)")
        let bytes = Span(_unsafeStart: buffers + i * Self.stride, count: Int(messages[i].count))
        return try body(bytes, header(of: i))
    }

    /// The IPv4 option area or the IPv6 destination-options header that came with datagram `i`; empty where none did.
    func withOptions<R>(of i: Int, _ body: (borrowing Span<UInt8>) -> R) -> R {
        precondition(i < count, "datagram \(i) of \(count)")
        let found =
            control(i, level: ipLevel, type: Int32(IP_RECVOPTS)) ?? control(
                i, level: ipv6Level, type: Int32(IPV6_DSTOPTS))
            ?? UnsafeRawBufferPointer(start: nil, count: 0)
        return body(Span(_unsafeElements: found.assumingMemoryBound(to: UInt8.self)))
    }

    private func header(of i: Int) -> ReceivedDatagram {
        let source = UnsafeRawPointer(items + i).assumingMemoryBound(to: sockaddr_in6.self)
        return ReceivedDatagram(
            source: SocketAddress(kernel: source) ?? SocketAddress(ipv4: 0, port: 0), arrivedAt: arrival(of: i),
            isTruncated: isTruncated(i))
    }

    private func arrival(of i: Int) -> WallInstant? {
        if messages[i].header.msg_controllen == 0 { return nil }
        let stamp = clinuxnet_receive_stamp(UnsafeRawPointer(messages + i).assumingMemoryBound(to: msghdr.self))
        return stamp == 0 ? nil : WallInstant(nanoseconds: stamp)
    }

    private func isTruncated(_ i: Int) -> Bool {
        messages[i].header.msg_flags & Int32(MSG_TRUNC) != 0
    }

    private func control(_ i: Int, level: Int32, type: Int32) -> UnsafeRawBufferPointer? {
        if messages[i].header.msg_controllen == 0 { return nil }
        var count = 0
        let header = UnsafeRawPointer(messages + i).assumingMemoryBound(to: msghdr.self)
        guard let found = clinuxnet_find_control(header, level, type, &count) else { return nil }
        return UnsafeRawBufferPointer(start: found, count: count)
    }
}
