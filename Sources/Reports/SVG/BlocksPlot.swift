import Breakdown
import Datagrams
import Latency

/// `blocks.svg`: the time of each request, stacked by block, over the request's number. Where one block is most of it, a
/// second panel shows the others alone, on a scale of their own.
package enum BlocksPlot {
    package static let width = 960.0
    package static let panelHeight = 360.0

    /// `title`: what was measured, such as `500 requests/s, 192.0.2.1:5060`.
    package static func svg(_ breakdown: Breakdown, title: String) -> ByteBuffer {
        var svg = SVGWriter()
        let all = Array(breakdown.blocks.indices)
        let largest = dominant(breakdown)
        svg.open(width: width, height: largest == nil ? panelHeight : 2 * panelHeight, title: title)
        draw(
            "Time of each request, by block", subtitle(breakdown, title: title), all, of: breakdown,
            top: 0, to: &svg)
        if let largest {
            draw(
                "Without the largest block, \(breakdown.blocks[largest].name)", title,
                all.filter { $0 != largest },
                of: breakdown, top: panelHeight, to: &svg)
        }
        svg.close()
        return svg.bytes
    }

    private static func draw(
        _ heading: String, _ subtitle: String, _ shown: [Int], of breakdown: Breakdown, top: Double,
        to svg: inout SVGWriter
    ) {
        StackedPanel(
            heading: heading, subtitle: subtitle,
            layers: shown.map { ($0, breakdown.blocks[$0].name, BlockInk.color(breakdown.blocks[$0])) },
            rows: breakdown.requests.map(\.lengths), nothing: "no request was seen at every point",
            unit: LengthUnit.fine, top: top, width: width, height: panelHeight
        ).draw(to: &svg)
    }

    /// The block that would hide the others: at least a third of all time, and of three or more.
    private static func dominant(_ breakdown: Breakdown) -> Int? {
        guard breakdown.blocks.count >= 3, !breakdown.requests.isEmpty else { return nil }
        let sums = breakdown.blocks.indices.map { block in
            breakdown.requests.reduce(0) { $0 + Double(max($1.lengths[block], .zero).rawValue) }
        }
        guard let largest = sums.indices.max(by: { sums[$0] < sums[$1] }) else { return nil }
        return sums[largest] * 3 >= sums.reduce(0, +) ? largest : nil
    }

    private static func subtitle(_ breakdown: Breakdown, title: String) -> String {
        guard let total = ExplainFigures(breakdown).total, let slowest = breakdown.slowest else {
            return title
        }
        func text(_ length: Nanoseconds) -> String { LengthUnit.fine(for: total.maximum).label(length) }
        return title + ": mean \(text(total.mean)), p50 \(text(total.p50)), max \(text(total.maximum)) "
            + "(request \(DecimalText.grouped(UInt64(slowest + 1)))), n "
            + DecimalText.grouped(UInt64(breakdown.requests.count))
    }
}

extension Breakdown {
    /// Index of the request with the longest total, the first of equals.
    var slowest: Int? { requests.indices.max { requests[$0].total < requests[$1].total } }
}

/// Colours of the blocks by where they begin, so that a block has the same in every picture and every run.
enum BlockInk {
    static func color(_ block: Breakdown.Block) -> StaticString {
        switch block.from {
        case .requestSent: "#999999"
        case .tapTransmit: "#F0E442"
        case .tapRead: "#E69F00"
        case .driverReceive: "#882255"
        case .protocolStart: "#CC79A7"
        case .socketEnqueue: "#D55E00"
        case .applicationReceive: "#56B4E9"
        case .applicationSend: "#0072B2"
        case .responseTransmit: "#009E73"
        case .responseReceive: "#444444"
        // No block begins there.
        case .waking, .contextSwitch, .receiveDrop, .responseArrived: "#BBBBBB"
        }
    }
}
