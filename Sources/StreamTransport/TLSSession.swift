import COpenSSL
import Datagrams
import Glibc

/// TLS on one connection, between two buffers: bytes off the wire go in, text comes out, and the other way round. It knows no
/// socket.
struct TLSSession: ~Copyable {
    private let ssl: OpaquePointer
    /// Of the wire: what came, and what is to go.
    private let arrived: OpaquePointer
    private let leaving: OpaquePointer
    private let name: String
    private let verifies: Bool
    private(set) var isEstablished = false

    init(_ context: TLSContext) throws(TLSFailure) {
        guard let ssl = SSL_new(context.pointer), let arrived = BIO_new(BIO_s_mem()), let leaving = BIO_new(BIO_s_mem())
        else { throw TLSFailure.fromQueue() }
        SSL_set_bio(ssl, arrived, leaving)
        self.ssl = ssl
        self.arrived = arrived
        self.leaving = leaving
        name = context.serverName
        verifies = context.verifies
        switch context.side {
        case .server: SSL_set_accept_state(ssl)
        case .client:
            SSL_set_connect_state(ssl)
            expect(name)
        }
    }

    deinit { copenssl_free(ssl) }

    /// The name or address that the server's certificate must be for (RFC 5922, 7: of a SIP server, its domain's).
    private func expect(_ name: String) {
        if name.isEmpty { return }
        let bare = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), bare) == 1 { return }
        SSL_set1_host(ssl, bare)
        _ = copenssl_set_server_name(ssl, bare)
    }

    /// Goes on with the handshake as far as what has arrived allows.
    mutating func shakeHands() throws(TLSFailure) {
        if isEstablished { return }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            return
        }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return }
        throw failure()
    }

    /// Version and cipher, once they are agreed on.
    var cipherSuite: String {
        guard let cipher = SSL_get_current_cipher(ssl) else { return "" }
        return "\(String(cString: SSL_get_version(ssl))), \(String(cString: SSL_CIPHER_get_name(cipher)))"
    }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        _ = BIO_write(arrived, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Text into `target`: how much, 0 where nothing is complete, nil where the other side has ended it.
    mutating func read(into target: UnsafeMutableRawBufferPointer) throws(TLSFailure) -> Int? {
        ERR_clear_error()
        let count = SSL_read(ssl, target.baseAddress, Int32(clamping: target.count))
        if count > 0 { return Int(count) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ: return 0
        case SSL_ERROR_ZERO_RETURN: return nil
        case _: throw failure()
        }
    }

    mutating func write(_ text: borrowing Span<UInt8>) throws(TLSFailure) {
        if text.isEmpty { return }
        ERR_clear_error()
        let written = text.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32(clamping: $0.count)) }
        // The buffer takes everything: whatever else comes is an error.
        if Int(written) != text.count { throw failure() }
    }

    /// What is to go onto the wire.
    func takeOutput(_ scratch: UnsafeMutableRawBufferPointer, into wire: inout ByteBuffer) {
        while true {
            let count = BIO_read(leaving, scratch.baseAddress, Int32(clamping: scratch.count))
            if count <= 0 { return }
            let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<Int(count)])
            wire.append(Span(_unsafeBytes: bytes))
        }
    }

    /// Says goodbye; not waited for.
    func close() {
        if isEstablished { SSL_shutdown(ssl) }
        ERR_clear_error()
    }

    private func failure() -> TLSFailure {
        if verifies, let fault = TLSFailure.ofCertificate(ssl, name: name) {
            ERR_clear_error()
            return fault
        }
        return TLSFailure.fromQueue()
    }
}
