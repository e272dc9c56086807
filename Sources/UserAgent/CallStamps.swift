import Datagrams
import Observations
import SIP

/// A delay of our own host in four bytes, or none known. Two seconds either way: a longer one is no delay but a clock that
/// was set.
struct ShortDelay: Sendable, BitwiseCopyable {
    private var raw: Int32 = .min

    static let unknown = ShortDelay()
    init() {}
    init(_ length: Nanoseconds) { if let short = Int32(exactly: length.rawValue) { raw = short } }

    var length: Nanoseconds? { raw == .min ? nil : Nanoseconds(Int64(raw)) }
}

/// What the kernel's stamps say of a call, beside the instants the sending thread read.
///
///     handed over ─egress─► left … arrived ─ingress─► read ─► the next request handed over ─egress─► left
///                                  └────────────── reaction: ours, no part of the response time ────────┘
struct CallStamps: Sendable, BitwiseCopyable {
    /// Of the first request.
    var egress = ShortDelay.unknown
    /// Of the last final response.
    var ingress = ShortDelay.unknown
    /// The response that asks for the next request arrived here, moved on by the pauses since.
    var reactsSince = Moment.never
    /// From such responses to the requests that followed them; as it is, and as it was at the last final response.
    var reaction = Nanoseconds.zero
    var reactionAtLastFinal = Nanoseconds.zero
    var byeEgress = ShortDelay.unknown
    /// The BYE followed such a response.
    var isByeReaction = false
}

extension CallEngine {
    /// The datagram of this receipt left this host at `leftAt`, by the kernel's word. Comes after its `didSend`.
    package mutating func didTransmit(_ receipt: Transmit.Receipt, at leftAt: MonotonicInstant) {
        guard receipt.slot < calls.count, receipt.kind == ReceiptKind.firstSending.rawValue else { return }
        let i = Int(receipt.slot)
        guard calls[i].generation == receipt.generation, calls[i].isOpen else { return }
        let place = calls[i].places[Int(receipt.index)]
        guard place != Self.noPlace, let sentAt = transactions[place].sentAt.instant else { return }
        let egress = ShortDelay(leftAt - sentAt)
        if transactions[place].isFirst { calls[i].stamps.egress = egress }
        if transactions[place].method == .bye {
            calls[i].stamps.byeEgress = egress
            if calls[i].stamps.isByeReaction, let length = egress.length { calls[i].stamps.reaction += length }
        }
    }

    /// Of the rows written since there were `rows`: how long after the reading of its last datagram each was known.
    package mutating func noteMatching(rowsFrom rows: Int, took length: Nanoseconds) {
        for row in rows..<journal.calls.count { journal.calls[row].split?.matching = length }
    }

    /// A message moves the call on. Where it is the final response to the only request under way, what passes until the
    /// next request leaves is this host's doing.
    mutating func beginReaction(_ i: Int, isFinalResponse: Bool) {
        let isReaction = isFinalResponse && arrival.hasCome && !awaitsFinalResponse(i)
        calls[i].stamps.reactsSince = isReaction ? arrival : .never
    }

    private mutating func awaitsFinalResponse(_ i: Int) -> Bool {
        for t in 0..<Call.transactionLimit {
            switch transactions[calls[i].places[t]].machine {
            case .inviteClient(.calling), .inviteClient(.proceeding), .client(.trying), .client(.proceeding):
                return true
            case .none, .inviteClient, .client, .inviteServer, .server: continue
            }
        }
        return false
    }

    /// A request of the scenario left for the first time.
    mutating func endReaction(_ i: Int, _ place: Int, at sentAt: MonotonicInstant) {
        guard let since = calls[i].stamps.reactsSince.instant else { return }
        calls[i].stamps.reactsSince = .never
        calls[i].stamps.reaction += sentAt - since
        calls[i].stamps.isByeReaction = transactions[place].method == .bye
    }

    /// The times of a call that got an answer: each end by the kernel's stamp where it has one. The RTT is by one clock:
    /// the kernel's where both its ends are stamped.
    mutating func fillTimes(_ row: inout CallRecord, of call: Call, sentAt: MonotonicInstant) {
        let egress = call.stamps.egress.length
        let leftAt = sentAt + (egress ?? .zero)
        row.sent = sentAt - configuration.start
        row.trying = call.tryingAt.instant.map { $0 - leftAt }
        row.ringing = call.ringingAt.instant.map { $0 - leftAt }
        row.answer = call.answeredAt.instant.map { $0 - leftAt }
        if let byeSentAt = call.byeSentAt.instant {
            let byeLeftAt = byeSentAt + (call.stamps.byeEgress.length ?? .zero)
            row.bye = call.byeAnsweredAt.instant.map { $0 - byeLeftAt }
        }
        guard row.outcome == .ok, let end = call.lastFinalAt.instant else { return }
        guard let egress, let ingress = call.stamps.ingress.length else {
            row.rtt = end - sentAt
            row.rttFromDue = end - call.dueAt
            return
        }
        let taken = ingress + call.stamps.reactionAtLastFinal
        row.clock = .kernel
        row.hold += call.stamps.reactionAtLastFinal
        row.rtt = end - taken - leftAt
        row.rttFromDue = end - taken - call.dueAt
        row.split = CallSplit(egress: egress, reaction: call.stamps.reactionAtLastFinal, ingress: ingress)
    }
}
