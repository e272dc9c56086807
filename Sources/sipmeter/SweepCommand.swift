import ArgumentParser
import Datagrams
import Latency
import LoadRun
import Reports
import UDPTransport

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Several load levels one after another, and their picture.",
        discussion: """
            Examples:
              sipmeter sweep                       100, 400, 500 and 700 calls/s
                                                   against the built-in model
              sipmeter sweep 192.0.2.5 --rates 50,100,200 --duration 30s
              sipmeter sweep 192.0.2.5 --threshold 'rtt.p99<50ms' --junit junit.xml
                                                   each level is judged
            """)

    @Option(help: "Calls per second of each level, with commas. (default: 100,400,500,700)", transform: Arguments.rates)
    var rates: [Double] = [100, 400, 500, 700]

    @Option(help: "Rest between two levels for a server to settle. (default: 2s)", transform: Arguments.duration)
    var settle = Nanoseconds.seconds(2)

    @OptionGroup var load: LoadOptions
    @OptionGroup var sharing: ShardOptions
    @OptionGroup var gate: ThresholdOptions
    @OptionGroup var abort: AbortOptions

    func run() throws {
        try Session.main {
            var options = try load.runOptions(rates: rates)
            options.settle = settle
            options.thresholds = gate.thresholds
            options.abortRules = abort.rules
            let directory = try sharing.apply(to: &options, what: "sweep")
            let setup = try RunSetup(options)
            try RunDirectory.create(directory)
            let session = try Session(setup, load, command: "sweep")
            for notice in abort.notices(rates: rates) { Terminal.complain("notice: \(notice)") }
            var (outcomes, trouble) = try levels(session, in: directory)
            guard !outcomes.isEmpty else { return try session.conclude(outcomes) }
            do throws(RunFailure) {
                try write(outcomes, to: directory)
                try gate.writeJUnit("sweep", outcomes, to: directory, session)
            } catch {
                // A level's own file that could not be written is the earlier trouble, and stays what is told.
                outcomes[outcomes.count - 1].noteFailure(error)
            }
            ReportHook.finish(directory, &outcomes[outcomes.count - 1])
            if outcomes.contains(where: { session.hasResult($0) }) {
                Terminal.print(SweepText.text(outcomes.map(\.summary)))
            }
            session.listFiles(
                directory,
                ["report.html", "sweep.csv", "sweep.svg", "summary.txt", "junit.xml"]
                    + rates.prefix(outcomes.count).map { "\(Self.name($0))/" })
            if let trouble { throw trouble }
            try session.conclude(outcomes)
        }
    }

    static func name(_ rate: Double) -> String { "\(DecimalText.trimmed(rate))cps" }

    /// A level that could not begin ends the sweep: those before it stand.
    private func levels(
        _ session: Session, in directory: String
    ) throws -> (outcomes: [LoadLevel.Outcome], trouble: RunFailure?) {
        var outcomes: [LoadLevel.Outcome] = []
        let options = session.setup.options
        for (number, rate) in rates.enumerated() {
            if !outcomes.isEmpty, !session.setup.isBuiltIn, options.startAt == nil { session.rest(settle) }
            if session.wasInterrupted { break }
            let isFirst = outcomes.isEmpty
            let outcome: LoadLevel.Outcome
            do {
                outcome = try session.level(
                    rate, in: directory + "/" + Self.name(rate), at: options.start(ofLevel: number)
                ) {
                    if isFirst { session.announce("sweep", rates: rates) }
                }
            } catch let failure as RunFailure where !isFirst {
                return (outcomes, failure)
            }
            outcomes.append(outcome)
            if session.hasResult(outcome) { Terminal.print(SweepText.level(outcome.summary)) }
            if session.endsSweep(outcome) { break }
        }
        return (outcomes, nil)
    }

    private func write(_ outcomes: [LoadLevel.Outcome], to directory: String) throws(RunFailure) {
        var table = ByteBuffer(capacity: 1 << 14)
        CSV.appendSweepHeader(to: &table)
        for outcome in outcomes { CSV.appendSweepRow(outcome.summary, to: &table) }
        try OutputFile.create(directory + "/sweep.csv", holding: table)
        var plot = SweepPlot(outcomes.map(\.summary))
        for (level, outcome) in outcomes.enumerated() {
            for point in outcome.points { plot.insert(point, level: level) }
        }
        try OutputFile.create(directory + "/sweep.svg", holding: plot.svg())
        var text = ByteBuffer(capacity: 1 << 14)
        text.append(text: SweepText.text(outcomes.map(\.summary)) + "\n")
        for outcome in outcomes {
            text.append(text: "\n")
            SummaryText.append(outcome.summary, to: &text)
        }
        try OutputFile.create(directory + "/summary.txt", holding: text)
    }
}
