/// The server's INVITE transaction (RFC 3261, 17.2.1, with RFC 6026's Accepted state).
///
///                      2xx sent
///       proceeding ──────────────► accepted ──L──► terminated
///          │ 300-699 sent
///          └──► completed ──ACK──► confirmed ──I──► terminated      completed ──H──► terminated
package enum InviteServerTransaction: UInt8, Sendable, BitwiseCopyable {
    case proceeding, completed, confirmed, accepted, terminated

    package enum RequestAction: Sendable, Equatable {
        /// Send the last response again, if there is one.
        case repeatResponse
        case absorb
    }

    package enum ResponseAction: Sendable, Equatable {
        case send
        /// A final response that timer G repeats until the ACK.
        case sendAndRepeat
        /// A 2xx, which the core repeats until the ACK (13.3.1.4).
        case sendAndRepeatByCore
        /// A response after the final one: a scenario's mistake.
        case refuse
    }

    /// The INVITE again.
    package mutating func receiveInvite() -> RequestAction {
        switch self {
        case .proceeding, .completed: .repeatResponse
        case .accepted, .confirmed, .terminated: .absorb
        }
    }

    /// An ACK with this transaction's branch. True where it ends the repeating of a 300-699.
    package mutating func receiveAck() -> Bool {
        guard self == .completed else { return false }
        self = .confirmed
        return true
    }

    package mutating func send(status: UInt16) -> ResponseAction {
        guard self == .proceeding else { return .refuse }
        switch status {
        case ..<200:
            return .send
        case ..<300:
            self = .accepted
            return .sendAndRepeatByCore
        case _:
            self = .completed
            return .sendAndRepeat
        }
    }
}
