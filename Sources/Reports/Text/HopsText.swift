import Datagrams
import Latency

/// What `analyze --hops` prints: the clocks first, because every one-way time rests on them, then each stretch.
package struct HopsReport: Sendable {
    package struct Stretch: Sendable {
        package var name: String
        package var times = LatencyHistogram()

        package init(name: String) { self.name = name }
    }

    /// Names of the capture points.
    package var points: [String]
    /// A sentence for each pair of neighbours.
    package var clocks: [String] = []
    package var stretches: [Stretch] = []
    package var total = LatencyHistogram()
    /// Datagrams lost in each stretch, and other remarks, with their counts; those of nothing are not printed.
    package var remarks: [(text: String, count: UInt64)] = []

    package init(points: [String]) { self.points = points }
}

extension HopsReport {
    package func append(to buffer: inout ByteBuffer) {
        for line in lines {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    var lines: [String] {
        var lines = [""]
        lines += wrapped(
            points.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: ", "), first: SummaryText.label("Points"),
            rest: SummaryText.label(""))
        for (i, clock) in clocks.enumerated() {
            lines += wrapped(clock, first: SummaryText.label(i == 0 ? "Clocks" : ""), rest: SummaryText.label(""))
        }
        // A bridge takes a microsecond, and seven columns hold no more than 9,999,999 of them.
        let isShort = (total.maximum ?? .zero) < .seconds(1)
        lines += ["", LatencyTable.header(isShort ? "One way, us" : "One way, ms")]
        let scale: Int64 = isShort ? 1000 : 1
        for stretch in stretches { lines.append(LatencyTable.row(stretch.name, stretch.times.figures, scale: scale)) }
        lines.append(LatencyTable.row("total", total.figures, scale: scale))
        for remark in remarks where remark.count > 0 {
            lines += wrapped("\(remark.text): \(remark.count)", first: "  ", rest: "    ")
        }
        return lines
    }
}
