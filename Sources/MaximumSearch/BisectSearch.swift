import Datagrams
import Latency

/// Doubles from the start rate until one fails, bisects between the last that passed and the first that failed down to the
/// resolution, tries the rate that failed once more, and confirms what it found with longer trials.
///
/// A trial that fails for a reason of its own, such as a neighbour who took the server's CPU, would cap all that comes after
/// it, by half while it doubles. So no rate is called too high by one trial.
package struct BisectSearch: Sendable {
    package struct Settings: Sendable {
        package var criteria = Criteria()
        /// Calls/s of the first trial.
        package var start = 10.0
        /// No rate above it is tried. Nil: none is known.
        package var ceiling: Double?
        /// A pass at `ceiling` is confirmed as a result is: it was asked for. What the test bed takes need not be, for there
        /// the generator is at its end, and more trials would show no more than that.
        package var confirmsCeiling = false
        /// Highest passing and lowest failing rate lie this share apart at the end.
        package var resolution = 0.01
        package var confirmations = 3
        package var attempts: UInt64 = 5_000
        package var confirmationAttempts: UInt64 = 50_000
        /// A trial lasts at least and at most so long, whatever that makes of its attempts.
        package var shortest = Nanoseconds.seconds(5)
        package var longest = Nanoseconds.seconds(15)
        package var longestConfirmation = Nanoseconds.seconds(60)
        /// A trial that the generator spoilt is run again so many times.
        package var repeats = 5
        package var mostTrials = 100

        package init() {}
    }

    private enum Stage {
        case climbing, descending, bisecting
        /// The lowest rate that failed, once more.
        case rechecking
        /// Confirmations that passed at this rate.
        case confirming(Int)
        case finished(Answer)
    }

    package let settings: Settings
    private var stage = Stage.climbing
    private var trial: Trial
    private var pooled = Tally()
    private var voids = 0
    private var passed: Double?
    /// All rates that passed.
    private var passes: [Double] = []
    private var failed: Double?
    private var reasons: [String] = []
    /// What failed in trials that were no confirmations, and how.
    private var fails: [(rate: Double, why: [String])] = []
    /// It failed twice, or in a confirmation.
    private var isSureToFail = false

    /// Below this share of the start rate nothing is looked for.
    private static let lowestShare = 1.0 / 1024

    package init(_ settings: Settings) {
        self.settings = settings
        trial = Trial(number: 1, phase: .double, rate: 0, attempts: 0)
        aim(at: min(settings.start, settings.ceiling ?? settings.start), .double)
    }

    package var step: MaximumSearch.Step {
        switch stage {
        case .finished(let answer): .finished(answer)
        case .climbing, .descending, .bisecting, .rechecking, .confirming: .trial(trial)
        }
    }

    package mutating func record(_ result: TrialResult) -> Decision {
        if case .finished = stage { preconditionFailure("no trial was asked for") }
        var sum = pooled
        sum.add(result)
        let judgement = settings.criteria.judge(result, pooled: sum)
        var decision: Decision
        switch judgement {
        case .void(let why): decision = repeatTrial(why)
        case .undecided(let doubts):
            pooled = sum
            let text = "\(doubts.joined(separator: "; ")): too few attempts to tell, \(text(trial.rate)) again"
            decision = Decision(kind: .undecided, sentence: text, nextRate: trial.rate)
        case .passes: decision = pass()
        case .fails(let why): decision = fail(why)
        }
        switch judgement {
        case .void, .undecided: break
        case .passes, .fails:
            pooled = Tally()
            voids = 0
        }
        trial.number += 1
        if trial.number > settings.mostTrials {
            finish(.tooManyTrials(settings.mostTrials))
            decision.nextRate = nil
        }
        return decision
    }

    package mutating func finish(_ ending: Answer.Ending) {
        if case .finished = stage { return }
        var confirmations = 0
        if case .confirming(let count) = stage { confirmations = count }
        stage = .finished(
            Answer(ending: ending, rate: passed, confirmations: confirmations, failing: failed, reasons: reasons))
    }

    // MARK: decisions

    private mutating func repeatTrial(_ why: String) -> Decision {
        voids += 1
        let isLast = voids > settings.repeats
        if isLast { finish(.generatorInTheWay(rate: trial.rate, why: why)) }
        return .void(why, times: voids, repeating: isLast ? nil : trial.rate)
    }

    private mutating func pass() -> Decision {
        let rate = trial.rate
        passes.append(rate)
        switch stage {
        case .finished: preconditionFailure("no trial was asked for")
        case .climbing:
            passed = rate
            if let ceiling = settings.ceiling, rate >= ceiling { return reach(ceiling) }
            aim(at: min(RateText.round(rate * 2), settings.ceiling ?? .infinity), .double)
            return decision(.passes, "passes: twice as much next")
        case .descending, .bisecting:
            passed = rate
            return narrow(.passes, "passes")
        case .rechecking: return passAfterAll()
        case .confirming(let count):
            passed = rate
            if count + 1 >= settings.confirmations {
                stage = .confirming(count + 1)
                let isHighest = failed == nil && rate >= settings.ceiling ?? .infinity
                finish(isHighest ? .ceilingReached(rate) : .found)
                return decision(
                    .passes,
                    "confirmed \(count + 1) of \(settings.confirmations) times: \(isHighest ? "the end" : "found")")
            }
            stage = .confirming(count + 1)
            return decision(.passes, "confirmed \(count + 1) of \(settings.confirmations) times")
        }
    }

    /// It failed before for a reason of its own: what is too much is the next that failed, if any did.
    private mutating func passAfterAll() -> Decision {
        let rate = trial.rate
        passed = rate
        fails.removeAll { $0.rate <= rate }
        let next = fails.min { $0.rate < $1.rate }
        (failed, reasons) = (next?.rate, next?.why ?? [])
        if next != nil { return narrow(.passes, "passes this time") }
        if let ceiling = settings.ceiling, rate >= ceiling { return reach(ceiling) }
        stage = .climbing
        aim(at: min(RateText.round(rate * 2), settings.ceiling ?? .infinity), .double)
        return decision(.passes, "passes this time: twice as much next")
    }

    private mutating func reach(_ ceiling: Double) -> Decision {
        guard settings.confirmsCeiling, settings.confirmations > 0 else {
            finish(.ceilingReached(ceiling))
            return decision(.passes, "passes, and no higher rate can be tried")
        }
        stage = .confirming(0)
        aim(at: ceiling, .confirm)
        return decision(.passes, "passes, and no higher rate is to be tried; \(text(ceiling)) is to be confirmed")
    }

    private mutating func fail(_ why: [String]) -> Decision {
        let rate = trial.rate
        let said = "fails: " + why.joined(separator: "; ")
        failed = rate
        reasons = why
        fails.append((rate, why))
        isSureToFail = false
        switch stage {
        case .finished: preconditionFailure("no trial was asked for")
        case .rechecking:
            isSureToFail = true
            return narrow(.fails, said)
        case .climbing, .descending:
            if passed != nil { return narrow(.fails, said) }
            return descend(to: rate / 2, said)
        case .bisecting: return narrow(.fails, said)
        case .confirming:
            // What passed below was shorter, and is no result; it is what is known if the search is stopped here.
            passed = passes.filter { $0 < rate }.max()
            let lower = RateText.round(rate * (1 - settings.resolution))
            if isTooLow(lower) || lower >= rate { return giveUp(said) }
            stage = .confirming(0)
            aim(at: lower, .confirm)
            return decision(.fails, said + "; down by the resolution")
        }
    }

    private mutating func descend(to rate: Double, _ said: String) -> Decision {
        // Nor is there one to be looked for at which the longest trial has not a single call.
        if isTooLow(rate) || rate * settings.longest.seconds < 1 { return giveUp(said) }
        stage = .descending
        aim(at: RateText.round(rate), .halve)
        return decision(.fails, said + "; half as much next")
    }

    private func isTooLow(_ rate: Double) -> Bool { rate < max(settings.start * Self.lowestShare, 0.001) }

    private mutating func giveUp(_ said: String) -> Decision {
        passed = nil
        finish(.nothingPassed)
        return decision(.fails, said)
    }

    /// Between `passed` and `failed`, or done with that.
    private mutating func narrow(_ kind: Decision.Kind, _ said: String) -> Decision {
        guard let low = passed, let high = failed else { preconditionFailure("a bracket has two ends") }
        let middle = RateText.round((low + high) / 2)
        if high - low > settings.resolution * low, middle > low, middle < high {
            stage = .bisecting
            aim(at: middle, .bisect)
            return decision(kind, said + "; between \(text(low)) and \(text(high)) now")
        }
        guard settings.confirmations > 0 else {
            finish(.found)
            return decision(kind, said + "; found")
        }
        if !isSureToFail {
            stage = .rechecking
            aim(at: high, .recheck)
            return decision(kind, said + "; \(text(high)) failed once and is tried again")
        }
        stage = .confirming(0)
        aim(at: low, .confirm)
        return decision(kind, said + "; \(text(low)) is to be confirmed")
    }

    private func decision(_ kind: Decision.Kind, _ sentence: String) -> Decision {
        switch stage {
        case .finished: Decision(kind: kind, sentence: sentence, nextRate: nil)
        case .climbing, .descending, .bisecting, .rechecking, .confirming:
            Decision(kind: kind, sentence: sentence, nextRate: trial.rate)
        }
    }

    private func text(_ rate: Double) -> String { RateText.text(rate) }

    private mutating func aim(at rate: Double, _ phase: Phase) {
        let isConfirmation = phase == .confirm
        let wanted = isConfirmation ? settings.confirmationAttempts : settings.attempts
        let longest = isConfirmation ? settings.longestConfirmation : settings.longest
        let seconds = min(max(Double(wanted) / rate, settings.shortest.seconds), longest.seconds)
        trial.phase = phase
        trial.rate = rate
        trial.attempts = UInt64(max((rate * seconds).rounded(), 1))
    }
}
