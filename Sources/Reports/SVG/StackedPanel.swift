import Datagrams
import Latency

/// Lengths of each request stacked over its number, as a part of a picture.
///
/// Where several requests share a column of pixels, the slowest of them is drawn: a peak is never averaged away. Lengths
/// below zero, which two clocks can make, are drawn as nothing.
struct StackedPanel {
    var heading: String
    var subtitle: String
    /// From the bottom of the stack up; where each stands in a row of `rows`.
    var layers: [(index: Int, name: String, fill: StaticString)]
    var rows: [[Nanoseconds]]
    var nothing: String
    var unit: (_ longest: Nanoseconds) -> LengthUnit
    /// Of the whole panel, its titles included.
    var top: Double
    var width: Double
    var height: Double

    func draw(to svg: inout SVGWriter) {
        let (left, right) = (Layout.left, width - Layout.right)
        let bottom = top + height - Layout.bottom
        let legend = Legend(layers.map { .init(fill: $0.fill, text: $0.name) }, width: right - left)
        let columns = columns(count: Int(right - left))
        let longest = columns.map { $0.reduce(.zero, +) }.max() ?? .zero
        let unit = unit(longest)
        let lengths = Axis.lengths(
            upTo: unit.value(longest), from: bottom,
            to: top + Layout.top + legend.height - Legend.lineHeight)
        svg.text(heading, x: left, y: top + 24, style: .init(size: 15, isBold: true))
        svg.text(Lettering.cut(subtitle, to: right - left), x: left, y: top + 43)
        legend.draw(x: left, y: top + 64, to: &svg)
        for tick in lengths.ticks where !rows.isEmpty {
            let y = lengths.position(tick)
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: Ink.grid)
            svg.text(lengths.label(tick), x: left - 7, y: y + 4, style: .init(anchor: .end))
        }
        drawLayers(columns, lengths, unit, left: left, right: right, to: &svg)
        drawNumbers(left: left, right: right, bottom: bottom, to: &svg)
        svg.text(
            "time (\(unit.text))", x: 16, y: (lengths.start + lengths.end) / 2,
            style: .init(anchor: .middle, rotation: -90))
    }

    private func drawNumbers(left: Double, right: Double, bottom: Double, to svg: inout SVGWriter) {
        let numbers = Axis.calls(UInt64(rows.count), from: left, to: right)
        svg.line(x1: left, y1: bottom, x2: right, y2: bottom, stroke: Ink.frame)
        for tick in numbers.ticks where !rows.isEmpty {
            let x = numbers.position(tick)
            let label = numbers.label(tick)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            svg.text(
                label, x: min(x, width - 3 - Lettering.width(label) / 2), y: bottom + 18,
                style: .init(anchor: .middle))
        }
        svg.text("request number", x: (left + right) / 2, y: bottom + 35, style: .init(anchor: .middle))
        if rows.isEmpty {
            svg.text(
                nothing, x: (left + right) / 2, y: bottom - 80, style: .init(size: 14, anchor: .middle))
        }
    }

    /// Of each column of pixels, or each request where they are fewer, the slowest request's layers.
    private func columns(count: Int) -> [[Nanoseconds]] {
        let n = min(count, rows.count)
        return (0..<n).map { column in
            let range =
                column * rows.count / n..<max((column + 1) * rows.count / n, column * rows.count / n + 1)
            let candidates = rows[range].map { row in layers.map { max(row[$0.index], .zero) } }
            return candidates.max { $0.reduce(.zero, +) < $1.reduce(.zero, +) } ?? []
        }
    }

    /// The highest first, each down to the axis and over the one before: half the outline a band of its own would have.
    private func drawLayers(
        _ columns: [[Nanoseconds]], _ lengths: Axis, _ unit: LengthUnit, left: Double, right: Double,
        to svg: inout SVGWriter
    ) {
        if columns.isEmpty { return }
        let step = (right - left) / Double(columns.count)
        for (place, layer) in layers.enumerated().reversed() {
            var path = ByteBuffer(capacity: 1 << 14)
            path.append("M", left, lengths.start)
            for (column, row) in columns.enumerated() {
                let height = row[...place].reduce(.zero, +)
                path.append("V", lengths.position(unit.value(height)))
                path.append("H", left + Double(column + 1) * step)
            }
            path.append("V", lengths.start)
            path.append(UInt8(ascii: "Z"))
            svg.path(path, fill: layer.fill, name: "layer")
        }
    }

    private enum Layout {
        static let left = 64.0
        static let right = 18.0
        static let top = 80.0
        static let bottom = 50.0
    }
}
