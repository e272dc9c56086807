import Datagrams
import Latency

/// `report.html` of one run, one analysed capture or one `explain`: a page in the order of a reader's questions. Can it
/// be believed? What was run? What came of it, in the standard's words? How did it go over time, how slow is slow, what
/// failed, what was sent again, where did the time go? Was it us? How is it done again?
package struct RunPage {
    let report: RunReport

    package init(_ report: RunReport) { self.report = report }

    /// Of the whole page; see `HTMLPage.mostBytes`.
    package func html() -> ByteBuffer {
        var page = HTMLPage(
            title: report.title, subtitle: report.subtitle,
            foot:
                "Drawn by sipmeter \(report.version) from \(report.directory). Times are in milliseconds unless a unit "
                + "stands with them; n/a means undefined: too few values, or none.")
        page.head { html in
            tiles(&html)
        }
        page.section("Verdict", id: "verdict") { verdict(&$0) }
        page.section(report.isCapture ? "What was captured" : "What was run", id: "run") { whatWasRun(&$0) }
        page.section("Session metrics (RFC 6076)", id: "rfc6076") { sessions(&$0) }
        page.section(report.isCapture ? "Calls over time" : "Load over time", id: "load") { load(&$0) }
        page.section("Response times", id: "rtt") { responseTimes(&$0) }
        page.section("Percentile spectrum", id: "spectrum") { spectrum(&$0) }
        // What explain found may take what is left; it stands after these, so they are written first.
        var codes = HTMLWriter()
        self.codes(&codes)
        var resent = HTMLWriter()
        retransmissions(&resent)
        var generator = HTMLWriter()
        self.generator(&generator)
        var again = HTMLWriter()
        howToRepeat(&again)
        let room = page.room - codes.count - resent.count - generator.count - again.count - 2_000
        page.section("Codes and failures", id: "failures") { $0.append(codes) }
        page.section("Retransmissions", id: "retransmissions") { $0.append(resent) }
        page.section("Where the time went", id: "blocks") { blocks(&$0, room: room) }
        page.section("The generator", id: "generator") { $0.append(generator) }
        page.section("How to repeat it", id: "repeat") { $0.append(again) }
        return page.html()
    }

    // MARK: The figures that matter most

    private func tiles(_ html: inout HTMLWriter) {
        guard report.summary != nil else { return }
        let rtt = report.figures("response_times_us", "rtt")
        func ms(_ name: String) -> String { Number.milliseconds(microseconds: rtt?[name]?.double) }
        var tiles: [(String, String)] = []
        if let achieved = report.figures("run", "achieved_rate_cps")?.double {
            tiles.append(
                (report.isCapture ? "calls/s seen" : "calls/s started", DecimalText.fixed(achieved, decimals: 1)))
        }
        tiles.append(
            ("calls ok, of \(DecimalText.grouped(report.count("started")))", DecimalText.grouped(report.count("ok"))))
        tiles.append(("RTT p50, ms", ms("p50")))
        if rtt?["p99"]?.double != nil { tiles.append(("RTT p99, ms", ms("p99"))) }
        tiles.append(("RTT max, ms", ms("max")))
        tiles.append(("sent again", Number.count(report.figures("retransmissions", "requests"))))
        html.element("ul", class: "tiles") { html in
            for tile in tiles {
                html.element("li") {
                    $0.element("span", tile.0)
                    $0.element("strong", tile.1)
                }
            }
        }
    }

    // MARK: Verdict

    private func verdict(_ html: inout HTMLWriter) {
        VerdictBox.append(
            level: report.isFromRows || report.summary == nil ? nil : report.figures("verdict", "level")?.text,
            isCapture: report.isCapture, evidence: report.figures("verdict", "evidence")?.texts ?? [],
            missing: report.summary == nil && report.explain != nil
                ? "No calls were placed: this watched a server under others' load." : Self.killed, to: &html)
        if let stopped = report.figures("stopped_by", "reason")?.text {
            html.paragraph("Stopped by an abort rule: \(stopped)")
        }
        if let explain = report.explain?["verdict"]?.text {
            html.paragraph("Where the time went: \(explain)")
        }
        let notes = report.figures("notes")?.texts ?? []
        html.list(notes)
        ThresholdTable.append(report.summary?["thresholds"], to: &html)
    }

    private static let killed =
        "No verdict: the run did not come to its end (there is no summary.json). What follows was computed from the rows "
        + "it left; at most its last second is missing."

    // MARK: What was run

    private func whatWasRun(_ html: inout HTMLWriter) {
        if report.isCapture { return capture(&html) }
        let manifest = report.manifest
        var items: [(String, String)] = []
        func add(_ term: String, _ text: String?) {
            if let text, !text.isEmpty { items.append((term, text)) }
        }
        add("Scenario", manifest["scenario"]?.text ?? report.figures("run", "scenario")?.text)
        if let target = manifest["target"] {
            let (asked, address) = (target["asked"]?.text ?? "", target["address"]?.text ?? "")
            let isNamed = asked != address && !address.isEmpty
            add(
                "Target",
                asked + (isNamed ? " (\(address))" : "") + (target["is_model"]?.flag == true ? ", a model" : ""))
            add("Transport", transport(target))
            add("From", target["source_addresses"]?.text)
        }
        if let load = manifest["load"] { add("Load", Self.text(load: load)) }
        add("Calls", callsText)
        if let timers = manifest["timers_ms"], let t1 = timers["t1"]?.double, let t2 = timers["t2"]?.double {
            add("SIP timers", "T1 \(Number.trimmed(t1)) ms, T2 \(Number.trimmed(t2)) ms")
        }
        if let tag = manifest["call_tag"], tag["sent"]?.flag == true {
            add("Call tag", "IP option \(Number.count(tag["option_type"]))")
        }
        add("Clock", clockText(manifest["timestamps"]))
        html.definitions(items)
        if let flow = LadderPlot(flow: manifest["flow"], title: "The scenario's messages") {
            html.figure(
                flow.svg(),
                caption: "The scenario, message by message. Dashed: may come, need not.")
        }
    }

    private func transport(_ target: JSONValue) -> String? {
        guard let name = target["transport"]?.text else { return nil }
        var text = name
        if let connections = target["connections"]?.text { text += ", connections \(connections)" }
        if let verified = target["tls_verified"]?.flag {
            text += verified ? ", certificate verified" : ", certificate NOT verified"
        }
        return text
    }

    private static func text(load: JSONValue) -> String? {
        let users = load.users
        guard let asked = users ?? load["rate_per_s"]?.double.map({ "\(Number.trimmed($0)) calls/s" }) else {
            return nil
        }
        var parts = [asked]
        if let seconds = load["duration_s"]?.double { parts[0] += " for \(Number.seconds(seconds, decimals: 3))" }
        if users != nil {
            parts.append("each with one call at a time")
        } else if let arrivals = load["arrivals"]?.text {
            parts.append(arrivals == "poisson" ? "Poisson arrivals" : "evenly spaced")
        }
        if let hold = load["hold_ms"]?.double, hold > 0 { parts.append("held \(Number.trimmed(hold)) ms") }
        if let limit = load["call_limit"]?.whole {
            parts.append("at most \(DecimalText.grouped(limit)) \(limit == 1 ? "call" : "calls")")
        }
        if let workers = load["workers"]?.whole, workers > 1 { parts.append("\(workers) sending threads") }
        return parts.joined(separator: ", ")
    }

    private var callsText: String? {
        guard report.summary != nil else { return nil }
        let parts = ["offered", "started", "answered", "ok", "failed", "unsent"].filter {
            !report.isCapture || ($0 != "offered" && $0 != "unsent")
        }
        return parts.map { "\($0) \(DecimalText.grouped(report.count($0)))" }.joined(separator: ", ")
    }

    private func clockText(_ timestamps: JSONValue?) -> String? {
        guard let source = timestamps?["source"]?.text else { return nil }
        let stamped = report.figures("response_times_us", "rtt_with_kernel_clock")?.whole ?? 0
        let all = report.figures("response_times_us", "rtt", "count")?.whole ?? 0
        var text = source == "kernel" ? "the kernel's timestamps" : "the sending thread's clock"
        if source == "kernel", all > 0 {
            text += " (\(DecimalText.grouped(stamped)) of \(DecimalText.grouped(all)) response times)"
        }
        if let why = timestamps?["why_not_kernel"]?.text { text += ": \(why)" }
        return text
    }

    private func capture(_ html: inout HTMLWriter) {
        var items: [(String, String)] = [("Capture", report.figures("run", "target")?.text ?? "")]
        if let lasted = report.figures("run", "lasted_s")?.double {
            items.append(("SIP lasted", Number.seconds(lasted)))
        }
        if let calls = callsText { items.append(("Calls", calls)) }
        html.definitions(items)
        var frames = HTMLTable("What was in it", [.text("frames and calls"), .number("count")])
        // The whole first, then what there is most of: the file's own order is lost when it is read.
        let counts = (report.summary?["frames"]?.members ?? []).map { ($0.0, $0.1.whole ?? 0) }.filter { $0.1 > 0 }
        for (name, n) in counts.sorted(by: { ($0.0 == "in all" ? 0 : 1, $1.1) < ($1.0 == "in all" ? 0 : 1, $0.1) }) {
            frames.add([.text(name), .text(DecimalText.grouped(n))])
        }
        html.table(frames)
        var methods = TimesTable("From a request to its final response, ms", first: "method")
        for (name, method) in (report.summary?["methods"]?.members ?? []).sorted(by: { Self.precedes($0.0, $1.0) }) {
            methods.add(name, method["to_final_us"])
        }
        html.table(methods.table)
        directions(&html)
        TimerRulesTable.append(report.summary?["timer_rules"], to: &html)
        hops(&html)
    }

    /// INVITE first, as in every call.
    private static func precedes(_ a: String, _ b: String) -> Bool {
        (a == "INVITE" ? 0 : 1, a) < (b == "INVITE" ? 0 : 1, b)
    }

    private func directions(_ html: inout HTMLWriter) {
        let directions = report.summary?["directions"]?.items ?? []
        guard directions.count > 1 else { return }
        var table = HTMLTable(
            "By direction",
            [.text("from and to"), .number("calls"), .number("SER"), .number("SEER"), .number("SRD p50, ms")])
        for direction in directions {
            table.add([
                .text(direction["direction"]?.text ?? ""), .text(Number.count(direction["calls"])),
                .text(Number.percent(of: direction["ser"])),
                .text(Number.percent(of: direction["seer"])),
                .text(Number.milliseconds(microseconds: direction["srd_us"]?["p50"]?.double)),
            ])
        }
        html.table(table)
    }

    private func hops(_ html: inout HTMLWriter) {
        guard let hops = report.summary?["hops"] else { return }
        html.element("h3", "Hops: " + (hops["points"]?.texts ?? []).joined(separator: " - "))
        html.list(hops["clocks"]?.texts ?? [])
        var table = TimesTable("Where each request was, ms", first: "stretch")
        for (name, figures) in hops["stretches_us"]?.members ?? [] { table.add(name, figures) }
        html.table(table.table)
        if let picture = report.pictures.first(where: { $0.file == "hops.svg" }), picture.bytes.count < 120_000 {
            html.figure(
                imageOf: picture.bytes.span, alternative: "Time of each request over its number, stacked by hop",
                caption: "Time of each request, stacked by where it was spent.")
        }
    }
}

