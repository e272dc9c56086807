import Datagrams
import Observations
import SIP
import Scenarios

/// What steps do besides their message.
extension CallEngine {
    enum ActionsEnd {
        /// To the next step.
        case done
        /// An action chose the next step itself.
        case jumped
        /// The call is over.
        case ended
    }

    /// The actions of a step, in order. Those after a failed check are left out; the call goes on (SIPp's rule).
    ///
    /// `bytes` is what `ereg` searches; `last` the message `[last_*]` shows, which in a receive is still the one before.
    mutating func act(
        _ i: Int, _ extras: StepExtras, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex, last: borrowing Span<UInt8>, _ lastIndex: borrowing MessageIndex
    ) -> ActionsEnd {
        let step = calls[i].step
        for n in extras.actionRange {
            switch program.actions[n] {
            case .match(let match): if !carryOut(match, i, bytes, index) { return .done }
            case .test(let test): if !carryOut(test, i) { return .done }
            case .compareText(let comparison):
                if !carryOut(comparison, i, at: now, last, lastIndex) { return .done }
            case .note(let kind, let text):
                note(kind, text, i, at: now, last, lastIndex)
                if kind == .error { return .ended }
            case .compute(let kind, let into, let operand): compute(kind, into, operand, i, at: now)
            case .assignText(let into, let text):
                actionText.removeAll()
                appendTextOfAction(text, i, at: now, last, lastIndex)
                setText(into, i, to: actionText)
            case .toNumber(let into, let from):
                if let number = number(of: from, i) {
                    set(into, i, to: .number(number))
                } else {
                    warn("todouble: the text is no number, the old value stays", i, at: now)
                }
            case .rewrite(let how, let variable): rewrite(how, variable, i)
            case .timeOfDay(let seconds, let microseconds):
                let wall = configuration.wallStart.nanoseconds + (now - configuration.start).rawValue
                set(seconds, i, to: .number(Double(wall / 1_000_000_000)))
                set(microseconds, i, to: .number(Double(wall / 1000 % 1_000_000)))
            case .stepIndex(let into): set(into, i, to: .number(Double(step)))
            case .jump(let operand):
                let target = number(operand, i)
                guard target >= 0, target < Double(program.instructions.count) else {
                    finish(i, .unexpected, at: now)
                    return .ended
                }
                jump(i, to: Int(target))
                return .jumped
            case .restorePause(let operand):
                let milliseconds = number(operand, i)
                if milliseconds > 0, milliseconds < 1e12 {
                    callExtras[i].restoredPause = Moment(configuration.start + .milliseconds(Int64(milliseconds)))
                }
            case .sample(let into, let distribution):
                set(into, i, to: .number(distribution.sample(&random)))
            case .lookup(let into, let file, let key):
                actionText.removeAll()
                appendTextOfAction(key, i, at: now, last, lastIndex)
                let line = injections[Int(file)].line(ofKey: Array(actionText.storage[..<actionText.count]))
                set(into, i, to: .number(Double(line ?? -1)))
            case .insertLine(let file, let text):
                actionText.removeAll()
                appendTextOfAction(text, i, at: now, last, lastIndex)
                injections[Int(file)].insert(Array(actionText.storage[..<actionText.count]))
            case .replaceLine(let file, let line, let text):
                actionText.removeAll()
                appendTextOfAction(line, i, at: now, last, lastIndex)
                let number = Self.lineNumber(actionText)
                actionText.removeAll()
                appendTextOfAction(text, i, at: now, last, lastIndex)
                injections[Int(file)].replace(line: number, with: Array(actionText.storage[..<actionText.count]))
            case .verifyCredentials(let into, let username, let password):
                verify(into, username, password, i, at: now, bytes, last, lastIndex)
            case .command(let text):
                actionText.removeAll()
                appendTextOfAction(text, i, at: now, last, lastIndex)
                journal.note(.command, call: calls[i].number, at: now - configuration.start, actionText)
            case .interrupt(.stopNow):
                stopRequest = max(stopRequest, .now)
            case .interrupt(.stopGracefully):
                stopRequest = max(stopRequest, .gracefully)
            case .interrupt(.stopCall):
                finish(i, .check(.rejected), at: now)
                return .ended
            case .media: counters.mediaSkipped += 1
            }
        }
        return .done
    }

    /// Into `actionText`.
    private mutating func appendTextOfAction(
        _ number: UInt16, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        var text = ByteBuffer(capacity: 0)
        swap(&text, &actionText)
        appendText(number, i, at: now, bytes, index, to: &text)
        swap(&text, &actionText)
    }

    // MARK: notes

