import Datagrams
import Latency
import MaximumSearch

/// `find-max.svg`: the rates tried, one trial after another. Above all of them on a logarithmic scale, below what lies
/// around the result. The band is what was left between the highest rate that passed and the lowest that failed.
package struct TrialsPlot {
    package static let width = 960.0
    package static let height = 720.0

    private enum Layout {
        static let left = 70.0
        static let right = 942.0
        static let upper = (top: 84.0, bottom: 350.0)
        static let lower = (top: 426.0, bottom: 662.0)
        static let mark = 5.0
    }

    private let report: SearchReport
    private let hasVerdict: Bool
    private let columns: Axis

    /// - Parameter hasVerdict: false for a search that was killed.
    package static func svg(_ report: SearchReport, hasVerdict: Bool = true) -> ByteBuffer {
        TrialsPlot(report, hasVerdict).draw()
    }

    private init(_ report: SearchReport, _ hasVerdict: Bool) {
        self.report = report
        self.hasVerdict = hasVerdict
        let count = Double(max(report.rows.count, 1))
        columns = Axis(
            lowest: 0.5, highest: count + 0.5, start: Layout.left, end: Layout.right,
            step: max(1, Axis.niceStep(atLeast: count / 20)))
    }

    private func draw() -> ByteBuffer {
        var svg = SVGWriter()
        let title = "\(report.target), \(report.transport), \(report.scenario): highest rate by \(report.method)"
        svg.open(width: Self.width, height: Self.height, title: title)
        svg.text(
            Lettering.cut(heading, to: Layout.right - Layout.left, size: 16, isBold: true), x: Layout.left, y: 26,
            style: .init(size: 16, isBold: true))
        svg.text(Lettering.cut(title, to: Layout.right - Layout.left), x: Layout.left, y: 46)
        drawLegend(to: &svg)
        if report.rows.isEmpty {
            svg.text(
                "no trial was run", x: Self.width / 2, y: Self.height / 2, style: .init(size: 14, anchor: .middle))
        } else {
            drawPanel(RateScale.whole(report, Layout.upper), Layout.upper, to: &svg)
            if let scale = RateScale.near(report, Layout.lower) {
                svg.text(
                    "Around the result", x: Layout.left, y: Layout.lower.top - 12, style: .init(size: 13, isBold: true))
                drawPanel(scale, Layout.lower, to: &svg)
            }
        }
        svg.close()
        return svg.bytes
    }

    private var heading: String {
        FindMaxText.maximum(report) + (hasVerdict ? ": \(report.verdict.level.text)" : "")
    }

    // MARK: marks

    private enum Mark: CaseIterable {
        case passed, failed, undecided, void

        init(_ kind: Decision.Kind) {
            switch kind {
            case .passes: self = .passed
            case .fails: self = .failed
            case .undecided: self = .undecided
            case .void: self = .void
            }
        }

        var text: String {
            switch self {
            case .passed: "passed"
            case .failed: "failed"
            case .undecided: "too few to tell"
            case .void: "generator in the way"
            }
        }

        func draw(x: Double, y: Double, to svg: inout SVGWriter) {
            let r = Layout.mark
            var path = ByteBuffer(capacity: 64)
            switch self {
            case .passed: svg.circle(x: x, y: y, radius: r, stroke: Ink.ok, fill: Ink.ok)
            case .undecided: svg.circle(x: x, y: y, radius: r, stroke: Ink.ok, fill: "#fff")
            case .failed:
                path.append("M", x - r, y - r)
                path.append("L", x + r, y + r)
                path.append("M", x - r, y + r)
                path.append("L", x + r, y - r)
                svg.path(path, stroke: Ink.retransmitted, width: 2.5, hasRoundEnds: true, name: "failed")
            case .void:
                path.append("M", x - r, y - r)
                path.append("L", x + r, y - r)
                path.append("L", x + r, y + r)
                path.append("L", x - r, y + r)
                path.append("L", x - r, y - r)
                svg.path(path, stroke: Ink.unsent, width: 1.5, fill: "#fff", name: "void")
            }
        }
    }

    private func drawLegend(to svg: inout SVGWriter) {
        var x = Layout.left + Layout.mark
        for mark in Mark.allCases {
            let count = report.rows.count { Mark($0.decision.kind) == mark }
            guard count > 0 else { continue }
            let text = "\(mark.text) \(count)"
            mark.draw(x: x, y: 62, to: &svg)
            svg.text(text, x: x + 12, y: 66)
            x += 12 + Lettering.width(text) + 24
        }
        svg.rectangle(x: x - 5, y: 56, width: 14, height: 11, fill: Self.band)
        svg.text("still possible", x: x + 15, y: 66)
    }

    private static let band: StaticString = "#DCE9F2"

    // MARK: panels

    private func drawPanel(_ scale: RateScale, _ panel: (top: Double, bottom: Double), to svg: inout SVGWriter) {
        drawBands(scale, to: &svg)
        for tick in scale.ticks {
            let y = scale.position(tick)
            svg.line(x1: Layout.left, y1: y, x2: Layout.right, y2: y, stroke: Ink.grid)
            svg.text(
                DecimalText.trimmed(tick), x: Layout.left - 6, y: y + 4, style: .init(anchor: .end))
        }
        for tick in columns.ticks where tick >= 1 {
            let x = columns.position(tick)
            svg.line(x1: x, y1: panel.bottom, x2: x, y2: panel.bottom + 4, stroke: Ink.frame)
            svg.text(columns.label(tick), x: x, y: panel.bottom + 18, style: .init(anchor: .middle))
        }
        svg.line(x1: Layout.left, y1: panel.bottom, x2: Layout.right, y2: panel.bottom, stroke: Ink.frame)
        svg.line(x1: Layout.left, y1: panel.top, x2: Layout.left, y2: panel.bottom, stroke: Ink.frame)
        svg.text(
            "trial", x: (Layout.left + Layout.right) / 2, y: panel.bottom + 35, style: .init(anchor: .middle))
        svg.text(
            "calls/s", x: 18, y: (panel.top + panel.bottom) / 2, style: .init(anchor: .middle, rotation: -90))
        drawLimits(scale, to: &svg)
        drawTrials(scale, to: &svg)
    }

    /// What was still possible before each trial.
    private func drawBands(_ scale: RateScale, to svg: inout SVGWriter) {
        var (passed, failed): (Double?, Double?) = (nil, nil)
        for (i, row) in report.rows.enumerated() {
            if let low = passed, let high = failed, high > low {
                let (from, to) = (columns.position(Double(i) + 0.5), columns.position(Double(i) + 1.5))
                let (bottom, top) = (scale.clamped(low), scale.clamped(high))
                if bottom > top {
                    // Half a pixel into the next, or a seam shows between them.
                    svg.rectangle(x: from, y: top, width: to - from + 0.5, height: bottom - top, fill: Self.band)
                }
            }
            switch row.decision.kind {
            case .passes:
                passed = max(passed ?? 0, row.trial.rate)
                if let high = failed, high <= row.trial.rate { failed = nil }
            case .fails:
                failed = min(failed ?? .infinity, row.trial.rate)
                if let low = passed, low >= row.trial.rate { passed = nil }
            case .undecided, .void: break
            }
        }
    }

    private func drawLimits(_ scale: RateScale, to svg: inout SVGWriter) {
        if let ceiling = report.baseline.rate {
            drawLimit(
                ceiling, "test bed without the target: \(RateText.text(ceiling)) calls/s", labelled: -5, scale, to: &svg
            )
            drawLimit(
                ceiling * SearchReport.suspectShare, "80 % of it: a result above is SUSPECT", labelled: 14, scale,
                to: &svg)
        }
        guard let rate = report.answer.rate, scale.holds(rate) else { return }
        let y = scale.position(rate)
        svg.line(x1: Layout.left, y1: y, x2: Layout.right, y2: y, stroke: Ink.ok, width: 1.5)
        svg.text(
            "\(RateText.text(rate)) calls/s", x: Layout.left + 6, y: y - 6,
            style: .init(size: 13, isBold: true, fill: Ink.ok, hasHalo: true))
    }

    /// `labelled`: where the text stands, pixels below the line.
    private func drawLimit(
        _ rate: Double, _ text: String, labelled offset: Double, _ scale: RateScale, to svg: inout SVGWriter
    ) {
        guard scale.holds(rate) else { return }
        let y = scale.position(rate)
        svg.line(x1: Layout.left, y1: y, x2: Layout.right, y2: y, stroke: Ink.limit, width: 1.2, dashes: "6 4")
        svg.text(text, x: Layout.left + 6, y: y + offset, style: .init(fill: Ink.limit, hasHalo: true))
    }

    private func drawTrials(_ scale: RateScale, to svg: inout SVGWriter) {
        var way = ByteBuffer(capacity: 1024)
        var isDrawing = false
        for row in report.rows {
            let rate = row.trial.rate
            if scale.holds(rate) {
                way.append(isDrawing ? "L" : "M", columns.position(Double(row.trial.number)), scale.position(rate))
            }
            isDrawing = scale.holds(rate)
        }
        svg.path(way, stroke: "#999", width: 1, name: "way")
        for row in report.rows where scale.holds(row.trial.rate) {
            Mark(row.decision.kind).draw(
                x: columns.position(Double(row.trial.number)), y: scale.position(row.trial.rate), to: &svg)
        }
    }
}

