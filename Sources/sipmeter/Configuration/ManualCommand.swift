import ArgumentParser
import Configuration
import Datagrams
import LoadRun
import UDPTransport

/// Writes the manual's pages; for whoever packs the program.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Writes the pages of the manual into a directory.",
        discussion: """
            Examples:
              sipmeter manual --out man/
            """, shouldDisplay: false)

    @Option(name: [.customLong("out"), .customShort("o")], help: "The directory.", completion: .directory)
    var out: String

    @Option(help: "The date on the pages, as in 2026-11-24. (default: today)")
    var date: String?

    @OptionGroup var settings: ConfigurationOptions

    func run() throws {
        try Session.main {
            try RunDirectory.create(out)
            let date = date ?? String(RunDirectory.utc(SystemClock.wall()).prefix(10))
            let program = ManualPage.Program(
                version: Sipmeter.version, date: date,
                exitStatus: LoadRun.ExitCode.allCases.map { ($0.rawValue, $0.meaning) }, files: Self.files)
            for (file, text) in ManualPage.all(of: .ofThisProgram(), program) {
                var bytes = ByteBuffer(capacity: 1 << 14)
                bytes.append(text: text)
                try OutputFile.create("\(out)/\(file)", holding: bytes)
            }
        }
    }

    private static let files = [
        ("runs/<UTC>-<what>/", "The directory of a run, where --out names no other."),
        (
            "summary.txt, summary.json",
            "What the terminal showed at the end, and the same for programs: verdict, thresholds, calls, times."
        ),
        ("report.html", "The same as a page with pictures, in one file that needs no network."),
        ("rtt.csv", "A row a call, also of those that failed."),
        ("intervals.csv", "A row a second."),
        ("retransmissions.csv", "A row for every request or response sent again."),
        ("manifest.json", "What was run, on what, with which rights: to repeat it."),
        ("junit.xml", "Thresholds and verdict for a CI server, where there is a threshold."),
        ("rtt.svg, sweep.svg", "Pictures of the response times."),
    ]
}

extension LoadRun.ExitCode {
    fileprivate var meaning: String {
        switch self {
        case .ok: "It ran, and the result can be trusted."
        case .thresholdFailed: "A threshold was not kept, or a rule of --check-timers broken."
        case .generatorWasTheBottleneck: "The generator was the bottleneck: the figures are not the target's."
        case .aborted: "Stopped by --abort-on, or by the scenario's action error."
        case .usage: "The command line is wrong."
        case .badScenario: "A scenario, configuration or capture cannot be read."
        case .unreachable: "The target cannot be reached, or a local port is taken."
        case .cannotWrite: "Output could not be written. Rows written before stay."
        case .missingPrivilege: "A privilege is missing; the complaint says which command grants it."
        case .interrupted: "Interrupted, after open calls had ended."
        }
    }
}