    private mutating func note(
        _ kind: Action.Note, _ text: UInt16, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        actionText.removeAll()
        appendTextOfAction(text, i, at: now, bytes, index)
        let noteKind: ScenarioNote.Kind
        switch kind {
        case .log: noteKind = .log
        case .warning: noteKind = .warning
        case .error: noteKind = .error
        }
        journal.note(noteKind, call: calls[i].number, at: now - configuration.start, actionText)
        if kind == .error {
            stopRequest = .failed
            finish(i, .interrupted, at: now)
        }
    }

    mutating func warn(_ text: StaticString, _ i: Int, at now: MonotonicInstant) {
        actionText.removeAll()
        actionText.append(text)
        journal.note(.warning, call: calls[i].number, at: now - configuration.start, actionText)
    }

    // MARK: checks

    /// False: what follows in this step is left out.
    private mutating func judge(
        _ i: Int, _ holds: Bool, _ check: Action.Check, ifNot: ScenarioCheck, ifSo: ScenarioCheck
    ) -> Bool {
        let failed: ScenarioCheck
        switch check {
        case .none: return true
        case .mustHold:
            if holds { return true }
            failed = ifNot
        case .mustNotHold:
            if !holds { return true }
            failed = ifSo
        }
        if callExtras[i].failure.check == nil { callExtras[i].failure = FailedCheck(failed) }
        return false
    }

    private mutating func carryOut(_ test: Action.Test, _ i: Int) -> Bool {
        let holds = test.comparison.holds(number(.variable(test.variable), i), number(test.other, i))
        if let into = test.into { set(into, i, to: .flag(holds)) }
        return judge(i, holds, test.check, ifNot: .testFails, ifSo: .testHolds)
    }

    private mutating func carryOut(
        _ comparison: Action.TextComparison, _ i: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) -> Bool {
        actionText.removeAll()
        let shownactionText = value(comparison.variable, i)
        actionText.append(shownactionText, in: texts)
        otherText.removeAll()
        switch comparison.other {
        case .variable(let variable):
            let shown = value(variable, i)
            otherText.append(shown, in: texts)
        case .text(let number):
            var text = ByteBuffer(capacity: 0)
            swap(&text, &otherText)
            appendText(number, i, at: now, bytes, index, to: &text)
            swap(&text, &otherText)
        }
        let order = actionText.order(against: otherText)
        if let into = comparison.into { set(into, i, to: .number(Double(order))) }
        return judge(i, order == 0, comparison.check, ifNot: .textsDiffer, ifSo: .textsAreEqual)
    }

    private mutating func carryOut(
        _ match: Action.Match, _ i: Int, _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        switch match.subject {
        case .message: return search(match, i, bytes)
        case .body:
            let start = bytes.endOfHeaders
            return search(match, i, bytes.extracting(start..<bytes.count))
        case .header(let header):
            guard let range = Self.find(header, program.headerNames[Int(header.name)], in: bytes) else {
                return judge(i, false, match.check, ifNot: .headerNotFound, ifSo: .headerNotFound)
            }
            return search(match, i, bytes.extracting(range))
        case .variable(let variable):
            actionText.removeAll()
            let shownactionText = value(variable, i)
            actionText.append(shownactionText, in: texts)
            var text = ByteBuffer(capacity: 0)
            swap(&text, &actionText)
            let goesOn = search(match, i, text.storage.span.extracting(text.all))
            swap(&text, &actionText)
            return goesOn
        }
    }

    private mutating func search(_ match: Action.Match, _ i: Int, _ subject: borrowing Span<UInt8>) -> Bool {
        var groups = PatternGroups()
        let isFound = patterns[Int(match.pattern)].matches(subject, &groups)
        if isFound {
            for n in 0..<Int(match.assignmentCount) {
                // A group that took no part: the variable keeps what it had.
                guard let group = groups[n] else { continue }
                let variable = program.assignments[Int(match.firstAssignment) + n]
                set(variable, i, to: .text(texts.keep(subject.extracting(group))))
            }
        }
        return judge(i, isFound, match.check, ifNot: .regexpDoesNotMatch, ifSo: .regexpMatches)
    }

    /// The rest of the line after the nth occurrence of this text. SIPp's way: the text may stand anywhere in the message,
    /// and folded lines are not joined.
    static func find(_ header: Action.Match.Header, _ name: [UInt8], in bytes: borrowing Span<UInt8>) -> Range<Int>? {
        var left = Int(header.occurrence)
        guard let first = name.first, name.count <= bytes.count else { return nil }
        var at = 0
        while at + name.count <= bytes.count {
            let isCandidate = bytes[at] == first || header.ignoresCase && bytes[at] | 0x20 == first | 0x20
            if isCandidate, !header.atLineStart || at == 0 || bytes[at - 1] == UInt8(ascii: "\n"),
                matches(name, bytes, at, ignoringCase: header.ignoresCase)
            {
                left -= 1
                if left == 0 {
                    var end = at + name.count
                    while end < bytes.count, bytes[end] != UInt8(ascii: "\r"), bytes[end] != UInt8(ascii: "\n") {
                        end += 1
                    }
                    return at + name.count..<end
                }
                at += name.count
            } else {
                at += 1
            }
        }
        return nil
    }

