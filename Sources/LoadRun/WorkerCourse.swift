import Datagrams
import Latency
import Observations
import UDPTransport
import UserAgent

/// What a sending thread is told.
struct WorkerSettings: Sendable {
    /// Which of the sending threads, from 0.
    var number: Int
    var start: MonotonicInstant
    /// When this process begins: later than the start where it joins late.
    var begin: MonotonicInstant
    var tag: TagOptions?
    var keepsGoing: Bool
    var drainTimeout: Nanoseconds
    /// Sleep until shortly before a call is due, then watch the clock: at most this long. Nil: sleep all the way.
    var watching: Nanoseconds?
    /// Datagrams are stamped by the kernel.
    var stamps: Bool
    /// Once something was read or sent, arrivals wait this long to be read together, or until a call is due.
    var reads: Nanoseconds
    var ignoresICMP = false
    /// Whole datagrams, and counts of each step, go into the journal.
    var logsMessages = false
    var keepsMessages = false
    /// How often whoever looks on is handed what there is. Nil: nobody looks.
    var glances: Nanoseconds?
}

/// What a sending thread does beside sending, whatever carries its messages: it heeds the run's control, hands its
/// journals over, and knows when it is through.
struct WorkerCourse {
    /// How long a target may stay silent before it is called unreachable, and how soon an error alone is believed: a server
    /// that is just starting gets that long.
    private static let silenceLimit = Nanoseconds.seconds(2)
    private static let refusalLimit = Nanoseconds.milliseconds(500)
    /// The longest sleep: bounds how late a stop is noticed should a wake-up be lost, and how much of a stall may hide in
    /// the sleep it began in.
    private static let longestSleep = Nanoseconds.milliseconds(50)

    let settings: WorkerSettings
    private let channel: JournalChannel
    private let control: RunControl
    var report = WorkerReport()
    /// When the second ends.
    private(set) var nextMark: MonotonicInstant
    private var drainUntil = MonotonicInstant.distantFuture
    private var lastOffer: MonotonicInstant
    private var stage = RunControl.Stage.running
    /// Silence counts from here: the first call may be due long after the start.
    private var firstSentAt: MonotonicInstant?
    private var cpuAtStart = Nanoseconds.zero
    /// When the loop was to come round again: any later is a stall.
    private var awaited: MonotonicInstant
    private var scheduleVersion = 0
    private var planVersion = 0
    private var plansTaken = 0
    /// When whoever looks on is due for fresh counts.
    private var nextGlance = MonotonicInstant.distantFuture

    init(settings: WorkerSettings, channel: JournalChannel, control: RunControl) {
        self.settings = settings
        self.channel = channel
        self.control = control
        nextMark = settings.start + .seconds(1)
        lastOffer = settings.start
        awaited = settings.begin
        if settings.glances != nil { nextGlance = settings.begin }
    }

    /// On the thread itself, whose CPU time counts from here.
    mutating func begin() { cpuAtStart = SystemClock.threadCPU() }

    mutating func noteSending(at now: MonotonicInstant) { firstSentAt = firstSentAt ?? now }

    // MARK: each time round

    /// The loop has come round.
    mutating func comeRound(at now: MonotonicInstant) {
        report.disturbances.noteStall(now - awaited, endedAt: now - settings.start)
        awaited = now
    }

    /// It will again by then. What is due already is no stall.
    mutating func noteSleep(until instant: MonotonicInstant, from now: MonotonicInstant) { awaited = max(now, instant) }

    /// What is due was placed.
    mutating func notePlacing(_ uac: borrowing UAC, at now: MonotonicInstant) {
        // The moment the last call was placed belongs to the offering.
        if drainUntil == .distantFuture { lastOffer = now }
        if !uac.isOffering { beginDraining(at: now) }
    }

    /// The latest instant it must come round again, but for what only its transport knows.
    func deadline(_ uac: borrowing UAC, from now: MonotonicInstant) -> MonotonicInstant {
        // In pairs: of more than two, `min` makes an array each time.
        min(min(uac.deadline, nextMark), min(drainUntil, now + Self.longestSleep))
    }

    // MARK: stopping

    mutating func heedSchedule(_ uac: inout UAC, at now: MonotonicInstant) {
        for change in control.newPlans(since: &planVersion, taken: &plansTaken) { uac.plan(change) }
        guard let schedule = control.newSchedule(since: &scheduleVersion) else { return }
        if let rate = schedule.rate { uac.change(rate: rate, at: now) }
        uac.setPaused(schedule.isPaused, at: now)
        if let limit = schedule.maxConcurrent { uac.change(maxConcurrent: limit) }
    }

