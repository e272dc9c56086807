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

/// Reads the error queue of a socket (IP_RECVERR).
struct ErrorQueue: ~Copyable {
    private let buffer: UnsafeMutablePointer<UInt8>

    /// ICMP quotes at most 576 bytes (RFC 1812, 4.3.2.3), ICMPv6 at most 1280 (RFC 4443, 3.1).
    private static let capacity = 2048

    init() { buffer = .allocate(capacity: Self.capacity) }

    deinit { buffer.deallocate() }

    /// Empties the queue. Entries that did not come by ICMP are dropped: the call that caused them has failed with the
    /// same errno.
    func drain(_ descriptor: Int32, _ body: (ICMPError, borrowing Span<UInt8>) -> Void) -> Int {
        var drained = 0
        while true {
            var entry = clinuxnet_error()
            let result = clinuxnet_recv_error(descriptor, buffer, Self.capacity, &entry)
            if result == -EINTR { continue }
            if result < 0 { return drained }
            let isICMP =
                Int(entry.origin) == CLINUXNET_ORIGIN_ICMP
                || Int(entry.origin) == CLINUXNET_ORIGIN_ICMP6
            guard isICMP, let destination = SocketAddress(kernel: &entry.destination) else { continue }
            let error = ICMPError(
                errno: Int32(bitPattern: entry.error), type: entry.type, code: entry.code, destination: destination,
                reporter: SocketAddress(kernel: &entry.offender))
            body(error, Span(_unsafeStart: buffer, count: entry.count))
            drained += 1
        }
    }
}
