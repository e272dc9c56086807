import Datagrams
import Latency
import Observations
import Testing

@testable import LiveView

@Suite struct PrometheusTextTests {
    private struct Sample {
        var name: String
        var labels: String
        var value: Double
    }

    private static func samples(_ text: String) -> [Sample] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let space = line.lastIndex(of: " ")!
            let series = line[..<space]
            let brace = series.firstIndex(of: "{") ?? series.endIndex
            return Sample(
                name: String(series[..<brace]), labels: String(series[brace...]),
                value: Double(line[line.index(after: space)...]) ?? .nan)
        }
    }

    private static func value(_ text: String, _ series: String) -> Double? {
        samples(text).first { $0.name + $0.labels == series }?.value
    }

    @Test func aUsualRun() {
        let text = PrometheusText.text(MadeUpStates.usual.state())
        #expect(text == MetricsGoldens.usual, "\n\(text)")
    }

    @Test func beforeTheFirstSecondWhatIsUndefinedIsLeftOut() {
        let text = PrometheusText.text(MadeUpRun().state())
        #expect(!text.contains("ratio") && !text.contains("verdict") && !text.contains("sip_responses_total"))
        #expect(Self.value(text, "sip_calls_total{result=\"ok\"}") == 0)
        #expect(Self.value(text, "sip_rtt_seconds_count{base=\"sent\"}") == 0)
        #expect(Self.value(text, "sip_offered_rate") == 500)
    }

    @Test(arguments: [0, 1, 2]) func aHistogramIsCumulativeAndSumsUp(which: Int) {
        let states = [MadeUpStates.usual.state(), ScreenTests.large.state(), MadeUpRun().state()]
        let text = PrometheusText.text(states[which])
        for (name, labels) in [
            ("sip_rtt_seconds", "base=\"sent\""), ("sip_rtt_seconds", "base=\"due\""), ("sipmeter_lag_seconds", ""),
        ] {
            let buckets = Self.samples(text).filter { $0.name == name + "_bucket" && $0.labels.contains(labels) }
            #expect(buckets.count == LatencyBuckets.edges.count + 1)
            #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.value <= $1.value })
            #expect(buckets.last?.labels.contains("le=\"+Inf\"") == true)
            let count = Self.value(text, name + "_count" + (labels.isEmpty ? "" : "{\(labels)}"))
            #expect(buckets.last?.value == count)
        }
    }

    @Test func everySeriesHasItsHelpAndItsTypeOnceAndStandsThereOnce() {
        let text = PrometheusText.text(ScreenTests.failuresOfEveryKind.state())
        let lines = text.split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(Set(types).count == types.count)
        #expect(lines.filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] } == types)
        let series = Self.samples(text).map { $0.name + $0.labels }
        #expect(Set(series).count == series.count)
        for sample in Self.samples(text) {
            #expect(sample.value.isFinite, "\(sample)")
            let family = ["_bucket", "_sum", "_count"].reduce(sample.name) { name, end in
                name.hasSuffix(end) && !types.contains(Substring(name)) ? String(name.dropLast(end.count)) : name
            }
            #expect(types.contains(Substring(family)), "\(sample)")
        }
    }

    @Test func labelsFromOutsideAreEscaped() {
        let run = MadeUpRun { subject, _ in subject.target = "a\\b\"c\nd" }
        #expect(PrometheusText.text(run.state()).contains(#"target="a\\b\"c\nd""#))
    }

    @Test func countersGoOnOverTheLevelsOfASweep() {
        var run = MadeUpRun { _, level in level.count = 2 }
        run.second(100)
        run.second(100) { n, call in if n < 90 { call.answer(in: .milliseconds(3)) } else { call.fail(.timeout) } }
        let first = PrometheusText.text(run.state())
        var next = run.level
        next.number = 2
        run.begin(next)
        let between = PrometheusText.text(run.state())
        run.second(50)
        let second = PrometheusText.text(run.state())
        for series in [
            "sip_calls_started_total", "sip_calls_total{result=\"ok\"}",
            "sip_responses_total{method=\"INVITE\",code=\"200\"}",
            "sip_responses_total{method=\"BYE\",code=\"200\"}", "sip_rtt_seconds_count{base=\"sent\"}",
        ] {
            #expect(Self.value(first, series)! == Self.value(between, series)!)
            #expect(Self.value(first, series)! + 50 == Self.value(second, series)!)
        }
        #expect(Self.value(second, "sip_calls_total{result=\"timeout\"}") == 10)
        #expect(Self.value(second, "sipmeter_sending_cpu_seconds_total") == 0.93)
    }

    /// However many statuses a server makes up, what is kept is bounded, and no response is left out of the sum.
    @Test func responsesOfTooManyKindsAreOneKind() {
        var run = MadeUpRun()
        run.second(300) { n, call in call.fail(.status(UInt16(300 + n)), status: UInt16(300 + n)) }
        let series = Self.samples(PrometheusText.text(run.state())).filter { $0.name == "sip_responses_total" }
        #expect(series.count == ResponseCounts.mostKinds + 1)
        #expect(series.map(\.value).reduce(0, +) == 300)
        #expect(series.last { $0.labels == "{method=\"other\",code=\"other\"}" }?.value == 236)
    }

    @Test func bucketsCountExactly() {
        var histogram = LatencyHistogram()
        for edge in LatencyBuckets.edges {
            histogram.record(edge - edge / 100)
            histogram.record(edge + edge / 100)
        }
        let buckets = LatencyBuckets(histogram)
        #expect(buckets.counts == LatencyBuckets.edges.indices.map { UInt64(2 * $0 + 1) })
        #expect(buckets.count == UInt64(2 * LatencyBuckets.edges.count))
    }
}

