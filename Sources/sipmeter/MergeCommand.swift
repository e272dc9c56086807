import ArgumentParser
import Datagrams
import Directories
import Glibc
import Latency
import LoadRun
import Reports
import RunArchive
import RunMerge
import RunReports
import UDPTransport

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Shards of one run, or runs of one configuration, added up exactly.",
        discussion: """
            Examples:
              sipmeter merge results               its shard-0-of-4/ … shard-3-of-4/,
                                                   into the same directory
              sipmeter merge runs/a runs/b runs/c --out runs/all
              sipmeter merge results --threshold 'rtt.p99<50ms'
            """)

    @Argument(help: "Directories of runs; or one that holds the directories of shards.", completion: .directory)
    var directories: [String]

    @Option(
        name: [.customLong("out"), .customShort("o")],
        help: "Directory for the files. Default: that which holds the shards, else runs/<UTC>-merge.",
        completion: .directory)
    var out: String?

    @Flag(help: "Add up runs of different configurations; what differs is noted.")
    var force = false

    @OptionGroup var gate: ThresholdOptions
    @OptionGroup var settings: ConfigurationOptions

    func run() throws {
        try Session.main {
            let shards = directories.count == 1 ? try Self.shards(in: directories[0]) : []
            let merge = try RunMerge(
                shards.isEmpty ? directories : shards, isForced: force, commandLine: EffectiveWords.all,
                version: Sipmeter.version)
            let directory =
                out ?? (shards.isEmpty ? nil : directories[0])
                ?? RunDirectory.defaultPath("merge", at: SystemClock.wall())
            if merge.isPart(directory) {
                throw RunFailure(
                    .usage, "\(directory) is one of the runs to be added up; choose another directory with --out")
            }
            try Self.checkIsFree(directory)
            var summary = merge.summary()
            if !gate.thresholds.isEmpty { summary.thresholds = ThresholdReport(gate.thresholds, of: summary) }
            try merge.write(summary, to: directory)
            if let path = gate.path(in: directory) {
                let level = JUnitFile.Level(
                    name: merge.whatWasMerged, summary: summary, begun: RunDirectory.utc(merge.start))
                try ThresholdOptions.write("sipmeter merge", [level], to: path)
            }
            try ReportHook.write(directory)
            Terminal.print("sipmeter merge: \(merge.whatWasMerged): \(merge.partNames.joined(separator: ", "))")
            var bytes = ByteBuffer(capacity: 1 << 14)
            SummaryText.append(summary, to: &bytes)
            Terminal.print(String(decoding: bytes.storage[..<(bytes.count - 1)], as: UTF8.self))
            Session.listFiles(
                directory,
                [
                    "report.html", "rtt.csv", "intervals.csv", "retransmissions.csv", "split.csv", "tag_control.csv",
                    "rtt.hlog", "summary.json", "summary.txt", "rtt.svg", "failures/", "junit.xml", "manifest.json",
                ])
            if summary.verdict.level == .invalid { throw ExitCode(LoadRun.ExitCode.generatorWasTheBottleneck.rawValue) }
            if summary.thresholds?.passed == false { throw ExitCode(LoadRun.ExitCode.thresholdFailed.rawValue) }
        }
    }

    /// `shard-0-of-4` and so on, where the directory itself is no run. One that ended before it had a manifest is missing
    /// like one that never began, and told.
    private static func shards(in directory: String) throws -> [String] {
        let all = Directory.names(in: directory).filter { $0.hasPrefix("shard-") && $0.contains("-of-") }
            .map { directory + "/" + $0 }
        if let sweep = all.first(where: { !SweepLevels.find(in: $0).isEmpty }),
            let level = SweepLevels.find(in: sweep).first
        {
            throw RunFailure(
                .badScenario,
                "\(sweep) is of a sweep: its levels are merged one by one, as in sipmeter merge "
                    + "\(directory)/shard-*/\(level) --out \(directory)/\(level)")
        }
        let runs = all.filter { access($0 + "/manifest.json", F_OK) == 0 }
        for lost in all where !runs.isEmpty && !runs.contains(lost) {
            Terminal.complain("notice: \(lost) holds no run (there is no manifest.json in it): it is left out.")
        }
        return runs
    }

    /// The files of a run are not written over; those of a merge are.
    private static func checkIsFree(_ directory: String) throws {
        guard let there = try? RunArchive(directory), there.manifest["merged_from"] == nil else { return }
        throw RunFailure(.usage, "\(directory) holds a run of its own; choose another directory with --out")
    }
}
