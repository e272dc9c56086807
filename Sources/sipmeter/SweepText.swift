import Datagrams
import Latency
import Observations
import Reports

/// A sweep on the screen: a line when a level is done, and the table at the end.
enum SweepText {
    static func level(_ summary: RunSummary) -> String {
        let rate = DecimalText.trimmed(summary.conditions.rate ?? 0)
        return
            "\(rate) calls/s: \(summary.verdict.level.text); \(summary.counters.ok) of \(summary.counters.started) ok, "
            + "rtt mean \(ms(summary.rtt.mean)), p99 \(ms(summary.rtt.p99)), max \(ms(summary.rtt.max)) ms, "
            + "\(summary.counters.requestsRetransmitted) retransmissions"
    }

    /// The worst verdict first, then a row a level.
    static func text(_ summaries: [RunSummary]) -> String {
        guard let worst = summaries.map(\.verdict).max(by: { $0.level < $1.level }) else { return "No level was run." }
        var lines = ["", "VERDICT  \(worst.level.text)"]
        if worst.level == .valid { lines.append("  The generator kept up at every level.") }
        for summary in summaries where summary.verdict.level != .valid {
            for evidence in summary.verdict.evidence {
                lines.append("  \(DecimalText.trimmed(summary.conditions.rate ?? 0))/s: \(evidence)")
            }
        }
        let levels = summaries.map { (DecimalText.trimmed($0.conditions.rate ?? 0) + "/s", $0) }
        for (name, summary) in levels {
            if let strike = summary.strike { lines += ["", "\(name): \(strike.sentence)"] }
        }
        let judged = ThresholdText.lines(levels.compactMap { name, level in level.thresholds.map { (name, $0) } })
        if !judged.isEmpty { lines += [""] + judged }
        lines.append("")
        lines.append(
            row(["calls/s", "calls", "ok", "failed", "resent", "rtt ms min", "mean", "sd", "p50", "p99", "max"]))
        for summary in summaries {
            let (counters, rtt) = (summary.counters, summary.rtt)
            lines.append(
                row([
                    DecimalText.trimmed(summary.conditions.rate ?? 0), "\(counters.started)", "\(counters.ok)",
                    "\(counters.failed + counters.unsent)", "\(counters.requestsRetransmitted)", ms(rtt.min),
                    ms(rtt.mean), ms(rtt.sd), ms(rtt.p50), ms(rtt.p99), ms(rtt.max),
                ]))
        }
        for summary in summaries {
            for sentence in summary.tagEffect?.sentences ?? [] {
                lines.append("\(DecimalText.trimmed(summary.conditions.rate ?? 0))/s: \(sentence)")
            }
        }
        for note in Set(summaries.flatMap(\.conditions.notes)).sorted() { lines.append("\n" + note) }
        return lines.joined(separator: "\n")
    }

    private static func ms(_ length: Nanoseconds?) -> String { length.map(DecimalText.milliseconds) ?? "n/a" }

    private static let widths = [7, 6, 6, 6, 6, 10, 7, 7, 7, 7, 7]

    private static func row(_ cells: [String]) -> String {
        zip(cells, widths).map { cell, width in
            String(repeating: " ", count: max(width - cell.count, 0)) + cell
        }.joined(separator: " ")
    }
}
