import Datagrams
import Latency
import LiveView
import LoadRun
import Observations
import SIP
import Synchronization
import UDPTransport
import UserAgent

/// Where the writing thread puts what is known of the run, and whoever shows it takes a copy. The sending threads know
/// nothing of it.
final class LiveBoard: Sendable {
    private struct Content: Sendable {
        var record: LiveRecord
        /// Of the level that runs.
        var start: MonotonicInstant?
        var firstStart: MonotonicInstant?
        var levelsBegun = 0
    }

    private let setup: RunSetup
    private let control: RunControl
    private let content: Mutex<Content>

    init(_ setup: RunSetup, control: RunControl, subject: LiveState.Subject) {
        self.setup = setup
        self.control = control
        let first = Self.level(setup, rate: setup.options.rates.first ?? 1, number: 1)
        content = Mutex(Content(record: LiveRecord(subject: subject, level: first)))
    }

    // MARK: writing

    /// A level is about to run: who watches it.
    func observer(of level: LoadLevel) -> RunObserver {
        let judge = LiveJudge(level)
        let (setup, rate) = (level.setup, level.rate)
        return RunObserver(
            every: Self.interval,
            began: { [self] start, method in
                judge.began()
                content.withLock { content in
                    content.levelsBegun += 1
                    var level = Self.level(setup, rate: rate, number: content.levelsBegun)
                    level.firstRequest = method
                    content.start = start
                    content.firstStart = content.firstStart ?? start
                    content.record.begin(level, at: start - (content.firstStart ?? start))
                }
            },
            handed: { [self] journal in content.withLock { $0.record.note(journal) } },
            closed: { [self] rows, recorder, at in
                let (stalls, start) = content.withLock { ($0.record.disturbances, $0.start) }
                let summary = judge.summary(
                    recorder, at: at, stopped: control.stage > .running,
                    changes: control.changes(since: start ?? SystemClock.monotonic()), stalls)
                let totals = LiveTotals(recorder)
                content.withLock { $0.record.close(rows, summary, totals) }
            })
    }

    /// Four frames a second.
    static let interval = Nanoseconds.milliseconds(250)

    private static func level(_ setup: RunSetup, rate: Double, number: Int) -> LiveState.Level {
        let options = setup.options
        var level = LiveState.Level(rate: rate / Double(options.shard.count), duration: options.duration)
        level.number = number
        // Rounds of the same level are not counted beforehand.
        level.count = number <= options.rates.count ? options.rates.count : nil
        level.users = options.users
        level.callLimit = options.callLimit
        return level
    }

    /// `summary`: nil where the level could not run.
    func end(_ summary: RunSummary?) {
        content.withLock { content in
            content.start = nil
            if let summary { content.record.end(summary) }
        }
    }

    func finish() { content.withLock { $0.record.finish() } }

    // MARK: what the user changes

    /// Plans the change. Nil: there is no level, or it is too late in it.
    func change(_ kind: (LiveState) -> LoadChange.Kind?) -> LoadChange? {
        let state = snapshot()
        guard let start = content.withLock({ $0.start }), let kind = kind(state), canChange(state) else { return nil }
        let planned: Pacer.Change.Kind =
            switch kind {
            case .rate(let rate): .rate(rate)
            case .pause: .pause
            case .resume: .resume
            }
        let change = LoadChange(at: control.plan(planned) - start, kind)
        content.withLock { $0.record.noteChange(change) }
        return change
    }

    /// A sending thread whose last call has been placed hears of no change any more: shortly before the end there are
    /// none, or the threads would not share one schedule.
    private func canChange(_ state: LiveState) -> Bool {
        // The other shards would hear of it too late, or not at all.
        if setup.options.shard != .whole { return false }
        guard let rate = state.rate, state.phase == .running || state.phase == .paused else { return false }
        if state.phase == .paused { return true }
        let lastCalls = Nanoseconds(Int64(2e9 * Double(setup.options.workers) / rate))
        return state.elapsed + max(lastCalls, .milliseconds(200)) < state.level.duration
    }

