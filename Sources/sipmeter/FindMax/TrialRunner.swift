import Datagrams
import Glibc
import Latency
import LoadRun
import MaximumSearch
import Observations
import Reports
import Synchronization
import UDPTransport

/// Runs one trial on the target: a load level that is watched while it lasts.
struct TrialRunner {
    struct Outcome {
        var result: TrialResult
        var level: LoadLevel.Outcome
    }

    let session: Session
    let criteria: Criteria
    let thresholds: [Threshold]
    /// Later answers are failures.
    let establishmentThreshold: Nanoseconds
    /// A trial that can pass no more is ended. RFC 7502 sends all its attempts.
    let cutsShort: Bool

    /// - Parameters:
    ///   - keepsGoing: a target that says nothing is no reason to end: only of the first trial it is.
    ///   - directory: nil: no files.
    func run(_ trial: Trial, keepsGoing: Bool, in directory: String?) throws -> Outcome {
        let control = RunControl(watchesSignals: true)
        let watch = TrialWatch(criteria, planned: trial.attempts, threshold: establishmentThreshold)
        let cutsShort = cutsShort
        var level = LoadLevel(
            setup: session.setup.lasting(trial.length, keepsGoing: keepsGoing), rate: trial.rate, directory: directory,
            control: control, wakeup: session.wakeup)
        let label = "trial \(trial.number), \(RateText.text(trial.rate))/s  "
        let (isQuiet, length) = (!session.showsProgress, trial.length)
        let hasSaid = Mutex(false)
        let outcome = try Teller.during { teller in
            try session.watch(&level) { level in
                try level.run(onJournal: { watch.take($0) }) { row in
                    watch.take(row)
                    if cutsShort, control.stage == .running, watch.isHopeless {
                        watch.cutShort()
                        control.ask(for: .draining)
                    }
                    if control.wasInterrupted, row.open > 0, !hasSaid.withLock({ said in (said, said = true).0 }) {
                        teller.complain("stopping: no new calls, \(row.open) still open; ^C again ends them at once")
                    }
                    if !isQuiet { teller.progress(label + ProgressLine.text(row, of: length)) }
                }
            }
        }
        var result = watch.result(outcome, isPoisson: session.setup.options.isPoisson)
        result.broken = broken(outcome.summary, trial.phase)
        return Outcome(result: result, level: outcome)
    }

    /// What does not hold, in a sentence each. A short trial at a low rate has too few calls for a 99th percentile: that one
    /// without a value fails, too, is for the trials that decide in the end.
    private func broken(_ summary: RunSummary, _ phase: Phase) -> [String] {
        thresholds.compactMap { threshold in
            let judged = threshold.judge(threshold.condition.metric.value(in: summary))
            if judged.passed { return nil }
            switch (judged.value, phase) {
            case (.value, _), (.undefined, .confirm), (.undefined, .rfc7502):
                return "\(threshold.text) does not hold: \(judged.reason)"
            case (.undefined, .double), (.undefined, .halve), (.undefined, .bisect), (.undefined, .recheck): return nil
            }
        }
    }
}

/// Counts while a trial runs, on the writing thread.
private final class TrialWatch: Sendable {
    private struct State {
        var failures: [String: UInt64] = [:]
        var failed: UInt64 = 0
        var resent: UInt64 = 0
        var isCutShort = false
        var samples: [ResponseTrend.Sample] = []
    }

    private let state = Mutex(State())
    private let criteria: Criteria
    private let planned: UInt64
    private let threshold: Nanoseconds

    init(_ criteria: Criteria, planned: UInt64, threshold: Nanoseconds) {
        self.criteria = criteria
        self.planned = planned
        self.threshold = threshold
    }

    func take(_ journal: borrowing Journal) {
        let calls = journal.calls
        state.withLock { state in
            for call in calls {
                if let rtt = call.rtt { state.samples.append(.init(due: call.due, response: rtt)) }
                guard let cause = failure(call) else { continue }
                state.failures[cause, default: 0] += 1
                state.failed += 1
            }
        }
    }

    /// RFC 7501: a final response other than the one that establishes, or none in time. What the scenario expects, a
    /// challenge for one, is no failure.
    private func failure(_ call: CallRecord) -> String? {
        switch call.outcome {
        case .ok:
            guard let answer = call.answer, answer > threshold else { return nil }
            return "answered after \(Arguments.text(threshold))"
        case .unsent: return nil
        case .interrupted: return "unanswered"
        case .status, .timeout, .unexpected, .refused, .check: return call.outcome.text
        }
    }

    func take(_ row: IntervalRow) { state.withLock { $0.resent = row.totals.requestsRetransmitted } }

    var isHopeless: Bool {
        state.withLock { criteria.isHopeless(failed: $0.failed, resent: $0.resent, of: planned) }
    }

    func cutShort() { state.withLock { $0.isCutShort = true } }

    func result(_ outcome: LoadLevel.Outcome, isPoisson: Bool) -> TrialResult {
        let state = state.withLock { $0 }
        let summary = outcome.summary
        let failures = state.failures.map { TrialResult.Failure(cause: $0.key, count: $0.value) }
            .sorted { $0.count == $1.count ? $0.cause < $1.cause : $0.count > $1.count }
        let response = summary.srd.count > 0 ? summary.srd : summary.answer
        return TrialResult(
            attempts: summary.counters.started, failures: failures, resent: summary.counters.requestsRetransmitted,
            trend: ResponseTrend(state.samples),
            doubt: doubt(summary, isCutShort: state.isCutShort, isPoisson: isPoisson),
            generator: summary.verdict.level, responseP50: response.p50, responseP99: response.p99,
            lateP99: summary.late.p99, isCutShort: state.isCutShort, took: outcome.report.lasted)
    }

    /// The verdict is stricter than this question: calls late by 2 ms make response times SUSPECT, and by more INVALID. What
    /// counts here is whether the calls were placed, at the rate asked for, and their answers read.
    private func doubt(_ summary: RunSummary, isCutShort: Bool, isPoisson: Bool) -> TrialResult.Doubt? {
        guard summary.verdict.level != .valid else { return nil }
        let why = summary.verdict.evidence.first ?? ""
        let counters = summary.counters
        let disturbances = summary.conditions.disturbances ?? Disturbances()
        // Random arrivals make as many as they make.
        let due = isCutShort || isPoisson ? counters.offered : max(counters.offered, planned)
        let isPlaced =
            counters.unsent == 0 && Double(counters.started) >= Self.leastShare * Double(due)
            && summary.startedFor.seconds <= summary.conditions.offeredFor.seconds / Self.leastShare + 0.1
        let isRead =
            counters.sendErrors == 0 && counters.receiveQueueDrops == 0
            && disturbances.longestStall < summary.conditions.t1 && disturbances.suspended < .milliseconds(10)
            && summary.conditions.recordingFailure == nil
        return isPlaced && isRead ? .timing(why) : .load(why)
    }

    /// As the verdict has it.
    private static let leastShare = 0.99
}
