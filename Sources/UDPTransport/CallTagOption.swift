import Datagrams

/// How a run's call tag is sent.
package struct TagOptions: Sendable, Equatable {
    /// The experimental IPv4 option types of RFC 4727. IPv6 always uses 0x1E: the others make the receiver discard the
    /// packet or allow routers to change it.
    package enum OptionType: UInt8, Sendable, CaseIterable {
        case control = 0x1E
        case measurement = 0x5E
        case copiedControl = 0x9E
        case copiedMeasurement = 0xDE
    }

    package var type: OptionType

    package init(type: OptionType = .measurement) { self.type = type }
}

/// Writes the call tag: 40 bytes in which every field has one fixed place.
///
/// It never hashes by itself: a Call-ID longer than 32 bytes goes through OpenSSL.
package struct CallTagOption: ~Copyable {
    private let digest = CallIDDigest()

    package init() {}

    /// Bytes of the IPv4 option, all that an IPv4 header has room for.
    package static let ipv4Count = 40
    /// Bytes of the IPv6 header: two of its own, the option's 40, six of padding.
    package static let ipv6Count = 48

    /// False where a long Call-ID could not be hashed: the datagram must then go out untagged.
    func writeIPv4(
        _ tag: CallTag, type: TagOptions.OptionType, of datagram: UnsafeRawBufferPointer,
        to target: UnsafeMutableRawPointer
    ) -> Bool {
        target.storeBytes(of: type.rawValue, as: UInt8.self)
        target.storeBytes(of: UInt8(Self.ipv4Count), toByteOffset: 1, as: UInt8.self)
        return writeContent(tag, of: datagram, to: target + 2)
    }

    /// A destination-options header (RFC 8200, 4.6); the kernel fills in its first byte, the next header.
    func writeIPv6(_ tag: CallTag, of datagram: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Bool {
        // Length in units of eight bytes, not counting the first; and the option's length without type and length.
        let head: (UInt8, UInt8, UInt8, UInt8) = (
            0, UInt8(Self.ipv6Count / 8 - 1), TagOptions.OptionType.control.rawValue, 38
        )
        // PadN (RFC 8200, 4.2): type 1, then how many zeros follow.
        let padding: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (1, 4, 0, 0, 0, 0)
        withUnsafeBytes(of: head) { target.copyMemory(from: $0.baseAddress!, byteCount: 4) }
        withUnsafeBytes(of: padding) { (target + 42).copyMemory(from: $0.baseAddress!, byteCount: 6) }
        return writeContent(tag, of: datagram, to: target + 4)
    }

    /// What both families carry: method, flags, CSeq number, Call-ID. 38 bytes.
    private func writeContent(
        _ tag: CallTag, of datagram: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer
    ) -> Bool {
        let start = Int(tag.callIDStart)
        let count = Int(tag.callIDCount)
        precondition(start + count <= datagram.count, "the Call-ID must lie inside its datagram")
        let isLong = count > Self.callIDCapacity
        let flags: UInt8 = (tag.isRetransmission ? 1 : 0) | (isLong ? 2 : 0)
        target.storeBytes(of: tag.method.rawValue, as: UInt8.self)
        target.storeBytes(of: flags, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: tag.cseq.bigEndian, toByteOffset: 2, as: UInt32.self)
        let callID = target + 6
        guard let base = datagram.baseAddress else {
            callID.initializeMemory(as: UInt8.self, repeating: 0, count: Self.callIDCapacity)
            return true
        }
        if isLong { return digest.writeHexadecimal(of: base + start, count: count, to: callID) }
        callID.copyMemory(from: base + start, byteCount: count)
        (callID + count).initializeMemory(as: UInt8.self, repeating: 0, count: Self.callIDCapacity - count)
        return true
    }

    private static let callIDCapacity = 32
}

extension CallTagOption {
    /// The IPv4 option as an array, for doctor and tests. Nil where `writeIPv4` says false.
    package func ipv4Bytes(_ tag: CallTag, type: TagOptions.OptionType, of datagram: [UInt8]) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xFF, count: Self.ipv4Count)
        let isWritten = bytes.withUnsafeMutableBytes { target in
            datagram.withUnsafeBytes { writeIPv4(tag, type: type, of: $0, to: target.baseAddress!) }
        }
        return isWritten ? bytes : nil
    }

    /// The IPv6 destination-options header as an array.
    package func ipv6Bytes(_ tag: CallTag, of datagram: [UInt8]) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xFF, count: Self.ipv6Count)
        let isWritten = bytes.withUnsafeMutableBytes { target in
            datagram.withUnsafeBytes { writeIPv6(tag, of: $0, to: target.baseAddress!) }
        }
        return isWritten ? bytes : nil
    }
}
