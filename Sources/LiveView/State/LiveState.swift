import Datagrams
import Latency
import Observations

/// What is known of a run while it runs: a value, made on the writing thread and read by whoever shows it. Screen, page,
/// metrics and JSON are functions of it.
package struct LiveState: Sendable {
    /// What the whole command is about.
    package struct Subject: Sendable {
        package var command: String
        /// As the user typed it.
        package var target: String
        package var transport: String
        package var scenario: String
        /// `Poisson`, `hold 80 ms`: what else makes the load.
        package var traits: [String] = []
        package var workers = 1
        package var version: String
        /// To be said with every result.
        package var notes: [String] = []

        package init(command: String, target: String, transport: String, scenario: String, version: String) {
            self.command = command
            self.target = target
            self.transport = transport
            self.scenario = scenario
            self.version = version
        }
    }

    /// One load level: of a run the only one.
    package struct Level: Sendable, Equatable {
        /// From 1.
        package var number = 1
        /// Nil: not known beforehand.
        package var count: Int? = 1
        /// Calls per second, as asked for.
        package var rate: Double
        /// Instead of the rate.
        package var users: Int?
        package var duration: Nanoseconds
        package var callLimit: UInt64?
        package var firstRequest = "INVITE"

        package init(rate: Double, duration: Nanoseconds) {
            self.rate = rate
            self.duration = duration
        }
    }

    package enum Phase: String, Sendable {
        /// Before the first level, and between two.
        case resting
        case running, paused
        /// No new calls; open ones end by themselves.
        case draining
        /// Open calls are ended now.
        case stopping
        case ended
    }

    /// A level that is over.
    package struct LevelResult: Sendable {
        package var level: Level
        package var verdict: Verdict
        package var rtt: LatencyFigures
        package var ok: UInt64
        package var failed: UInt64
        package var retransmissions: UInt64
    }

    package var subject: Subject
    package var level: Level
    package var phase = Phase.resting
    /// Since the level's start.
    package var elapsed = Nanoseconds.zero
    /// Of this level, as of the last glance.
    package var counters = Counters()
    package var open: UInt64 = 0
    package var peakOpen: UInt64 = 0
    /// Calls per second that the schedule asks for now. Nil: users' calls have no schedule.
    package var rate: Double?
    package var changes: [LoadChange] = []
    /// The last full second, and everything of this level until its end.
    package var second: IntervalRow?
    package var summary: RunSummary?
    /// The latest, oldest first.
    package var failures: [LiveFailure] = []
    /// The seconds of the whole command.
    package var history = LiveHistory()
    package var levels: [LevelResult] = []
    /// Of all levels, this one included.
    package var totals = LiveTotals()
    /// Rises with every second closed and every change of phase that whoever waits should hear of.
    package var version: UInt64 = 0

    package init(subject: Subject, level: Level) {
        self.subject = subject
        self.level = level
        rate = level.users == nil ? level.rate : nil
    }

    /// The worst of all levels so far, as for the command's exit code.
    package var verdict: Verdict? {
        var all = levels.map { ($0.level, $0.verdict) }
        if let summary, phase != .ended, phase != .resting { all.append((level, summary.verdict)) }
        guard let (level, found) = all.max(by: { $0.1.level < $1.1.level }) else { return nil }
        var worst = found
        if level.count != 1, worst.level > .valid {
            let place = "At \(DecimalText.trimmed(level.rate)) calls/s: "
            worst.evidence = worst.evidence.map { place + $0 }
        }
        return worst
    }
}

/// A call that did not end well.
package struct LiveFailure: Sendable, Equatable {
    package var call: UInt64
    package var callID: String
    /// Of the level in which it was placed; from 1.
    package var level: Int
    /// When it ended, from its level's start.
    package var at: Nanoseconds
    package var outcome: String
    package var sentence: String

    package init(_ call: CallRecord, level: Int, firstRequest: String) {
        self.call = call.number
        callID = call.callID.text
        self.level = level
        at = call.ended
        outcome = call.outcome.kindText
        sentence = Self.sentence(call, firstRequest)
    }

    /// Held-back calls are no failures of anybody's: they are counted apart.
    package static func isOne(_ call: CallRecord) -> Bool { call.outcome != .ok && call.outcome != .unsent }

    private static func sentence(_ call: CallRecord, _ firstRequest: String) -> String {
        let again =
            switch call.retransmissions {
            case 0: ""
            case 1: ", sent again once"
            case let n: ", sent again \(n) times"
            }
        switch call.outcome {
        case .ok, .unsent: return ""
        case .status(let status):
            guard status == call.inviteStatus || call.answer == nil else {
                return "a later request was answered with \(status)"
            }
            return "\(firstRequest) answered with \(status)"
                + (call.answer.map { " after \(DecimalText.milliseconds($0)) ms" } ?? "") + again
        case .timeout:
            if call.timedOutReceiving { return "a message the scenario waits for did not come in time" }
            return "no final response to \(call.answer == nil ? firstRequest : "a later request")\(again)"
        case .unexpected: return "a message came that the scenario has no place for"
        case .refused: return "not delivered: nobody listens there, or the connection was lost"
        case .interrupted: return "still open when the run was stopped"
        case .check(let check): return "a check of the scenario failed: \(check.text)"
        }
    }
}

extension CallOutcome {
    /// The `outcome` column of `rtt.csv`: few values, fit for a label.
    package var kindText: String {
        switch self {
        case .check: "check"
        case .ok, .status, .timeout, .unexpected, .refused, .unsent, .interrupted: text
        }
    }
}
