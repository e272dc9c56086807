import Datagrams
import Glibc
import LoadRun
import Observations
import SIP
import Scenarios
import SippMode
import UDPTransport
import UserAgent

/// One run in SIPp's way: what its options ask for, on the engines of `sipmeter run` and `sipmeter answer`.
struct SippJob {
    private let arguments: SippArguments
    private let scenario: Scenario
    private let steps: [SippStep]
    private let clock: SippClock

    init(_ arguments: SippArguments, _ scenario: Scenario) {
        self.arguments = arguments
        self.scenario = scenario
        steps = SippStep.steps(of: scenario)
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        clock = SippClock(offset: .seconds(Int64(parts.tm_gmtoff)))
    }

    /// Of a call: its pauses together.
    private var callLength: Nanoseconds {
        steps.reduce(.zero) { sum, step in
            if case .pause(let length) = step.kind { sum + (length ?? arguments.pause) } else { sum }
        }
    }

    private func board(_ program: Program, openCallLimit: Int) throws -> SippBoard {
        let statistics = SippStatistics(
            isServer: scenario.role == .server, steps: steps, responseTimeNames: program.responseTimeNames,
            responseTimeBorders: scenario.responseTimeBorders, callLengthBorders: scenario.callLengthBorders,
            start: SystemClock.wall())
        return try SippBoard(arguments, statistics, openCallLimit: openCallLimit, clock: clock)
    }

    /// The names and numbers of a program do not depend on addresses.
    private func sketch() throws(RunFailure) -> Program {
        let nowhere = SocketAddress.loopback(port: 5060)
        let constants = RunConstants(remoteHost: nowhere.host, remote: nowhere, local: nowhere, keys: keys)
        do throws(ScenarioError) { return try scenario.compile(constants) } catch { throw RunFailure(error) }
    }

