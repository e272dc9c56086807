import Datagrams
import Latency

/// One plot of RTT over the call number, as a part of a picture: the points stream in, then it draws itself.
///
/// Its extent has to be known first (from the summary), so that no point needs to be kept: memory and file size depend
/// on the pixels only, whatever the number of calls.
struct RTTPanel {
    struct Frame {
        var x: Double
        var y: Double
        var width: Double
        var height: Double
    }

    private let frame: Frame
    private let calls: Axis
    private let lengths: Axis
    private let unit: LengthUnit
    private let t1: Nanoseconds
    private var ok: PointGrid
    private var retransmitted: PointGrid
    private var failed: EdgeMarks
    private var unsent: EdgeMarks
    private var peak: (number: UInt32, rtt: Nanoseconds)?

    /// Calls without an RTT, by pixel column.
    private struct EdgeMarks {
        var isTaken: [Bool]
        var count: UInt64 = 0

        mutating func insert(column: Int) {
            count += 1
            isTaken[min(max(column, 0), isTaken.count - 1)] = true
        }
    }

    /// `frame` is the whole of the panel, its titles included.
    init(frame: Frame, calls count: UInt64, longest: Nanoseconds, t1: Nanoseconds) {
        self.frame = frame
        self.t1 = t1
        unit = LengthUnit(for: longest)
        let left = frame.x + Layout.left
        let right = frame.x + frame.width - Layout.right
        let bottom = frame.y + frame.height - Layout.bottom
        calls = Axis.calls(count, from: left, to: right)
        lengths = Axis.lengths(upTo: unit.value(longest), from: bottom, to: frame.y + Layout.top)
        ok = PointGrid(width: Int(right - left) + 1, height: Int(bottom - frame.y - Layout.top) + 1)
        retransmitted = ok
        failed = EdgeMarks(isTaken: Array(repeating: false, count: ok.width))
        unsent = failed
    }

    mutating func insert(_ point: PlotPoint) {
        let column = Int((calls.position(Double(point.number)) - calls.start).rounded())
        switch point.mark {
        case .failed: failed.insert(column: column)
        case .unsent: unsent.insert(column: column)
        case .ok:
            ok.insert(column: column, row: row(point.rtt))
            note(point)
        case .retransmitted:
            retransmitted.insert(column: column, row: row(point.rtt))
            note(point)
        }
    }

    private mutating func note(_ point: PlotPoint) {
        if let peak, peak.rtt >= point.rtt { return }
        peak = (point.number, point.rtt)
    }

    private func row(_ rtt: Nanoseconds) -> Int {
        Int((lengths.position(unit.value(rtt)) - lengths.end).rounded())
    }

    // MARK: Drawing

    /// `limit`: bytes for the points.
    func draw(title: String, subtitle: String, limit: Int, to svg: inout SVGWriter) {
        svg.text(title, x: frame.x + Layout.left, y: frame.y + 24, style: .init(size: 15, isBold: true))
        svg.text(subtitle, x: frame.x + Layout.left, y: frame.y + 43)
        drawLegend(to: &svg)
        drawAxes(to: &svg)
        if ok.count + retransmitted.count == 0 {
            svg.text(
                "no call has an RTT", x: (calls.start + calls.end) / 2, y: (lengths.start + lengths.end) / 2,
                style: .init(size: 14, anchor: .middle))
        }
        drawT1(to: &svg)
        drawPoints(limit: limit, to: &svg)
        drawEdges(to: &svg)
        drawPeak(to: &svg)
    }

