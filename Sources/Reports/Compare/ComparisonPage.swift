import Comparison
import Datagrams
import Latency

/// `report.html` of a comparison: what is shown comes first, then how the runs were run, the figures, the pictures.
package enum ComparisonPage {
    /// - Parameters:
    ///   - notes: what is to be said of all that was compared.
    ///   - pictures: one for each report, as `ComparisonPlot` draws them.
    package static func html(
        _ reports: [ComparisonReport], notes: [String] = [], pictures: [ByteBuffer], version: String
    ) -> ByteBuffer {
        let runs = reports.first.map { report in
            ([report.first] + report.pairs.map(\.run)).map { (name: $0.name, directory: $0.whole(of: report.level)) }
        }
        var page = HTMLPage(
            title: "Comparison of \((runs ?? []).map(\.name).joined(separator: ", "))",
            subtitle: "sipmeter compare; "
                + (runs ?? []).map { "\($0.name): \($0.directory)" }.joined(separator: ", "),
            foot:
                "Drawn by sipmeter \(version). Times are in milliseconds; n/a means undefined: too few values, or none."
        )
        page.head { html in
            for report in reports { verdicts(report, &html) }
        }
        page.section("The runs", id: "runs") { html in
            for report in reports { self.runs(report, &html) }
            html.list(notes)
        }
        page.section("Figures", id: "figures") { html in
            for report in reports {
                heading(report, &html)
                for pair in report.pairs { figures(report.first, pair, &html) }
            }
        }
        var method = HTMLWriter()
        let isOne = reports.reduce(0) { $0 + $1.pairs.count } == 1
        for report in reports {
            for pair in report.pairs {
                method.paragraph((isOne ? "" : which(report, pair)) + ComparisonDoubts.basis(pair.comparison))
            }
        }
        let room = page.room - method.count - 1_000
        page.section("Pictures", id: "pictures") { self.pictures(reports, pictures, room: room, &$0) }
        page.section("How it was compared", id: "method") { $0.append(method) }
        return page.html()
    }

    /// Each level has one, which of many levels are more than a page holds.
    private static func pictures(
        _ reports: [ComparisonReport], _ pictures: [ByteBuffer], room: Int, _ html: inout HTMLWriter
    ) {
        var missing: [String] = []
        for (report, picture) in zip(reports, pictures) {
            if html.count + picture.count + caption.utf8.count + 200 > room {
                missing.append(ComparisonPlot.fileName(level: report.level))
                continue
            }
            heading(report, &html)
            html.figure(picture, caption: caption)
        }
        if !missing.isEmpty {
            html.paragraph("For want of room not on this page, and beside it: " + missing.joined(separator: ", ") + ".")
        }
    }

    private static let caption =
        "Above: the RTT that a share of the calls did not exceed; where the curves lie apart, the runs differ. Below: when in the run it was so."

    private static func heading(_ report: ComparisonReport, _ html: inout HTMLWriter) {
        if let level = report.level { html.element("h3", "Level \(level)") }
    }

    // MARK: What is shown

    private static func verdicts(_ report: ComparisonReport, _ html: inout HTMLWriter) {
        for pair in report.pairs {
            let sentences = ComparisonSentences(name: pair.run.name)
            let shown = pair.comparison.rows.filter(\.isShown).map(sentences.sentence)
            let failed = pair.rules.filter { $0.outcome == .failed }
            let what = summary(pair.comparison, shown: shown.count)
            let title =
                pair.rules.isEmpty
                ? what
                : failed.isEmpty
                    ? rules("passed", pair.rules.count, of: pair.rules.count) + "; " + what
                    : rules("failed", failed.count, of: pair.rules.count)
            // Whether a difference is a good one, only a rule can say.
            let tone: StaticString = failed.isEmpty ? (pair.rules.isEmpty ? "verdict" : "verdict good") : "verdict bad"
            html.element("div", class: tone) {
                $0.paragraph(which(report, pair) + title)
                $0.list(
                    failed.map { "FAILED \($0.sentence)" }
                        + pair.rules.filter { $0.outcome == .passed }.map { "passed \($0.sentence)" } + shown)
            }
        }
    }

    private static func summary(_ comparison: RunComparison, shown: Int) -> String {
        if comparison.isTooThin { return "too few calls to tell a difference from chance" }
        let told = comparison.rows.count { $0.chance != nil }
        return switch shown {
        case 0: "no difference beyond chance"
        case 1: "1 of \(told) figures differs"
        default: "\(shown) of \(told) figures differ"
        }
    }

    private static func rules(_ how: String, _ n: Int, of count: Int) -> String {
        count == 1 ? "the rule \(how)" : "\(n) of \(count) rules \(how)"
    }

    private static func which(_ report: ComparisonReport, _ pair: ComparisonReport.Pair) -> String {
        (report.level.map { "\($0), " } ?? "") + "\(pair.run.name) against \(report.first.name): "
    }

    // MARK: The runs

    private static func runs(_ report: ComparisonReport, _ html: inout HTMLWriter) {
        heading(report, &html)
        var table = HTMLTable("", [.text("run"), .text("what"), .text("verdict"), .text("directory")])
        for run in [report.first] + report.pairs.map(\.run) {
            table.add([.text(run.name), .text(run.what), .text(run.verdict), .text(run.directory)])
        }
        html.table(table)
        repeats([report.first] + report.pairs.map(\.run), &html)
        for pair in report.pairs {
            html.list(ComparisonDoubts.sentences(report.first, pair))
            if pair.differences.items.isEmpty {
                html.paragraph("\(report.first.name) and \(pair.run.name) were run alike, by their manifests.")
                continue
            }
            var table = HTMLTable(
                "What differs in the manifests", [.text(""), .text(report.first.name), .text(pair.run.name)])
            for item in pair.differences.items { table.add([.text(item.path), .text(item.a), .text(item.b)]) }
            html.table(table)
        }
    }

    /// Every run of a kind, so that it is seen how much they differ among themselves.
    private static func repeats(_ runs: [ComparisonReport.Run], _ html: inout HTMLWriter) {
        guard runs.contains(where: { !$0.repeats.isEmpty }) else { return }
        let metrics = ComparedMetric.allCases
        var table = HTMLTable(
            "Run by run: RTT in ms; requests sent again and failed calls of a hundred",
            [.text(""), .text("run"), .text("verdict"), .number("calls")]
                + metrics.map { .number(ComparisonText.column($0)) })
        for run in runs {
            for found in run.repeats {
                table.add(
                    [
                        .text(run.name), .text(found.directory),
                        .text(ComparisonReport.Run.verdict(found.summary)),
                        .text(DecimalText.grouped(UInt64(found.figures.sent))),
                    ] + metrics.map { .text(ComparisonSentences.value($0, found.figures[$0])) })
            }
        }
        html.table(table)
    }

    // MARK: Figures

    private static func figures(
        _ first: ComparisonReport.Run, _ pair: ComparisonReport.Pair, _ html: inout HTMLWriter
    ) {
        let name = pair.run.name
        var table = HTMLTable(
            "\(name) against \(first.name): with 95 % intervals, and how often chance does as much",
            [.text(""), .number(first.name), .number(name), .number("change"), .number("chance"), .text("")])
        let sentences = ComparisonSentences(name: name)
        for row in pair.comparison.rows {
            table.add([
                .text(ComparisonText.label(row.metric)), .text(ComparisonSentences.value(row.metric, row.a)),
                .text(ComparisonSentences.value(row.metric, row.b)), .text(ComparisonSentences.change(row)),
                .text(ComparisonText.chance(row.chance)), .text((row.isShown ? "* " : "") + sentences.sentence(row)),
            ])
        }
        html.table(table)
        guard !pair.rules.isEmpty else { return }
        var rules = HTMLTable("Rules", [.text("rule"), .text(""), .text("found")])
        for result in pair.rules {
            rules.add([
                .text(result.rule.text), .text(result.outcome == .failed ? "FAILED" : "passed"), .text(result.sentence),
            ])
        }
        html.table(rules)
    }
}
