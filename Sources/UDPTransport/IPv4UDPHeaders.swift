import Datagrams
import Glibc

/// Writes the IPv4 and UDP headers of one datagram (RFC 791, RFC 768), with or without the call tag: 68 or 28 bytes.
enum IPv4UDPHeaders {
    static let plainCount = 28
    static let taggedCount = plainCount + CallTagOption.ipv4Count

    /// The longest payload the two length fields have room for.
    static func payloadLimit(isTagged: Bool) -> Int { 65_535 - (isTagged ? taggedCount : plainCount) }

    /// The tag, if there is one, already stands at byte 20 of `target`. Returns the number of header bytes.
    static func write(
        from source: SocketAddress, to destination: SocketAddress, identification: UInt16, isTagged: Bool,
        payload: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer
    ) -> Int {
        let ipCount = isTagged ? 20 + CallTagOption.ipv4Count : 20
        let udpCount = 8 + payload.count
        // Version 4 and the header's length in 32-bit words.
        target.storeBytes(of: UInt8(0x40 | ipCount / 4), as: UInt8.self)
        target.storeBytes(of: 0, toByteOffset: 1, as: UInt8.self)
        put(UInt16(ipCount + udpCount), at: 2, of: target)
        put(identification, at: 4, of: target)
        put(dontFragment, at: 6, of: target)
        target.storeBytes(of: timeToLive, toByteOffset: 8, as: UInt8.self)
        target.storeBytes(of: udpProtocol, toByteOffset: 9, as: UInt8.self)
        target.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
        target.storeBytes(of: source.ipv4.bigEndian, toByteOffset: 12, as: UInt32.self)
        target.storeBytes(of: destination.ipv4.bigEndian, toByteOffset: 16, as: UInt32.self)
        let header = UnsafeRawBufferPointer(start: target, count: ipCount)
        let checksum = InternetChecksum.fold(InternetChecksum.add(header, to: 0))
        target.storeBytes(of: checksum, toByteOffset: 10, as: UInt16.self)

        let udp = target + ipCount
        put(source.port, at: 0, of: udp)
        put(destination.port, at: 2, of: udp)
        put(UInt16(udpCount), at: 4, of: udp)
        udp.storeBytes(of: 0, toByteOffset: 6, as: UInt16.self)
        let udpChecksum = udpChecksum(
            addresses: UnsafeRawBufferPointer(start: target + 12, count: 8),
            header: UnsafeRawBufferPointer(start: udp, count: 8), payload: payload, count: udpCount)
        udp.storeBytes(of: udpChecksum, toByteOffset: 6, as: UInt16.self)
        return ipCount + 8
    }

    /// Over the pseudo-header (addresses, protocol, length), the header and the payload. Zero means "none", so a sum
    /// that comes to zero is sent as its complement (RFC 768).
    private static func udpChecksum(
        addresses: UnsafeRawBufferPointer, header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, count: Int
    ) -> UInt16 {
        var sum = InternetChecksum.add(addresses, to: 0)
        sum += UInt64(UInt16(udpProtocol).bigEndian) + UInt64(UInt16(count).bigEndian)
        sum = InternetChecksum.add(header, to: sum)
        let checksum = InternetChecksum.fold(InternetChecksum.add(payload, to: sum))
        return checksum == 0 ? 0xFFFF : checksum
    }

    private static func put(_ value: UInt16, at offset: Int, of target: UnsafeMutableRawPointer) {
        target.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    private static let udpProtocol = UInt8(17)
    private static let timeToLive: UInt8 = 64
    private static let dontFragment: UInt16 = 0x4000
}
