import Breakdown
import Datagrams
import Latency

/// How many bursts there were of each size, and below on the same axis how long the requests in them lay in the socket.
struct BurstPanel {
    private let bins: [BurstBin]
    private let left: Double
    private let right: Double

    init(_ bins: [BurstBin], left: Double, right: Double) {
        self.bins = bins
        self.left = left
        self.right = right
    }

    /// `top`: below the titles, which stand where a picture's do.
    func draw(top: Double, bottom: Double, to svg: inout SVGWriter) {
        svg.text("Bursts", x: left, y: 24, style: .init(size: 15, isBold: true))
        svg.text("requests within 50 us of each other", x: left, y: 43)
        svg.text("requests in the burst", x: (left + right) / 2, y: bottom + 35, style: .init(anchor: .middle))
        if bins.isEmpty {
            svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
            svg.text("no burst", x: (left + right) / 2, y: (top + bottom) / 2, style: .init(size: 14, anchor: .middle))
            return
        }
        let step = (right - left) / Double(bins.count)
        let centers = bins.indices.map { left + (Double($0) + 0.5) * step }
        let middle = (top + bottom) / 2
        svg.text("bursts", x: left, y: top + 10)
        drawBars(centers, width: min(step * 0.6, 40), top: top + 34, bottom: middle - 10, to: &svg)
        drawWaits(centers, top: middle + 34, bottom: bottom, to: &svg)
        drawSizes(centers, room: step, y: bottom + 18, to: &svg)
    }

    /// Their counts stand on them.
    private func drawBars(_ centers: [Double], width: Double, top: Double, bottom: Double, to svg: inout SVGWriter) {
        let most = Double(bins.reduce(1) { max($0, $1.bursts) })
        for (bin, x) in zip(bins, centers) {
            // One burst among thousands is still to be seen.
            let height = max(Double(bin.bursts) / most * (bottom - top), 1.5)
            svg.rectangle(x: x - width / 2, y: bottom - height, width: width, height: height, fill: "#56B4E9")
            svg.text(shortened(UInt64(bin.bursts), to: 4), x: x, y: bottom - height - 5, style: .init(anchor: .middle))
        }
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
    }

    /// Every other one where neighbours would touch.
    private func drawSizes(_ centers: [Double], room: Double, y: Double, to svg: inout SVGWriter) {
        let isTight = bins.contains { Lettering.width($0.name) > room - 4 }
        for (i, x) in centers.enumerated() where !isTight || i % 2 == (bins.count - 1) % 2 {
            let label = Lettering.cut(bins[i].name, to: (isTight ? 2 * room : room) - 4)
            svg.text(label, x: min(x, right + 15 - Lettering.width(label) / 2), y: y, style: .init(anchor: .middle))
        }
    }

    private func drawWaits(_ centers: [Double], top: Double, bottom: Double, to svg: inout SVGWriter) {
        let longest = bins.reduce(Nanoseconds.zero) { max($0, max($1.meanWait, $1.meanWaitOfLast)) }
        let unit = LengthUnit.fine(for: longest)
        let lengths = Axis.lengths(upTo: unit.value(longest), from: bottom, to: top, spacing: 26)
        svg.text("mean socket wait (\(unit.text)):", x: left, y: top - 16)
        let key = left + Lettering.width("mean socket wait (\(unit.text)):") + 12
        svg.circle(x: key, y: top - 20, radius: 4, stroke: Fill.wait, fill: Fill.wait)
        svg.text("all", x: key + 8, y: top - 16)
        svg.circle(x: key + 42, y: top - 20, radius: 4, stroke: Fill.wait, fill: Fill.last)
        svg.text("last in each", x: key + 50, y: top - 16)
        for tick in lengths.ticks where longest > .zero {
            let y = lengths.position(tick)
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(lengths.label(tick), x: left - 7, y: y + 4, style: .init(anchor: .end))
        }
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        for (bin, x) in zip(bins, centers) {
            let (all, last) = (unit.value(bin.meanWait), unit.value(bin.meanWaitOfLast))
            svg.circle(x: x, y: lengths.position(last), radius: 4, stroke: Fill.wait, fill: Fill.last)
            svg.circle(x: x, y: lengths.position(all), radius: 4, stroke: Fill.wait, fill: Fill.wait)
        }
    }

    private enum Fill {
        static let wait: StaticString = "#D55E00"
        static let last: StaticString = "#fff"
    }
}
