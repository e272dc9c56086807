import ArgumentParser
import Datagrams
import Glibc
import Latency
import LoadRun
import Observations
import SIP
import Scenarios
import StreamTransport
import UDPTransport
import UserAgent

struct AnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "The answering side (UAS), with a capacity and with faults.",
        discussion: """
            Examples:
              sipmeter answer                         on 127.0.0.1:5060, at once
              sipmeter answer --listen 0.0.0.0:5060   on every address
              sipmeter answer --capacity fixed:1.4ms  one worker, 1.4 ms an INVITE
              sipmeter answer --drop 5% --status 486=10% --seed 7
              sipmeter answer --transport tls --tls-cert server.pem --tls-key server.key
            """)

    @Option(help: "ADDRESS:PORT to answer on. (default: 127.0.0.1:5060; with TLS 5061)")
    var listen: String?

    @Option(help: "udp, tcp or tls.")
    var transport = TransportProtocol.udp

    @OptionGroup var tls: TLSOptions

    @Option(
        help: "unlimited, asterisk-2014, or fixed: with the time an INVITE takes. (default: unlimited)",
        completion: Arguments.capacities,
        transform: Arguments.capacity)
    var capacity = Arguments.Capacity(name: "unlimited", profile: .unlimited)

    @Option(
        help: "A scenario file (SIPp's XML), or the name of a standard one.", completion: .file(extensions: ["xml"]))
    var scenario = "uas"

    @OptionGroup var values: ScenarioOptions

    @Option(help: "Lose this share of datagrams, in each direction.", transform: Arguments.share)
    var drop = 0.0

    @Option(help: "Lose the first N copies of every request but ACK.", transform: Arguments.count)
    var dropFirst: Int?

    @Option(
        help: "Hold back every answer this long; INVITE=300ms: only the answers to that method.",
        transform: Arguments.delay)
    var delay: Arguments.Delay?

    @Option(
        name: .customLong("status"), parsing: .singleValue,
        help: "STATUS=SHARE: refuse this share of the INVITEs; may be given several times.",
        transform: Arguments.refusal)
    var refusals: [AnswerFaults.Refusal] = []

    @Option(
        help: """
            After something arrived, let the next datagrams gather this long and answer them together: answers later by up to \
            this much, for less CPU. (default: 0s)
            """, transform: Arguments.duration)
    var batch = Nanoseconds.zero

    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 1

    @Option(
        parsing: .unconditional, help: "Stop after this time. (default: on ^C)", transform: Arguments.positiveDuration)
    var duration: Nanoseconds?

    @Flag(name: .shortAndLong, help: "No progress lines.")
    var quiet = false

    @Flag(help: .hidden)
    var endWithParent = false

    func validate() throws {
        if refusals.reduce(0, { $0 + $1.share }) > 1 {
            throw ValidationError("--status: the shares add up to more than 100%")
        }
        if transport != .tls { try tls.checkUnused(transport.rawValue) }
        if transport.isReliable, batch > .zero {
            throw ValidationError(
                "--batch gathers datagrams, and --transport \(transport.rawValue) has none; leave it out")
        }
        if transport.isReliable, drop > 0 || dropFirst != nil {
            throw ValidationError(
                "--drop loses datagrams, and over \(transport.rawValue) nothing is lost; leave it out")
        }
        if transport == .tls, tls.certificate == nil {
            throw ValidationError(
                "--transport tls needs --tls-cert FILE and --tls-key FILE; for a trial: openssl req -x509 -newkey rsa:2048 "
                    + "-nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem")
        }
        if tls.insecure || tls.serverName != nil {
            throw ValidationError("--tls-insecure and --tls-server-name are the caller's: leave them out")
        }
    }

    @OptionGroup var settings: ConfigurationOptions

    func run() throws {
        try Session.main {
            let listen = listen ?? "127.0.0.1:\(transport.defaultPort)"
            guard let address = NameResolution.numeric(listen, defaultPort: transport.defaultPort) else {
                throw RunFailure(
                    .usage, "--listen \(listen): an address with its port is wanted, as in 127.0.0.1:5060 or [::1]:5060"
                )
            }
            if endWithParent { try SignalTrap.endWithParent() }
            let worker = try start(address)
            let wakeup = try Wakeup()
            try SignalTrap.set(poking: wakeup)
            Terminal.print(
                "sipmeter answer: listening on \(worker.address) \(transport.rawValue); capacity \(capacity.name); scenario \(scenario); ^C ends"
            )
            try wait(worker, wakeup)
            report(worker.stop())
        }
    }

    private func start(_ address: SocketAddress) throws -> ServerWorker {
        let file = try ScenarioFiles.load(scenario)
        var faults = AnswerFaults()
        faults.drop = drop
        faults.dropFirst = dropFirst ?? 0
        faults.delay = delay?.length ?? .zero
        faults.delayed = delay?.method
        faults.refusals = refusals
        do {
            return try ServerWorker(
                binding: address, over: transport, window: batch, tls: tls.settings, onNote: Self.note
            ) { bound in
                // A wildcard is no address for a Contact: the one this machine would call from is.
                let own = bound.isUnspecified ? try Self.ownAddress(like: bound) : bound
                var constants = RunConstants(remoteHost: own.host, remote: own, local: own, processID: getpid())
                constants.version = "sipmeter \(Sipmeter.version)"
                constants.transport = "\(transport.viaName)"
                try values.fill(&constants, for: file)
                let program: Program
                do throws(ScenarioError) { program = try file.compile(constants) } catch {
                    throw RunFailure(error)
                }
                guard program.role == .server else {
                    throw RunFailure(
                        .badScenario,
                        "\(scenario) begins with a send: it places calls. Run it with: sipmeter run --scenario \(scenario)"
                    )
                }
                if transport.isReliable {
                    for notice in StreamNotices.lengths(program, of: scenario, transport) {
                        Terminal.complain("notice: \(notice)")
                    }
                }
                var configuration = EngineConfiguration(
                    run: RunIdentity.make(), start: SystemClock.monotonic(), sources: [own])
                configuration.transport = transport
                configuration.seed = seed
                (configuration.wallStart, configuration.utcOffset) = LocalTime.at(configuration.start)
                DigestCredentials().join(&configuration)
                return AnsweringServer(
                    program: program, configuration: configuration, capacity: capacity.profile, faults: faults,
                    seed: seed)
            }
        } catch let error as SystemError {
            let advice = error.errno == EADDRINUSE ? "; another program has that port, choose one with --listen" : ""
            throw RunFailure(.unreachable, "cannot listen on \(address): \(SystemError.text(of: error.errno))\(advice)")
        }
    }

    /// On the answering thread: a command starts at once, and what is logged goes out as it comes.
    private static let note: @Sendable (ScenarioNote, String) -> Void = { note, text in
        switch note.kind {
        case .command: ScenarioCommands.start(text)
        case .log, .warning, .error: Terminal.complain("call \(note.call) \(note.kind): \(text)")
        }
    }

    static func ownAddress(like bound: SocketAddress) throws -> SocketAddress {
        let elsewhere =
            bound.family == .ipv4
            ? SocketAddress(ipv4: 0xC000_0201, port: 9)  // 192.0.2.1, documentation: nothing is sent
            : SocketAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1, port: 9)
        if let own = try? NameResolution.localAddress(towards: elsewhere) { return own.withPort(bound.port) }
        return bound.family == .ipv4
            ? .loopback(port: bound.port) : SocketAddress(ipv6High: 0, low: 1, port: bound.port)
    }

    private func wait(_ worker: ServerWorker, _ wakeup: Wakeup) throws {
        var poller = try Poller(receiving: [], wakeup: wakeup)
        let start = SystemClock.monotonic()
        var second = start
        var last = ServerWorker.Figures()
        while SignalTrap.interruptions == 0 {
            second = second + .seconds(1)
            let end = duration.map { start + $0 } ?? .distantFuture
            while SignalTrap.interruptions == 0, SystemClock.monotonic() < min(second, end) {
                _ = poller.wait(until: min(second, end))
            }
            if SystemClock.monotonic() >= end { return }
            let figures = worker.figures
            if figures.stopRequest != .none { return }
            // Nothing happened: nothing to say.
            if !quiet, figures.counters != last.counters { Terminal.progress(line(figures, since: last)) }
            last = figures
        }
    }

    private func line(_ figures: ServerWorker.Figures, since last: ServerWorker.Figures) -> String {
        let counters = figures.counters
        return
            "calls \(counters.started) (+\(counters.started - last.counters.started)/s) ended ok \(counters.ok) failed "
            + "\(counters.failed) open \(figures.openCalls) queued \(figures.queued) repeats in \(counters.repeatsReceived) "
            + "out \(counters.responsesRetransmitted)"
    }

    private func report(_ figures: ServerWorker.Figures) {
        let counters = figures.counters
        var lines = [
            "calls \(counters.started), ended ok \(counters.ok), failed \(counters.failed), still open \(figures.openCalls)",
            "\(transport.isReliable ? "messages" : "datagrams") received \(counters.datagramsReceived), sent \(counters.datagramsSent); repeats received "
                + "\(counters.repeatsReceived), responses sent again \(counters.responsesRetransmitted)",
        ]
        let odd: [(String, UInt64)] = [
            ("lost on purpose", figures.dropped), ("lost because the queue was full", figures.overflowed),
            ("dropped by the kernel", counters.receiveQueueDrops), ("stray", counters.stray),
            ("malformed", counters.malformed), ("sends refused", counters.sendErrors),
        ]
        let present = odd.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
        if !present.isEmpty { lines.append(present.joined(separator: ", ")) }
        if transport.isReliable { lines += figures.streams.notes(transport) }
        Terminal.print(lines.joined(separator: "\n"))
    }
}

extension TransportProtocol: ExpressibleByArgument {}
