import Latency

/// The search of RFC 7502, 4.10, as it stands there: N attempts a trial, and one failure fails it.
package struct RFC7502Search: Sendable {
    package struct Settings: Sendable {
        package var criteria = Criteria.rfc7502
        /// N.
        package var attempts: UInt64 = 50_000
        /// r at the beginning, in calls/s: a whole number.
        package var start = 100.0
        /// w: 0 < w <= 1.
        package var growth = 0.1
        /// No rate above it is tried. Nil: none is known.
        package var ceiling: Double?
        package var repeats = 5
        /// The RFC sets no limit, and with one call in 10,000 failing by chance there is no end.
        package var mostTrials = 200

        package init() {}
    }

    private enum Stage {
        case searching
        case finished(Answer)
    }

    /// Neither step becomes smaller.
    private static let smallestStep = 0.1
    /// Passes without a new best that end the search.
    private static let convergence = 10

    package let settings: Settings
    private var stage = Stage.searching
    private var trial: Trial
    private var growth: Double
    private var shrink: Double
    private var best: Double?
    private var withoutProgress = 0
    private var voids = 0
    private var failed: Double?
    private var reasons: [String] = []

    package init(_ settings: Settings) {
        self.settings = settings
        growth = settings.growth
        shrink = max(Self.smallestStep, settings.growth / 2)
        let start = min(settings.start, settings.ceiling ?? settings.start)
        trial = Trial(
            number: 1, phase: .rfc7502, rate: max(start.rounded(.down), 1), attempts: settings.attempts)
    }

    package var step: MaximumSearch.Step {
        switch stage {
        case .searching: .trial(trial)
        case .finished(let answer): .finished(answer)
        }
    }

    package mutating func record(_ result: TrialResult) -> Decision {
        if case .finished = stage { preconditionFailure("no trial was asked for") }
        var tally = Tally()
        tally.add(result)
        var decision: Decision
        switch settings.criteria.judge(result, pooled: tally) {
        case .void(let why): decision = repeatTrial(why)
        case .passes: decision = pass()
        // With no failure allowed there is none too many to be sure of.
        case .fails(let why), .undecided(let why): decision = fail(why)
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
        stage = .finished(
            Answer(ending: ending, rate: best, failing: failed.flatMap { $0 > best ?? 0 ? $0 : nil }, reasons: reasons))
    }

    // MARK: decisions

    private mutating func repeatTrial(_ why: String) -> Decision {
        voids += 1
        let isLast = voids > settings.repeats
        if isLast { finish(.generatorInTheWay(rate: trial.rate, why: why)) }
        return .void(why, times: voids, repeating: isLast ? nil : trial.rate)
    }

    private mutating func pass() -> Decision {
        voids = 0
        let rate = trial.rate
        var said = "all established"
        if let ceiling = settings.ceiling, rate >= ceiling.rounded(.down) {
            best = rate
            finish(.ceilingReached(rate))
            return Decision(kind: .passes, sentence: said + ", and no higher rate can be tried", nextRate: nil)
        }
        if rate > best ?? 0 {
            best = rate
            said += ": the best so far"
        } else {
            withoutProgress += 1
            said += ": no progress, \(withoutProgress) of \(Self.convergence)"
            if withoutProgress == Self.convergence {
                finish(.converged)
                return Decision(kind: .passes, sentence: said + ", the end", nextRate: nil)
            }
        }
        // Rounded down a rate up to 9 would never grow; the RFC says nothing of it.
        trial.rate = min(
            max((rate * (1 + growth) + 1e-9).rounded(.down), rate + 1), settings.ceiling?.rounded(.down) ?? .infinity)
        return Decision(kind: .passes, sentence: said, nextRate: trial.rate)
    }

    private mutating func fail(_ why: [String]) -> Decision {
        voids = 0
        let said = "fails: " + why.joined(separator: "; ")
        if trial.rate > best ?? 0 {
            failed = min(failed ?? .infinity, trial.rate)
            if failed == trial.rate { reasons = why }
        }
        let lower = (trial.rate * (1 - shrink) + 1e-9).rounded(.down)
        if lower < 1 {
            finish(.nothingPassed)
            return Decision(kind: .fails, sentence: said, nextRate: nil)
        }
        trial.rate = lower
        shrink = max(Self.smallestStep, shrink / 2)
        growth = max(Self.smallestStep, growth / 2)
        return Decision(kind: .fails, sentence: said, nextRate: lower)
    }
}
