/// The checksum of RFC 1071, over 16-bit words in the machine's own order: the sum does not depend on the order as long
/// as the result is stored in the same one.
enum InternetChecksum {
    /// Adds `bytes` to a sum that is not folded yet. An odd last byte counts as followed by a zero (RFC 768).
    static func add(_ bytes: UnsafeRawBufferPointer, to sum: UInt64) -> UInt64 {
        var sum = sum
        var at = 0
        // 32-bit words into 64 bits: no carry is lost below 2^32 words.
        while at + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            sum &+= (word & 0xFFFF_FFFF) &+ (word >> 32)
            at += 8
        }
        while at + 2 <= bytes.count {
            sum &+= UInt64(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            at += 2
        }
        if at < bytes.count { sum &+= UInt64(UInt16(littleEndian: UInt16(bytes[at]))) }
        return sum
    }

    /// What goes into the header, in the machine's order.
    static func fold(_ sum: UInt64) -> UInt16 {
        var sum = sum
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
