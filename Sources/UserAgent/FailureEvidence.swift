import Datagrams
import Observations

/// The messages of the first calls that fail go into the journal, also those that follow the failure: the ACK of a
/// refusal, a CANCEL, a BYE. Until a call fails, all messages only pass through a ring.
struct FailureEvidence: Sendable {
    /// Failed calls still to be kept.
    private(set) var left: Int
    var ring: MessageRing
    /// Calls that failed a moment ago: what they send and receive now is kept at once.
    private(set) var watched: [Watched] = []

    struct Watched: Sendable, BitwiseCopyable {
        var owner: UInt64
        var call: UInt64
        var until: MonotonicInstant
    }

    /// Long enough for what ends a dialog, and for its first retransmissions.
    private static let watching = Nanoseconds.seconds(2)

    init(calls: Int) {
        left = calls
        ring = MessageRing(isKept: calls > 0)
        watched.reserveCapacity(calls)
    }

    /// Messages are still wanted.
    var isOn: Bool { left > 0 || !watched.isEmpty }

    func call(of owner: UInt64) -> UInt64? {
        for one in watched where one.owner == owner { return one.call }
        return nil
    }

    mutating func watch(_ owner: UInt64, call: UInt64, at now: MonotonicInstant) {
        left -= 1
        watched.append(Watched(owner: owner, call: call, until: now + Self.watching))
    }

    mutating func forget(at now: MonotonicInstant) {
        if let first = watched.first, first.until <= now { watched.removeFirst() }
    }
}

extension CallEngine {
    static func owner(_ slot: UInt32, _ generation: UInt32) -> UInt64 { UInt64(slot) << 32 | UInt64(generation) }

    /// A datagram of the outbox has left, or goes out over a connection now.
    package mutating func keepSent(_ transmit: Transmit, at instant: MonotonicInstant) {
        if !evidence.isOn { return }
        // What names no call was kept when it was made.
        if transmit.receipt.slot == Transmit.Receipt.none.slot { return }
        Self.keep(
            outbox.bytes, transmit.start..<transmit.start + transmit.count,
            owner: Self.owner(transmit.receipt.slot, transmit.receipt.generation), at: instant,
            start: configuration.start, in: &evidence, &journal)
    }

    /// A datagram of this call whose receipt does not name it.
    mutating func keepPosted(_ i: Int, _ range: Range<Int>, at now: MonotonicInstant) {
        if !evidence.isOn { return }
        let owner = Self.owner(UInt32(truncatingIfNeeded: i), calls[i].generation)
        Self.keep(
            outbox.bytes, range, owner: owner, at: now, start: configuration.start, in: &evidence, &journal)
    }

    mutating func keepReceived(_ i: Int, _ bytes: borrowing Span<UInt8>, at now: MonotonicInstant) {
        if !evidence.isOn { return }
        let owner = Self.owner(UInt32(truncatingIfNeeded: i), calls[i].generation)
        Self.keep(
            bytes, owner: owner, at: arrival.instant ?? now, isSent: false, start: configuration.start, in: &evidence,
            &journal)
    }

    private static func keep(
        _ buffer: borrowing ByteBuffer, _ range: Range<Int>, owner: UInt64, at instant: MonotonicInstant,
        start: MonotonicInstant, in evidence: inout FailureEvidence, _ journal: inout Journal
    ) {
        keep(
            buffer.storage.span.extracting(range), owner: owner, at: instant, isSent: true, start: start, in: &evidence,
            &journal)
    }

    private static func keep(
        _ bytes: borrowing Span<UInt8>, owner: UInt64, at instant: MonotonicInstant, isSent: Bool,
        start: MonotonicInstant, in evidence: inout FailureEvidence, _ journal: inout Journal
    ) {
        if !evidence.watched.isEmpty {
            if let call = evidence.call(of: owner) {
                journal.keep(bytes, of: call, at: instant - start, isSent: isSent)
                return
            }
            evidence.forget(at: instant)
        }
        if evidence.left > 0 { evidence.ring.append(bytes, owner: owner, at: instant, isSent: isSent) }
    }

    /// The call has failed: what the ring has of it is kept.
    mutating func keepEvidence(_ i: Int, _ row: CallRecord, at now: MonotonicInstant) {
        guard evidence.left > 0 else { return }
        let owner = Self.owner(UInt32(truncatingIfNeeded: i), calls[i].generation)
        let (start, call) = (configuration.start, row.number)
        let oldest = Self.copy(of: owner, from: evidence.ring, call: call, start: start, to: &journal)
        // A request counts from when it left, which is after it was handed over.
        let isCut = row.sent.map { sent in (oldest ?? .seconds(1 << 30)) > sent } ?? false
        if isCut, row.outcome == .timeout { rebuildRequest(i, call: call) }
        journal.failedCalls.append(
            FailedCall(
                call: call, callID: row.callID, outcome: row.outcome, step: calls[i].step, failed: row.ended,
                sent: row.sent, isCut: isCut))
        evidence.watch(owner, call: call, at: now)
    }

    /// When the oldest of them was.
    private static func copy(
        of owner: UInt64, from ring: borrowing MessageRing, call: UInt64, start: MonotonicInstant,
        to journal: inout Journal
    ) -> Nanoseconds? {
        var oldest: Nanoseconds?
        ring.forEach(of: owner) { entry, bytes in
            oldest = oldest ?? (entry.at - start)
            journal.keep(bytes, of: call, at: entry.at - start, isSent: entry.isSent)
        }
        return oldest
    }

    /// The first request whose transaction still knows it.
    private mutating func rebuildRequest(_ i: Int, call: UInt64) {
        for t in 0..<Call.transactionLimit {
            let place = calls[i].places[t]
            switch transactions[place].machine {
            case .none, .inviteServer, .server: continue
            case .inviteClient, .client: break
            }
            loadRequest(i, t)
            let sentAt = transactions[place].sentAt.instant ?? configuration.start
            Self.keepRebuilt(request, of: call, at: sentAt - configuration.start, in: &journal)
            return
        }
    }

    private static func keepRebuilt(
        _ request: borrowing ByteBuffer, of call: UInt64, at: Nanoseconds, in journal: inout Journal
    ) {
        journal.keep(
            request.storage.span.extracting(0..<request.count), of: call, at: at, isSent: true, isRebuilt: true)
    }
}
