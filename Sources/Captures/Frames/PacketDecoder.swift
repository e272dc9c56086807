import Datagrams

/// Reads a frame from its link header to its UDP payload. It never reads outside the frame, keeps nothing, and knows no
/// SIP. Fragments are put together by `FragmentStore`.
package enum PacketDecoder {
    package static func decode(_ frame: borrowing Span<UInt8>, link: LinkType) -> PacketContent {
        switch link.networkLayer(frame) {
        case .other: .notIP
        case .cut: .cut
        case .ip(let at): decodeIP(frame, at: at)
        }
    }

    private static func decodeIP(_ frame: borrowing Span<UInt8>, at start: Int) -> PacketContent {
        guard start < frame.count else { return .cut }
        switch frame[start] >> 4 {
        case 4: return decodeIPv4(frame, at: start)
        case 6: return decodeIPv6(frame, at: start)
        case _: return .broken
        }
    }

    // MARK: IPv4 (RFC 791)

    private static func decodeIPv4(_ frame: borrowing Span<UInt8>, at start: Int) -> PacketContent {
        guard start + 20 <= frame.count else { return .cut }
        let headerCount = Int(frame[start] & 15) * 4
        var total = Int(frame.bigEndian16(at: start + 2))
        // Left to the network card (segmentation offload): then all that was captured.
        if total == 0 { total = frame.count - start }
        guard headerCount >= 20, total >= headerCount else { return .broken }
        guard start + headerCount <= frame.count else { return .cut }
        var packet = IPPacket(
            source: SocketAddress(ipv4: frame.bigEndian32(at: start + 12), port: 0),
            destination: SocketAddress(ipv4: frame.bigEndian32(at: start + 16), port: 0),
            transport: frame[start + 9],
            // An Ethernet frame of fewer than 60 bytes is padded, and the padding is not the packet's.
            payload: start + headerCount..<min(frame.count, start + total), end: start + total)
        packet.identification = UInt32(frame.bigEndian16(at: start + 4))
        packet.tag = ipv4Tag(frame, at: start + 20, to: start + headerCount)
        let fragment = frame.bigEndian16(at: start + 6)
        if fragment & 0x3FFF != 0 {
            return packet.fragment(offset: Int(fragment & 0x1FFF) * 8, isLast: fragment & 0x2000 == 0)
        }
        return transport(frame, packet)
    }

    private static func ipv4Tag(_ frame: borrowing Span<UInt8>, at start: Int, to end: Int) -> CapturedTag? {
        guard end - start >= Int(CapturedTag.ipv4Count), CapturedTag.ipv4Types.contains(frame[start]),
            frame[start + 1] == CapturedTag.ipv4Count
        else { return nil }
        return CapturedTag(frame, at: start + 2)
    }

    // MARK: IPv6 (RFC 8200)

    private enum NextHeader {
        static let hopByHop: UInt8 = 0
        static let routing: UInt8 = 43
        static let fragment: UInt8 = 44
        static let authentication: UInt8 = 51
        static let destinationOptions: UInt8 = 60
    }

    private static func decodeIPv6(_ frame: borrowing Span<UInt8>, at start: Int) -> PacketContent {
        guard start + 40 <= frame.count else { return .cut }
        let announced = Int(frame.bigEndian16(at: start + 4))
        let end = announced == 0 ? frame.count : start + 40 + announced
        var packet = IPPacket(
            source: SocketAddress(
                ipv6High: frame.bigEndian64(at: start + 8), low: frame.bigEndian64(at: start + 16), port: 0),
            destination: SocketAddress(
                ipv6High: frame.bigEndian64(at: start + 24), low: frame.bigEndian64(at: start + 32), port: 0),
            transport: frame[start + 6], payload: start + 40..<min(frame.count, end), end: end)
        while true {
            let at = packet.payload.lowerBound
            var count = 0
            switch packet.transport {
            case NextHeader.hopByHop, NextHeader.routing, NextHeader.destinationOptions:
                guard at + 2 <= packet.payload.upperBound else { return .cut }
                count = 8 + Int(frame[at + 1]) * 8
            case NextHeader.authentication:
                guard at + 2 <= packet.payload.upperBound else { return .cut }
                count = 8 + Int(frame[at + 1]) * 4
            case NextHeader.fragment: return ipv6Fragment(frame, packet)
            case _: return transport(frame, packet)
            }
            guard at + count <= packet.payload.upperBound else { return at + count > end ? .broken : .cut }
            if packet.transport == NextHeader.destinationOptions {
                packet.tag = packet.tag ?? ipv6Tag(frame, at: at + 2, to: at + count)
            }
            packet.transport = frame[at]
            packet.payload = at + count..<packet.payload.upperBound
        }
    }

    private static func ipv6Fragment(_ frame: borrowing Span<UInt8>, _ packet: IPPacket) -> PacketContent {
        let at = packet.payload.lowerBound
        guard at + 8 <= packet.payload.upperBound else { return .cut }
        var packet = packet
        packet.transport = frame[at]
        packet.identification = frame.bigEndian32(at: at + 4)
        packet.payload = at + 8..<packet.payload.upperBound
        let place = frame.bigEndian16(at: at + 2)
        // One that is alone and whole (RFC 6946) is no fragment.
        if place & 0xFFF9 == 0 { return transport(frame, packet) }
        return packet.fragment(offset: Int(place & 0xFFF8), isLast: place & 1 == 0)
    }

    private static func ipv6Tag(_ frame: borrowing Span<UInt8>, at start: Int, to end: Int) -> CapturedTag? {
        var at = start
        while at < end {
            // Pad1 is a byte without a length.
            if frame[at] == 0 {
                at += 1
                continue
            }
            guard at + 2 <= end else { return nil }
            let count = Int(frame[at + 1])
            guard at + 2 + count <= end else { return nil }
            if frame[at] == CapturedTag.ipv6Type, count == CapturedTag.contentCount {
                return CapturedTag(frame, at: at + 2)
            }
            at += 2 + count
        }
        return nil
    }

    // MARK: UDP and TCP

    private enum Transport {
        static let tcp: UInt8 = 6
        static let udp: UInt8 = 17
    }

    private static func transport(_ bytes: borrowing Span<UInt8>, _ packet: IPPacket) -> PacketContent {
        switch packet.transport {
        case Transport.udp: udp(bytes, packet)
        case Transport.tcp: tcp(bytes, packet)
        case _: .otherTransport
        }
    }

    /// Of a packet put together from its fragments.
    static func decode(_ whole: ReassembledPacket) -> PacketContent {
        var packet = IPPacket(
            source: whole.first.source, destination: whole.first.destination, transport: whole.first.transport,
            payload: 0..<whole.bytes.count, end: whole.bytes.count)
        packet.tag = whole.first.tag
        packet.identification = whole.first.identification
        // RFC 8200, 4.5: extension headers may stand in the fragmented part; nobody sends SIP so, and it is not read.
        return transport(whole.bytes.span, packet)
    }

    private static func udp(_ bytes: borrowing Span<UInt8>, _ packet: IPPacket) -> PacketContent {
        let at = packet.payload.lowerBound
        guard at + 8 <= packet.payload.upperBound else { return packet.end < at + 8 ? .broken : .cut }
        var count = Int(bytes.bigEndian16(at: at + 4))
        // Jumbograms and offloads leave it out.
        if count == 0 { count = packet.end - at }
        guard count >= 8, at + count <= packet.end else { return .broken }
        return .udp(
            UDPContent(
                source: packet.source.withPort(bytes.bigEndian16(at: at)),
                destination: packet.destination.withPort(bytes.bigEndian16(at: at + 2)),
                payload: at + 8..<min(at + count, packet.payload.upperBound), announced: count - 8, tag: packet.tag,
                identification: UInt16(truncatingIfNeeded: packet.identification)))
    }

    private static func tcp(_ bytes: borrowing Span<UInt8>, _ packet: IPPacket) -> PacketContent {
        let at = packet.payload.lowerBound
        guard at + 20 <= packet.payload.upperBound else { return packet.end < at + 20 ? .broken : .cut }
        let headerCount = Int(bytes[at + 12] >> 4) * 4
        guard headerCount >= 20, at + headerCount <= packet.end else { return .broken }
        let start = min(at + headerCount, packet.payload.upperBound)
        return .tcp(
            source: packet.source.withPort(bytes.bigEndian16(at: at)),
            destination: packet.destination.withPort(bytes.bigEndian16(at: at + 2)),
            payload: start..<packet.payload.upperBound)
    }
}

/// An IP packet while it is read.
private struct IPPacket {
    var source: SocketAddress
    var destination: SocketAddress
    var transport: UInt8
    /// Captured.
    var payload: Range<Int>
    /// Where the packet ends by its own header, captured or not.
    var end: Int
    var identification: UInt32 = 0
    var tag: CapturedTag?

    init(source: SocketAddress, destination: SocketAddress, transport: UInt8, payload: Range<Int>, end: Int) {
        self.source = source
        self.destination = destination
        self.transport = transport
        self.payload = payload
        self.end = end
    }

    func fragment(offset: Int, isLast: Bool) -> PacketContent {
        .fragment(
            IPFragment(
                source: source, destination: destination, identification: identification, transport: transport,
                offset: offset, isLast: isLast, payload: payload, isWhole: payload.upperBound == end, tag: tag))
    }
}
