import Datagrams
import Directories
import Glibc
import MaximumSearch
import Reports
import RunArchive

/// The pages of a directory, whatever it holds: of a run its own; of a sweep one for each level, of a search one for each
/// trial whose files were kept, and one above them.
package enum ReportPages {
    package static let fileName = "report.html"

    /// Draws what `directory` holds and gives each page to `write`, with the path of its file.
    /// - Throws: `ArchiveError` where it holds no run, and what `write` throws.
    package static func draw(
        _ directory: String, version: String, write: (_ path: String, ByteBuffer) throws -> Void
    ) throws {
        if let search = SearchReading(directory, version: version) {
            let kept = try search.kept()
            for trial in kept {
                let path = directory + "/" + trial.directoryName
                try write(path + "/" + fileName, RunPage(try RunReading(path, version: version).report()).html())
            }
            try write(directory + "/" + fileName, try search.page(kept: kept).html())
            return
        }
        let levels = SweepLevels.find(in: directory)
        if levels.isEmpty {
            let report = try RunReading(directory, version: version).report()
            try write(directory + "/" + fileName, RunPage(report).html())
            return
        }
        var sweep = SweepReport(directory: RunReading.name(of: directory), levels: levels.count, version: version)
        for name in levels {
            let report = try RunReading(directory + "/" + name, version: version).report()
            try write(directory + "/" + name + "/" + fileName, RunPage(report).html())
            sweep.append(report, name: name, page: name + "/" + fileName)
        }
        try write(directory + "/" + fileName, SweepPage(sweep).html())
    }
}

/// Directories of a sweep's levels.
package enum SweepLevels {
    /// In the order they were run. Empty where `directory` is no sweep's.
    package static func find(in directory: String) -> [String] {
        if access(directory + "/manifest.json", F_OK) == 0 { return [] }
        var levels: [(begun: String, rate: Double, name: String)] = []
        for name in Directory.names(in: directory) {
            guard name.hasSuffix("cps"), let rate = Double(name.dropLast(3)),
                let archive = try? RunArchive(directory + "/" + name)
            else { continue }
            levels.append((archive.manifest["begun_utc"]?.text ?? "", rate, name))
        }
        return levels.sorted { ($0.begun, $0.rate) < ($1.begun, $1.rate) }.map(\.name)
    }
}
