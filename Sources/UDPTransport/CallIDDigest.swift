import COpenSSL

/// SHA-256 by OpenSSL. Fetching the digest costs more than using it, so one is fetched at start and kept with its
/// context. OpenSSL 3.0 still makes one small allocation for each hash: the one allocation on the sending path, and only
/// for Call-IDs longer than 32 bytes, which sipmeter's own never are.
package struct CallIDDigest: ~Copyable {
    private let digest: OpaquePointer?
    private let context: OpaquePointer?

    init() {
        digest = EVP_MD_fetch(nil, "SHA2-256", nil)
        context = EVP_MD_CTX_new()
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_MD_free(digest)
    }

    /// Writes the first 32 hexadecimal digits, lower case. False where this OpenSSL offers no SHA-256.
    func writeHexadecimal(of bytes: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer) -> Bool {
        guard let digest, let context else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(EVP_MAX_MD_SIZE)) { hash in
            guard EVP_DigestInit_ex2(context, digest, nil) == 1,
                EVP_DigestUpdate(context, bytes, count) == 1,
                EVP_DigestFinal_ex(context, hash.baseAddress, nil) == 1
            else { return false }
            for i in 0..<16 {
                target.storeBytes(of: Self.digit(hash[i] >> 4), toByteOffset: 2 * i, as: UInt8.self)
                target.storeBytes(of: Self.digit(hash[i] & 15), toByteOffset: 2 * i + 1, as: UInt8.self)
            }
            return true
        }
    }

    /// The first 32 hexadecimal digits; nil where this OpenSSL offers no SHA-256. For once in a while: it fetches the digest.
    package static func hexadecimal(_ bytes: borrowing Span<UInt8>) -> InlineArray<32, UInt8>? {
        var digits = InlineArray<32, UInt8>(repeating: 0)
        let count = bytes.count
        let isWritten = bytes.withUnsafeBytes { source in
            var span = digits.mutableSpan
            return span.withUnsafeMutableBytes { target in
                guard let from = source.baseAddress, let to = target.baseAddress else { return false }
                return CallIDDigest().writeHexadecimal(of: from, count: count, to: to)
            }
        }
        return isWritten ? digits : nil
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}
