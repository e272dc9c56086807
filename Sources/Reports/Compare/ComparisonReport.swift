import Comparison
import Datagrams
import Latency

/// Everything `sipmeter compare` tells: each run against the first.
package struct ComparisonReport: Sendable {
    /// One of the runs, as its own files have it; or several of a kind, which are compared as one.
    package struct Run: Sendable {
        /// A, B, C, ...
        package var name: String
        package var directory: String
        package var manifest: JSONValue
        /// Nil: the run did not come to its end.
        package var summary: JSONValue?
        /// The runs of a kind, the first among them. Empty: it is one run.
        package var repeats: [Repeat] = []

        package init(name: String, directory: String, manifest: JSONValue, summary: JSONValue?) {
            self.name = name
            self.directory = directory
            self.manifest = manifest
            self.summary = summary
        }

        /// Of runs of a kind.
        package init(name: String, repeats: [Repeat]) {
            self.init(
                name: name, directory: repeats.map(\.directory).joined(separator: ", "),
                manifest: repeats.first?.manifest ?? .null, summary: nil)
            self.repeats = repeats
        }

        static func verdict(_ summary: JSONValue?) -> String {
            summary?["verdict"]?["level"]?.text ?? "no verdict: it did not come to its end"
        }

        var verdict: String {
            if repeats.isEmpty { return Self.verdict(summary) }
            let valid = repeats.count { Self.verdict($0.summary) == "VALID" }
            return valid == repeats.count ? "all VALID" : "\(valid) of \(repeats.count) VALID"
        }

        package var manifests: [JSONValue] { repeats.isEmpty ? [manifest] : repeats.map(\.manifest) }

        /// The sweep's directory where this is of one of its levels.
        func whole(of level: String?) -> String {
            let directories = repeats.isEmpty ? [directory] : repeats.map(\.directory)
            return directories.map { directory in
                guard let level, directory.hasSuffix("/" + level) else { return directory }
                return String(directory.dropLast(level.count + 1))
            }.joined(separator: ", ")
        }

        /// `1,000 calls at 400/s, uac to 192.0.2.5`, or `3 runs at 400/s, …`.
        var what: String {
            let calls =
                repeats.isEmpty
                ? summary?["calls"]?["started"]?.whole.map {
                    DecimalText.grouped($0) + ($0 == 1 ? " call" : " calls")
                } ?? "calls"
                : "\(repeats.count) runs"
            let run = (repeats.first?.summary ?? summary)?["run"]
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

    /// One of several runs of a kind.
    package struct Repeat: Sendable {
        package var directory: String
        package var manifest: JSONValue
        package var summary: JSONValue?
        package var figures: RunFigures

        package init(directory: String, manifest: JSONValue, summary: JSONValue?, figures: RunFigures) {
            self.directory = directory
            self.manifest = manifest
            self.summary = summary
            self.figures = figures
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
        let runs = [report.first] + report.pairs.map(\.run)
        for run in runs { lines += head(run) }
        if runs.contains(where: { !$0.repeats.isEmpty }) { lines += [""] + repeats(runs) }
        for pair in report.pairs { lines += [""] + section(report.first, pair) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// About all that was compared, at its end.
    package static func notes(_ notes: [String]) -> String {
        notes.flatMap { wrapped($0, first: "note: ", rest: "      ") }.joined(separator: "\n") + "\n"
    }

    private static func head(_ run: ComparisonReport.Run) -> [String] {
        // The directories of runs of a kind stand with their figures.
        let directory = run.repeats.isEmpty ? run.directory + ": " : ""
        return wrapped("\(directory)\(run.what); \(run.verdict)", first: "\(run.name)  ", rest: "   ")
    }

    /// What a line of 80 characters has room for.
    private static let repeatColumns = ComparedMetric.allCases.filter { $0 != .retransmissions }

    /// Every run of a kind, so that it is seen how much they differ among themselves.
    private static func repeats(_ runs: [ComparisonReport.Run]) -> [String] {
        func row(_ name: String, _ calls: String, _ values: [String]) -> String {
            name.padded(to: 21) + calls.paddedLeft(to: 9) + values.map { $0.paddedLeft(to: 7) }.joined()
        }
        return [row("RTT in ms, per run", "calls", repeatColumns.map(column))]
            + runs.flatMap { run in
                run.repeats.map { found in
                    let name = found.directory.count > 17 ? ".." + found.directory.suffix(15) : found.directory
                    return row(
                        "\(run.name)  \(name)", DecimalText.grouped(UInt64(found.figures.sent)),
                        repeatColumns.map { ComparisonSentences.value($0, found.figures[$0]) })
                }
            }
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

    /// Of a table that says elsewhere what its times are.
    static func column(_ metric: ComparedMetric) -> String {
        switch metric {
        case .mean: "mean"
        case .standardDeviation: "SD"
        case .p50: "p50"
        case .p90: "p90"
        case .p99: "p99"
        case .maximum: "max"
        case .retransmissions: "resent"
        case .failures: "failed"
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
        for run in [first, pair.run] { sentences += doubts(run) }
        sentences += calls(first, pair)
        if case .runs(let a, let b) = pair.comparison.basis {
            if min(a, b) < 3 {
                sentences.append("Of two runs it is hardly known how much they differ: three or more a kind tell more.")
            }
        } else if pair.comparison.isTooThin {
            sentences.append(
                "Fewer than \(RunComparison.leastCalls) calls in a run: nothing can be told of chance. Run longer.")
        } else if pair.comparison.isTooCoarse {
            sentences.append(
                "Calls hang together for so long that these runs hold few independent parts: chance may be larger than "
                    + "printed. Run longer.")
        }
        return sentences
    }

    private static func doubts(_ run: ComparisonReport.Run) -> [String] {
        func sentence(_ name: String, _ summary: JSONValue?, _ manifest: JSONValue) -> String? {
            let verdict = ComparisonReport.Run.verdict(summary)
            if verdict == "VALID" { return nil }
            let what = manifest["captures"] == nil ? "generator" : "capture"
            return summary == nil
                ? "\(name) has \(verdict)." : "\(name) is \(verdict): its \(what) may be what differs."
        }
        if run.repeats.isEmpty { return [sentence(run.name, run.summary, run.manifest)].compactMap { $0 } }
        return run.repeats.compactMap { sentence($0.directory, $0.summary, $0.manifest) }
    }

    /// Of how many calls each run has times, where it is not of as many. Of runs of a kind, their mean.
    private static func calls(_ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair) -> [String] {
        let (sent, timed) = (pair.comparison.sent, pair.comparison.timed)
        var runs = (a: 1.0, b: 1.0)
        if case .runs(let a, let b) = pair.comparison.basis { runs = (Double(max(a, 1)), Double(max(b, 1))) }
        func areFar(_ a: Double, _ b: Double, by share: Double) -> Bool { max(a, b) > (1 + share) * min(a, b) }
        var sentences: [String] = []
        if areFar(Double(sent.a) / runs.a, Double(sent.b) / runs.b, by: 0.1), min(sent.a, sent.b) > 0 {
            sentences.append(
                "The runs differ in length (\(grouped(sent.a)) and \(grouped(sent.b)) calls sent): the longer one's longest "
                    + "RTT has had more calls to come from.")
        }
        // As many in a hundred sent, and not as many: whose calls end well may be a matter of how long they take.
        if areFar(Double(timed.a) * Double(sent.b), Double(timed.b) * Double(sent.a), by: 0.01) {
            sentences.append(
                "Times are of the calls that ended well: \(grouped(timed.a)) of \(first.name)'s \(grouped(sent.a)), "
                    + "\(grouped(timed.b)) of \(pair.run.name)'s \(grouped(sent.b)). A server that turns calls away, or loses the "
                    + "slow ones, looks quicker than it is.")
        }
        return sentences
    }

    private static func grouped(_ n: Int) -> String { DecimalText.grouped(UInt64(n)) }

    static func basis(_ comparison: RunComparison) -> String {
        let marks =
            "raised for the \(comparison.rows.count { $0.chance != nil }) figures looked at; * marks what is shown, at most 5 % "
            + "of comparisons of equal runs mark anything."
        switch comparison.basis {
        case .values:
            return
                "The figures stand beside each other, and no more: of fewer than \(RunComparison.leastCalls) calls in a "
                + "run nothing can be told of chance."
        case .blocks(let calls, let a, let b):
            return
                "By blocks of \(DecimalText.grouped(calls)) neighbouring calls (\(a) and \(b)): chance is how often as "
                + "much comes of dealing them out at random, \(marks) It is about these runs: how much one run differs "
                + "from the next on the same machine, only more runs can tell."
        case .runs(let a, let b):
            return "By runs (\(a) and \(b)): every figure is the mean of its runs', and chance is how often runs that "
                + "differ among themselves as these do give as much (Welch's t test), \(marks)"
        }
    }
}
