import Datagrams
import SIP

/// Holds every message that was sent again against RFC 3261's schedule: when, how often, and whether it stopped.
///
/// It sees what the capture point saw: a copy lost before it is missing here, and a response lost behind it did not stop
/// anybody. An interval is right when it fits the sender's own previous copy or the schedule as a whole, so one copy that
/// was late is one finding and not two.
package struct TimerCheck: Sendable {
    package struct Settings: Sendable {
        package var timers = TimerValues()
        /// A scheduler's tick and a busy sender's delay; a fiftieth of T1 still tells 500 ms from 550.
        package var tolerance = Nanoseconds.milliseconds(10)

        package init() {}
    }

    package private(set) var verdicts: [RuleVerdict] = TimerRule.all.map(RuleVerdict.init)
    package private(set) var retransmissions: [CheckedRetransmission] = []

    private let messages: [CapturedMessage]
    private let end: Nanoseconds
    private let settings: Settings

    package init(_ traffic: SIPTraffic, _ table: TransactionTable, settings: Settings = Settings()) {
        messages = traffic.messages
        end = traffic.lastFrame ?? .zero
        self.settings = settings
        for transaction in table.transactions { check(transaction) }
        retransmissions.sort { $0.place < $1.place }
    }

    package var isViolated: Bool { verdicts.contains { $0.violated > 0 } }

    private mutating func check(_ transaction: Transaction) {
        if messages[transaction.first].method == .invite {
            // Any response ends timer A.
            let stop = transaction.responses.first.map { messages[$0].at }
            check(Repeating(.invite, places: transaction.requests, stop: stop))
            checkFinals(of: transaction)
        } else {
            let responses = transaction.responses.map { messages[$0] }
            var repeating = Repeating(
                .request, places: transaction.requests, stop: responses.first { $0.isFinal }?.at)
            repeating.slowsDownAt = responses.first { $0.isProvisional }?.at
            check(repeating)
        }
    }

    /// A server's final responses to an INVITE, those of each dialog apart (a proxy passes on all forks' 2xx).
    private mutating func checkFinals(of transaction: Transaction) {
        var groups: [(toTag: UInt32, status: UInt16, places: [Int])] = []
        for place in transaction.responses where messages[place].isFinal {
            let (toTag, status) = (messages[place].toTag, messages[place].status)
            if let known = groups.firstIndex(where: { $0.toTag == toTag && $0.status == status }) {
                groups[known].places.append(place)
            } else {
                groups.append((toTag, status, [place]))
            }
        }
        for group in groups {
            let ack = transaction.acks.first {
                groups.count == 1 || messages[$0].toTag == group.toTag || messages[$0].toTag == 0
            }
            var repeating = Repeating(
                group.status < 300 ? .success : .refusal, places: group.places, stop: ack.map { messages[$0].at })
            repeating.prompts = transaction.requests.dropFirst().map { messages[$0].at }
            check(repeating)
        }
    }

    // MARK: one schedule

    /// One message and its copies.
    private struct Repeating {
        var subject: TimerRule.Subject
        var places: [Int]
        /// When what ends the repeating passed.
        var stop: Nanoseconds?
        var slowsDownAt: Nanoseconds?
        /// Requests sent again, each of which may be answered at once with the response again.
        var prompts: [Nanoseconds] = []

        init(_ subject: TimerRule.Subject, places: [Int], stop: Nanoseconds?) {
            self.subject = subject
            self.places = places
            self.stop = stop
        }
    }

    /// Where a schedule stands.
    private struct Progress {
        var due: Nanoseconds
        var interval: Nanoseconds
        var previous: Nanoseconds
        var previousInterval: Nanoseconds?
        var copies: UInt32 = 0
        var missing = 0
        var prompted = 0
        /// The interval that ends at `due` began after a provisional response.
        var isSlow = false
    }

    private mutating func check(_ repeating: Repeating) {
        let first = messages[repeating.places[0]]
        let t1 = settings.timers.t1
        var progress = Progress(due: first.at + t1, interval: t1, previous: first.at)
        var isStopKept = true
        var last = first
        for place in repeating.places.dropFirst() {
            let copy = messages[place]
            progress.copies += 1
            let (check, due) = judge(copy, &progress, repeating, since: first)
            if check == .afterStop { isStopKept = false }
            if check == .afterStop || check == .afterGiveUp { last = copy }
            retransmissions.append(
                CheckedRetransmission(
                    place: place, nth: progress.copies, due: due, subject: repeating.subject, check: check))
        }
        let limit = first.at + settings.timers.transactionTimeout
        countMissing(&progress, repeating, until: min(limit, repeating.stop ?? end, end))
        conclude(repeating, progress, first, last, isStopKept: isStopKept)
    }

    /// And when the copy should have been sent.
    private mutating func judge(
        _ copy: CapturedMessage, _ progress: inout Progress, _ repeating: Repeating, since first: CapturedMessage
    ) -> (CheckedRetransmission.Check, due: Nanoseconds) {
        let tolerance = settings.tolerance
        if let stop = repeating.stop, copy.at > stop + tolerance {
            return (isPrompted(copy, &progress, repeating) ? .prompted : .afterStop, progress.due)
        }
        // At 64 x T1 the transaction ends; the copy due at that very instant is not sent any more.
        if copy.at >= first.at + settings.timers.transactionTimeout - tolerance {
            return (isPrompted(copy, &progress, repeating) ? .prompted : .afterGiveUp, progress.due)
        }
        let seen = copy.at - progress.previous
        var isKept = fits(copy.at, progress, repeating)
        if !isKept {
            if isPrompted(copy, &progress, repeating) { return (.prompted, progress.due) }
            isKept = skipMissing(copy.at, &progress, repeating)
        }
        let aspect: TimerRule.Aspect =
            if progress.isSlow { .proceeding } else if progress.previousInterval == nil { .first } else { .doubling }
        note(
            TimerRule(repeating.subject, aspect), isKept, copy, expected: progress.due - progress.previous, seen: seen)
        let due = progress.due
        // A copy that was off starts the count anew; one that was on time keeps it, or its jitter would add up.
        progress.due = isKept && (copy.at - due).rawValue.magnitude <= UInt64(tolerance.rawValue) ? due : copy.at
        progress.previous = copy.at
        progress.previousInterval = seen
        step(&progress, repeating)
        return (isKept ? .ok : copy.at < due ? .early : .late, due)
    }

    private func fits(_ at: Nanoseconds, _ progress: Progress, _ repeating: Repeating) -> Bool {
        func isNear(_ instant: Nanoseconds, _ tolerance: Nanoseconds) -> Bool {
            (at - instant).rawValue.magnitude <= UInt64(max(tolerance.rawValue, 0))
        }
        if isNear(progress.due, settings.tolerance) || isNear(progress.previous + progress.interval, settings.tolerance)
        {
            return true
        }
        // Whoever begins with another T1 breaks the first rule and not this one too.
        guard let previousInterval = progress.previousInterval, !progress.isSlow else { return false }
        var expected = previousInterval * 2
        if repeating.subject.isCapped, progress.interval >= settings.timers.t2 {
            expected = min(expected, progress.interval)
        }
        // Two intervals' errors meet here; but of short ones everything would be the double.
        return isNear(progress.previous + expected, min(settings.tolerance * 2, expected / 8))
    }

    /// Whether the copy fits a later place of the schedule: then those between were not sent, or lost before the capture.
    private func skipMissing(_ at: Nanoseconds, _ progress: inout Progress, _ repeating: Repeating) -> Bool {
        var later = progress
        while later.due + settings.tolerance < at {
            step(&later, repeating)
            later.missing += 1
        }
        guard (at - later.due).rawValue.magnitude <= UInt64(settings.tolerance.rawValue) else { return false }
        progress = later
        return true
    }

    private func isPrompted(_ copy: CapturedMessage, _ progress: inout Progress, _ repeating: Repeating) -> Bool {
        let asked = repeating.prompts.reduce(0) { $0 + ($1 <= copy.at ? 1 : 0) }
        guard asked > progress.prompted else { return false }
        progress.prompted += 1
        return true
    }

    private func step(_ progress: inout Progress, _ repeating: Repeating) {
        // Longer than the whole transaction nothing is ever waited for; a flood of copies must not make it endless.
        progress.interval = min(progress.interval * 2, settings.timers.transactionTimeout)
        if repeating.subject.isCapped { progress.interval = min(progress.interval, settings.timers.t2) }
        if let slowsDownAt = repeating.slowsDownAt, slowsDownAt <= progress.due {
            progress.interval = settings.timers.t2
            progress.isSlow = true
        }
        progress.due += progress.interval
    }

    private func countMissing(_ progress: inout Progress, _ repeating: Repeating, until limit: Nanoseconds) {
        while progress.due + settings.tolerance < limit {
            progress.missing += 1
            step(&progress, repeating)
        }
    }

    // MARK: verdicts

    private mutating func conclude(
        _ repeating: Repeating, _ progress: Progress, _ first: CapturedMessage, _ last: CapturedMessage,
        isStopKept: Bool
    ) {
        let subject = repeating.subject
        if progress.copies > 0 || progress.missing > 0 {
            var example = example(first, expected: .zero, seen: .zero)
            example.missing = progress.missing
            note(TimerRule(subject, .complete), progress.missing == 0, example)
        }
        if let stop = repeating.stop {
            note(
                TimerRule(subject, .stop), isStopKept, example(last, expected: .zero, seen: last.at - stop))
        }
        let limit = settings.timers.transactionTimeout
        if repeating.stop.map({ $0 - first.at >= limit }) ?? (end - first.at >= limit) {
            let isKept = last.at - first.at < limit - settings.tolerance || !isStopKept
            note(
                TimerRule(subject, .giveUp), isKept, example(last, expected: limit, seen: last.at - first.at))
        }
    }

    private mutating func note(
        _ rule: TimerRule, _ isKept: Bool, _ copy: CapturedMessage, expected: Nanoseconds, seen: Nanoseconds
    ) {
        note(rule, isKept, example(copy, expected: expected, seen: seen))
    }

    private mutating func note(_ rule: TimerRule, _ isKept: Bool, _ example: RuleVerdict.Example) {
        for i in verdicts.indices where verdicts[i].rule == rule { verdicts[i].note(isKept, example) }
    }

    private func example(
        _ message: CapturedMessage, expected: Nanoseconds, seen: Nanoseconds
    ) -> RuleVerdict.Example {
        RuleVerdict.Example(
            callID: message.callID, file: message.file, frame: message.frame, expected: expected, seen: seen)
    }
}
