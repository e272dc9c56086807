import Datagrams
import Latency

/// `hops.svg`: the time of each request, stacked by where it was spent, over the request's number. Above everything,
/// below the way alone: what the far end takes would hide it.
///
/// Where several requests share a column of pixels, the slowest of them is drawn: a peak is never averaged away.
package struct HopsPlot {
    package static let width = 960.0
    package static let panelHeight = 340.0

    /// From the bottom of the stack up.
    private let layers: [String]
    /// Of the layers, the one that is the far end's.
    private let beyond: Int
    private let rows: [[Nanoseconds]]
    private let title: String

    /// `rows` has a length for each layer.
    package init(title: String, layers: [String], beyond: Int, rows: [[Nanoseconds]]) {
        precondition(rows.allSatisfy { $0.count == layers.count }, "a length for each layer")
        self.title = title
        self.layers = layers
        self.beyond = beyond
        self.rows = rows
    }

    package func svg() -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: Self.width, height: 2 * Self.panelHeight, title: title)
        draw("Time of each request, by where it was spent", Array(layers.indices), top: 0, to: &svg)
        draw("The way alone", layers.indices.filter { $0 != beyond }, top: Self.panelHeight, to: &svg)
        svg.close()
        return svg.bytes
    }

    // MARK: one panel

    private func draw(_ heading: String, _ shown: [Int], top: Double, to svg: inout SVGWriter) {
        let (left, right) = (Layout.left, Self.width - Layout.right)
        let bottom = top + Self.panelHeight - Layout.bottom
        let columns = columns(shown, count: Int(right - left))
        let longest = columns.map { $0.reduce(.zero, +) }.max() ?? .zero
        let unit = LengthUnit(for: longest)
        let lengths = Axis.lengths(upTo: unit.value(longest), from: bottom, to: top + Layout.top)
        svg.text(heading, x: left, y: top + 24, style: .init(size: 15, isBold: true))
        svg.text(title, x: left, y: top + 43)
        drawLegend(shown, y: top + 64, to: &svg)
        for tick in lengths.ticks {
            let y = lengths.position(tick)
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(lengths.label(tick), x: left - 7, y: y + 4, style: .init(anchor: .end))
        }
        drawLayers(shown, columns, lengths, unit, left: left, right: right, to: &svg)
        drawNumbers(left: left, right: right, bottom: bottom, to: &svg)
        svg.text(
            "time (\(unit.text))", x: 16, y: (lengths.start + lengths.end) / 2,
            style: .init(anchor: .middle, rotation: -90))
    }

    private func drawNumbers(left: Double, right: Double, bottom: Double, to svg: inout SVGWriter) {
        let numbers = Axis.calls(UInt64(rows.count), from: left, to: right)
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        for tick in numbers.ticks {
            let x = numbers.position(tick)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            svg.text(numbers.label(tick), x: min(x, Self.width - 24), y: bottom + 18, style: .init(anchor: .middle))
        }
        svg.text("request number", x: (left + right) / 2, y: bottom + 35, style: .init(anchor: .middle))
        if rows.isEmpty {
            svg.text(
                "no request was seen at every point", x: (left + right) / 2, y: bottom - 80,
                style: .init(size: 14, anchor: .middle))
        }
    }

    /// Of each column of pixels, or each request where they are fewer, the slowest request's shown layers.
    private func columns(_ shown: [Int], count: Int) -> [[Nanoseconds]] {
        let n = min(count, rows.count)
        return (0..<n).map { column in
            let range = column * rows.count / n..<max((column + 1) * rows.count / n, column * rows.count / n + 1)
            let candidates = rows[range].map { row in shown.map { max(row[$0], .zero) } }
            return candidates.max { $0.reduce(.zero, +) < $1.reduce(.zero, +) } ?? []
        }
    }

    private func drawLayers(
        _ shown: [Int], _ columns: [[Nanoseconds]], _ lengths: Axis, _ unit: LengthUnit, left: Double, right: Double,
        to svg: inout SVGWriter
    ) {
        if columns.isEmpty { return }
        let step = (right - left) / Double(columns.count)
        var below = columns.map { _ in Nanoseconds.zero }
        for (place, layer) in shown.enumerated() {
            let above = zip(below, columns).map { $0 + $1[place] }
            var path = ByteBuffer(capacity: 1 << 14)
            path.append("M", left, lengths.position(unit.value(below[0])))
            for (column, length) in above.enumerated() {
                let y = lengths.position(unit.value(length))
                path.append("L", left + Double(column) * step, y)
                path.append("L", left + Double(column + 1) * step, y)
            }
            for (column, length) in below.enumerated().reversed() {
                let y = lengths.position(unit.value(length))
                path.append("L", left + Double(column + 1) * step, y)
                path.append("L", left + Double(column) * step, y)
            }
            path.append(UInt8(ascii: "Z"))
            svg.path(path, fill: Self.color(layer, beyond: beyond), name: "layer")
            below = above
        }
    }

    private func drawLegend(_ shown: [Int], y: Double, to svg: inout SVGWriter) {
        var x = Layout.left
        for layer in shown {
            svg.rectangle(x: x, y: y - 10, width: 11, height: 11, fill: Self.color(layer, beyond: beyond))
            svg.text(layers[layer], x: x + 16, y: y)
            x += 16 + Double(layers[layer].unicodeScalars.count) * Layout.characterWidth + 16
        }
    }

    /// Okabe and Ito's palette; grey for what is not the way's.
    private static func color(_ layer: Int, beyond: Int) -> StaticString {
        if layer == beyond { return "#BBBBBB" }
        let palette: [StaticString] = [
            "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442",
        ]
        return palette[layer % palette.count]
    }

    private enum Layout {
        static let left = 64.0
        static let right = 18.0
        static let top = 80.0
        static let bottom = 50.0
        static let characterWidth = 6.6
    }
}