    // MARK: reading

    /// A level does.
    var isRunning: Bool { content.withLock { $0.start != nil } }

    /// Of what there is to tell of; the copy of a snapshot is spared where it is the same.
    var version: UInt64 { content.withLock { $0.record.state.version } }

    /// With the phase and the time as they are now.
    func snapshot() -> LiveState {
        var (state, start) = content.withLock { ($0.record.state, $0.start) }
        guard let start else { return state }
        state.elapsed = max(SystemClock.monotonic() - start, .zero)
        state.phase = phase(state)
        return state
    }

    private func phase(_ state: LiveState) -> LiveState.Phase {
        switch control.stage {
        case .stopping: return .stopping
        case .draining: return .draining
        case .running: break
        }
        if Self.isPaused(state) { return .paused }
        return state.elapsed >= state.level.duration ? .draining : .running
    }

    private static func isPaused(_ state: LiveState) -> Bool {
        let last = state.changes.last { change in
            switch change.kind {
            case .pause, .resume: true
            case .rate: false
            }
        }
        return last?.kind == .pause
    }
}

/// The verdict on what has run so far, once a second on the writing thread: the rules of the end, applied to what is known.
private final class LiveJudge: Sendable {
    private struct Walk: Sendable {
        /// Through the schedule, on a clock that starts with the run.
        var pacer: Pacer
        var changesTaken = 0
        var scheduled: UInt64 = 0
        var offeredFor = Nanoseconds.zero
        var host: HostWatch?
    }

    private let setup: RunSetup
    private let rate: Double
    private let walk: Mutex<Walk>

    init(_ level: LoadLevel) {
        setup = level.setup
        rate = level.rate
        walk = Mutex(Walk(pacer: level.pacer(MonotonicInstant(nanoseconds: 0))))
    }

    func began() {
        let cpus = setup.options.cpu.map { Array($0..<$0 + setup.options.workers) }
        walk.withLock { $0.host = HostWatch(cpus: cpus) }
    }

    func summary(
        _ recorder: borrowing LatencyRecorder, at: Nanoseconds, stopped: Bool, changes: [Pacer.Change],
        _ stalls: Disturbances
    ) -> RunSummary {
        let options = setup.options
        let (scheduled, offeredFor, host) = walk.withLock { walk in
            if !stopped {
                Self.go(on: &walk, to: min(at, options.duration), changes, hasSchedule: options.users == nil)
            } else {
                // Calls fell due until it was stopped, which is not told here.
                walk.offeredFor = max(walk.offeredFor, min(recorder.lastSent, options.duration))
            }
            return (walk.scheduled, walk.offeredFor, walk.host)
        }
        var conditions = RunConditions(
            scenario: options.scenarioName, target: setup.targetName, transport: options.transport.rawValue, rate: rate,
            offeredFor: offeredFor, lasted: at, scheduled: scheduled, t1: options.timers.t1, workers: options.workers,
            isSpinning: options.isPrecise, notes: setup.notes)
        conditions.batch = options.batch
        conditions.wantsKernelClock = options.timestamps == .kernel
        var disturbances = stalls
        host?.tell(&disturbances)
        conditions.disturbances = disturbances
        return RunSummary(recorder, conditions: conditions)
    }

    /// Several sending threads do not close their seconds in the same moment: calls due within the last 100 ms may not be
    /// in the count yet.
    private static let slack = Nanoseconds.milliseconds(100)

    private static func go(on walk: inout Walk, to end: Nanoseconds, _ changes: [Pacer.Change], hasSchedule: Bool) {
        walk.offeredFor = end
        for change in changes.dropFirst(walk.changesTaken) { walk.pacer.plan(change) }
        walk.changesTaken = changes.count
        guard hasSchedule else { return }
        while let next = walk.pacer.upcoming, next.dueAt.nanoseconds <= (end - slack).rawValue {
            walk.scheduled += 1
            walk.pacer.advance()
        }
    }
}
