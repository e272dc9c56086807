import Captures
import Datagrams
import Latency
import LoadRun
import Observations
import Reports

/// The hops of several captures: from the join to `hops.csv`, `hops.svg` and the table.
struct HopsAnalysis {
    static let fileNames = ["hops.csv", "hops.svg"]

    let report: HopsReport
    private let rows: [HopRow]
    private let points: Int

    init(_ traffic: SIPTraffic, _ files: [CaptureFile], isSameClock: Bool) {
        let join = HopJoin(traffic, points: files.count, isSameClock: isSameClock)
        points = files.count
        let start = join.paths.map(\.first).min() ?? .zero
        rows = join.paths.map { path in
            HopRow(
                callID: traffic.texts.withBytes(of: path.callID) { CallIDText($0) },
                method: path.method == .other
                    ? traffic.texts.text(path.methodText) : path.method.text.description,
                status: path.status, isFromCaller: path.isFromCaller, first: path.first - start,
                resent: path.resent, forth: path.forth, back: path.back, beyond: path.beyond, total: path.total)
        }.sorted { $0.first < $1.first }
        report = Self.report(join, files, rows)
    }

    private static func report(_ join: HopJoin, _ files: [CaptureFile], _ rows: [HopRow]) -> HopsReport {
        var report = HopsReport(points: files.map(\.name))
        report.clocks = join.offsets.enumerated().map { clock($1, $0) }
        let layers = layers(points: files.count)
        report.stretches = layers.map(HopsReport.Stretch.init)
        for row in rows {
            for (layer, length) in lengths(row).enumerated() { report.stretches[layer].times.record(length) }
            report.total.record(row.total)
        }
        // Only of interest where something was sent again.
        if rows.allSatisfy({ $0.resent == .zero }) { report.stretches.removeFirst() }
        for stretch in join.lost.indices {
            report.remarks.append(
                ("datagrams seen at one end of \(stretch + 1)-\(stretch + 2) and lost on the way", join.lost[stretch]))
            report.remarks.append(
                (
                    "datagrams that came out of \(stretch + 1)-\(stretch + 2) and were not seen going in",
                    join.unexplained[stretch]
                ))
        }
        report.remarks.append(("answered requests not seen at every point", join.incomplete))
        let negative = report.stretches.reduce(0) { $0 + $1.times.negative }
        report.remarks.append(("one-way times below zero, within the clocks' uncertainty; counted as 0", negative))
        return report
    }

    private static func layers(points: Int) -> [String] {
        let forth = (1..<points).map { "forth \($0)-\($0 + 1)" }
        let back = (1..<points).reversed().map { "back \($0 + 1)-\($0)" }
        return ["sent again"] + forth + ["beyond \(points)"] + back
    }

    private static func lengths(_ row: HopRow) -> [Nanoseconds] {
        [row.resent] + row.forth + [row.beyond] + row.back.reversed()
    }

    private static func clock(_ offset: ClockOffset, _ stretch: Int) -> String {
        let pair = "\(stretch + 1)-\(stretch + 2): "
        let bounds = "the traffic allows \(length(offset.lower)) ... \(length(offset.upper))"
        let uncertainty = length(offset.uncertainty)
        return switch offset.basis {
        case .asserted: pair + "one clock (\(bounds))"
        case .compatible:
            pair
                + "taken as one clock: \(bounds), and 0 lies within; were they two, one-way times would be off by at most "
                + uncertainty
        case .estimated:
            pair + "two clocks, \(stretch + 2) ahead by \(length(offset.value)), +- \(uncertainty) (\(bounds))"
        case .contradictory:
            pair + "the clocks drifted or one was set: no single offset explains the traffic; one-way times are off by "
                + "\(uncertainty) and more"
        case .unbounded: pair + "datagrams in both directions are needed to compare the clocks; taken as one"
        }
    }

    var text: String {
        var bytes = ByteBuffer(capacity: 1 << 12)
        report.append(to: &bytes)
        return String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
    }

    var json: JSONValue {
        .object([
            ("points", .array(report.points.map { .string($0) })),
            ("clocks", .array(report.clocks.map { .string($0) })),
            (
                "stretches_us",
                .object(
                    report.stretches.map { ($0.name, RunFiles.figures($0.times.figures)) }
                        + [("total", RunFiles.figures(report.total.figures))])
            ),
            ("remarks", .object(report.remarks.map { ($0.text, .count($0.count)) })),
        ])
    }

    private static func length(_ length: Nanoseconds?) -> String {
        guard let length else { return "unknown" }
        let isShort = length.rawValue.magnitude < 1_000_000_000
        return isShort
            ? DecimalText.fixed(length, unit: 1000, decimals: 1) + " us"
            : DecimalText.fixed(length, unit: 1_000_000_000, decimals: 6) + " s"
    }

    func write(to directory: String) throws(RunFailure) {
        var file = try OutputFile(directory + "/hops.csv")
        CSV.appendHopsHeader(points: points, to: &file.rows)
        for row in rows {
            CSV.appendHopsRow(row, to: &file.rows)
            if file.isLarge { try file.flush() }
        }
        try file.flush()
        // Nothing sent again: nothing to tell apart.
        let shown = rows.allSatisfy { $0.resent == .zero } ? 1 : 0
        let plot = HopsPlot(
            title: report.points.joined(separator: " - "), layers: Array(Self.layers(points: points)[shown...]),
            beyond: points - shown, rows: rows.map { Array(Self.lengths($0)[shown...]) })
        try OutputFile.create(directory + "/hops.svg", holding: plot.svg())
    }
}