    private static func matches(
        _ name: [UInt8], _ bytes: borrowing Span<UInt8>, _ at: Int, ignoringCase: Bool
    ) -> Bool {
        for n in name.indices {
            let (a, b) = (name[n], bytes[at + n])
            if a == b { continue }
            let isLetter = a | 0x20 >= UInt8(ascii: "a") && a | 0x20 <= UInt8(ascii: "z")
            if !ignoringCase || !isLetter || a | 0x20 != b | 0x20 { return false }
        }
        return true
    }

    // MARK: values

    private mutating func compute(
        _ kind: Action.Arithmetic, _ into: Variable, _ operand: Operand, _ i: Int, at now: MonotonicInstant
    ) {
        let right = number(operand, i)
        let left = number(.variable(into), i)
        switch kind {
        case .assign: set(into, i, to: .number(right))
        case .add: set(into, i, to: .number(left + right))
        case .subtract: set(into, i, to: .number(left - right))
        case .multiply: set(into, i, to: .number(left * right))
        case .divide:
            if right == 0 {
                warn("divide: by 0, the old value stays", i, at: now)
            } else {
                set(into, i, to: .number(left / right))
            }
        }
    }

    private mutating func rewrite(_ how: Action.Rewriting, _ variable: Variable, _ i: Int) {
        actionText.removeAll()
        let shownactionText = value(variable, i)
        actionText.append(shownactionText, in: texts)
        otherText.removeAll()
        switch how {
        case .trim: otherText.append(trimming: actionText)
        case .encodeURL: otherText.append(encodingURL: actionText)
        case .decodeURL: otherText.append(decodingURL: actionText)
        }
        setText(variable, i, to: otherText)
    }

    private mutating func verify(
        _ into: Variable, _ username: UInt16, _ password: UInt16, _ i: Int, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ last: borrowing Span<UInt8>, _ lastIndex: borrowing MessageIndex
    ) {
        var exchange = AuthenticationExchange()
        swap(&exchange, &authentication)
        exchange.removeAll()
        appendText(username, i, at: now, last, lastIndex, to: &exchange.username)
        appendText(password, i, at: now, last, lastIndex, to: &exchange.password)
        swap(&exchange, &authentication)
        set(into, i, to: .flag(verifies(bytes)))
    }
}

extension ByteBuffer {
    /// As `strcmp`: below, at or above 0.
    func order(against other: ByteBuffer) -> Int {
        for n in 0..<min(count, other.count) where storage[n] != other.storage[n] {
            return storage[n] < other.storage[n] ? -1 : 1
        }
        return count == other.count ? 0 : count < other.count ? -1 : 1
    }

    mutating func append(trimming text: ByteBuffer) {
        var start = 0
        var end = text.count
        while start < end, text.storage[start] <= 32 { start += 1 }
        while end > start, text.storage[end - 1] <= 32 { end -= 1 }
        append(text, start..<end)
    }

    /// All but letters, digits and `-._~` become `%XX` (RFC 3986, 2.3).
    mutating func append(encodingURL text: ByteBuffer) {
        for byte in text.storage[..<text.count] {
            let isLetter = byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            let isUnreserved = isLetter || (48...57).contains(byte) || "-._~".utf8.contains(byte)
            if isUnreserved {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                for digit in [byte >> 4, byte & 15] { append(digit < 10 ? 48 + digit : 55 + digit) }
            }
        }
    }

    mutating func append(decodingURL text: ByteBuffer) {
        var i = 0
        while i < text.count {
            if text.storage[i] == UInt8(ascii: "%"), i + 2 < text.count, let high = Self.hex(text.storage[i + 1]),
                let low = Self.hex(text.storage[i + 2])
            {
                append(high << 4 | low)
                i += 3
            } else {
                append(text.storage[i])
                i += 1
            }
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        case _: nil
        }
    }
}

extension Span<UInt8> {
    /// Just past the first empty line; the end where there is none.
    var endOfHeaders: Int {
        var i = 0
        while i + 1 < count {
            if self[i] == UInt8(ascii: "\n") {
                if self[i + 1] == UInt8(ascii: "\n") { return i + 2 }
                if self[i + 1] == UInt8(ascii: "\r"), i + 2 < count, self[i + 2] == UInt8(ascii: "\n") { return i + 3 }
            }
            i += 1
        }
        return count
    }
}
