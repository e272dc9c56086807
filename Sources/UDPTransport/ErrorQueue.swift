import CLinuxNet
import Datagrams
import Glibc

/// An ICMP message about a datagram this socket sent.
package struct ICMPError: Sendable, Equatable {
    /// ECONNREFUSED for a closed port, EHOSTUNREACH, and so on.
    package var errno: Int32
    package var type: UInt8
    package var code: UInt8
    /// Where the datagram was going.
    package var destination: SocketAddress
    /// Who sent the ICMP message: the peer itself, or a router on the way.
    package var reporter: SocketAddress?

    package init(
        errno: Int32, type: UInt8, code: UInt8, destination: SocketAddress, reporter: SocketAddress?
    ) {
        self.errno = errno
        self.type = type
        self.code = code
        self.destination = destination
        self.reporter = reporter
    }
}

/// What the error queue holds beside errors.
package enum ErrorQueueEntry: Sendable {
    case unreachable(ICMPError)
    /// The datagram of this receipt left for the device.
    case transmitted(Transmit.Receipt, at: WallInstant)
}

/// Reads the error queue of a socket: ICMP errors (IP_RECVERR) and transmit stamps (SO_TIMESTAMPING), in batches.
struct ErrorQueue: ~Copyable {
    private let messages: UnsafeMutablePointer<clinuxnet_mmsghdr>
    private let items: UnsafeMutablePointer<clinuxnet_incoming>
    private let buffers: UnsafeMutablePointer<UInt8>
    private var used = 0

    private static let capacity = 64
    /// ICMP quotes at most 576 bytes (RFC 1812, 4.3.2.3), ICMPv6 at most 1280 (RFC 4443, 3.1).
    private static let bufferCapacity = 2048

    init() {
        messages = .allocate(capacity: Self.capacity)
        items = .allocate(capacity: Self.capacity)
        buffers = .allocate(capacity: Self.capacity * Self.bufferCapacity)
        clinuxnet_wire_incoming(
            messages, items, buffers, Self.bufferCapacity, Self.bufferCapacity, UInt32(Self.capacity))
    }

    deinit {
        messages.deallocate()
        items.deallocate()
        buffers.deallocate()
    }

    /// Empties the queue, or reads until the stamps awaited are there: then asking for more would only cost a system call.
    /// Entries that did not come by ICMP are dropped: the call that caused them has failed with the same errno. Returns the
    /// number handed to `body`.
    mutating func drain(
        _ descriptor: Int32, ledger: inout StampLedger, awaitedOnly: Bool = false,
        _ body: (ErrorQueueEntry, borrowing Span<UInt8>) -> Void
    ) -> Int {
        var drained = 0
        while true {
            let wanted = awaitedOnly ? min(Int(ledger.awaited), Self.capacity) : Self.capacity
            if wanted == 0 { return drained }
            clinuxnet_reset_incoming(messages, UInt32(used))
            used = 0
            let result = clinuxnet_recvmmsg_errors(descriptor, messages, UInt32(wanted))
            if result == -EINTR { continue }
            if result <= 0 { return drained }
            used = Int(result)
            for i in 0..<used where hand(i, &ledger, body) { drained += 1 }
            if used < wanted { return drained }
        }
    }

    private func hand(
        _ i: Int, _ ledger: inout StampLedger, _ body: (ErrorQueueEntry, borrowing Span<UInt8>) -> Void
    ) -> Bool {
        var entry = clinuxnet_error()
        clinuxnet_read_error(messages + i, &entry)
        let bytes = Span(_unsafeStart: buffers + i * Self.bufferCapacity, count: entry.count)
        if entry.stamp != 0 {
            guard let receipt = ledger.take(entry.stamp_number) else { return false }
            body(.transmitted(receipt, at: WallInstant(nanoseconds: entry.stamp)), bytes)
            return true
        }
        let isICMP =
            Int(entry.origin) == CLINUXNET_ORIGIN_ICMP
            || Int(entry.origin) == CLINUXNET_ORIGIN_ICMP6
        guard isICMP, let destination = SocketAddress(kernel: &entry.destination) else { return false }
        let error = ICMPError(
            errno: Int32(bitPattern: entry.error), type: entry.type, code: entry.code, destination: destination,
            reporter: SocketAddress(kernel: &entry.offender))
        body(.unreachable(error), bytes)
        return true
    }
}
