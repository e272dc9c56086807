import Datagrams
import Latency

/// What a trial is for.
package enum Phase: String, Sendable, CaseIterable {
    /// Twice the rate of the last one that passed.
    case double
    /// Half the rate, where not even the first passed.
    case halve
    /// Between the highest rate that passed and the lowest that failed.
    case bisect
    /// At the lowest rate that failed, once more.
    case recheck
    /// A longer one at the rate found.
    case confirm
    /// RFC 7502, 4.10.
    case rfc7502
}

/// One trial to be run: so many attempts at this rate.
package struct Trial: Sendable, Equatable {
    /// From 1, those that decide nothing counted too.
    package var number: Int
    package var phase: Phase
    /// In calls/s.
    package var rate: Double
    package var attempts: UInt64

    package init(number: Int, phase: Phase, rate: Double, attempts: UInt64) {
        self.number = number
        self.phase = phase
        self.rate = rate
        self.attempts = attempts
    }

    /// Of its files, where they are kept: `trial-03-440cps`.
    package var directoryName: String { "trial-\(number < 10 ? "0" : "")\(number)-\(RateText.text(rate))cps" }

    package var length: Nanoseconds { Nanoseconds(Int64(Double(attempts) / rate * 1e9)) }
}

/// What came of a trial.
package struct TrialResult: Sendable {
    /// Attempts that failed for one cause.
    package struct Failure: Sendable, Equatable {
        /// `timeout`, `503`: as in the `outcome` column of `rtt.csv`.
        package var cause: String
        package var count: UInt64

        package init(cause: String, count: UInt64) {
            self.cause = cause
            self.count = count
        }
    }

    package enum Doubt: Sendable, Equatable {
        /// The load was not the one asked for, or answers were lost on this host: it says nothing of the target.
        case load(String)
        /// All calls were placed, at the rate asked for, but unevenly. A target that passes has passed something harder;
        /// one that fails may have failed by that, unless its response times grew all the while.
        case timing(String)

        /// As in `trials.csv`.
        package var name: String {
            switch self {
            case .load: "load"
            case .timing: "timing"
            }
        }

        package init?(name: String, why: String) {
            switch name {
            case "load": self = .load(why)
            case "timing": self = .timing(why)
            case _: return nil
            }
        }
    }

    /// Calls started.
    package var attempts: UInt64
    package var failures: [Failure]
    /// Requests sent again.
    package var resent: UInt64
    /// Nil: too few calls to tell.
    package var trend: ResponseTrend?
    /// Thresholds of the user's that did not hold, each as a sentence.
    package var broken: [String]
    /// What the generator did to it. Nil: it kept up.
    package var doubt: Doubt?
    package var generator: Verdict.Level
    /// Session request delay; of a scenario without a session the time to the final response.
    package var responseP50: Nanoseconds?
    package var responseP99: Nanoseconds?
    package var lateP99: Nanoseconds?
    /// It could not pass any more, and no further calls were placed.
    package var isCutShort: Bool
    /// With the drain, not the rest after it.
    package var took: Nanoseconds

    package init(
        attempts: UInt64, failures: [Failure] = [], resent: UInt64 = 0, trend: ResponseTrend? = nil,
        broken: [String] = [], doubt: Doubt? = nil, generator: Verdict.Level = .valid,
        responseP50: Nanoseconds? = nil, responseP99: Nanoseconds? = nil, lateP99: Nanoseconds? = nil,
        isCutShort: Bool = false, took: Nanoseconds = .zero
    ) {
        self.attempts = attempts
        self.failures = failures
        self.resent = resent
        self.trend = trend
        self.broken = broken
        self.doubt = doubt
        self.generator = generator
        self.responseP50 = responseP50
        self.responseP99 = responseP99
        self.lateP99 = lateP99
        self.isCutShort = isCutShort
        self.took = took
    }

    package var failed: UInt64 { failures.reduce(0) { $0 + $1.count } }
    package var established: UInt64 { attempts - min(failed, attempts) }
}
