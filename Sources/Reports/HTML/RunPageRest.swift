import Datagrams
import Latency

/// Where the time went, whether it was the generator, and how the run is done again.
extension RunPage {
    // MARK: Blocks

    func blocks(_ html: inout HTMLWriter, room: Int) {
        guard let explain = report.explain else { return }
        if let verdict = explain["verdict"]?.text { html.paragraph(verdict) }
        for advice in explain["advice"]?.texts ?? [] { self.advice(advice, &html) }
        blockTable(explain, &html)
        causes("Socket wait: why the request lay there", explain["socket_wait"], &html)
        causes("From received to answered", explain["receive_to_send"], &html)
        if let cost = explain["probe_cost"]?["per_request_us"]?.double {
            html.paragraph(
                "The probes cost \(DecimalText.fixed(cost, decimals: 1)) us a request, by the kernel's own counting.",
                class: "muted")
        }
        pictures(room: room - html.count, &html)
    }

    /// A sentence, and after a line feed the command to do it with.
    private func advice(_ text: String, _ html: inout HTMLWriter) {
        let parts = text.split(separator: "\n", maxSplits: 1)
        html.paragraph("→ " + String(parts.first ?? ""))
        if parts.count > 1 {
            let command = parts[1].hasPrefix("$ ") ? parts[1].dropFirst(2) : parts[1]
            html.element("pre", String(command))
        }
    }

    private func blockTable(_ explain: JSONValue, _ html: inout HTMLWriter) {
        var table = HTMLTable(
            "Time of a request by block, us",
            [.text("block")] + ["mean", "sd", "p50", "p99", "max", "of the mean", "of the swing"].map { .number($0) })
        func cells(_ figures: JSONValue?) -> [HTMLTable.Cell] {
            ["mean", "sd", "p50", "p99", "max"].map { name in
                .text(
                    figures?[name]?.double.map { DecimalText.fixed($0, decimals: $0 < 100 ? 2 : 0) } ?? Number.undefined
                )
            }
        }
        for block in explain["blocks"]?.items ?? [] {
            let quality = block["quality"]?.text ?? "exact"
            table.add(
                [.text((block["name"]?.text ?? "") + (quality == "exact" ? "" : " (\(quality))"))] + cells(block["us"])
                    + [
                        .text(Number.percent(block["share_of_mean"]?.double.map { $0 * 100 }, decimals: 1)),
                        .text(Number.percent(block["share_of_variance"]?.double.map { $0 * 100 }, decimals: 1)),
                    ])
        }
        if let total = explain["total_us"], total["mean"] != nil {
            table.add(["total"] + cells(total) + ["100.0 %", "100.0 %"])
        }
        html.table(table)
    }

    private func causes(_ caption: String, _ wait: JSONValue?, _ html: inout HTMLWriter) {
        guard let causes = wait?["causes"]?.members, !causes.isEmpty else { return }
        var table = HTMLTable(caption, [.text("cause"), .number("mean, us"), .number("max, us"), .number("share")])
        let shares = causes.map { (name: $0.0, figures: $0.1, share: $0.1["share"]?.double ?? 0) }
        for (name, figures, share) in shares.sorted(by: { $0.share > $1.share }) where share > 0 {
            table.add([
                .text(Self.causes[name] ?? name),
                .text(figures["mean_us"]?.double.map { DecimalText.fixed($0, decimals: 1) } ?? Number.undefined),
                .text(figures["max_us"]?.double.map { DecimalText.fixed($0, decimals: 0) } ?? Number.undefined),
                .text(Number.percent(figures["share"]?.double.map { $0 * 100 }, decimals: 1)),
            ])
        }
        html.table(table)
        let others = (wait?["behind_whom"]?.items ?? []).prefix(6).compactMap { $0["command"]?.text }
        if !others.isEmpty { html.paragraph("In front, the longest first: " + others.joined(separator: ", ") + ".") }
    }

    private static let causes = [
        "busy": "the thread was at work", "behind": "ready to run, another task had the CPU",
        "cpu_waking": "ready to run, the CPU was waking", "asleep": "asleep", "unknown": "not known",
    ]

