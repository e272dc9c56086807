import Datagrams
import Latency

/// What the page of a sweep needs of its levels: their summaries, and of some a small picture.
package struct SweepReport {
    struct Level {
        var name: String
        /// Its own page, from the sweep's directory.
        var page: String
        var manifest: JSONValue
        var summary: JSONValue?
        var isFromRows: Bool
        var picture: ByteBuffer?

        var rate: Double? {
            summary?["run"]?["offered_rate_cps"]?.double ?? manifest["load"]?["rate_per_s"]?.double
        }

        /// Nil: it was killed.
        var verdict: String? { isFromRows ? nil : summary?["verdict"]?["level"]?.text }
    }

    let directory: String
    let version: String
    private let count: Int
    private(set) var levels: [Level] = []

    /// More than these have no picture in the sweep's page; it is those that are spread evenly over the levels.
    private static let mostPictures = 10

    /// `levels`: how many there will be.
    package init(directory: String, levels: Int, version: String) {
        self.directory = directory
        self.version = version
        count = levels
    }

    package mutating func append(_ report: RunReport, name: String, page: String) {
        var level = Level(
            name: name, page: page, manifest: report.manifest, summary: report.summary, isFromRows: report.isFromRows)
        if isPictured(levels.count), let calls = report.calls {
            level.picture = calls.overNumber(
                title: "RTT over the call number, \(report.rate ?? name)",
                limit: 200_000 / min(count, Self.mostPictures))
        }
        levels.append(level)
    }

    private func isPictured(_ place: Int) -> Bool {
        if count <= Self.mostPictures { return true }
        let last = Self.mostPictures - 1
        return (0...last).contains { $0 * (count - 1) / last == place }
    }
}