    private func drawAxes(to svg: inout SVGWriter) {
        for tick in lengths.ticks where ok.count + retransmitted.count > 0 {
            let y = lengths.position(tick)
            svg.line(x1: calls.start, y1: y, x2: calls.end, y2: y, stroke: Ink.grid)
            svg.text(lengths.label(tick), x: calls.start - 7, y: y + 4, style: .init(anchor: .end))
        }
        for tick in calls.ticks {
            let x = calls.position(tick)
            svg.line(
                x1: x, y1: lengths.start + Layout.strip, x2: x, y2: lengths.start + Layout.strip + 4, stroke: Ink.frame)
            drawCallLabel(calls.label(tick), x: x, to: &svg)
        }
        svg.line(
            x1: calls.start, y1: lengths.end, x2: calls.start, y2: lengths.start + Layout.strip, stroke: Ink.frame)
        let base = lengths.start + Layout.strip
        svg.line(x1: calls.start, y1: base, x2: calls.end, y2: base, stroke: Ink.frame)
        svg.text(
            "call number", x: (calls.start + calls.end) / 2, y: base + 35, style: .init(anchor: .middle))
        svg.text(
            "RTT (\(unit.text))", x: frame.x + 16, y: (lengths.start + lengths.end) / 2,
            style: .init(anchor: .middle, rotation: -90))
    }

    /// Under its tick, unless the last one would stick out of the panel.
    private func drawCallLabel(_ label: String, x: Double, to svg: inout SVGWriter) {
        let edge = frame.x + frame.width - 3
        let isCut = x + Double(label.unicodeScalars.count) * Layout.characterWidth / 2 > edge
        svg.text(
            label, x: isCut ? edge : x, y: lengths.start + Layout.strip + 18,
            style: .init(anchor: isCut ? .end : .middle))
    }

    private func drawT1(to svg: inout SVGWriter) {
        guard let y = t1Position else { return }
        svg.line(
            x1: calls.start, y1: y, x2: calls.end, y2: y, stroke: Ink.limit, width: 1.5, dashes: "7 4")
    }

    private var t1Position: Double? {
        let value = unit.value(t1)
        guard value <= lengths.highest else { return nil }
        return lengths.position(value)
    }

    /// A few dots have to be found, many have to be told apart.
    private var dotWidth: Double {
        switch ok.count {
        case ..<300: 5
        case ..<3000: 3.4
        default: 2.6
        }
    }

    private func drawPoints(limit: Int, to svg: inout SVGWriter) {
        let share = retransmitted.count == 0 ? limit : limit / 2
        svg.path(
            ok.runs(x: calls.start, y: lengths.end, limit: max(share, 20 * ok.width)), stroke: Ink.ok, width: dotWidth,
            hasRoundEnds: true, name: "ok")
        svg.path(
            retransmitted.crosses(x: calls.start, y: lengths.end, limit: share), stroke: Ink.retransmitted, width: 1.2,
            name: "retransmitted")
        drawT1Label(to: &svg)
    }

    /// At the left, where a climb has not yet arrived, unless the maximum is labelled there.
    private func drawT1Label(to svg: inout SVGWriter) {
        guard let y = t1Position else { return }
        var isRight = false
        if let peak {
            let isNear = (lengths.position(unit.value(peak.rtt)) - y).magnitude < 24
            isRight = isNear && calls.position(Double(peak.number)) < (calls.start + calls.end) / 2
        }
        svg.text(
            "T1 = \(DecimalText.trimmed(Double(t1.rawValue) / 1e6)) ms",
            x: isRight ? calls.end - 8 : calls.start + 8, y: y - 6,
            style: .init(anchor: isRight ? .end : .start, fill: Ink.limit, hasHalo: true))
    }

    /// Failed calls hang above the frame, unsent ones stand below zero: neither has an RTT to be drawn at.
    private func drawEdges(to svg: inout SVGWriter) {
        var triangles = ByteBuffer(capacity: 1024)
        var last = -Layout.triangle
        for column in failed.isTaken.indices where failed.isTaken[column] {
            // Overlapping triangles are one black bar: half a triangle apart says the same with less ink.
            guard Double(column) - last >= Layout.triangle / 2 else { continue }
            last = Double(column)
            Self.appendTriangle(x: calls.start + last, y: lengths.end - 4, to: &triangles)
        }
        svg.path(triangles, fill: Ink.failed, name: "failed")
        var bars = ByteBuffer(capacity: 1024)
        for column in unsent.isTaken.indices where unsent.isTaken[column] {
            bars.append("M", calls.start + Double(column), lengths.start + 3)
            bars.append("v5")
        }
        svg.path(bars, stroke: Ink.unsent, width: 1.5, name: "unsent")
    }

