import ArgumentParser
import Comparison
import Datagrams
import LoadRun
import Reports
import RunArchive
import RunReports
import UDPTransport

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "What changed from one run to another, and whether it is real.",
        discussion: """
            Sets each run against the first: how they were run, then their times with the
            chance that nothing changed. Sweeps are compared level by level.

            Examples:
              sipmeter compare runs/before runs/after
              sipmeter compare before after --fail-if 'rtt.p99>+10%'
                                                   exit code 2 where it got worse
              sipmeter compare old new newest --out comparison

            --fail-if takes rtt.mean, rtt.sd, rtt.p50, rtt.p90, rtt.p99, rtt.max, retrans
            and failed; a change of a time as +10% or +2ms, of a share as +0.5%, in calls
            of a hundred. A rule fails where the change is beyond it and more than chance.
            """)

    @Argument(
        help: "Directories of runs, or of sweeps: the first is what the others are held against.",
        completion: .directory)
    var runs: [String]

    @Option(
        name: .customLong("fail-if"), parsing: .unconditionalSingleValue,
        help: "The most that may change, as in 'rtt.p99>+10%'; several times. Exit code 2 where one fails.",
        transform: Arguments.changeRule)
    var failIf: [ChangeRule] = []

    @Option(help: "Seed of the drawings.")
    var seed: UInt64 = 1

    @Option(
        name: [.customLong("out"), .customShort("o")], help: "Directory for the files. Default: runs/<UTC>-compare.",
        completion: .directory)
    var out: String?

    @OptionGroup var settings: ConfigurationOptions

    func validate() throws {
        if runs.count < 2 { throw ValidationError("compare takes two runs or more: the first, and what changed") }
        if runs.count > 4 { throw ValidationError("compare takes four runs at most: a picture of more tells nothing") }
    }

    func run() throws {
        try Session.main {
            let levels = try ComparedLevels(runs)
            let directory = out ?? RunDirectory.defaultPath("compare", at: SystemClock.wall())
            var reports: [ComparisonReport] = []
            try RunDirectory.create(directory)
            var (files, pictures): ([String], [ByteBuffer]) = ([], [])
            for level in levels.levels {
                let drawn = try CompareLevel(level, rules: failIf, seed: seed)
                Terminal.print((reports.isEmpty ? "" : "\n") + String(drawn.text.dropLast()))
                let picture = ComparisonPlot.fileName(level: level.name)
                try OutputFile.create(directory + "/" + picture, holding: drawn.picture)
                files.append(picture)
                pictures.append(drawn.picture)
                reports.append(drawn.report)
            }
            if !levels.notices.isEmpty { Terminal.print("\n" + ComparisonText.notes(levels.notices).dropLast()) }
            try write(reports, pictures, levels.notices, to: directory)
            Session.listFiles(directory, ["report.html", "compare.txt", "compare.json"] + files)
            if reports.contains(where: \.hasFailedRule) {
                throw ExitCode(LoadRun.ExitCode.thresholdFailed.rawValue)
            }
        }
    }

    private func write(
        _ reports: [ComparisonReport], _ pictures: [ByteBuffer], _ notices: [String], to directory: String
    ) throws(RunFailure) {
        var bytes = ByteBuffer(capacity: 1 << 14)
        let notes = notices.isEmpty ? [] : [ComparisonText.notes(notices)]
        bytes.append(text: (reports.map(ComparisonText.text) + notes).joined(separator: "\n"))
        try OutputFile.create(directory + "/compare.txt", holding: bytes)
        bytes.removeAll()
        ComparisonFile.append(reports, to: &bytes)
        try OutputFile.create(directory + "/compare.json", holding: bytes)
        let page = ComparisonPage.html(reports, notes: notices, pictures: pictures, version: Sipmeter.version)
        try OutputFile.create(directory + "/" + ReportPages.fileName, holding: page)
    }
}

/// One set of runs, read and compared.
struct CompareLevel {
    let report: ComparisonReport
    let picture: ByteBuffer
    let text: String

    init(_ level: ComparedLevels.Level, rules: [ChangeRule], seed: UInt64) throws {
        var samples: [RunSample] = []
        for archive in level.runs {
            var sample = RunSample()
            try archive.forEachCall { sample.record($0) }
            samples.append(sample)
        }
        let runs = level.runs.enumerated().map { i, archive in
            ComparisonReport.Run(
                name: Self.name(i), directory: archive.directory, manifest: archive.manifest, summary: archive.summary)
        }
        let pairs = runs.indices.dropFirst().map { i in
            let comparison = RunComparison(samples[0], samples[i], seed: seed)
            return ComparisonReport.Pair(
                run: runs[i], differences: ManifestDifference(runs[0].manifest, runs[i].manifest),
                comparison: comparison, rules: rules.map { $0.judge(comparison) })
        }
        report = ComparisonReport(level: level.name, first: runs[0], pairs: pairs)
        text = ComparisonText.text(report)
        let curves = zip(runs, samples).map {
            ComparisonPlot.Curve(name: "\($0.name): \($0.directory)", curves: RunCurves($1))
        }
        let title = "RTT of \(runs.map(\.name).joined(separator: ", "))" + (level.name.map { " at \($0)" } ?? "")
        picture = ComparisonPlot.svg(curves, title: title)
    }

    private static func name(_ i: Int) -> String { String(UnicodeScalar(UInt8(ascii: "A") + UInt8(i))) }
}
