import Datagrams
import Observations
import SIP
import Scenarios

/// Counts of each step of the scenario, and what a call had no place for.
extension CallEngine {
    mutating func noteRepeatSent(_ step: UInt16) {
        if Int(step) < stepCounts.count { stepCounts[Int(step)].repeats += 1 }
    }

    /// Another copy of a message: counted at the receive it belonged to, the last one of its kind behind where the call
    /// stands.
    mutating func noteRepeatReceived(_ i: Int, _ match: Instruction.Receive.Match) {
        counters.repeatsReceived += 1
        var at = min(Int(calls[i].step), program.instructions.count)
        while at > 0 {
            at -= 1
            if case .receive(let receive) = program.instructions[at].operation, receive.match == match {
                stepCounts[at].repeats += 1
                return
            }
        }
    }

    /// - Parameter status: 0: it is a request.
    mutating func noteUnexpected(
        _ i: Int, _ status: UInt16, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>
    ) {
        let step = calls[i].step
        if Int(step) < stepCounts.count { stepCounts[Int(step)].unexpected += 1 }
        guard configuration.keepsMessages else { return }
        let hasRoom = journal.unexpectedBytes.count + bytes.count <= Journal.unexpectedCapacity
        journal.unexpected.append(
            UnexpectedMessage(
                call: calls[i].number, callID: callIDText(i), step: step, status: status,
                at: now - configuration.start, start: journal.unexpectedBytes.count, count: hasRoom ? bytes.count : 0))
        if hasRoom { journal.unexpectedBytes.append(bytes) }
    }

    /// A datagram of the outbox has left.
    package mutating func logSent(_ transmit: Transmit, at instant: WallInstant) {
        Self.append(transmit, of: outbox, to: &journal.messages, at: instant)
    }

    private static func append(
        _ transmit: Transmit, of outbox: borrowing Outbox, to log: inout MessageLog, at instant: WallInstant
    ) {
        let range = transmit.start..<transmit.start + transmit.count
        log.append(.sent, outbox.bytes.storage.span.extracting(range), at: instant)
    }

    static func isAutoAnswered(_ method: Method) -> Bool {
        switch method {
        case .info, .notify, .options, .update: true
        case .other, .invite, .ack, .bye, .cancel, .register, .prack, .subscribe, .publish, .refer, .message: false
        }
    }
}
