import Breakdown
import Datagrams
import KernelTrace
import Latency
import LoadRun
import Reports
import UDPTransport

/// Load and probes together, against a server on this machine.
struct ExplainRun {
    let command: ExplainCommand

    func run() throws {
        var options = try command.load.runOptions(rates: [command.rate])
        // The tag is what the probes read the key from; the server is here, and with it all that the datagrams pass.
        if options.tagging == .automatic, Privileges.canTag(family: .ipv4) { options.tagging = .on }
        if options.target != nil { return try explain(options) }
        let builtIn = try BuiltInServer(capacity: options.capacityName, seed: options.seed)
        options.target = RunOptions.Target(
            text: "model \(options.capacityName)", host: builtIn.address.host, port: builtIn.address.port,
            user: "service")
        Terminal.print(RunSetup.modelNote(options.capacityName))
        try explain(options)
    }

    private func explain(_ options: RunOptions) throws {
        let setup = try RunSetup(options)
        let server = try ServerSearch.find(port: setup.target.port, address: setup.target, adding: command.processes)
        let directory = command.load.out ?? RunDirectory.defaultPath("explain", at: SystemClock.wall())
        let session = try Session(setup, command.load, command: "explain")
        let watch = try ServerWatch(
            subject(setup, server), recording: command.record, capturesTo: directory, own: setup.sources.first)
        defer { _ = watch.end() }
        Terminal.print("watching \(server.name), UDP port \(setup.target.port)")
        Terminal.print(ExplainOutput.coverage(watch.source, reason: watch.reason))
        var outcome = try session.level(command.rate, in: directory) {
            session.announce("explain", rates: [command.rate])
        }
        var cost = ProbeCost()
        if let probes = watch.probes, command.costRounds > 0, session.unreachable(outcome) == nil {
            watch.pause()
            cost.measured = try CostRounds(session: session, rate: command.rate, rounds: command.costRounds)
                .measure(probes, in: directory)
        }
        let recording = watch.end()
        // Also where no answer came: how far the requests got is what is wanted most then.
        let output = ExplainOutput(
            [recording], command: command, cost: cost, counted: watch.probes?.cost,
            generator: outcome.summary.verdict)
        Terminal.print(output.text)
        try output.write(to: directory)
        ReportHook.finish(directory, &outcome)
        session.listFiles(
            directory, ["report.html"] + ExplainOutput.fileNames + ["rtt.csv", "summary.txt", "manifest.json"])
        if let failure = recording.failure { throw failure }
        try session.conclude([outcome])
    }

    private func subject(_ setup: RunSetup, _ server: LocalServer) -> ServerWatch.Subject {
        ServerWatch.Subject(
            port: setup.target.port, address: setup.target, networkNamespace: server.networkNamespace,
            processes: server.processes, tagType: command.load.tagType, tap: nil, highest: command.rung.highest)
    }
}
