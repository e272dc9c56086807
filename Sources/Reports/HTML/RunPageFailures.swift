import Datagrams
import Latency
import Observations

/// What failed, with its messages, and what was sent again.
extension RunPage {
    // MARK: Codes

    func codes(_ html: inout HTMLWriter) {
        guard report.summary != nil else { return }
        outcomeTable(&html)
        finals(&html)
        odd(&html)
        if RunSeries.sum(report.series.failed) > 0, report.series.instants.count > 2 {
            let plot = TimePlot(
                title: "Failed calls over time", instants: report.series.instants,
                panels: [
                    .init(
                        title: "Failed calls a second",
                        lines: [.init(name: "failed", stroke: Ink.retransmitted, values: report.series.failed)])
                ])
            html.figure(plot.svg(description: "Calls that failed in each second."), caption: "")
        }
        firstFailures(&html)
    }

    private func outcomeTable(_ html: inout HTMLWriter) {
        let seen = report.calls?.outcomes ?? [:]
        let started = max(report.count("started") + report.count("unsent"), 1)
        var table = HTMLTable(
            "How calls ended",
            [
                .text("outcome"), .number("calls"), .number("share"), .number("first call"), .number("first at, s"),
                .number("last at, s"), .text("meaning"),
            ])
        let counts = report.figures("calls", "outcomes")?.members ?? []
        for (name, count) in counts.sorted(by: { order($0.0) < order($1.0) }) {
            // A failed check's kind is in the summary alone.
            let rows = seen[name]
            table.add([
                .text(name), .text(Number.count(count)),
                .text(count.double.map { Number.share($0, of: Double(started)) } ?? Number.undefined),
                .text(rows.map { DecimalText.grouped($0.firstCall) } ?? ""),
                .text(rows.map { DecimalText.fixed($0.first.seconds, decimals: 3) } ?? ""),
                .text(rows.map { DecimalText.fixed($0.last.seconds, decimals: 3) } ?? ""),
                .text(Self.meaning(of: name)),
            ])
        }
        html.table(table)
    }

    private func order(_ outcome: String) -> Int {
        if outcome == "ok" { return 0 }
        if let status = Int(outcome) { return status }
        return 1_000 + (["timeout", "unexpected", "refused", "unsent", "interrupted"].firstIndex(of: outcome) ?? 10)
    }

    static func meaning(of outcome: String) -> String {
        switch outcome {
        case "ok": return "as the scenario wants it"
        case "timeout": return "no answer, after every retransmission, or in a step's own time"
        case "unexpected": return "a message the scenario has no place for"
        case "refused": return "ICMP said that nobody listens"
        case "unsent": return "due, and held back by a limit"
        case "interrupted": return "still open when the run was stopped"
        default: break
        }
        if outcome.hasPrefix("check") { return "a check of the scenario failed" }
        return switch Int(outcome) ?? 0 {
        case 300..<400: "redirected"
        case 401, 407: "challenged, and not answered"
        case 480, 486, 600, 603: "the callee said no"
        case 408, 500, 503, 504: "the network or the server could not"
        case 400..<500: "the request was refused"
        case 500..<600: "the server failed"
        case 600..<700: "refused everywhere"
        case _: ""
        }
    }

    private func finals(_ html: inout HTMLWriter) {
        let finals = report.summary?["final_statuses"]?.members ?? []
        guard finals.count > 1 else { return }
        html.paragraph(
            "Final responses to the first request: "
                + finals.sorted { $0.0 < $1.0 }.map { "\($0.0): \(Number.count($0.1))" }.joined(separator: ", ")
                + ".")
    }

    private func odd(_ html: inout HTMLWriter) {
        let counters = report.summary?["counters"]
        let odd: [(String, String)] = [
            ("late_provisional", "late 1xx"), ("unlisted_provisional", "unlisted 1xx"),
            ("stray", "messages of no call"), ("malformed", "malformed messages"),
            ("repeats_received", "messages received again"), ("large_requests", "requests over 1300 bytes"),
            ("icmp_errors", "ICMP errors"),
        ]
        let seen = odd.compactMap { name, text in
            counters?[name]?.whole.flatMap { $0 > 0 ? "\(text) \(DecimalText.grouped($0))" : nil }
        }
        if !seen.isEmpty { html.paragraph("Odd: " + seen.joined(separator: ", ") + ".") }
    }

    // MARK: The first failing calls

    /// Of all ladders and messages together.
    private static let failureBytes = 90_000
    /// Of one message, as it is shown.
    private static let messageBytes = 3_000
    private static let mostMessages = 24

    private func firstFailures(_ html: inout HTMLWriter) {
        let known = report.failures
        let failed = report.failed
        if failed == 0 && known.isEmpty { return }
        html.element("h3", "The first failed calls")
        if known.isEmpty {
            failureTable(&html)
            return
        }
        let start = html.count
        var shown = 0
        for (place, failure) in known.enumerated() {
            var one = HTMLWriter()
            ladder(failure, isFirst: place == 0, &one)
            if html.count - start + one.count > Self.failureBytes { break }
            html.append(one)
            shown += 1
        }
        var rest: [String] = []
        if shown < known.count { rest.append("\(known.count - shown) more are in failures/.") }
        if failed > UInt64(known.count) {
            rest.append("\(DecimalText.grouped(failed)) calls failed in all; the messages of the first are kept.")
        }
        if !rest.isEmpty { html.paragraph(rest.joined(separator: " "), class: "muted") }
    }

