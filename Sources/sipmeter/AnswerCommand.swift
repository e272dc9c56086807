import ArgumentParser
import Datagrams
import Glibc
import Latency
import LoadRun
import Observations
import Scenarios
import UDPTransport
import UserAgent

struct AnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "The answering side (UAS), with a capacity and with faults.",
        discussion: """
            Examples:
              sipmeter answer                        on 127.0.0.1:5060, at once
              sipmeter answer --listen 0.0.0.0:5060  on every address
              sipmeter answer --capacity fixed:1.4ms one worker, 1.4 ms an INVITE
              sipmeter answer --drop 5% --status 486=10% --seed 7
            """)

    @Option(help: "ADDRESS:PORT to answer on.")
    var listen = "127.0.0.1:5060"

    @Option(
        help: "unlimited, asterisk-2014, or fixed: with the time an INVITE takes. (default: unlimited)",
        transform: Arguments.capacity)
    var capacity = Arguments.Capacity(name: "unlimited", profile: .unlimited)

    @Option(help: "A scenario file (SIPp's XML), or the name of a standard one.")
    var scenario = "uas"

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
    }

    func run() throws {
        try Session.main {
            guard let address = NameResolution.numeric(listen, defaultPort: 5060) else {
                throw RunFailure(
                    .usage, "--listen \(listen): an address with its port is wanted, as in 127.0.0.1:5060 or [::1]:5060"
                )
            }
            if endWithParent { try SignalTrap.endWithParent() }
            let worker = try start(address)
            let wakeup = try Wakeup()
            try SignalTrap.set(poking: wakeup)
            Terminal.print(
                "sipmeter answer: listening on \(worker.address) udp; capacity \(capacity.name); scenario \(scenario); ^C ends"
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
            return try ServerWorker(binding: address, window: batch) { bound in
                // A wildcard is no address for a Contact: the one this machine would call from is.
                let own = bound.isUnspecified ? try Self.ownAddress(like: bound) : bound
                var constants = RunConstants(remoteHost: own.host, remote: own, local: own, processID: getpid())
                constants.version = "sipmeter \(Sipmeter.version)"
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
                let configuration = EngineConfiguration(
                    run: RunIdentity.make(), start: SystemClock.monotonic(), sources: [own])
                return AnsweringServer(
                    program: program, configuration: configuration, capacity: capacity.profile, faults: faults,
                    seed: seed)
            }
        } catch let error as SystemError {
            let advice = error.errno == EADDRINUSE ? "; another program has that port, choose one with --listen" : ""
            throw RunFailure(.unreachable, "cannot listen on \(address): \(SystemError.text(of: error.errno))\(advice)")
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
            "datagrams received \(counters.datagramsReceived), sent \(counters.datagramsSent); repeats received "
                + "\(counters.repeatsReceived), responses sent again \(counters.responsesRetransmitted)",
        ]
        let odd: [(String, UInt64)] = [
            ("lost on purpose", figures.dropped), ("lost because the queue was full", figures.overflowed),
            ("dropped by the kernel", counters.receiveQueueDrops), ("stray", counters.stray),
            ("malformed", counters.malformed), ("sends refused", counters.sendErrors),
        ]
        let present = odd.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
        if !present.isEmpty { lines.append(present.joined(separator: ", ")) }
        Terminal.print(lines.joined(separator: "\n"))
    }
}
