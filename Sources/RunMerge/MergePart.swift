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
    /// Nil where nobody can tell: a limit on calls ends a run with the last of them, and a killed run is told as such.
    var lengthAsked: Nanoseconds? {
        let isTold =
            manifest["load"]?["call_limit"]?.whole == nil && manifest["merged_from"]?.items == nil && !wasKilled
        return isTold ? duration : nil
    }
    /// Until the last call is due, where a limit comes before the end.
    var scheduleLength: Nanoseconds {
        guard let limit = manifest["load"]?["call_limit"]?.whole, rate > 0, !usesUsers else { return duration }
        return min(duration, Self.nanoseconds(Double(limit) / rate * 1e9))
    }
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

    /// What this run was called with, on the average: of one that was merged of some of its shards that is less than was
    /// asked for.
    var offeredRate: Double {
        manifest["merged_from"]?.items == nil ? rate : run("offered_rate_cps")?.double ?? rate
    }

    /// An abort rule that ended it.
    var stoppedBy: String? { archive.summary?["stopped_by"]?["reason"]?.text }

    /// What was changed of its load by hand.
    var changes: [LoadChange] {
        (run("changes")?.items ?? []).compactMap { change in
            let at = Self.seconds(change["at_s"]) + offset
            switch change["what"]?.text {
            case "rate": return change["rate_cps"]?.double.map { LoadChange(at: at, .rate($0)) }
            case "pause": return LoadChange(at: at, .pause)
            case "resume": return LoadChange(at: at, .resume)
            case _: return nil
            }
        }
    }

    // MARK: numbers of files that anybody may have changed

    static func seconds(_ value: JSONValue?) -> Nanoseconds { nanoseconds((value?.double ?? 0) * 1e9) }

    static func microseconds(_ value: JSONValue?) -> Nanoseconds? {
        value?.double.map { nanoseconds($0 * 1000) }
    }

    static func nanoseconds(_ value: Double) -> Nanoseconds {
        // Thirty years: sums of it still fit.
        Nanoseconds(Int64(value.isNaN ? 0 : min(max(value.rounded(), -1e18), 1e18)))
    }

    static func count(_ value: Double) -> UInt64 { UInt64(value.isNaN ? 0 : min(max(value.rounded(), 0), 1e18)) }
}
