import Datagrams
import Observations
import SIP
import Scenarios

/// Messages the scenario sends, and their transactions.
extension CallEngine {
    /// False where the call ended instead.
    mutating func send(
        _ send: Instruction.Send, _ step: Int, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        if send.status != 0 { return sendResponse(send, step, i, at: now, bytes, index) }
        switch send.method {
        case .ack: return sendAck(send, step, i, at: now, bytes, index)
        case .cancel: break
        case .other, .invite, .bye, .register, .options, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
            .update:
            calls[i].cseq &+= 1
        }
        return sendRequest(send, step, i, at: now, bytes, index)
    }

    private mutating func sendRequest(
        _ send: Instruction.Send, _ step: Int, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        guard let t = freeTransaction(i) else {
            finish(i, .unexpected, at: now)
            return false
        }
        let sequence = branchSequence(i, step)
        guard
            let rendered = render(
                i, step, template: send.template, cseq: calls[i].cseq, sequence, at: now, bytes, index)
        else { return false }
        if rendered.count > Self.largeRequest, !configuration.transport.isReliable { counters.largeRequests += 1 }
        let isFirst = !calls[i].hasSentRequest
        if isFirst { learnCallID(i, rendered) }
        calls[i].hasSentRequest = true

        var transaction = CallTransaction()
        transaction.stamp = transactions[calls[i].places[t]].stamp &+ 1
        transaction.machine = send.method == .invite ? .inviteClient(.calling) : .client(.trying)
        transaction.method = send.method
        transaction.isFirst = isFirst
        transaction.step = UInt16(step)
        transaction.branchSequence = sequence
        transaction.rawCSeq = calls[i].cseq
        transaction.cseq = sentCSeq(template: send.template, raw: calls[i].cseq, rendered)
        if !program.templates[Int(send.template)].isReproducible {
            transaction.stored = texts.keep(outbox.bytes, rendered.range)
        }
        transactions[calls[i].places[t]] = transaction
        post(i, rendered, transaction, kind: .firstSending, t: t, due: isFirst ? calls[i].dueAt : now)
        if let scripted = send.retransmission {
            let t1 = configuration.overridesScenarioTimers || scripted == .zero ? configuration.timers.t1 : scripted
            transactions[calls[i].places[t]].schedule = schedule(start: now, t1: t1)
            armTransactionTimer(i, t)
        }
        return true
    }

    /// The ACK of a 2xx is the core's own (13.2.2.4): no transaction, but kept so that it can be repeated.
    private mutating func sendAck(
        _ send: Instruction.Send, _ step: Int, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        let invite = acknowledgedTransaction(i, step) ?? latestInvite(i)
        let cseq = invite.map { transactions[calls[i].places[$0]].rawCSeq } ?? calls[i].cseq
        let sequence = branchSequence(i, step)
        guard
            let rendered = render(i, step, template: send.template, cseq: cseq, sequence, at: now, bytes, index)
        else { return false }
        let number = sentCSeq(template: send.template, raw: cseq, rendered)
        if let invite {
            transactions[calls[i].places[invite]].ackStep = UInt16(step)
            transactions[calls[i].places[invite]].ackSequence = sequence
            if !program.templates[Int(send.template)].isReproducible {
                texts.replace(&transactions[calls[i].places[invite]].ackStored, with: outbox.bytes, rendered.range)
            }
        }
        post(i, rendered, method: .ack, cseq: number, due: now)
        return true
    }

    private mutating func sendResponse(
        _ send: Instruction.Send, _ step: Int, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        guard
            let rendered = render(
                i, step, template: send.template, cseq: calls[i].cseq, branchSequence(i, step), at: now, bytes, index)
        else { return false }
        guard let t = answeredTransaction(i, rendered) else {
            // A response to nothing: the scenario may want exactly that.
            outbox.append(Transmit(start: rendered.start, count: rendered.count, destination: calls[i].destination))
            return true
        }
        respond(i, t, status: send.status, step: UInt16(step), rendered, at: now)
        return true
    }

