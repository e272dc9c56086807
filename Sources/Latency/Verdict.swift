import Datagrams

/// Whether a run's figures can be believed, and why.
///
/// It judges the generator and its host, never the server: whatever the far end does (slow, refusing, silent) leaves it
/// VALID, because that is what was to be measured.
package struct Verdict: Sendable, Equatable {
    package enum Level: Int, Comparable, Sendable {
        case valid, suspect, invalid

        package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

        package var text: String {
            switch self {
            case .valid: "VALID"
            case .suspect: "SUSPECT"
            case .invalid: "INVALID"
            }
        }
    }

    package var level: Level
    /// Sentences, the gravest first. Never empty: a VALID run says what was looked at.
    package var evidence: [String]
    /// True of the run but no reason to doubt it.
    package var notes: [String]

    package init(level: Level, evidence: [String], notes: [String] = []) {
        self.level = level
        self.evidence = evidence
        self.notes = notes
    }
}

/// What the rules look at.
package struct GeneratorEvidence: Sendable {
    /// Calls that should have been placed by the schedule, whatever the engine got round to.
    package var due: UInt64 = 0
    package var started: UInt64 = 0
    package var unsent: UInt64 = 0
    /// How long calls fell due, and how long it took to start them.
    package var offeredFor = Nanoseconds.zero
    package var startedFor = Nanoseconds.zero
    package var receiveQueueDrops: UInt64 = 0
    package var sendErrors: UInt64 = 0
    package var sendQueueFull: UInt64 = 0
    package var late = LatencyFigures()
    package var rtt = LatencyFigures()
    package var load = WorkerLoad()
    /// Busy-waiting workers are at 100 % by design.
    package var isSpinning = false
    /// Due calls were let wait this long on purpose (`--batch`): so much lateness is no failing.
    package var batch = Nanoseconds.zero
    package var wantsKernelClock = false
    package var rttByKernelClock: UInt64 = 0
    package var clockSteps: UInt64 = 0
    package var t1 = Nanoseconds.milliseconds(500)
    package var disturbances = Disturbances()
    package var captureDrops: UInt64 = 0
    /// Why the run's files are not whole.
    package var recordingFailure: String?

    package init() {}
}

