import Breakdown
import Datagrams
import Latency

/// `shares.svg`: of each block, how much of the mean it is and how much of the swing; below, why the socket wait was one.
package enum SharesPlot {
    package static let width = 960.0

    private struct Row {
        var name: String
        var bars: [(share: Double, fill: StaticString, text: String)]

        var height: Double { Double(bars.count) * Layout.bar + Layout.gap }
    }

    /// Rows under a heading of their own; the first group stands under the picture's.
    private struct Group {
        var heading = ""
        var rows: [Row]

        var height: Double {
            rows.reduce(0) { $0 + $1.height } + (heading.isEmpty ? 0 : Layout.heading)
        }
    }

    package static func svg(_ breakdown: Breakdown, title: String) -> ByteBuffer {
        let figures = ExplainFigures(breakdown)
        let groups = groups(breakdown, figures)
        let height = groups.reduce(0) { $0 + $1.height }
        var svg = SVGWriter()
        svg.open(width: width, height: Layout.top + max(height, 40) + Layout.bottom, title: title)
        svg.text("Share of each block", x: 24, y: 24, style: .init(size: 15, isBold: true))
        svg.text(Lettering.cut(subtitle(breakdown, figures, title), to: width - 40), x: 24, y: 43)
        if groups.isEmpty {
            svg.text(
                "no request was seen at every point", x: width / 2, y: Layout.top + 24,
                style: .init(size: 14, anchor: .middle))
        } else {
            legend(breakdown).draw(x: 24, y: 64, to: &svg)
            draw(groups, bottom: Layout.top + height, to: &svg)
        }
        svg.close()
        return svg.bytes
    }

    private static func groups(_ breakdown: Breakdown, _ figures: ExplainFigures) -> [Group] {
        if breakdown.shares.isEmpty { return [] }
        let blocks = Group(rows: breakdown.shares.map { row($0, of: breakdown) })
        let waits = Group(
            heading: "Socket wait, by what its thread was doing",
            rows: causes(figures.waits) { $0.name.description })
        let worked = figures.work.seen.allSatisfy { $0 == .earlierWork }
        let work = Group(
            heading: "From receive to send, by what the thread was doing",
            rows: worked ? [] : causes(figures.work) { $0.nameAtWork })
        return [blocks, waits, work].filter { !$0.rows.isEmpty }
    }

    private static func subtitle(_ breakdown: Breakdown, _ figures: ExplainFigures, _ title: String) -> String {
        guard let total = figures.total else { return title }
        let unit = LengthUnit.fine(for: total.mean)
        return title
            + ": mean \(unit.label(total.mean)), standard deviation \(unit.label(total.sd)), n "
            + DecimalText.grouped(UInt64(breakdown.requests.count))
    }

    private static func legend(_ breakdown: Breakdown) -> Legend {
        let varies = breakdown.shares.contains { $0.ofVariance != nil }
        return Legend(
            [
                .init(fill: Fill.mean, text: "of the mean"),
                .init(
                    fill: Fill.swing,
                    text: varies
                        ? "of the swing: covariance with the total, by its variance; the block's own standard deviation"
                        : "of the swing: none, the total never varies"),
            ], width: width - 40)
    }

    // MARK: Rows

    private static func row(_ share: BlockShare, of breakdown: Breakdown) -> Row {
        let block = breakdown.blocks[share.block]
        let unit = LengthUnit.fine(for: share.maximum)
        var name = block.name
        if block.quality == .inferred { name += " (inferred)" }
        var mean = "\(percent(share.ofMean)), \(unit.label(share.mean))"
        if let uncertainty = block.clockUncertainty {
            mean += " ± \(LengthUnit.fine(for: uncertainty).label(uncertainty))"
        }
        var bars = [(share.ofMean, Fill.mean, mean)]
        if let variance = share.ofVariance {
            bars.append((variance, Fill.swing, "\(percent(variance)), sd \(unit.label(share.sd))"))
        }
        return Row(name: name, bars: bars)
    }

    private static func causes(_ figures: CauseFigures, name: (WaitCause) -> String) -> [Row] {
        figures.seen.map { cause in
            let share = figures.share(cause)
            let mean = figures.time(cause) / Int64(figures.count)
            return Row(
                name: name(cause),
                bars: [(share, Fill.cause, "\(percent(share)), \(LengthUnit.fine(for: mean).label(mean))")])
        }
    }

    private static func percent(_ share: Double) -> String {
        DecimalText.fixed(100 * share, decimals: 1) + " %"
    }

    // MARK: Drawing

    private static func draw(_ groups: [Group], bottom: Double, to svg: inout SVGWriter) {
        let axis = axis(groups.flatMap(\.rows))
        var y = Layout.top
        for group in groups {
            if !group.heading.isEmpty {
                svg.text(group.heading, x: 24, y: y + 20, style: .init(size: 13, isBold: true))
                y += Layout.heading
            }
            drawGrid(axis, from: y, height: group.rows.reduce(0) { $0 + $1.height }, to: &svg)
            for row in group.rows { draw(row, axis, y: &y, to: &svg) }
        }
        for tick in axis.ticks {
            svg.text("\(axis.label(tick)) %", x: axis.position(tick), y: bottom + 18, style: .init(anchor: .middle))
        }
    }

    private static func drawGrid(_ axis: Axis, from top: Double, height: Double, to svg: inout SVGWriter) {
        for tick in axis.ticks {
            let x = axis.position(tick)
            svg.line(x1: x, y1: top - 4, x2: x, y2: top + height, stroke: tick == 0 ? Ink.frame : Ink.grid)
        }
    }

    /// Room for the names at the left, and for a number beyond the end of each bar on either side.
    private static func axis(_ rows: [Row]) -> Axis {
        let bars = rows.flatMap(\.bars)
        let number = (bars.map { Lettering.width($0.text) }.max() ?? 0) + 14
        let lowest = bars.reduce(0) { isNegative($1.share) ? min($0, 100 * $1.share) : $0 }
        let highest = bars.reduce(10) { max($0, 100 * $1.share) }
        let start = Layout.left + (lowest < 0 ? number : 0)
        let end = width - number
        let step = Axis.niceStep(atLeast: (highest - lowest) / ((end - start) / 60))
        return Axis(lowest: lowest, highest: highest, start: start, end: end, step: step)
    }

    /// Not by so little that it prints as 0.0 %.
    private static func isNegative(_ share: Double) -> Bool { share <= -0.0005 }

    private static func draw(_ row: Row, _ axis: Axis, y: inout Double, to svg: inout SVGWriter) {
        let middle = y + Double(row.bars.count) * Layout.bar / 2
        svg.text(
            Lettering.cut(row.name, to: Layout.left - 32), x: Layout.left - 10, y: middle + 4,
            style: .init(anchor: .end))
        for bar in row.bars {
            let (zero, end) = (axis.position(0), axis.position(100 * bar.share))
            svg.rectangle(
                x: min(zero, end), y: y + 1, width: max((end - zero).magnitude, 0.5),
                height: Layout.bar - 2,
                fill: bar.fill)
            let isLeft = isNegative(bar.share)
            svg.text(
                bar.text, x: end + (isLeft ? -6 : 6), y: y + Layout.bar - 4,
                style: .init(anchor: isLeft ? .end : .start, hasHalo: true))
            y += Layout.bar
        }
        y += Layout.gap
    }

    private enum Fill {
        static let mean: StaticString = "#0072B2"
        static let swing: StaticString = "#E69F00"
        static let cause: StaticString = "#009E73"
    }

    private enum Layout {
        static let left = 250.0
        static let top = 88.0
        static let bottom = 32.0
        static let bar = 16.0
        static let gap = 10.0
        static let heading = 38.0
    }
}
