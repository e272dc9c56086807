/// The client's INVITE transaction (RFC 3261, 17.1.1, with RFC 6026's Accepted state).
///
///                  1xx            2xx
///       calling ─────► proceeding ─────► accepted ──M──► terminated
///          │   2xx ──────────────────────►
///          │ 300-699        │ 300-699
///          └──► completed ◄─┘ ──D──► terminated        calling ──B──► terminated
///
/// It keeps no timer and sends nothing: whoever owns it carries its actions out. Timers D and M only say how long repeats
/// are still recognised.
package enum InviteClientTransaction: UInt8, Sendable, BitwiseCopyable {
    case calling, proceeding, completed, accepted, terminated

    package enum Action: Sendable, Equatable {
        /// For the user agent core, seen the first time.
        case passUp
        /// 300-699: for the core, and to be acknowledged within this transaction.
        case passUpAndAcknowledge
        /// 300-699 again: the same ACK again, the core hears nothing (17.1.1.2).
        case acknowledgeAgain
        /// A 2xx in Accepted: the core repeats its ACK, or ends a fork's dialog (13.2.2.4).
        case repeatedSuccess
        /// A provisional response after a final one.
        case late
        case drop
    }

    package mutating func receive(status: UInt16) -> Action {
        switch self {
        case .calling, .proceeding:
            switch status {
            case ..<200:
                self = .proceeding
                return .passUp
            case ..<300:
                self = .accepted
                return .passUp
            case _:
                self = .completed
                return .passUpAndAcknowledge
            }
        case .completed:
            if status < 200 { return .late }
            return status >= 300 ? .acknowledgeAgain : .drop
        case .accepted:
            if status < 200 { return .late }
            return status < 300 ? .repeatedSuccess : .drop
        case .terminated:
            return status < 200 ? .late : .drop
        }
    }

    /// Timer A runs only until the first response.
    package var retransmits: Bool { self == .calling }
}