/// Rates to pixels.
private struct RateScale {
    var lowest: Double
    var highest: Double
    var isLogarithmic: Bool
    var panel: (top: Double, bottom: Double)
    var ticks: [Double]

    func holds(_ rate: Double) -> Bool { rate >= lowest && rate <= highest }

    func position(_ rate: Double) -> Double {
        let share =
            isLogarithmic
            ? (Self.logarithm(rate) - Self.logarithm(lowest)) / (Self.logarithm(highest) - Self.logarithm(lowest))
            : (rate - lowest) / (highest - lowest)
        return panel.bottom - share * (panel.bottom - panel.top)
    }

    func clamped(_ rate: Double) -> Double { position(min(max(rate, lowest), highest)) }

    /// From the lowest rate to the highest, or to what the test bed takes where that is near enough to be shown.
    static func whole(_ report: SearchReport, _ panel: (top: Double, bottom: Double)) -> RateScale {
        let rates = report.rows.map(\.trial.rate)
        let low = rates.min() ?? 1
        var high = rates.max() ?? 1
        if let ceiling = report.baseline.rate { high = max(high, ceiling) }
        let (lowest, highest) = (low / 1.3, high * (report.baseline.rate == high ? 3 : 1.5))
        var ticks: [Double] = []
        var power = 0.001
        while power <= highest {
            for factor in [1.0, 2, 5] where power * factor >= lowest && power * factor <= highest {
                ticks.append(power * factor)
            }
            power *= 10
        }
        if ticks.count > 12 { ticks = ticks.filter(isPowerOfTen) }
        return RateScale(lowest: lowest, highest: highest, isLogarithmic: true, panel: panel, ticks: ticks)
    }

