import Datagrams
import Observations
import SIP
import Scenarios

/// What only some steps have: conditions, transactions by name, losses, actions.
extension CallEngine {
    /// `condexec`: the step is passed over, its own `next` is still followed.
    mutating func leavesOut(_ i: Int, _ instruction: Instruction) -> Bool {
        let extras = program.extras[Int(instruction.extras) - 1]
        guard let condition = extras.condition else { return false }
        return value(condition, i).isSet == extras.conditionIsInverse
    }

    /// Where the call goes after this step, which stands at `at`.
    mutating func step(after instruction: Instruction, at: Int, _ i: Int) -> Int {
        guard let next = instruction.next else { return at + 1 }
        if instruction.extras == 0 { return Int(next) }
        let extras = program.extras[Int(instruction.extras) - 1]
        if let test = extras.test, !value(test, i).isSet { return at + 1 }
        if extras.chance < 1, random.unit() >= extras.chance { return at + 1 }
        return Int(next)
    }

    /// An optional receive that matched and does not move the call: it has a `next` whose `test` is unset, or
    /// `advance_state="false"`.
    mutating func stays(_ i: Int, _ instruction: Instruction) -> Bool {
        guard case .receive(let receive) = instruction.operation, receive.presence != .mandatory else { return false }
        let extras = program.extras[Int(instruction.extras) - 1]
        if !extras.advancesState { return true }
        guard instruction.next != nil, let test = extras.test else { return false }
        return !value(test, i).isSet
    }

    mutating func repeatsResponseTimes(_ instruction: Instruction) -> Bool {
        instruction.extras != 0 && program.extras[Int(instruction.extras) - 1].repeatsResponseTimes
    }

    /// Counter and actions of a step that is no receive. False: the call has ended or stands elsewhere.
    mutating func actsAndGoesOn(
        _ i: Int, _ instruction: Instruction, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        let extras = program.extras[Int(instruction.extras) - 1]
        if let counter = extras.counter { namedCounters[Int(counter)] += 1 }
        if extras.actionCount == 0 { return true }
        return act(i, extras, at: now, bytes, index, last: bytes, index) == .done
    }

