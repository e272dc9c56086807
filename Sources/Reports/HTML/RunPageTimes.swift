import Datagrams
import Latency

/// What came of the calls, over time and by how slow they were.
extension RunPage {
    // MARK: RFC 6076

    func sessions(_ html: inout HTMLWriter) {
        guard let metrics = report.summary?["rfc6076"], report.firstRequest == "INVITE" || report.isCapture else {
            if report.summary != nil { html.paragraph("No sessions: the scenario begins with \(report.firstRequest).") }
            return
        }
        var ratios = HTMLTable(
            "", [.text("ratio"), .number("percent"), .number("in numbers"), .text("what it is")])
        for (key, name, meaning) in Self.ratios {
            let ratio = metrics[key]
            let fraction =
                "\(Number.count(ratio?["numerator"])) / \(Number.count(ratio?["denominator"]))"
            ratios.add([.text(name), .text(Number.percent(of: ratio)), .text(fraction), .text(meaning)])
        }
        if report.isCapture, let ira = report.summary?["ira"], (ira["denominator"]?.whole ?? 0) > 0 {
            ratios.add([
                "IRA", .text(Number.percent(of: ira)),
                .text("\(Number.count(ira["numerator"])) / \(Number.count(ira["denominator"]))"),
                "ineffective registration attempts (4.2): REGISTERs that failed or were not answered",
            ])
        }
        html.table(ratios)
        var delays = TimesTable("Delays, ms", first: "delay")
        for (key, name) in Self.delays { delays.add(name, metrics[key]) }
        if report.isCapture { delays.add("RRD: registration request delay (4.1)", report.summary?["rrd_us"]) }
        html.table(delays.table)
        html.paragraph(
            "Counted by sipmeter, RFC 6076's open points decided so: any 2xx is a 200; a timeout counts as 408, what could "
                + "not be delivered as 503; a refused session is complete; calls still open are in no ratio."
                + (report.isFromRows
                    ? " From rows alone, without the summary, statuses of calls that failed later are not known." : ""),
            class: "muted")
    }

    private static let ratios = [
        ("ser", "SER", "session establishment ratio (4.6): INVITEs answered 2xx, of all not redirected"),
        ("seer", "SEER", "establishment effectiveness (4.7): the same, with callees that said no (480, 486, 600, 603)"),
        ("isa", "ISA", "ineffective attempts (4.8): INVITEs that ended with 408, 500, 503, 504, or in silence"),
        (
            "scr", "SCR",
            "session completion ratio (4.9): sessions in which no response was missing, of those that ended"
        ),
    ]

    private static let delays = [
        ("srd_us", "SRD: session request delay (4.3), to the first response but 100"),
        ("srd_failed_us", "SRD of failed attempts"),
        ("sdd_us", "SDD: session disconnect delay (4.4), BYE to its answer"),
        ("sdd_failed_us", "SDD of failed disconnects"),
        ("sdt_us", "SDT: session duration time (4.5), 2xx to BYE"),
    ]

    // MARK: Load

    func load(_ html: inout HTMLWriter) {
        let series = report.series
        guard !series.isEmpty else { return }
        var calls: [TimePlot.Line] = []
        if !report.isCapture {
            calls.append(.init(name: "offered", stroke: "#999999", width: 4, values: series.offered))
        }
        calls.append(.init(name: "started", stroke: Ink.ok, values: series.started))
        calls.append(.init(name: "completed", stroke: "#009E73", dashes: "6 3", values: series.completed))
        if RunSeries.sum(series.failed) > 0 {
            calls.append(.init(name: "failed", stroke: Ink.retransmitted, values: series.failed))
        }
        if RunSeries.sum(series.unsent) > 0 {
            calls.append(.init(name: "unsent", stroke: "#CC79A7", values: series.unsent))
        }
        let plot = TimePlot(
            title: "Load over time", instants: series.instants,
            panels: [
                .init(title: "Calls a second", lines: calls, instants: series.middles),
                .init(
                    title: "Open calls", lines: [.init(name: "open", stroke: Ink.ok, values: series.open)],
                    isCount: true),
            ])
        let most = series.open.compactMap { $0 }.max() ?? 0
        html.figure(
            plot.svg(
                description: "Calls offered, started and completed in each second, and open at its end; at most "
                    + "\(DecimalText.grouped(UInt64(max(most, 0)))) were open."),
            caption: report.isCapture
                ? "Calls that began and ended in each second, and those open at its end."
                : loadCaption
        )
    }

    private var loadCaption: String {
        let isLimited = RunSeries.sum(report.series.unsent) > 0
        return "Calls that fell due (offered), were placed (started)"
            + (isLimited ? ", were held back by the limit on open calls (unsent)" : "")
            + " and ended (completed) in each second. Started \(isLimited ? "and unsent together " : "")below offered: the "
            + "generator fell behind. Completed below started: calls pile up, as the open ones show."
    }

    // MARK: Response times

    func responseTimes(_ html: inout HTMLWriter) {
        timesTable(&html)
        if let calls = report.calls {
            html.figure(
                calls.overNumber(title: "RTT over the call number", limit: 80_000),
                caption: report.isCapture
                    ? "Each call's RTT: INVITE to the BYE's final response, less the time it was held."
                    : "Each call's RTT over its number: the first request sent to the last final response, less the time it "
                        + "was held. Failed calls hang above the frame.")
            heatMap(calls, &html)
        }
        split(&html)
        for sentence in report.figures("call_tag_effect", "sentences")?.texts ?? [] { html.paragraph(sentence) }
    }

