/// The client's transaction for every request but INVITE and ACK (RFC 3261, 17.1.2).
///
///       trying ──1xx──► proceeding ──200-699──► completed ──K──► terminated
///          └──200-699──────────────────────────►    trying, proceeding ──F──► terminated
package enum ClientTransaction: UInt8, Sendable, BitwiseCopyable {
    case trying, proceeding, completed, terminated

    package enum Action: Sendable, Equatable {
        case passUp
        /// A provisional: for the core, and retransmission slows to T2.
        case passUpAndSlowDown
        case late
        /// The final response again: absorbed.
        case absorb
    }

    package mutating func receive(status: UInt16) -> Action {
        switch self {
        case .trying, .proceeding:
            if status < 200 {
                self = .proceeding
                return .passUpAndSlowDown
            }
            self = .completed
            return .passUp
        case .completed, .terminated:
            return status < 200 ? .late : .absorb
        }
    }

    /// Timer E runs until the final response.
    package var retransmits: Bool { self == .trying || self == .proceeding }
}