    /// The same of a receive, whose actions see in `[last_*]` the message before this one.
    mutating func actOnReceived(
        _ i: Int, _ instruction: Instruction, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> ActionsEnd {
        let extras = program.extras[Int(instruction.extras) - 1]
        if let counter = extras.counter { namedCounters[Int(counter)] += 1 }
        if extras.keepsChallenge { keepChallenge(i, bytes) }
        if extras.actionCount == 0 { return .done }
        var buffer = ByteBuffer(capacity: 0)
        var lastIndex = MessageIndex()
        swap(&buffer, &previous)
        swap(&lastIndex, &previousIndex)
        buffer.removeAll()
        if program.keepsLastMessageWhileWaiting, calls[i].lastMessage.count > 0 {
            buffer.append(texts, calls[i].lastMessage)
            lastIndex.reparse(buffer, buffer.all)
        } else {
            lastIndex.forget()
        }
        let end = act(
            i, extras, at: now, bytes, index, last: buffer.storage.span.extracting(buffer.all), lastIndex)
        swap(&buffer, &previous)
        swap(&lastIndex, &previousIndex)
        return end
    }

    // MARK: matching

    /// Receives that compare is not enough for: methods without a name of our own, and expressions.
    mutating func matches(
        _ wanted: Instruction.Receive.Match, _ came: Instruction.Receive.Match, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        switch wanted {
        case .status, .method: return false
        case .otherMethod(let name):
            guard case .method(.other) = came else { return false }
            let text = bytes.extracting(index.methodText.bounds)
            return text.equals(program.headerNames[Int(name)])
        case .methodPattern(let pattern):
            guard case .method = came else { return false }
            var groups = PatternGroups()
            return patterns[Int(pattern)].matches(bytes.extracting(index.methodText.bounds), &groups)
        case .statusPattern(let pattern):
            guard case .status(let status) = came else { return false }
            otherText.removeAll()
            otherText.append(decimal: UInt64(status))
            var groups = PatternGroups()
            return patterns[Int(pattern)].matches(otherText.storage.span.extracting(0..<otherText.count), &groups)
        }
    }

    /// `response_txn`: the response must be one to the request that a send with this `start_txn` made.
    mutating func belongs(_ i: Int, _ t: Int, _ extras: StepExtras) -> Bool {
        guard let name = extras.respondsTo, t < Call.transactionLimit else { return true }
        return transactionName(i, t) == name
    }

    private mutating func transactionName(_ i: Int, _ t: Int) -> UInt16? {
        let step = Int(transactions[calls[i].places[t]].step)
        guard step < program.instructions.count, program.instructions[step].extras != 0 else { return nil }
        return program.extras[Int(program.instructions[step].extras) - 1].startsTransaction
    }

    /// The INVITE that an ACK with `ack_txn` acknowledges.
    mutating func acknowledgedTransaction(_ i: Int, _ step: Int) -> Int? {
        guard program.instructions[step].extras != 0,
            let name = program.extras[Int(program.instructions[step].extras) - 1].acknowledges
        else { return nil }
        for t in 0..<Call.transactionLimit {
            guard case .inviteClient = transactions[calls[i].places[t]].machine else { continue }
            if transactionName(i, t) == name { return t }
        }
        return nil
    }

    // MARK: losses

    /// `lost` of a send: it was sent as far as the scenario knows.
    mutating func loseSent(_ instruction: Instruction, from mark: Int) {
        let loss = program.extras[Int(instruction.extras) - 1].loss
        guard loss > 0, outbox.datagrams.count > mark, random.unit() < loss else { return }
        if mark == 0 {
            // `truncate(to: 0)` empties the outbox.
            outbox.removeAll()
        } else {
            outbox.truncate(to: mark)
        }
    }

    /// `lost` of a receive: the message never came.
    mutating func losesReceived(
        _ i: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        guard program.losesReceived else { return false }
        let match: Instruction.Receive.Match
        switch index.startLine {
        case .response(let status): match = .status(status)
        case .request(let method): match = .method(method)
        }
        guard let step = receiveStep(i, for: match, bytes, index), program.instructions[step].extras != 0 else {
            return false
        }
        let loss = program.extras[Int(program.instructions[step].extras) - 1].loss
        return loss > 0 && random.unit() < loss
    }

    // MARK: unexpected messages

    /// `_unexp.main`: the scenario itself deals with what it has no place for. True where it did.
    mutating func dealsWithUnexpected(
        _ i: Int, _ match: Instruction.Receive.Match, _ t: Int, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        guard let target = program.unexpectedTarget, calls[i].isOpen, !calls[i].isClosing else { return false }
        if let variable = program.unexpectedReturn { set(variable, i, to: .number(Double(calls[i].step))) }
        if let variable = program.unexpectedPause {
            let isPaused = calls[i].waiting == .pause
            let end = isPaused ? callExtras[i].pauseEnd.instant : nil
            let milliseconds = end.map { ($0 - configuration.start).rawValue / 1_000_000 } ?? 0
            set(variable, i, to: .number(Double(milliseconds)))
        }
        if calls[i].waiting == .pause, let since = calls[i].pausedAt.instant {
            calls[i].hold += now - since
            calls[i].pausedAt = .never
        }
        jump(i, to: Int(target))
        resume(i, at: now)
        guard calls[i].isOpen, !calls[i].isClosing else { return true }
        guard let step = receiveStep(i, for: match, bytes, index, of: t) else { return false }
        accept(i, step, at: now, bytes, index)
        return true
    }

    // MARK: storage

    mutating func addExtras() {
        callExtras.append(CallExtras())
        for _ in program.variables.call { callVariables.append(.unset) }
    }

    mutating func releaseExtras(_ i: Int) {
        forgetVariables(i)
        let user = callExtras[i].user
        if user > 0 { freedUsers.append(user) }
    }

    /// Globals from the command line, and the steps of `<init>`.
    mutating func initialise() {
        for (variable, text) in program.initialGlobals {
            globalVariables[Int(variable.index)] = .text(texts.keep(text.span))
        }
        if program.initialInstructions.isEmpty { return }
        // A call that is none: never numbered, never recorded.
        addExtras()
        calls.append(Call())
        for _ in program.responseTimeNames { responseTimeStarts.append(.never) }
        let nothing = MessageIndex()
        var at = 0
        for _ in 0..<Self.stepLimit where at < program.initialInstructions.count {
            let instruction = program.initialInstructions[at]
            if instruction.extras != 0 {
                let extras = program.extras[Int(instruction.extras) - 1]
                if !leavesOut(0, instruction), extras.actionCount > 0 {
                    _ = act(0, extras, at: configuration.start, Span(), nothing, last: Span(), nothing)
                }
            }
            at = step(after: instruction, at: at, 0)
        }
        forgetVariables(0)
        calls.removeLast()
        callExtras.removeLast()
        callVariables.removeAll(keepingCapacity: true)
        responseTimeStarts.removeAll(keepingCapacity: true)
    }
}

extension Span<UInt8> {
    func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for i in 0..<count where self[i] != other[i] { return false }
        return true
    }
}
