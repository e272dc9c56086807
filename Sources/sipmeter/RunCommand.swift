import ArgumentParser
import Datagrams
import Latency
import LoadRun
import Reports

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "One load level.",
        discussion: """
            Examples:
              sipmeter run --rate 400              against the built-in model
              sipmeter run 192.0.2.5 --rate 400    against a server
              sipmeter run 192.0.2.5 --threshold 'rtt.p99<50ms' --threshold 'ser>=99%'
                                                   exit code 2 where one is not kept
              sipmeter run 192.0.2.5 --rate 400 --abort-on 'rtt.p99>2s for 5s'
                                                   stops early; exit code 4
              sipmeter run --config lab.json5      options from a file
              sipmeter run sip:alice@pbx.example:5080 --rate 20 --hold 3s --poisson
              sipmeter run 192.0.2.5 --rate 200 --tag-control 50%
                                                   does the call tag itself slow calls?
            """)

    @Option(
        name: [.long, .customShort("r")], parsing: .unconditional, help: "Calls per second. (default: 100)",
        transform: Arguments.rate)
    var rate = 100.0

    @Option(
        help: "So many users in place of a rate: each has one call at a time and places the next when it has ended.",
        transform: Arguments.count)
    var users: Int?

    @OptionGroup var load: LoadOptions
    @OptionGroup var sharing: ShardOptions
    @OptionGroup var gate: ThresholdOptions
    @OptionGroup var abort: AbortOptions

    func validate() throws {
        if users != nil, load.connections == .perCall {
            throw ValidationError(
                "--users: over TCP and TLS users share one connection; leave out --connections per-call")
        }
        if users != nil, load.poisson {
            throw ValidationError("--users: a user's next call begins when the last has ended; leave out --poisson")
        }
        if let users, users > load.maxConcurrent {
            throw ValidationError("--users \(users) are more than --max-concurrent allows calls at once")
        }
    }

    func run() throws {
        try Session.main {
            var options = try load.runOptions(rates: [rate])
            options.users = users
            options.thresholds = gate.thresholds
            options.abortRules = abort.rules
            let what = users.map { "\($0)users" } ?? "\(DecimalText.trimmed(rate))cps"
            let directory = try sharing.apply(to: &options, what: "run-\(what)")
            let setup = try RunSetup(options)
            let session = try Session(setup, load, command: "run")
            for notice in abort.notices(rates: users == nil ? [rate] : []) { Terminal.complain("notice: \(notice)") }
            var outcome = try session.level(rate, in: directory, at: options.startAt) {
                session.announce("run", rates: [rate])
            }
            if session.hasResult(outcome) { Terminal.print(session.text(of: outcome.summary)) }
            do throws(RunFailure) { try gate.writeJUnit("run", [outcome], to: directory, session) } catch {
                outcome.noteFailure(error)
            }
            ReportHook.finish(directory, &outcome)
            session.listFiles(
                directory,
                [
                    "report.html", "failures/", "rtt.csv", "intervals.csv", "retransmissions.csv", "split.csv",
                    "tag_control.csv",
                    "rtt.hlog", "summary.json", "summary.txt", "scenario.log", "rtt.svg", "junit.xml",
                    "manifest.json",
                ])
            try session.conclude([outcome])
        }
    }
}
