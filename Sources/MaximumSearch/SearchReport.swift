import Datagrams
import Latency

/// The test bed without the target (RFC 7501, 6.1): what the generator itself can place.
package enum Baseline: Sendable, Equatable {
    /// The highest rate at which it was VALID against an answering side without limits, and the lowest at which it was not
    /// (nil: the highest tried).
    case measured(rate: Double, above: Double?)
    /// It was not VALID at any rate, down to this one.
    case notKept(lowest: Double)
    /// Why there is none.
    case unknown(String)

    package var rate: Double? {
        switch self {
        case .measured(let rate, _): rate
        case .notKept, .unknown: nil
        }
    }
}

/// A whole search, as it is told and drawn.
package struct SearchReport: Sendable {
    /// One trial: one row of `trials.csv`.
    package struct Row: Sendable {
        package var trial: Trial
        package var result: TrialResult
        package var decision: Decision

        package init(trial: Trial, result: TrialResult, decision: Decision) {
            self.trial = trial
            self.result = result
            self.decision = decision
        }
    }

    /// `bisect` or `rfc7502`.
    package var method: String
    package var criteria: Criteria
    /// Of the bisection.
    package var resolution: Double?
    /// `--threshold`, as the user wrote them.
    package var thresholds: [String] = []
    package var target: String
    package var transport: String
    package var scenario: String
    package var baseline: Baseline
    package var rows: [Row] = []
    package var answer: Answer
    /// From the first trial's start to the last one's end, rests counted.
    package var took = Nanoseconds.zero
    package var notes: [String] = []

    package init(
        method: String, criteria: Criteria, resolution: Double?, target: String, transport: String, scenario: String,
        baseline: Baseline, answer: Answer
    ) {
        self.method = method
        self.criteria = criteria
        self.resolution = resolution
        self.target = target
        self.transport = transport
        self.scenario = scenario
        self.baseline = baseline
        self.answer = answer
    }

    /// A result above this share of what the test bed itself takes may be the test bed's.
    package static let suspectShare = 0.8

    /// Says so where the search cannot begin where it was told to.
    /// - Parameter highest: `--max-rate`, which was compared with the start rate before.
    package mutating func noteStart(_ start: Double, highest: Double?) {
        guard highest == nil, let ceiling = baseline.rate, start > ceiling else { return }
        notes.append(
            "The first trial is at \(RateText.text(ceiling)) calls/s, all the test bed takes, and not at \(RateText.text(start))."
        )
    }

    package var attempts: UInt64 { rows.reduce(0) { $0 + $1.result.attempts } }
    package var spoilt: Int { rows.count { $0.decision.kind == .void } }

    /// All attempts of the trials that confirmed the answer, and how many failed: also of those that were run again because
    /// they had failures and too few attempts to tell, for what is left out because it failed makes a share too small.
    package var confirmation: (attempts: UInt64, failed: UInt64)? {
        guard let rate = answer.rate, answer.confirmations > 0 else { return nil }
        let own = rows.filter { $0.trial.phase == .confirm && $0.trial.rate == rate && $0.decision.kind != .void }
        return sum(own)
    }

    /// The generator was late or unsteady in the trial, and its pass stands all the same.
    package var uneven: Int {
        rows.count { row in
            if case .timing = row.result.doubt { row.decision.kind == .passes } else { false }
        }
    }

    /// What failed far below the answer, where the load is no reason: up to half of it.
    package var atLowRate: (attempts: UInt64, failed: UInt64)? {
        guard let rate = answer.rate else { return nil }
        let low = rows.filter { $0.trial.rate <= rate / 2 && $0.decision.kind != .void }
        return low.isEmpty ? nil : sum(low)
    }

    private func sum(_ rows: [Row]) -> (attempts: UInt64, failed: UInt64) {
        (rows.reduce(0) { $0 + $1.result.attempts }, rows.reduce(0) { $0 + $1.result.failed })
    }

    // MARK: verdict

    /// Of the generator, as everywhere: whether the rate printed is the target's.
    package var verdict: Verdict {
        var level = Verdict.Level.valid
        var evidence: [String] = []
        func find(_ found: Verdict.Level, _ sentence: String) {
            level = max(level, found)
            evidence.append(sentence)
        }
        switch answer.ending {
        case .found, .converged, .nothingPassed: break
        case .slowCallsFail:
            find(
                .valid,
                "Not even a few slow calls end well, so no trial was run: there is no highest rate to be found before they "
                    + "do. `sipmeter run` with the same options, --rate 1 and --calls 1 keeps the messages of a call that "
                    + "fails.")
        case .ceilingReached(let rate):
            if let ceiling = baseline.rate, rate >= ceiling {
                find(
                    .invalid,
                    "The target passed at \(RateText.text(rate)) calls/s, and the test bed itself takes no more than "
                        + "\(RateText.text(ceiling)): its maximum lies above, and this generator cannot find it.")
            } else {
                find(
                    .valid,
                    "The target passed at the highest rate that was to be tried, \(RateText.text(rate)) calls/s: its "
                        + "maximum lies above.")
            }
        case .generatorInTheWay(let rate, let why):
            find(
                .invalid,
                "At \(RateText.text(rate)) calls/s the generator was in the way, however often it was tried: \(why) "
                    + whereItLies)
        case .tooManyTrials(let count):
            find(.suspect, "The search had not ended after \(count) trials, the most allowed (--most-trials).")
        case .interrupted: find(.suspect, "The search was interrupted: its last bracket is not the answer.")
        case .targetLost(let why): find(.suspect, "The target stopped answering: \(why)")
        case .cutOff(let why):
            find(.suspect, "The search could not go on, and its last bracket is not the answer: \(why)")
        }
        if let rate = answer.rate, let ceiling = baseline.rate, level < .invalid, rate > Self.suspectShare * ceiling {
            find(
                .suspect,
                "The result is \(DecimalText.fixed(100 * rate / ceiling, decimals: 0)) % of what the test bed takes without "
                    + "the target (\(RateText.text(ceiling)) calls/s): above \(DecimalText.fixed(100 * Self.suspectShare, decimals: 0)) % "
                    + "it may be the test bed's limit and not the target's.")
        }
        if case .notKept(let lowest) = baseline, level < .invalid, hasLimit {
            find(
                .suspect,
                "The test bed without the target did not keep up at any rate tried, down to \(RateText.text(lowest)) "
                    + "calls/s: this machine was too busy, and the limit may be its own.")
        }
        if evidence.isEmpty { evidence.append(soundness) }
        return Verdict(level: level, evidence: evidence, notes: verdictNotes)
    }

    /// There is a limit to be somebody's.
    private var hasLimit: Bool { answer.rate != nil || answer.ending == .nothingPassed }

    private var whereItLies: String {
        switch (answer.rate.map(RateText.text), answer.failing.map(RateText.text)) {
        case (let low?, let high?): "What the target takes lies between \(low) and \(high) calls/s."
        case (let low?, nil): "What the target takes lies above \(low) calls/s."
        case (nil, let high?): "What the target takes lies below \(high) calls/s."
        case (nil, nil): "Of what the target takes nothing is known."
        }
    }

    private var soundness: String {
        let counted = rows.count - spoilt
        var text =
            "The generator placed the load asked for in \(counted == 1 ? "the one trial" : "all \(counted) trials") that counted"
        if let rate = answer.rate, let ceiling = baseline.rate {
            text +=
                ", and the test bed without the target takes \(DecimalText.trimmed(ceiling / rate, decimals: ceiling < 10 * rate ? 1 : 0)) times as much"
        }
        return text + "."
    }

    private var verdictNotes: [String] {
        var notes: [String] = []
        // Where no trial was run there is no limit to be anybody's.
        if case .unknown(let why) = baseline, hasLimit {
            notes.append(
                "What the test bed itself takes is not known (\(why)): whose limit this is nobody has checked.")
        }
        if spoilt > 0 {
            notes.append(
                "\(spoilt) \(spoilt == 1 ? "trial" : "trials") in which the generator did not keep up decided nothing.")
        }
        if uneven > 0 {
            let passed = rows.count { $0.decision.kind == .passes }
            let which =
                passed == 1
                ? "The one trial that passed"
                : (uneven == passed ? "All" : "\(uneven) of the") + " \(passed) trials that passed"
            notes.append(
                "\(which) \(uneven == 1 ? "was" : "were") not VALID: all calls were placed, but not as evenly as asked. "
                    + "What passes so would pass evenly, too.")
        }
        if let low = atLowRate, low.failed > 0, criteria.failures > 0 {
            // Surely above a tenth: one failure in 500 attempts may be one in 20,000.
            if ShareTest.tail(low.failed, of: low.attempts, at: criteria.failures / 10) < 0.05 {
                notes.append(
                    "At rates up to half the result \(low.failed) of \(low.attempts) attempts failed: with more than a tenth "
                        + "of the share allowed lost by chance, chance decides trials. Raise --allow-failures, or mend the "
                        + "path.")
            }
        }
        return notes
    }
}
