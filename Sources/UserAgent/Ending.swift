import Datagrams
import Observations
import SIP
import Scenarios

/// How calls end: the row is written, and what the peer still believes in is taken back (CANCEL, BYE).
extension CallEngine {
    mutating func finish(_ i: Int, _ outcome: CallOutcome, at now: MonotonicInstant) {
        guard !calls[i].isClosing else { return }
        record(i, recorded(i, outcome), at: now)
        calls[i].stamp &+= 1
        switch outcome {
        case .ok where owesResponse(i):
            calls[i].isClosing = true
            return
        case .ok, .refused, .unsent: break
        case .status, .timeout, .unexpected, .interrupted, .check:
            if takeBack(i, at: now) {
                calls[i].isClosing = true
                return
            }
        }
        release(i, at: now)
    }

    /// A failed check is said in the record only: on the wire the call ends as it would have.
    private mutating func recorded(_ i: Int, _ outcome: CallOutcome) -> CallOutcome {
        guard keepsCallExtras, outcome == .ok, let failure = callExtras[i].failure.check else { return outcome }
        return .check(failure)
    }

    private mutating func record(_ i: Int, _ outcome: CallOutcome, at now: MonotonicInstant) {
        if outcome == .ok { counters.ok += 1 } else { counters.failed += 1 }
        guard configuration.recordsCalls else { return }
        let call = calls[i]
        var row = CallRecord(number: call.number, callID: callIDText(i), due: call.dueAt - configuration.start)
        row.outcome = outcome
        row.timedOutReceiving = outcome == .timeout && isReceiveTimeout
        row.ended = now - configuration.start
        row.hold = call.hold
        row.retransmissions = UInt32(call.retransmissions)
        row.inviteStatus = call.inviteStatus
        row.isTagged = call.isTagged
        row.isSession = startsWithInvite
        if let sentAt = call.sentAt.instant { fillTimes(&row, of: call, sentAt: sentAt) }
        journal.calls.append(row)
        switch outcome {
        case .ok, .unsent, .interrupted: break
        case .status, .timeout, .unexpected, .refused, .check: keepEvidence(i, row, at: now)
        }
    }

    /// The Call-ID as it went over the wire.
    mutating func callIDText(_ i: Int) -> CallIDText {
        let kept = calls[i].callID
        if kept.count > 0 {
            return CallIDText(texts.bytes.span.extracting(kept.bounds))
        }
        idText.removeAll()
        idText.append(callIDPrefix, callIDPrefix.all)
        CallIdentity(run: configuration.run, number: calls[i].number, slot: calls[i].slot).append(to: &idText)
        return CallIDText(idText.storage.span.extracting(idText.all))
    }

    // MARK: taking back

    /// True where a transaction must still be settled before the call's place is free.
    private mutating func takeBack(_ i: Int, at now: MonotonicInstant) -> Bool {
        if configuration.isBare { return owesResponse(i) }
        guard let t = latestInvite(i), case .inviteClient(let state) = transactions[calls[i].places[t]].machine else {
            return endUnacknowledgedDialog(i, at: now) || owesResponse(i)
        }
        switch state {
        case .proceeding:
            cancel(i, t, at: now)
            return true
        case .accepted:
            if calls[i].byeSentAt.hasCome || calls[i].hasPeerEnded { return false }
            return endDialog(i, t, at: now)
        case .calling, .completed, .terminated:
            // CANCEL may only follow a provisional (9.1). But a failed re-INVITE leaves its dialog standing (14.1).
            return endStandingDialog(i, at: now)
        }
    }

    private mutating func endStandingDialog(_ i: Int, at now: MonotonicInstant) -> Bool {
        if calls[i].byeSentAt.hasCome || calls[i].hasPeerEnded { return false }
        for t in 0..<Call.transactionLimit {
            if case .inviteClient(.accepted) = transactions[calls[i].places[t]].machine {
                return endDialog(i, t, at: now)
            }
        }
        return false
    }

    /// A server's final response to INVITE is repeated until the ACK is here, whatever the scenario does meanwhile
    /// (timers G and H, 13.3.1.4); a BYE says as much as the ACK.
    mutating func owesResponse(_ i: Int) -> Bool {
        for t in 0..<Call.transactionLimit {
            switch transactions[calls[i].places[t]].machine {
            case .inviteServer(.completed): return true
            case .inviteServer(.accepted):
                if !transactions[calls[i].places[t]].isAcknowledged, !calls[i].hasPeerEnded { return true }
            case .none, .inviteClient, .client, .inviteServer, .server: continue
            }
        }
        return false
    }

