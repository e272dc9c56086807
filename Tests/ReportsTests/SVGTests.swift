import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct SVGTests {
    private static func points(_ calls: [CallRecord]) -> [PlotPoint] { calls.compactMap { PlotPoint($0) } }

    /// Of `count` calls, for streams too long to record as calls.
    private static func plot(of count: UInt64, longest: Nanoseconds) -> RTTPlot {
        var summary = summary(of: [])
        summary.counters.offered = count
        summary.rtt.count = count
        summary.rtt.max = longest
        return RTTPlot(summary)
    }

    /// Every label inside the picture, estimated generously at 7 px a character.
    private static func expectLabelsInside(_ reader: SVGReader, width: Double, height: Double) {
        for text in reader.texts where text.text != "RTT (ms)" && text.text != "RTT (s)" {
            let length = Double(text.text.unicodeScalars.count) * (text.size >= 15 ? 8.5 : 6.9)
            let left =
                switch text.anchor {
                case "end": text.x - length
                case "middle": text.x - length / 2
                default: text.x
                }
            #expect(left >= 0 && left + length <= width + 4, "\(text)")
            #expect(text.y > 12 && text.y < height)
            #expect(text.size >= 12)
        }
    }

    @Test(arguments: [0, 1, 3, 21, 404])
    func anyNumberOfCallsMakesAPicture(count: Int) {
        let calls = Array(mixedCalls().prefix(count))
        let svg = RTTPlot.svg(summary(of: calls), points: Self.points(calls))
        let reader = SVGReader(svg)
        #expect(reader.failure == nil)
        #expect(reader.circles.count == (count == 0 ? 0 : 1))
        #expect(reader.texts.contains { $0.text == "no call has an RTT" } == (count == 0))
        Self.expectLabelsInside(reader, width: 960, height: 460)
    }

    @Test func everyKindOfCallHasItsMarkAndItsCount() {
        let calls = mixedCalls()
        let reader = SVGReader(RTTPlot.svg(summary(of: calls), points: Self.points(calls)))
        #expect(reader.paths["ok"]?.count == 1)
        #expect(reader.paths["retransmitted"]?.first?.split(separator: "M").count == 10)
        // Three in a row, 2 px apart: triangles closer than half of one are not repeated.
        #expect(reader.paths["failed"]?.first?.split(separator: "M").count == 2)
        #expect(reader.paths["unsent"]?.first?.split(separator: "M").count == 1)
        let legend = reader.texts.map(\.text)
        #expect(legend.contains("ok 390"))
        #expect(legend.contains("ok after retransmission 10"))
        #expect(legend.contains("failed 3"))
        #expect(legend.contains("unsent 1"))
        #expect(legend.contains("400 calls/s (SUSPECT), 127.0.0.1:5060"))
        #expect(legend.contains("mean 20.95, p50 20.91, p99 40.50, max 40.90 ms, n 400"))
    }

    @Test func pointsLieWhereTheAxesSay() {
        // 100 calls: 0 to 100 on 64 ... 942 px; 10 ms at 1.07 of the scale.
        let calls = [call(50, rtt: .milliseconds(5)), call(100, rtt: .milliseconds(10))]
        var plot = Self.plot(of: 100, longest: .milliseconds(10))
        for point in Self.points(calls) { plot.insert(point) }
        let columns = SVGReader(plot.svg()).columns(of: "ok")
        #expect(columns.keys.sorted() == [503, 942])
        // The y axis runs from 406 at 0 to 88 at 10.7 ms.
        #expect(columns[503] == [257...257])
        #expect(columns[942] == [109...109])
    }

    @Test func theLineAtT1StandsOnlyWhereItIsInRange() {
        func labels(_ longest: Nanoseconds) -> [String] {
            let calls = [call(1, rtt: .milliseconds(1)), call(2, rtt: longest)]
            return SVGReader(RTTPlot.svg(summary(of: calls), points: Self.points(calls))).texts.map(\.text)
        }
        #expect(!labels(.milliseconds(380)).contains("T1 = 500 ms"))
        #expect(labels(.milliseconds(700)).contains("T1 = 500 ms"))
        #expect(labels(.seconds(30)).contains("T1 = 500 ms"))
        #expect(labels(.seconds(30)).contains("max 30.00 s"))
    }

    /// Noise over the whole plane is the worst case for size; one point stands above it.
    @Test func aCrowdStaysSmallAndKeepsItsMaximum() {
        var plot = Self.plot(of: 200_000, longest: .milliseconds(40))
        var generator = SeededGenerator(seed: 3)
        for number in 1...200_000 as ClosedRange<UInt32> {
            // Every column of pixels gets about 228 points, thinly enough to leave gaps everywhere.
            let rtt = Nanoseconds(Int64(generator.unit() * 38e6))
            plot.insert(PlotPoint(number: number, rtt: rtt, mark: number % 2 == 0 ? .retransmitted : .ok))
        }
        plot.insert(PlotPoint(number: 123_456, rtt: .milliseconds(40), mark: .ok))
        let svg = plot.svg()
        #expect(svg.count < 200_000)
        let reader = SVGReader(svg)
        #expect(reader.failure == nil)
        let columns = reader.columns(of: "ok")
        let top = 406 - 318 / 1.07
        #expect(reader.circles.count == 1)
        #expect((reader.circles[0].y - top).magnitude < 0.2)
        let peak = columns.filter { ($0.key - reader.circles[0].x).magnitude <= 0.5 }.values.joined()
        #expect(peak.contains { $0.lowerBound == top.rounded() })
        #expect(reader.texts.contains { $0.text == "max 40.00 ms" })
        #expect(columns.count == 879)
    }

    @Test func thinningKeepsTheExtremesOfEveryColumn() {
        var grid = PointGrid(width: 50, height: 300)
        var generator = SeededGenerator(seed: 11)
        var extremes: [Int: (low: Int, high: Int)] = [:]
        for _ in 0..<5000 {
            let column = Int(generator.next() % 50)
            let row = Int(generator.next() % 300)
            grid.insert(column: column, row: row)
            let old = extremes[column] ?? (row, row)
            extremes[column] = (min(old.low, row), max(old.high, row))
        }
        #expect(grid.runs(x: 0, y: 0, limit: 1 << 20).count > 4000)
        let path = grid.runs(x: 0, y: 0, limit: 4000)
        #expect(path.count <= 4000)
        var drawn: [Int: (low: Int, high: Int)] = [:]
        for stroke in path.text.split(separator: "M") {
            let parts = stroke.split(whereSeparator: { $0 == " " || $0 == "v" }).map { Int($0)! }
            let run = (low: parts[1], high: parts[1] + parts[2])
            let old = drawn[parts[0]] ?? run
            drawn[parts[0]] = (min(old.low, run.low), max(old.high, run.high))
        }
        #expect(drawn.count == extremes.count)
        for (column, extreme) in extremes { #expect(drawn[column]! == extreme) }
    }

    @Test func aSweepHasAPanelALevel() {
        let levels = [100.0, 400, 500, 700, 900].map { summary(of: mixedCalls(), rate: $0) }
        var plot = SweepPlot(levels)
        for level in levels.indices { for point in Self.points(mixedCalls()) { plot.insert(point, level: level) } }
        let svg = plot.svg()
        #expect(svg.count < 200_000)
        let reader = SVGReader(svg)
        #expect(reader.failure == nil)
        #expect(reader.texts.filter { $0.text.contains(" calls/s (") }.count == 5)
        #expect(reader.circles.count == 5)
        // Left and right panels, three rows.
        #expect(Set(reader.circles.map { $0.x < 480 }).count == 2)
        #expect(Set(reader.circles.map { Int($0.y / 340) }) == [0, 1, 2])
        Self.expectLabelsInside(reader, width: 960, height: 1020)
    }

    @Test func textIsEscaped() {
        var writer = SVGWriter()
        writer.open(width: 10, height: 10, title: "a <b> & \"c\"")
        writer.text("x\u{1}<y>", x: 1, y: 1)
        writer.close()
        let reader = SVGReader(writer.bytes)
        #expect(reader.failure == nil)
        #expect(reader.texts.map(\.text) == ["x<y>"])
    }

    @Test(
        arguments: [(0.3, 0.5), (1, 1), (1.01, 2), (2, 2), (4.9, 5), (7, 10), (230, 500), (0.0021, 0.005)])
    func stepsAreOneTwoOrFive(least: Double, step: Double) {
        #expect((Axis.niceStep(atLeast: least) / step - 1).magnitude < 1e-9)
    }

    @Test func ticksCarryTheDecimalsOfTheirStep() {
        let axis = Axis(lowest: 0, highest: 0.43, start: 100, end: 0, step: 0.1)
        #expect(axis.ticks.map(axis.label) == ["0.0", "0.1", "0.2", "0.3", "0.4"])
        let calls = Axis.calls(10_500, from: 0, to: 878)
        #expect(calls.ticks.map(calls.label).last == "10,000")
        let few = Axis.calls(3, from: 0, to: 300)
        #expect(few.ticks.map(few.label) == ["1", "2", "3"])
    }
}
