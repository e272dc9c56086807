import Datagrams
import Observations
import SIP
import Scenarios

/// Responses to the requests of an open call.
extension CallEngine {
    mutating func receiveResponse(
        _ i: Int, _ status: UInt16, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        guard let t = clientTransaction(i, bytes, index) else {
            counters.stray += 1
            return
        }
        switch transactions[calls[i].places[t]].machine {
        case .inviteClient(var state):
            let action = state.receive(status: status)
            transactions[calls[i].places[t]].machine = .inviteClient(state)
            carryOut(action, i, t, status, at: now, bytes, index)
        case .client(var state):
            let action = state.receive(status: status)
            transactions[calls[i].places[t]].machine = .client(state)
            carryOut(action, i, t, status, at: now, bytes, index)
        case .none, .inviteServer, .server:
            counters.stray += 1
        }
    }

    /// RFC 3261, 17.1.3: by branch and method; by CSeq where the scenario writes branches of its own or the peer broke ours.
    private mutating func clientTransaction(
        _ i: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Int? {
        let branch = BranchIdentity.parse(bytes.extracting(index.viaBranch.bounds))
        var byCSeq: Int?
        for t in 0..<Call.transactionLimit {
            let transaction = transactions[calls[i].places[t]]
            switch transaction.machine {
            case .none, .inviteServer, .server: continue
            case .inviteClient, .client: break
            }
            guard transaction.method == index.cseqMethod else { continue }
            if let branch, branch.run == configuration.run, branch.number == calls[i].number,
                branch.sequence == transaction.branchSequence
            {
                return t
            }
            if transaction.cseq == index.cseq { byCSeq = t }
        }
        return byCSeq
    }

    private mutating func carryOut(
        _ action: InviteClientTransaction.Action, _ i: Int, _ t: Int, _ status: UInt16, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        switch action {
        case .passUp:
            if status >= 200 { stopTimer(i, t) } else { noteRinging(i, t, at: now) }
            passUp(i, t, status, at: now, bytes, index)
        case .passUpAndAcknowledge:
            stopTimer(i, t)
            if !scenarioAcknowledges(i, status, t, bytes, index) { acknowledgeFailure(i, t, bytes, index, at: now) }
            passUp(i, t, status, at: now, bytes, index)
        case .acknowledgeAgain:
            noteRepeatReceived(i, .status(status))
            repeatAck(i, t, at: now)
        case .repeatedSuccess:
            noteRepeatReceived(i, .status(status))
            if isFork(i, bytes, index) {
                endFork(i, t, at: now, bytes, index)
            } else {
                repeatAck(i, t, at: now)
            }
        case .late: counters.lateProvisional += 1
        case .drop: counters.stray += 1
        }
    }

    private mutating func carryOut(
        _ action: ClientTransaction.Action, _ i: Int, _ t: Int, _ status: UInt16, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        switch action {
        case .passUp:
            stopTimer(i, t)
            passUp(i, t, status, at: now, bytes, index)
        case .passUpAndSlowDown:
            transactions[calls[i].places[t]].schedule.slowDown(to: configuration.timers.t2)
            passUp(i, t, status, at: now, bytes, index)
        case .late: counters.lateProvisional += 1
        case .absorb: noteRepeatReceived(i, .status(status))
        }
    }

    /// Each response reaches this once.
    private mutating func passUp(
        _ i: Int, _ t: Int, _ status: UInt16, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        note(i, t, status, at: now)
        responses.note(transactions[calls[i].places[t]].method, status)
        let tag = bytes.extracting(index.toTag.bounds)
        if !tag.isEmpty, !texts.matches(calls[i].peerTag, tag), mayChangeTag(i, t) {
            keepSentMessages(i)
            texts.replace(&calls[i].peerTag, with: tag)
        }
        if calls[i].isClosing { return settle(i, t, status, at: now, bytes, index) }
        if let step = receiveStep(i, for: .status(status), bytes, index, of: t) {
            accept(i, step, at: now, bytes, index)
        } else if status < 200 {
            counters.unlistedProvisional += 1
        } else if !dealsWithUnexpected(i, .status(status), t, at: now, bytes, index) {
            // A dialog nobody asked for is ended where it really is (12.1.2).
            if status < 300, transactions[calls[i].places[t]].method == .invite { keepRouteSet(i, bytes, index) }
            noteUnexpected(i, status, at: now, bytes)
            if configuration.isBare { return }
            finish(i, status >= 300 ? .status(status) : .unexpected, at: now)
        }
    }

    /// A dialog keeps the tag of its 2xx, whatever later responses say.
    private mutating func mayChangeTag(_ i: Int, _ t: Int) -> Bool {
        if calls[i].peerTag.count == 0 || transactions[calls[i].places[t]].method == .invite { return true }
        for other in 0..<Call.transactionLimit {
            if case .inviteClient(.accepted) = transactions[calls[i].places[other]].machine { return false }
        }
        return true
    }

    private mutating func note(_ i: Int, _ t: Int, _ status: UInt16, at now: MonotonicInstant) {
        let transaction = transactions[calls[i].places[t]]
        if calls[i].isClosing || transaction.isAutomatic { return }
        let came = arrival.instant ?? now
        if transaction.isFirst {
            switch status {
            case 100: calls[i].tryingAt.setOnce(came)
            case ..<200: calls[i].ringingAt.setOnce(came)
            case _:
                calls[i].answeredAt.setOnce(came)
                if status < 300 { counters.answered += 1 }
            }
        }
        guard status >= 200 else { return }
        calls[i].lastFinalAt = Moment(now - calls[i].hold)
        calls[i].stamps.ingress = arrival.instant.map { ShortDelay(now - $0) } ?? .unknown
        calls[i].stamps.reactionAtLastFinal = calls[i].stamps.reaction
        if transaction.method == .invite { calls[i].inviteStatus = status }
        if transaction.method == .bye { calls[i].byeAnsweredAt.setOnce(came) }
    }

    mutating func stopTimer(_ i: Int, _ t: Int) { transactions[calls[i].places[t]].stamp &+= 1 }

    // MARK: ACK

    /// Whether the scenario's next send, if this status is one it expects, is the ACK: then it is not sent twice.
    private mutating func scenarioAcknowledges(
        _ i: Int, _ status: UInt16, _ t: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        if calls[i].isClosing { return false }
        if let step = receiveStep(i, for: .status(status), bytes, index, of: t) { return acknowledges(after: step) }
        guard let target = program.unexpectedTarget else { return false }
        // As `dealsWithUnexpected` will: from the label on.
        let (step, waiting) = (calls[i].step, calls[i].waiting)
        calls[i].step = target
        calls[i].waiting = .receive
        let expected = receiveStep(i, for: .status(status), bytes, index, of: t)
        calls[i].step = step
        calls[i].waiting = waiting
        return expected.map { acknowledges(after: $0) } ?? false
    }

    /// Where a step may go on in two ways, either may lead to the ACK: what decides is not known yet.
    private mutating func acknowledges(after step: Int, forks: Int = 0) -> Bool {
        var step = step
        // Bounded: a scenario may jump in circles.
        for _ in 0..<program.instructions.count {
            let instruction = program.instructions[step]
            let isOpen = instruction.extras != 0 && instruction.next != nil
            if isOpen, forks < 8, step + 1 < program.instructions.count, begins(step + 1, forks: forks + 1) {
                return true
            }
            let at = instruction.next.map(Int.init) ?? step + 1
            guard at < program.instructions.count else { return false }
            switch program.instructions[at].operation {
            case .send(let send): return send.method == .ack && send.status == 0
            case .receive: return false
            case .pause, .timewait, .nop: step = at
            }
        }
        return false
    }

    private mutating func begins(_ at: Int, forks: Int) -> Bool {
        switch program.instructions[at].operation {
        case .send(let send): send.method == .ack && send.status == 0
        case .receive: false
        case .pause, .timewait, .nop: acknowledges(after: at, forks: forks)
        }
    }

    /// 17.1.1.3: within the transaction, made from the INVITE and the response; kept, for the response may come again.
    private mutating func acknowledgeFailure(
        _ i: Int, _ t: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, at now: MonotonicInstant
    ) {
        loadRequest(i, t)
        let invited = transactions[calls[i].places[t]]
        let rendered =
            renderDefault(.ack, i, cseq: invited.rawCSeq, sequence: invited.branchSequence, at: now, bytes, index)
            ?? ComposedMessage.ack(for: bytes, index, to: request, requestIndex, into: &outbox.bytes)
        texts.replace(
            &transactions[calls[i].places[t]].ackStored,
            with: outbox.bytes, rendered.range)
        post(i, rendered, method: .ack, cseq: transactions[calls[i].places[t]].cseq, due: now)
    }

    private mutating func repeatAck(_ i: Int, _ t: Int, at now: MonotonicInstant) {
        let transaction = transactions[calls[i].places[t]]
        let rendered: Rendered
        if transaction.ackStored.count > 0 {
            rendered = copyToOutbox(transaction.ackStored)
        } else if transaction.ackStep != .max {
            rendered = renderAck(i, transaction)
        } else {
            // Not acknowledged yet: the scenario still waits before its ACK.
            return
        }
        counters.acksRepeated += 1
        noteRepeatSent(transaction.ackStep)
        post(i, rendered, method: .ack, cseq: transaction.cseq, due: now, isRetransmission: true)
    }

    mutating func renderAck(_ i: Int, _ transaction: CallTransaction) -> Rendered {
        guard case .send(let send) = program.instructions[Int(transaction.ackStep)].operation else {
            preconditionFailure("step \(transaction.ackStep) sent an ACK and is no send")
        }
        let values = renderValues(
            i, Int(transaction.ackStep), cseq: transaction.rawCSeq, transaction.ackSequence)
        return program.templates[Int(send.template)].renderAgain(into: &outbox.bytes, values: values, texts: texts)
    }

    /// Puts the request of a transaction into `request` and `requestIndex`.
    mutating func loadRequest(_ i: Int, _ t: Int) {
        let mark = outbox.bytes.count
        let rendered = renderRequest(i, t)
        request.removeAll()
        request.append(outbox.bytes, rendered.range)
        outbox.bytes.truncate(to: mark)
        requestIndex.reparse(request, request.all)
    }

    // MARK: forks

    private mutating func isFork(_ i: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        !texts.matches(calls[i].peerTag, bytes.extracting(index.toTag.bounds))
    }

    /// A 2xx of another branch of a fork: that dialog is acknowledged and ended (13.2.2.4).
    private mutating func endFork(
        _ i: Int, _ t: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        // Not kept: a repeat of this 2xx comes here again, and must not replace our own dialog's ACK.
        _ = composeAck(i, t, at: now, bytes, index)
        composeBye(i, t, at: now, bytes, index)
    }

    /// An ACK made by the engine for a 2xx; `loadRequest` is done here.
    private mutating func composeAck(
        _ i: Int, _ t: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered {
        loadRequest(i, t)
        let cseq = transactions[calls[i].places[t]].cseq
        let rendered = InDialog(branch: automaticBranch(i), cseq: cseq).ack(
            request, requestIndex, target: bytes.extracting(index.contactURI.bounds),
            remote: bytes.extracting(index.to.bounds), routes: calls[i].routes, in: texts, into: &outbox.bytes)
        post(i, rendered, method: .ack, cseq: cseq, due: now)
        return rendered
    }

    /// The same, and kept for repeats.
    mutating func acknowledgeSuccess(
        _ i: Int, _ t: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let rendered = composeAck(i, t, at: now, bytes, index)
        texts.replace(
            &transactions[calls[i].places[t]].ackStored,
            with: outbox.bytes, rendered.range)
    }

    /// A branch no step of the scenario uses: their sequences stay below the loops' multiple.
    mutating func automaticBranch(_ i: Int) -> BranchIdentity {
        calls[i].automaticRequests &+= 1
        return BranchIdentity(
            run: configuration.run, number: calls[i].number,
            sequence: Self.automaticSequence + UInt32(calls[i].automaticRequests))
    }

    static let automaticSequence: UInt32 = 0x8000_0000
}
