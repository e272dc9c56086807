/// The server's transaction for every request but INVITE and ACK (RFC 3261, 17.2.2).
///
///       trying ──1xx sent──► proceeding ──200-699 sent──► completed ──J──► terminated
package enum ServerTransaction: UInt8, Sendable, BitwiseCopyable {
    case trying, proceeding, completed, terminated

    /// The request again: whether the last response goes out again.
    package var repeatsResponse: Bool {
        switch self {
        case .proceeding, .completed: true
        case .trying, .terminated: false
        }
    }

    package mutating func send(status: UInt16) {
        switch self {
        case .trying, .proceeding: self = status < 200 ? .proceeding : .completed
        case .completed, .terminated: break
        }
    }
}
