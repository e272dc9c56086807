import Datagrams
import Observations

/// A call found in a capture, as a row of `rtt.csv` and what that row has no column for.
package struct CapturedCall: Sendable {
    package var record: CallRecord
    /// Host numbers (`TransactionTable.hosts`) and the called address.
    package var caller: UInt32
    package var callee: UInt32
    package var isEndedByCallee: Bool
    /// The same Call-ID was seen between other hosts too: a proxy or a translator is in the path.
    package var hasFurtherLegs: Bool
    /// The place of its INVITE in the capture.
    package var invite: Int
}

/// Finds the calls: Call-ID by Call-ID, between the two hosts where its first INVITE was seen.
///
///     INVITE ……… final response … ACK ……… BYE ……… final response
///     │◄────── answer ──────►│◄─── hold ───►│◄── bye ──►│
///     │◄───────────────── rtt + hold ──────────────────►│
///
/// The hold is from the 2xx to the BYE: nobody was waiting for an answer then, and what the caller took to react is no
/// response time. A live run by the kernel's clock has the same rule. INVITEs sent again with credentials, or to where a redirection pointed, are one call; its time runs from the
/// first of them (RFC 6076, 4.3.1).
package struct CallFinder {
    private let traffic: SIPTraffic
    private let table: TransactionTable
    private let timeout: Nanoseconds
    private let start: Nanoseconds
    private let end: Nanoseconds

    /// - Parameters:
    ///   - timeout: an answer that has not come by then is none (64 x T1).
    ///   - start: what instants are counted from.
    package init(_ traffic: SIPTraffic, _ table: TransactionTable, timeout: Nanoseconds, start: Nanoseconds) {
        self.traffic = traffic
        self.table = table
        self.timeout = timeout
        self.start = start
        end = traffic.lastFrame ?? start
    }

    /// In the order of their first INVITE, numbered from 1; and how many Call-IDs were in a dialog whose beginning was not
    /// captured.
    package func calls() -> (calls: [CapturedCall], begunBefore: UInt64) {
        var byCallID: [UInt32: [Int]] = [:]
        var order: [UInt32] = []
        for (number, transaction) in table.transactions.enumerated() {
            let message = traffic.messages[transaction.first]
            guard message.method == .invite || message.method == .bye else { continue }
            if byCallID[message.callID, default: []].isEmpty { order.append(message.callID) }
            byCallID[message.callID, default: []].append(number)
        }
        var calls: [CapturedCall] = []
        var begunBefore: UInt64 = 0
        for callID in order {
            if let call = call(callID, byCallID[callID] ?? [], number: UInt64(calls.count + 1)) {
                calls.append(call)
            } else {
                begunBefore += 1
            }
        }
        return (calls, begunBefore)
    }

    private func call(_ callID: UInt32, _ numbers: [Int], number: UInt64) -> CapturedCall? {
        let transactions = numbers.map { table.transactions[$0] }
        // Without a To tag: later INVITEs change a session that is there (RFC 3261, 14).
        let initial = transactions.filter { first($0).method == .invite && first($0).toTag == 0 }
        guard let begin = initial.first else { return nil }
        let leg = Leg(first(begin), table)
        let attempts = initial.filter { leg.isForward(first($0), table) }
        // The one that was answered with success, else the last word.
        let deciding = attempts.first { isSuccess(final($0)) } ?? attempts[attempts.count - 1]
        let onLeg = transactions.filter { leg.holds(first($0), table) }
        let inviteAt = first(begin).at
        var record = CallRecord(
            number: number, callID: traffic.texts.withBytes(of: callID) { CallIDText($0) }, due: inviteAt - start)
        record.sent = inviteAt - start
        record.clock = .kernel
        record.isTagged = first(begin).isTagged
        record.retransmissions = UInt32(clamping: onLeg.reduce(0) { $0 + $1.requests.count - 1 })
        record.trying = since(inviteAt, attempts) { $0.status == 100 }
        record.ringing = since(inviteAt, attempts) { $0.isProvisional && $0.status != 100 }
        let answer = final(deciding)
        record.answer = answer.map { $0.at - inviteAt }
        record.inviteStatus = answer?.status ?? 0
        var isEndedByCallee = false
        if let answer, isSuccess(answer) {
            let byes = byes(among: transactions, on: leg)
            conclude(&record, from: inviteAt, answered: answer, byes: byes)
            isEndedByCallee = byes.first.map { !leg.isFromCaller(first($0), table) } ?? false
        } else {
            record.outcome = outcomeWithoutSession(deciding, answer)
            record.ended = (answer?.at ?? min(first(deciding).at + timeout, end)) - start
        }
        return CapturedCall(
            record: record, caller: leg.caller, callee: first(begin).destination, isEndedByCallee: isEndedByCallee,
            hasFurtherLegs: onLeg.count < transactions.count, invite: begin.first)
    }

    // MARK: how a call ends

    private func outcomeWithoutSession(_ invite: Transaction, _ answer: CapturedMessage?) -> CallOutcome {
        if let answer { return .status(answer.status) }
        // One that rings has no limit in RFC 3261; it was still open.
        return invite.responses.isEmpty && end - first(invite).at >= timeout ? .timeout : .interrupted
    }

    /// The BYEs of whichever side hung up first, on the leg where there are any: without a Record-Route they go past the
    /// proxy.
    private func byes(among transactions: [Transaction], on leg: Leg) -> [Transaction] {
        let all = transactions.filter { first($0).method == .bye }
        let onLeg = all.filter { leg.holds(first($0), table) }
        let candidates = onLeg.isEmpty ? all : onLeg
        guard let begin = candidates.first else { return [] }
        return candidates.filter { host(first($0).source) == host(first(begin).source) }
    }

    private func conclude(
        _ record: inout CallRecord, from inviteAt: Nanoseconds, answered answer: CapturedMessage, byes: [Transaction]
    ) {
        guard let bye = byes.first else {
            record.outcome = .interrupted
            record.ended = end - start
            return
        }
        let byeAt = first(bye).at
        record.hold = max(byeAt - answer.at, .zero)
        guard
            let final = byes.lazy.compactMap({ final($0) }).first(where: { isSuccess($0) }) ?? byes.last.flatMap(final)
        else {
            record.outcome = end - byeAt >= timeout ? .timeout : .interrupted
            record.ended = min(byeAt + timeout, end) - start
            return
        }
        record.bye = final.at - byeAt
        record.ended = final.at - start
        guard isSuccess(final) else {
            record.outcome = .status(final.status)
            return
        }
        record.outcome = .ok
        record.rtt = final.at - inviteAt - record.hold
        record.rttFromDue = record.rtt
    }

    // MARK: looking up

    private func first(_ transaction: Transaction) -> CapturedMessage { traffic.messages[transaction.first] }

    private func final(_ transaction: Transaction) -> CapturedMessage? { transaction.final(in: traffic.messages) }

    private func isSuccess(_ message: CapturedMessage?) -> Bool {
        message.map { (200..<300).contains($0.status) } ?? false
    }

    private func host(_ address: UInt32) -> UInt32 { table.hosts[Int(address)] }

    private func since(
        _ instant: Nanoseconds, _ transactions: [Transaction], _ isWanted: (CapturedMessage) -> Bool
    ) -> Nanoseconds? {
        for transaction in transactions {
            for response in transaction.responses where isWanted(traffic.messages[response]) {
                return traffic.messages[response].at - instant
            }
        }
        return nil
    }
}

/// The two hosts between which a call was first seen. On loopback they are one, and the ports tell the sides apart.
private struct Leg {
    let caller: UInt32
    let callee: UInt32
    private let callerAddress: UInt32
    private let calleeAddress: UInt32

    init(_ invite: CapturedMessage, _ table: TransactionTable) {
        caller = table.hosts[Int(invite.source)]
        callee = table.hosts[Int(invite.destination)]
        callerAddress = invite.source
        calleeAddress = invite.destination
    }

    func isForward(_ message: CapturedMessage, _ table: TransactionTable) -> Bool {
        holds(message, table) && isFromCaller(message, table)
    }

    func holds(_ message: CapturedMessage, _ table: TransactionTable) -> Bool {
        let (source, destination) = (table.hosts[Int(message.source)], table.hosts[Int(message.destination)])
        if caller == callee {
            return (message.source == callerAddress && message.destination == calleeAddress)
                || (message.source == calleeAddress && message.destination == callerAddress)
        }
        return (source == caller && destination == callee) || (source == callee && destination == caller)
    }

    func isFromCaller(_ message: CapturedMessage, _ table: TransactionTable) -> Bool {
        caller == callee ? message.source == callerAddress : table.hosts[Int(message.source)] == caller
    }
}
