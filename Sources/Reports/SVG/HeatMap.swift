import Datagrams
import Latency

/// How many calls ended with which RTT in which stretch of the run: a grid that is filled as the calls stream by. Its
/// size is fixed. Rows are steps of a logarithm; columns stand for twice the time whenever the run outgrows them.
package struct HeatMap: Sendable {
    static let mostColumns = 120
    /// A step is a tenth of a doubling finer than the eye sees: 24 a decade.
    private static let perDecade = 24
    private static let rows = 13 * perDecade

    private var counts: [UInt32]
    private var columnWidth = Nanoseconds.milliseconds(10)
    private(set) var last = Nanoseconds.zero

    package init() { counts = Array(repeating: 0, count: Self.mostColumns * Self.rows) }

    /// `at`: when the call ended, from the run's start.
    package mutating func insert(_ rtt: Nanoseconds, at: Nanoseconds) {
        let at = max(at, .zero)
        while at.rawValue / columnWidth.rawValue >= Int64(Self.mostColumns) { fold() }
        last = max(last, at)
        let column = Int(at.rawValue / columnWidth.rawValue)
        let index = column * Self.rows + Self.row(rtt)
        counts[index] = counts[index] == .max ? .max : counts[index] + 1
    }

    private mutating func fold() {
        columnWidth = columnWidth * 2
        for column in 0..<Self.mostColumns {
            for row in 0..<Self.rows {
                let (first, second) = (2 * column, 2 * column + 1)
                let a = first < Self.mostColumns ? counts[first * Self.rows + row] : 0
                let b = second < Self.mostColumns ? counts[second * Self.rows + row] : 0
                counts[column * Self.rows + row] = a.addingReportingOverflow(b).overflow ? .max : a + b
            }
        }
    }

    private static func row(_ rtt: Nanoseconds) -> Int {
        min(Int(Logarithm.ten(max(rtt.rawValue, 1)) * Double(perDecade)), rows - 1)
    }

    /// The RTT a row begins with.
    private static func lower(_ row: Int) -> Double {
        // By whole decades and a table of one decade: no power function is needed.
        var value = Self.steps[row % perDecade]
        for _ in 0..<row / perDecade { value *= 10 }
        return value
    }

    /// 10 ^ (n / 24).
    private static let steps: [Double] = {
        // The 24th root of ten.
        let root = 1.100_694_171_252_208_5
        var value = 1.0
        return (0..<perDecade).map { _ in
            defer { value *= root }
            return value
        }
    }()

    var isEmpty: Bool { !counts.contains { $0 > 0 } }

    // MARK: Drawing

    static let height = 420.0

    /// `lines`: of each instant (seconds), to be drawn over it.
    func svg(
        title: String, description: String, upTo seconds: Double,
        lines: [(name: String, stroke: StaticString, instants: [Double], values: [Double?])]
    ) -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: TimePlot.width, height: Self.height, title: title, description: description)
        let used = (0..<Self.rows).filter { row in
            (0..<Self.mostColumns).contains { counts[$0 * Self.rows + row] > 0 }
        }
        guard let first = used.first, let last = used.last else {
            svg.text(
                "no call has an RTT", x: TimePlot.width / 2, y: Self.height / 2, style: .init(size: 14, anchor: .middle)
            )
            svg.close()
            return svg.bytes
        }
        let (top, bottom) = (46.0, Self.height - TimeAxis.bottom - 6)
        let times = TimeAxis(
            upTo: max(seconds, self.last.seconds), from: TimeAxis.left, to: TimePlot.width - TimeAxis.right)
        let lengths = LogAxis(
            showing: Nanoseconds(
                Int64(
                    Self.lower(first)))...Nanoseconds(Int64(Self.lower(last + 1))), from: bottom, to: top)
        svg.text(title, x: TimeAxis.left, y: 18, style: .init(size: 13, isBold: true))
        let most = counts.max() ?? 1
        drawKey(most: most, lines: lines.map { ($0.name, $0.stroke) }, to: &svg)
        times.drawGrid(top: top, bottom: bottom, to: &svg)
        for tick in lengths.ticks {
            let y = lengths.position(tick)
            svg.line(x1: times.start, y1: y, x2: times.end, y2: y, stroke: Ink.grid)
            svg.text(LogAxis.label(tick), x: times.start - 7, y: y + 4, style: .init(anchor: .end))
        }
        drawCells(rows: first...last, times, lengths, most: most, to: &svg)
        svg.line(x1: times.start, y1: bottom, x2: times.end, y2: bottom, stroke: Ink.frame)
        for line in lines {
            let path = TimePath.path(line.instants, line.values, x: { times.position($0) }) {
                lengths.position(Nanoseconds(Int64($0 * 1e6)))
            }
            svg.path(path, stroke: "#fff", width: 4, name: "rim")
            svg.path(path, stroke: line.stroke, width: 1.8, name: "line")
        }
        times.drawLabels(bottom: bottom + 12, to: &svg)
        svg.close()
        return svg.bytes
    }

    /// A path a shade; cells of one shade above each other are one.
    private func drawCells(
        rows: ClosedRange<Int>, _ times: TimeAxis, _ lengths: LogAxis, most: UInt32, to svg: inout SVGWriter
    ) {
        // Rows so thin that nobody tells them apart are put together.
        let height = (lengths.start - lengths.end) / Double(rows.count)
        let step = max(1, Int((5 / height).rounded(.up)))
        let bands = stride(from: rows.lowerBound, through: rows.upperBound, by: step).map {
            $0...min($0 + step - 1, rows.upperBound)
        }
        let width = columnWidth.seconds
        var paths = Shade.fills.map { _ in ByteBuffer(capacity: 1 << 10) }
        for column in 0..<Self.mostColumns where times.position(Double(column) * width) < times.end {
            let x = times.position(Double(column) * width)
            let right = min(times.position(Double(column + 1) * width), times.end)
            var run: (shade: Int, from: Double, to: Double)?
            func close() {
                guard let open = run else { return }
                paths[open.shade].append("M", x, open.to)
                paths[open.shade].append("H", right)
                paths[open.shade].append("V", open.from)
                paths[open.shade].append("H", x)
                paths[open.shade].append(UInt8(ascii: "z"))
                run = nil
            }
            for band in bands {
                let count = band.reduce(UInt32(0)) { sum, row in
                    let more = sum.addingReportingOverflow(counts[column * Self.rows + row])
                    return more.overflow ? .max : more.partialValue
                }
                let shade = Shade.of(count, most: most)
                if shade != run?.shade { close() }
                guard let shade else { continue }
                let (from, to) = (
                    lengths.position(Nanoseconds(Int64(Self.lower(band.lowerBound)))),
                    lengths.position(Nanoseconds(Int64(Self.lower(band.upperBound + 1))))
                )
                run = (shade, run?.from ?? from, to)
            }
            close()
        }
        for (shade, path) in paths.enumerated() { svg.path(path, fill: Shade.fills[shade], name: "cells") }
    }

    private func drawKey(most: UInt32, lines: [(name: String, stroke: StaticString)], to svg: inout SVGWriter) {
        let label = "calls: 1" + (most > 1 ? " to \(DecimalText.grouped(UInt64(most)))" : "")
        let room = lines.reduce(0) { $0 + 50 + Lettering.width($1.name) }
        var x = TimePlot.width - TimeAxis.right - room - 16 * Double(Shade.fills.count) - Lettering.width(label) - 8
        svg.text(label, x: x, y: 18)
        x += Lettering.width(label) + 8
        for fill in Shade.fills {
            svg.rectangle(x: x, y: 8, width: 16, height: 11, fill: fill)
            x += 16
        }
        for line in lines {
            svg.line(x1: x + 20, y1: 14, x2: x + 42, y2: 14, stroke: line.stroke, width: 2)
            svg.text(line.name, x: x + 48, y: 18)
            x += 50 + Lettering.width(line.name)
        }
    }

    /// One hue from light to dark, by the logarithm of the count: one call among thousands is still to be seen.
    private enum Shade {
        static let fills: [StaticString] = [
            "#d3e3f3", "#aecde8", "#82b3da", "#5698ca", "#2f7ab5", "#125a98", "#083870",
        ]

        static func of(_ count: UInt32, most: UInt32) -> Int? {
            if count == 0 { return nil }
            if most <= 1 { return fills.count / 2 }
            let share = Logarithm.ten(Double(count)) / Logarithm.ten(Double(most))
            return min(Int(share * Double(fills.count)), fills.count - 1)
        }
    }
}
