import COpenSSL
import Glibc

/// What a user says about TLS.
package struct TLSSettings: Sendable {
    /// The other side's certificate is verified. Of a server's peers only where it demands certificates (`authorities`).
    package var verifies = true
    /// File of trusted authorities, in PEM. Nil: the system's. For a server: its callers must show a certificate of theirs.
    package var authorities: String?
    /// Files in PEM: our certificate with its chain, and its key.
    package var certificate: String?
    package var key: String?
    /// The name the server's certificate must be for. Nil: the target's host as it was typed.
    package var serverName: String?
    /// Both ends are this program's: the certificate was made on the spot, and is trusted.
    package var builtIn: LoopbackCertificate?

    package init() {}
}

/// A file that cannot be used, or an OpenSSL without what is needed: one sentence.
package struct TLSSetupError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// One end's settings in OpenSSL's form: made once for each thread, and used by all its connections.
package final class TLSContext {
    package enum Side: Sendable { case client, server }

    let pointer: OpaquePointer
    let side: Side
    /// Client: what the server's certificate must be for.
    let serverName: String
    let verifies: Bool

    /// - Parameter host: the target's, as typed; of no use to a server.
    package init(_ side: Side, _ settings: TLSSettings, host: String = "") throws {
        self.side = side
        serverName = settings.serverName ?? host
        verifies = side == .client ? settings.verifies : settings.authorities != nil
        guard let context = SSL_CTX_new(side == .client ? TLS_client_method() : TLS_server_method()),
            copenssl_require_tls12(context) == 1
        else { throw TLSSetupError(description: "this machine's OpenSSL has no TLS 1.2") }
        pointer = context
        copenssl_release_buffers(context)
        if let builtIn = settings.builtIn {
            try use(builtIn)
        } else {
            try loadOwn(settings)
            try loadAuthorities(settings)
        }
        if verifies { copenssl_verify(context) }
    }

    deinit { SSL_CTX_free(pointer) }

    private func loadOwn(_ settings: TLSSettings) throws {
        guard let certificate = settings.certificate else { return }
        // A PEM file may hold both.
        let key = settings.key ?? certificate
        ERR_clear_error()
        if SSL_CTX_use_certificate_chain_file(pointer, certificate) != 1 {
            throw Self.unusable("--tls-cert \(certificate)", "no certificate in PEM form", certificate)
        }
        if SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) != 1 {
            let option = settings.key == nil ? "--tls-cert \(key) without --tls-key" : "--tls-key \(key)"
            throw Self.unusable(option, "no private key in PEM form that belongs to the certificate", key)
        }
    }

    private func loadAuthorities(_ settings: TLSSettings) throws {
        guard verifies else { return }
        guard let file = settings.authorities else {
            SSL_CTX_set_default_verify_paths(pointer)
            return
        }
        ERR_clear_error()
        if SSL_CTX_load_verify_locations(pointer, file, nil) != 1 {
            throw Self.unusable("--tls-ca \(file)", "no certificate in PEM form", file)
        }
    }

    private static func unusable(_ option: String, _ otherwise: String, _ path: String) -> TLSSetupError {
        ERR_clear_error()
        if access(path, R_OK) != 0 {
            return TLSSetupError(description: "\(option): \(String(cString: strerror(errno)))")
        }
        return TLSSetupError(description: "\(option): there is \(otherwise) in that file")
    }

    private func use(_ builtIn: LoopbackCertificate) throws {
        switch side {
        case .client: X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), builtIn.certificate)
        case .server:
            SSL_CTX_use_certificate(pointer, builtIn.certificate)
            SSL_CTX_use_PrivateKey(pointer, builtIn.key)
        }
    }
}

/// A certificate for 127.0.0.1 that nobody else has: the built-in target's. Never changed once made, and OpenSSL counts its
/// references atomically: threads may share it.
package final class LoopbackCertificate: Sendable {
    private let certificateAddress: UInt
    private let keyAddress: UInt

    package init() throws {
        var certificate: OpaquePointer?
        var key: OpaquePointer?
        copenssl_make_loopback_certificate(&certificate, &key)
        guard let certificate, let key else {
            throw TLSSetupError(
                description: "this machine's OpenSSL makes no P-256 certificate for the built-in target")
        }
        certificateAddress = UInt(bitPattern: certificate)
        keyAddress = UInt(bitPattern: key)
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    var certificate: OpaquePointer? { OpaquePointer(bitPattern: certificateAddress) }
    var key: OpaquePointer? { OpaquePointer(bitPattern: keyAddress) }
}
