import Breakdown
import Datagrams
import Latency

/// `threads.svg`: what the server's threads did around the slowest request. Above, on the same axis of time, that
/// request's blocks and when other requests came; below, a lane for each thread, those that handled it first. Where a
/// thread was ready to run and another task had its CPU, that task is named.
package struct ThreadsPlot {
    package static let width = 960.0
    package static let mostLanes = 12

    private let breakdown: Breakdown
    private let title: String
    private let request: Int?
    private let lanes: [ThreadLane]
    /// Threads of which something was recorded in the window, and which got no lane.
    private let leftOut: Int
    private let times: Axis
    private let unit: LengthUnit
    private let begin: Nanoseconds

    /// `request`: another than the slowest, by its index.
    package init(_ breakdown: Breakdown, title: String, around request: Int? = nil) {
        self.breakdown = breakdown
        self.title = title
        self.request = request ?? breakdown.slowest
        let shown = self.request.map { breakdown.requests[$0] }
        let begin = shown?.begin ?? .zero
        let length = max(
            shown.map { max($0.total, $0.lengths.reduce(.zero, +)) } ?? .zero, .microseconds(1))
        // A quarter of it on either side: what kept the thread busy before, and what it did next.
        let margin = max(length / 4, .microseconds(10))
        let window = (begin - margin)...(begin + length + margin)
        self.begin = begin
        unit = LengthUnit.fine(for: length)
        let (lowest, highest) = (unit.value(-margin), unit.value(length + margin))
        times = Axis(
            lowest: lowest, highest: highest, start: Layout.left, end: Self.width - Layout.right,
            step: Axis.niceStep(
                atLeast: (highest - lowest) / ((Self.width - Layout.right - Layout.left) / 85)))
        let all: [ThreadLane]
        if let shown {
            all = breakdown.threads.compactMap {
                ThreadLane(
                    $0, window: window, columns: Int(Self.width - Layout.right - Layout.left),
                    isConcerned: $0.thread == shown.receiver || $0.thread == shown.sender)
            }.sorted { ($0.rank, $1.thread) > ($1.rank, $0.thread) }
        } else {
            all = []
        }
        lanes = Array(all.prefix(Self.mostLanes))
        leftOut = all.count - lanes.count
    }

    package func svg() -> ByteBuffer {
        let ribbon = Legend(
            request == nil
                ? [] : breakdown.blocks.map { .init(fill: BlockInk.color($0), text: $0.name) },
            width: Self.width - Layout.left - Layout.right)
        let states = Legend(
            ThreadTimeline.State.allCases.map {
                .init(fill: ThreadLane.fill($0), text: ThreadLane.text($0))
            },
            width: Self.width - Layout.left - Layout.right)
        let ribbonTop = 64 + ribbon.height + 8
        let lanesTop = ribbonTop + Layout.ribbon + states.height + 14
        let bottom = lanesTop + max(Double(lanes.count), 1) * Layout.lane + 4
        var svg = SVGWriter()
        svg.open(
            width: Self.width, height: bottom + Layout.bottom + (leftOut > 0 ? 20 : 0), title: title)
        drawTitle(to: &svg)
        guard let request else {
            svg.text(
                "no request was seen at every point", x: Self.width / 2, y: bottom - 40,
                style: .init(size: 14, anchor: .middle))
            svg.close()
            return svg.bytes
        }
        ribbon.draw(x: Layout.left, y: 64, to: &svg)
        drawTimes(top: lanesTop, bottom: bottom, to: &svg)
        drawRibbon(breakdown.requests[request], top: ribbonTop, to: &svg)
        drawArrivals(except: request, top: ribbonTop, to: &svg)
        states.draw(x: Layout.left, y: ribbonTop + Layout.ribbon + 12, to: &svg)
        drawLanes(top: lanesTop, bottom: bottom, to: &svg)
        svg.close()
        return svg.bytes
    }

    private func drawTitle(to svg: inout SVGWriter) {
        let isSlowest = request == breakdown.slowest
        svg.text(
            isSlowest ? "Around the slowest request" : "Around one request", x: Layout.margin, y: 24,
            style: .init(size: 15, isBold: true))
        svg.text(
            Lettering.cut(subtitle, to: Self.width - Layout.margin - Layout.right), x: Layout.margin,
            y: 43)
    }

    private var subtitle: String {
        guard let request else { return title }
        let shown = breakdown.requests[request]
        let at = DecimalText.fixed(shown.begin, unit: 1_000_000_000, decimals: 6)
        return "\(title): request \(DecimalText.grouped(UInt64(request + 1))) of "
            + "\(DecimalText.grouped(UInt64(breakdown.requests.count))), \(shown.method.text) "
            + "\(breakdown.callID(of: shown)), \(unit.label(shown.total)), begun at \(at) s"
    }

    // MARK: The request

    private func drawTimes(top: Double, bottom: Double, to svg: inout SVGWriter) {
        for tick in times.ticks {
            let x = times.position(tick)
            svg.line(x1: x, y1: top - 2, x2: x, y2: bottom, stroke: tick == 0 ? Ink.frame : Ink.grid)
            svg.line(x1: x, y1: bottom, x2: x, y2: bottom + 4, stroke: Ink.frame)
            let label = times.label(tick)
            svg.text(
                label, x: min(x, Self.width - 3 - Lettering.width(label) / 2), y: bottom + 18,
                style: .init(anchor: .middle))
        }
        svg.line(x1: times.start, y1: bottom, x2: times.end, y2: bottom, stroke: Ink.frame)
        svg.text(
            "time since the request began (\(unit.text))", x: (times.start + times.end) / 2,
            y: bottom + 35,
            style: .init(anchor: .middle))
    }

    private func position(_ moment: Nanoseconds) -> Double {
        times.position(unit.value(moment - begin))
    }

    private func drawRibbon(_ shown: Breakdown.Request, top: Double, to svg: inout SVGWriter) {
        svg.text("the request", x: Layout.left - 10, y: top + 15, style: .init(anchor: .end))
        var at = shown.begin
        for (block, length) in zip(breakdown.blocks, shown.lengths) where length > .zero {
            let (x, end) = (position(at), position(at + length))
            svg.rectangle(x: x, y: top, width: max(end - x, 0.5), height: 22, fill: BlockInk.color(block))
            let label = "\(block.name) \(unit.label(length))"
            if Lettering.width(label) <= end - x - 8 {
                svg.text(
                    label, x: (x + end) / 2, y: top + 15,
                    style: .init(anchor: .middle, fill: BlockInk.text(on: block)))
            }
            at += length
        }
    }

    /// Of requests that came in the window, one stroke a pixel.
    private func drawArrivals(except request: Int, top: Double, to svg: inout SVGWriter) {
        var isTaken = [Bool](repeating: false, count: Int(times.end - times.start) + 1)
        var count: UInt64 = 0
        for (i, other) in breakdown.requests.enumerated() where i != request {
            let x = position(other.begin)
            guard x >= times.start, x <= times.end else { continue }
            count += 1
            isTaken[min(Int((x - times.start).rounded()), isTaken.count - 1)] = true
        }
        if count == 0 { return }
        svg.text(
            "\(DecimalText.grouped(count)) other\(count == 1 ? "" : "s") came", x: Layout.left - 10,
            y: top + 40,
            style: .init(anchor: .end))
        var path = ByteBuffer(capacity: 1 << 10)
        for column in isTaken.indices where isTaken[column] {
            path.append("M", times.start + Double(column), top + 29)
            path.append("v12")
        }
        svg.path(path, stroke: Ink.text, width: 1, name: "arrivals")
    }

    // MARK: Threads

    private func drawLanes(top: Double, bottom: Double, to svg: inout SVGWriter) {
        if lanes.isEmpty {
            svg.text(
                "nothing was recorded of the server's threads", x: (times.start + times.end) / 2,
                y: top + Layout.lane / 2 + 4, style: .init(size: 14, anchor: .middle, hasHalo: true))
        }
        for (i, lane) in lanes.enumerated() {
            lane.draw(
                x: times.start, y: top + Double(i) * Layout.lane,
                labelRoom: Layout.left - Layout.margin - 10, to: &svg)
        }
        if leftOut > 0 {
            svg.text(
                "\(counted(leftOut, "thread")) more had less to do in this time and are not shown",
                x: Layout.left,
                y: bottom + 55)
        }
    }

    private enum Layout {
        static let margin = 16.0
        static let left = 190.0
        static let right = 18.0
        /// The request's blocks, and the strokes of the others.
        static let ribbon = 50.0
        static let lane = 40.0
        static let bottom = 50.0
    }
}

extension BlockInk {
    /// Letters that can be read on a block's colour.
    static func text(on block: Breakdown.Block) -> StaticString {
        switch block.from {
        case .applicationSend, .driverReceive, .responseReceive, .responseTransmit, .socketEnqueue:
            "#fff"
        case .requestSent, .tapTransmit, .tapRead, .protocolStart, .applicationReceive, .waking,
            .contextSwitch,
            .receiveDrop, .responseArrived:
            Ink.text
        }
    }
}
