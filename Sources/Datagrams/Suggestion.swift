/// "Did you mean": the known name nearest to one that is not known.
package enum Suggestion {
    /// `; did you mean `x`?`, or nothing when no name is near enough.
    package static func ending(for name: String, among known: some Sequence<String>) -> String {
        nearest(to: name, among: known).map { "; did you mean `\($0)`?" } ?? ""
    }

    package static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        // A third of the letters, at least one: `rss` finds `rrs`, `foo` finds nothing.
        let bound = max(1, min(wanted.count, longestCompared) / 3)
        if wanted.count > longestCompared { return nil }
        var best: (name: String, distance: Int)?
        for candidate in known {
            let distance = distance(wanted, Array(candidate.lowercased().utf8))
            if distance <= bound, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Edits (insert, remove, replace, swap neighbours) from `a` to `b`.
    package static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var older = [Int](repeating: 0, count: b.count + 1)
        var old = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(old[j] + (a[i] == b[j] ? 0 : 1), old[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
                row.append(cost)
            }
            (older, old) = (old, row)
        }
        return old[b.count]
    }

    private static let longestCompared = 64
}
