import Datagrams
import Observations

/// What was asked of a run: given by whoever started it, printed with its results.
package struct RunConditions: Sendable {
    /// Name of the scenario.
    package var scenario: String
    /// As the user typed it, or how the built-in answerer is called.
    package var target: String
    package var transport: String
    /// Method of the first request: names the rows of the table.
    package var firstRequest: String
    /// In calls/s. Nil where no rate was asked for (a capture).
    package var rate: Double?
    /// How long calls fell due: the duration asked for, or until the run was stopped.
    package var offeredFor: Nanoseconds
    /// From the start to the last call's end.
    package var lasted: Nanoseconds
    /// Calls that had to fall due by the schedule within `offeredFor`. Nil: as many as a constant `rate` makes, so random
    /// arrivals must say. The engine's own count will not do: one that is behind has not counted what it missed.
    package var scheduled: UInt64?
    /// How long it took to start the calls. Nil: until the last of them was sent, which will not do where several runs
    /// follow one another and nothing was due in between.
    package var startedFor: Nanoseconds?
    package var t1: Nanoseconds
    package var workers: Int
    package var isSpinning: Bool
    /// How long due calls were let wait on purpose.
    package var batch = Nanoseconds.zero
    /// Read from a capture: nobody here placed these calls, and there is no generator to judge.
    package var isCapture = false
    /// The kernel's clock was asked for, not merely taken where there was one.
    package var wantsKernelClock = false
    /// What disturbed the sending threads. Nil where nobody watched (a capture).
    package var disturbances: Disturbances?
    /// Packets that the run's own captures missed.
    package var captureDrops: UInt64 = 0
    /// Why the run's files are not whole.
    package var recordingFailure: String?
    /// Names of the scenario's own response times, in its order.
    package var responseTimeNames: [String]
    /// Of the load, by the user, while it ran.
    package var changes: [LoadChange] = []
    /// Sentences to print with the result ("this target is a model").
    package var notes: [String]

    package init(
        scenario: String, target: String, transport: String = "udp", firstRequest: String = "INVITE",
        rate: Double?, offeredFor: Nanoseconds, lasted: Nanoseconds, scheduled: UInt64? = nil,
        t1: Nanoseconds = .milliseconds(500), workers: Int = 1, isSpinning: Bool = false,
        responseTimeNames: [String] = [], notes: [String] = []
    ) {
        self.scenario = scenario
        self.target = target
        self.transport = transport
        self.firstRequest = firstRequest
        self.rate = rate
        self.offeredFor = offeredFor
        self.lasted = lasted
        self.scheduled = scheduled
        self.t1 = t1
        self.workers = workers
        self.isSpinning = isSpinning
        self.responseTimeNames = responseTimeNames
        self.notes = notes
    }
}

