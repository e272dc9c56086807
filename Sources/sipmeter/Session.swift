import ArgumentParser
import Captures
import Datagrams
import Glibc
import Latency
import LoadRun
import Observations
import PacketCapture
import Reports
import RunArchive
import SIP
import Synchronization
import UDPTransport
import UserAgent

/// One command's run or runs: signals, progress, and how it all ends.
struct Session {
    let setup: RunSetup
    let isQuiet: Bool
    private let control = RunControl(watchesSignals: true)
    let wakeup: Wakeup
    private let live: LiveRun?

    /// `hasScreen`: not where a line a trial is what is looked at; the page is there all the same.
    init(_ setup: RunSetup, _ load: LoadOptions, command: String, hasScreen: Bool = true) throws {
        let isQuiet = load.quiet
        self.setup = setup
        self.isQuiet = isQuiet
        wakeup = try Wakeup()
        try SignalTrap.set(poking: wakeup)
        signal(SIGPIPE, SIG_IGN)  // a reader that went away (`| head`) must not end a run
        for notice in setup.notices { Terminal.complain("notice: \(notice)") }
        var options = load.live
        if !hasScreen { options.screen = false }
        live = try LiveRun.make(
            options, setup, command: command, isQuiet: isQuiet, control: control, sending: wakeup)
    }

    /// Runs a command's body: what it throws becomes one sentence and an exit code.
    static func main(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as RunFailure {
            Terminal.complain(
                failure.code == .usage ? EffectiveWords.placed(failure.complaint).text : failure.complaint)
            throw ExitCode(failure.code.rawValue)
        } catch let error as ArchiveError {
            Terminal.complain("error: \(error.description)")
            throw ExitCode(LoadRun.ExitCode.badScenario.rawValue)
        } catch let error as SystemError {
            Terminal.complain("error: \(error.description)")
            throw ExitCode(LoadRun.ExitCode.unreachable.rawValue)
        }
    }

    var wasInterrupted: Bool { control.wasInterrupted }

    /// A line that the next one takes the place of: only where that can be.
    var showsProgress: Bool { !isQuiet && Terminal.canErase }

    func announce(_ command: String, rates: [Double]) {
        let options = setup.options
        let list = rates.map { DecimalText.trimmed($0) }.joined(separator: ", ") + " calls/s"
        let load = options.users.map { "\($0) users" } ?? list
        let control = options.untaggedShare.map { " all but \(DecimalText.trimmed($0 * 100)) % of the calls" } ?? ""
        let transport =
            options.transport.rawValue
            + (options.connections == .perCall && options.transport.sip.isReliable
                ? ", a connection for each call" : "")
        let tag = setup.tag == nil ? "" : ", call tag on" + control
        Terminal.print(
            "sipmeter \(command): \(setup.targetName), \(transport)\(tag); \(load)"
                + "\(options.isPoisson ? " (Poisson)" : ""), \(DecimalText.trimmed(options.duration.seconds)) s"
                + "\(rates.count > 1 ? " each" : ""); scenario \(options.scenarioName)"
                + (options.shard == .whole
                    ? "" : "; shard \(options.shard) of this"))
        for note in setup.notes { Terminal.print(note) }
    }

    private func announce(_ start: WallInstant) {
        let left = Nanoseconds(start.nanoseconds - SystemClock.wall().nanoseconds)
        guard left > .seconds(1) else { return }
        Terminal.print("starts at \(RunDirectory.utc(start)), in \(DecimalText.trimmed(left.seconds, decimals: 0)) s")
    }

    /// `begin` is called when the first call is about to be placed.
    func level(
        _ rate: Double, in directory: String, at start: WallInstant? = nil, begin: () -> Void = {}
    ) throws -> LoadLevel.Outcome {
        var level = LoadLevel(setup: setup, rate: rate, directory: directory, control: control, wakeup: wakeup)
        level.startAt = start
        if let start { announce(start) }
        let (isQuiet, total) = (isQuiet, setup.options.duration)
        let label = setup.options.rates.count > 1 ? "\(DecimalText.trimmed(rate))/s  " : ""
        let control = control
        let hasSaid = Mutex(false)
        let live = live
        let outcome = try Teller.during { teller in
            level.onStrike = { strike in teller.complain(label + strike.sentence) }
            return try watch(&level) { level in
                try level.run(begin: { _ in begin() }) { row in
                    if live?.showsProgress == true { return }
                    if control.stage == .draining, row.open > 0, !hasSaid.withLock({ said in (said, said = true).0 }) {
                        teller.complain("stopping: no new calls, \(row.open) still open; ^C again ends them at once")
                    }
                    if !isQuiet { teller.progress(label + ProgressLine.text(row, of: total)) }
                }
            }
        }
        for capture in outcome.captures { tell(capture) }
        if setup.options.taps.count > 1 { try tellHops(outcome.captures.suffix(setup.options.taps.count), directory) }
        return outcome
    }

    /// Runs it while whoever wants to look looks.
    func watch(
        _ level: inout LoadLevel, _ run: (LoadLevel) throws -> LoadLevel.Outcome
    ) throws -> LoadLevel.Outcome {
        guard let live else { return try run(level) }
        return try live.watching(&level, run, summary: \.summary)
    }

    /// Nothing more is run: whoever follows the run is told its end.
    func endWatching() { live?.finish() }

