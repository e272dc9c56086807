import Glibc
import Reports
import RunArchive
import RunReports

/// The runs to compare: as they were named, or of sweeps one set for each level that all of them have.
struct ComparedLevels {
    struct Level {
        /// Nil: they are runs, not sweeps.
        var name: String?
        var runs: [RunArchive]
    }

    private(set) var levels: [Level] = []
    private(set) var notices: [String] = []

    init(_ directories: [String]) throws {
        let sweeps = directories.filter { access($0 + "/sweep.csv", F_OK) == 0 }
        if sweeps.isEmpty {
            levels = [Level(name: nil, runs: try directories.map { try RunArchive($0) })]
            return
        }
        if let other = directories.first(where: { !sweeps.contains($0) }) {
            throw ArchiveError(
                "\(sweeps[0]) is a sweep and \(other) is not: compare sweeps with sweeps, or name one of its levels")
        }
        let names = directories.map { SweepLevels.find(in: $0) }
        var known: [String] = []
        for name in names.joined() where !known.contains(name) { known.append(name) }
        for name in known {
            let holders = zip(directories, names).filter { $0.1.contains(name) }.map(\.0)
            guard holders.count == directories.count else {
                notices.append(
                    "of the sweeps only \(holders.joined(separator: " and ")) \(holders.count == 1 ? "has" : "have") level "
                        + "\(name): left out")
                continue
            }
            levels.append(Level(name: name, runs: try directories.map { try RunArchive($0 + "/" + name) }))
        }
        if levels.isEmpty { throw ArchiveError("the sweeps have no level in common: nothing to compare") }
    }
}
