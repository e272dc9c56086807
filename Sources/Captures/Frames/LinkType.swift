/// How a capture's frames begin: libpcap's number for it (tcpdump.org, link-layer header types).
package enum LinkType: Int32, Sendable, CaseIterable {
    /// BSD loopback: the address family in the byte order of the machine that captured.
    case null = 0
    case ethernet = 1
    /// IP without anything before it; libpcap says 12 on Linux, files say 101.
    case raw = 12
    case rawInFiles = 101
    /// BSD loopback in network order.
    case loop = 108
    /// Linux "any", as before libpcap 1.10 and since.
    case linuxCooked = 113
    case ipv4 = 228
    case ipv6 = 229
    case linuxCooked2 = 276
}

/// What follows the link header.
enum NetworkLayer: Equatable {
    /// IPv4 or IPv6 (its first four bits say which), from this byte on.
    case ip(at: Int)
    case other
    /// The frame ends before it says.
    case cut
}

extension LinkType {
    private enum EtherType {
        static let ipv4: UInt16 = 0x0800
        static let ipv6: UInt16 = 0x86DD
        /// 802.1Q, 802.1ad (QinQ), and what QinQ was before it was a standard.
        static let vlans: [UInt16] = [0x8100, 0x88A8, 0x9100]
        static let pppoeSession: UInt16 = 0x8864
    }

    func networkLayer(_ frame: borrowing Span<UInt8>) -> NetworkLayer {
        switch self {
        case .ethernet: Self.follow(frame, etherTypeAt: 12)
        case .linuxCooked: Self.follow(frame, etherTypeAt: 14)
        case .linuxCooked2: Self.followCooked2(frame)
        case .null, .loop: frame.count < 4 ? .cut : Self.isFamily(frame) ? .ip(at: 4) : .other
        case .raw, .rawInFiles, .ipv4, .ipv6: .ip(at: 0)
        }
    }

    private static func follow(_ frame: borrowing Span<UInt8>, etherTypeAt place: Int) -> NetworkLayer {
        var at = place
        while at + 2 <= frame.count {
            let type = frame.bigEndian16(at: at)
            if type == EtherType.ipv4 || type == EtherType.ipv6 { return .ip(at: at + 2) }
            if type == EtherType.pppoeSession { return followPPPoE(frame, from: at + 2) }
            guard EtherType.vlans.contains(type) else { return .other }
            at += 4
        }
        return .cut
    }

    /// The type stands first and what it announces 20 bytes on, where VLAN tags may stand before it.
    private static func followCooked2(_ frame: borrowing Span<UInt8>) -> NetworkLayer {
        guard frame.count >= 20 else { return .cut }
        let type = frame.bigEndian16(at: 0)
        if type == EtherType.ipv4 || type == EtherType.ipv6 { return .ip(at: 20) }
        // After a tag's two bytes of VLAN number comes the next type.
        return EtherType.vlans.contains(type) ? follow(frame, etherTypeAt: 22) : .other
    }

    /// RFC 2516: six bytes, then PPP's protocol number.
    private static func followPPPoE(_ frame: borrowing Span<UInt8>, from at: Int) -> NetworkLayer {
        guard at + 8 <= frame.count else { return .cut }
        let isIP = frame.bigEndian16(at: at + 6) == 0x0021 || frame.bigEndian16(at: at + 6) == 0x0057
        return isIP ? .ip(at: at + 8) : .other
    }

    /// 2 is IPv4 everywhere; IPv6 is 10 on Linux, 24, 28 or 30 on the BSDs. Either byte order.
    private static func isFamily(_ frame: borrowing Span<UInt8>) -> Bool {
        let family = frame.bigEndian32(at: 0)
        let value = family > 0xFFFF ? family.byteSwapped : family
        return [2, 10, 24, 28, 30].contains(value)
    }
}

extension Span<UInt8> {
    /// Both check their bounds: a capture may say anything of lengths.
    func bigEndian16(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }

    func bigEndian32(at index: Int) -> UInt32 {
        UInt32(bigEndian16(at: index)) << 16 | UInt32(bigEndian16(at: index + 2))
    }

    func bigEndian64(at index: Int) -> UInt64 {
        UInt64(bigEndian32(at: index)) << 32 | UInt64(bigEndian32(at: index + 4))
    }
}
