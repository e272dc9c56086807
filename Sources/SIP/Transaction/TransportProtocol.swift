/// What carries SIP's messages (RFC 3261, 18), as far as transactions and Via care.
package enum TransportProtocol: String, Sendable, BitwiseCopyable, CaseIterable {
    case udp, tcp, tls

    /// Nothing is lost while the connection stands, so nothing is sent again: timers A, E and G do not run, D, I, J and K
    /// are zero (17.1.1.2, 17.1.2.2, 17.2.1, 17.2.2).
    package var isReliable: Bool { self != .udp }

    /// As Via and `[transport]` have it (20.42; 26.2.1).
    package var viaName: StaticString {
        switch self {
        case .udp: "UDP"
        case .tcp: "TCP"
        case .tls: "TLS"
        }
    }

    /// Where it is listened for by default (18.2.1, 26.2.1).
    package var defaultPort: UInt16 { self == .tls ? 5061 : 5060 }
}
