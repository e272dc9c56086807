import Datagrams
import Observations
import SIP

/// An open call, as whoever keeps its connection knows it.
package struct CallReference: Sendable, BitwiseCopyable, Equatable {
    var place: UInt32
    var generation: UInt32
}

/// What a lost connection means for the calls that used it. A request that waits for its response is told so at once (RFC
/// 3261, 17.1.4, 8.1.3.1: as a 503 would), and its call ends as `refused`; a dialog in which nothing is outstanding outlives
/// its connection, and its next request takes another one (18.1.1).
extension CallEngine {
    /// A connection that all calls share.
    package mutating func connectionLost(at now: MonotonicInstant) {
        for i in calls.indices where calls[i].isOpen { loseConnection(i, at: now) }
    }

    /// A call's own connection: it ends with it, whatever it waits for.
    package mutating func connectionLost(of call: CallReference, at now: MonotonicInstant) {
        let i = Int(call.place)
        guard i < calls.count, calls[i].isOpen, calls[i].generation == call.generation else { return }
        if calls[i].isClosing { release(i, at: now) } else { finish(i, .refused, at: now) }
    }

    /// No connection could be had for this message.
    package mutating func couldNotSend(_ transmit: Transmit, at now: MonotonicInstant) {
        let i = Int(transmit.receipt.slot)
        guard i < calls.count, calls[i].isOpen, calls[i].generation == transmit.receipt.generation else { return }
        loseConnection(i, at: now)
    }

    private mutating func loseConnection(_ i: Int, at now: MonotonicInstant) {
        guard awaitsResponse(i) else { return }
        if calls[i].isClosing { release(i, at: now) } else { finish(i, .refused, at: now) }
    }

    private mutating func awaitsResponse(_ i: Int) -> Bool {
        for t in 0..<Call.transactionLimit {
            switch transactions[calls[i].places[t]].machine {
            case .inviteClient(.calling), .inviteClient(.proceeding), .client(.trying), .client(.proceeding):
                return true
            case .none, .inviteClient, .client, .inviteServer, .server: continue
            }
        }
        return false
    }
}
