import ArgumentParser
import Datagrams
import Latency
import LoadRun
import MaximumSearch
import Observations
import Reports
import SIP
import UDPTransport

struct FindMaxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find-max", abstract: "The highest rate at which a server takes every call.",
        discussion: """
            Examples:
              sipmeter find-max                    of the built-in model
              sipmeter find-max 192.0.2.5          of a server, to 1 %
              sipmeter find-max 192.0.2.5 --start 200 --resolution 2% --confirm 1
              sipmeter find-max 192.0.2.5 --scenario register
                                                   registrations
              sipmeter find-max 192.0.2.5 --method rfc7502
                                                   for publication; takes hours

            A rate passes when no more attempts fail than allowed, no more requests are
            sent again than allowed, and response times do not grow from the trial's
            start to its end: a server that falls behind loses its first call minutes
            later. What the generator itself can place is measured first; a result near
            it is SUSPECT.
            """)

    @OptionGroup var search: FindMaxOptions
    @OptionGroup var load: LoadOptions

    func validate() throws {
        let foreign: [(String, Bool)] = [
            ("--calls", load.calls != nil), ("--pcap", load.pcap != nil), ("--tap", !load.taps.isEmpty),
            ("--duration", load.duration != LoadOptions.defaultDuration),
        ]
        if load.live.screen == true {
            throw ValidationError("--screen shows one load level, and find-max tells a trial a line: leave it out")
        }
        for (name, isGiven) in foreign where isGiven {
            throw ValidationError(
                "\(name) belongs to one load level, and find-max makes its own: leave it out"
                    + (name == "--duration" ? " (--longest-trial bounds a trial)" : ""))
        }
    }

    func run() throws {
        try Session.main {
            let setup = try RunSetup(try load.runOptions(rates: [search.start ?? 10]))
            let directory = load.out ?? RunDirectory.defaultPath("find-max", at: SystemClock.wall())
            try RunDirectory.create(directory)
            let session = try Session(setup, load, command: "find-max", hasScreen: false)
            var hunt = Hunt(session, options: search, scenario: load.scenario, directory: directory)
            try hunt.run()
        }
    }
}

/// One search from the test bed to the files.
private struct Hunt {
    private let session: Session
    private let options: FindMaxOptions
    private let directory: String
    private let begun = SystemClock.wall()
    private var report: SearchReport
    private let files: FindMaxFiles
    /// The interruption fell into it.
    private var cut: Trial?

    /// Calls that see whether the target has recovered, and how fast they come.
    private static let probes = 3.0
    private static let probeRate = 5.0

    init(_ session: Session, options: FindMaxOptions, scenario: String, directory: String) {
        self.session = session
        self.options = options
        self.directory = directory
        let search = options.search(ceiling: nil)
        report = SearchReport(
            method: search.methodName, criteria: search.criteria, resolution: options.shownResolution,
            target: session.setup.targetName, transport: session.setup.options.transport.rawValue, scenario: scenario,
            baseline: .unknown("--no-baseline"), answer: Answer(ending: .interrupted, rate: nil))
        report.notes = session.setup.notes
        report.thresholds = options.thresholds.map(\.text)
        files = FindMaxFiles(directory: directory)
    }

    mutating func run() throws {
        announce()
        try files.begin()
        if !options.noBaseline { report.baseline = .unknown("the search ended before it was measured") }
        try files.writeManifest(session.setup, options, report, begun: begun)
        // Whoever does not answer, or never as the scenario wants, is not kept waiting for the test bed.
        let slow = try probe()
        if !session.setup.isBuiltIn, let failure = session.unreachable(slow) { throw failure }
        if let failing = refusal(of: slow.summary) {
            report.answer = Answer(
                ending: .slowCallsFail, rate: nil, failing: Self.probeRate, reasons: [failing])
            return try conclude(nil)
        }
        if !options.noBaseline, !session.wasInterrupted {
            report.baseline = try measureTestBed()
            let said = report.notes.count
            report.noteStart(options.firstRate, highest: options.maxRate)
            for note in report.notes.dropFirst(said) { Terminal.print(note) }
            try files.writeManifest(session.setup, options, report, begun: begun)
        }
        var search = options.search(ceiling: report.baseline.rate)
        let first = SystemClock.monotonic()
        var trouble: RunFailure?
        Terminal.print(FindMaxText.trialHeader)
        while case .trial(let trial) = search.step, trouble == nil {
            if session.wasInterrupted {
                search.stop(.interrupted)
                break
            }
            do {
                trouble = try run(trial, &search)
            } catch let failure as RunFailure where !report.rows.isEmpty {
                // What was found so far stands.
                if failure.code == .unreachable, !failure.isAddressInUse {
                    search.stop(.targetLost(failure.description))
                } else {
                    trouble = failure
                }
            } catch let error as SystemError where !report.rows.isEmpty {
                trouble = RunFailure(.unreachable, error.description)
            }
            if let trouble { search.stop(.cutOff(trouble.description)) }
        }
        search.stop(.interrupted)
        report.took = SystemClock.monotonic() - first
        if case .finished(let answer) = search.step { report.answer = answer }
        try conclude(trouble)
    }

