import Datagrams
import Observations
import SIP
import Scenarios

/// Walking a call through its scenario.
extension CallEngine {
    /// Carries out steps until the call waits or ends. `bytes` and `index` are the last received message (empty: none).
    mutating func run(
        _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        for _ in 0..<Self.stepLimit {
            guard calls[i].isOpen, !calls[i].isClosing else { return }
            let step = Int(calls[i].step)
            guard step < program.instructions.count else { return finish(i, .ok, at: now) }
            let instruction = program.instructions[step]
            if instruction.extras != 0, leavesOut(i, instruction) {
                moveOn(i, after: instruction)
                continue
            }
            switch instruction.operation {
            case .send(let send):
                let mark = instruction.extras == 0 ? 0 : outbox.datagrams.count
                guard self.send(send, step, i, at: now, bytes, index) else { return }
                stepCounts[step].passed += 1
                markResponseTimes(i, instruction, at: now)
                if instruction.extras != 0 {
                    loseSent(instruction, from: mark)
                    guard actsAndGoesOn(i, instruction, at: now, bytes, index) else { continue }
                }
                moveOn(i, after: instruction)
            case .receive:
                return waitForMessage(i, at: now, bytes)
            case .pause(let pause):
                if instruction.extras != 0 {
                    guard actsAndGoesOn(i, instruction, at: now, bytes, index) else { continue }
                }
                stepCounts[step].passed += 1
                let length = self.length(of: pause, i, at: now)
                if length > .zero { return self.pause(i, for: length, at: now, bytes) }
                moveOn(i, after: instruction)
            case .timewait:
                stepCounts[step].passed += 1
                // Every ended call lingers to answer repeats, which is what a timewait is for.
                return finish(i, .ok, at: now)
            case .nop:
                markResponseTimes(i, instruction, at: now)
                if instruction.extras != 0 {
                    guard actsAndGoesOn(i, instruction, at: now, bytes, index) else { continue }
                }
                moveOn(i, after: instruction)
            }
        }
        finish(i, .unexpected, at: now)
    }

    mutating func moveOn(_ i: Int, after instruction: Instruction) {
        jump(i, to: step(after: instruction, at: Int(calls[i].step), i))
    }

    mutating func jump(_ i: Int, to step: Int) {
        if step <= Int(calls[i].step) { calls[i].loop &+= 1 }
        calls[i].step = UInt16(step)
        calls[i].waiting = .nothing
        calls[i].stamp &+= 1
    }

    // MARK: waiting

    private mutating func length(of pause: Instruction.Pause, _ i: Int, at now: MonotonicInstant) -> Nanoseconds {
        if keepsCallExtras, let end = callExtras[i].restoredPause.instant {
            callExtras[i].restoredPause = .never
            return end - now
        }
        switch pause.length {
        case .fixed(let length): return length
        case .runDefault: return configuration.hold
        case .variable(let variable): return Self.milliseconds(number(of: variable, i) ?? 0)
        case .sampled(let which): return Self.milliseconds(program.distributions[Int(which)].sample(&random))
        }
    }

    /// Cut to whole milliseconds, never negative, at most 2^31 - 1 (as SIPp).
    private static func milliseconds(_ value: Double) -> Nanoseconds {
        value >= 1 ? .milliseconds(Int64(min(value, Double(Int32.max)))) : .zero
    }

    private mutating func pause(
        _ i: Int, for length: Nanoseconds, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>
    ) {
        calls[i].waiting = .pause
        calls[i].pausedAt = Moment(now)
        armScenarioTimer(i, after: length, at: now)
        if keepsCallExtras { callExtras[i].pauseEnd = Moment(now + length) }
        if program.keepsLastMessage, !bytes.isEmpty { texts.replace(&calls[i].lastMessage, with: bytes) }
    }

    private mutating func waitForMessage(_ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>) {
        calls[i].waiting = .receive
        if program.keepsLastMessageWhileWaiting, !bytes.isEmpty { texts.replace(&calls[i].lastMessage, with: bytes) }
        if let timeout = Self.receiveTimeout(at: Int(calls[i].step), in: program.instructions)?.length {
            armScenarioTimer(i, after: timeout, at: now)
        }
    }

    private mutating func armScenarioTimer(_ i: Int, after length: Nanoseconds, at now: MonotonicInstant) {
        calls[i].stamp &+= 1
        let entry = TimerQueue.Entry(
            deadline: now + length, call: UInt32(i), generation: calls[i].generation, stamp: calls[i].stamp,
            kind: .scenario)
        timers.schedule(entry, duration: length)
    }

