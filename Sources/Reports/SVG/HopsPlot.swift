import Datagrams
import Latency

/// `hops.svg`: the time of each request, stacked by where it was spent, over the request's number. Above everything,
/// below the way alone: what the far end takes would hide it.
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

    private func draw(_ heading: String, _ shown: [Int], top: Double, to svg: inout SVGWriter) {
        StackedPanel(
            heading: heading, subtitle: title,
            layers: shown.map { ($0, layers[$0], Self.color($0, beyond: beyond)) }, rows: rows,
            nothing: "no request was seen at every point", unit: { LengthUnit(for: $0) }, top: top,
            width: Self.width,
            height: Self.panelHeight
        ).draw(to: &svg)
    }

    /// Okabe and Ito's palette; grey for what is not the way's.
    private static func color(_ layer: Int, beyond: Int) -> StaticString {
        if layer == beyond { return "#BBBBBB" }
        let palette: [StaticString] = [
            "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442",
        ]
        return palette[layer % palette.count]
    }
}