    private func tell(_ capture: LiveCapture.Outcome) {
        Terminal.print(
            "captured \(capture.datagrams) datagrams on \(capture.interface) into \(capture.path), "
                + "\(capture.dropped) dropped by the kernel")
        if let failure = capture.failure { Terminal.complain("error: \(failure)") }
    }

    /// The taps are this machine's and have one clock.
    private func tellHops(_ captures: ArraySlice<LiveCapture.Outcome>, _ directory: String) throws {
        var settings = SIPTraffic.Settings()
        settings.separatesFiles = true
        let (traffic, files) = try CaptureReading.read(captures.map(\.path), settings: settings)
        let hops = HopsAnalysis(traffic, files, isSameClock: true)
        try hops.write(to: directory)
        Terminal.print(hops.text + "hops.csv and hops.svg are in \(directory)/")
    }

    /// Waits for a server to settle, unless the user wants to stop.
    func rest(_ length: Nanoseconds) {
        let end = SystemClock.monotonic() + length
        guard var poller = try? Poller(receiving: [], wakeup: wakeup) else { return }
        while !wasInterrupted, SystemClock.monotonic() < end { _ = poller.wait(until: end) }
    }

    func text(of summary: RunSummary) -> String {
        var bytes = ByteBuffer(capacity: 1 << 14)
        SummaryText.append(summary, to: &bytes)
        var text = String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    func listFiles(_ directory: String, _ names: [String]) { Self.listFiles(directory, names) }

    /// Those of `names` that are there: a full disk leaves some out.
    static func listFiles(_ directory: String, _ names: [String]) {
        let present = names.filter { access(directory + "/" + $0, F_OK) == 0 }
        Terminal.print("\nfiles in \(directory)/:\n  \(present.joined(separator: " "))")
    }

    /// Nothing of the target is left to be measured, or of the disk to be written.
    func endsSweep(_ outcome: LoadLevel.Outcome) -> Bool {
        if outcome.failure != nil { return true }
        switch outcome.report.end {
        case .finished, .drainTimedOut: return false
        case .interrupted, .silence, .refused, .unconnected: return true
        }
    }

    /// The exit code of what happened, the gravest first.
    func conclude(_ outcomes: [LoadLevel.Outcome]) throws {
        // Whoever ends the serving afterwards interrupts no run.
        let wasInterrupted = wasInterrupted
        live?.finish()
        for outcome in outcomes {
            if let failure = outcome.failure { throw failure }
        }
        for outcome in outcomes {
            if let failure = unreachable(outcome) { throw failure }
        }
        if outcomes.contains(where: { $0.report.scenarioFailed }) {
            Terminal.complain("error: the scenario ended the run; its message is in scenario.log")
            throw ExitCode(LoadRun.ExitCode.aborted.rawValue)
        }
        // Whoever stopped it knows; then what makes a result worthless; then what the result says.
        if wasInterrupted { throw ExitCode(LoadRun.ExitCode.interrupted.rawValue) }
        if outcomes.contains(where: { $0.summary.strike != nil }) {
            throw ExitCode(LoadRun.ExitCode.aborted.rawValue)
        }
        if outcomes.contains(where: { $0.summary.verdict.level == .invalid }) {
            throw ExitCode(LoadRun.ExitCode.generatorWasTheBottleneck.rawValue)
        }
        if outcomes.contains(where: { $0.summary.thresholds?.passed == false }) {
            throw ExitCode(LoadRun.ExitCode.thresholdFailed.rawValue)
        }
    }

    /// Something came back, even if the run then lost its target for good.
    func hasResult(_ outcome: LoadLevel.Outcome) -> Bool {
        unreachable(outcome) == nil || outcome.summary.counters.datagramsReceived > 0
    }

    /// Nil where the target answered. A run without an answer has nothing to tabulate.
    func unreachable(_ outcome: LoadLevel.Outcome) -> RunFailure? {
        let counters = outcome.summary.counters
        let sent = "\(counters.started) \(outcome.summary.conditions.firstRequest)\(counters.started == 1 ? "" : "s")"
        let transport = setup.options.transport.sip
        switch outcome.report.end {
        case .finished, .drainTimedOut, .interrupted: return nil
        case .unconnected(let sentence):
            return RunFailure(.unreachable, sentence + (sentence.hasSuffix("?") ? "" : "."))
        case .silence:
            let waited = DecimalText.trimmed(outcome.report.lasted.seconds, decimals: 1)
            var text =
                "nothing came back from \(setup.target) in \(waited) s: \(sent) \(transport.isReliable ? "" : "and ")"
                + (transport.isReliable
                    ? "went out over \(transport.viaName), no message came in"
                    : "\(counters.requestsRetransmitted) retransmissions went out over UDP, no datagram came in")
            if counters.sendErrors > 0 {
                text +=
                    "; the kernel refused \(counters.sendErrors) sends (\(SystemError.text(of: outcome.report.lastSendError)))"
            }
            return RunFailure(
                .unreachable,
                text
                    + ". Is a SIP server there, and does \(transport.viaName) pass to it? --keep-going runs on regardless"
            )
        case .refused(let icmp):
            let reporter = icmp.reporter.map { " from \($0.host)" } ?? ""
            return RunFailure(
                .unreachable,
                "\(setup.target) refused: ICMP\(reporter) answered \(sent) with \"\(SystemError.text(of: icmp.errno))\" and "
                    + "nothing else came back. Is the server running, and on this port?")
        }
    }
}
