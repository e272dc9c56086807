import Datagrams
import Latency
import MaximumSearch
import Reports
import RunArchive

/// A directory of `find-max` read for its page.
package struct SearchReading {
    private let archive: RunArchive
    private let version: String

    /// Nil where the directory holds something else.
    package init?(_ directory: String, version: String) {
        guard let archive = try? RunArchive(directory), archive.manifest["find_max"] != nil else { return nil }
        self.archive = archive
        self.version = version
    }

    /// - Parameter kept: which of its trials have pages of their own.
    package func page(kept: [Trial]) throws -> FindMaxPage {
        let report = FindMaxFile.report(manifest: archive.manifest, summary: archive.summary, rows: try rows())
        var page = FindMaxPage(
            report, manifest: archive.manifest, summary: archive.summary,
            directory: RunReading.name(of: archive.directory), version: version)
        page.files = Self.files.filter { archive.has($0) }
        for trial in kept { page.trialPages[trial.number] = trial.directoryName + "/" + ReportPages.fileName }
        return page
    }

    private static let files = ["manifest.json", "summary.txt", "summary.json", "trials.csv", "find-max.svg"]

    /// The trials whose files were kept. Others' directories, of a search that wrote here before, are nobody's.
    package func kept() throws -> [Trial] {
        try rows().map(\.trial).filter { archive.has($0.directoryName + "/manifest.json") }
    }

    private func rows() throws -> [SearchReport.Row] {
        guard let table = try archive.table("trials.csv") else { return [] }
        return try table.rows.indices.map { row in
            guard let one = Self.row(table, row) else {
                throw ArchiveError(
                    "\(archive.path("trials.csv")):\(row + 2):1: this is no row of trials.csv; it may have been changed by "
                        + "hand, or be of another version of sipmeter")
            }
            return one
        }
    }

    private static func row(_ table: CSVTable, _ row: Int) -> SearchReport.Row? {
        guard let number = table.whole(row, "trial"), number < 1 << 32,
            let phase = Phase(rawValue: table.text(row, "phase")),
            let rate = table.double(row, "rate_cps"), rate > 0, rate.isFinite,
            let attempts = table.whole(row, "n"), let failed = table.whole(row, "failed"),
            let kind = Decision.Kind(rawValue: table.text(row, "outcome"))
        else { return nil }
        func length(_ name: String, unit: Double) -> Nanoseconds? {
            table.double(row, name).flatMap { $0.magnitude * unit < 1e18 ? Nanoseconds(Int64($0 * unit)) : nil }
        }
        let sentence = table.text(row, "decision")
        let levels: [Verdict.Level] = [.valid, .suspect, .invalid]
        let result = TrialResult(
            attempts: attempts, failures: failed > 0 ? [.init(cause: "failed", count: failed)] : [],
            resent: table.whole(row, "resent") ?? 0,
            doubt: TrialResult.Doubt(name: table.text(row, "doubt"), why: sentence),
            generator: levels.first { $0.text == table.text(row, "verdict") } ?? .suspect,
            responseP50: length("srd_p50_us", unit: 1e3), responseP99: length("srd_p99_us", unit: 1e3),
            lateP99: length("lag_p99_us", unit: 1e3), took: length("took_s", unit: 1e9) ?? .zero)
        return SearchReport.Row(
            trial: Trial(number: Int(number), phase: phase, rate: rate, attempts: attempts), result: result,
            decision: Decision(kind: kind, sentence: sentence, nextRate: table.double(row, "next_rate_cps")))
    }
}
