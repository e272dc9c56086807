import Datagrams
import Latency

/// RTT over its percentile, as HdrHistogram draws it: the axis is stretched so that 90 %, 99 %, 99.9 % are equally far
/// apart, and the rare slow calls have as much room as the many quick ones.
struct SpectrumPlot {
    struct Curve {
        var name: String
        var stroke: StaticString
        var width = 2.2
        var dashes: StaticString?
        /// Ascending; what share of all values are not above `value`, as how many are.
        var points: [LatencyHistogram.Step]
        var count: UInt64
    }

    static let height = 380.0

    private let curves: [Curve]
    private let title: String

    init(title: String, curves: [Curve]) {
        self.title = title
        self.curves = curves.filter { $0.count > 0 }
    }

    func svg(description: String) -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: TimePlot.width, height: Self.height, title: title, description: description)
        svg.text(title, x: TimeAxis.left, y: 18, style: .init(size: 13, isBold: true))
        let values = curves.flatMap { [$0.points.first?.value, $0.points.last?.value].compactMap { $0 } }
        guard let least = values.min(), let most = values.max(), let count = curves.map(\.count).max() else {
            svg.text(
                "no call has an RTT", x: TimePlot.width / 2, y: Self.height / 2, style: .init(size: 14, anchor: .middle)
            )
            svg.close()
            return svg.bytes
        }
        let (left, right) = (TimeAxis.left, TimePlot.width - 30)
        let (top, bottom) = (44.0, Self.height - 46)
        let lengths = LogAxis(showing: least...most, from: bottom, to: top)
        // Half a value short of all of them: the greatest stands at the right edge.
        let decades = max(Logarithm.ten(2 * Double(count)), 1)
        func x(_ passed: UInt64, _ count: UInt64) -> Double {
            let left0 = min(Logarithm.ten(Double(count) / max(Double(count) - Double(passed), 0.5)), decades)
            return left + left0 / decades * (right - left)
        }
        drawAxes(lengths, decades, left: left, right: right, top: top, bottom: bottom, to: &svg)
        for curve in curves {
            var path = ByteBuffer(capacity: 1 << 12)
            var (from, isFirst) = (UInt64(0), true)
            var at: (x: Double, y: Double) = (0, 0)
            for step in curve.points {
                let next = (x: x(step.passed, curve.count), y: lengths.position(step.value))
                if isFirst { path.append("M", x(from, curve.count), next.y) }
                // Steps closer than a pixel are one.
                if isFirst || (next.x - at.x) + (at.y - next.y) >= 1 || step.passed == curve.count {
                    if !isFirst { path.append("V", next.y) }
                    path.append("H", next.x)
                    at = next
                }
                isFirst = false
                from = step.passed
            }
            svg.path(path, stroke: curve.stroke, width: curve.width, dashes: curve.dashes, name: "curve")
        }
        drawKey(right: right, to: &svg)
        svg.close()
        return svg.bytes
    }

    private func drawKey(right: Double, to svg: inout SVGWriter) {
        var x = right - curves.reduce(0) { $0 + 44 + Lettering.width($1.name) } + 16
        for curve in curves {
            svg.line(x1: x, y1: 14, x2: x + 22, y2: 14, stroke: curve.stroke, width: curve.width, dashes: curve.dashes)
            svg.text(curve.name, x: x + 28, y: 18)
            x += 44 + Lettering.width(curve.name)
        }
    }

    private func drawAxes(
        _ lengths: LogAxis, _ decades: Double, left: Double, right: Double, top: Double, bottom: Double,
        to svg: inout SVGWriter
    ) {
        for tick in lengths.ticks {
            let y = lengths.position(tick)
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(LogAxis.label(tick), x: left - 7, y: y + 4, style: .init(anchor: .end))
        }
        let marks: [(share: Double, text: String)] = [
            (0, "0"), (0.5, "50 %"), (0.75, "75 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"),
            (0.9999, "99.99 %"), (0.99999, "99.999 %"), (0.999999, "99.9999 %"), (0.9999999, "99.99999 %"),
        ]
        var edge = -Double.infinity
        for mark in marks {
            let at = Logarithm.ten(1 / (1 - mark.share))
            if at > decades + 1e-9 { break }
            let x = left + at / decades * (right - left)
            svg.line(x1: x, y1: top, x2: x, y2: bottom + 4, stroke: Ink.grid)
            let half = Lettering.width(mark.text) / 2
            if x - half < edge + 6 || x + half > TimePlot.width { continue }
            svg.text(mark.text, x: x, y: bottom + 18, style: .init(anchor: .middle))
            edge = x + half
        }
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        svg.text(
            "share of calls that were not slower", x: (left + right) / 2, y: bottom + 37, style: .init(anchor: .middle))
    }
}
