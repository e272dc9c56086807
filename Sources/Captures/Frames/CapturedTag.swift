import Datagrams

/// The call tag as it stands in a captured packet's IP header: all that the contract of its 40 bytes says.
package struct CapturedTag: Sendable, Equatable {
    package var method: CallTag.Method
    package var isRetransmission: Bool
    /// `callID` is the beginning of a digest, because the Call-ID was longer.
    package var isDigest: Bool
    package var cseq: UInt32
    /// 32 bytes, zero padded.
    package var callID: InlineArray<32, UInt8>

    /// Bytes of the tag after the option's type and length.
    static let contentCount = 38
    static let ipv4Count: UInt8 = 40
    static let ipv4Types: [UInt8] = [0x1E, 0x5E, 0x9E, 0xDE]
    static let ipv6Type: UInt8 = 0x1E

    /// `at` is where the content begins; its 38 bytes must be there.
    package init(_ bytes: borrowing Span<UInt8>, at start: Int) {
        method = CallTag.Method(rawValue: bytes[start]) ?? .other
        isRetransmission = bytes[start + 1] & 1 != 0
        isDigest = bytes[start + 1] & 2 != 0
        cseq = bytes.bigEndian32(at: start + 2)
        callID = InlineArray(repeating: 0)
        for i in 0..<32 { callID[i] = bytes[start + 6 + i] }
    }

    /// Without the padding.
    package var callIDCount: Int {
        var count = 32
        while count > 0, callID[count - 1] == 0 { count -= 1 }
        return count
    }

    package static func == (a: CapturedTag, b: CapturedTag) -> Bool {
        for i in 0..<32 where a.callID[i] != b.callID[i] { return false }
        return a.method == b.method && a.isRetransmission == b.isRetransmission && a.isDigest == b.isDigest
            && a.cseq == b.cseq
    }
}
