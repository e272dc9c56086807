import COpenSSL
import Glibc

/// Why a TLS connection could not be made, or broke.
package enum TLSFailure: Error, Equatable, Sendable {
    /// The certificate of the other side is not for the name asked for, but for these.
    case wrongName(wanted: String, names: String)
    case expired(since: String)
    case notYetValid(from: String)
    case unknownAuthority(issuer: String)
    case selfSigned(subject: String)
    /// Not verified for another reason, in OpenSSL's words.
    case unverified(String)
    /// The other side asked for a certificate and got none.
    case certificateWanted
    /// The other side speaks, but not TLS.
    case notTLS
    /// The other side ended it with this alert, or something else went wrong: OpenSSL's words.
    case failed(String)

    /// Completes `192.0.2.1:5061 …`, and says what to do.
    package var advice: String {
        switch self {
        case .wrongName(let wanted, let names):
            "shows a certificate for \(names.isEmpty ? "no name at all" : names), not for \(wanted): "
                + (names.isEmpty ? "" : "if that is the server meant, say so with --tls-server-name; ") + Self.insecure
        case .expired(let since):
            "shows a certificate that expired on \(since): the server needs a new one, or this machine the right time; "
                + Self.insecure
        case .notYetValid(let from):
            "shows a certificate that is valid only from \(from): see whether the clocks are right; " + Self.insecure
        case .unknownAuthority(let issuer):
            "shows a certificate signed by \"\(issuer)\", which is not among the authorities trusted here: name that "
                + "authority's certificate with --tls-ca FILE; " + Self.insecure
        case .selfSigned(let subject):
            "shows a certificate that \"\(subject)\" signed for itself: to trust it name it with --tls-ca FILE; "
                + Self.insecure
        case .unverified(let words): "shows a certificate that cannot be verified (\(words)); " + Self.insecure
        case .certificateWanted:
            "wants a certificate of its caller: give it with --tls-cert FILE and --tls-key FILE"
        case .notTLS: "does not speak TLS: is this its TLS port, or should it be --transport tcp?"
        case .failed(let words): "did not come to terms over TLS: \(words)"
        }
    }

    private static let insecure = "--tls-insecure goes on without verification"

    /// What OpenSSL says of the certificate, if it did not verify it.
    static func ofCertificate(_ ssl: OpaquePointer, name: String) -> TLSFailure? {
        let code = SSL_get_verify_result(ssl)
        if code == X509_V_OK { return nil }
        guard let certificate = copenssl_refused(ssl) else {
            return .unverified(String(cString: X509_verify_cert_error_string(code)))
        }
        let code32 = Int32(truncatingIfNeeded: code)
        switch code32 {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return .wrongName(wanted: name, names: text { copenssl_names(certificate, $0, $1) })
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return .expired(since: text { copenssl_time_text(X509_get0_notAfter(certificate), $0, $1) })
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return .notYetValid(from: text { copenssl_time_text(X509_get0_notBefore(certificate), $0, $1) })
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return .unknownAuthority(issuer: text { copenssl_name_text(X509_get_issuer_name(certificate), $0, $1) })
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return .selfSigned(subject: text { copenssl_name_text(X509_get_subject_name(certificate), $0, $1) })
        case _:
            return .unverified(String(cString: X509_verify_cert_error_string(code)))
        }
    }

    /// The first error in OpenSSL's queue, which is emptied: the later ones follow from it.
    static func fromQueue() -> TLSFailure {
        let code = ERR_get_error()
        ERR_clear_error()
        if code == 0 { return .failed("the connection ended during the handshake") }
        switch ERR_GET_REASON(code) {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_UNEXPECTED_MESSAGE,
            SSL_R_BAD_RECORD_TYPE:
            return .notTLS
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return .certificateWanted
        case _:
            guard let reason = ERR_reason_error_string(code) else { return .failed("error \(code)") }
            return .failed(String(cString: reason))
        }
    }

    static func text(_ write: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            start.pointee = 0
            write(start, buffer.count)
            return String(cString: start)
        }
    }
}
