import ArgumentParser
import Breakdown
import Datagrams
import Glibc
import KernelTrace
import LoadRun
import SIP
import UDPTransport

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Where the response time of each request went, and why.",
        discussion: """
            Runs a load and watches the server from inside the kernel: it must be on
            this machine, in whatever network namespace or container. Every request is
            cut into blocks (driver, protocol, socket wait, application, reply), and the
            socket wait into its causes.

            Examples:
              sipmeter explain                          the built-in model
              sipmeter explain 192.0.2.2 --rate 500 --duration 10s
              sipmeter explain 192.0.2.2 --rate 500 --batch 16ms
                                                        the same in bursts of eight
              sipmeter explain --watch 5060             a server under others' load
              sipmeter explain --watch 5060 --record guest.trace
              sipmeter explain --watch 5060 --vm-tap vnet0 --record host.trace
                                                        both ends of a virtual machine
              sipmeter explain --join host.trace guest.trace runs/client/

            Needs CAP_BPF and CAP_PERFMON (and CAP_NET_RAW for the call tag); without
            them it says what they would show, and measures at the interface alone.
            """)

    @Option(
        name: [.long, .customShort("r")], parsing: .unconditional, help: "Calls per second. (default: 400)",
        transform: Arguments.rate)
    var rate = 400.0

    @Option(
        help:
            "Places no calls: for --duration watches the server that has this port, under whatever load it is. PORT or ADDRESS:PORT.",
        transform: Self.watched)
    var watch: Watched?

    @Option(
        help: "Writes what the probes see into this file as well, to be joined with other hosts' by --join.",
        completion: .file())
    var record: String?

    @Option(
        parsing: .upToNextOption,
        help: "Puts recordings of several hosts, and the directory of the caller's run, together by the call tag.",
        completion: .file())
    var join: [String] = []

    @Option(
        help:
            "This machine carries the server in a virtual machine behind this interface, as vnet0; only with --watch.",
        completion: Arguments.interfaces
    )
    var vmTap: String?

    @Option(
        name: .customLong("pid"), parsing: .singleValue,
        help: "A process of the server's that has not its port open; may be given several times.")
    var processes: [UInt32] = []

    @Option(help: "Which response ends a request's time: first (a 100 counts) or final.")
    var until = UntilArgument.final

    @Option(
        help: "The highest rung to stand on: functions (fentry and raw tracepoints), tracepoints, or taps (no probes).")
    var rung = RungArgument.functions

    @Option(
        help: "Afterwards, N rounds with the probes and N without, in turn: what the probes themselves cost. (0: none)")
    var costRounds = 0

    @OptionGroup var load: LoadOptions

    enum UntilArgument: String, ExpressibleByArgument, CaseIterable { case first, final }

    enum RungArgument: String, ExpressibleByArgument, CaseIterable {
        case functions, tracepoints, taps

        var highest: TraceSource.Rung {
            switch self {
            case .functions: .functionEntries
            case .tracepoints: .rawTracepoints
            case .taps: .taps
            }
        }
    }

    struct Watched: Sendable {
        var address: SocketAddress?
        var port: UInt16
    }

    static func watched(_ text: String) throws -> Watched {
        if let port = UInt16(text), port > 0 { return Watched(address: nil, port: port) }
        guard let address = NameResolution.numeric(text, defaultPort: 5060) else {
            throw ValidationError("it takes a port, or an address with its port, as in 5060 or 192.0.2.2:5060")
        }
        return Watched(address: address, port: address.port)
    }

    func validate() throws {
        if watch != nil, load.target != nil {
            throw ValidationError("--watch places no calls: leave the target out, or leave out --watch")
        }
        if !join.isEmpty, watch != nil || load.target != nil || record != nil {
            throw ValidationError("--join takes recordings alone: leave out the target, --watch and --record")
        }
        if load.transport.sip.isReliable {
            throw ValidationError(
                "explain follows datagrams, and --transport \(load.transport.rawValue) sends none; leave it out")
        }
        if vmTap != nil, watch == nil { throw ValidationError("--vm-tap goes with --watch") }
        if !(0...100).contains(costRounds) { throw ValidationError("--cost-rounds: it takes 0 to 100") }
        if costRounds == 1 { throw ValidationError("--cost-rounds: two rounds are the least, ten tell something") }
        if costRounds > 0, watch != nil || !join.isEmpty {
            throw ValidationError("--cost-rounds needs a load of its own: leave out --watch and --join")
        }
    }

    func run() throws {
        try Session.main {
            // Whoever started this may be killed: then it ends in order, and takes its probes along.
            if signalIsDefault(SIGHUP) { try? SignalTrap.endWithParent() }
            if !join.isEmpty {
                try ExplainJoin(command: self).run()
            } else if let watch {
                try ExplainWatch(command: self, watch: watch).run()
            } else {
                try ExplainRun(command: self).run()
            }
        }
    }

    var joining: BreakdownOptions { BreakdownOptions(end: until == .first ? .first : .final) }

    /// Under nohup it is ignored, and then the end of the parent is none of ours.
    private func signalIsDefault(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 0
    }
}
