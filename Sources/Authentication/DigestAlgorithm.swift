import Datagrams

/// The hashes digest authentication is made with. RFC 8760, 2.1.
package enum DigestHash: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Weakest first: `rawValue` orders them.
    case md5, sha256, sha512256

    /// Hexadecimal digits of a value.
    package var digits: Int {
        switch self {
        case .md5: 32
        case .sha256, .sha512256: 64
        }
    }
}

/// The `algorithm` of a challenge. RFC 7616, 3.3 and 6.1.
package struct DigestAlgorithm: Hashable, Sendable, BitwiseCopyable {
    package var hash: DigestHash
    /// `-sess`: the key also contains the nonces.
    package var isSession: Bool

    package init(_ hash: DigestHash, isSession: Bool = false) {
        self.hash = hash
        self.isSession = isSession
    }

    /// Nil for one that is not supported, such as AKAv1-MD5 (RFC 3310). Case does not matter.
    package init?(_ text: borrowing Span<UInt8>) {
        for hash in DigestHash.allCases {
            for isSession in [false, true] {
                let candidate = DigestAlgorithm(hash, isSession: isSession)
                if text.isEqualIgnoringCase(to: candidate.text) {
                    self = candidate
                    return
                }
            }
        }
        return nil
    }

    /// As the registry of RFC 7616, 6.1 writes it.
    package var text: StaticString {
        switch (hash, isSession) {
        case (.md5, false): "MD5"
        case (.md5, true): "MD5-sess"
        case (.sha256, false): "SHA-256"
        case (.sha256, true): "SHA-256-sess"
        case (.sha512256, false): "SHA-512-256"
        case (.sha512256, true): "SHA-512-256-sess"
        }
    }
}

/// Where hashes come from: this module never computes one. `OpenSSLDigests.function` is the real one.
package struct DigestFunction: Sendable {
    /// Appends the hash of `bytes` in lower-case hexadecimal. False, and nothing appended, where this machine lacks it.
    package var append:
        @Sendable (_ hash: DigestHash, _ bytes: borrowing Span<UInt8>, _ target: inout ByteBuffer) -> Bool

    package init(
        _ append:
            @escaping @Sendable (_ hash: DigestHash, _ bytes: borrowing Span<UInt8>, _ target: inout ByteBuffer) -> Bool
    ) { self.append = append }

    /// Whether this machine can compute it: a system restricted to FIPS has no MD5.
    package func offers(_ hash: DigestHash) -> Bool {
        var scratch = ByteBuffer(capacity: hash.digits)
        return append(hash, [UInt8]().span, &scratch)
    }
}

/// What protects a message. RFC 7616, 3.3.
package enum QualityOfProtection: UInt8, Sendable, BitwiseCopyable {
    /// No `qop` at all: the form of RFC 2069, without counts.
    case none
    case authentication
    /// The body counts, too.
    case integrity

    var text: StaticString {
        switch self {
        case .none: ""
        case .authentication: "auth"
        case .integrity: "auth-int"
        }
    }
}

extension Span<UInt8> {
    func isEqualIgnoringCase(to text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for i in 0..<count where unsafe self[i].lowerCase != text.utf8Start[i].lowerCase { return false }
        return true
    }

    func isEqual(to other: borrowing Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where self[i] != other[i] { return false }
        return true
    }

    func isEqualIgnoringCase(to other: borrowing Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where self[i].lowerCase != other[i].lowerCase { return false }
        return true
    }
}

extension UInt8 {
    var lowerCase: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}

extension ByteBuffer {
    var all: Range<Int> { 0..<count }

    mutating func append(_ other: borrowing ByteBuffer, _ range: Range<Int>) {
        append(other.storage.span.extracting(range))
    }
}
