import Datagrams
import Observations

/// Turns what one worker observed into distributions, counts and, at each mark, one second's row.
///
/// It reads journals and nothing else: no clock, no socket, no scenario. The same recorder serves a live run and a
/// capture file. Several workers have one each; `merge` adds them up at the end, exactly.
package struct LatencyRecorder: Sendable {
    package private(set) var rtt = LatencyHistogram()
    package private(set) var rttFromDue = LatencyHistogram()
    /// Karn's rule: only calls in which nothing was sent again, so it is certain which request was answered.
    package private(set) var rttWithoutRetransmission = LatencyHistogram()
    package private(set) var rttTagged = LatencyHistogram()
    package private(set) var rttUntagged = LatencyHistogram()
    package private(set) var trying = LatencyHistogram()
    package private(set) var ringing = LatencyHistogram()
    /// To the 2xx; a refusal's time is in `srdFailed`, never here.
    package private(set) var answer = LatencyHistogram()
    package private(set) var bye = LatencyHistogram()
    package private(set) var late = LatencyHistogram()
    /// Session Request Delay (RFC 6076, 4.3) of established and of failed attempts: never one population.
    package private(set) var srd = LatencyHistogram()
    package private(set) var srdFailed = LatencyHistogram()
    /// Session Disconnect Delay (4.4).
    package private(set) var sdd = LatencyHistogram()
    package private(set) var sddFailed = LatencyHistogram()
    /// Session Duration Time (4.5), as this user agent client saw it.
    package private(set) var sdt = LatencyHistogram()
    /// One for each name in the scenario, in its order.
    package private(set) var named: [LatencyHistogram]

    package private(set) var split = SplitHistograms()

    package private(set) var outcomes: [CallOutcome: UInt64] = [:]
    /// Final responses to INVITE by status.
    package private(set) var finalStatuses: [UInt16: UInt64] = [:]
    package private(set) var sessions = SessionMetrics()
    package private(set) var retransmissionsByTimer: [TimerName: UInt64] = [:]
    package private(set) var callsWithRetransmission: UInt64 = 0
    /// Calls whose RTT has kernel timestamps at both ends.
    package private(set) var rttByKernelClock: UInt64 = 0
    /// When the last call was started, from the run's start.
    package private(set) var lastSent = Nanoseconds.zero
    package private(set) var load = WorkerLoad()
    /// As of the last mark.
    package private(set) var counters = Counters()

    private var second = Second()
    private var marked: (at: Nanoseconds, cpu: Nanoseconds) = (.zero, .zero)

    /// Since the last mark.
    private struct Second: Sendable {
        var rtt = LatencyHistogram()
        var rttFromDue = LatencyHistogram()
        var late = LatencyHistogram()
        var answer = LatencyHistogram()
        var bye = LatencyHistogram()
        var srd = LatencyHistogram()
        var own = OwnParts(LatencyHistogram())
        var named: [LatencyHistogram] = []
        var sessions = SessionMetrics()

        mutating func removeAll() {
            rtt.removeAll()
            rttFromDue.removeAll()
            late.removeAll()
            answer.removeAll()
            bye.removeAll()
            srd.removeAll()
            own.removeAll()
            for i in named.indices { named[i].removeAll() }
            sessions = SessionMetrics()
        }
    }

    package init(responseTimeNames: Int = 0) {
        named = Array(repeating: LatencyHistogram(), count: responseTimeNames)
        second.named = named
    }

    /// The second it closes, whenever the journal carries a mark: mergeable with those of other workers.
    @discardableResult
    package mutating func record(_ journal: borrowing Journal) -> Interval? {
        for i in journal.calls.indices { record(journal.calls[i]) }
        for i in journal.retransmissions.indices {
            retransmissionsByTimer[journal.retransmissions[i].timer, default: 0] += 1
        }
        for i in journal.responseTimes.indices {
            let time = journal.responseTimes[i]
            precondition(Int(time.name) < named.count, "response time \(time.name) of \(named.count)")
            named[Int(time.name)].record(time.length)
            second.named[Int(time.name)].record(time.length)
        }
        return journal.mark.map { close($0) }
    }

    package mutating func record(_ call: CallRecord) {
        outcomes[call.outcome, default: 0] += 1
        sessions.record(call)
        second.sessions.record(call)
        if call.inviteStatus != 0 { finalStatuses[call.inviteStatus, default: 0] += 1 }
        if call.retransmissions > 0 { callsWithRetransmission += 1 }
        if let sent = call.sent { lastSent = max(lastSent, sent) }
        if let length = call.late {
            late.record(length)
            second.late.record(length)
        }
        if let length = call.trying { trying.record(length) }
        if let length = call.ringing { ringing.record(length) }
        if let length = call.answer, call.isSession ? call.isEstablished : call.outcome == .ok {
            answer.record(length)
            second.answer.record(length)
        }
        if let length = call.bye {
            bye.record(length)
            second.bye.record(length)
        }
        recordRTT(of: call)
        if call.isSession { recordSessionDelays(of: call) }
    }

    /// Adds another worker's record of the same run.
    package mutating func merge(_ other: borrowing LatencyRecorder) {
        rtt.merge(other.rtt)
        rttFromDue.merge(other.rttFromDue)
        rttWithoutRetransmission.merge(other.rttWithoutRetransmission)
        rttTagged.merge(other.rttTagged)
        rttUntagged.merge(other.rttUntagged)
        trying.merge(other.trying)
        ringing.merge(other.ringing)
        answer.merge(other.answer)
        bye.merge(other.bye)
        late.merge(other.late)
        srd.merge(other.srd)
        srdFailed.merge(other.srdFailed)
        sdd.merge(other.sdd)
        sddFailed.merge(other.sddFailed)
        sdt.merge(other.sdt)
        precondition(named.count == other.named.count, "recorders of different scenarios")
        for i in named.indices { named[i].merge(other.named[i]) }
        for (outcome, n) in other.outcomes { outcomes[outcome, default: 0] += n }
        for (status, n) in other.finalStatuses { finalStatuses[status, default: 0] += n }
        for (timer, n) in other.retransmissionsByTimer { retransmissionsByTimer[timer, default: 0] += n }
        split.merge(other.split)
        sessions.merge(other.sessions)
        callsWithRetransmission += other.callsWithRetransmission
        rttByKernelClock += other.rttByKernelClock
        lastSent = max(lastSent, other.lastSent)
        load.merge(other.load)
        counters = counters + other.counters
    }

    /// The run's own counts in place of those made from its rows, which do not tell everything.
    package mutating func replaceCounts(_ counts: RunCounts) {
        counters = counts.counters
        sessions = counts.sessions
        finalStatuses = counts.finalStatuses
        retransmissionsByTimer = counts.retransmissionsByTimer
        load = counts.load
        let checks = counts.failedChecks.values.reduce(0, +)
        guard checks > 0, checks == outcomes[.check(.rejected)] else { return }
        outcomes[.check(.rejected)] = nil
        for (check, n) in counts.failedChecks { outcomes[.check(check)] = n }
    }

    private mutating func recordRTT(of call: CallRecord) {
        if let length = call.rttFromDue {
            rttFromDue.record(length)
            second.rttFromDue.record(length)
        }
        guard let length = call.rtt else { return }
        rtt.record(length)
        second.rtt.record(length)
        if call.retransmissions == 0 { rttWithoutRetransmission.record(length) }
        if call.isTagged { rttTagged.record(length) } else { rttUntagged.record(length) }
        if call.clock == .kernel { rttByKernelClock += 1 }
        split.record(call)
        if let split = call.split, call.late != nil { second.own.record(split) }
    }

    private mutating func recordSessionDelays(of call: CallRecord) {
        // The first status-indicative response: a provisional other than 100, or the final if none came.
        if let delay = call.ringing ?? call.answer {
            if call.isEstablished {
                srd.record(delay)
                second.srd.record(delay)
            } else if isSessionFailure(call.inviteStatus) {
                srdFailed.record(delay)
            }
        }
        guard let bye = call.bye else { return }
        if call.outcome == .ok { sdd.record(bye) } else { sddFailed.record(bye) }
        // From the 200 received to the BYE sent. The RTT ends with the BYE's final response and leaves the pauses out.
        if let rtt = call.rtt, let answer = call.answer { sdt.record(rtt + call.hold - bye - answer) }
    }

    private mutating func close(_ mark: IntervalMark) -> Interval {
        let length = mark.at - marked.at
        let spent = mark.cpu - marked.cpu
        if length > .zero { load.record(cpu: spent, in: length) }
        let interval = Interval(
            at: mark.at, length: length, counts: mark.counters - counters, totals: mark.counters, open: mark.open,
            cpu: spent, available: length, sessions: second.sessions, rtt: LatencyDistribution(second.rtt),
            rttFromDue: LatencyDistribution(second.rttFromDue), late: LatencyDistribution(second.late),
            answer: LatencyDistribution(second.answer), bye: LatencyDistribution(second.bye),
            srd: LatencyDistribution(second.srd), own: OwnParts(second.own),
            named: second.named.map { LatencyDistribution($0) })
        counters = mark.counters
        marked = (mark.at, mark.cpu)
        second.removeAll()
        return interval
    }
}

extension CallRecord {
    var isEstablished: Bool { (200..<300).contains(inviteStatus) }
}

/// What a run counted beside its distributions.
package struct RunCounts: Sendable {
    package var counters = Counters()
    package var sessions = SessionMetrics()
    package var finalStatuses: [UInt16: UInt64] = [:]
    package var retransmissionsByTimer: [TimerName: UInt64] = [:]
    package var load = WorkerLoad()
    /// Which checks failed: a row only tells that one did.
    package var failedChecks: [ScenarioCheck: UInt64] = [:]

    package init() {}
}
