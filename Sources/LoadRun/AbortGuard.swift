import Datagrams
import Latency
import Observations
import Synchronization

/// Watches a level's seconds for its abort rules, on the judging thread, and has the level drained when one strikes.
///
/// Only while calls fall due: afterwards there is nothing to stop, and the rates of an end are no failing.
final class AbortGuard: Sendable {
    private let watch: Mutex<AbortWatch>
    private let control: RunControl
    private let offeredFor: Nanoseconds
    private let callLimit: UInt64
    private let onStrike: (@Sendable (AbortWatch.Strike) -> Void)?

    init(_ options: RunOptions, control: RunControl, onStrike: (@Sendable (AbortWatch.Strike) -> Void)?) {
        watch = Mutex(AbortWatch(options.abortRules))
        self.control = control
        offeredFor = options.duration
        callLimit = options.callLimit ?? .max
        self.onStrike = onStrike
    }

    func observe(_ row: IntervalRow) {
        // The second in which the last call fell due is closed a little after it.
        guard row.at <= offeredFor + .milliseconds(500), row.totals.offered < callLimit, control.stage == .running,
            let strike = watch.withLock({ $0.observe(row) })
        else { return }
        control.ask(for: .draining)
        onStrike?(strike)
    }

    var strike: AbortWatch.Strike? { watch.withLock { $0.strike } }
}

extension RunOptions {
    /// A response time that the scenario does not name would have no value at the end: better told before the run.
    func checkThresholds(_ responseTimes: [String]) throws(RunFailure) {
        for threshold in thresholds {
            guard case .time(.named(let name), _) = threshold.condition.metric, !responseTimes.contains(name) else {
                continue
            }
            let list = responseTimes.isEmpty ? "" : "; it has " + responseTimes.joined(separator: ", ")
            throw RunFailure(
                .usage,
                "--threshold \(threshold.text): the scenario \(scenarioName) has no response time \(name)\(list)")
        }
    }
}

extension RunSummary {
    /// Holds the result against what the run was to keep to.
    mutating func judge(_ options: RunOptions, _ strike: AbortWatch.Strike?) {
        if !options.thresholds.isEmpty { thresholds = ThresholdReport(options.thresholds, of: self) }
        abortRules = options.abortRules
        self.strike = strike
    }
}
