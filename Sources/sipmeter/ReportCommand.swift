import ArgumentParser
import LoadRun
import RunArchive
import RunReports

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Draws the page of a run again.",
        discussion: """
            Writes report.html into the directory of a run, sweep, analyze or explain:
            one file that needs no network. A run that was killed has one, too, from
            the rows it left.

            Examples:
              sipmeter report runs/20261123T202559Z-sweep
              sipmeter report runs/*-run-400cps
            """)

    @Argument(help: "Directories of runs.") var directories: [String]

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
