import Breakdown
import Datagrams
import Latency

/// `queue.svg`: how many datagrams lay in the tap's and in the socket's queue over time, and beside it the bursts they
/// came in, with what those made the requests wait.
///
/// Each column of pixels shows the fullest moment in it, and over it darker the mean.
package enum QueuePlot {
    package static let width = 960.0
    package static let height = 400.0

    package static func svg(_ breakdown: Breakdown, title: String) -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: width, height: height, title: title)
        drawDepths(breakdown.queues, title, to: &svg)
        BurstPanel(BurstBin.bins(breakdown.bursts), left: Layout.burstLeft, right: width - Layout.right)
            .draw(
                top: Layout.top, bottom: height - Layout.bottom, to: &svg)
        svg.close()
        return svg.bytes
    }

    // MARK: Depth

    private static func drawDepths(_ samples: [QueueSample], _ title: String, to svg: inout SVGWriter) {
        let room = Layout.depthRight - Layout.left
        svg.text(
            "Datagrams in the queue: most, and mean (darker)", x: Layout.left, y: 24,
            style: .init(size: 15, isBold: true))
        svg.text(Lettering.cut(title, to: room), x: Layout.left, y: 43)
        let queues = [QueueSample.Queue.tap, .socket].filter { queue in
            samples.contains { $0.queue == queue }
        }
        let bottom = height - Layout.bottom
        if queues.isEmpty {
            svg.line(x1: Layout.left, y1: bottom, x2: Layout.depthRight, y2: bottom, stroke: Ink.frame)
            svg.text(
                "no queue was seen", x: (Layout.left + Layout.depthRight) / 2, y: (Layout.top + bottom) / 2,
                style: .init(size: 14, anchor: .middle))
            return
        }
        let times = timeAxis(samples)
        let each = (bottom - Layout.top + Layout.between) / Double(queues.count)
        for (i, queue) in queues.enumerated() {
            let top = Layout.top + Double(i) * each
            drawDepth(of: queue, samples, times, top: top, bottom: top + each - Layout.between, to: &svg)
        }
        drawTimes(times, bottom: bottom, to: &svg)
    }

    private static func timeAxis(_ samples: [QueueSample]) -> Axis {
        let last = samples.reduce(Nanoseconds.zero) { max($0, $1.at) }
        // A moment alone is still drawn on an axis that goes somewhere.
        let highest = max(last.seconds, 1e-6) * 1.001
        let step = Axis.niceStep(atLeast: highest / ((Layout.depthRight - Layout.left) / 85))
        return Axis(lowest: 0, highest: highest, start: Layout.left, end: Layout.depthRight, step: step)
    }

    private static func drawTimes(_ times: Axis, bottom: Double, to svg: inout SVGWriter) {
        for tick in times.ticks {
            let x = times.position(tick)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            svg.text(times.label(tick), x: x, y: bottom + 18, style: .init(anchor: .middle))
        }
        svg.text(
            "time (s)", x: (times.start + times.end) / 2, y: bottom + 35, style: .init(anchor: .middle))
    }

    private static func drawDepth(
        of queue: QueueSample.Queue, _ samples: [QueueSample], _ times: Axis, top: Double,
        bottom: Double,
        to svg: inout SVGWriter
    ) {
        guard let figures = QueueFigures(samples, of: queue) else { return }
        var columns = [(fullest: UInt32, sum: Double, samples: Double)](
            repeating: (0, 0, 0), count: Int(times.end - times.start) + 1)
        for sample in samples where sample.queue == queue && sample.event == figures.event {
            let column = min(max(Int(times.position(sample.at.seconds) - times.start), 0), columns.count - 1)
            columns[column].fullest = max(columns[column].fullest, sample.depth)
            columns[column].sum += Double(sample.depth)
            columns[column].samples += 1
        }
        // Whole datagrams only.
        let highest = Double(max(figures.maximum, 1)) * 1.07
        let depths = Axis(
            lowest: 0, highest: highest, start: bottom, end: top + Layout.caption,
            step: max(1, Axis.niceStep(atLeast: highest / ((bottom - top) / 40))))
        svg.text(caption(queue, figures), x: Layout.left, y: top + 10)
        for tick in depths.ticks {
            let y = depths.position(tick)
            svg.line(
                x1: times.start, y1: y, x2: times.end, y2: y, stroke: tick == 0 ? Ink.frame : Ink.grid)
            svg.text(depths.label(tick), x: times.start - 7, y: y + 4, style: .init(anchor: .end))
        }
        drawStems(
            columns.map { Double($0.fullest) }, depths, times, queue == .tap ? Fill.tapPeak : Fill.socketPeak, &svg)
        let means = columns.map { $0.samples == 0 ? 0 : $0.sum / $0.samples }
        drawStems(means, depths, times, queue == .tap ? Fill.tap : Fill.socket, &svg)
    }

    private static func drawStems(
        _ heights: [Double], _ depths: Axis, _ times: Axis, _ stroke: StaticString, _ svg: inout SVGWriter
    ) {
        var path = ByteBuffer(capacity: 1 << 13)
        for (column, depth) in heights.enumerated() where depth > 0 {
            path.append("M", times.start + Double(column) + 0.5, depths.start)
            path.append("V", depths.position(depth))
        }
        svg.path(path, stroke: stroke, width: 1.2, name: "depth")
    }

    private static func caption(_ queue: QueueSample.Queue, _ figures: QueueFigures) -> String {
        let moment = figures.event == .read ? "as it was read" : "as each came"
        return
            "\(queue.rawValue), \(moment): mean \(DecimalText.fixed(figures.mean, decimals: 1)), max \(figures.maximum)"
    }

    private enum Fill {
        static let tapPeak: StaticString = "#F7DCA0"
        static let tap: StaticString = "#E69F00"
        static let socketPeak: StaticString = "#F2BE9A"
        static let socket: StaticString = "#D55E00"
    }

    private enum Layout {
        static let left = 52.0
        static let depthRight = 560.0
        static let burstLeft = 650.0
        static let right = 18.0
        static let top = 58.0
        static let bottom = 50.0
        static let between = 14.0
        static let caption = 18.0
    }
}