    /// One trial and the rest after it. Returns what could not be written.
    private mutating func run(_ trial: Trial, _ search: inout MaximumSearch) throws -> RunFailure? {
        let isFirst = report.rows.isEmpty
        let outcome = try runner(search.criteria).run(
            trial, keepsGoing: !isFirst,
            in: options.keepTrials ? "\(directory)/\(trial.directoryName)" : nil)
        if isFirst, let failure = session.unreachable(outcome.level) { throw failure }
        if session.wasInterrupted {
            cut = trial
            report.notes.append(
                "Trial \(trial.number), at \(RateText.text(trial.rate)) calls/s, was interrupted and does not count.")
            return nil
        }
        let decision = search.record(outcome.result)
        let row = SearchReport.Row(trial: trial, result: outcome.result, decision: decision)
        report.rows.append(row)
        Terminal.print(FindMaxText.trial(row))
        do throws(RunFailure) { try files.append(row) } catch { return error }
        if let failure = outcome.level.failure { return failure }
        if decision.nextRate != nil, let lost = try rest(after: row) { search.stop(.targetLost(lost)) }
        return nil
    }

    private func announce() {
        let setup = session.setup
        Terminal.print(
            "sipmeter find-max: \(setup.targetName), \(setup.options.transport.rawValue)"
                + "\(setup.tag == nil ? "" : ", call tag on"); by \(report.method); scenario \(report.scenario)")
        for note in setup.notes { Terminal.print(note) }
    }

    private func measureTestBed() throws -> Baseline {
        let baseline = try TestBed(session: session).measure()
        switch baseline {
        case .measured(let rate, _):
            Terminal.print("The test bed takes \(RateText.text(rate)) calls/s without the target.")
        case .notKept(let lowest):
            Terminal.print(
                "The test bed without the target does not keep up at any rate tried, down to \(RateText.text(lowest)) calls/s."
            )
        case .unknown(let why): Terminal.print("What the test bed takes without the target is not known: \(why).")
        }
        return baseline
    }

    private func runner(_ criteria: Criteria) -> TrialRunner {
        TrialRunner(
            session: session, criteria: criteria, thresholds: options.thresholds,
            establishmentThreshold: options.establishmentThreshold
                ?? session.setup.options.timers.transactionTimeout,
            cutsShort: options.method == .bisect)
    }

    // MARK: between trials

    /// Nothing of one trial is to be left in the next: all calls have ended, the target rests, and after a trial it could
    /// not take it has to answer a few slow calls cleanly first, or 64 x T1 have passed. Returns why it is lost.
    private func rest(after row: SearchReport.Row) throws -> String? {
        // The built-in server is a new one in every trial.
        if session.setup.isBuiltIn { return nil }
        session.rest(options.settle)
        if row.decision.kind == .passes { return nil }
        let patience = session.setup.options.timers.transactionTimeout
        let end = SystemClock.monotonic() + patience
        var hasAnswered = false
        repeat {
            if session.wasInterrupted { return nil }
            if session.showsProgress { Terminal.progress("waiting until the target answers slow calls cleanly again") }
            let counters = try probe().summary.counters
            hasAnswered = hasAnswered || counters.datagramsReceived > 0
            if counters.started > 0, counters.ok == counters.started, counters.requestsRetransmitted == 0 { return nil }
            session.rest(.seconds(1))
        } while SystemClock.monotonic() < end
        if !hasAnswered {
            return
                "nothing came back in \(Arguments.text(patience)) after the trial at \(RateText.text(row.trial.rate)) calls/s."
        }
        Terminal.complain(
            "notice: the target does not answer slow calls cleanly \(Arguments.text(patience)) after "
                + "the trial; going on")
        return nil
    }

    /// Why no rate can pass: not one of the slow calls ended well, and that is more than is allowed.
    private func refusal(of summary: RunSummary) -> String? {
        let counters = summary.counters
        let criteria = options.search(ceiling: nil).criteria
        guard !session.wasInterrupted, counters.started > 0, counters.ok == 0,
            criteria.isHopeless(failed: counters.started, resent: 0, of: counters.started)
        else { return nil }
        let causes = summary.outcomes.filter { $0.outcome != .unsent && $0.count > 0 }
            .map { "\($0.outcome == .interrupted ? "unanswered" : $0.outcome.text) \($0.count)" }
        return "\(counters.started) of \(counters.started) failed (\(causes.joined(separator: ", ")))"
    }

    /// A few slow calls.
    private func probe() throws -> LoadLevel.Outcome {
        try LoadLevel(
            setup: session.setup.lasting(
                Nanoseconds(Int64(Self.probes / Self.probeRate * 1e9)), keepsGoing: false),
            rate: Self.probeRate, directory: nil, control: RunControl(watchesSignals: true), wakeup: session.wakeup
        ).run { _ in }
    }

    // MARK: the end

    private mutating func conclude(_ earlier: RunFailure?) throws {
        var trouble = earlier
        session.endWatching()
        do throws(RunFailure) { try files.finish(report) } catch { trouble = trouble ?? error }
        if trouble == nil {
            do { try files.draw() } catch let failure as RunFailure {
                trouble = failure
            } catch {
                Terminal.complain("error: no report.html: \(error)")
            }
        }
        Terminal.print("\n" + FindMaxText.text(report))
        session.listFiles(
            directory,
            FindMaxFiles.names
                + (options.keepTrials ? report.rows.map(\.trial) + [cut].compactMap { $0 } : [])
                .map { $0.directoryName + "/" })
        if let trouble { throw trouble }
        if let code = exitCode { throw ArgumentParser.ExitCode(code.rawValue) }
    }

    private var exitCode: LoadRun.ExitCode? {
        switch report.answer.ending {
        case .interrupted: .interrupted
        case .targetLost: .unreachable
        case .nothingPassed, .slowCallsFail: .thresholdFailed
        case .found, .converged, .ceilingReached, .generatorInTheWay, .tooManyTrials, .cutOff:
            report.verdict.level == .invalid ? .generatorWasTheBottleneck : nil
        }
    }
}
