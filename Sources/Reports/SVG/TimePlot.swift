import Datagrams
import Latency

/// Lines over the time of a run: panels one below the other with one axis of time. A long run is thinned to what a
/// picture can show, and the least and the greatest of what one column stands for stay.
struct TimePlot {
    struct Line {
        var name: String
        var stroke: StaticString
        var width = 1.6
        var dashes: StaticString?
        /// One for each instant of the plot; nil: there is none, and the line is broken.
        var values: [Double?]
    }

    struct Panel {
        var title: String
        /// Above this the axis reaches at least.
        var atLeast = 1.0
        var lines: [Line]
        /// Values are whole numbers: ticks are too.
        var isCount = false
    }

    static let width = 960.0

    private let title: String
    /// Seconds from the run's start, ascending: the end of what each value is of.
    private let instants: [Double]
    private let panels: [Panel]
    private let times: TimeAxis
    private let panelHeight: Double

    init(title: String, instants: [Double], panels: [Panel], panelHeight: Double = 190) {
        self.title = title
        self.instants = instants
        self.panels = panels
        self.panelHeight = panelHeight
        times = TimeAxis(
            upTo: instants.last ?? 1, from: TimeAxis.left, to: Self.width - TimeAxis.right)
    }

    /// `description`: what can be read off it, in a sentence, for who cannot see it.
    func svg(description: String) -> ByteBuffer {
        var svg = SVGWriter()
        let height = Double(panels.count) * panelHeight + TimeAxis.bottom
        svg.open(width: Self.width, height: height, title: title, description: description)
        for (place, panel) in panels.enumerated() {
            draw(panel, top: Double(place) * panelHeight, to: &svg)
        }
        times.drawLabels(bottom: Double(panels.count) * panelHeight, to: &svg)
        svg.close()
        return svg.bytes
    }

    private func draw(_ panel: Panel, top: Double, to svg: inout SVGWriter) {
        let bottom = top + panelHeight - 12
        svg.text(panel.title, x: TimeAxis.left, y: top + 18, style: .init(size: 13, isBold: true))
        drawKey(panel, y: top + 18, to: &svg)
        let most = panel.lines.reduce(panel.atLeast) { $1.values.reduce($0) { max($0, $1 ?? 0) } }
        var values = Axis.lengths(upTo: most, from: bottom, to: top + 34, spacing: 30)
        if panel.isCount { values.step = max(values.step, 1) }
        times.drawGrid(top: top + 34, bottom: bottom, to: &svg)
        for tick in values.ticks {
            let y = values.position(tick)
            svg.line(x1: times.start, y1: y, x2: times.end, y2: y, stroke: Ink.grid)
            svg.text(values.label(tick), x: times.start - 7, y: y + 4, style: .init(anchor: .end))
        }
        svg.line(x1: times.start, y1: bottom, x2: times.end, y2: bottom, stroke: Ink.frame)
        if !panel.lines.contains(where: { $0.values.contains { $0 != nil } }) {
            svg.text(
                "no value", x: (times.start + times.end) / 2, y: (top + 34 + bottom) / 2,
                style: .init(size: 14, anchor: .middle))
        }
        for line in panel.lines {
            svg.path(
                path(line.values) { values.position(min($0, values.highest)) }, stroke: line.stroke, width: line.width,
                dashes: line.dashes, name: "line")
        }
    }

    /// From the right edge, the first line leftmost.
    private func drawKey(_ panel: Panel, y: Double, to svg: inout SVGWriter) {
        var x = times.end - panel.lines.reduce(0) { $0 + 44 + Lettering.width($1.name) } + 16
        for line in panel.lines {
            svg.line(
                x1: x, y1: y - 4, x2: x + 22, y2: y - 4, stroke: line.stroke, width: max(line.width, 2),
                dashes: line.dashes)
            svg.text(line.name, x: x + 28, y: y)
            x += 44 + Lettering.width(line.name)
        }
    }

    private func path(_ values: [Double?], y: (Double) -> Double) -> ByteBuffer {
        TimePath.path(instants, values, x: { times.position($0) }, y: y)
    }
}

/// Paths of values over time, thinned.
enum TimePath {
    /// Two pixels wide: what one column stands for is its least and its greatest.
    private static let columnWidth = 2.0

    /// A line of one point would have no length, and not be seen: it becomes a short one, about where it is.
    static let lonePoint: StaticString = "m-3 0h6"

    static func path(
        _ instants: [Double], _ values: [Double?], x: (Double) -> Double, y: (Double) -> Double
    ) -> ByteBuffer {
        var path = ByteBuffer(capacity: 1 << 12)
        var length = 0
        let points = zip(instants, values).map { (x: x($0), value: $1) }
        let span = (points.last?.x ?? 0) - (points.first?.x ?? 0)
        let isThinned = Double(points.count) * columnWidth > span
        var (column, held): (Int?, [(x: Double, value: Double)]) = (nil, [])
        func append(_ point: (x: Double, value: Double)) {
            path.append(length == 0 ? "M" : "L", point.x, y(point.value))
            length += 1
        }
        func end() {
            if length == 1 { path.append(Self.lonePoint) }
            length = 0
        }
        func flush() {
            // In the order they came.
            if let first = held.first {
                let least = held.min { $0.value < $1.value } ?? first
                let most = held.max { $0.value < $1.value } ?? first
                for point in least.x <= most.x ? [least, most] : [most, least] where held.count > 1 { append(point) }
                if held.count == 1 { append(first) }
            }
            held.removeAll(keepingCapacity: true)
        }
        for (place, point) in points.enumerated() {
            guard let value = point.value, value.isFinite else {
                flush()
                end()
                continue
            }
            let own = isThinned ? Int(point.x / columnWidth) : place
            if own != column { flush() }
            column = own
            held.append((point.x, value))
        }
        flush()
        end()
        return path
    }
}

/// The axis of a run's time, in seconds, minutes or hours as it is long.
struct TimeAxis {
    static let left = 64.0
    static let right = 18.0
    static let bottom = 40.0

    private let axis: Axis
    private let unit: (name: String, seconds: Double)

    init(upTo seconds: Double, from start: Double, to end: Double) {
        let longest = max(seconds, 1e-3)
        unit = longest < 600 ? ("s", 1) : longest < 3 * 3600 ? ("min", 60) : ("h", 3600)
        let highest = longest / unit.seconds
        axis = Axis(
            lowest: 0, highest: highest, start: start, end: end,
            step: Axis.niceStep(atLeast: highest / ((end - start) / 85)))
    }

    var start: Double { axis.start }
    var end: Double { axis.end }

    func position(_ seconds: Double) -> Double { axis.position(seconds / unit.seconds) }

    func drawGrid(top: Double, bottom: Double, to svg: inout SVGWriter) {
        for tick in axis.ticks {
            let x = axis.position(tick)
            svg.line(x1: x, y1: top, x2: x, y2: bottom, stroke: Ink.grid)
        }
    }

    func drawLabels(bottom: Double, to svg: inout SVGWriter) {
        for tick in axis.ticks {
            let label = axis.label(tick)
            let x = min(axis.position(tick), TimePlot.width - 3 - Lettering.width(label) / 2)
            svg.text(label, x: x, y: bottom + 6, style: .init(anchor: .middle))
        }
        svg.text(
            "time from the run's start (\(unit.name))", x: (axis.start + axis.end) / 2, y: bottom + 25,
            style: .init(anchor: .middle))
    }
}
