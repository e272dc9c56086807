import Datagrams
import Foundation
import Latency
import Testing

@testable import Reports

@Suite struct TimePictureTests {
    @Test(arguments: [1, 2, 3, 7, 9.999, 10, 1000, 123_456_789, 1e-3, 0.5, 9e15] as [Double])
    func logarithmsAreThoseOfTheLibrary(value: Double) {
        #expect((Logarithm.ten(value) - log10(value)).magnitude < 1e-12)
    }

    @Test func aThinnedLineKeepsItsLeastAndItsGreatest() {
        let instants = (1...100_000).map(Double.init)
        var values: [Double?] = instants.map { _ in 5 }
        values[31_337] = 99
        values[77_777] = 1
        let path = TimePath.path(instants, values, x: { $0 / 100_000 * 800 }, y: { $0 }).text
        #expect(path.utf8.count < 12_000)
        #expect(path.contains(" 99L") && path.contains(" 1L"))
    }

    @Test func aLineIsBrokenWhereNothingIsKnown() {
        let path = TimePath.path([1, 2, 3, 4, 5], [1, 2, nil, 4, 5], x: { $0 * 100 }, y: { $0 }).text
        #expect(path == "M100 1L200 2M400 4L500 5")
    }

    /// A line without a length is not drawn at all.
    @Test func aLonePointIsSeen() {
        func path(_ values: [Double?]) -> String {
            TimePath.path([1, 2, 3], values, x: { $0 * 100 }, y: { $0 }).text
        }
        #expect(path([nil, 7, nil]) == "M200 7m-3 0h6")
        #expect(path([nil, 7, 8]) == "M200 7L300 8")
        #expect(path([nil, nil, 7]) == "M300 7m-3 0h6")
        #expect(path([nil, nil, nil]) == "")
    }

    /// Between 2.1 and 4.2 ms lies neither 1 nor 2 nor 5.
    @Test func aLogarithmicAxisCanBeReadHoweverNarrow() {
        for least in stride(from: Int64(1_000), through: 12_000_000, by: 37_003) {
            for share in [0, 10, 50, 100, 300, 900, 20_000] as [Int64] {
                let axis = LogAxis(
                    showing: Nanoseconds(least)...Nanoseconds(least + least * share / 100), from: 400, to: 40)
                #expect(axis.ticks.count >= 3, "\(least) ns and \(share) % more: \(axis.ticks)")
                #expect(axis.ticks.count <= 13)
                #expect(Set(axis.ticks.map(LogAxis.label)).count == axis.ticks.count)
                #expect(axis.ticks == axis.ticks.sorted())
            }
        }
    }

    /// What is of a whole second stands in its middle, what is of an instant at it.
    @Test func aPanelMayHaveItsOwnInstants() {
        func line(_ instants: [Double]?) -> String? {
            let plot = TimePlot(
                title: "t", instants: [1, 2],
                panels: [
                    .init(
                        title: "a", lines: [.init(name: "a", stroke: Ink.ok, values: [1, 1])], instants: instants)
                ])
            return SVGReader(plot.svg(description: "")).paths["line"]?.first
        }
        // From 64 to 942: 439 a second.
        #expect(line(nil)?.hasPrefix("M503 ") == true && line(nil)?.contains("L942 ") == true)
        #expect(line([0.5, 1.5])?.hasPrefix("M283.5 ") == true && line([0.5, 1.5])?.contains("L722.5 ") == true)
    }

    @Test func aPanelWithoutAValueSaysSo() {
        func texts(_ values: [Double?]) -> [String] {
            let plot = TimePlot(
                title: "t", instants: [0.1],
                panels: [.init(title: "Calls a second", lines: [.init(name: "a", stroke: Ink.ok, values: values)])])
            return SVGReader(plot.svg(description: "")).texts.map(\.text)
        }
        #expect(texts([nil]).contains("no value"))
        #expect(!texts([3]).contains("no value"))
    }

    @Test func aHeatMapLosesNoCallHoweverLongTheRun() {
        var heat = HeatMap()
        for n in 0..<10_000 { heat.insert(.milliseconds(2), at: .milliseconds(100) * Int64(n)) }
        heat.insert(.seconds(30), at: .seconds(1000))
        let svg = heat.svg(title: "RTT over time", description: "", upTo: 1000, lines: [])
        let read = SVGReader(svg)
        #expect(read.failure == nil)
        // 1000 s in 120 columns of 10.24 s: 98 are taken; the one slow call has a cell of its own.
        let cells = (read.paths["cells"] ?? []).joined().split(separator: "M").count
        #expect((98...100).contains(cells))
        #expect(read.texts.contains { $0.text == "10 s" })
    }

    @Test func aSpectrumStandsAtItsPercentiles() {
        var histogram = LatencyHistogram()
        for n in 1...1000 { histogram.record(.milliseconds(n > 990 ? 100 : 1)) }
        let plot = SpectrumPlot(
            title: "RTT by percentile",
            curves: [.init(name: "from sent", stroke: Ink.ok, points: histogram.steps, count: histogram.count)])
        let read = SVGReader(plot.svg(description: ""))
        let path = read.paths["curve"]?.first ?? ""
        let mark = read.texts.first { $0.text == "99 %" }?.x ?? 0
        // One step: at 99 %, where the mark is.
        let step = path.split(separator: "H")[1].split(separator: "V")[0]
        #expect((Double(step)! - mark).magnitude < 0.2)
        #expect(!read.texts.contains { $0.text == "99.99 %" }, "a thousand calls have no such percentile")
    }

    @Test func aSpectrumWithoutAValueSaysSo() {
        let read = SVGReader(SpectrumPlot(title: "x", curves: []).svg(description: ""))
        #expect(read.texts.contains { $0.text == "no call has an RTT" })
    }

    @Test func aLadderSaysWhatItHasNoRoomFor() {
        let plot = LadderPlot(
            title: "x", own: "caller", peer: "called",
            rungs: (1...100).map { .init(.sent, "INVITE \($0)", remark: String(repeating: "long ", count: 100)) })
        let read = SVGReader(plot.svg())
        #expect(read.failure == nil)
        #expect(read.texts.contains { $0.text == "and 40 more" })
        for text in read.texts where text.anchor == "start" {
            #expect(text.x + Lettering.width(text.text, size: text.size) <= read.size.width)
        }
    }

    @Test func retransmissionsAreCountedOverTheWholeRun() {
        var series = RetransmissionSeries()
        for n in 0..<5000 as Range<UInt64> {
            series.insert(
                timer: n % 2 == 0 ? "A" : "E", message: "INVITE", call: n / 4, sent: .milliseconds(20) * Int64(n),
                late: .zero)
        }
        let (_, rates) = series.rates(upTo: 100)
        #expect(rates.map(\.timer) == ["A", "E"])
        // 0.05 s folded until 240 stretches hold 100 s.
        #expect((rates[0].values.reduce(0) { $0 + ($1 ?? 0) } * 0.8 - 2500).magnitude < 1)
        #expect(series.timers["A"]?.calls.count == 1250)
    }
}
