import Datagrams
import Latency
import LoadRun
import UserAgent

/// Which runs are added up, and as what.
///
/// Shards of one schedule lie upon each other: their calls have the numbers and due times of the whole schedule already.
/// Repetitions follow one another: each is moved behind the one before, at a whole second, and its calls are numbered on,
/// so that rates remain what they were.
struct MergePlan {
    private(set) var parts: [MergePart]
    /// Nil: repetitions.
    let shardCount: Int?
    let missing: [Int]
    /// What `--force` let pass.
    let differences: [String]

    init(_ directories: [String], isForced: Bool) throws(RunFailure) {
        var parts: [MergePart] = []
        for directory in directories { parts.append(try MergePart(directory)) }
        guard parts.count > 1 else {
            let shard = parts.first?.shard.map { " (it is shard \($0); the others are missing)" } ?? ""
            throw RunFailure(
                .usage, "\(parts.first?.name ?? "one run"): one run has nothing to be added to\(shard); name more")
        }
        for (i, part) in parts.enumerated() {
            for other in parts[..<i] {
                if let clash = SameRun.clash(other, part) { throw RunFailure(.badScenario, clash) }
            }
        }
        var differences: [String] = []
        for part in parts.dropFirst() { differences += Configuration.differences(parts[0], part) }
        if !isForced, let first = differences.first {
            throw RunFailure(
                .badScenario,
                "these runs are not of one configuration: \(differences.prefix(3).joined(separator: "; "))"
                    + (differences.count > 3 ? "; and \(differences.count - 3) more" : "")
                    + (first.isEmpty ? "" : ". --force adds them up regardless"))
        }
        self.differences = differences
        let shards = parts.compactMap(\.shard)
        guard let count = shards.first?.count else {
            (self.parts, shardCount, missing) = (parts, nil, [])
            return
        }
        guard shards.count == parts.count, shards.allSatisfy({ $0.count == count }) else {
            throw RunFailure(
                .badScenario,
                "shards of one schedule do not add up with other runs: "
                    + parts.map { "\($0.name) is \($0.shard.map { "shard \($0)" } ?? "a whole run")" }
                    .joined(separator: ", "))
        }
        parts.sort { ($0.shard?.index ?? 0, $0.name) < ($1.shard?.index ?? 0, $1.name) }
        for (part, next) in zip(parts, parts.dropFirst()) where part.shard == next.shard {
            throw RunFailure(
                .badScenario,
                "\(part.name) and \(next.name) are both shard \(part.shard?.description ?? ""); name one of them")
        }
        (self.parts, shardCount) = (parts, count)
        missing = (0..<count).filter { index in !shards.contains { $0.index == index } }
    }

    var areShards: Bool { shardCount != nil }

    /// Where the next repetition begins, and its calls: only known once the one before has been read.
    mutating func place(_ number: Int, after end: Nanoseconds, _ numbersBefore: UInt64) {
        if areShards { return }
        parts[number].offset = .seconds((end.rawValue + 999_999_999) / 1_000_000_000)
        parts[number].numbersBefore = numbersBefore
    }

    /// The earliest.
    var start: WallInstant? { parts.compactMap(\.start).min() }

    /// How far apart the shards' first instants lay, by their own clocks.
    var spread: Nanoseconds? {
        let starts = parts.compactMap(\.start)
        guard areShards, starts.count == parts.count, let first = starts.min(), let last = starts.max() else {
            return nil
        }
        return Nanoseconds(last.nanoseconds - first.nanoseconds)
    }

    /// The rate the schedule was made for, or the part of it that is here. Nil where users placed the calls.
    /// - Parameter offered: how long calls fell due in each.
    func rate(_ offered: [Nanoseconds]) -> Double? {
        if parts[0].usesUsers { return nil }
        if let shardCount { return parts.reduce(0) { $0 + $1.rate } / Double(shardCount) }
        let whole = offered.reduce(0) { $0 + $1.seconds }
        guard parts.contains(where: { $0.offeredRate != parts[0].offeredRate }), whole > 0 else {
            return parts[0].offeredRate
        }
        return zip(parts, offered).reduce(0) { $0 + $1.0.offeredRate * $1.1.seconds } / whole
    }
}