extension JSONValue {
    /// Of a manifest's load: `5 users`, where users took the place of a rate; the rate beside them is nobody's then.
    var users: String? {
        self["users"]?.whole.map { "\(DecimalText.grouped($0)) \($0 == 1 ? "user" : "users")" }
    }

    /// Of an array: the texts in it.
    var texts: [String] { items?.compactMap(\.text) ?? [] }
}

extension LadderPlot {
    /// From a manifest's `flow`; nil where there is none.
    init?(flow: JSONValue?, title: String) {
        guard let flow, let steps = flow["steps"]?.items, !steps.isEmpty else { return nil }
        self.init(
            title: title, own: flow["own"]?.text ?? "sipmeter", peer: flow["peer"]?.text ?? "target",
            rungs: steps.map { step in
                let kind: Kind =
                    switch step["kind"]?.text {
                    case "send": .sent
                    case "receive": .received(isOptional: false)
                    case "receive_optional": .received(isOptional: true)
                    case "label": .label
                    case _: .note
                    }
                return Rung(kind, step["text"]?.text ?? "", remark: step["remark"]?.text ?? "")
            })
    }
}

/// The verdict, large, with its evidence.
package enum VerdictBox {
    /// `level`: as in `summary.json`; nil: there is none, and `missing` says why.
    package static func append(
        level: String?, isCapture: Bool = false, evidence: [String], missing: String, to html: inout HTMLWriter
    ) {
        guard let level else {
            html.element("div", class: "verdict doubtful") {
                $0.paragraph("NO VERDICT")
                $0.paragraph(missing)
            }
            return
        }
        html.open("div", class: cssClass(level))
        html.paragraph(level)
        html.paragraph(meaning(level, isCapture: isCapture, doubts: evidence.count), class: "muted")
        html.list(evidence)
        html.close("div")
    }

    static func mark(_ level: String) -> HTMLMark {
        switch level {
        case "VALID": .good
        case "INVALID": .bad
        case _: .doubtful
        }
    }

    private static func cssClass(_ level: String) -> StaticString {
        switch mark(level) {
        case .good: "verdict good"
        case .doubtful: "verdict doubtful"
        case .bad: "verdict bad"
        }
    }

    private static func meaning(_ level: String, isCapture: Bool, doubts: Int) -> String {
        if isCapture {
            return "On the capture, not on the server: whether it holds all that is needed."
        }
        let subject = "On sipmeter and its host, not on the server. "
        return switch mark(level) {
        case .good: subject + "The figures below are the target's."
        case .doubtful: subject + "The figures stand, with \(doubts > 1 ? "these doubts" : "this doubt"):"
        case .bad: subject + "The generator was the bottleneck, or the record is not whole: do not use these figures."
        }
    }
}