    /// The request last received, unless that is answered already or a CANCEL: then the response's own CSeq tells, for
    /// the INVITE behind it still waits (9.2).
    private mutating func answeredTransaction(_ i: Int, _ rendered: Rendered) -> Int? {
        let t = Int(calls[i].answering)
        guard t < Call.transactionLimit else { return nil }
        let transaction = transactions[calls[i].places[t]]
        if transaction.method != .cancel, transaction.awaitsFinalResponse { return t }
        requestIndex.reparse(outbox.bytes, rendered.range)
        if requestIndex.cseqMethod == transaction.method { return t }
        for other in 0..<Call.transactionLimit where transactions[calls[i].places[other]].awaitsFinalResponse {
            if transactions[calls[i].places[other]].method == requestIndex.cseqMethod { return other }
        }
        return t
    }

    /// A response goes out within its server transaction, which keeps it for repeats.
    mutating func respond(
        _ i: Int, _ t: Int, status: UInt16, step: UInt16, _ rendered: Rendered, at now: MonotonicInstant
    ) {
        texts.replace(&transactions[calls[i].places[t]].stored, with: outbox.bytes, rendered.range)
        transactions[calls[i].places[t]].status = status
        transactions[calls[i].places[t]].step = step
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: transactions[calls[i].places[t]].replyTo,
                source: calls[i].source,
                receipt: Transmit.Receipt(
                    slot: UInt32(i), generation: calls[i].generation, kind: ReceiptKind.response.rawValue,
                    index: UInt8(t))))
        switch transactions[calls[i].places[t]].machine {
        case .inviteServer(var state):
            let action = state.send(status: status)
            transactions[calls[i].places[t]].machine = .inviteServer(state)
            switch action {
            case .send, .refuse: break
            case .sendAndRepeat:
                // Timers G and H.
                transactions[calls[i].places[t]].schedule = schedule(start: now, t1: configuration.timers.t1)
                armTransactionTimer(i, t)
            case .sendAndRepeatByCore:
                // The core's own schedule, over every transport (13.3.1.4): the instants of timers G and H.
                transactions[calls[i].places[t]].schedule = RetransmissionSchedule(
                    start: now, t1: configuration.timers.t1)
                armTransactionTimer(i, t)
            }
        case .server(var state):
            state.send(status: status)
            transactions[calls[i].places[t]].machine = .server(state)
        case .none, .inviteClient, .client: break
        }
    }

    // MARK: rendering

    mutating func branchSequence(_ i: Int, _ step: Int) -> UInt32 {
        calls[i].loop &* UInt32(program.instructions.count) &+ UInt32(step)
    }

    /// Nil where the call has ended: its credentials could not be made, or no datagram can carry it.
    mutating func render(
        _ i: Int, _ step: Int, template: UInt16, cseq: UInt32, _ sequence: UInt32, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered? {
        let values = renderValues(i, step, cseq: cseq, sequence)
        let rendered: Rendered
        if keepsCallExtras, !program.templates[Int(template)].inserts.isEmpty {
            let inserting = program.templates[Int(template)]
            guard let made = renderInserting(i, template: inserting, values, at: now, bytes, index) else {
                warnOfMissingCredentials(i, at: now)
                finish(i, .check(.noCredentials), at: now)
                return nil
            }
            rendered = made
        } else {
            rendered = program.templates[Int(template)].render(
                into: &outbox.bytes, values: values, texts: texts, last: bytes, lastIndex: index)
        }
        if rendered.count > MessageIndex.datagramLimit {
            outbox.bytes.truncate(to: rendered.start)
            warn("a message grew longer than a datagram and was not sent", i, at: now)
            finish(i, .unexpected, at: now)
            return nil
        }
        return rendered
    }

    mutating func renderValues(_ i: Int, _ step: Int, cseq: UInt32, _ sequence: UInt32) -> RenderValues {
        RenderValues(
            identity: CallIdentity(run: configuration.run, number: calls[i].number, slot: calls[i].slot), cseq: cseq,
            branchSequence: sequence, messageIndex: UInt32(step),
            localAddress: configuration.sources[Int(calls[i].source)], peerTag: calls[i].peerTag,
            routes: calls[i].routes, remoteTarget: calls[i].remoteTarget)
    }

    /// The number in the CSeq header as sent, which a scenario may write as it likes.
    private mutating func sentCSeq(template: UInt16, raw: UInt32, _ rendered: Rendered) -> UInt32 {
        switch program.templates[Int(template)].cseqNumber {
        case .literal(let number): return number
        // As it is rendered: never below zero.
        case .slot(let offset): return UInt32(clamping: Int64(raw) + Int64(offset))
        case .other:
            requestIndex.reparse(outbox.bytes, rendered.range)
            return requestIndex.cseq
        }
    }

    /// Of the first request: its Call-ID tells whether calls are found by our own numbers or by hashing.
    private mutating func learnCallID(_ i: Int, _ rendered: Rendered) {
        if usesOwnCallIDs == true { return }
        let start = rendered.start + Int(rendered.callIDStart)
        let range = start..<start + Int(rendered.callIDCount)
        if usesOwnCallIDs == nil {
            let identity = CallIdentity(run: configuration.run, number: calls[i].number, slot: calls[i].slot)
            usesOwnCallIDs = Self.callID(outbox.bytes, range) == identity
            idText.removeAll()
            identity.append(to: &idText)
            if usesOwnCallIDs == true, range.count > idText.count {
                callIDPrefix.append(outbox.bytes, range.lowerBound..<range.upperBound - idText.count)
            }
        }
        if usesOwnCallIDs == false {
            calls[i].callID = texts.keep(outbox.bytes, range)
            byCallID.insert(texts.hash(calls[i].callID), slot: calls[i].slot)
        }
    }

    private static func callID(_ buffer: ByteBuffer, _ range: Range<Int>) -> CallIdentity? {
        CallIdentity.parse(buffer.storage.span.extracting(range))
    }

    mutating func rememberCallID(_ i: Int, _ callID: borrowing Span<UInt8>) {
        calls[i].callID = texts.keep(callID)
        byCallID.insert(CallIDMap.hash(callID), slot: calls[i].slot)
    }

    // MARK: posting

    private mutating func post(
        _ i: Int, _ rendered: Rendered, _ transaction: CallTransaction, kind: ReceiptKind, t: Int,
        due: MonotonicInstant
    ) {
        let receipt = Transmit.Receipt(
            slot: UInt32(i), generation: calls[i].generation, kind: kind.rawValue, index: UInt8(t))
        let tag = self.tag(
            i, rendered, method: transaction.method, cseq: transaction.cseq, isRetransmission: kind == .retransmission)
        var transmit = Transmit(
            start: rendered.start, count: rendered.count, destination: calls[i].destination,
            source: calls[i].source, tag: tag, receipt: receipt, due: due)
        // Both ends of the times recorded; the others' stamps would be paid for and not used.
        transmit.wantsStamp = kind == .firstSending && (transaction.isFirst || transaction.method == .bye)
        outbox.append(transmit)
    }

    /// A request without a transaction of its own: ACK.
    mutating func post(
        _ i: Int, _ rendered: Rendered, method: Method, cseq: UInt32, due: MonotonicInstant,
        isRetransmission: Bool = false
    ) {
        let tag = self.tag(i, rendered, method: method, cseq: cseq, isRetransmission: isRetransmission)
        keepPosted(i, rendered.range, at: due)
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: calls[i].destination,
                source: calls[i].source, tag: tag, due: due))
    }

    private mutating func tag(_ i: Int, _ rendered: Rendered, method: Method, cseq: UInt32, isRetransmission: Bool)
        -> CallTag?
    {
        guard calls[i].isTagged else { return nil }
        return CallTag(
            method: method, isRetransmission: isRetransmission, cseq: cseq, callIDStart: rendered.callIDStart,
            callIDCount: rendered.callIDCount)
    }

    /// The request of this transaction once more, byte for byte.
    mutating func sendAgain(_ i: Int, _ t: Int, due: MonotonicInstant) {
        let rendered = renderRequest(i, t)
        post(i, rendered, transactions[calls[i].places[t]], kind: .retransmission, t: t, due: due)
    }

    mutating func renderRequest(_ i: Int, _ t: Int) -> Rendered {
        let transaction = transactions[calls[i].places[t]]
        if transaction.stored.count > 0 { return copyToOutbox(transaction.stored) }
        guard case .send(let send) = program.instructions[Int(transaction.step)].operation else {
            preconditionFailure("step \(transaction.step) sent a request and is no send")
        }
        let values = renderValues(
            i, Int(transaction.step), cseq: transaction.rawCSeq, transaction.branchSequence)
        return program.templates[Int(send.template)].renderAgain(into: &outbox.bytes, values: values, texts: texts)
    }

    /// Before the call learns another tag, route or target: messages that show them and may be sent again are kept as
    /// they went out, for a repeat is the same bytes (17.1.1.2).
    mutating func keepSentMessages(_ i: Int) {
        for t in 0..<Call.transactionLimit {
            let place = calls[i].places[t]
            switch transactions[place].machine {
            case .inviteClient, .client: break
            case .none, .inviteServer, .server: continue
            }
            if transactions[place].stored.count == 0, showsDialog(transactions[place].step) {
                let mark = outbox.bytes.count
                let rendered = renderRequest(i, t)
                transactions[place].stored = texts.keep(outbox.bytes, rendered.range)
                outbox.bytes.truncate(to: mark)
            }
            if transactions[place].ackStored.count == 0, showsDialog(transactions[place].ackStep) {
                let mark = outbox.bytes.count
                let rendered = renderAck(i, transactions[place])
                transactions[place].ackStored = texts.keep(outbox.bytes, rendered.range)
                outbox.bytes.truncate(to: mark)
            }
        }
    }

    private mutating func showsDialog(_ step: UInt16) -> Bool {
        guard Int(step) < program.instructions.count,
            case .send(let send) = program.instructions[Int(step)].operation
        else { return false }
        let template = Int(send.template)
        return program.templates[template].usesPeerTag || program.templates[template].usesRouteSet
    }

    /// Bytes kept earlier, with the place of their Call-ID found again.
    mutating func copyToOutbox(_ stored: TextRange) -> Rendered {
        let start = outbox.bytes.count
        outbox.bytes.append(texts, stored)
        let count = Int(stored.count)
        requestIndex.reparse(outbox.bytes, start..<start + count)
        return Rendered(
            start: start, count: count, callIDStart: requestIndex.callID.start, callIDCount: requestIndex.callID.count)
    }

    // MARK: transactions

    /// A place for a new transaction: an unused one, else the oldest finished one, else an accepted INVITE older than
    /// another.
    mutating func freeTransaction(_ i: Int) -> Int? {
        guard let t = replaceableTransaction(i) else { return nil }
        calls[i].newestTransaction = UInt8(t)
        let place = calls[i].places[t]
        if place == Self.noPlace {
            calls[i].places[t] = takePlace()
        } else {
            texts.discard(&transactions[place].stored)
            texts.discard(&transactions[place].ackStored)
        }
        return t
    }

    private mutating func replaceableTransaction(_ i: Int) -> Int? {
        let newest = Int(calls[i].newestTransaction)
        var superseded: Int?
        var finished: Int?
        // From the newest backwards: the last one found is the oldest.
        for age in 0..<Call.transactionLimit {
            let t = (newest + Call.transactionLimit - age) % Call.transactionLimit
            if transactions[calls[i].places[t]].isFinished { finished = t }
            switch transactions[calls[i].places[t]].machine {
            case .none: return t
            case .inviteClient(.accepted) where t != latestInvite(i): superseded = t
            case .inviteServer(.accepted) where transactions[calls[i].places[t]].isAcknowledged: superseded = t
            case .inviteClient, .client, .inviteServer, .server: break
            }
        }
        return finished ?? superseded
    }

    /// The INVITE of ours sent last.
    mutating func latestInvite(_ i: Int) -> Int? {
        var latest: Int?
        for t in 0..<Call.transactionLimit {
            guard case .inviteClient = transactions[calls[i].places[t]].machine else { continue }
            if let best = latest, transactions[calls[i].places[best]].cseq >= transactions[calls[i].places[t]].cseq {
                continue
            }
            latest = t
        }
        return latest
    }

    func schedule(start: MonotonicInstant, t1: Nanoseconds) -> RetransmissionSchedule {
        configuration.transport.isReliable
            ? .givingUp(start: start, t1: t1) : RetransmissionSchedule(start: start, t1: t1)
    }

    mutating func armTransactionTimer(_ i: Int, _ t: Int) {
        let schedule = transactions[calls[i].places[t]].schedule
        transactions[calls[i].places[t]].stamp &+= 1
        let entry = TimerQueue.Entry(
            deadline: schedule.next, call: UInt32(i), generation: calls[i].generation,
            stamp: transactions[calls[i].places[t]].stamp, kind: .transaction(UInt8(t)))
        timers.schedule(entry, duration: schedule.interval)
    }

    /// RFC 3261, 18.1.1: above this, or within 200 bytes of a known MTU, a request must not go over UDP.
    static let largeRequest = 1300
}
