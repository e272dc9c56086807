/// What differs in how two runs were run, by their manifests.
package struct ManifestDifference: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        /// `load.rate_per_s`.
        package var path: String
        package var a: String
        package var b: String
    }

    package var items: [Item]

    /// Different in any two runs, and no cause of anything.
    private static let ignored: Set<String> = [
        "schema", "schema_version", "command_line", "begun_utc", "target.source_addresses", "start",
    ]

    /// Of the load and the scenario: what they change is no finding.
    private static let asked = ["load.", "scenario", "timers_ms.", "rfc7502.", "target.transport"]

    package init(_ a: JSONValue, _ b: JSONValue) { self.init([a], [b]) }

    /// Of runs of a kind: what is not the same in all of them `varies`.
    package init(_ a: [JSONValue], _ b: [JSONValue]) {
        let (left, right) = (Self.common(a), Self.common(b))
        let names = Set(left.keys).union(right.keys).filter { !Self.isIgnored($0) }.sorted()
        items = names.compactMap { name in
            let (x, y) = (left[name] ?? "-", right[name] ?? "-")
            return x == y && x != Self.varies ? nil : Item(path: name, a: x, b: y)
        }
    }

    private static let varies = "varies"

    private static func common(_ manifests: [JSONValue]) -> [String: String] {
        let all = manifests.map(flat)
        var found: [String: String] = [:]
        for name in Set(all.flatMap(\.keys)) {
            let values = Set(all.map { $0[name] ?? "-" })
            found[name] = values.count == 1 ? values.first : varies
        }
        return found
    }

    /// A member of what is ignored is ignored, too.
    private static func isIgnored(_ path: String) -> Bool {
        ignored.contains { path == $0 || path.hasPrefix($0 + ".") }
    }

    /// The runs were not asked to do the same.
    package var isOtherExperiment: Bool {
        items.contains { item in Self.asked.contains { item.path.hasPrefix($0) } }
    }

    private static func flat(_ value: JSONValue) -> [String: String] {
        var found: [String: String] = [:]
        collect(value, "", &found)
        // The model listens on any free port.
        if value["target"]?["is_model"]?.flag == true { found["target.address"] = nil }
        return found
    }

    private static func collect(_ value: JSONValue, _ path: String, _ found: inout [String: String]) {
        switch value {
        case .object(let members):
            for (name, member) in members { collect(member, path.isEmpty ? name : "\(path).\(name)", &found) }
        case .array(let items) where items.allSatisfy({ $0.members == nil && $0.items == nil }):
            found[path] = items.map(text).joined(separator: " ")
        case .array(let items):
            for (i, item) in items.enumerated() { collect(item, "\(path)[\(i)]", &found) }
        case .null, .bool, .integer, .count, .number, .string, .microseconds, .seconds: found[path] = text(value)
        }
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let number): "\(number)"
        case .count(let number): "\(number)"
        case .number(let number, let decimals): decimalText(number, decimals)
        case .string(let text): text
        case .microseconds, .seconds, .array, .object: "?"
        }
    }
}
