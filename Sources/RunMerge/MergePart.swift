import Datagrams
import Latency
import LoadRun
import Observations
import Reports
import RunArchive
import UserAgent

/// One run among those to be added up.
struct MergePart {
    let archive: RunArchive
    /// Nil: it is a whole run.
    let shard: Shard?
    /// T0. Nil where the manifest does not say.
    let start: WallInstant?
    /// The seconds' distributions; nil where the run has no `rtt.hlog`.
    let log: HistogramLog?
    /// By which the times of a repetition are moved, that it follows the one before.
    var offset = Nanoseconds.zero
    /// Added to its call numbers, likewise.
    var numbersBefore: UInt64 = 0

    init(_ directory: String) throws(RunFailure) {
        do throws(ArchiveError) { archive = try RunArchive(directory) } catch {
            throw RunFailure(.badScenario, error.description)
        }
        let manifest = archive.manifest
        shard = manifest["shard"].flatMap { fields in
            guard let index = fields["index"]?.whole, let count = fields["of"]?.whole else { return nil }
            return Shard(Int(clamping: index), of: Int(clamping: count))
        }
        start = manifest["start"]?["unix_ns"]?.whole.map { WallInstant(nanoseconds: Int64(clamping: $0)) }
        if archive.has(HistogramLogFile.name) {
            log = try HistogramLog(readingFile: archive.path(HistogramLogFile.name))
        } else {
            log = nil
        }
    }

    var name: String { archive.directory }
    var manifest: JSONValue { archive.manifest }
    /// It did not come to its end.
    var wasKilled: Bool { archive.summary == nil }
    var isModel: Bool { manifest["target"]?["is_model"]?.flag ?? false }
    var isPoisson: Bool { manifest["load"]?["arrivals"]?.text == "poisson" }
    var isTagControl: Bool { (manifest["call_tag"]?["untagged_share"]?.double ?? 0) > 0 }
    var usesUsers: Bool { manifest["load"]?["users"]?.whole != nil }
    var seed: UInt64 { manifest["seed"]?.whole ?? 1 }
    /// The whole schedule's.
    var rate: Double { manifest["load"]?["rate_per_s"]?.double ?? 0 }
    var duration: Nanoseconds { Self.seconds(manifest["load"]?["duration_s"]) }
    var joinedLate: Nanoseconds { Nanoseconds(Int64(clamping: manifest["start"]?["joined_late_ns"]?.whole ?? 0)) }
    var hasSynchronisedClock: Bool? { manifest["start"]?["clock_is_synchronised"]?.flag }
    var host: String { manifest["host"]?["name"]?.text ?? "" }

    func run(_ name: String) -> JSONValue? { archive.summary?["run"]?[name] }

    var verdict: (level: Verdict.Level, evidence: [String])? {
        guard let verdict = archive.summary?["verdict"] else { return nil }
        let level: Verdict.Level =
            switch verdict["level"]?.text {
            case "SUSPECT": .suspect
            case "INVALID": .invalid
            case _: .valid
            }
        return (level, verdict["evidence"]?.items?.compactMap(\.text) ?? [])
    }

    static func seconds(_ value: JSONValue?) -> Nanoseconds {
        Nanoseconds(Int64(((value?.double ?? 0) * 1e9).rounded()))
    }

    static func microseconds(_ value: JSONValue?) -> Nanoseconds? {
        value?.double.map { Nanoseconds(Int64(($0 * 1000).rounded())) }
    }
}