    private mutating func cancel(_ i: Int, _ invite: Int, at now: MonotonicInstant) {
        loadRequest(i, invite)
        let invited = transactions[calls[i].places[invite]]
        let rendered =
            renderDefault(.cancel, i, cseq: invited.rawCSeq, sequence: invited.branchSequence, at: now)
            ?? ComposedMessage.cancel(request, requestIndex, into: &outbox.bytes)
        // 9.1: after 64 x T1 without a final response the INVITE counts as cancelled.
        transactions[calls[i].places[invite]].sentAt = Moment(now)
        let length = configuration.timers.transactionTimeout
        transactions[calls[i].places[invite]].schedule.wait(until: now + length, length: length)
        armTransactionTimer(i, invite)
        beginAutomatic(
            i, .cancel, cseq: transactions[calls[i].places[invite]].cseq,
            branchSequence: transactions[calls[i].places[invite]].branchSequence, rendered, at: now)
    }

    /// The dialog of a 2xx that the scenario did not bring to its end: ACK if none was sent, then BYE.
    private mutating func endDialog(_ i: Int, _ t: Int, at now: MonotonicInstant) -> Bool {
        loadRequest(i, t)
        loadDialog(i)
        if transactions[calls[i].places[t]].ackStep == .max, transactions[calls[i].places[t]].ackStored.count == 0 {
            let ackBranch = automaticBranch(i)
            let ack =
                renderDefault(
                    .ack2, i, cseq: transactions[calls[i].places[t]].rawCSeq, sequence: ackBranch.sequence, at: now)
                ?? InDialog(branch: ackBranch, cseq: transactions[calls[i].places[t]].cseq).ack(
                    request, requestIndex, target: resumed, remote: tagText, routes: calls[i].routes, in: texts,
                    into: &outbox.bytes)
            texts.replace(&transactions[calls[i].places[t]].ackStored, with: outbox.bytes, ack.range)
            post(i, ack, method: .ack, cseq: transactions[calls[i].places[t]].cseq, due: now)
        }
        let cseq = max(calls[i].cseq, transactions[calls[i].places[t]].cseq) &+ 1
        let branch = automaticBranch(i)
        let rendered =
            renderDefault(.bye, i, cseq: cseq, sequence: branch.sequence, at: now)
            ?? InDialog(branch: branch, cseq: cseq).bye(
                request, requestIndex, target: resumed, remote: tagText, routes: calls[i].routes, in: texts,
                into: &outbox.bytes)
        beginAutomatic(i, .bye, cseq: cseq, branchSequence: branch.sequence, rendered, at: now)
        return true
    }

    /// A server's 2xx whose ACK never came, although it was repeated for 64 x T1: the session is ended (13.3.1.4). Both
    /// ends of the dialog are taken from the 2xx; its From stands in for the target, which a server does not keep.
    private mutating func endUnacknowledgedDialog(_ i: Int, at now: MonotonicInstant) -> Bool {
        for t in 0..<Call.transactionLimit {
            let transaction = transactions[calls[i].places[t]]
            guard case .inviteServer(.terminated) = transaction.machine, transaction.status < 300,
                !transaction.isAcknowledged, !calls[i].hasPeerEnded
            else { continue }
            request.removeAll()
            request.append(texts, transaction.stored)
            requestIndex.reparse(request, request.all)
            calls[i].cseq &+= 1
            let branch = automaticBranch(i)
            let rendered = renderServersBye(i, branch)
            beginAutomatic(i, .bye, cseq: calls[i].cseq, branchSequence: branch.sequence, rendered, at: now)
            return true
        }
        return false
    }