    /// Pointing down at (`x`, `y`).
    private static func appendTriangle(x: Double, y: Double, to path: inout ByteBuffer) {
        path.append("M", x, y)
        path.append("l-4-7h8z")
    }

    private func drawPeak(to svg: inout SVGWriter) {
        guard let peak else { return }
        let x = calls.position(Double(peak.number))
        let y = lengths.position(unit.value(peak.rtt))
        svg.circle(x: x, y: y, radius: 5, stroke: Ink.text)
        let isRight = x > (calls.start + calls.end) / 2
        svg.text(
            "max \(unit.label(peak.rtt))", x: x + (isRight ? -10 : 10), y: y + 4,
            style: .init(anchor: isRight ? .end : .start, hasHalo: true))
    }

    private enum Symbol { case dot, cross, triangle, bar }

    private func drawLegend(to svg: inout SVGWriter) {
        var items = legend(isShort: false)
        let room = calls.end - calls.start
        if items.reduce(0, { $0 + Self.legendWidth($1.text) }) > room { items = legend(isShort: true) }
        var x = calls.start + 4
        let y = frame.y + 64
        for (symbol, text) in items {
            Self.draw(symbol, x: x, y: y, to: &svg)
            svg.text(text, x: x + 9, y: y)
            x += Self.legendWidth(text)
        }
    }

    /// Only what occurred, but always the answered calls.
    private func legend(isShort: Bool) -> [(symbol: Symbol, text: String)] {
        func n(_ count: UInt64) -> String { isShort ? shortened(count, to: 5) : DecimalText.grouped(count) }
        var items: [(Symbol, String)] = [(.dot, "ok \(n(ok.count))")]
        if retransmitted.count > 0 {
            items.append((.cross, "ok after retransmission \(n(retransmitted.count))"))
            if isShort { items[1].1 = "resent \(n(retransmitted.count))" }
        }
        if failed.count > 0 { items.append((.triangle, "failed \(n(failed.count))")) }
        if unsent.count > 0 { items.append((.bar, "unsent \(n(unsent.count))")) }
        return items
    }

    private static func legendWidth(_ text: String) -> Double {
        Double(text.unicodeScalars.count) * Layout.characterWidth + 28
    }

    private static func draw(_ symbol: Symbol, x: Double, y: Double, to svg: inout SVGWriter) {
        var path = ByteBuffer(capacity: 64)
        switch symbol {
        case .dot:
            path.append("M", x, y - 4)
            path.append("v0")
            svg.path(path, stroke: Ink.ok, width: 5, hasRoundEnds: true, name: "legend")
        case .cross:
            path.append("M", x - 3, y - 7)
            path.append("l6 6m-6 0l6-6")
            svg.path(path, stroke: Ink.retransmitted, width: 1.5, name: "legend")
        case .triangle:
            appendTriangle(x: x, y: y - 1, to: &path)
            svg.path(path, fill: Ink.failed, name: "legend")
        case .bar:
            path.append("M", x, y - 8)
            path.append("v8")
            svg.path(path, stroke: Ink.unsent, width: 2, name: "legend")
        }
    }

    private enum Layout {
        static let left = 64.0
        static let right = 18.0
        /// Title, figures, legend and the failed calls' triangles.
        static let top = 88.0
        static let bottom = 54.0
        /// Below zero, for unsent calls.
        static let strip = 9.0
        static let triangle = 8.0
        /// Of the widest of the fonts at 12 px, on average.
        static let characterWidth = 6.9
    }
}
