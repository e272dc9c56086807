import Foundation

/// What one figure came to in the rounds.
struct Figures {
    var values: [Double] = []

    var isEmpty: Bool { values.isEmpty }
    var least: Double { values.min() ?? .nan }
    var greatest: Double { values.max() ?? .nan }

    var median: Double {
        let sorted = values.sorted()
        if sorted.isEmpty { return .nan }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    mutating func append(_ value: Double) { values.append(value) }

    /// The median of the ratios round by round: what disturbed a round disturbed both.
    func ratio(to other: Figures) -> Double {
        Figures(values: zip(values, other.values).map { $0 / $1 }).median
    }
}

extension Double {
    /// Three digits that mean something, thousands apart.
    var short: String {
        if isNaN { return "-" }
        let size = abs(self)
        if size >= 1000 {
            let digits = String(Int(rounded()))
            var grouped = ""
            for (i, digit) in digits.enumerated() {
                if i > 0, (digits.count - i) % 3 == 0, digit != "-" { grouped += "," }
                grouped.append(digit)
            }
            return grouped
        }
        return String(format: size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", self)
    }
}

/// A row of the result.
struct Row {
    enum Verdict: String {
        case met, missed
        /// Measured beside the goals, or to explain them.
        case info = ""
        case notBuilt = "not built yet"
        case failed = "not measured"
    }
    var key: RowKey
    var what: String
    var goal: String
    var figure: String
    var verdict: Verdict

    /// - Parameter isWithin: whether the goal is a most; else it is a least.
    static func compare(
        _ key: RowKey, _ what: String, _ value: Double, atMost limit: Double, goal: String, figure: String
    ) -> Row {
        Row(
            key: key, what: what, goal: goal, figure: figure,
            verdict: value.isNaN ? .failed : value <= limit ? .met : .missed)
    }

    static func compare(
        _ key: RowKey, _ what: String, _ value: Double, atLeast limit: Double, goal: String, figure: String
    ) -> Row {
        Row(
            key: key, what: what, goal: goal, figure: figure,
            verdict: value.isNaN ? .failed : value >= limit ? .met : .missed)
    }

    static func notBuilt(_ key: RowKey, _ what: String, goal: String) -> Row {
        Row(key: key, what: what, goal: goal, figure: "-", verdict: .notBuilt)
    }
}

/// The page that `Benchmarks/results` keeps.
struct Result {
    var machine: [(String, String)]
    var rows: [Row]
    var notes: [String]

    var text: String {
        var out = "# sipmeter beside the floor loop and sipp, \(Machine.today)\n\n"
        for (name, value) in machine { out += "- \(name): \(value)\n" }
        out +=
            "\n"
            + Self.table(
                [["row", "what", "goal", "figure", ""]]
                    + rows.map { [$0.key.rawValue, $0.what, $0.goal, $0.figure, $0.verdict.rawValue] })
        if !notes.isEmpty { out += "\n" + notes.map { "- \($0)\n" }.joined() }
        return out
    }

    static func table(_ rows: [[String]]) -> String {
        guard let head = rows.first else { return "" }
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            "| "
                + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
                + " |\n"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|\n"
        return line(head) + rule + rows.dropFirst().map(line).joined()
    }
}
