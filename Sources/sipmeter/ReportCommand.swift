import ArgumentParser
import Glibc
import LoadRun
import Reports
import RunArchive
import RunReports
import UDPTransport

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Draws the page of a run again.",
        discussion: """
            Writes report.html into the directory of a run, sweep, find-max, analyze or
            explain: one file that needs no network. A run that was killed has one, too,
            from the rows it left.

            Examples:
              sipmeter report runs/20261123T202559Z-sweep
              sipmeter report runs/*-run-400cps
            """)

    @Argument(help: "Directories of runs.", completion: .directory) var directories: [String]

    @OptionGroup var settings: ConfigurationOptions

    func run() throws {
        try Session.main {
            for directory in directories {
                var path = directory
                while path.count > 1, path.hasSuffix("/") { path.removeLast() }
                try ReportHook.write(path) { Terminal.print($0) }
            }
        }
    }
}

/// Draws a directory's pages at the end of whatever filled it.
enum ReportHook {
    /// `told` each page's path.
    static func write(_ directory: String, telling told: (String) -> Void = { _ in }) throws {
        try ReportPages.draw(directory, version: Sipmeter.version) { path, page in
            try OutputFile.create(path, holding: page)
            told(path)
        }
    }
}

extension ReportHook {
    /// The same at the end of a run: what cannot be written is told like any other file of it.
    static func finish(_ directory: String, _ outcome: inout LoadLevel.Outcome) {
        // Where files could not be written the disk is full, or gone.
        if outcome.failure != nil { return }
        do { try write(directory) } catch let failure as RunFailure {
            outcome.noteFailure(failure)
        } catch {
            Terminal.complain("error: no report.html: \(error)")
        }
    }

    /// For a directory of which nobody placed the calls.
    static func finish(_ directory: String, from sources: [String]) throws {
        // The recordings may be joined into the directory of the caller's run, which has its own.
        if access(directory + "/manifest.json", F_OK) != 0 {
            try PlainManifest.write(
                to: directory, commandLine: EffectiveWords.all, version: Sipmeter.version,
                begun: SystemClock.wall(), adding: [("sources", .array(sources.map { .string($0) }))])
        }
        try write(directory)
    }
}