@Suite struct LiveHistoryTests {
    private static func point(_ second: Int64, level: Int = 1) -> LivePoint {
        var counters = Counters()
        counters.offered = 10
        var figures = LatencyFigures()
        figures.p99 = .milliseconds(second % 100)
        let row = IntervalRow(
            at: .seconds(second), length: .seconds(1), counts: counters, totals: counters, open: UInt64(second % 7),
            rtt: figures, rttFromDue: figures, late: figures, cpuPercent: nil)
        return LivePoint(row, after: .zero, level: level)
    }

    @Test(arguments: [1, 599, 600, 601, 1200, 1201, 5000, 86_400] as [Int64])
    func holdsAnyRunWholeInBoundedMemory(seconds: Int64) {
        var history = LiveHistory()
        for second in 1...seconds { history.append(Self.point(second)) }
        #expect(history.points.count <= LiveHistory.capacity)
        #expect(history.points.count > min(Int(seconds), LiveHistory.capacity) / 2 - 1)
        #expect(history.points.reduce(0) { $0 + $1.offered } == UInt64(10 * seconds))
        #expect(history.points.reduce(.zero) { $0 + $1.length } == .seconds(seconds))
        #expect(history.points.last?.at == .seconds(seconds))
        #expect(zip(history.points, history.points.dropFirst()).allSatisfy { $0.at + $1.length == $1.at })
        #expect(history.points.map(\.p99).compactMap { $0 }.max() == .milliseconds(min(seconds, 99)), "the worst stays")
        #expect(history.recent.count == min(Int(seconds), LiveHistory.recentCount))
    }

    @Test func levelsAreNeverMixed() {
        var history = LiveHistory()
        for second in 1...5000 as ClosedRange<Int64> { history.append(Self.point(second, level: Int(second / 7))) }
        #expect(history.points.count <= LiveHistory.capacity)
        for point in history.points { #expect(point.length <= .seconds(7)) }
        #expect(history.points.last?.level == 5000 / 7)
    }
}

@Suite struct LiveRecordTests {
    @Test func glancesOfAllThreadsAddUp() {
        var run = MadeUpRun { subject, _ in subject.workers = 2 }
        for (worker, started) in [(0, 10), (1, 20), (0, 30)] as [(Int, UInt64)] {
            var journal = Journal()
            var counters = Counters()
            counters.started = started
            journal.glance = Glance(
                worker: worker, at: .seconds(1), counters: counters, open: started / 10, stalls: 1,
                longestStall: .milliseconds(Int64(started) * 10), longestStallEnded: .seconds(Int64(worker)))
            run.record.note(journal)
        }
        #expect(run.record.state.counters.started == 50)
        #expect(run.record.state.open == 5 && run.record.state.peakOpen == 5)
        #expect(run.record.disturbances.stalls == 2)
        #expect(run.record.disturbances.longestStall == .milliseconds(300))
    }

    @Test func onlyTheLatestFailuresAreKept() {
        var run = MadeUpRun()
        for _ in 0..<3 { run.second(200) { _, call in call.fail(.timeout) } }
        let failures = run.state().failures
        #expect(failures.count == LiveRecord.failuresKept)
        #expect(failures.map(\.call) == Array(551...600))
    }

    @Test func theVerdictOfACommandIsTheWorstOfItsLevels() {
        var run = MadeUpRun { _, level in level.count = 2 }
        run.scheduled = 300
        run.second(200)
        #expect(run.state().verdict?.level == .invalid)
        run.begin(run.level)
        #expect(run.state().verdict?.level == .invalid)
        run.scheduled = nil
        run.second(200)
        #expect(run.state().verdict?.level == .invalid)
        #expect(run.state().summary?.verdict.level == .valid)
    }
}

@Suite struct LiveStateFileTests {
    @Test func anEventIsOneLineAndHasTheLastSecond() {
        let event = LiveStateFile.event(MadeUpStates.usual.state())
        #expect(!event.contains("\n") && event.hasPrefix("{\"schema\":\"sipmeter live\",\"schema_version\":1,"))
        #expect(event.contains("\"point\":[12,1,1,500,500,498,498,2,6,41,"))
        #expect(!event.contains("\"history\""))
    }

    @Test func theStateHasEverySecond() {
        let state = String(decoding: LiveStateFile.state(MadeUpStates.usual.state()), as: UTF8.self)
        #expect(state.contains("\"history_columns\":[\"at_s\",\"length_s\",\"level\",\"offered\","))
        #expect(state.contains("\"history\":[[1,1,1,500,"))
        #expect(state.contains("\"verdict\":{\"level\":\"VALID\""))
        #expect(state.hasSuffix("]]}"))
    }

    @Test func whatIsUndefinedIsNull() {
        let state = String(decoding: LiveStateFile.state(MadeUpRun().state()), as: UTF8.self)
        for member in ["verdict", "rates_cps", "last_second_us", "whole_run_us"] {
            #expect(state.contains("\"\(member)\":null"), "\(member)")
        }
        #expect(state.contains("\"ser\":{\"percent\":null,\"numerator\":0,\"denominator\":0}"))
    }
}
