import Datagrams
import Observations
import SIP
import Scenarios

/// What is remembered of an ended call for 64 x T1, so that the peer's repeats are told from strays and answered:
/// timers D, I, J, K, L and M at once, rounded up to the longest.
struct LingeringCall: Sendable, BitwiseCopyable {
    var number: UInt64
    var slot: UInt32
    var source: UInt16
    var isTagged: Bool
    var until: MonotonicInstant
    var destination: SocketAddress
    /// Only where the Call-ID is not ours.
    var callID: TextRange
    var peerTag: TextRange
    var routes: TextRange
    var remoteTarget: TextRange

    /// Client: the ACK of the INVITE, as a step or as bytes.
    var ackStep: UInt16
    var ackSequence: UInt32
    var ackStored: TextRange
    var rawCSeq: UInt32
    var inviteCSeq: UInt32
    var inviteStatus: UInt16
    /// The INVITE itself, where it can be rendered again: another fork's 2xx may still come.
    var inviteStep: UInt16
    var inviteSequence: UInt32
    var lastCSeq: UInt32
    var forksEnded: UInt16

    /// Server: the step that answered the last request other than INVITE; it answers the repeat just so, for it takes
    /// everything from the request.
    var answerStep: UInt16
    /// Its status, where the engine made the answer itself; else 0.
    var answerStatus: UInt16
    var answerMethod: Method
    /// `ackStored` holds the answer itself.
    var answerIsStored: Bool
}

extension CallEngine {
    mutating func makeLingering(_ i: Int, until: MonotonicInstant) -> LingeringCall {
        let call = calls[i]
        var remembered = LingeringCall(
            number: call.number, slot: call.slot, source: call.source, isTagged: call.isTagged, until: until,
            destination: call.destination, callID: call.callID, peerTag: call.peerTag, routes: call.routes,
            remoteTarget: call.remoteTarget, ackStep: .max, ackSequence: 0, ackStored: .empty, rawCSeq: 0,
            inviteCSeq: 0, inviteStatus: call.inviteStatus, inviteStep: .max, inviteSequence: 0, lastCSeq: call.cseq,
            forksEnded: call.automaticRequests, answerStep: .max, answerStatus: 0, answerMethod: .other,
            answerIsStored: false)
        let invite = latestInvite(i)
        for t in 0..<Call.transactionLimit {
            let transaction = transactions[call.places[t]]
            switch transaction.machine {
            case .inviteClient where t == invite:
                remembered.ackStep = transaction.ackStep
                remembered.ackSequence = transaction.ackSequence
                remembered.ackStored = transaction.ackStored
                remembered.rawCSeq = transaction.rawCSeq
                remembered.inviteCSeq = transaction.cseq
                if transaction.stored.count == 0 { remembered.inviteStep = transaction.step }
                remembered.inviteSequence = transaction.branchSequence
            case .inviteClient:
                texts.discard(&transactions[calls[i].places[t]].ackStored)
            case .inviteServer:
                remembered.inviteCSeq = max(remembered.inviteCSeq, transaction.cseq)
            case .server(.completed):
                remembered.answerStep = transaction.step
                remembered.answerStatus = transaction.step == .max ? transaction.status : 0
                remembered.answerMethod = transaction.method
                // What the call alone knew cannot be rendered again.
                if remembered.answerStatus == 0, remembered.ackStored.count == 0, isInserting(step: transaction.step) {
                    remembered.ackStored = transaction.stored
                    transactions[call.places[t]].stored = .empty
                    remembered.answerIsStored = true
                }
            case .none, .client, .server: break
            }
        }
        return remembered
    }

    private mutating func isInserting(step: UInt16) -> Bool {
        guard Int(step) < program.instructions.count,
            case .send(let send) = program.instructions[Int(step)].operation
        else { return false }
        return !program.templates[Int(send.template)].inserts.isEmpty
    }

    mutating func expireLingering(at now: MonotonicInstant) {
        while let first = lingering.first, first.until <= now {
            forget(lingering.removeFirst())
        }
    }

    mutating func forget(_ call: LingeringCall) {
        var gone = call
        if gone.callID.count > 0 {
            byCallID.remove(texts.hash(gone.callID), slot: gone.slot)
            texts.discard(&gone.callID)
        }
        texts.discard(&gone.peerTag)
        texts.discard(&gone.routes)
        texts.discard(&gone.remoteTarget)
        texts.discard(&gone.ackStored)
        forgetSlot(gone.slot)
    }

    /// Whether repeats may still come: always where datagrams may be lost. Over a reliable transport timers D, I, J and K
    /// are zero, and only a 2xx to an INVITE is repeated (timers L and M, RFC 6026; 13.3.1.4).
    mutating func lingers(_ i: Int) -> Bool {
        if !configuration.transport.isReliable { return true }
        for t in 0..<Call.transactionLimit {
            switch transactions[calls[i].places[t]].machine {
            case .inviteClient(.accepted), .inviteServer(.accepted): return true
            case .none, .inviteClient, .client, .inviteServer, .server: continue
            }
        }
        return false
    }

    /// An INVITE outside a dialog with a higher number: the caller tries again under its old Call-ID (8.1.3.5), and
    /// that is another call.
    mutating func isAnotherCall(_ number: UInt64, _ index: borrowing MessageIndex) -> Bool {
        guard case .request(.invite) = index.startLine else { return false }
        return index.toTag.isEmpty && index.cseq > lingering[number].inviteCSeq
    }

