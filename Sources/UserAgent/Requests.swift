import Datagrams
import Observations
import SIP
import Scenarios

/// Requests of the peer within a call.
extension CallEngine {
    mutating func receiveRequest(
        _ i: Int, _ method: Method, from source: SocketAddress, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let branch = CallIDMap.hash(bytes.extracting(index.viaBranch.bounds))
        if method == .ack { return receiveAck(i, branch, at: now, bytes, index) }
        for t in 0..<Call.transactionLimit {
            let transaction = transactions[calls[i].places[t]]
            guard transaction.branchHash == branch, transaction.cseq == index.cseq else { continue }
            switch transaction.machine {
            case .none, .inviteClient, .client: continue
            case .inviteServer(var state) where method == .invite:
                noteRepeatReceived(i, .method(method))
                if state.receiveInvite() == .repeatResponse { repeatResponse(i, t) }
                return
            case .inviteServer(let state):
                if method == .cancel { return receiveCancel(i, t, state, from: source, at: now, bytes, index) }
            case .server(let state) where transaction.method == method:
                noteRepeatReceived(i, .method(method))
                if state.repeatsResponse { repeatResponse(i, t) }
                return
            case .server: continue
            }
        }
        receiveNewRequest(i, method, branch, from: source, at: now, bytes, index)
    }

    private mutating func receiveNewRequest(
        _ i: Int, _ method: Method, _ branch: UInt64, from source: SocketAddress, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        if isMerged(i, method, index) {
            counters.stray += 1
            return answerOutOfDialog(status: 482, from: source, bytes, index)
        }
        guard let t = beginServerTransaction(i, method, branch, from: source, bytes, index) else {
            counters.stray += 1
            return
        }
        if method == .bye { calls[i].hasPeerEnded = true }
        if let step = receiveStep(i, for: .method(method), bytes, index), !calls[i].isClosing {
            accept(i, step, at: now, bytes, index)
            return
        }
        if dealsWithUnexpected(i, .method(method), .max, at: now, bytes, index) { return }
        if configuration.autoAnswers, Self.isAutoAnswered(method), !calls[i].isClosing {
            counters.autoAnswered += 1
            return answer(i, t, status: 200, at: now, bytes, index)
        }
        if !calls[i].isClosing {
            noteUnexpected(i, 0, at: now, bytes)
            if configuration.isBare { return }
        }
        switch method {
        case .bye, .cancel:
            answer(i, t, status: 200, at: now, bytes, index)
            if !calls[i].isClosing { return finish(i, .unexpected, at: now) }
            if program.role == .server, !owesResponse(i) { release(i, at: now) }
        case .other, .invite, .ack, .register, .options, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
            .update:
            if !calls[i].isClosing { finish(i, .unexpected, at: now) }
        }
    }

    /// The same request by another path of a forking proxy (8.2.2.2).
    private mutating func isMerged(_ i: Int, _ method: Method, _ index: borrowing MessageIndex) -> Bool {
        guard index.toTag.isEmpty, method != .cancel else { return false }
        for t in 0..<Call.transactionLimit {
            let transaction = transactions[calls[i].places[t]]
            guard transaction.method == method, transaction.cseq == index.cseq else { continue }
            switch transaction.machine {
            case .inviteServer, .server: return true
            case .none, .inviteClient, .client: continue
            }
        }
        return false
    }

