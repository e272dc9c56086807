import Directories
import Reports

/// Which run a directory holds, so that none is added up twice.
enum SameRun {
    /// When it began, by both clocks of its host, and as which part. Of a merged run, those of all it was made from. Empty
    /// where the manifest does not say.
    static func all(of manifest: JSONValue) -> Set<String> {
        if let parts = manifest["merged_from"]?.items {
            return parts.reduce(into: []) { $0.formUnion(all(of: $1)) }
        }
        guard let wall = manifest["start"]?["unix_ns"]?.whole, let monotonic = manifest["start"]?["monotonic_ns"]?.whole
        else { return [] }
        let host = manifest["host"]?["name"]?.text ?? manifest["host"]?.text ?? ""
        let shard = manifest["shard"]?["index"]?.whole.map { "\($0)" } ?? "-"
        return ["\(wall) \(monotonic) \(shard) \(host)"]
    }

    /// Why the two must not be added up. Nil: they are different runs.
    static func clash(_ a: MergePart, _ b: MergePart) -> String? {
        if let path = Directory.resolved(a.name), path == Directory.resolved(b.name) {
            return "\(b.name) is named twice; name it once"
        }
        if all(of: a.manifest).isDisjoint(with: all(of: b.manifest)) { return nil }
        for (merged, other) in [(a, b), (b, a)] where merged.manifest["merged_from"]?.items != nil {
            return "\(merged.name) was merged from the run in \(other.name) already; leave one of them out"
        }
        return "\(a.name) and \(b.name) hold the same run; leave one of them out"
    }
}
