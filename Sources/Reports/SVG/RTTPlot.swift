import Datagrams
import Latency
import Observations

/// `rtt.svg`: the RTT of every call of one level over its number.
package struct RTTPlot {
    private var panel: RTTPanel
    private let title: String
    private let subtitle: String

    package static let width = 960.0
    package static let height = 460.0
    /// The whole file stays below 200 kB; the rest is axes and text.
    static let pointBytes = 150_000

    package init(_ summary: RunSummary) {
        panel = RTTPanel(
            frame: .init(x: 0, y: 0, width: Self.width, height: Self.height), calls: PlotTitle.calls(summary),
            longest: summary.rtt.max ?? .zero, t1: summary.conditions.t1)
        title = PlotTitle.title(summary)
        subtitle = PlotTitle.figures(summary)
    }

    package mutating func insert(_ point: PlotPoint) { panel.insert(point) }

    package func svg() -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(width: Self.width, height: Self.height, title: title + ", " + subtitle)
        panel.draw(title: title, subtitle: subtitle, limit: Self.pointBytes, to: &svg)
        svg.close()
        return svg.bytes
    }

    package static func svg(_ summary: RunSummary, points: some Sequence<PlotPoint>) -> ByteBuffer {
        var plot = RTTPlot(summary)
        for point in points { plot.insert(point) }
        return plot.svg()
    }
}

/// `sweep.svg`: one panel a level, two a row, each with its own y axis: at one scale the overloaded level would flatten
/// all others.
package struct SweepPlot {
    private var panels: [RTTPanel]
    private let summaries: [RunSummary]

    package static let width = 960.0
    package static let panelHeight = 340.0

    package init(_ summaries: [RunSummary]) {
        precondition(!summaries.isEmpty, "a sweep has levels")
        self.summaries = summaries
        let columns = min(summaries.count, 2)
        let panelWidth = Self.width / Double(columns)
        panels = summaries.enumerated().map { i, summary in
            RTTPanel(
                frame: .init(
                    x: Double(i % columns) * panelWidth, y: Double(i / columns) * Self.panelHeight, width: panelWidth,
                    height: Self.panelHeight), calls: PlotTitle.calls(summary), longest: summary.rtt.max ?? .zero,
                t1: summary.conditions.t1)
        }
    }

    package mutating func insert(_ point: PlotPoint, level: Int) { panels[level].insert(point) }

    package func svg() -> ByteBuffer {
        var svg = SVGWriter()
        let rows = (panels.count + 1) / 2
        svg.open(width: Self.width, height: Double(rows) * Self.panelHeight, title: "RTT over call number, by load")
        for (panel, summary) in zip(panels, summaries) {
            panel.draw(
                title: PlotTitle.title(summary), subtitle: PlotTitle.figures(summary),
                limit: RTTPlot.pointBytes / panels.count, to: &svg)
        }
        svg.close()
        return svg.bytes
    }
}

enum PlotTitle {
    static func calls(_ summary: RunSummary) -> UInt64 {
        max(summary.counters.offered, summary.outcomes.reduce(0) { $0 + $1.count })
    }

    static func title(_ summary: RunSummary) -> String {
        let rate = summary.conditions.rate.map { "\(text(rate: $0)) calls/s" } ?? "Captured calls"
        let target = ", " + shortened(summary.conditions.target)
        switch summary.verdict.level {
        case .valid: return rate + target
        case .suspect, .invalid: return rate + " (" + summary.verdict.level.text + ")" + target
        }
    }

    /// Half the picture's width is all a panel of a sweep has.
    private static func shortened(_ target: String) -> String {
        target.count <= 22 ? target : String(target.prefix(21)) + "…"
    }

    private static func text(rate: Double) -> String {
        let isWhole = rate == rate.rounded() && rate >= 0 && rate < 1e15
        return isWhole ? DecimalText.grouped(UInt64(rate)) : DecimalText.trimmed(rate)
    }

    static func figures(_ summary: RunSummary) -> String {
        let rtt = summary.rtt
        func ms(_ length: Nanoseconds?) -> String { length.map(DecimalText.milliseconds) ?? "n/a" }
        if rtt.count == 0 { return "no RTT" }
        return "mean \(ms(rtt.mean)), p50 \(ms(rtt.p50)), p99 \(ms(rtt.p99)), max \(ms(rtt.max)) ms, "
            + "n \(DecimalText.grouped(rtt.count))"
    }
}
