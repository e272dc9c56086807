import Datagrams
import Latency
import MaximumSearch

/// `report.html` of a search: the answer and whether it is the target's, the way to it, every trial, how it was searched,
/// what the generator itself can do, and how it is done again.
package struct FindMaxPage {
    private let report: SearchReport
    private let manifest: JSONValue
    /// Nil: the search was killed.
    private let summary: JSONValue?
    private let directory: String
    private let version: String
    /// Of the files beside the page, those that are there.
    package var files: [String] = []
    /// Pages of trials whose files were kept, by the trial's number.
    package var trialPages: [Int: String] = [:]

    /// More trials than these are left to `trials.csv`.
    private static let mostRows = 400
    /// A picture of more bytes is left to `find-max.svg`.
    private static let mostPictureBytes = 150_000

    /// - Parameter directory: its name, as the foot of the page has it.
    package init(
        _ report: SearchReport, manifest: JSONValue, summary: JSONValue?, directory: String, version: String
    ) {
        self.report = report
        self.manifest = manifest
        self.summary = summary
        self.directory = directory
        self.version = version
    }

    package func html() -> ByteBuffer {
        var page = HTMLPage(
            title: "Highest rate of \(report.target): \(headline)",
            subtitle: [
                "sipmeter find-max", manifest["begun_utc"]?.text ?? "",
                manifest["host"]?["name"]?.text.map { "on \($0)" } ?? "",
            ].filter { !$0.isEmpty }.joined(separator: ", "),
            foot:
                "Drawn by sipmeter \(version) from \(directory). Times are in milliseconds unless a unit stands with them; "
                + "n/a means undefined: too few values, or none.")
        page.head { tiles(&$0) }
        page.section("Answer and verdict", id: "verdict") { verdict(&$0) }
        page.section("The search", id: "search") { picture(&$0) }
        page.section("Trials", id: "trials") { trials(&$0) }
        page.section("How it was searched", id: "method") { method(&$0) }
        page.section("The generator and the test bed", id: "generator") { generator(&$0) }
        page.section("How to repeat it", id: "repeat") { howToRepeat(&$0) }
        return page.html()
    }

    // MARK: Answer

    private var headline: String {
        guard let rate = report.answer.rate else {
            switch report.answer.ending {
            case .nothingPassed, .slowCallsFail: return "none"
            case .found, .converged, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted, .targetLost,
                .cutOff:
                return "not known"
            }
        }
        switch report.answer.ending {
        case .found, .converged: return "\(RateText.text(rate)) calls/s"
        case .nothingPassed, .slowCallsFail, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted,
            .targetLost, .cutOff:
            return "at least \(RateText.text(rate)) calls/s"
        }
    }

    private func tiles(_ html: inout HTMLWriter) {
        var tiles: [(String, String)] = []
        if let rate = report.answer.rate {
            let isFound = headline.hasPrefix("at least") ? "passed, calls/s" : "highest rate, calls/s"
            tiles.append((isFound, RateText.text(rate)))
        }
        if let failing = report.answer.failing { tiles.append(("failed, calls/s", RateText.text(failing))) }
        if let bed = report.baseline.rate { tiles.append(("test bed, calls/s", RateText.text(bed))) }
        if report.answer.confirmations > 0 {
            tiles.append(
                ("confirmed", report.answer.confirmations == 1 ? "once" : "\(report.answer.confirmations) times"))
        }
        tiles.append(("trials", "\(report.rows.count)"))
        tiles.append(("took", FindMaxText.length(report.took)))
        html.element("ul", class: "tiles") { html in
            for tile in tiles {
                html.element("li") {
                    $0.element("span", tile.0)
                    $0.element("strong", tile.1)
                }
            }
        }
    }

    private func verdict(_ html: inout HTMLWriter) {
        let verdict = report.verdict
        VerdictBox.append(
            level: summary == nil ? nil : verdict.level.text, meaning: meaning(verdict),
            evidence: verdict.evidence,
            missing:
                "No verdict: the search did not come to its end (there is no summary.json). What follows is what its trials "
                + "say; the one that was running is missing.",
            to: &html)
        html.definitions(
            FindMaxText.answer(report).map { line in
                let said = "confirmed "
                let isPlain = line.title == "Confirmed" && line.text.hasPrefix(said)
                return (line.title, isPlain ? String(line.text.dropFirst(said.count)) : line.text)
            })
        html.list(report.notes + (summary == nil ? [] : verdict.notes))
    }

    private func meaning(_ verdict: Verdict) -> String {
        let subject = "On sipmeter and its host, not on the server. "
        switch verdict.level {
        case .valid: return subject + "Whatever limit was found is the target's."
        case .suspect:
            return subject + "The figures stand, with \(verdict.evidence.count == 1 ? "this doubt" : "these doubts"):"
        case .invalid:
            return subject + "The generator was the limit: a rate below is no maximum, the target passed there."
        }
    }

    // MARK: The search

    private func picture(_ html: inout HTMLWriter) {
        if report.rows.isEmpty {
            html.paragraph("No trial was run to its end.")
            return
        }
        let picture = TrialsPlot.svg(report, hasVerdict: summary != nil)
        guard picture.count <= Self.mostPictureBytes else {
            html.paragraph("Its picture is too large for this page, and beside it: find-max.svg.")
            return
        }
        html.figure(
            picture,
            caption:
                "The rates tried, one trial after another: on a logarithmic scale above, and what lies around the result "
                + "below. The band is what was still possible: between the highest rate that had passed and the lowest that "
                + "had failed. The line is the answer.")
    }

    private func trials(_ html: inout HTMLWriter) {
        let pages = trialPages
        var table = HTMLTable(
            "again: requests sent again; p99 of the time until the final response"
                + (pages.isEmpty ? "" : "; the number leads to the trial's own page"),
            [
                .number("trial"), .text("phase"), .number("calls/s"), .number("attempts"), .number("failed"),
                .number("again"), .number("p99, ms"), .text("generator"), .text("outcome"),
                .text("why, and what came next"),
            ])
        for row in report.rows.prefix(Self.mostRows) {
            let (trial, result) = (row.trial, row.result)
            let number = "\(trial.number)"
            table.add([
                pages[trial.number].map { .link(to: $0, number) } ?? .text(number), .text(trial.phase.rawValue),
                .text(RateText.text(trial.rate)), .text(DecimalText.grouped(result.attempts)),
                .text(DecimalText.grouped(result.failed)), .text(DecimalText.grouped(result.resent)),
                .text(result.responseP99.map(DecimalText.milliseconds) ?? Number.undefined),
                .text(result.generator.text), Self.outcome(row.decision.kind), .text(row.decision.sentence),
            ])
        }
        html.table(table)
        if report.rows.count > Self.mostRows {
            html.paragraph("\(report.rows.count - Self.mostRows) more are in trials.csv.", class: "muted")
        }
    }

    private static func outcome(_ kind: Decision.Kind) -> HTMLTable.Cell {
        switch kind {
        case .passes: .mark(.good, "passed")
        case .fails: .mark(.bad, "failed")
        case .undecided: .mark(.doubtful, "undecided")
        case .void: .mark(.doubtful, "void")
        }
    }

    // MARK: How

    private func method(_ html: inout HTMLWriter) {
        html.paragraph(way)
        let asked = manifest["find_max"]
        var items: [(String, String)] = []
        func add(_ term: String, _ text: String?) { if let text, !text.isEmpty { items.append((term, text)) } }
        add("Target", report.target)
        add("Address", manifest["target"]?["address"]?.text)
        add("Transport", report.transport)
        add("Scenario", report.scenario)
        add("Arrivals", manifest["load"]?["arrivals"]?.text)
        add("A rate passes with at most", FindMaxText.allowed(report))
        add(
            "An attempt fails",
            asked?["establishment_threshold_time_s"]?.double.map {
                "by another final response than the scenario wants, by none within \(Number.seconds($0, decimals: 3)), or "
                    + "because its call does not end well"
            })
        add("A trial", asked.flatMap { trial($0) })
        add("A confirmation", asked.flatMap { confirmation($0) })
        add("Rest between trials", Number.seconds(asked?["settle_s"]?.double, decimals: 3))
        html.definitions(items)
        if let flow = LadderPlot(flow: manifest["flow"], title: "The scenario's messages") {
            html.figure(flow.svg(), caption: "The scenario, message by message. Dashed: may come, need not.")
        }
    }

    private var way: String {
        let asked = manifest["find_max"]
        let start = asked?["start_cps"]?.double.map { "from \(Number.trimmed($0)) calls/s" } ?? ""
        if report.method == "rfc7502" {
            return
                "By RFC 7502, section 4.10, \(start): a rate passes when all of its attempts are established, and the next "
                + "one is higher by a share; one failure makes it lower. The tenth pass that is no new best ends the search."
        }
        let apart = report.resolution.map { ", until they lay \(FindMaxText.percent($0)) apart" } ?? ""
        let confirmed =
            asked?["confirmations"]?.whole == 0
            ? ""
            : "; the rate that failed is tried again, and the result confirmed by longer trials; it goes down where one fails"
        return
            "By bisection: doubled \(start) until a rate failed (halved where not even the first passed), then bisected "
            + "between the highest that passed and the lowest that failed\(apart)\(confirmed)."
    }

    private func trial(_ asked: JSONValue) -> String? {
        guard let attempts = asked["attempts"]?.whole else { return nil }
        let bounds = [asked["shortest_trial_s"]?.double, asked["longest_trial_s"]?.double].compactMap { $0 }
        return "\(DecimalText.grouped(attempts)) attempts"
            + (bounds.count == 2
                ? ", but at least \(Number.seconds(bounds[0], decimals: 3)) and at most "
                    + Number.seconds(bounds[1], decimals: 3) : "")
    }

    private func confirmation(_ asked: JSONValue) -> String? {
        guard let count = asked["confirmations"]?.whole else { return nil }
        if count == 0 { return "none was asked for" }
        return "\(DecimalText.grouped(asked["confirmation_attempts"]?.whole ?? 0)) attempts, at most "
            + "\(Number.seconds(asked["longest_confirmation_s"]?.double, decimals: 3)); \(count) of them have to pass"
    }

    // MARK: The generator

    private func generator(_ html: inout HTMLWriter) {
        let share = DecimalText.fixed(100 * SearchReport.suspectShare, decimals: 0)
        switch report.baseline {
        case .measured(let rate, let above):
            html.paragraph(
                "Before the search sipmeter called its own answering side, without limits, on loopback, with the same scenario, "
                    + "transport and sending threads: what it could place and read there is the limit of the test bed "
                    + "itself (RFC 7501's first test case). A result above \(share) % of it is SUSPECT: it may be the "
                    + "test bed's.")
            var table = HTMLTable("", [.text("looked at"), .number("calls/s"), .number("of the test bed's")])
            func add(_ name: String, _ value: Double) {
                table.add([
                    .text(name), .text(RateText.text(value)),
                    .text(DecimalText.fixed(100 * value / rate, decimals: 1) + " %"),
                ])
            }
            if let above { add("the test bed did not keep up", above) }
            add("the test bed kept up", rate)
            add("above this a result is SUSPECT", SearchReport.suspectShare * rate)
            if let result = report.answer.rate { add("highest rate the target passed at", result) }
            html.table(table)
        case .notKept(let lowest):
            html.paragraph(
                "Without the target the test bed did not keep up at any rate tried, down to \(RateText.text(lowest)) "
                    + "calls/s: this machine was too busy to measure with. Free it, and search again.")
        case .unknown(let why):
            html.paragraph("What the test bed itself can place was not measured: \(why).")
        }
        let late = report.rows.filter { $0.decision.kind != .void }.compactMap(\.result.lateP99).max()
        html.definitions([
            ("Trials that counted", "\(report.rows.count - report.spoilt) of \(report.rows.count)"),
            ("Decided nothing", "\(report.spoilt), because the generator did not keep up"),
            ("Passed unevenly placed", "\(report.uneven); their pass stands, because uneven is harder"),
            (
                "Lateness, p99",
                late.map { "\(DecimalText.milliseconds($0)) ms in the worst trial that counted" } ?? Number.undefined
            ),
        ])
    }

    // MARK: Again

    private func howToRepeat(_ html: inout HTMLWriter) {
        if let command = manifest.commandLine { html.element("pre", command) }
        let host = manifest["host"]
        let machine = [
            host?["name"]?.text, host?["kernel"]?.text, host?["cpu"]?.text, host?["cpus"]?.whole.map { "\($0) CPUs" },
            host?["hypervisor"]?.flag == true ? "in a virtual machine" : nil,
        ]
        html.paragraph(
            "By sipmeter \(manifest["sipmeter_version"]?.text ?? "?"), seed \(Number.count(manifest["seed"])), on "
                + machine.compactMap { $0 }.joined(separator: ", ") + ".")
        form(&html)
        html.details("manifest.json, whole") { $0.element("pre", RunPage.text(of: manifest)) }
        if files.isEmpty { return }
        html.element("p") { html in
            html.text("Files beside this page: ")
            for (place, file) in files.enumerated() {
                if place > 0 { html.raw(", ") }
                html.link(to: file, file)
            }
        }
    }

    /// Of RFC 7502, 5.
    private func form(_ html: inout HTMLWriter) {
        guard let form = manifest["rfc7502"] else { return }
        var table = HTMLTable("The form of RFC 7502, section 5", [.text("parameter"), .text("value")])
        func add(_ name: String, _ value: String?) { if let value { table.add([.text(name), .text(value)]) } }
        add("Test case", form["test_case"]?.text)
        add("SIP transport protocol", form["sip_transport_protocol"]?.text)
        add("Connections", manifest["target"]?["connections"]?.text ?? "none (datagrams)")
        add(
            "Initial session attempt rate",
            form["initial_session_attempt_rate_per_s"]?.double.map { "\(Number.trimmed($0)) a second" })
        add("Session duration", Number.seconds(form["session_duration_s"]?.double, decimals: 3))
        add("Total sessions attempted", DecimalText.grouped(report.attempts))
        add("Associated media", form["is_media"]?.flag == true ? "yes" : "none")
        add("Establishment threshold time", Number.seconds(form["establishment_threshold_time_s"]?.double, decimals: 3))
        add("Result", result)
        html.table(table)
    }

    private var result: String {
        guard let rate = report.answer.rate else { return "none" }
        let rule =
            report.method == "rfc7502"
            ? "" : ", by bisection with failures allowed: the RFC's own search allows none (--method rfc7502)"
        switch report.answer.ending {
        case .found, .converged: return "\(RateText.text(rate)) a second\(rule)"
        case .nothingPassed, .slowCallsFail, .ceilingReached, .generatorInTheWay, .tooManyTrials, .interrupted,
            .targetLost, .cutOff:
            return "none: the search did not end at a maximum"
        }
    }
}
