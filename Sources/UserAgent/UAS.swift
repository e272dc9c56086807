import Datagrams
import Observations
import SIP
import Scenarios

/// The answering side: every INVITE (or whatever request the scenario begins with) makes a call that walks through the
/// scenario. Sans-IO, like `UAC`.
package struct UAS: Sendable {
    package var engine: CallEngine
    private var nextNumber: UInt64 = 1
    private var index = MessageIndex()
    /// So many calls are taken; a request that would begin a further one is left unanswered.
    package var callLimit = UInt64.max

    /// - Parameter recordsCalls: rows in the journal, for an owner that empties it.
    package init(program: Program, configuration: EngineConfiguration, recordsCalls: Bool = false) {
        var configuration = configuration
        configuration.recordsCalls = recordsCalls
        engine = CallEngine(program: program, configuration: configuration)
        engine.usesOwnCallIDs = false

    }

    package var deadline: MonotonicInstant { engine.deadline }

    package mutating func advance(to now: MonotonicInstant) { engine.advance(to: now) }

    /// - Parameter refusal: a final status to answer a new INVITE with, instead of the scenario.
    package mutating func handleDatagram(
        _ bytes: borrowing Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant, refusal: UInt16? = nil
    ) {
        engine.counters.datagramsReceived += 1
        var index = MessageIndex()
        swap(&index, &self.index)
        defer { swap(&index, &self.index) }
        guard engine.parse(bytes, from: source, &index) else { return }
        let place = engine.find(bytes.extracting(index.callID.bounds))
        if case .lingering(let number) = place, engine.isAnotherCall(number, index) {
            engine.forgetCallID(number)
            handleFirst(.invite, from: source, at: now, refusal: refusal, bytes, index)
        } else if case .free = place, case .request(let method) = index.startLine {
            handleFirst(method, from: source, at: now, refusal: refusal, bytes, index)
        } else {
            engine.deliver(place, from: source, at: now, bytes, index)
        }
    }

    /// Whether this Call-ID is a call's already: its INVITE again would be a retransmission.
    package mutating func knows(_ callID: borrowing Span<UInt8>) -> Bool {
        if case .free = engine.find(callID) { false } else { true }
    }

    private mutating func handleFirst(
        _ method: Method, from source: SocketAddress, at now: MonotonicInstant, refusal: UInt16?,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        if method == .ack {
            engine.counters.stray += 1
        } else if engine.counters.started >= callLimit {
            engine.counters.stray += 1
        } else if engine.begins(with: method, bytes, index), index.toTag.isEmpty {
            engine.counters.offered += 1
            engine.counters.started += 1
            engine.answer(
                number: nextNumber, method, from: source, at: now, refusal: method == .invite ? refusal : nil, bytes,
                index)
            nextNumber += 1
        } else {
            // Within no dialog we know: 481 (12.2.2). OPTIONS is a question about us, and we are here (11.2).
            engine.counters.stray += 1
            engine.answerOutOfDialog(status: method == .options ? 200 : 481, from: source, bytes, index)
        }
    }
}

extension CallEngine {
    /// Whether a server's scenario may begin with this request: its first receives, up to the first mandatory one.
    mutating func begins(
        with method: Method, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        var isInGroup = false
        for instruction in program.instructions {
            guard case .receive(let receive) = instruction.operation else {
                if isInGroup { return false }
                continue
            }
            isInGroup = true
            if receive.match == .method(method) || matches(receive.match, .method(method), bytes, index) { return true }
            if receive.presence == .mandatory { return false }
        }
        return false
    }

    var startsWithInvite: Bool {
        for instruction in program.instructions {
            switch instruction.operation {
            case .send(let send): return send.method == .invite
            case .receive(let receive): return receive.match == .method(.invite)
            case .pause, .timewait, .nop: continue
            }
        }
        return false
    }

    mutating func answer(
        number: UInt64, _ method: Method, from source: SocketAddress, at now: MonotonicInstant, refusal: UInt16?,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let i = open(number: number, at: now)
        rememberCallID(i, bytes.extracting(index.callID.bounds))
        calls[i].destination = source
        calls[i].cseq = 0
        if let refusal {
            let branch = CallIDMap.hash(bytes.extracting(index.viaBranch.bounds))
            guard let t = beginServerTransaction(i, method, branch, from: source, bytes, index) else { return }
            answer(i, t, status: refusal, at: now, bytes, index)
            return finish(i, .status(refusal), at: now)
        }
        let nothing = MessageIndex()
        run(i, at: now, Span(), nothing)
        receiveRequest(i, method, from: source, at: now, bytes, index)
    }

    /// 100 Trying, by the transaction layer itself: owed when the answer will take more than 200 ms (17.2.1).
    mutating func sendTrying(
        to source: SocketAddress, _ store: TextStore, _ invite: TextRange
    ) {
        request.removeAll()
        request.append(store, invite)
        requestIndex.reparse(request, request.all)
        requestIndex.noteSource(source, in: request)
        tagText.removeAll()
        let rendered = ComposedMessage.response(
            100, to: request, requestIndex, method: .invite, toTag: tagText, into: &outbox.bytes)
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: replyAddress(source, requestIndex)))
    }

    mutating func answerOutOfDialog(
        status: UInt16, from source: SocketAddress, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let rendered = renderResponse(
            status, CallIdentity(run: configuration.run, number: 0, slot: 0), bytes, index)
        outbox.append(
            Transmit(
                start: rendered.start, count: rendered.count, destination: replyAddress(source, index)))
    }
}