    /// Nil where all places are taken by transactions that matter.
    mutating func beginServerTransaction(
        _ i: Int, _ method: Method, _ branch: UInt64, from source: SocketAddress, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Int? {
        guard let t = freeTransaction(i) else { return nil }
        var transaction = CallTransaction()
        transaction.stamp = transactions[calls[i].places[t]].stamp &+ 1
        transaction.machine = method == .invite ? .inviteServer(.proceeding) : .server(.trying)
        transaction.method = method
        transaction.branchHash = branch
        transaction.cseq = index.cseq
        transaction.replyTo = replyAddress(source, index)
        transactions[calls[i].places[t]] = transaction
        calls[i].answering = UInt8(t)
        // A client's requests go on to the run's target, wherever a request in its call came from.
        if program.role == .server { calls[i].destination = source }
        return t
    }

    /// RFC 3261, 18.2.2 and RFC 3581: back to the source address; to the source port where the client asked for it
    /// (`rport`), else to the port of its Via. Over a reliable transport the source names the connection the request came
    /// by, and the response goes that way.
    func replyAddress(_ source: SocketAddress, _ index: borrowing MessageIndex) -> SocketAddress {
        if index.viaHasRport || configuration.transport.isReliable { return source }
        return source.withPort(index.viaPort == 0 ? 5060 : index.viaPort)
    }

    private mutating func repeatResponse(_ i: Int, _ t: Int) {
        let transaction = transactions[calls[i].places[t]]
        guard transaction.stored.count > 0 else { return }
        counters.responsesRetransmitted += 1
        noteRepeatSent(transaction.step)
        let rendered = copyToOutbox(transaction.stored)
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: transaction.replyTo,
                source: calls[i].source))
    }

    /// ACK has the branch of a refused INVITE, or of its own after a 2xx (17.2.3, 13.3.1.4).
    private mutating func receiveAck(
        _ i: Int, _ branch: UInt64, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        var isNew = false
        for t in 0..<Call.transactionLimit {
            guard case .inviteServer(var state) = transactions[calls[i].places[t]].machine,
                transactions[calls[i].places[t]].cseq == index.cseq
            else { continue }
            switch state {
            case .completed:
                isNew = state.receiveAck()
                transactions[calls[i].places[t]].machine = .inviteServer(state)
                stopTimer(i, t)
            case .accepted where !transactions[calls[i].places[t]].isAcknowledged:
                isNew = true
                transactions[calls[i].places[t]].isAcknowledged = true
                stopTimer(i, t)
            case .accepted, .proceeding, .confirmed, .terminated: break
            }
        }
        if !isNew {
            noteRepeatReceived(i, .method(.ack))
            return
        }
        if calls[i].isClosing { return release(i, at: now) }
        if let step = receiveStep(i, for: .method(.ack), bytes, index) { accept(i, step, at: now, bytes, index) }
    }

    /// 9.2: 200 to the CANCEL, 487 to the INVITE it matches, unless that has its final response.
    private mutating func receiveCancel(
        _ i: Int, _ invite: Int, _ state: InviteServerTransaction, from source: SocketAddress, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let branch = transactions[calls[i].places[invite]].branchHash &+ 1  // a transaction of its own (9.1)
        for t in 0..<Call.transactionLimit where transactions[calls[i].places[t]].branchHash == branch {
            counters.repeatsReceived += 1
            return repeatResponse(i, t)
        }
        guard let t = beginServerTransaction(i, .cancel, branch, from: source, bytes, index) else { return }
        if let step = receiveStep(i, for: .method(.cancel), bytes, index), !calls[i].isClosing {
            return accept(i, step, at: now, bytes, index)
        }
        if !calls[i].isClosing {
            noteUnexpected(i, 0, at: now, bytes)
            if configuration.isBare { return }
        }
        answer(i, t, status: 200, at: now, bytes, index)
        guard state == .proceeding, !calls[i].isClosing else { return }
        let rendered = renderCancelled(i, invite, bytes, index)
        respond(i, invite, status: 487, step: .max, rendered, at: now)
        finish(i, .unexpected, at: now)
    }

    /// A response made by the engine itself.
    mutating func answer(
        _ i: Int, _ t: Int, status: UInt16, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        let own =
            status == 200
            ? renderDefault(
                .ok, i, cseq: calls[i].cseq, sequence: branchSequence(i, Int(calls[i].step)), at: now, bytes, index)
            : nil
        let rendered = own ?? renderResponse(status, localTag(i), bytes, index)
        respond(i, t, status: status, step: .max, rendered, at: now)
    }

    /// 487 to the INVITE. Its headers are taken from the response sent last; where none was, from the CANCEL, which has
    /// the same but for further Vias (9.1).
    private mutating func renderCancelled(
        _ i: Int, _ invite: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered {
        let stored = transactions[calls[i].places[invite]].stored
        request.removeAll()
        if stored.count > 0 { request.append(texts, stored) } else { request.append(bytes) }
        requestIndex.reparse(request, request.all)
        requestIndex.noteSource(transactions[calls[i].places[invite]].replyTo, in: request)
        tagText.removeAll()
        localTag(i).append(to: &tagText)
        return ComposedMessage.response(
            487, to: request, requestIndex, method: .invite, toTag: tagText, into: &outbox.bytes)
    }

    /// A response of the engine's own to this request.
    mutating func renderResponse(
        _ status: UInt16, _ tag: CallIdentity, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered {
        tagText.removeAll()
        tag.append(to: &tagText)
        return ComposedMessage.response(status, to: bytes, index, toTag: tagText, into: &outbox.bytes)
    }

    /// Our tag in responses the scenario did not write.
    private mutating func localTag(_ i: Int) -> CallIdentity {
        CallIdentity(run: configuration.run, number: calls[i].number, slot: calls[i].slot)
    }
}
