/// An IPv4 or IPv6 address with a port: a fixed-size value, so that it can stand in call records and batches.
package struct SocketAddress: Hashable, Sendable, BitwiseCopyable {
    package enum Family: UInt8, Sendable, BitwiseCopyable { case ipv4, ipv6 }

    package var family: Family
    package var port: UInt16
    /// IPv6 zone (interface index), 0 where none.
    package var scope: UInt32
    /// The address in network order: `high` holds the first eight bytes, `low` the last. IPv4 stands in the last four.
    package var high: UInt64
    package var low: UInt64

    package init(ipv4 address: UInt32, port: UInt16) {
        self.family = .ipv4
        self.port = port
        self.scope = 0
        self.high = 0
        self.low = UInt64(address)
    }

    package init(ipv6High high: UInt64, low: UInt64, port: UInt16, scope: UInt32 = 0) {
        self.family = .ipv6
        self.port = port
        self.scope = scope
        self.high = high
        self.low = low
    }

    package static func loopback(port: UInt16) -> SocketAddress { SocketAddress(ipv4: 0x7F00_0001, port: port) }

    package var ipv4: UInt32 { UInt32(truncatingIfNeeded: low) }

    /// 127.0.0.0/8, ::1, and IPv4-mapped loopback.
    package var isLoopback: Bool {
        switch family {
        case .ipv4: ipv4 >> 24 == 127
        case .ipv6: high == 0 && (low == 1 || low >> 24 == 0xFFFF7F)
        }
    }

    package var isUnspecified: Bool { high == 0 && low == 0 }

    package func withPort(_ port: UInt16) -> SocketAddress {
        var copy = self
        copy.port = port
        return copy
    }

    /// The address alone, IPv6 without brackets (RFC 5952 form).
    package var host: String {
        switch family {
        case .ipv4:
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)"
        case .ipv6:
            return Self.ipv6Text(high, low)
        }
    }

    /// The address as SIP and URIs write it: IPv6 in brackets (RFC 3261, 25.1).
    package var hostInURI: String { family == .ipv6 ? "[\(host)]" : host }

    private static func ipv6Text(_ high: UInt64, _ low: UInt64) -> String {
        let groups = (0..<8).map { i in
            UInt16(truncatingIfNeeded: (i < 4 ? high : low) >> UInt64((3 - i % 4) * 16))
        }
        // RFC 5952, 4.2: the longest run of two or more zero groups is shortened, the first one if they tie.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(0..<8) }
        return text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}

extension SocketAddress: CustomStringConvertible {
    package var description: String { "\(hostInURI):\(port)" }
}