    /// The Call-ID becomes free for another call; the slot stays until its time is over.
    mutating func forgetCallID(_ number: UInt64) {
        var call = lingering[number]
        guard call.callID.count > 0 else { return }
        byCallID.remove(texts.hash(call.callID), slot: call.slot)
        texts.discard(&call.callID)
        lingering[number] = call
    }

    /// A message for a call that has ended.
    mutating func receiveLate(
        _ number: UInt64, from source: SocketAddress, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        let call = lingering[number]
        switch index.startLine {
        case .response(let status):
            if status < 200 {
                counters.lateProvisional += 1
            } else {
                counters.repeatsReceived += 1
                guard index.cseqMethod == .invite, index.cseq == call.inviteCSeq else { return }
                let wasAcknowledged = call.ackStep != .max || call.ackStored.count > 0 && !call.answerIsStored
                if status < 300,
                    !wasAcknowledged || !texts.matches(call.peerTag, bytes.extracting(index.toTag.bounds))
                {
                    endLateFork(number, at: now, bytes, index)
                } else {
                    repeatLateAck(call, at: now)
                }
            }
        case .request(let method):
            counters.repeatsReceived += 1
            answerLate(call, method, from: source, bytes, index)
        }
    }

    private mutating func repeatLateAck(_ call: LingeringCall, at now: MonotonicInstant) {
        let rendered: Rendered
        if call.ackStored.count > 0, !call.answerIsStored {
            rendered = copyToOutbox(call.ackStored)
        } else if call.ackStep != .max,
            case .send(let send) = program.instructions[Int(call.ackStep)].operation
        {
            rendered = program.templates[Int(send.template)].renderAgain(
                into: &outbox.bytes, values: values(call, step: call.ackStep), texts: texts)
        } else {
            return
        }
        counters.acksRepeated += 1
        postLate(rendered, call, method: .ack, cseq: call.inviteCSeq, isRetransmission: true, at: now)
    }

    /// As `endFork`, for a call that has ended: ACK and BYE, once for each of the fork's 2xx.
    private mutating func endLateFork(
        _ number: UInt64, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        var call = lingering[number]
        guard call.inviteStep != .max, case .send(let send) = program.instructions[Int(call.inviteStep)].operation
        else { return }
        var values = self.values(call, step: call.inviteStep)
        values.branchSequence = call.inviteSequence
        request.removeAll()
        _ = program.templates[Int(send.template)].renderAgain(into: &request, values: values, texts: texts)
        requestIndex.reparse(request, request.all)
        for method in [Method.ack, .bye] {
            call.forksEnded &+= 1
            let branch = BranchIdentity(
                run: configuration.run, number: call.number,
                sequence: Self.automaticSequence + UInt32(call.forksEnded))
            let cseq = method == .ack ? call.inviteCSeq : max(call.lastCSeq, call.inviteCSeq) &+ 1
            let dialog = InDialog(branch: branch, cseq: cseq)
            let rendered =
                method == .ack
                ? dialog.ack(
                    request, requestIndex, target: bytes.extracting(index.contactURI.bounds),
                    remote: bytes.extracting(index.to.bounds), routes: .empty, in: texts, into: &outbox.bytes)
                : dialog.bye(
                    request, requestIndex, target: bytes.extracting(index.contactURI.bounds),
                    remote: bytes.extracting(index.to.bounds), routes: .empty, in: texts, into: &outbox.bytes)
            postLate(rendered, call, method: method, cseq: cseq, isRetransmission: false, at: now)
        }
        lingering[number] = call
    }

    private mutating func postLate(
        _ rendered: Rendered, _ call: LingeringCall, method: Method, cseq: UInt32, isRetransmission: Bool,
        at now: MonotonicInstant
    ) {
        let tag =
            call.isTagged
            ? CallTag(
                method: method, isRetransmission: isRetransmission, cseq: cseq, callIDStart: rendered.callIDStart,
                callIDCount: rendered.callIDCount) : nil
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: call.destination, source: call.source,
                tag: tag, due: now))
    }

    private mutating func answerLate(
        _ call: LingeringCall, _ method: Method, from source: SocketAddress, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        // Accepted: the INVITE and its ACK are absorbed in silence (RFC 6026, 8.7).
        if method == .ack || method == .invite { return }
        let rendered: Rendered
        if call.answerIsStored, method == call.answerMethod {
            rendered = copyToOutbox(call.ackStored)
            counters.responsesRetransmitted += 1
        } else if method == call.answerMethod, call.answerStep != .max,
            case .send(let send) = program.instructions[Int(call.answerStep)].operation
        {
            rendered = program.templates[Int(send.template)].render(
                into: &outbox.bytes, values: values(call, step: call.answerStep), texts: texts, last: bytes,
                lastIndex: index)
            counters.responsesRetransmitted += 1
        } else {
            let tag = CallIdentity(run: configuration.run, number: call.number, slot: call.slot)
            let isRepeat = method == call.answerMethod && call.answerStatus != 0
            // 12.2.2: no such dialog any more.
            rendered = renderResponse(isRepeat ? call.answerStatus : 481, tag, bytes, index)
            if isRepeat { counters.responsesRetransmitted += 1 }
        }
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: replyAddress(source, index),
                source: call.source))
    }

    private mutating func values(_ call: LingeringCall, step: UInt16) -> RenderValues {
        RenderValues(
            identity: CallIdentity(run: configuration.run, number: call.number, slot: call.slot), cseq: call.rawCSeq,
            branchSequence: call.ackSequence, messageIndex: UInt32(step),
            localAddress: configuration.sources[Int(call.source)], peerTag: call.peerTag, routes: call.routes,
            remoteTarget: call.remoteTarget)
    }
}
