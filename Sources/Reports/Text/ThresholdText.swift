import Datagrams
import Latency

/// What a run had to keep to, what came of it, and whether it was stopped.
package enum ThresholdText {
    /// Nothing, where nothing was asked.
    static func lines(_ summary: RunSummary) -> [String] {
        (summary.strike.map { wrapped($0.sentence, first: "STOPPED  ", rest: "         ") } ?? [])
            + (summary.thresholds.map { lines([("", $0)]) } ?? [])
    }

    /// Of several levels: what is said of each begins with its name.
    package static func lines(_ levels: [(name: String, report: ThresholdReport)]) -> [String] {
        let rows = levels.flatMap { name, report in report.results.map { (name, $0) } }
        if rows.isEmpty { return [] }
        let failures = rows.count { !$0.1.passed }
        let verdict = failures == 0 ? "all \(rows.count) passed" : "FAILED: \(failures) of \(rows.count)"
        let nameWidth = rows.map(\.0.columns).max() ?? 0
        let textWidth = min(rows.map(\.1.threshold.text.columns).max() ?? 0, longestText)
        return ["THRESHOLDS  \(verdict)"]
            + rows.flatMap { name, result in
                let start =
                    (result.passed ? "  ok      " : "  FAILED  ")
                    + (nameWidth == 0 ? "" : name.paddedLeft(to: nameWidth) + "  ")
                let text = result.threshold.text.cut(to: longestText).padded(to: textWidth)
                return wrapped(
                    result.reason, first: start + text + "  ",
                    rest: String(repeating: " ", count: start.columns + textWidth + 2))
            }
    }

    private static let longestText = 40
}
