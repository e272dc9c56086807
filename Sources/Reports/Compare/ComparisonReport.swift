import Comparison
import Datagrams
import Latency

/// Everything `sipmeter compare` tells: each run against the first.
package struct ComparisonReport: Sendable {
    /// One of the runs, as its own files have it.
    package struct Run: Sendable {
        /// A, B, C, ...
        package var name: String
        package var directory: String
        package var manifest: JSONValue
        /// Nil: the run did not come to its end.
        package var summary: JSONValue?

        package init(name: String, directory: String, manifest: JSONValue, summary: JSONValue?) {
            self.name = name
            self.directory = directory
            self.manifest = manifest
            self.summary = summary
        }

        var verdict: String { summary?["verdict"]?["level"]?.text ?? "no verdict: it did not come to its end" }

        /// The sweep's directory where this is of one of its levels.
        func whole(of level: String?) -> String {
            guard let level, directory.hasSuffix("/" + level) else { return directory }
            return String(directory.dropLast(level.count + 1))
        }

        /// `1,000 calls at 400/s, uac to 192.0.2.5`.
        var what: String {
            let calls =
                summary?["calls"]?["started"]?.whole.map { DecimalText.grouped($0) + ($0 == 1 ? " call" : " calls") }
                ?? "calls"
            let run = summary?["run"]
            guard manifest["target"] != nil else { return "\(calls), \(run?["target"]?.text ?? "of a capture")" }
            let load = manifest["load"]
            let rate =
                load?.users.map { " of \($0)" }
                ?? load?["rate_per_s"]?.double.map { " at \(DecimalText.trimmed($0))/s" } ?? ""
            let scenario = manifest["scenario"]?.text ?? "?"
            let target = manifest["target"]?["asked"]?.text ?? "?"
            return "\(calls)\(rate), \(scenario) to \(target)"
        }
    }

    /// One run against the first.
    package struct Pair: Sendable {
        package var run: Run
        package var differences: ManifestDifference
        package var comparison: RunComparison
        package var rules: [ChangeRule.Result]

        package init(
            run: Run, differences: ManifestDifference, comparison: RunComparison, rules: [ChangeRule.Result] = []
        ) {
            self.run = run
            self.differences = differences
            self.comparison = comparison
            self.rules = rules
        }
    }

    /// Where sweeps are compared, which level this is: `400cps`.
    package var level: String?
    package var first: Run
    package var pairs: [Pair]

    package init(level: String? = nil, first: Run, pairs: [Pair]) {
        self.level = level
        self.first = first
        self.pairs = pairs
    }

    package var hasFailedRule: Bool { pairs.contains { $0.rules.contains { $0.outcome == .failed } } }
}

