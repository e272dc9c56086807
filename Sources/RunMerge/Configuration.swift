import Datagrams
import Reports

/// What two manifests say of how a run was made, leaf by leaf.
enum Configuration {
    /// What differs between runs of one configuration: when, where, as which part, and by which words it was started.
    private static let ignored = [
        "begun_utc", "command_line", "host", "start", "shard", "merged_from", "target.source_addresses",
        "target.receive_buffer_bytes", "load.workers", "timestamps.source", "timestamps.clock",
        "timestamps.hardware_offered", "timestamps.why_not_kernel",
    ]

    /// `load.rate_per_s is 400 in a and 500 in b`: of every leaf that differs, in the order of their names.
    static func differences(_ a: MergePart, _ b: MergePart) -> [String] {
        var left = ignored
        // A model's port is any free one; a repetition may have another seed, a shard's schedule must be the same.
        if a.isModel, b.isModel { left.append("target.address") }
        if a.shard == nil, b.shard == nil { left.append("seed") }
        let (first, second) = (leaves(a.manifest), leaves(b.manifest))
        var found: [String] = []
        for name in Set(first.keys).union(second.keys).sorted() {
            if left.contains(where: { name == $0 || name.hasPrefix($0 + ".") }) { continue }
            let (one, other) = (first[name] ?? "missing", second[name] ?? "missing")
            if one == other { continue }
            // A list, or a long text, is not for a sentence.
            let isShort = max(one.utf8.count, other.utf8.count) <= 40 && !(one + other).contains("\n")
            found.append(
                isShort
                    ? "\(name) is \(one) in \(a.name) and \(other) in \(b.name)"
                    : "\(name) differs between \(a.name) and \(b.name)")
        }
        return found
    }

    private static func leaves(_ value: JSONValue) -> [String: String] {
        var found: [String: String] = [:]
        func walk(_ value: JSONValue, _ path: String) {
            guard let members = value.members else { return found[path] = text(value) }
            for (name, member) in members { walk(member, path.isEmpty ? name : path + "." + name) }
        }
        walk(value, "")
        return found
    }

    private static func text(_ value: JSONValue) -> String {
        var bytes = ByteBuffer(capacity: 64)
        value.write(to: &bytes)
        return String(decoding: bytes.storage[..<(bytes.count - 1)], as: UTF8.self)
    }
}
