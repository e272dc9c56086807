import ArgumentParser
import Comparison
import Datagrams
import Directories
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
            chance that nothing changed. Sweeps are compared level by level. Several runs
            before a change --with several after it tell whether it is more than what two
            runs differ by anyway.

            Examples:
              sipmeter compare runs/before runs/after
              sipmeter compare before after --fail-if 'rtt.p99>+10%'
                                                   exit code 2 where it got worse
              sipmeter compare old-1 old-2 old-3 --with new-1 new-2 new-3
                                                   runs of a kind, two to twenty of each
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
        parsing: .upToNextOption,
        help: "Runs of another kind: those named first are all of one kind, and each is one value.",
        completion: .directory)
    var with: [String] = []

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

    /// Runs of one kind and of the other at most.
    private static let mostRepeats = 20

    func validate() throws {
        if with.isEmpty {
            if runs.count < 2 { throw ValidationError("compare takes two runs or more: the first, and what changed") }
            if runs.count > 4 {
                throw ValidationError(
                    "compare takes four runs at most: a picture of more tells nothing. Runs of a kind: "
                        + "compare A1 A2 --with B1 B2")
            }
            return
        }
        if min(runs.count, with.count) < 2 {
            throw ValidationError(
                "--with takes two runs or more of each kind: of one, nobody knows how much the next would differ")
        }
        if max(runs.count, with.count) > Self.mostRepeats {
            throw ValidationError("--with takes \(Self.mostRepeats) runs of a kind at most")
        }
    }

    func run() throws {
        try Session.main {
            let kinds = with.isEmpty ? [] : [runs, with]
            try Self.checkNoneIsTwice(kinds)
            let levels = try ComparedLevels(runs + with)
            let directory = out ?? RunDirectory.defaultPath("compare", at: SystemClock.wall())
            var reports: [ComparisonReport] = []
            try RunDirectory.create(directory)
            var (files, pictures): ([String], [ByteBuffer]) = ([], [])
            for level in levels.levels {
                let drawn = try CompareLevel(level, repeated: kinds.map(\.count), rules: failIf, seed: seed)
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

    /// The same run twice would be a repetition that agrees to the last digit.
    private static func checkNoneIsTwice(_ kinds: [[String]]) throws(RunFailure) {
        var seen: [String: String] = [:]
        for directory in kinds.joined() {
            // What is not there is complained of by who reads it.
            guard let path = Directory.resolved(directory) else { continue }
            if let other = seen[path] {
                throw RunFailure(
                    .usage,
                    "\(directory) is the run \(other) once more: what is repeated must have been run again")
            }
            seen[path] = directory
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

    /// - Parameter repeated: how many of the runs are of each kind; empty: every run is its own.
    init(_ level: ComparedLevels.Level, repeated: [Int], rules: [ChangeRule], seed: UInt64) throws {
        var samples: [RunSample] = []
        for archive in level.runs {
            var sample = RunSample()
            try archive.forEachCall { sample.record($0) }
            samples.append(sample)
        }
        let (runs, comparisons, curves) =
            repeated.isEmpty ? Self.single(level, samples, seed) : Self.kinds(level, samples, repeated)
        let pairs = zip(runs.dropFirst(), comparisons).map { run, comparison in
            ComparisonReport.Pair(
                run: run, differences: ManifestDifference(runs[0].manifests, run.manifests),
                comparison: comparison, rules: rules.map { $0.judge(comparison) })
        }
        report = ComparisonReport(level: level.name, first: runs[0], pairs: pairs)
        text = ComparisonText.text(report)
        let title = "RTT of \(runs.map(\.name).joined(separator: ", "))" + (level.name.map { " at \($0)" } ?? "")
        picture = ComparisonPlot.svg(curves, title: title)
    }

    private typealias Compared = (
        runs: [ComparisonReport.Run], comparisons: [RunComparison], curves: [ComparisonPlot.Curve]
    )

    /// Each run against the first.
    private static func single(_ level: ComparedLevels.Level, _ samples: [RunSample], _ seed: UInt64) -> Compared {
        let runs = level.runs.enumerated().map { i, archive in
            ComparisonReport.Run(
                name: name(i), directory: archive.directory, manifest: archive.manifest, summary: archive.summary)
        }
        return (
            runs, samples.dropFirst().map { RunComparison(samples[0], $0, seed: seed) },
            zip(runs, samples).map { ComparisonPlot.Curve(name: "\($0.name): \($0.directory)", curves: RunCurves($1)) }
        )
    }

    /// The runs of a kind against those of another.
    private static func kinds(
        _ level: ComparedLevels.Level, _ samples: [RunSample], _ repeated: [Int]
    ) -> Compared {
        var (runs, curves): ([ComparisonReport.Run], [ComparisonPlot.Curve]) = ([], [])
        var first = 0
        for (i, count) in repeated.enumerated() {
            let range = first..<first + count
            let repeats = range.map { i in
                ComparisonReport.Repeat(
                    directory: level.runs[i].directory, manifest: level.runs[i].manifest,
                    summary: level.runs[i].summary, figures: RunFigures(samples[i]))
            }
            let run = ComparisonReport.Run(name: name(i), repeats: repeats)
            runs.append(run)
            curves.append(
                ComparisonPlot.Curve(
                    name: "\(run.name): \(count) runs, \(repeats[0].directory) the first",
                    runs: samples[range].map { RunCurves($0) }))
            first += count
        }
        let figures = runs.map { $0.repeats.map(\.figures) }
        return (runs, figures.dropFirst().map { RunComparison(repeated: figures[0], $0) }, curves)
    }

    private static func name(_ i: Int) -> String { String(UnicodeScalar(UInt8(ascii: "A") + UInt8(i))) }
}
