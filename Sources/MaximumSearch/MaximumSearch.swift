import Latency

/// A search for the highest rate that passes. Sans-IO: it asks for a trial, is told what came of it, and asks for the next.
///
///     while case .trial(let trial) = search.step { search.record(run(trial)) }
package enum MaximumSearch: Sendable {
    case bisect(BisectSearch)
    case rfc7502(RFC7502Search)

    package enum Step: Sendable {
        case trial(Trial)
        case finished(Answer)
    }

    package var step: Step {
        switch self {
        case .bisect(let search): search.step
        case .rfc7502(let search): search.step
        }
    }

    /// What the result of the trial asked for means, in a sentence.
    package mutating func record(_ result: TrialResult) -> Decision {
        switch self {
        case .bisect(var search):
            defer { self = .bisect(search) }
            return search.record(result)
        case .rfc7502(var search):
            defer { self = .rfc7502(search) }
            return search.record(result)
        }
    }

    /// Ends it from outside, with what there is.
    package mutating func stop(_ ending: Answer.Ending) {
        switch self {
        case .bisect(var search):
            search.finish(ending)
            self = .bisect(search)
        case .rfc7502(var search):
            search.finish(ending)
            self = .rfc7502(search)
        }
    }

    package var criteria: Criteria {
        switch self {
        case .bisect(let search): search.settings.criteria
        case .rfc7502(let search): search.settings.criteria
        }
    }

    package var methodName: String {
        switch self {
        case .bisect: "bisect"
        case .rfc7502: "rfc7502"
        }
    }
}

/// What a trial's result led to.
package struct Decision: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case passes, fails
        /// Too few attempts to tell: once more at the same rate.
        case undecided
        /// The generator was in the way.
        case void
    }

    package var kind: Kind
    package var sentence: String
    /// Nil: the search is over.
    package var nextRate: Double?

    /// A trial in which the generator was in the way, for the `times`th time running.
    /// - Parameter rate: at which it is tried once more; nil where the search ends.
    static func void(_ why: String, times: Int, repeating rate: Double?) -> Decision {
        let sentence =
            rate == nil
            ? "decides nothing, for the \(times)th time: the search ends here. \(why)"
            : "decides nothing, the generator was in the way: \(why) Again."
        return Decision(kind: .void, sentence: sentence, nextRate: rate)
    }

    package init(kind: Kind, sentence: String, nextRate: Double?) {
        self.kind = kind
        self.sentence = sentence
        self.nextRate = nextRate
    }
}

/// How a search ended, and with what.
package struct Answer: Sendable {
    package enum Ending: Sendable, Equatable {
        /// The maximum lies between `rate` and `failing`.
        case found
        /// By RFC 7502's rule.
        case converged
        /// Not even the lowest rate tried passed.
        case nothingPassed
        /// Not one of a few slow calls ended well, so no trial was run.
        case slowCallsFail
        /// The rate the test bed itself can take was reached, or the one given as the highest: the target passed there.
        case ceilingReached(Double)
        /// The generator could not place this rate.
        case generatorInTheWay(rate: Double, why: String)
        /// As many trials as allowed, and no end.
        case tooManyTrials(Int)
        case interrupted
        /// The target stopped answering.
        case targetLost(String)
        /// This host could not go on: no file could be written, no socket opened.
        case cutOff(String)
    }

    package var ending: Ending
    /// The highest rate that passed and was not taken back by a confirmation. Nil: none.
    package var rate: Double?
    /// Longer trials that passed at it.
    package var confirmations: Int
    /// The lowest rate above it that failed, and how.
    package var failing: Double?
    package var reasons: [String]

    package init(
        ending: Ending, rate: Double?, confirmations: Int = 0, failing: Double? = nil, reasons: [String] = []
    ) {
        self.ending = ending
        self.rate = rate
        self.confirmations = confirmations
        self.failing = failing
        self.reasons = reasons
    }
}

/// A rate as it is printed.
package enum RateText {
    /// `459`, `45.9`, `4.59`.
    package static func text(_ rate: Double) -> String { DecimalText.trimmed(rate) }

    /// A rate that can be said aloud: four digits at most.
    static func round(_ rate: Double) -> Double {
        var grain = 0.001
        while rate / grain >= 10_000 { grain *= 10 }
        // Dividing by the inverse, so that 1234 x 0.001 does not end in 0.00000000001.
        return grain < 1
            ? (rate / grain).rounded() / (1 / grain).rounded() : (rate / grain).rounded() * grain.rounded()
    }
}
