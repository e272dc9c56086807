import Authentication
import COpenSSL
import Datagrams
import Synchronization

/// MD5, SHA-256 and SHA-512/256 by OpenSSL. Fetching a digest costs more than using it, so each is fetched once and kept
/// with its context.
///
/// A context serves one hash at a time. One of these for each thread never waits; sharing one is safe.
package final class OpenSSLDigests: Sendable {
    private let digests: Mutex<Fetched>

    package init() { digests = Mutex(Fetched()) }

    package var function: DigestFunction {
        DigestFunction { [self] hash, bytes, target in
            let value = digests.withLock { $0.compute(hash, bytes) }
            withUnsafeBytes(of: value.bytes) { written in
                for i in 0..<value.count { target.append(hex: UInt64(written[i]), width: 2) }
            }
            return value.count > 0
        }
    }

    /// EVP_MAX_MD_SIZE bytes, of which the first `count` mean something.
    private struct Value: Sendable, BitwiseCopyable {
        var bytes: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        var count = 0
    }

    private struct Fetched: ~Copyable {
        private let md5 = EVP_MD_fetch(nil, "MD5", nil)
        private let sha256 = EVP_MD_fetch(nil, "SHA2-256", nil)
        private let sha512256 = EVP_MD_fetch(nil, "SHA2-512/256", nil)
        private let context = EVP_MD_CTX_new()

        deinit {
            EVP_MD_CTX_free(context)
            EVP_MD_free(md5)
            EVP_MD_free(sha256)
            EVP_MD_free(sha512256)
        }

        /// No bytes where this OpenSSL does not offer the hash.
        func compute(_ hash: DigestHash, _ bytes: borrowing Span<UInt8>) -> Value {
            let fetched =
                switch hash {
                case .md5: md5
                case .sha256: sha256
                case .sha512256: sha512256
                }
            var value = Value()
            guard let fetched, let context else { return value }
            var written: UInt32 = 0
            let isDone = withUnsafeMutableBytes(of: &value.bytes) { target in
                bytes.withUnsafeBytes { source in
                    EVP_DigestInit_ex2(context, fetched, nil) == 1
                        && (source.isEmpty || EVP_DigestUpdate(context, source.baseAddress, source.count) == 1)
                        && EVP_DigestFinal_ex(
                            context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1
                }
            }
            if isDone { value.count = Int(written) }
            return value
        }
    }
}