    /// The shortest timeout among the receives a message may match now, and the step it belongs to.
    ///
    /// Static, over the instructions alone: a method that only reads would be handed a copy of the whole engine.
    private static func receiveTimeout(
        at step: Int, in instructions: [Instruction]
    ) -> (length: Nanoseconds, step: Int)? {
        var shortest: (length: Nanoseconds, step: Int)?
        var at = step
        while at < instructions.count, case .receive(let receive) = instructions[at].operation {
            if let timeout = receive.timeout, timeout < shortest?.length ?? Nanoseconds(.max) {
                shortest = (timeout, at)
            }
            if receive.presence == .mandatory { break }
            at += 1
        }
        return shortest
    }

    mutating func scenarioTimerFired(_ i: Int, at now: MonotonicInstant) {
        let step = Int(calls[i].step)
        switch calls[i].waiting {
        case .nothing: break
        case .pause:
            if let since = calls[i].pausedAt.instant {
                calls[i].hold += now - since
                calls[i].stamps.reactsSince.shift(by: now - since)
            }
            calls[i].pausedAt = .never
            moveOn(i, after: program.instructions[step])
            resume(i, at: now)
        case .receive:
            let owner = Self.receiveTimeout(at: step, in: program.instructions)?.step ?? step
            stepCounts[owner].timeouts += 1
            isReceiveTimeout = true
            defer { isReceiveTimeout = false }
            timedOut(i, onTimeout: program.instructions[owner].onTimeout, at: now)
        }
    }

    /// A receive timeout or exhausted retransmissions: the scenario's own way out, or the call's end.
    mutating func timedOut(_ i: Int, onTimeout label: UInt16?, at now: MonotonicInstant) {
        // A label at the end of the file means: failed.
        guard let label, Int(label) < program.instructions.count else { return finish(i, .timeout, at: now) }
        jump(i, to: Int(label))
        resume(i, at: now)
    }

    /// Goes on without a message at hand: the last one is taken from where it was kept.
    mutating func resume(_ i: Int, at now: MonotonicInstant) {
        var buffer = ByteBuffer(capacity: 0)
        var index = MessageIndex()
        swap(&buffer, &resumed)
        swap(&index, &resumedIndex)
        buffer.removeAll()
        let kept = calls[i].lastMessage
        if kept.count > 0 {
            buffer.append(texts, kept)
            index.reparse(buffer, buffer.all)
            let t = Int(calls[i].answering)
            if t < Call.transactionLimit, calls[i].places[t] != Self.noPlace {
                index.noteSource(transactions[calls[i].places[t]].replyTo, in: buffer)
            }
        }
        run(i, at: now, buffer.storage.span.extracting(0..<buffer.count), index)
        swap(&buffer, &resumed)
        swap(&index, &resumedIndex)
    }

    // MARK: matching

    /// The receive step this message belongs to: forward over optional ones up to the first mandatory.
    ///
    /// `t` is the transaction a response belongs to.
    mutating func receiveStep(
        _ i: Int, for match: Instruction.Receive.Match, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex, of t: Int = .max
    ) -> Int? {
        guard calls[i].waiting == .receive else { return nil }
        var at = Int(calls[i].step)
        while at < program.instructions.count, case .receive(let receive) = program.instructions[at].operation {
            let extras = program.instructions[at].extras
            if extras != 0, leavesOut(i, program.instructions[at]) {
                at += 1
                continue
            }
            if receive.match == match || hasPatternReceives && matches(receive.match, match, bytes, index),
                extras == 0 || belongs(i, t, program.extras[Int(extras) - 1])
            {
                return at
            }
            if receive.presence == .mandatory { break }
            at += 1
        }
        return earlierReceiveStep(i, for: match, bytes, index) ?? globalReceiveStep(i, for: match, t, bytes, index)
    }