    private static let captions: [(file: String, alternative: String, caption: String)] = [
        (
            "shares.svg", "Share of each block in the mean and in the swing of the time",
            "What the time consists of, and what makes it swing: a block may be long and steady, or short and to blame."
        ),
        (
            "blocks.svg", "Time of each request over its number, stacked by block",
            "Each request's time, stacked by block; of a column of pixels the slowest request."
        ),
        (
            "queue.svg", "Queue depths and bursts",
            "What lay in the queues as each request came, and how requests came in bursts."
        ),
        (
            "threads.svg", "The server's threads around the slowest request",
            "What the server's threads did around the slowest request."
        ),
    ]

    private func pictures(room: Int, _ html: inout HTMLWriter) {
        var (left, missing) = (room, [String]())
        for (file, alternative, caption) in Self.captions {
            guard let picture = report.pictures.first(where: { $0.file == file }) else { continue }
            var one = HTMLWriter()
            one.figure(imageOf: picture.bytes.span, alternative: alternative, caption: caption)
            if one.count > left {
                missing.append(file)
                continue
            }
            left -= one.count
            html.append(one)
        }
        if !missing.isEmpty {
            html.paragraph("Too large for this page, and beside it: " + missing.joined(separator: ", ") + ".")
        }
    }

    // MARK: Generator

    func generator(_ html: inout HTMLWriter) {
        if report.isCapture || report.summary == nil { return }
        if !report.isFromRows {
            let level = report.figures("verdict", "level")?.text ?? ""
            let evidence = report.figures("verdict", "evidence")?.texts ?? []
            html.paragraph(
                level == "VALID"
                    ? "No rule found fault. What the rules looked at:"
                    : "Decided by: " + evidence.joined(separator: " "))
            GeneratorRules(report).append(to: &html)
        } else {
            html.paragraph("Not judged: the run left no summary. Its rows say:")
        }
        var late = TimesTable("Lateness: from when a call was due until it was sent, ms", first: "time")
        late.add("late", report.figures("response_times_us", "late"))
        html.table(late.table)
        healthOverTime(&html)
    }

    private func healthOverTime(_ html: inout HTMLWriter) {
        let series = report.series
        guard !series.isEmpty else { return }
        var panels: [TimePlot.Panel] = [
            .init(
                title: "Lateness of calls sent, ms", atLeast: 0.1,
                lines: [
                    .init(name: "largest", stroke: "#CC79A7", width: 1.2, values: series.lateMost),
                    .init(name: "p99", stroke: Ink.ok, values: series.lateP99),
                ]),
            .init(
                title: "CPU of the sending threads, % of one", atLeast: 100,
                lines: [.init(name: "CPU", stroke: Ink.ok, values: series.cpuPercent)]),
        ]
        if RunSeries.sum(series.dropped) + RunSeries.sum(series.sendsRefused) > 0 {
            panels.append(
                .init(
                    title: "Lost or held up on this host",
                    lines: [
                        .init(
                            name: "dropped from the receive queue", stroke: Ink.retransmitted, values: series.dropped),
                        .init(
                            name: "sends refused or queue full", stroke: "#E69F00", dashes: "6 3",
                            values: series.sendsRefused),
                    ], isCount: true))
        }
        let plot = TimePlot(
            title: "The generator over time", instants: series.instants, panels: panels, panelHeight: 150)
        html.figure(
            plot.svg(description: "Lateness, CPU and losses of the generator in each second."),
            caption:
                "How late calls left in each second, and how busy the sending threads were. A thread near 100 % has no "
                + "room for a burst.")
    }

    // MARK: Again