    private func timesTable(_ html: inout HTMLWriter) {
        let times = report.summary?["response_times_us"]
        var table = TimesTable("Times, ms", first: "from, to")
        table.add("RTT", times?["rtt"])
        if !report.isCapture { table.add("RTT from due", times?["rtt_from_due"]) }
        if (report.figures("retransmissions", "calls_affected")?.whole ?? 0) > 0 {
            table.add("RTT of calls never resent", times?["rtt_without_retransmission"])
        }
        // Where all calls are of one kind, it is the first row again.
        if (times?["rtt_untagged"]?["count"]?.whole ?? 0) > 0, (times?["rtt_tagged"]?["count"]?.whole ?? 0) > 0 {
            table.add("RTT, tagged", times?["rtt_tagged"])
            table.add("RTT, untagged", times?["rtt_untagged"])
        }
        table.add("\(report.firstRequest) to 100", times?["trying"])
        table.add("\(report.firstRequest) to 1xx", times?["ringing"])
        table.add("\(report.firstRequest) to answer", times?["answer"])
        table.add("BYE to answer", times?["bye"])
        for (name, figures) in times?["named"]?.members ?? [] { table.add("rtd \(name)", figures) }
        html.table(table.table)
    }

    private func heatMap(_ calls: CallPictures, _ html: inout HTMLWriter) {
        guard !calls.heat.isEmpty else { return }
        let series = report.series
        let svg = calls.heat.svg(
            title: "RTT over time",
            description: "How many calls ended with which response time, in each stretch of the run.",
            upTo: report.lasted,
            lines: series.isEmpty
                ? []
                : [
                    ("p50", Ink.retransmitted, series.middles, series.rttP50),
                    ("p99", "#009E73", series.middles, series.rttP99),
                ])
        html.figure(
            svg,
            caption:
                "When calls ended and how long they had taken; the stronger the colour, the more calls. Two bands are two "
                + "kinds of calls: a queue, a lost message that was sent again after T1. The lines are each second's "
                + "percentiles."
        )
    }

    private func split(_ html: inout HTMLWriter) {
        guard let split = report.summary?["split_us"], (split["scheduling"]?["count"]?.whole ?? 0) > 0 else { return }
        var table = TimesTable("What callers waited into, ms, in the order a call goes through it", first: "part")
        table.add("scheduling: due, until handed to the kernel", split["scheduling"])
        table.add("egress: until it left for the device", split["egress"])
        table.add("network and server: until the answer arrived", split["network_and_server"])
        table.add("reaction: from an answer to the request after it", split["reaction"])
        table.add("ingress: until the last answer was read", split["ingress"])
        table.add("matching: until the call was known to have ended", split["matching"])
        html.table(table.table)
    }

    // MARK: Spectrum

    func spectrum(_ html: inout HTMLWriter) {
        guard let calls = report.calls, calls.rtt.count > 0 else { return }
        let plot = SpectrumPlot(
            title: "RTT by percentile",
            curves: [
                .init(
                    name: "from due", stroke: Ink.retransmitted, width: 4.5, points: calls.fromDue.steps,
                    count: report.isCapture ? 0 : calls.fromDue.count),
                .init(name: "from sent", stroke: Ink.ok, width: 2, points: calls.rtt.steps, count: calls.rtt.count),
            ])
        html.figure(
            plot.svg(description: gap),
            caption:
                "Read it from below: at 99 %, ninety-nine of a hundred calls were not slower than the curve. The axis is "
                + "stretched to the right, so that the rare slow calls can be seen; a flat curve with a step is a few calls "
                + "of another kind, such as those sent again.")
        if !gap.isEmpty { html.paragraph(gap) }
    }

    /// The two curves, compared in a sentence at the percentile at which they are most apart.
    private var gap: String {
        guard let calls = report.calls else { return "" }
        if report.isCapture { return "A capture does not tell when calls were due: there is one curve." }
        var widest: (name: String, sent: Nanoseconds, due: Nanoseconds, share: Double)?
        let percentiles: [(Percentile, String)] = [
            (.p99, "99th percentile"), (.p50, "median"), (.p90, "90th percentile"), (.p999, "99.9th percentile"),
        ]
        for (percentile, name) in percentiles where calls.rtt.count >= percentile.leastCount {
            guard let sent = calls.rtt.value(at: percentile), let due = calls.fromDue.value(at: percentile) else {
                continue
            }
            let share = Double((due - sent).rawValue) / Double(max(sent.rawValue, 1))
            if share > (widest?.share ?? -.infinity) { widest = (name, sent, due, share) }
        }
        guard let widest else { return "" }
        let (sent, due) = (DecimalText.milliseconds(widest.sent), DecimalText.milliseconds(widest.due))
        if widest.share <= 0.01 {
            return
                "The curves lie on each other (at the \(widest.name), where they are most apart, \(sent) ms from sent and "
                + "\(due) ms from due): what sipmeter was late is nothing beside the times, so what was measured is what a "
                + "caller would have waited."
        }
        return
            "At the \(widest.name), where the curves are most apart, a call took \(due) ms counted from when it was due and "
            + "\(sent) ms from when it was sent. The \(DecimalText.milliseconds(widest.due - widest.sent)) ms between them are "
            + "the generator's own delay: a caller on time would have waited the longer, the target is answerable for the "
            + "shorter."
    }
}