    /// A request may repeat the optional receives just before the current step. Responses that do are told apart by their
    /// transactions.
    private mutating func earlierReceiveStep(
        _ i: Int, for match: Instruction.Receive.Match, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Int? {
        guard case .request = index.startLine else { return nil }
        var at = Int(calls[i].step) - 1
        while at >= 0, case .receive(let receive) = program.instructions[at].operation, receive.presence != .mandatory {
            if receive.match == match || hasPatternReceives && matches(receive.match, match, bytes, index) { return at }
            at -= 1
        }
        return nil
    }

    private mutating func globalReceiveStep(
        _ i: Int, for match: Instruction.Receive.Match, _ t: Int, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Int? {
        guard hasGlobalReceives else { return nil }
        for at in program.instructions.indices {
            guard case .receive(let receive) = program.instructions[at].operation,
                receive.presence == .globallyOptional,
                receive.match == match || hasPatternReceives && matches(receive.match, match, bytes, index)
            else { continue }
            let extras = program.instructions[at].extras
            if extras == 0 || !leavesOut(i, program.instructions[at]) && belongs(i, t, program.extras[Int(extras) - 1])
            {
                return at
            }
        }
        return nil
    }

    /// The message belongs to `step`: what the step asks for is done, and the call goes on after it.
    mutating func accept(
        _ i: Int, _ step: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        let instruction = program.instructions[step]
        stepCounts[step].passed += 1
        markResponseTimes(i, instruction, at: now)
        var ending = ActionsEnd.done
        if instruction.extras != 0 {
            ending = actOnReceived(i, instruction, at: now, bytes, index)
            if ending == .ended { return }
        }
        if case .receive(let receive) = instruction.operation {
            if receive.recordsRouteSet, program.keepsRouteSet { keepRouteSet(i, bytes, index) }
            if receive.presence == .globallyOptional, instruction.next == nil, ending == .done { return }
        }
        switch index.startLine {
        case .response(let status): beginReaction(i, isFinalResponse: status >= 200)
        case .request:
            beginReaction(i, isFinalResponse: false)
            calls[i].cseq = max(calls[i].cseq, index.cseq)
        }
        if ending == .done {
            if instruction.extras != 0, stays(i, instruction) {
                if program.keepsLastMessageWhileWaiting { texts.replace(&calls[i].lastMessage, with: bytes) }
                return
            }
            jump(i, to: self.step(after: instruction, at: step, i))
        }
        run(i, at: now, bytes, index)
    }

    mutating func keepRouteSet(_ i: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex) {
        var role = RouteSet.Role.server
        if case .response = index.startLine { role = .client }
        request.removeAll()
        resumed.removeAll()
        do throws(MalformedMessage) {
            try RouteSet.append(from: bytes, index: index, role: role, routes: &request, target: &resumed)
        } catch {
            counters.malformed += 1
            return
        }
        keepSentMessages(i)
        // The route set is learnt once (RFC 3261, 12.1.2); the remote target may be refreshed (12.2.1.2).
        if calls[i].routes.count == 0, request.count > 0 {
            texts.replace(&calls[i].routes, with: request, request.all)
        }
        if resumed.count > 0 {
            texts.replace(&calls[i].remoteTarget, with: resumed, resumed.all)
        } else if calls[i].remoteTarget.count == 0, role == .client, let t = latestInvite(i) {
            // A 2xx owes a Contact (12.1.1). Without one the dialog goes on to where the INVITE went.
            loadRequest(i, t)
            calls[i].remoteTarget = texts.keep(request, requestIndex.requestURI.bounds)
        }
    }

    /// A response time that starts with a request starts when the request leaves, not when it was made.
    mutating func startResponseTimes(_ i: Int, step: UInt16, at sentAt: MonotonicInstant) {
        guard Int(step) < program.instructions.count else { return }
        let mask = program.instructions[Int(step)].startsResponseTimes
        guard mask != 0 else { return }
        let names = program.responseTimeNames.count
        for n in 0..<names where mask & UInt64(1) << UInt64(n) != 0 {
            responseTimeStarts[i * names + n] = Moment(sentAt)
        }
    }

    private mutating func markResponseTimes(_ i: Int, _ instruction: Instruction, at now: MonotonicInstant) {
        guard instruction.startsResponseTimes | instruction.stopsResponseTimes != 0 else { return }
        let names = program.responseTimeNames.count
        for n in 0..<names {
            let bit = UInt64(1) << UInt64(n)
            let stops = instruction.stopsResponseTimes & bit != 0
            if stops, calls[i].stoppedResponseTimes & bit == 0 || repeatsResponseTimes(instruction),
                configuration.recordsCalls
            {
                calls[i].stoppedResponseTimes |= bit
                // Never started: it runs from the call's creation.
                let since = responseTimeStarts[i * names + n].instant ?? calls[i].sentAt.instant ?? calls[i].dueAt
                journal.responseTimes.append(
                    NamedResponseTime(
                        call: calls[i].number, name: UInt16(n), stopped: now - configuration.start, length: now - since)
                )
            }
            if instruction.startsResponseTimes & bit != 0 { responseTimeStarts[i * names + n] = Moment(now) }
        }
    }
}