    func howToRepeat(_ html: inout HTMLWriter) {
        let manifest = report.manifest
        if let command = manifest.commandLine {
            html.element("pre", command)
            let seed = manifest["seed"]?.whole.map { ", seed \($0)" } ?? ""
            html.paragraph("By sipmeter \(manifest["sipmeter_version"]?.text ?? "?")\(seed).", class: "muted")
        }
        form(&html)
        var machine: [(String, String)] = []
        let host = manifest["host"]
        func add(_ term: String, _ text: String?) { if let text, !text.isEmpty { machine.append((term, text)) } }
        add("Begun", manifest["begun_utc"]?.text)
        add("Host", host?["name"]?.text)
        add(
            "System",
            [host?["system"]?.text, host?["kernel"]?.text, host?["machine"]?.text].compactMap { $0 }.joined(
                separator: " "))
        add(
            "CPU",
            [
                host?["cpu"]?.text, host?["cpus"]?.whole.map { "\($0) CPUs" },
                host?["hypervisor"]?.flag == true ? "in a virtual machine" : nil,
            ]
            .compactMap { $0 }.joined(separator: ", "))
        add("Clock source", host?["clock_source"]?.text)
        add("Timestamps", manifest["timestamps"]?["clock"]?.text)
        add(
            "Receive buffer",
            manifest["target"]?["receive_buffer_bytes"]?.whole.map { "\(DecimalText.grouped($0)) bytes" })
        if !machine.isEmpty {
            html.element("h3", "Machine")
            html.definitions(machine)
        }
        html.details("manifest.json, whole") { html in
            html.element("pre", Self.text(of: manifest))
        }
        if !report.files.isEmpty {
            html.element("p") { html in
                html.text("Files beside this page: ")
                for (place, file) in report.files.enumerated() {
                    if place > 0 { html.raw(", ") }
                    html.link(to: file, file)
                }
            }
        }
    }

    /// Of RFC 7502, 5: what a report of a benchmark states.
    private func form(_ html: inout HTMLWriter) {
        guard let form = report.manifest["rfc7502"], let run = report.summary?["run"] else { return }
        var table = HTMLTable("The form of RFC 7502, section 5", [.text("parameter"), .text("value")])
        table.add(["SIP transport protocol", .text(form["sip_transport_protocol"]?.text ?? "")])
        table.add([
            "Connections", .text(report.manifest["target"]?["connections"]?.text ?? "none (datagrams)"),
        ])
        table.add([
            "Session attempt rate",
            .text(
                report.manifest["load"]?.users.map { "none asked: \($0), each with one call at a time" }
                    ?? form["session_attempt_rate_per_s"]?.double.map { "\(Number.trimmed($0)) a second" } ?? ""),
        ])
        table.add(["Session duration", .text(Number.seconds(form["session_duration_s"]?.double, decimals: 3))])
        table.add(["Total sessions attempted", .text(DecimalText.grouped(report.count("started")))])
        table.add(["Associated media", .text(form["is_media"]?.flag == true ? "yes" : "none")])
        table.add([
            "Establishment threshold time",
            .text(Number.seconds(form["establishment_threshold_time_s"]?.double, decimals: 3)),
        ])
        table.add(["Session establishment rate seen", .text(establishmentRate(run))])
        html.table(table)
    }

    private func establishmentRate(_ run: JSONValue) -> String {
        let (started, failed, unsent) = (report.count("started"), report.failed, report.count("unsent"))
        var missing: [String] = []
        if failed > 0 {
            missing.append("\(DecimalText.grouped(failed)) \(failed == 1 ? "attempt" : "attempts") failed")
        }
        if unsent > 0 { missing.append("\(DecimalText.grouped(unsent)) \(unsent == 1 ? "was" : "were") not made") }
        if !missing.isEmpty { return "none: \(missing.joined(separator: ", ")) (the RFC allows no failure)" }
        guard started > 0, let rate = run["achieved_rate_cps"]?.double else { return "none: no attempt was made" }
        return "\(DecimalText.fixed(rate, decimals: 1)) a second, no attempt failed"
    }

    private static func text(of value: JSONValue) -> String {
        var buffer = ByteBuffer(capacity: 1 << 12)
        value.write(to: &buffer)
        let most = min(buffer.count, 20_000)
        return String(decoding: buffer.storage[..<most], as: UTF8.self)
            + (most < buffer.count ? "\n… cut: see the file" : "")
    }
}