    private static func isPowerOfTen(_ value: Double) -> Bool {
        var value = value
        while value < 1 { value *= 10 }
        while value >= 9.999 { value /= 10 }
        return (value - 1).magnitude < 1e-6
    }

    /// The result and what was decided near it.
    static func near(_ report: SearchReport, _ panel: (top: Double, bottom: Double)) -> RateScale? {
        guard let rate = report.answer.rate else { return nil }
        let reach = max(4 * (report.resolution ?? 0.02), 0.01)
        let (lowest, highest) = (rate * (1 - reach), rate * (1 + reach))
        let step = Axis.niceStep(atLeast: (highest - lowest) / 6)
        let axis = Axis(lowest: lowest, highest: highest, start: panel.bottom, end: panel.top, step: step)
        return RateScale(lowest: lowest, highest: highest, isLogarithmic: false, panel: panel, ticks: axis.ticks)
    }

    /// To the base 2. A pure module has no libm; the series of atanh is exact for what a pixel shows.
    private static func logarithm(_ x: Double) -> Double {
        let y = (x.significand - 1) / (x.significand + 1)
        var (term, sum, k) = (y, 0.0, 1.0)
        while term.magnitude > 1e-12 {
            sum += term / k
            term *= y * y
            k += 2
        }
        return Double(x.exponent) + 2 * sum / 0.693_147_180_559_945
    }
}