    private var keys: [String: String] {
        Dictionary(arguments.keys.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// `-auth_uri` is given without its scheme.
    private var digestURI: String? { arguments.authenticationURI.map { "sip:\($0)" } }

    private var logsMessages: Bool {
        arguments.messages.isOn || arguments.shortMessages.isOn || arguments.controlPort != nil
    }

    // MARK: calling

    func call() throws -> Int32 {
        let limit = arguments.openCalls(at: arguments.callsPerSecond, length: callLength)
        let board = try board(try sketch(), openCallLimit: limit)
        let setup = try RunSetup(options(limit))
        let run = RunControl(watchesSignals: false)
        let wakeup = try Wakeup()
        try SignalTrap.set(poking: wakeup)
        let control = try SippControl(arguments, board: board, run: run, wakeup: wakeup, callLength: callLength)
        // The engine's schedule knows no rate of 0 to begin with.
        if arguments.callsPerSecond == 0 { run.change { $0.rate = 0 } }
        let level = LoadLevel(
            setup: setup, rate: max(arguments.callsPerSecond, 0.000001), directory: nil, control: run, wakeup: wakeup)
        try control.begin()
        defer { control.end() }
        _ = try level.run(
            begin: { board.begin(port: $0.port, remote: "\(setup.target)", lead: LoadLevel.lead) },
            onJournal: { board.record($0) }, progress: { _ in })
        control.end()
        return try conclude(board, control)
    }

    private func options(_ openCallLimit: Int) -> RunOptions {
        var options = RunOptions(scenario: scenario, scenarioName: arguments.baseName, serverScenario: scenario)
        options.target = arguments.remote.map {
            RunOptions.Target(text: $0.host, host: $0.host, port: $0.port, user: arguments.service)
        }
        options.nextHop = arguments.sendTo.map {
            RunOptions.Target(text: $0.host, host: $0.host, port: $0.port, user: arguments.service)
        }
        options.rates = [arguments.callsPerSecond]
        options.duration = .seconds(Self.forever)
        options.drainTimeout = .seconds(Self.forever)
        options.callLimit = arguments.callLimit
        options.forgetsUnsent = true
        options.maxConcurrent = openCallLimit
        options.hold = arguments.pause
        options.sources = arguments.localHost
        options.localPort = arguments.localPort ?? 5060
        options.localPortSpan = arguments.localPort == nil ? Self.portsTried - 1 : 0
        options.timers.t2 = arguments.t2 ?? options.timers.t2
        options.tagging = .off
        options.keepsGoing = true
        options.ignoresICMP = true
        options.logsMessages = logsMessages
        options.keepsMessages = true
        options.autoAnswers = arguments.autoAnswers
        options.isBare = !arguments.hasDefaultBehaviours
        options.firstCSeq = arguments.firstCSeq
        options.receiveTimeout = arguments.receiveTimeout
        options.sendsOnce = !arguments.retransmits
        options.receiveBuffer = arguments.receiveBuffer
        options.mediaPort = arguments.mediaPort
        options.mediaHost = arguments.mediaHost
        options.authenticationUser = arguments.authenticationUser
        options.authenticationPassword = arguments.authenticationPassword
        options.authenticationURI = digestURI
        options.keys = keys
        options.version = Sipmeter.version
        return options
    }

    /// Ten years: a run ends by -m, -timeout or somebody's word.
    private static let forever: Int64 = 10 * 365 * 86_400
    private static let portsTried: UInt16 = 60

    // MARK: answering

    func answer() throws -> Int32 {
        let board = try board(try sketch(), openCallLimit: 0)
        let run = RunControl(watchesSignals: false)
        let wakeup = try Wakeup()
        try SignalTrap.set(poking: wakeup)
        let control = try SippControl(arguments, board: board, run: run, wakeup: wakeup, callLength: .zero)
        let recording = ServerWorker.Recording(logsMessages: logsMessages) { board.record($0) }
        let server = try startServer(recording)
        board.begin(port: server.address.port, remote: "", lead: .zero)
        do {
            try control.begin()
        } catch {
            _ = server.stop()
            throw error
        }
        wait(for: server, run, wakeup)
        _ = server.stop()
        control.end()
        return try conclude(board, control)
    }

    private func startServer(_ recording: ServerWorker.Recording) throws -> ServerWorker {
        let host = arguments.localHost ?? "0.0.0.0"
        guard let address = NameResolution.numeric(host, defaultPort: arguments.localPort ?? 5060) else {
            throw SippComplaint.fatal("-i \(host): an address of this machine is wanted")
        }
        if arguments.localPort != nil { return try startServer(on: address, recording) }
        for step in 0..<Self.portsTried {
            if let server = try? startServer(on: address.withPort(address.port &+ step), recording) { return server }
        }
        return try startServer(on: address.withPort(0), recording)
    }

    private func startServer(on address: SocketAddress, _ recording: ServerWorker.Recording) throws -> ServerWorker {
        do {
            return try ServerWorker(binding: address, recording: recording) { bound in
                let own = bound.isUnspecified ? try AnswerCommand.ownAddress(like: bound) : bound
                var constants = RunConstants(
                    service: arguments.service, remoteHost: own.host, remote: own, local: own,
                    mediaPort: arguments.mediaPort, processID: getpid(), keys: keys)
                constants.version = "sipmeter \(Sipmeter.version)"
                constants.mediaHost = arguments.mediaHost
                constants.username = arguments.authenticationUser
                constants.password = arguments.authenticationPassword
                constants.digestURI = digestURI
                var program: Program
                do throws(ScenarioError) { program = try scenario.compile(constants) } catch {
                    throw RunFailure(error)
                }
                if let timeout = arguments.receiveTimeout { program.setDefaultReceiveTimeout(timeout) }
                if !arguments.retransmits { program.removeRetransmissions() }
                var server = AnsweringServer(
                    program: program, configuration: configuration(own), recordsCalls: true)
                server.uas.callLimit = arguments.callLimit ?? .max
                return server
            }
        } catch let error as SystemError {
            throw RunFailure(
                .unreachable, "cannot listen on \(address): \(SystemError.text(of: error.errno))",
                isAddressInUse: error.errno == EADDRINUSE)
        }
    }

    private func configuration(_ own: SocketAddress) -> EngineConfiguration {
        var configuration = EngineConfiguration(
            run: RunIdentity.make(), start: SystemClock.monotonic(), sources: [own])
        configuration.hold = arguments.pause
        configuration.keepsMessages = true
        configuration.autoAnswers = arguments.autoAnswers
        configuration.isBare = !arguments.hasDefaultBehaviours
        configuration.firstCSeq = arguments.firstCSeq
        if let t2 = arguments.t2 { configuration.timers.t2 = t2 }
        (configuration.wallStart, configuration.utcOffset) = LocalTime.at(configuration.start)
        DigestCredentials().join(&configuration)
        return configuration
    }

    /// Until somebody ends it, or `-m` calls have ended and the scenario's timewait is over.
    private func wait(for server: ServerWorker, _ run: RunControl, _ wakeup: Wakeup) {
        guard var poller = try? Poller(receiving: [], wakeup: wakeup) else { return }
        var idleSince: MonotonicInstant?
        while run.stage < .stopping {
            let now = SystemClock.monotonic()
            let figures = server.figures
            let isIdle = figures.openCalls == 0
            if run.stage == .draining, isIdle { return }
            if isIdle, let limit = arguments.callLimit, figures.counters.started >= limit {
                let since = idleSince ?? now
                idleSince = since
                if now - since >= timewait { return }
            } else {
                idleSince = nil
            }
            _ = poller.wait(until: now + .milliseconds(50))
        }
    }

    /// How long ended calls are to answer repeats.
    private var timewait: Nanoseconds {
        for step in scenario.steps {
            if case .timewait(let pause) = step.kind {
                switch pause.length {
                case .fixed(let length): return length
                case .runDefault, .variable, .sampled: return arguments.pause
                }
            }
        }
        return .zero
    }

    // MARK: the end

    private func conclude(_ board: SippBoard, _ control: SippControl) throws -> Int32 {
        let ended = board.totals.successful + board.totals.failed
        Terminal.print(board.finish(hasTimedOut: control.hasTimedOut, dumpsScreens: arguments.screens.isOn))
        if let failure = board.failure { throw failure }
        if control.hasTimedOut {
            if arguments.timeoutIsError {
                Terminal.complain("error: -timeout came before the run had ended")
                return SippExit.fatal
            }
            if ended == 0 { return SippExit.noCalls }
        }
        return board.totals.failed > 0 ? SippExit.failed : SippExit.ok
    }
}
