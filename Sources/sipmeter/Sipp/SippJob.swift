import Datagrams
import Glibc
import LoadRun
import Observations
import SIP
import Scenarios
import SippMode
import StreamTransport
import UDPTransport
import UserAgent

extension SippArguments.Transport {
    var sip: TransportProtocol {
        switch self {
        case .u1, .un: .udp
        case .t1, .tn: .tcp
        case .l1, .ln: .tls
        }
    }
}

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
        var constants = RunConstants(remoteHost: nowhere.host, remote: nowhere, local: nowhere)
        try fill(&constants)
        do throws(ScenarioError) { return try scenario.compile(constants) } catch { throw RunFailure(error) }
    }

    private var keys: [String: String] {
        Dictionary(arguments.keys.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// What the scenario is given from outside.
    private func fill(_ constants: inout RunConstants) throws(RunFailure) {
        constants.keys = keys
        constants.globals = globals
        constants.injections = try injections()
        constants.files = ScenarioFiles.contents(of: scenario.shownFiles)
        constants.allowsCommands = arguments.allowsCommands
        constants.username = arguments.authenticationUser
        constants.password = arguments.authenticationPassword
        constants.digestURI = digestURI
        constants.mediaHost = arguments.mediaHost
        constants.version = "sipmeter \(Sipmeter.version)"
    }

    private var globals: [(name: String, text: String)] { arguments.globals.map { ($0.name, $0.value) } }

    private func injections() throws(RunFailure) -> [Injection] {
        try ScenarioFiles.injections(
            arguments.injections, indices: arguments.indices.map { ($0.name, Int($0.value) ?? 0) }, option: "-infindex")
    }

    private var transport: TransportProtocol { arguments.transport.sip }

    /// Without `-tls_ca` SIPp verifies nothing; a server has its certificate in two files of these names.
    private var tls: TLSSettings {
        var settings = TLSSettings()
        settings.verifies = arguments.authorities != nil
        settings.authorities = arguments.authorities
        settings.certificate = arguments.certificate
        settings.key = arguments.key
        if scenario.role == .server, settings.certificate == nil {
            settings.certificate = "cacert.pem"
            settings.key = "cakey.pem"
        }
        return settings
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
        let outcome = try level.run(
            begin: { board.begin(port: $0.port, remote: "\(setup.target)", lead: LoadLevel.lead) },
            onJournal: { board.record($0) }, progress: { _ in })
        control.end()
        let stop: StopRequest =
            outcome.report.scenarioFailed ? .failed : outcome.report.scenarioStopped ? .now : .none
        return try conclude(board, control, stop)
    }

    private func options(_ openCallLimit: Int) throws(RunFailure) -> RunOptions {
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
        setTransport(&options)
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
        options.users = arguments.users
        options.globals = globals
        options.injections = try injections()
        options.files = ScenarioFiles.contents(of: scenario.shownFiles)
        options.allowsCommands = arguments.allowsCommands
        options.loss = arguments.loss
        options.version = Sipmeter.version
        return options
    }

    private func setTransport(_ options: inout RunOptions) {
        options.tls = tls
        options.needsConnection = true
        switch arguments.transport {
        case .u1, .un:
            options.localPort = arguments.localPort ?? 5060
            options.localPortSpan = arguments.localPort == nil ? Self.portsTried - 1 : 0
        case .t1, .l1:
            options.transport = arguments.transport == .t1 ? .tcp : .tls
            options.localPort = arguments.localPort ?? 0
        case .tn, .ln:
            options.transport = arguments.transport == .tn ? .tcp : .tls
            options.connections = .perCall
        }
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
        let figures = server.stop()
        control.end()
        return try conclude(board, control, figures.stopRequest)
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
            return try ServerWorker(
                binding: address, over: transport, tls: tls, recording: recording, onNote: Self.startCommands
            ) { bound in
                let own = bound.isUnspecified ? try AnswerCommand.ownAddress(like: bound) : bound
                var constants = RunConstants(
                    service: arguments.service, remoteHost: own.host, remote: own, local: own,
                    transport: "\(transport.viaName)", mediaPort: arguments.mediaPort, processID: getpid())
                try fill(&constants)
                var program: Program
                do throws(ScenarioError) { program = try scenario.compile(constants) } catch {
                    throw RunFailure(error)
                }
                if let timeout = arguments.receiveTimeout { program.setDefaultReceiveTimeout(timeout) }
                if !arguments.retransmits { program.removeRetransmissions() }
                program.setDefaultLoss(arguments.loss)
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

    private static let startCommands: @Sendable (ScenarioNote, String) -> Void = { note, text in
        switch note.kind {
        case .command: ScenarioCommands.start(text)
        case .log, .warning, .error: break
        }
    }

    private func configuration(_ own: SocketAddress) -> EngineConfiguration {
        var configuration = EngineConfiguration(
            run: RunIdentity.make(), start: SystemClock.monotonic(), sources: [own])
        configuration.transport = transport
        (configuration.wallStart, configuration.utcOffset) = LocalTime.at(configuration.start)
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
            switch figures.stopRequest {
            case .none: break
            case .gracefully: if isIdle { return }
            case .now, .failed: return
            }
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

    /// - Parameter stop: what the scenario itself asked for.
    private func conclude(_ board: SippBoard, _ control: SippControl, _ stop: StopRequest) throws -> Int32 {
        let ended = board.totals.successful + board.totals.failed
        Terminal.print(board.finish(hasTimedOut: control.hasTimedOut, dumpsScreens: arguments.screens.isOn))
        if let failure = board.failure { throw failure }
        switch stop {
        case .none, .gracefully: break
        case .now: return SippExit.noCalls
        case .failed:
            Terminal.complain("error: the scenario ended the run: \(board.error ?? "")")
            return SippExit.fatal
        }
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