    private mutating func renderServersBye(_ i: Int, _ branch: BranchIdentity) -> Rendered {
        let start = outbox.bytes.count
        let local = configuration.sources[Int(calls[i].source)]
        outbox.bytes.append("BYE ")
        outbox.bytes.append(request, requestIndex.fromURI.bounds)
        outbox.bytes.append(" SIP/2.0\r\nVia: SIP/2.0/")
        outbox.bytes.append(configuration.transport.viaName)
        outbox.bytes.append(" ")
        outbox.bytes.append(hostInURI: local)
        outbox.bytes.append(":")
        outbox.bytes.append(decimal: UInt64(local.port))
        outbox.bytes.append(";branch=")
        branch.append(to: &outbox.bytes)
        outbox.bytes.append("\r\nMax-Forwards: 70\r\nFrom: ")
        outbox.bytes.append(request, requestIndex.to.bounds)
        outbox.bytes.append("\r\nTo: ")
        outbox.bytes.append(request, requestIndex.from.bounds)
        outbox.bytes.append("\r\nCall-ID: ")
        let callID = outbox.bytes.count - start
        outbox.bytes.append(request, requestIndex.callID.bounds)
        outbox.bytes.append("\r\nCSeq: ")
        outbox.bytes.append(decimal: UInt64(calls[i].cseq))
        outbox.bytes.append(" BYE\r\nContent-Length: 0\r\n\r\n")
        return Rendered(
            start: start, count: outbox.bytes.count - start, callIDStart: UInt16(clamping: callID),
            callIDCount: requestIndex.callID.count)
    }

    /// Request-URI and To of the dialog into `resumed` and `tagText`: the remote target where the scenario had it kept,
    /// else the URI the INVITE went to. `loadRequest` comes first.
    private mutating func loadDialog(_ i: Int) {
        let target = calls[i].remoteTarget
        resumed.removeAll()
        if target.count > 0 {
            resumed.append(texts, target)
        } else {
            resumed.append(request, requestIndex.requestURI.bounds)
        }
        tagText.removeAll()
        tagText.append(request, requestIndex.to.bounds)
        if requestIndex.toTag.isEmpty, calls[i].peerTag.count > 0 {
            tagText.append(";tag=")
            tagText.append(texts, calls[i].peerTag)
        }
    }

    /// The BYE for a fork's dialog: sent once for each of its 2xx.
    mutating func composeBye(
        _ i: Int, _ t: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let cseq = max(calls[i].cseq, transactions[calls[i].places[t]].cseq) &+ 1
        let branch = automaticBranch(i)
        let rendered = InDialog(branch: branch, cseq: cseq).bye(
            request, requestIndex, target: bytes.extracting(index.contactURI.bounds),
            remote: bytes.extracting(index.to.bounds), routes: .empty, in: texts, into: &outbox.bytes)
        post(i, rendered, method: .bye, cseq: cseq, due: now)
    }

    private mutating func beginAutomatic(
        _ i: Int, _ method: Method, cseq: UInt32, branchSequence: UInt32, _ rendered: Rendered, at now: MonotonicInstant
    ) {
        let stored = texts.keep(outbox.bytes, rendered.range)
        post(i, rendered, method: method, cseq: cseq, due: now)
        let t = placeForAutomatic(i)
        var transaction = CallTransaction()
        transaction.stamp = transactions[calls[i].places[t]].stamp &+ 1
        transaction.machine = .client(.trying)
        transaction.method = method
        transaction.isAutomatic = true
        transaction.cseq = cseq
        transaction.branchSequence = branchSequence
        transaction.stored = stored
        transaction.sentAt = Moment(now)
        transaction.schedule = schedule(start: now, t1: configuration.timers.t1)
        transactions[calls[i].places[t]] = transaction
        armTransactionTimer(i, t)
    }

    /// A closing call owes nobody else anything: but for the INVITE being taken back, any place will do.
    private mutating func placeForAutomatic(_ i: Int) -> Int {
        if let t = freeTransaction(i) { return t }
        let t = latestInvite(i) == 0 ? 1 : 0
        texts.discard(&transactions[calls[i].places[t]].stored)
        texts.discard(&transactions[calls[i].places[t]].ackStored)
        return t
    }

    // MARK: settling

    /// A response while closing. The INVITE's final response or the BYE's ends it; a 2xx that crossed the CANCEL is
    /// acknowledged and ended (15.1.2, 9.1).
    mutating func settle(
        _ i: Int, _ t: Int, _ status: UInt16, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        guard status >= 200 else { return }
        switch transactions[calls[i].places[t]].method {
        case .invite:
            if status < 300 {
                keepRouteSet(i, bytes, index)
                acknowledgeSuccess(i, t, at: now, bytes, index)
                _ = endDialog(i, t, at: now)
            } else if !endStandingDialog(i, at: now) {
                release(i, at: now)
            }
        case .cancel:
            break  // the INVITE's own final response follows
        case .other, .ack, .bye, .register, .options, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
            .update:
            release(i, at: now)
        }
    }

    mutating func settleTimeout(_ i: Int, at now: MonotonicInstant) { release(i, at: now) }
}