/// `report.html` of a sweep: what changes with the load, and then each level in short.
package struct SweepPage {
    private let sweep: SweepReport

    /// So many levels are told of one by one; the table and the curve have all that fit.
    private static let mostTold = 60
    private static let mostRows = 400

    package init(_ sweep: SweepReport) { self.sweep = sweep }

    private var first: SweepReport.Level? { sweep.levels.first }

    package func html() -> ByteBuffer {
        let target = first?.manifest["target"]?["asked"]?.text ?? sweep.directory
        let rates = sweep.levels.compactMap(\.rate)
        let range = rates.min().flatMap { least in
            rates.max().map { "\(Number.trimmed(least)) to \(Number.trimmed($0)) calls/s" }
        }
        var page = HTMLPage(
            title: "Sweep of \(target)" + (range.map { ", \($0)" } ?? ""),
            subtitle: [
                "sipmeter sweep", first?.manifest["begun_utc"]?.text ?? "",
                first?.manifest["host"]?["name"]?.text.map { "on \($0)" } ?? "",
            ].filter { !$0.isEmpty }.joined(separator: ", "),
            foot:
                "Drawn by sipmeter \(sweep.version) from \(sweep.directory). Times are in milliseconds unless a unit stands "
                + "with them; n/a means undefined: too few values, or none.")
        page.section("Verdict", id: "verdict") { verdict(&$0) }
        page.section("Levels", id: "levels") { levels(&$0) }
        page.section("Response time over load", id: "load") { overLoad(&$0) }
        page.section("RTT over the call number", id: "rtt") { pictures(&$0) }
        page.section("What was run", id: "run") { whatWasRun(&$0) }
        page.section("Each level", id: "each") { each(&$0) }
        page.section("How to repeat it", id: "repeat") { howToRepeat(&$0) }
        return page.html()
    }

    private func verdict(_ html: inout HTMLWriter) {
        let order = ["VALID", "SUSPECT", "INVALID"]
        let known = sweep.levels.compactMap(\.verdict)
        let worst = known.max { (order.firstIndex(of: $0) ?? 1) < (order.firstIndex(of: $1) ?? 1) }
        var evidence: [String] = []
        for level in sweep.levels where level.verdict != nil && level.verdict != "VALID" {
            for sentence in level.summary?["verdict"]?["evidence"]?.texts ?? [] {
                evidence.append("\(level.rate.map(Number.trimmed) ?? level.name) calls/s: \(sentence)")
            }
        }
        if evidence.count > 40 { evidence = evidence.prefix(40) + ["… and \(evidence.count - 40) more"] }
        // The box stands for the worst: the others may do.
        let counts = order.reversed().map { level in (level, known.filter { $0 == level }.count) }.filter { $0.1 > 0 }
        if counts.count > 1 {
            evidence.insert(
                "The worst of the levels: " + counts.map { "\($1) \($0)" }.joined(separator: ", ") + ".", at: 0)
        }
        if evidence.isEmpty {
            evidence = [
                "The generator kept up at every level"
                    + (known.count < sweep.levels.count ? " that came to its end." : ".")
            ]
        }
        VerdictBox.append(
            level: worst, evidence: evidence, missing: "No level came to its end: what follows was computed from rows.",
            to: &html)
        let killed = sweep.levels.count - known.count
        if killed > 0, worst != nil {
            html.paragraph(
                "\(killed) of \(sweep.levels.count) levels did not come to "
                    + (killed == 1 ? "its end: it has no verdict." : "their end: they have no verdict."))
        }
        html.list(
            Set(sweep.levels.flatMap { $0.summary?["notes"]?.texts ?? [] }).filter { $0.hasPrefix("This target") }
                .sorted())
        thresholds(&html)
    }

    private func thresholds(_ html: inout HTMLWriter) {
        for level in sweep.levels where level.summary?["thresholds"]?.items?.isEmpty == false {
            html.element("h3", level.name)
            ThresholdTable.append(level.summary?["thresholds"], to: &html)
        }
    }

    private func levels(_ html: inout HTMLWriter) {
        var table = HTMLTable(
            "RTT in ms; the rate leads to the level's own page",
            [.number("calls/s"), .number("calls"), .number("ok"), .number("not ok"), .number("sent again")]
                + ["min", "mean", "sd", "p50", "p99", "max"].map { .number($0) } + [.text("verdict")])
        for level in sweep.levels.prefix(Self.mostRows) {
            let (calls, rtt) = (level.summary?["calls"], level.summary?["response_times_us"]?["rtt"])
            let lost = (calls?["failed"]?.whole ?? 0) + (calls?["unsent"]?.whole ?? 0)
            let verdict = level.verdict ?? "none"
            table.add(
                [
                    .link(to: level.page, level.rate.map(Number.trimmed) ?? level.name),
                    .text(Number.count(calls?["started"])),
                    .text(Number.count(calls?["ok"])), .text(DecimalText.grouped(lost)),
                    .text(Number.count(level.summary?["retransmissions"]?["requests"])),
                ]
                    + ["min", "mean", "sd", "p50", "p99", "max"].map {
                        .text(Number.milliseconds(microseconds: rtt?[$0]?.double))
                    } + [.mark(VerdictBox.mark(verdict), verdict)])
        }
        html.table(table)
        if sweep.levels.count > Self.mostRows {
            html.paragraph("\(sweep.levels.count - Self.mostRows) more are in sweep.csv.", class: "muted")
        }
    }

    // MARK: Pictures

    private func overLoad(_ html: inout HTMLWriter) {
        let points = sweep.levels.compactMap { level -> LoadPlot.Point? in
            guard let rate = level.rate, rate.isFinite, rate > 0,
                let rtt = level.summary?["response_times_us"]?["rtt"]
            else { return nil }
            func length(_ name: String) -> Nanoseconds? {
                rtt[name]?.double.flatMap { $0 > 0 && $0 < 1e15 ? Nanoseconds(Int64($0 * 1000)) : nil }
            }
            return LoadPlot.Point(rate: rate, p50: length("p50"), p99: length("p99"), most: length("max"))
        }.sorted { $0.rate < $1.rate }
        guard points.count > 1 else { return }
        guard points.contains(where: { $0.most != nil }) else {
            html.paragraph("No call has an RTT, at no level.")
            return
        }
        html.figure(
            LoadPlot(points).svg(),
            caption:
                "Median, 99th percentile and maximum of the RTT at each load, on a logarithmic axis. Where the curves turn "
                + "upwards the server begins to queue; at T1 requests begin to be sent again.")
    }

    private func pictures(_ html: inout HTMLWriter) {
        let shown = sweep.levels.filter { $0.picture != nil }
        for level in shown {
            guard let picture = level.picture else { continue }
            html.element("h3", "\(level.rate.map(Number.trimmed) ?? level.name) calls/s")
            html.figure(picture, caption: "")
        }
        if shown.count < sweep.levels.count, !shown.isEmpty {
            html.paragraph(
                "\(shown.count) of \(sweep.levels.count) levels, evenly chosen; each level's own page has its picture.",
                class: "muted")
        }
    }

    // MARK: What was run

    private func whatWasRun(_ html: inout HTMLWriter) {
        guard let manifest = first?.manifest else { return }
        var items: [(String, String)] = []
        func add(_ term: String, _ text: String?) { if let text, !text.isEmpty { items.append((term, text)) } }
        add("Scenario", manifest["scenario"]?.text)
        add("Target", manifest["target"]?["asked"]?.text)
        add("Address", manifest["target"]?["address"]?.text)
        add("Transport", manifest["target"]?["transport"]?.text)
        add("Each level", manifest["load"]?["duration_s"]?.double.map { Number.seconds($0, decimals: 3) })
        add("Arrivals", manifest["load"]?["arrivals"]?.text)
        html.definitions(items)
        if let flow = LadderPlot(flow: manifest["flow"], title: "The scenario's messages") {
            html.figure(flow.svg(), caption: "The scenario, message by message. Dashed: may come, need not.")
        }
    }

    private func each(_ html: inout HTMLWriter) {
        for level in sweep.levels.prefix(Self.mostTold) {
            let rate = level.rate.map(Number.trimmed) ?? level.name
            html.element("h3") {
                $0.text("\(rate) calls/s: ")
                $0.mark(VerdictBox.mark(level.verdict ?? ""), level.verdict ?? "NO VERDICT")
            }
            html.paragraph(Self.sentence(level))
            if level.verdict != "VALID" {
                html.list(level.verdict == nil ? [] : level.summary?["verdict"]?["evidence"]?.texts ?? [])
            }
            html.element("p") { $0.link(to: level.page, "The whole report of \(rate) calls/s") }
        }
        if sweep.levels.count > Self.mostTold {
            html.paragraph("The other \(sweep.levels.count - Self.mostTold) are in the table above.", class: "muted")
        }
    }

    private static func sentence(_ level: SweepReport.Level) -> String {
        guard let summary = level.summary else { return "It left nothing to sum up." }
        let (calls, rtt) = (summary["calls"], summary["response_times_us"]?["rtt"])
        func ms(_ figures: JSONValue?, _ name: String) -> String {
            Number.milliseconds(microseconds: figures?[name]?.double)
        }
        var parts = [
            "\(Number.count(calls?["ok"])) of \(Number.count(calls?["started"])) calls ok",
            "RTT mean \(ms(rtt, "mean")), p99 \(ms(rtt, "p99")), max \(ms(rtt, "max")) ms",
            "\(Number.count(summary["retransmissions"]?["requests"])) requests sent again",
        ]
        let failures = (calls?["outcomes"]?.members ?? []).filter { $0.0 != "ok" }
        if !failures.isEmpty {
            parts.append("not ok: " + failures.map { "\($0.0) \(Number.count($0.1))" }.joined(separator: ", "))
        }
        if let ser = summary["rfc6076"]?["ser"] {
            parts.append(
                "SER \(Number.percent(of: ser)) (\(Number.count(ser["numerator"])) / \(Number.count(ser["denominator"])))"
            )
        }
        parts.append("late p99 \(ms(summary["response_times_us"]?["late"], "p99")) ms")
        return parts.joined(separator: "; ") + "."
    }

    private func howToRepeat(_ html: inout HTMLWriter) {
        guard let manifest = first?.manifest else { return }
        if let command = manifest.commandLine { html.element("pre", command) }
        let host = manifest["host"]
        let machine = [
            host?["name"]?.text, host?["kernel"]?.text, host?["cpu"]?.text, host?["cpus"]?.whole.map { "\($0) CPUs" },
        ]
        html.paragraph(
            "By sipmeter \(manifest["sipmeter_version"]?.text ?? "?"), seed \(Number.count(manifest["seed"])), on "
                + machine.compactMap { $0 }.joined(separator: ", ")
                + ". Each level's page has its manifest and the form of RFC 7502.")
    }
}