/// Everything the reports print of one run or level: a value, complete in itself.
package struct RunSummary: Sendable {
    package struct Named: Sendable, Equatable {
        package var name: String
        package var figures: LatencyFigures

        package init(name: String, figures: LatencyFigures) {
            self.name = name
            self.figures = figures
        }
    }
    package struct OutcomeCount: Sendable, Equatable {
        package var outcome: CallOutcome
        package var count: UInt64
    }
    package struct StatusCount: Sendable, Equatable {
        package var status: UInt16
        package var count: UInt64
    }
    package struct TimerCount: Sendable, Equatable {
        package var timer: TimerName
        package var count: UInt64
    }

    package var conditions: RunConditions
    package var counters: Counters
    /// Only those that occurred; `ok` first, statuses ascending.
    package var outcomes: [OutcomeCount]
    package var finalStatuses: [StatusCount]
    package var retransmissionsByTimer: [TimerCount]
    package var callsWithRetransmission: UInt64
    package var rttByKernelClock: UInt64

    package var rtt: LatencyFigures
    package var rttFromDue: LatencyFigures
    package var rttWithoutRetransmission: LatencyFigures
    package var rttTagged: LatencyFigures
    package var rttUntagged: LatencyFigures
    package var trying: LatencyFigures
    package var ringing: LatencyFigures
    package var answer: LatencyFigures
    package var bye: LatencyFigures
    package var late: LatencyFigures
    package var named: [Named]
    package var split: LatencySplit

    package var sessions: SessionMetrics
    package var srd: LatencyFigures
    package var srdFailed: LatencyFigures
    package var sdd: LatencyFigures
    package var sddFailed: LatencyFigures
    package var sdt: LatencyFigures

    /// How long it took to start the calls: `offeredFor`, or more when the generator was behind.
    package var startedFor: Nanoseconds
    package var load: WorkerLoad
    private var negativeLateness: UInt64
    /// Calls with and without the call tag side by side, where a run has both on purpose.
    package var tagEffect: TagEffect?
    /// What the run had to keep to. Nil where nothing was asked.
    package var thresholds: ThresholdReport?
    package var abortRules: [AbortRule] = []
    /// One of them that ended it early.
    package var strike: AbortWatch.Strike?
    package var verdict: Verdict

    /// Calls started per second over `startedFor`.
    package var achievedRate: Double? {
        startedFor > .zero ? Double(counters.started) / startedFor.seconds : nil
    }

    /// A file could not be written after the verdict was made.
    package mutating func noteRecordingFailure(_ sentence: String) {
        guard conditions.recordingFailure == nil else { return }
        conditions.recordingFailure = sentence
        verdict = judge()
    }

    package func count(of outcome: CallOutcome) -> UInt64 {
        outcomes.first { $0.outcome == outcome }?.count ?? 0
    }

    /// The run's own notes, then the verdict's.
    package var notes: [String] {
        conditions.notes + (LoadChange.note(conditions.changes).map { [$0] } ?? []) + verdict.notes
    }

    package init(_ recorder: borrowing LatencyRecorder, conditions: RunConditions) {
        self.conditions = conditions
        counters = recorder.counters
        outcomes = recorder.outcomes.map { OutcomeCount(outcome: $0.key, count: $0.value) }
            .sorted { $0.outcome.order < $1.outcome.order }
        finalStatuses = recorder.finalStatuses.map { StatusCount(status: $0.key, count: $0.value) }
            .sorted { $0.status < $1.status }
        retransmissionsByTimer = recorder.retransmissionsByTimer.map { TimerCount(timer: $0.key, count: $0.value) }
            .sorted { $0.timer.rawValue < $1.timer.rawValue }
        callsWithRetransmission = recorder.callsWithRetransmission
        rttByKernelClock = recorder.rttByKernelClock
        rtt = recorder.rtt.figures
        rttFromDue = recorder.rttFromDue.figures
        rttWithoutRetransmission = recorder.rttWithoutRetransmission.figures
        rttTagged = recorder.rttTagged.figures
        rttUntagged = recorder.rttUntagged.figures
        trying = recorder.trying.figures
        ringing = recorder.ringing.figures
        answer = recorder.answer.figures
        bye = recorder.bye.figures
        late = recorder.late.figures
        named = zip(conditions.responseTimeNames, recorder.named).map { Named(name: $0, figures: $1.figures) }
        split = recorder.split.figures
        sessions = recorder.sessions
        srd = recorder.srd.figures
        srdFailed = recorder.srdFailed.figures
        sdd = recorder.sdd.figures
        sddFailed = recorder.sddFailed.figures
        sdt = recorder.sdt.figures
        startedFor = max(conditions.offeredFor, conditions.startedFor ?? recorder.lastSent)
        load = recorder.load
        verdict = Verdict(level: .valid, evidence: [])
        negativeLateness = recorder.late.negative
        verdict = judge()
    }

    private var scheduledAtConstantRate: UInt64 {
        guard let rate = conditions.rate else { return 0 }
        // The product of 0.1 and 30 must not round down to 2.
        return UInt64((rate * conditions.offeredFor.seconds + 1e-6).rounded(.down))
    }

    private func judge() -> Verdict {
        var evidence = GeneratorEvidence()
        evidence.due = max(counters.offered, conditions.scheduled ?? scheduledAtConstantRate)
        evidence.started = counters.started
        evidence.unsent = counters.unsent
        evidence.offeredFor = conditions.offeredFor
        evidence.startedFor = startedFor
        evidence.receiveQueueDrops = counters.receiveQueueDrops
        evidence.sendErrors = counters.sendErrors
        evidence.sendQueueFull = counters.sendQueueFull
        evidence.late = late
        evidence.rtt = rtt
        evidence.load = load
        evidence.isSpinning = conditions.isSpinning
        evidence.batch = conditions.batch
        evidence.wantsKernelClock = conditions.wantsKernelClock
        evidence.rttByKernelClock = rttByKernelClock
        evidence.clockSteps = counters.clockSteps
        evidence.t1 = conditions.t1
        evidence.disturbances = conditions.disturbances ?? Disturbances()
        evidence.captureDrops = conditions.captureDrops
        evidence.recordingFailure = conditions.recordingFailure
        var verdict = VerdictRules.judge(evidence)
        if negativeLateness > 0 {
            verdict.notes.append("\(negativeLateness) calls were sent before they were due: counted as on time.")
        }
        return verdict
    }
}

extension CallOutcome {
    /// The text of the `outcome` column; a failed check also says which kind.
    package var text: String {
        switch self {
        case .ok: "ok"
        case .status(let status): "\(status)"
        case .timeout: "timeout"
        case .unexpected: "unexpected"
        case .refused: "refused"
        case .unsent: "unsent"
        case .interrupted: "interrupted"
        case .check(let check): "check: \(check.text)"
        }
    }

    var order: Int {
        switch self {
        case .ok: 0
        case .status(let status): 1 + Int(status)
        case .timeout: 100_000
        case .unexpected: 100_001
        case .refused: 100_002
        case .unsent: 100_003
        case .interrupted: 100_004
        case .check(let check): 100_005 + Int(check.rawValue)
        }
    }
}