/// `compare.txt`, which is also what the terminal shows. 80 columns, plain ASCII.
package enum ComparisonText {
    package static func text(_ report: ComparisonReport) -> String {
        var lines: [String] = []
        if let level = report.level { lines += ["Level \(level)", ""] }
        lines += head(report.first)
        for pair in report.pairs { lines += head(pair.run) }
        for pair in report.pairs { lines += [""] + section(report.first, pair) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// About all that was compared, at its end.
    package static func notes(_ notes: [String]) -> String {
        notes.flatMap { wrapped($0, first: "note: ", rest: "      ") }.joined(separator: "\n") + "\n"
    }

    private static func head(_ run: ComparisonReport.Run) -> [String] {
        wrapped("\(run.directory): \(run.what); \(run.verdict)", first: "\(run.name)  ", rest: "   ")
    }

    private static func section(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> [String] {
        let name = pair.run.name
        var lines = differences(first.name, name, pair.differences)
        lines += doubts(first, pair)
        lines += [""] + table(first.name, name, pair.comparison) + [""]
        let sentences = ComparisonSentences(name: name)
        for row in pair.comparison.rows {
            lines += wrapped(sentences.sentence(row), first: row.isShown ? "* " : "  ", rest: "  ")
        }
        lines += [""] + basis(pair.comparison)
        if !pair.rules.isEmpty { lines += [""] + rules(pair.rules) }
        return lines
    }

    // MARK: What was run

    private static let pathWidth = 30

    private static func differences(_ a: String, _ b: String, _ found: ManifestDifference) -> [String] {
        if found.items.isEmpty { return ["\(a) and \(b) were run alike, by their manifests."] }
        let width = (SummaryText.width - pathWidth) / 2
        func row(_ path: String, _ x: String, _ y: String) -> String {
            var line =
                path.cut(to: pathWidth - 1).padded(to: pathWidth) + x.cut(to: width - 1).padded(to: width)
                + y.cut(to: width)
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
        return [row("Run otherwise", a, b)] + found.items.map { row("  " + $0.path, $0.a, $0.b) }
    }

    private static func doubts(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> [String] {
        ComparisonDoubts.sentences(first, pair).flatMap { wrapped($0, first: "note: ", rest: "      ") }
    }

    // MARK: Figures

    private static func table(_ a: String, _ b: String, _ comparison: RunComparison) -> [String] {
        func row(_ label: String, _ a: String, _ b: String, _ change: String, _ chance: String) -> String {
            label.padded(to: 18) + a.paddedLeft(to: 11) + b.paddedLeft(to: 11) + change.paddedLeft(to: 29)
                + chance.paddedLeft(to: 10)
        }
        return [row("", a, b, "\(b) against \(a), 95 %", "chance")]
            + comparison.rows.map { found in
                row(
                    label(found.metric), ComparisonSentences.value(found.metric, found.a),
                    ComparisonSentences.value(found.metric, found.b), ComparisonSentences.change(found),
                    chance(found.chance))
            }
    }

    static func label(_ metric: ComparedMetric) -> String {
        switch metric {
        case .mean: "RTT mean, ms"
        case .standardDeviation: "RTT SD, ms"
        case .p50: "RTT p50, ms"
        case .p90: "RTT p90, ms"
        case .p99: "RTT p99, ms"
        case .maximum: "RTT max, ms"
        case .retransmissions: "sent again, /100"
        case .failures: "failed, /100"
        }
    }

    static func chance(_ chance: Double?) -> String {
        guard let chance else { return "n/a" }
        return chance < 0.001 ? "< 0.1 %" : DecimalText.fixed(100 * chance, decimals: 1) + " %"
    }

    private static func basis(_ comparison: RunComparison) -> [String] {
        wrapped(ComparisonDoubts.basis(comparison), first: "", rest: "")
    }

    // MARK: Rules

    private static func rules(_ results: [ChangeRule.Result]) -> [String] {
        ["Rules"]
            + results.flatMap { result in
                wrapped(
                    result.sentence, first: "  " + (result.outcome == .failed ? "FAILED" : "passed") + "  ",
                    rest: "          ")
            }
    }
}

enum ComparisonDoubts {
    static func sentences(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> [String] {
        var sentences: [String] = []
        if pair.differences.isOtherExperiment {
            sentences.append(
                "The two were not asked the same: what differs between them may be of the question's making.")
        }
        if first.directory == pair.run.directory {
            sentences.append("\(first.name) and \(pair.run.name) are the same directory: nothing can differ.")
        }
        for run in [first, pair.run] where run.verdict != "VALID" {
            let what = run.manifest["captures"] == nil ? "generator" : "capture"
            sentences.append(
                run.summary == nil
                    ? "\(run.name) has \(run.verdict)."
                    : "\(run.name) is \(run.verdict): its \(what) may be what differs.")
        }
        sentences += calls(first, pair)
        if pair.comparison.isTooThin {
            sentences.append(
                "Fewer than \(RunComparison.leastCalls) calls in a run: nothing can be told of chance. Run longer.")
        } else if pair.comparison.isTooCoarse {
            sentences.append(
                "Calls hang together for so long that these runs hold few independent parts: chance may be larger than "
                    + "printed. Run longer.")
        }
        return sentences
    }

    /// Of how many calls each run has times, where it is not of as many.
    private static func calls(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> [String] {
        let (sent, timed) = (pair.comparison.sent, pair.comparison.timed)
        func areFar(_ a: Double, _ b: Double, by share: Double) -> Bool { max(a, b) > (1 + share) * min(a, b) }
        var sentences: [String] = []
        if areFar(Double(sent.a), Double(sent.b), by: 0.1), min(sent.a, sent.b) > 0 {
            sentences.append(
                "The runs differ in length (\(grouped(sent.a)) and \(grouped(sent.b)) calls sent): the longer one's longest "
                    + "RTT has had more calls to come from.")
        }
        // As many in a hundred sent, and not as many: whose calls end well may be a matter of how long they take.
        if min(timed.a, timed.b) > 0,
            areFar(Double(timed.a) * Double(sent.b), Double(timed.b) * Double(sent.a), by: 0.01)
        {
            sentences.append(
                "Times are of the calls that ended well: \(grouped(timed.a)) of \(first.name)'s \(grouped(sent.a)), "
                    + "\(grouped(timed.b)) of \(pair.run.name)'s \(grouped(sent.b)). A server that turns calls away, or loses the "
                    + "slow ones, looks quicker than it is.")
        }
        return sentences
    }

    private static func grouped(_ n: Int) -> String { DecimalText.grouped(UInt64(n)) }

    static func basis(_ comparison: RunComparison) -> String {
        if comparison.isTooThin {
            return
                "The figures stand beside each other, and no more: of fewer than \(RunComparison.leastCalls) calls in a "
                + "run nothing can be told of chance."
        }
        return
            "By blocks of \(DecimalText.grouped(comparison.blockCalls)) neighbouring calls (\(comparison.blocks.a) and "
            + "\(comparison.blocks.b)): chance is how often as much comes of dealing them out at random, raised for "
            + "the \(comparison.rows.count { $0.chance != nil }) figures looked at; * marks what is shown, at most 5 % of comparisons of equal "
            + "runs mark anything. It is about these runs: how much one run differs from the next on the same machine, only "
            + "more runs can tell."
    }
}
