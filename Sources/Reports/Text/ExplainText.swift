import Breakdown
import Datagrams
import Latency

/// `explain` on the screen, and `explain.txt`: the verdict and what to do first, then what it rests on. 80 columns but
/// for commands, which stand whole so that they can be copied. What is nothing is not printed.
package enum ExplainText {
    /// - Parameter tellsPoints: false where they were told when the recording began.
    package static func append(_ report: ExplainReport, tellsPoints: Bool = true, to buffer: inout ByteBuffer) {
        append(lines(report, tellsPoints: tellsPoints), to: &buffer)
    }

    /// The points of one recording, as they are told when it begins.
    package static func append(points source: TraceSource, to buffer: inout ByteBuffer) {
        append(points([source]), to: &buffer)
    }

    private static func append(_ lines: [String], to buffer: inout ByteBuffer) {
        for line in lines {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    static func lines(_ report: ExplainReport, tellsPoints: Bool = true) -> [String] {
        let breakdown = report.breakdown
        let figures = ExplainFigures(breakdown)
        let sections = [
            verdict(report), tellsPoints ? points(breakdown.sources) : [], ExplainTables.blocks(breakdown, figures),
            ExplainTables.causes(breakdown, figures), ExplainTables.work(figures), ExplainTables.bursts(breakdown),
            queues(breakdown),
            requests(breakdown) + remarks(report),
        ]
        return Array(sections.filter { !$0.isEmpty }.joined(separator: [""]))
    }

    // MARK: Verdict

    private static func verdict(_ report: ExplainReport) -> [String] {
        var lines = wrapped(report.verdict, first: "VERDICT  ", rest: "         ")
        for piece in report.advice {
            for line in piece.split(separator: "\n") {
                lines += line.hasPrefix("$ ") ? ["    " + line] : wrapped(String(line), first: "  > ", rest: "    ")
            }
        }
        return lines
    }

    // MARK: Points

    private static func points(_ sources: [TraceSource]) -> [String] {
        var lines: [String] = []
        for source in sources {
            var head = "\(source.host): \(source.rung.text), port \(source.port)"
            if source.share < 1 {
                head += ", \(DecimalText.trimmed(100 * source.share, decimals: 2)) % of the requests recorded"
            }
            lines += wrapped(
                head, first: SummaryText.label(lines.isEmpty ? "Points" : ""), rest: SummaryText.label(""))
            for point in source.coverage {
                lines += wrapped(
                    point.reason, first: "  " + point.quality.text.padded(to: 10) + point.point.label.padded(to: 22),
                    rest: String(repeating: " ", count: 34))
            }
        }
        return lines
    }

    // MARK: Requests

    private static func requests(_ breakdown: Breakdown) -> [String] {
        let tally = breakdown.tally
        var lines = SummaryText.block(
            "Joined", ["\(tally.joined) of \(counted(tally.requests, "request"))"] + lacking(tally))
        let lost = [
            (tally.receiveDrops, "datagram", "dropped by a full receive buffer"),
            (tally.requestsDropped, "request", "sent again for it"),
        ].filter { $0.0 > 0 }.map { "\(counted($0.0, $0.1)) \($0.2)" }
        if !lost.isEmpty { lines += SummaryText.block("Dropped", lost) }
        if tally.outside > 0 {
            lines += SummaryText.block(
                "Put aside", ["\(counted(tally.outside, "request")) that began when not all hosts recorded"])
        }
        if tally.sentAgain > 0 {
            lines += SummaryText.block(
                "Sent again", ["\(counted(tally.sentAgain, "request")) seen arriving more than once"])
        }
        return lines
    }

    private static func lacking(_ tally: Breakdown.Tally) -> [String] {
        tally.lacking.filter { $0.count > 0 }.map { "\($0.count) lacked: \($0.point.label)" }
    }

    private static func queues(_ breakdown: Breakdown) -> [String] {
        var items: [String] = []
        for queue in [QueueSample.Queue.tap, .socket] {
            guard let figures = QueueFigures(breakdown.queues, of: queue) else { continue }
            let moment = figures.event == .read ? "as it was read" : "as each came"
            items.append(
                "\(queue.rawValue) \(moment): mean \(DecimalText.fixed(figures.mean, decimals: 1)), max \(figures.maximum)"
            )
        }
        return items.isEmpty ? [] : SummaryText.block("Queue depth", items)
    }

    // MARK: What the figures are worth

    private static func remarks(_ report: ExplainReport) -> [String] {
        let breakdown = report.breakdown
        var lines: [String] = []
        for (i, clock) in breakdown.clocks.enumerated() {
            lines += wrapped(clock, first: SummaryText.label(i == 0 ? "Clocks" : ""), rest: SummaryText.label(""))
        }
        lines += recordings(breakdown)
        if breakdown.tally.unreadable > 0 {
            lines += SummaryText.block("Unreadable", [counted(breakdown.tally.unreadable, "record")])
        }
        return lines + stolen(breakdown) + cost(report.cost)
    }

    private static func recordings(_ breakdown: Breakdown) -> [String] {
        var items: [String] = []
        for (i, tally) in breakdown.recordings.enumerated() {
            let at = place(i, of: breakdown)
            if tally.lost > 0 { items.append("\(counted(tally.lost, "record")) found no room in the ring\(at)") }
            if tally.slotMisses > 0 {
                items.append("\(counted(tally.slotMisses, "packet")) reached the socket on another CPU: inferred\(at)")
            }
        }
        if breakdown.tally.unkept > 0 {
            items.append("\(counted(breakdown.tally.unkept, "record")) came when memory for events was full")
        }
        return items.isEmpty ? [] : SummaryText.block("Recording", items)
    }

    private static func stolen(_ breakdown: Breakdown) -> [String] {
        var items: [String] = []
        for (i, tally) in breakdown.recordings.enumerated() {
            guard let stolen = tally.stolen, stolen > .zero else { continue }
            let seconds = DecimalText.fixed(tally.lasted, unit: 1_000_000_000, decimals: 1)
            items.append(
                "\(DecimalText.milliseconds(stolen)) ms of CPU time by the hypervisor in \(seconds) s"
                    + place(i, of: breakdown))
        }
        return items.isEmpty ? [] : SummaryText.block("Stolen", items)
    }

    private static func cost(_ cost: ProbeCost) -> [String] {
        func us(_ length: Nanoseconds) -> String { DecimalText.fixed(length, unit: 1000, decimals: 1) }
        var items: [String] = []
        if let time = cost.perRequest {
            let runs = cost.runsPerRequest.map { " in \(DecimalText.fixed($0, decimals: 1)) runs" } ?? ""
            items.append("\(us(time)) us a request\(runs), by the kernel's own counting")
        }
        if let measured = cost.measured {
            let sign = measured.value > .zero ? "+" : ""
            items.append(
                "response time with against without them: \(sign)\(us(measured.value)) us "
                    + "(95 % interval \(us(measured.low))..\(us(measured.high)), \(counted(measured.rounds, "round")))")
        }
        var lines: [String] = []
        for (i, item) in items.enumerated() {
            lines += wrapped(item, first: SummaryText.label(i == 0 ? "Probes cost" : ""), rest: SummaryText.label(""))
        }
        return lines
    }

    /// Only where there are several.
    private static func place(_ source: Int, of breakdown: Breakdown) -> String {
        guard breakdown.sources.count > 1, breakdown.sources.indices.contains(source) else { return "" }
        return " (\(breakdown.sources[source].host))"
    }
}

/// `1 request`, `2 requests`.
func counted(_ count: some BinaryInteger, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