/// RTT over the load, a point a level.
struct LoadPlot {
    struct Point {
        var rate: Double
        var p50: Nanoseconds?
        var p99: Nanoseconds?
        var most: Nanoseconds?
    }

    private let points: [Point]
    private static let height = 340.0

    /// Ascending by rate.
    init(_ points: [Point]) { self.points = points }

    func svg() -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(
            width: TimePlot.width, height: Self.height, title: "RTT over load",
            description: points.map {
                "\(Number.trimmed($0.rate)) calls/s: p50 \($0.p50.map(DecimalText.milliseconds) ?? "n/a") ms"
            }
            .prefix(40).joined(separator: "; "))
        let values = points.flatMap { [$0.p50, $0.p99, $0.most].compactMap { $0 } }
        guard let least = values.min(), let longest = values.max(), let highest = points.last?.rate else {
            svg.close()
            return svg.bytes
        }
        let (left, right, top, bottom) = (TimeAxis.left, TimePlot.width - 24, 34.0, Self.height - 46)
        let lengths = LogAxis(showing: least...longest, from: bottom, to: top)
        let rates = Axis(
            lowest: 0, highest: highest * 1.03, start: left, end: right,
            step: Axis.niceStep(atLeast: highest / ((right - left) / 85)))
        for tick in lengths.ticks {
            let y = lengths.position(tick)
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(LogAxis.label(tick), x: left - 7, y: y + 4, style: .init(anchor: .end))
        }
        for tick in rates.ticks {
            let x = rates.position(tick)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            svg.text(rates.label(tick), x: x, y: bottom + 18, style: .init(anchor: .middle))
        }
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        svg.text("calls/s", x: (left + right) / 2, y: bottom + 37, style: .init(anchor: .middle))
        let lines: [(String, StaticString, (Point) -> Nanoseconds?)] = [
            ("max", "#CC79A7", { $0.most }), ("p99", Ink.retransmitted, { $0.p99 }), ("p50", Ink.ok, { $0.p50 }),
        ]
        var x = right - lines.reduce(0) { $0 + 44 + Lettering.width($1.0) } + 16
        for (name, stroke, value) in lines {
            let shown = points.compactMap { point in
                value(point).map { (rates.position(point.rate), lengths.position($0)) }
            }
            var path = ByteBuffer(capacity: 1 << 10)
            for (place, at) in shown.enumerated() { path.append(place == 0 ? "M" : "L", at.0, at.1) }
            svg.path(path, stroke: stroke, width: 2, name: "line")
            if shown.count <= 120 {
                for at in shown { svg.circle(x: at.0, y: at.1, radius: 3.5, stroke: stroke, fill: "#fff") }
            }
            svg.line(x1: x, y1: 14, x2: x + 22, y2: 14, stroke: stroke, width: 2)
            svg.text(name, x: x + 28, y: 18)
            x += 44 + Lettering.width(name)
        }
        svg.close()
        return svg.bytes
    }
}
