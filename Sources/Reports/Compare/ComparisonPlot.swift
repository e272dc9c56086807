import Comparison
import Datagrams
import Latency

/// `compare.svg`: the runs over each other. Above, the RTT of every percentile, so that it is seen where they part;
/// below, median and 99th percentile over the call's number, so that it is seen when.
package enum ComparisonPlot {
    package struct Curve: Sendable {
        /// `B  runs/…`.
        package var name: String
        /// Of one run, or of every run of a kind.
        package var runs: [RunCurves]

        package init(name: String, curves: RunCurves) { self.init(name: name, runs: [curves]) }

        package init(name: String, runs: [RunCurves]) {
            self.name = name
            self.runs = runs
        }

        /// Of the runs of a kind every line is thinner.
        var weight: Double { runs.count > 1 ? 0.55 : 1 }
    }

    /// Of the picture: runs have one, sweeps one for each level.
    package static func fileName(level: String?) -> String { level.map { "compare-\($0).svg" } ?? "compare.svg" }

    package static let width = 960.0
    package static let height = 760.0

    package static func svg(_ runs: [Curve], title: String) -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: width, height: height, title: title)
        svg.text(title, x: Layout.left, y: 24, style: .init(size: 15, isBold: true))
        drawLegend(runs, to: &svg)
        drawSpectrum(runs, top: Layout.top, bottom: 390, to: &svg)
        drawStretches(runs, top: 478, bottom: height - 52, to: &svg)
        svg.close()
        return svg.bytes
    }

    // MARK: Percentiles

    private static func drawSpectrum(_ runs: [Curve], top: Double, bottom: Double, to svg: inout SVGWriter) {
        svg.text("RTT by percentile", x: Layout.left, y: top - 14, style: .init(isBold: true))
        let points = runs.flatMap(\.runs).flatMap(\.spectrum)
        guard let lengths = axis(points.map(\.length), bottom: bottom, top: top) else {
            return drawNothing(y: (top + bottom) / 2, to: &svg)
        }
        let nines = max(points.reduce(0) { max($0, $1.nines) }, 2)
        let across = Axis(lowest: 0, highest: nines * 1.01, start: Layout.left, end: right, step: 1)
        drawGrid(lengths, to: &svg)
        for tick in percentiles where tick.nines <= nines {
            let x = across.position(tick.nines)
            svg.line(x1: x, y1: top, x2: x, y2: bottom, stroke: Ink.grid)
            svg.text(tick.text, x: x, y: bottom + 18, style: .init(anchor: .middle))
        }
        svg.line(x1: Layout.left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        svg.text(
            "percentile; each curve ends at its run's longest RTT", x: (Layout.left + right) / 2, y: bottom + 35,
            style: .init(anchor: .middle))
        for (i, curve) in runs.enumerated() {
            for run in curve.runs {
                var path = ByteBuffer(capacity: 1 << 12)
                var isFirst = true
                for point in run.spectrum {
                    path.append(
                        isFirst ? "M" : "L", across.position(point.nines), lengths.position(point.length))
                    isFirst = false
                }
                svg.path(path, stroke: ink(i), width: 2 * curve.weight, name: "spectrum")
            }
        }
    }

    private static let percentiles: [(nines: Double, text: String)] = [
        (0, "0"), (0.301_03, "50"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99"), (5, "99.999"), (6, "99.9999"),
    ]

    // MARK: Over the calls

    private static func drawStretches(_ runs: [Curve], top: Double, bottom: Double, to svg: inout SVGWriter) {
        svg.text(
            "RTT over the call's number: 99th percentile (line) and median (thin) of neighbouring calls",
            x: Layout.left, y: top - 14, style: .init(isBold: true))
        let stretches = runs.flatMap(\.runs).flatMap(\.stretches)
        guard let lengths = axis(stretches.flatMap { [$0.p50, $0.p99] }, bottom: bottom, top: top) else {
            return drawNothing(y: (top + bottom) / 2, to: &svg)
        }
        let last = runs.flatMap(\.runs).reduce(1) { max($0, $1.lastCall) }
        let calls = Axis.calls(last, from: Layout.left, to: right)
        drawGrid(lengths, to: &svg)
        for tick in calls.ticks {
            let x = calls.position(tick)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            svg.text(calls.label(tick), x: x, y: bottom + 18, style: .init(anchor: .middle))
        }
        svg.line(x1: Layout.left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        svg.text("call number", x: (Layout.left + right) / 2, y: bottom + 35, style: .init(anchor: .middle))
        for (i, curve) in runs.enumerated() {
            for run in curve.runs {
                draw(run.stretches, \.p99, calls, lengths, ink(i), width: 1.8 * curve.weight, to: &svg)
                draw(run.stretches, \.p50, calls, lengths, ink(i), width: 0.9 * curve.weight, to: &svg)
            }
        }
    }

    private static func draw(
        _ stretches: [RunCurves.Stretch], _ length: KeyPath<RunCurves.Stretch, Nanoseconds>, _ calls: Axis,
        _ lengths: LogAxis, _ stroke: StaticString, width: Double, to svg: inout SVGWriter
    ) {
        var path = ByteBuffer(capacity: 1 << 12)
        for (i, stretch) in stretches.enumerated() {
            path.append(
                i == 0 ? "M" : "L", calls.position(stretch.call), lengths.position(stretch[keyPath: length]))
        }
        // A run of a few calls has one stretch.
        if stretches.count == 1 { path.append(TimePath.lonePoint) }
        svg.path(path, stroke: stroke, width: width, name: "stretches")
    }

    // MARK: Pieces

    private static func drawLegend(_ runs: [Curve], to svg: inout SVGWriter) {
        let room = (right - Layout.left) / Double(max(runs.count, 1)) - 40
        for (i, run) in runs.enumerated() {
            let x = Layout.left + Double(i) * (room + 40)
            svg.line(x1: x, y1: 43, x2: x + 22, y2: 43, stroke: ink(i), width: 3)
            svg.text(Lettering.cut(run.name, to: room), x: x + 28, y: 47)
        }
    }

    private static func drawGrid(_ lengths: LogAxis, to svg: inout SVGWriter) {
        for tick in lengths.ticks {
            let y = lengths.position(tick)
            svg.line(x1: Layout.left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(LogAxis.label(tick), x: Layout.left - 7, y: y + 4, style: .init(anchor: .end))
        }
    }

    private static func drawNothing(y: Double, to svg: inout SVGWriter) {
        svg.text(
            "no call has an RTT", x: (Layout.left + right) / 2, y: y, style: .init(size: 14, anchor: .middle))
    }

    /// Nil where there is nothing to draw.
    private static func axis(_ lengths: [Nanoseconds], bottom: Double, top: Double) -> LogAxis? {
        guard let least = lengths.min(), let most = lengths.max() else { return nil }
        return LogAxis(showing: least...most, from: bottom, to: top)
    }

    private static var right: Double { width - Layout.right }

    /// Of Okabe and Ito's palette.
    private static func ink(_ i: Int) -> StaticString {
        switch i % 4 {
        case 0: "#0072B2"
        case 1: "#D55E00"
        case 2: "#009E73"
        default: "#CC79A7"
        }
    }

    private enum Layout {
        static let left = 64.0
        static let right = 24.0
        static let top = 92.0
    }
}