    /// Without their messages: what the rows tell.
    private func failureTable(_ html: inout HTMLWriter) {
        var table = HTMLTable(
            "",
            [
                .text("Call-ID"), .number("call"), .number("due at, s"), .text("outcome"), .number("sent again"),
                .number("ended after, ms"),
            ])
        for call in report.calls?.failures ?? [] {
            table.add([
                .code(call.callID.text), .text(DecimalText.grouped(call.number)),
                .text(DecimalText.fixed(call.due.seconds, decimals: 3)), .text(call.outcome.text),
                .text("\(call.retransmissions)"),
                .text(call.sent.map { DecimalText.milliseconds(call.ended - $0) } ?? Number.undefined),
            ])
        }
        html.table(table)
        if !report.isCapture { html.paragraph("Their messages were not kept.", class: "muted") }
    }

    private func ladder(_ failure: FailureFile, isFirst: Bool, _ html: inout HTMLWriter) {
        let outcome = failure.fact("Outcome") ?? ""
        let call = failure.fact("Call") ?? "?"
        html.details("Call \(call): \(Self.sentence(failure, outcome: outcome))", isOpen: isFirst) { html in
            let messages = failure.messages.prefix(Self.mostMessages)
            let start = messages.first?.at ?? .zero
            var rungs: [LadderPlot.Rung] = failure.facts.filter { $0.name == "Note" }.map { .init(.note, $0.text) }
            rungs += messages.map {
                .init(
                    $0.isSent ? .sent : .received(isOptional: false), $0.name,
                    time: "+\(DecimalText.milliseconds($0.at - start)) ms")
            }
            if failure.messages.count > messages.count {
                rungs.append(.init(.note, "\(failure.messages.count - messages.count) more"))
            }
            rungs.append(.init(.failure, "failed: \(outcome)", remark: Self.meaning(of: outcome)))
            let plot = LadderPlot(
                title: "Messages of call \(call)", own: "sipmeter", peer: failure.fact("Peer") ?? "target", rungs: rungs
            )
            html.figure(plot.svg(), caption: "")
            html.definitions(failure.facts.filter { $0.name != "Call" && $0.name != "Note" }.map { ($0.name, $0.text) })
            let answer = messages.last { !$0.isSent }
            for message in messages {
                html.details(
                    "\(Number.seconds(message.at.seconds, decimals: 6)) \(message.isSent ? "sent" : "received"): \(message.name)",
                    isOpen: isFirst && message == answer
                ) { html in
                    let text = String(decoding: message.bytes.prefix(Self.messageBytes), as: UTF8.self)
                    html.element("pre", text)
                    if message.bytes.count > Self.messageBytes {
                        html.paragraph(
                            "\(message.bytes.count - Self.messageBytes) bytes more in failures/.", class: "muted")
                    }
                }
            }
        }
    }

    private static func sentence(_ failure: FailureFile, outcome: String) -> String {
        if let expected = failure.fact("Expected"), let received = failure.fact("Received") {
            return "expected \(expected), got \(received)"
        }
        return outcome
    }

    // MARK: Retransmissions

    func retransmissions(_ html: inout HTMLWriter) {
        guard report.summary != nil else { return }
        let series = report.retransmissions
        if series.isEmpty {
            let counted = report.figures("retransmissions", "requests")?.whole ?? 0
            html.paragraph(counted == 0 ? "None." : "\(DecimalText.grouped(counted)) requests were sent again.")
            return
        }
        var table = HTMLTable(
            "By the timer that sent them",
            [
                .text("timer"), .number("sent again"), .number("calls"), .number("first at, s"), .number("latest, ms"),
                .text("messages"), .text("what it is"),
            ])
        for name in series.timers.keys.sorted() {
            guard let timer = series.timers[name] else { continue }
            let calls = DecimalText.grouped(UInt64(timer.calls.count))
            table.add([
                .text(name), .text(DecimalText.grouped(timer.count)),
                .text(timer.calls.count < RetransmissionSeries.mostCalls ? calls : "\(calls) or more"),
                .text(DecimalText.fixed(timer.first.seconds, decimals: 3)),
                .text(DecimalText.milliseconds(timer.longestLate)),
                .text(
                    timer.messages.keys.sorted().map { "\($0) \(DecimalText.grouped(timer.messages[$0]!))" }.joined(
                        separator: ", ")),
                .text(Self.timers[name] ?? ""),
            ])
        }
        html.table(table)
        let (instants, rates) = series.rates(upTo: report.lasted)
        let inks: [StaticString] = [Ink.ok, Ink.retransmitted, "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
        let plot = TimePlot(
            title: "Retransmissions over time", instants: instants,
            panels: [
                .init(
                    title: "Retransmissions a second",
                    lines: rates.enumerated().map { place, line in
                        .init(name: "timer \(line.timer)", stroke: inks[place % inks.count], values: line.values)
                    })
            ])
        html.figure(
            plot.svg(description: "\(DecimalText.grouped(series.count)) retransmissions over the run, by timer."),
            caption: "Over UDP a request is sent again when no answer came within T1, and then after twice the time. "
                + "“latest” is how much later than its instant sipmeter sent one.")
    }

    private static let timers = [
        "A": "INVITE again, after T1, 2 T1, 4 T1, … (RFC 3261, 17.1.1.2)",
        "E": "another request again, after T1, 2 T1, … up to T2 (17.1.2.2)",
        "G": "an INVITE's failure response again, until its ACK (17.2.1)",
        "2xx": "an INVITE's 2xx again, until its ACK (13.3.1.4)",
    ]
}
