import Breakdown
import Datagrams
import KernelTrace
import Latency
import LoadRun
import Reports

/// What `explain` leaves behind, and what it prints at the end.
struct ExplainOutput {
    static let fileNames = [
        "explain.txt", "explain.json", "blocks.csv", "waits.csv", "queues.csv", "threads.csv", "blocks.svg",
        "shares.svg",
        "queue.svg", "threads.svg",
    ]

    private let report: ExplainReport
    /// Above the pictures.
    private let title: String
    private let generator: Verdict?

    /// - Parameters:
    ///   - counted: what the kernel counted of the programs; nil: nothing.
    ///   - generator: the verdict on the run that made the load; nil: the load was somebody else's.
    init(
        _ recordings: [ServerWatch.Recording], command: ExplainCommand, cost: ProbeCost, counted: Probes.Cost?,
        generator: Verdict?
    ) {
        let breakdown = Breakdown(
            recordings.map { ($0.source, $0.log, $0.tally) }, options: command.joining)
        let advice = Advice(breakdown)
        var cost = cost
        if let counted, let log = recordings.first?.log {
            (cost.perRequest, cost.runsPerRequest) = Self.perRequest(counted, log, breakdown)
        }
        report = ExplainReport(
            breakdown, verdict: advice.verdict + ".",
            advice: advice.cautions + advice.steps.map { $0.text + ($0.command.map { "\n$ " + $0 } ?? "") }, cost: cost)
        self.generator = generator
        let hosts = recordings.map(\.source).filter { $0.rung != .client }.map(\.host)
        let port = recordings.map(\.source.port).first { $0 != 0 } ?? 0
        title = "\(breakdown.tally.joined) requests to port \(port) of \(hosts.joined(separator: ", "))"
    }

    /// What the programs took for one request: of each its mean time, as often as it recorded something. Runs that had
    /// nothing to record are no request's.
    private static func perRequest(
        _ cost: Probes.Cost, _ log: TraceLog, _ breakdown: Breakdown
    ) -> (Nanoseconds?, runs: Double?) {
        let window = cost.since...cost.until
        let begins = breakdown.requests.filter { window.contains(breakdown.start + $0.begin) }.count
        guard begins > 0 else { return (nil, nil) }
        var events: [ProbePoint: Int] = [:]
        for event in log.events where window.contains(event.at) { events[event.point, default: 0] += 1 }
        var (time, runs) = (0.0, 0.0)
        for program in cost.programs where program.runs > 0 {
            let records = Double(program.points.reduce(0) { $0 + events[$1, default: 0] })
            // Of several programs at one point (two ways for a driver to hand over) each did its share.
            let own = min(records, Double(program.runs))
            time += own * Double(program.time.rawValue) / Double(program.runs)
            runs += own
        }
        return (Nanoseconds(Int64(time / Double(begins))), runs / Double(begins))
    }

    // MARK: on the screen

    /// What each point is worth, told when the recording begins.
    static func coverage(_ source: TraceSource, reason: String) -> String {
        var bytes = ByteBuffer(capacity: 1 << 12)
        ExplainText.append(points: source, to: &bytes)
        return text(bytes) + (reason.isEmpty ? "" : "\n  \(reason)")
    }

    var text: String {
        var bytes = ByteBuffer(capacity: 1 << 14)
        ExplainText.append(report, tellsPoints: false, to: &bytes)
        return "\n" + Self.text(bytes) + generatorText
    }

    /// A load that was none makes the breakdown one of something else.
    private var generatorText: String {
        guard let generator else { return "" }
        let evidence = generator.evidence.map { "\n  \($0)" }.joined()
        return "\n\nThe load itself: \(generator.level.text)\(evidence)"
    }

    private static func text(_ bytes: ByteBuffer) -> String {
        var text = String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    // MARK: files

    func write(to directory: String) throws(RunFailure) {
        let breakdown = report.breakdown
        var bytes = ByteBuffer(capacity: 1 << 16)
        ExplainText.append(report, to: &bytes)
        try OutputFile.create(directory + "/explain.txt", holding: bytes)
        bytes.removeAll()
        ExplainFile.append(report, to: &bytes)
        try OutputFile.create(directory + "/explain.json", holding: bytes)
        try table(directory + "/blocks.csv", breakdown.requests.indices) {
            CSV.appendBlocksHeader(breakdown.blocks, to: &$0)
        } row: {
            CSV.appendBlocksRow($0, of: breakdown, to: &$1)
        }
        try table(directory + "/waits.csv", breakdown.waits) {
            CSV.appendWaitsHeader(to: &$0)
        } row: {
            CSV.appendWaitsRow($0, of: breakdown, to: &$1)
        }
        try table(directory + "/queues.csv", breakdown.queues) {
            CSV.appendQueuesHeader(to: &$0)
        } row: {
            CSV.appendQueuesRow($0, to: &$1)
        }
        try writeThreads(directory + "/threads.csv", breakdown.threads)
        try writePictures(directory, breakdown)
    }

    private func table<Rows: Sequence>(
        _ path: String, _ rows: Rows, header: (inout ByteBuffer) -> Void, row: (Rows.Element, inout ByteBuffer) -> Void
    ) throws(RunFailure) {
        var file = try OutputFile(path)
        header(&file.rows)
        for element in rows {
            row(element, &file.rows)
            if file.isLarge { try file.flush() }
        }
        try file.flush()
    }

    private func writeThreads(_ path: String, _ threads: [ThreadTimeline]) throws(RunFailure) {
        var file = try OutputFile(path)
        CSV.appendThreadsHeader(to: &file.rows)
        for thread in threads {
            for slice in thread.slices {
                CSV.appendThreadsRow(slice, of: thread, to: &file.rows)
                if file.isLarge { try file.flush() }
            }
        }
        try file.flush()
    }

    private func writePictures(_ directory: String, _ breakdown: Breakdown) throws(RunFailure) {
        try OutputFile.create(directory + "/blocks.svg", holding: BlocksPlot.svg(breakdown, title: title))
        try OutputFile.create(directory + "/shares.svg", holding: SharesPlot.svg(breakdown, title: title))
        try OutputFile.create(directory + "/queue.svg", holding: QueuePlot.svg(breakdown, title: title))
        try OutputFile.create(directory + "/threads.svg", holding: ThreadsPlot(breakdown, title: title).svg())
    }
}