/// Thresholds of `summary.json`, whatever members they have besides the three that count.
package enum ThresholdTable {
    package static func append(_ thresholds: JSONValue?, to html: inout HTMLWriter) {
        guard let items = thresholds?.items, !items.isEmpty else { return }
        let failed = items.filter { $0["passed"]?.flag == false }.count
        html.element("h3", "Thresholds: " + (failed == 0 ? "all passed" : "\(failed) of \(items.count) failed"))
        // Where there is a value, it is reason enough.
        let remarks = items.map { item in
            if item["value"]?.double != nil { return "" }
            return item["reason"]?.text ?? item["note"]?.text ?? item["message"]?.text ?? ""
        }
        let hasRemarks = remarks.contains { !$0.isEmpty }
        var table = HTMLTable(
            "", [.text("threshold"), .number("value"), .text("result")] + (hasRemarks ? [.text("remark")] : []))
        for (item, remark) in zip(items, remarks) {
            let isPassed = item["passed"]?.flag ?? false
            table.add(
                [
                    .code(item["threshold"]?.text ?? ""), .text(value(item["value"], unit: item["unit"]?.text ?? "")),
                    .mark(isPassed ? .good : .bad, isPassed ? "passed" : "FAILED"),
                ] + (hasRemarks ? [.text(remark)] : []))
        }
        html.table(table)
    }

    private static func value(_ value: JSONValue?, unit: String) -> String {
        if let text = value?.text { return text }
        guard let number = value?.double, number.isFinite, number.magnitude < 1e15 else { return Number.undefined }
        // Lengths are microseconds in the file, and milliseconds everywhere a person reads.
        if unit == "us" { return Number.milliseconds(microseconds: number) + " ms" }
        return DecimalText.trimmed(number, decimals: 4) + (unit.isEmpty ? "" : " " + unit)
    }
}

/// What RFC 3261's timers want, and whether a capture keeps it.
enum TimerRulesTable {
    static func append(_ rules: JSONValue?, to html: inout HTMLWriter) {
        guard let rules = rules?.items, !rules.isEmpty else { return }
        let broken = rules.filter { ($0["violated"]?.whole ?? 0) > 0 }.count
        html.element(
            "h3",
            "RFC 3261's timers: " + (broken == 0 ? "every rule is kept" : "\(broken) of \(rules.count) rules broken"))
        var table = HTMLTable(
            "", [.text("rule"), .text("messages"), .number("checked"), .number("broken"), .text("worst")])
        for rule in rules {
            let violated = rule["violated"]?.whole ?? 0
            table.add([
                .text(rule["rule"]?.text ?? ""), .text(rule["messages"]?.text ?? ""),
                .text(Number.count(rule["checked"])),
                violated == 0 ? "0" : .mark(.bad, DecimalText.grouped(violated)), .text(rule["worst"]?.text ?? ""),
            ])
        }
        html.table(table)
    }
}
