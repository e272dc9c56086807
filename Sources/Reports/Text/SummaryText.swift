import Datagrams
import Latency
import Observations

/// `summary.txt`, which is also what the terminal shows at the end: the verdict first, because without it no figure
/// below means anything; then what was asked for and what happened; then the times. 80 columns, plain ASCII.
package enum SummaryText {
    package static let width = 80

    package static func append(_ summary: RunSummary, to buffer: inout ByteBuffer) {
        for line in lines(summary) {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    static func lines(_ summary: RunSummary) -> [String] {
        var sections = [
            verdict(summary), ThresholdText.lines(summary), calls(summary), responseTimes(summary), split(summary),
        ]
        sections.append(summary.tagEffect.map(TagEffectReport.lines) ?? [])
        sections.append(sessions(summary))
        sections.append(messages(summary))
        if !summary.conditions.isCapture { sections.append(generator(summary)) }
        return Array(sections.filter { !$0.isEmpty }.joined(separator: [""]))
    }

    private static func verdict(_ summary: RunSummary) -> [String] {
        var lines = ["VERDICT  \(summary.verdict.level.text)"]
        for sentence in summary.verdict.evidence { lines += wrapped(sentence, first: "  - ", rest: "    ") }
        for note in summary.notes { lines += wrapped(note, first: "  note: ", rest: "        ") }
        return lines
    }

    // MARK: Calls

    private static func calls(_ summary: RunSummary) -> [String] {
        let conditions = summary.conditions
        let counters = summary.counters
        var lines =
            conditions.isCapture
            ? wrapped(conditions.target, first: label("Capture"), rest: label(""))
            : wrapped(
                "\(conditions.scenario) to \(conditions.target), \(conditions.transport)", first: label("Run"),
                rest: label(""))
        lines += wrapped(rates(summary), first: label("Rate"), rest: label(""))
        lines += block(
            "Calls",
            [
                "offered \(counters.offered)", "started \(counters.started)", "answered \(counters.answered)",
                "ok \(counters.ok)", "failed \(counters.failed)", "unsent \(counters.unsent)",
            ].filter { !conditions.isCapture || !$0.hasPrefix("offered") && !$0.hasPrefix("unsent") })
        let failures = summary.outcomes.filter { $0.outcome != .ok && $0.outcome != .unsent }
        if !failures.isEmpty {
            lines += block("Not ok", failures.map { "\($0.outcome.text) \($0.count)" })
        }
        return lines
    }

    private static func rates(_ summary: RunSummary) -> String {
        let conditions = summary.conditions
        let seconds = DecimalText.trimmed(conditions.offeredFor.seconds, decimals: 1)
        let changed = conditions.changes.isEmpty ? "" : " (changed by hand)"
        var text = ""
        if let rate = conditions.rate {
            text += "offered \(DecimalText.trimmed(rate)) calls/s\(changed) for \(seconds) s"
        }
        if let rate = summary.achievedRate {
            text += (text.isEmpty ? "" : ", ") + "started \(DecimalText.fixed(rate, decimals: 1)) calls/s"
        }
        let lasted = DecimalText.fixed(conditions.lasted, unit: 1_000_000_000, decimals: 1)
        return text + (text.isEmpty ? "" : ", ") + "lasted \(lasted) s"
    }

    // MARK: Response times

    private static func responseTimes(_ summary: RunSummary) -> [String] {
        var lines = [LatencyTable.header("Times, ms"), LatencyTable.row("RTT", summary.rtt)]
        // When a captured call was due, only its caller knew.
        if !summary.conditions.isCapture { lines.append(LatencyTable.row("  from due", summary.rttFromDue)) }
        if summary.callsWithRetransmission > 0 {
            lines.append(LatencyTable.row("  never resent", summary.rttWithoutRetransmission))
        }
        if summary.rttTagged.count > 0, summary.rttUntagged.count > 0 {
            lines.append(LatencyTable.row("  tagged", summary.rttTagged))
            lines.append(LatencyTable.row("  untagged", summary.rttUntagged))
        }
        lines += [
            LatencyTable.row("\(summary.conditions.firstRequest) to 100", summary.trying),
            LatencyTable.row("  to 1xx", summary.ringing),
            LatencyTable.row("  to answer", summary.answer),
            LatencyTable.row("BYE to answer", summary.bye),
        ]
        for named in summary.named { lines.append(LatencyTable.row("rtd \(named.name)", named.figures)) }
        return lines
    }

    // MARK: Split

    /// Empty without the kernel's clock, and for a capture, which knows nothing of the caller.
    private static func split(_ summary: RunSummary) -> [String] {
        let split = summary.split
        if split.scheduling.count == 0 { return [] }
        return [
            LatencyTable.header("Split, ms"),
            LatencyTable.row("scheduling", split.scheduling),
            LatencyTable.row("egress", split.egress),
            LatencyTable.row("network+server", split.network),
            LatencyTable.row("reaction", split.reaction),
            LatencyTable.row("ingress", split.ingress),
            LatencyTable.row("matching", split.matching),
        ]
    }

    // MARK: RFC 6076

    private static func sessions(_ summary: RunSummary) -> [String] {
        let sessions = summary.sessions
        let ratios: [(String, Ratio)] = [
            ("SER", sessions.ser), ("SEER", sessions.seer), ("ISA", sessions.isa), ("SCR", sessions.scr),
        ]
        let cells = ratios.map { name, ratio in
            let percent = ratio.percent.map { DecimalText.fixed($0, decimals: 2) + " %" } ?? "n/a"
            let text = name.padded(to: 5) + percent.paddedLeft(to: 9) + "  = \(ratio.numerator) / \(ratio.denominator)"
            return text.padded(to: 40)
        }
        var lines = [
            LatencyTable.header("RFC 6076, ms"),
            LatencyTable.row("SRD", summary.srd),
        ]
        if summary.srdFailed.count > 0 { lines.append(LatencyTable.row("  failed", summary.srdFailed)) }
        lines.append(LatencyTable.row("SDD", summary.sdd))
        if summary.sddFailed.count > 0 { lines.append(LatencyTable.row("  failed", summary.sddFailed)) }
        lines.append(LatencyTable.row("SDT", summary.sdt))
        lines.append(trimmedRight(cells[0] + cells[1]))
        lines.append(trimmedRight(cells[2] + cells[3]))
        return lines
    }

    // MARK: Messages

    private static func messages(_ summary: RunSummary) -> [String] {
        let counters = summary.counters
        var lines = block(
            "Sent again",
            [
                "requests \(counters.requestsRetransmitted), calls concerned \(summary.callsWithRetransmission)",
                "responses \(counters.responsesRetransmitted)", "ACKs \(counters.acksRepeated)",
                "received again \(counters.repeatsReceived)",
            ])
        if !summary.retransmissionsByTimer.isEmpty {
            lines += block("  by timer", summary.retransmissionsByTimer.map { "\($0.timer.text) \($0.count)" })
        }
        if !summary.finalStatuses.isEmpty {
            lines += block("Finals", summary.finalStatuses.map { "\($0.status): \($0.count)" })
        }
        let odd: [(String, UInt64)] = [
            ("late 1xx", counters.lateProvisional), ("unlisted 1xx", counters.unlistedProvisional),
            ("stray", counters.stray), ("malformed", counters.malformed),
            ("requests over 1300 bytes", counters.largeRequests), ("ICMP errors", counters.icmpErrors),
        ]
        let seen = odd.filter { $0.1 > 0 }
        if !seen.isEmpty { lines += block("Odd", seen.map { "\($0.0) \($0.1)" }) }
        return lines
    }

    // MARK: Generator

    private static func generator(_ summary: RunSummary) -> [String] {
        let late = summary.late
        func ms(_ length: Nanoseconds?) -> String { length.map(DecimalText.milliseconds) ?? "n/a" }
        func percent(_ value: Double?) -> String { value.map { DecimalText.fixed($0, decimals: 0) + " %" } ?? "n/a" }
        let counters = summary.counters
        return block(
            "Generator",
            [
                "late ms p50 \(ms(late.p50))", "p99 \(ms(late.p99))", "max \(ms(late.max))", "n \(late.count)",
                "CPU mean \(percent(summary.load.meanPercent))", "peak \(percent(summary.load.peakPercent))",
                "receive-queue drops \(counters.receiveQueueDrops)", "send queue full \(counters.sendQueueFull)",
                "send errors \(counters.sendErrors)",
                "kernel clock \(summary.rttByKernelClock) of \(summary.rtt.count)",
            ] + disturbances(summary.conditions.disturbances))
    }

    private static func disturbances(_ disturbances: Disturbances?) -> [String] {
        guard let disturbances else { return [] }
        var items = ["longest stall ms \(DecimalText.milliseconds(disturbances.longestStall))"]
        if let waited = disturbances.waitedForCPU {
            items.append("waited for CPU ms \(DecimalText.milliseconds(waited))")
        }
        if let switches = disturbances.involuntarySwitches { items.append("pushed off it \(switches)") }
        if let share = disturbances.stolenShare {
            items.append("stolen \(DecimalText.fixed(100 * share, decimals: 1)) %")
        }
        return items
    }

    // MARK: Layout

    static func label(_ text: String) -> String { text.padded(to: 12) }

    /// Items side by side, never broken inside one.
    static func block(_ title: String, _ items: [String]) -> [String] {
        var lines: [String] = []
        var line = label(title)
        var isFresh = true
        for item in items {
            if !isFresh, line.columns + 3 + item.columns > width {
                lines.append(line)
                line = label("")
                isFresh = true
            }
            line += (isFresh ? "" : "   ") + item
            isFresh = false
        }
        lines.append(line)
        return lines
    }

    private static func trimmedRight(_ text: String) -> String {
        var text = text
        while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
        return text
    }
}
