import Datagrams
import Latency
import Observations

/// Makes the state: from journals as they are handed over, from each second as it is closed, and from each level's end.
///
///     begin ─► note … close ─► note … close ─► end ─► begin … ─► finish
package struct LiveRecord: Sendable {
    package private(set) var state: LiveState
    private var glances: [Glance?] = []
    /// Of this level, as each sending thread told last.
    private var responses: [[ResponseCount]] = []
    /// Of the levels that are over.
    private var before = LiveTotals()
    private var beganAt = Nanoseconds.zero

    package static let failuresKept = 50

    package init(subject: LiveState.Subject, level: LiveState.Level) {
        state = LiveState(subject: subject, level: level)
    }

    /// - Parameter at: since the first level's start.
    package mutating func begin(_ level: LiveState.Level, at: Nanoseconds) {
        beganAt = at
        state.level = level
        state.rate = level.users == nil ? level.rate : nil
        state.phase = .running
        state.elapsed = .zero
        state.counters = Counters()
        (state.open, state.peakOpen) = (0, 0)
        state.changes = []
        state.second = nil
        state.summary = nil
        glances = Array(repeating: nil, count: state.subject.workers)
        responses = Array(repeating: [], count: state.subject.workers)
        state.version += 1
    }

    package mutating func note(_ journal: borrowing Journal) {
        noteFailures(journal)
        guard let glance = journal.glance, glances.indices.contains(glance.worker) else { return }
        glances[glance.worker] = glance
        if journal.mark != nil { responses[glance.worker] = journal.responses }
        var (counters, open) = (Counters(), UInt64(0))
        for case let glance? in glances {
            counters = counters + glance.counters
            open += glance.open
        }
        state.counters = counters
        state.open = open
        state.peakOpen = max(state.peakOpen, open)
    }

    /// The latest are wanted: however many fail, few are looked at.
    private mutating func noteFailures(_ journal: borrowing Journal) {
        var found: [LiveFailure] = []
        var i = journal.calls.count - 1
        while i >= 0, found.count < Self.failuresKept {
            if LiveFailure.isOne(journal.calls[i]) {
                found.append(
                    LiveFailure(
                        journal.calls[i], level: state.level.number, firstRequest: state.level.firstRequest))
            }
            i -= 1
        }
        if found.isEmpty { return }
        state.failures.append(contentsOf: found.reversed())
        let surplus = state.failures.count - Self.failuresKept
        if surplus > 0 { state.failures.removeFirst(surplus) }
    }

    package mutating func close(_ rows: [IntervalRow], _ summary: RunSummary, _ totals: LiveTotals) {
        for row in rows {
            // The rest of a level that ended just after a full second is no second.
            guard row.length >= Self.shortestShown || state.second == nil else { continue }
            state.history.append(LivePoint(row, after: beganAt, level: state.level.number))
            state.second = row
        }
        state.summary = summary
        var totals = totals
        for count in responses.joined() {
            totals.responses[LiveTotals.Responses(method: count.method, status: count.status), default: 0] +=
                count.count
        }
        state.totals = before + totals
        state.version += 1
    }

    /// Rates of less than that are noise.
    private static let shortestShown = Nanoseconds.milliseconds(200)

    /// What the sending threads' loops saw of stalls so far.
    package var disturbances: Disturbances {
        var all = Disturbances()
        for case let glance? in glances {
            all.stalls += glance.stalls
            guard glance.longestStall > all.longestStall else { continue }
            all.longestStall = glance.longestStall
            all.longestStallEnded = glance.longestStallEnded
        }
        return all
    }

    package mutating func noteChange(_ change: LoadChange) {
        state.changes.append(change)
        if case .rate(let rate) = change.kind { state.rate = rate }
    }

    package mutating func end(_ summary: RunSummary) {
        state.summary = summary
        state.counters = summary.counters
        state.open = 0
        state.elapsed = summary.conditions.lasted
        state.phase = .resting
        state.levels.append(
            LiveState.LevelResult(
                level: state.level, verdict: summary.verdict, rtt: summary.rtt, ok: summary.counters.ok,
                failed: summary.counters.failed, retransmissions: summary.counters.requestsRetransmitted))
        before = state.totals
        state.version += 1
    }

    package mutating func finish() {
        state.phase = .ended
        state.version += 1
    }
}
