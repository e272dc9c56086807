import Breakdown
import Datagrams
import Latency

/// The tables of `ExplainText`.
enum ExplainTables {
    private static let labelWidth = 23
    private static let columnWidth = 8
    private static let meanWidth = 8
    private static let swingWidth = 9

    // MARK: Blocks

    static func blocks(_ breakdown: Breakdown, _ figures: ExplainFigures) -> [String] {
        guard let total = figures.total else { return [] }
        // Eight columns hold no more than 9,999,999 us.
        let isShort = total.maximum < .seconds(9)
        let unit = isShort ? "us" : "ms"
        let hasTail = UInt64(breakdown.requests.count) >= Percentile.p99.leastCount
        func row(_ name: String, _ lengths: ExplainFigures.Length, mean: Double, variance: Double?) -> String {
            let hasSpread = breakdown.requests.count > 1
            let values: [Nanoseconds?] = [
                lengths.mean, hasSpread ? lengths.sd : nil, lengths.p50, hasTail ? lengths.p99 : nil, lengths.maximum,
            ]
            var line = name.cut(to: labelWidth - 1).padded(to: labelWidth)
            for value in values { line += number(value, isShort: isShort).paddedLeft(to: columnWidth) }
            return line + hundredths(mean).paddedLeft(to: meanWidth) + hundredths(variance).paddedLeft(to: swingWidth)
        }
        var lines = [header("Blocks, \(unit)", ["mean", "sd", "p50", "p99", "max", "% mean", " % swing"])]
        for share in breakdown.shares {
            let lengths = ExplainFigures.Length(
                mean: share.mean, sd: share.sd, p50: share.p50, p99: share.p99, maximum: share.maximum)
            lines.append(
                row(breakdown.blocks[share.block].name, lengths, mean: share.ofMean, variance: share.ofVariance))
        }
        let varies = breakdown.shares.contains { $0.ofVariance != nil }
        lines.append(row("total", total, mean: 1, variance: varies ? 1 : nil))
        return lines + quality(breakdown.blocks)
    }

    private static func quality(_ blocks: [Breakdown.Block]) -> [String] {
        var lines: [String] = []
        let inferred = blocks.filter { $0.quality == .inferred }.map(\.name)
        if !inferred.isEmpty {
            lines += wrapped("Inferred, by order: " + inferred.joined(separator: ", "), first: "  ", rest: "    ")
        }
        let unsure = blocks.compactMap { block in
            block.clockUncertainty.map {
                "\(block.name) +- \(DecimalText.fixed($0, unit: 1000, decimals: 1)) us"
            }
        }
        if !unsure.isEmpty {
            lines += wrapped("From one clock to another: " + unsure.joined(separator: ", "), first: "  ", rest: "    ")
        }
        return lines
    }

    // MARK: Socket wait

    static func causes(_ breakdown: Breakdown, _ figures: ExplainFigures) -> [String] {
        let waits = figures.waits
        if waits.count == 0 { return [] }
        let lines =
            waits.seen.isEmpty
            ? ["Socket wait none: every request was taken as it came"]
            : causeRows("Socket wait, us", waits) { $0.name.description }
        return lines + neighbours(waits) + wakeToRun(waits.wakeToRun) + uncut(breakdown)
    }

    /// Nothing where the threads did nothing but work.
    static func work(_ figures: ExplainFigures) -> [String] {
        if figures.work.seen.allSatisfy({ $0 == .earlierWork }) { return [] }
        return causeRows("Receive to send, us", figures.work) { $0.nameAtWork } + neighbours(figures.work)
    }

    private static func causeRows(
        _ title: String, _ figures: CauseFigures, name: (WaitCause) -> String
    ) -> [String] {
        [causeRow(title, ["mean", "max", "share"])]
            + figures.seen.map { cause in
                causeRow(
                    "  " + name(cause),
                    [
                        microseconds(Double(figures.time(cause).rawValue) / Double(figures.count)),
                        number(figures.longest[cause.rawValue]), percent(figures.share(cause)),
                    ])
            }
    }

    private static func causeRow(_ label: String, _ cells: [String]) -> String {
        label.padded(to: 40) + cells.map { $0.paddedLeft(to: 10) }.joined()
    }

    private static let mostNeighbours = 4

    private static func neighbours(_ figures: CauseFigures) -> [String] {
        let all = figures.neighbours
        if all.isEmpty { return [] }
        let sum = Double(all.reduce(.zero) { $0 + $1.time }.rawValue)
        var names = all.prefix(mostNeighbours).map {
            "\($0.name) \(percent(Double($0.time.rawValue) / sum))"
        }
        let rest = all.dropFirst(mostNeighbours)
        if !rest.isEmpty {
            let time = Double(rest.reduce(.zero) { $0 + $1.time }.rawValue)
            names.append("\(counted(rest.count, "other")) \(percent(time / sum))")
        }
        return wrapped("In front: " + names.joined(separator: ", "), first: "  ", rest: "    ")
    }

    private static func wakeToRun(_ figures: LatencyFigures) -> [String] {
        if figures.count == 0 { return [] }
        let cells = [("p50", figures.p50), ("p90", figures.p90), ("p99", figures.p99), ("max", figures.max)].compactMap
        {
            name, value in value.map { "\(name) \(number($0))" }
        }
        return ["  From woken to running, us: " + cells.joined(separator: "  ") + "  n \(figures.count)"]
    }

    private static func uncut(_ breakdown: Breakdown) -> [String] {
        let missing = breakdown.requests.count - breakdown.waits.count
        if missing <= 0 { return [] }
        return ["  The wait of \(counted(missing, "request")) could not be cut: not in this table."]
    }

    // MARK: Bursts

    static func bursts(_ breakdown: Breakdown) -> [String] {
        let bins = BurstBin.bins(breakdown.bursts)
        guard let largest = bins.last else { return [] }
        if largest.sizes.upperBound == 1 { return ["Bursts      none: no two requests came within 50 us"] }
        let hasWait = breakdown.blocks.contains { $0.to == .applicationReceive }
        let names = ["bursts", "requests"] + (hasWait ? ["mean wait, us", "wait of last"] : [])
        var lines = [burstRow("Bursts, size", names)]
        for bin in bins {
            let waits = hasWait ? [number(bin.meanWait), number(bin.meanWaitOfLast)] : []
            lines.append(burstRow("  " + bin.name, ["\(bin.bursts)", "\(bin.requests)"] + waits))
        }
        return lines
    }

    private static func burstRow(_ label: String, _ cells: [String]) -> String {
        zip(cells, [8, 12, 16, 16]).reduce(label.padded(to: 18)) { $0 + $1.0.paddedLeft(to: $1.1) }
    }

    // MARK: Cells

    private static func header(_ title: String, _ names: [String]) -> String {
        title.padded(to: labelWidth) + names.map { $0.paddedLeft(to: max(columnWidth, $0.columns + 1)) }.joined()
    }

    /// Four significant digits, in microseconds or, for what takes seconds, in milliseconds.
    private static func number(_ length: Nanoseconds?, isShort: Bool = true) -> String {
        length.map { DecimalText.milliseconds($0 * (isShort ? 1000 : 1)) } ?? "n/a"
    }

    private static func microseconds(_ nanoseconds: Double) -> String {
        number(Nanoseconds(Int64(nanoseconds.rounded())))
    }

    private static func percent(_ share: Double) -> String { hundredths(share) + " %" }

    private static func hundredths(_ share: Double?) -> String {
        share.map { DecimalText.fixed(100 * $0, decimals: 1) } ?? "n/a"
    }
}