    private mutating func beginDraining(at now: MonotonicInstant) {
        if drainUntil == .distantFuture { drainUntil = now + settings.drainTimeout }
    }

    mutating func heedControl(_ uac: inout UAC, at now: MonotonicInstant) {
        heedScenario(uac.engine.stopRequest)
        let asked = control.stage
        guard asked > stage else { return }
        stage = asked
        uac.stopOffering()
        beginDraining(at: now)
        if asked == .stopping { uac.engine.giveUp(.interrupted, at: now) }
    }

    /// `exec int_cmd` and `error`: the scenario itself ends the run, for all workers.
    private mutating func heedScenario(_ request: StopRequest) {
        switch request {
        case .none: break
        case .gracefully: control.ask(for: .draining)
        case .now:
            report.scenarioStopped = true
            control.ask(for: .stopping)
        case .failed:
            report.scenarioFailed = true
            control.ask(for: .stopping)
        }
    }

    /// Nothing has come from the target yet: trouble alone may end the run.
    var isUnheard: Bool { !control.hasHeard }

    /// True: the run is over, and `report.end` says how.
    /// - Parameters:
    ///   - trouble: what keeps the target from answering, as far as its transport knows.
    ///   - isCertain: waiting will not change it.
    mutating func hasEnded(
        _ uac: inout UAC, at now: MonotonicInstant, trouble: WorkerReport.End?, isCertain: Bool = false
    ) -> Bool {
        if uac.hasHeard { control.noteHeard() }
        if let end = unreachable(uac, at: now, trouble, isCertain: isCertain) {
            uac.stopOffering()
            uac.engine.giveUp(.interrupted, at: now)
            report.end = end
            return true
        }
        if stage == .stopping {
            report.end = .interrupted
        } else if uac.isFinished {
            report.end = stage == .draining ? .interrupted : .finished
        } else if now >= drainUntil {
            uac.engine.giveUp(stage == .draining ? .interrupted : .timeout, at: now)
            report.end = stage == .draining ? .interrupted : .drainTimedOut
        } else {
            return false
        }
        return true
    }

    private func unreachable(
        _ uac: borrowing UAC, at now: MonotonicInstant, _ trouble: WorkerReport.End?, isCertain: Bool
    ) -> WorkerReport.End? {
        if settings.keepsGoing { return nil }
        if isCertain { return trouble }
        guard isUnheard, let firstSentAt else { return nil }
        let waited = now - firstSentAt
        if let trouble, waited >= Self.refusalLimit || uac.isFinished { return trouble }
        return waited >= Self.silenceLimit ? .silence : nil
    }

    // MARK: journals

    mutating func handOver(_ uac: inout UAC, at now: MonotonicInstant) {
        if now >= nextMark {
            mark(&uac, at: now)
            nextMark = nextMark + .seconds(1)
            // After a stall: one mark for all the seconds it took.
            while nextMark <= now { nextMark = nextMark + .seconds(1) }
        } else if uac.engine.journal.isFull || uac.engine.journal.isUrgent || now >= nextGlance {
            glance(&uac, at: now)
            channel.hand(over: &uac.engine.journal, of: settings.number)
        }
    }

    private mutating func glance(_ uac: inout UAC, at now: MonotonicInstant) {
        guard let interval = settings.glances else { return }
        nextGlance = now + interval
        uac.engine.journal.glance = Glance(
            worker: settings.number, at: now - settings.start, counters: uac.engine.counters,
            open: UInt64(uac.engine.openCalls), stalls: report.disturbances.stalls,
            longestStall: report.disturbances.longestStall, longestStallEnded: report.disturbances.longestStallEnded)
    }

    private mutating func mark(_ uac: inout UAC, at now: MonotonicInstant) {
        uac.engine.journal.mark = IntervalMark(
            at: now - settings.start, counters: uac.engine.counters, open: UInt64(uac.engine.openCalls),
            cpu: SystemClock.threadCPU() - cpuAtStart)
        glance(&uac, at: now)
        if settings.glances != nil { uac.engine.journal.responses.append(contentsOf: uac.engine.responses.list) }
        if settings.keepsMessages { uac.engine.journal.steps.append(contentsOf: uac.engine.stepCounts) }
        channel.hand(over: &uac.engine.journal, of: settings.number)
    }

    mutating func finish(_ uac: inout UAC, at now: MonotonicInstant) {
        mark(&uac, at: now)
        report.offeredFor = lastOffer - settings.start
        report.lasted = now - settings.start
        channel.close()
    }
}
