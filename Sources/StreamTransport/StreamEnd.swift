import Datagrams
import SIP
import UDPTransport

/// Why a connection is no more, or never was.
package enum StreamEnd: Error, Equatable, Sendable {
    /// The kernel or the other host would not make it.
    case notAccepted(SystemError)
    case setUpTimedOut(after: Nanoseconds, duringTLS: Bool)
    case closedByPeer(insideMessage: Bool, duringTLS: Bool)
    /// It broke: errno.
    case broken(Int32)
    case framing(StreamFailure)
    case tls(TLSFailure)
    /// The other side did not read for so long that this many bytes waited.
    case notRead(bytes: Int)

    /// One sentence, with what to do where something can be done.
    package func sentence(_ peer: SocketAddress, _ transport: TransportProtocol) -> String {
        let kind = "\(transport.viaName)"
        switch self {
        case .notAccepted(let error):
            return
                "\(peer) accepts no \(kind) connection (\(SystemError.text(of: error.errno))). Is the server running, on "
                + "this port and with \(kind)?"
        case .setUpTimedOut(let after, let duringTLS):
            let seconds = "\(after.rawValue / 1_000_000_000) s"
            return duringTLS
                ? "\(peer) did not finish the TLS handshake within \(seconds). Is this its TLS port?"
                : "\(peer) accepted no TCP connection within \(seconds). Is the host up, and does TCP pass to it?"
        case .closedByPeer(_, true):
            return "\(peer) closed the connection during the TLS handshake. Is this its TLS port, and does it want a "
                + "certificate (--tls-cert)?"
        case .closedByPeer(let insideMessage, false):
            return "\(peer) closed the \(kind) connection\(insideMessage ? " in the middle of a message" : "")"
        case .broken(let errno): return "the \(kind) connection with \(peer) broke: \(SystemError.text(of: errno))"
        case .framing(let failure):
            return "\(peer) sent \(failure) (RFC 3261, 18.3): the \(kind) connection was closed"
        case .tls(let failure): return "\(peer) \(failure.advice)"
        case .notRead(let bytes):
            return "\(peer) did not read: \(bytes >> 20) MB waited for it, and the \(kind) connection was closed"
        }
    }
}