/// The rules, each with its limits and the reasons for them.
package enum VerdictRules {
    /// Below this share of the calls due the load was not the one asked for: at one in a hundred the rate printed in
    /// the title is wrong in its second digit, which is as far as anyone reads a rate.
    package static let leastShare = 0.99
    /// Below this it is another experiment: between 400 and 500 calls/s, 25 % apart, lie two regimes of a server, and
    /// a twentieth is a fifth of that distance.
    package static let leastShareUsable = 0.95

    /// Starting the calls may overrun by this much: one last call sent late is the lateness rule's business, and in a
    /// run of a second it would look like a lost rate.
    package static let overrunFloor = Nanoseconds.milliseconds(100)

    /// Calls sent this late, as a share of what is measured, change the arrival pattern that the RTT answers to: a
    /// tenth is as much as disappears in a figure of two digits.
    package static let lateShare = 0.1
    /// At the length of the RTT itself the generator's delay is as large as the server's.
    package static let lateShareUsable = 1.0
    /// How many calls it takes: one in a hundred to raise a doubt, one in ten to condemn. A single hiccup of 50 ms delays
    /// five calls at 100 a second, and in 5 s that is no more than one in a hundred.
    static let latePercentile = Percentile.p99
    static let latePercentileUsable = Percentile.p90
    /// Absolute floors: on loopback an RTT of 0.1 ms is soon exceeded by one time slice of an ordinary scheduler
    /// (3 to 4 ms), which moves a call but not the load. Below 1 ms lateness never matters; it takes more than two such
    /// slices in one call of a hundred to make a run worthless.
    package static let lateFloor = Nanoseconds.milliseconds(1)
    package static let lateFloorUsable = Nanoseconds.milliseconds(10)

    /// A datagram the kernel would not take is a call lost on our side of the wire. Up to one call in a hundred the
    /// rest still stand; beyond, the failures counted are ours.
    package static let sendErrorShareUsable = 0.01

    /// Sends that found the queue full, for each call started. What went out later is mostly ACKs and BYEs, whose delay
    /// is no part of the lateness; above one in a hundred the 99th percentile may be ours.
    package static let sendQueueFullShare = 0.01

    /// Share of the seconds at `WorkerLoad.busyPercent`: one busy second at the start of a level of 15 s is its
    /// warming up, three (a fifth) are a state.
    package static let busyShare = 0.2

    /// Calls without both stamps, where stamps were asked for. Their RTT is by the sending thread's own clock, longer by
    /// what that thread waited; above one in a hundred that shows in the 99th percentile.
    package static let unstampedShare = 0.01

    package static func judge(_ evidence: GeneratorEvidence) -> Verdict {
        var findings: [Finding] = []
        var notes: [String] = []
        judgeRate(evidence, &findings, &notes)
        judgeDatagrams(evidence, &findings, &notes)
        judgeLateness(evidence, &findings, &notes)
        judgeLoad(evidence, &findings)
        judgeDisturbances(evidence, &findings, &notes)
        judgeClock(evidence, &findings, &notes)
        judgeRecording(evidence, &findings)
        noteThinPercentiles(evidence, &notes)
        // Stable: rules of one level stay in the order above.
        let sorted = findings.filter { $0.level == .invalid } + findings.filter { $0.level == .suspect }
        return Verdict(
            level: sorted.first?.level ?? .valid,
            evidence: sorted.isEmpty ? [soundness(evidence)] : sorted.map(\.sentence), notes: notes)
    }

    struct Finding {
        var level: Verdict.Level
        var sentence: String
    }

    private static func judgeRecording(_ e: GeneratorEvidence, _ findings: inout [Finding]) {
        if e.captureDrops > 0 {
            findings.append(
                Finding(
                    level: .suspect,
                    sentence:
                        "The capture missed \(e.captureDrops) \(plural(e.captureDrops, "packet")): what is analysed "
                        + "from it lacks them. The figures here are not taken from it."))
        }
        guard let failure = e.recordingFailure else { return }
        findings.append(Finding(level: .invalid, sentence: "The record is not whole: \(failure)."))
    }

    private static func judgeRate(_ e: GeneratorEvidence, _ findings: inout [Finding], _ notes: inout [String]) {
        guard e.due > 0 else {
            findings.append(Finding(level: .invalid, sentence: "No call fell due: there is nothing to judge."))
            return
        }
        // Calls held back by the user's own limit are not the generator's failing; they have a rule of their own.
        let placed = e.started + e.unsent
        let share = Double(placed) / Double(e.due)
        let missing = e.due > placed ? e.due - placed : 0
        if share < leastShare {
            findings.append(
                Finding(
                    level: share < leastShareUsable ? .invalid : .suspect,
                    sentence: "The generator fell short: \(missing) of \(e.due) calls due were never started "
                        + "(\(DecimalText.fixed(100 * share, decimals: 1)) % were)."))
        } else if missing > 0 {
            notes.append("\(missing) of \(e.due) calls due were never started.")
        }
        let pace = e.startedFor > .zero ? e.offeredFor.seconds / e.startedFor.seconds : 1
        if pace < leastShare, e.startedFor - e.offeredFor > overrunFloor {
            findings.append(
                Finding(
                    level: pace < leastShareUsable ? .invalid : .suspect,
                    sentence: "The generator fell behind: calls due within "
                        + "\(DecimalText.fixed(e.offeredFor, unit: 1_000_000_000, decimals: 1)) s took "
                        + "\(DecimalText.fixed(e.startedFor, unit: 1_000_000_000, decimals: 1)) s to start."))
        }
        if e.unsent > 0 {
            findings.append(
                Finding(
                    level: .suspect,
                    sentence: "The limit on open calls held back \(e.unsent) of \(e.due) calls: the load was lower "
                        + "than offered just when the server was slow."))
        }
    }

    private static func judgeDatagrams(_ e: GeneratorEvidence, _ findings: inout [Finding], _ notes: inout [String]) {
        if e.receiveQueueDrops > 0 {
            findings.append(
                Finding(
                    level: .invalid,
                    sentence: "The kernel dropped \(e.receiveQueueDrops) \(plural(e.receiveQueueDrops, "datagram")) "
                        + "from our full receive queue: responses lost here look like the server's losses."))
        }
        if e.sendErrors > 0 {
            let isMany = Double(e.sendErrors) > sendErrorShareUsable * Double(e.started)
            findings.append(
                Finding(
                    level: isMany ? .invalid : .suspect,
                    sentence: "\(e.sendErrors) \(plural(e.sendErrors, "send")) failed on this host: "
                        + "what they carried never reached the wire."))
        }
        if e.sendQueueFull > 0 {
            let sentence =
                "The send queue was full \(e.sendQueueFull) \(plural(e.sendQueueFull, "time")); those datagrams went "
                + "out later."
            if Double(e.sendQueueFull) > sendQueueFullShare * Double(e.started) {
                findings.append(Finding(level: .suspect, sentence: sentence))
            } else {
                notes.append(sentence)
            }
        }
    }

    private static func judgeLateness(_ e: GeneratorEvidence, _ findings: inout [Finding], _ notes: inout [String]) {
        if e.batch > .zero {
            notes.append(
                "Calls were sent in batches, as asked: \(DecimalText.milliseconds(e.batch)) ms of their lateness are "
                    + "intended.")
        }
        guard let most = lateness(e, at: latePercentileUsable), let some = lateness(e, at: latePercentile) else {
            return
        }
        guard let rtt = e.rtt.p50 else {
            // Without one RTT there is nothing to set it against, only the shape of the load to vouch for.
            if some.late > lateFloorUsable { findings.append(Finding(level: .suspect, sentence: some.text + ".")) }
            return
        }
        func share(_ late: Nanoseconds) -> Double { Double(late.rawValue) / Double(max(rtt.rawValue, 1)) }
        let comparison = ", against an RTT with p50 \(DecimalText.milliseconds(rtt)) ms."
        if share(most.late) > lateShareUsable, most.late > lateFloorUsable {
            findings.append(Finding(level: .invalid, sentence: most.text + comparison))
        } else if share(some.late) > lateShare, some.late > lateFloor {
            findings.append(Finding(level: .suspect, sentence: some.text + comparison))
        }
    }

    /// Beyond the batch. Of fewer calls than `percentile` takes, at the highest one there is: the maximum alone would
    /// judge a short run by its one worst moment.
    private static func lateness(
        _ e: GeneratorEvidence, at percentile: Percentile
    ) -> (late: Nanoseconds, text: String)? {
        let known: [(at: Percentile, name: String, value: Nanoseconds?)] = [
            (.p99, "p99", e.late.p99), (.p90, "p90", e.late.p90), (.p50, "p50", e.late.p50),
        ]
        for (at, name, value) in known where at.thousandths <= percentile.thousandths {
            guard let value else { continue }
            let late = max(value - e.batch, .zero)
            return (late, "Calls were sent late: \(name) \(DecimalText.milliseconds(late)) ms")
        }
        return nil
    }

    private static func judgeLoad(_ e: GeneratorEvidence, _ findings: inout [Finding]) {
        guard !e.isSpinning, e.load.seconds > 0 else { return }
        if Double(e.load.busySeconds) >= busyShare * Double(e.load.seconds) {
            findings.append(
                Finding(
                    level: .suspect,
                    sentence: "A sending thread was at \(DecimalText.trimmed(WorkerLoad.busyPercent)) % CPU or more in "
                        + "\(e.load.busySeconds) of \(e.load.seconds) seconds: it had no room for a burst."))
        }
    }

    private static func judgeClock(_ e: GeneratorEvidence, _ findings: inout [Finding], _ notes: inout [String]) {
        let isKernel = e.wantsKernelClock || e.rttByKernelClock > 0
        if isKernel, e.clockSteps > 0 {
            findings.append(
                Finding(
                    level: .suspect,
                    sentence:
                        "This host's wall clock was set \(e.clockSteps) \(plural(e.clockSteps, "time")) during the "
                        + "run: calls open then are timed by stamps from before and after."))
        }
        let unstamped = e.rtt.count - min(e.rttByKernelClock, e.rtt.count)
        guard isKernel, unstamped > 0 else { return }
        let share = "\(unstamped) of \(e.rtt.count) calls lack a kernel timestamp"
        if e.wantsKernelClock, Double(unstamped) > unstampedShare * Double(e.rtt.count) {
            findings.append(
                Finding(
                    level: .suspect,
                    sentence: share + ": their RTT has the generator's own waiting in it (clock app in rtt.csv)."))
        } else {
            notes.append(share + " (clock app in rtt.csv).")
        }
    }

    private static func noteThinPercentiles(_ e: GeneratorEvidence, _ notes: inout [String]) {
        let n = e.rtt.count
        let printed: [(name: String, percentile: Percentile)] = [
            ("p90", .p90), ("p99", .p99), ("p99.9", .p999),
        ]
        guard n > 0, let first = printed.firstIndex(where: { n < $0.percentile.leastCount }) else { return }
        let thin = printed[first...]
        notes.append(
            "\(n) \(plural(n, "response time")) \(n == 1 ? "is" : "are") too few for "
                + thin.map { "\($0.name) (\($0.percentile.leastCount))" }.joined(separator: ", ") + ": left out.")
    }

    private static func soundness(_ e: GeneratorEvidence) -> String {
        var text = "The generator kept up: \(e.started) of \(e.due) \(plural(e.due, "call")) due started"
        if let late = e.late.p99 { text += ", late p99 \(DecimalText.milliseconds(late)) ms" }
        return text + ", no receive-queue drops."
    }

    static func plural(_ n: UInt64, _ noun: String) -> String { n == 1 ? noun : noun + "s" }
}
