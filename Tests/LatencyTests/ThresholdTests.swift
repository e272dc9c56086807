import Datagrams
import Foundation
import Observations
import Testing

@testable import Latency

@Suite struct ThresholdTests {
    // MARK: reading

    @Test(arguments: [
        ("rtt.p99<50ms", "rtt.p99", "<", Measured.length(.milliseconds(50))),
        ("  rtt.p99  <=  0.5us ", "rtt.p99", "<=", .length(Nanoseconds(500))),
        ("rtt_intended.max>2s", "rtt_from_due.max", ">", .length(.seconds(2))),
        ("lag.p99.9>=1µs", "late.p999", ">=", .length(.microseconds(1))),
        ("srd_failed.sd<1m", "srd_failed.sd", "<", .length(.seconds(60))),
        ("rtd.my.call.p50!=1ns", "rtd.my.call.p50", "!=", .length(Nanoseconds(1))),
        ("rtd.1.p99.9<1ms", "rtd.1.p999", "<", .length(.milliseconds(1))),
        ("ser>99.9%", "ser", ">", .percent(99.9)),
        ("calls.failed<1%", "calls.failed.ratio", "<", .percent(1)),
        ("failed<=0.5%", "calls.failed.ratio", "<=", .percent(0.5)),
        ("calls.failed==0", "calls.failed", "==", .number(0)),
        ("calls.ok>=10k", "calls.ok", ">=", .number(10_000)),
        ("rate.achieved>=399.5/s", "rate.achieved", ">=", .number(399.5)),
        ("rtt.count>1M", "rtt.count", ">", .number(1e6)),
        ("counters.stray==0", "counters.stray", "==", .number(0)),
        ("retrans.ratio<0.1%", "retrans.ratio", "<", .percent(0.1)),
    ])
    func aConditionIsRead(text: String, metric: String, sign: String, limit: Measured) throws {
        let condition = try Threshold(text).condition
        #expect(condition.metric.name == metric)
        #expect(condition.comparison.rawValue == sign)
        #expect(condition.limit == limit)
    }

    @Test(arguments: [
        ("", "column 1: a threshold is a metric, a comparison and a value, as in rtt.p99<50ms"),
        ("<5ms", "column 1: a metric's name comes first, as in rtt.p99<50ms"),
        ("rtt<50ms", "column 1: rtt is a distribution: say which value of it, as in rtt.p99 or rtt.max"),
        (" rtt.p9<50ms", "column 6: rtt has no \"p9\"; did you mean `rtt.p90`?"),
        (
            "rtt.avg<50ms",
            "column 5: rtt has no \"avg\": there are min, mean, sd, p50, p90, p95, p99, p999, max, count"
        ),
        ("ringin.p99<1ms", "column 1: there is no metric \"ringin.p99\"; did you mean `ringing.p99`?"),
        ("sre>99%", "column 1: there is no metric \"sre\"; did you mean `ser`?"),
        ("nonsense>99%", "column 1: there is no metric \"nonsense\""),
        (
            "rtt.INVITE.p99<1ms",
            "column 1: there is no metric \"rtt.INVITE.p99\": rtt is the whole call's, and its parts are trying, "
                + "ringing, answer and bye"
        ),
        ("counters.strai==0", "column 10: there is no counter \"strai\"; did you mean `stray`?"),
        (
            "rtd.p99<1ms",
            "column 1: it takes the scenario's name of a response time and which value of it, as in rtd.1.p99"
        ),
        ("rtt.p99 50ms", "column 9: after rtt.p99 one of <, <=, >, >=, == or != has to follow"),
        ("rtt.p99=50ms", "column 8: = is no comparison; did you mean `==`?"),
        ("rtt.p99=<50ms", "column 8: =< is no comparison; did you mean `<=`?"),
        ("rtt.p99<<50ms", "column 8: << is no comparison; there are <, <=, >, >=, == or !="),
        ("rtt.p99<", "column 9: a value comes after <, as in rtt.p99<50ms"),
        ("rtt.p99<fast", "column 9: \"fast\" is no number, as in rtt.p99<50ms"),
        ("rtt.p99<-1ms", "column 9: \"-1ms\" is no number, as in rtt.p99<50ms"),
        ("rtt.p99<1.2.3ms", "column 9: \"1.2.3ms\" is no number, as in rtt.p99<50ms"),
        ("rtt.p99<50", "column 9: rtt.p99 is a length of time: 50 needs a unit, us, ms or s"),
        ("rtt.p99<50%", "column 9: rtt.p99 is a length of time, and % is none of its units, us, ms and s"),
        ("rtt.p99<9999h", "column 9: 100 days are the most"),
        ("ser>0.999", "column 5: ser is a share: its limit is given in %, as in ser>99.9%"),
        (
            "calls.ok>5ms",
            "column 10: calls.ok is a plain number, and ms no unit of it (k and M are thousands and millions)"
        ),
        ("rtt.p99<50ms or so", "column 14: \"or so\" is too much after the value"),
        ("rtt.p99<50ms for 5s", "column 14: a threshold judges the whole run: `for` belongs to --abort-on"),
    ])
    func whatIsWrongIsSaidWithItsPlace(text: String, complaint: String) {
        #expect(throws: ThresholdError.self) { try Threshold(text) }
        do throws(ThresholdError) { _ = try Threshold(text) } catch { #expect(error.description == complaint) }
    }

    @Test func everyNameThereIsCanBeTyped() throws {
        for metric in Metric.all {
            let limit =
                switch metric.kind {
                case .length: "1ms"
                case .percent: "1%"
                case .rate, .count: "1"
                }
            #expect(try Threshold("\(metric.name)<\(limit)").condition.metric == metric)
        }
        for counter in Counters.list {
            #expect(try Threshold("counters.\(counter.name)==0").condition.metric == .figure(.counter(counter.name)))
        }
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
    }

    @Test func theDocumentationNamesThemAll() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/thresholds.md"), encoding: .utf8)
        for metric in Metric.all {
            let name =
                switch metric {
                case .time(let time, _): time.name
                case .share, .figure: metric.name
                }
            #expect(text.contains("`\(name)`"), "\(name)")
        }
        for statistic in Metric.Statistic.allCases { #expect(text.contains("`.\(statistic.rawValue)`")) }
    }

    // MARK: judging

    static func summary(
        calls: [CallRecord], rate: Double? = 100, names: [String] = [], adjust: (inout Counters) -> Void = { _ in }
    ) -> RunSummary {
        var recorder = LatencyRecorder(responseTimeNames: names.count)
        var journal = Journal()
        journal.calls = calls
        var counters = Counters()
        counters.offered = UInt64(calls.count)
        counters.started = UInt64(calls.count)
        counters.ok = UInt64(calls.count { $0.outcome == .ok })
        counters.failed = counters.started - counters.ok
        adjust(&counters)
        journal.mark = IntervalMark(at: .seconds(10), counters: counters, open: 0, cpu: .seconds(1))
        recorder.record(journal)
        return RunSummary(
            recorder,
            conditions: RunConditions(
                scenario: "uac", target: "192.0.2.5", rate: rate, offeredFor: .seconds(10), lasted: .seconds(10),
                responseTimeNames: names))
    }

    /// 999 calls of 1 to 999 ms, and one refused.
    static let thousand: [CallRecord] =
        (1...999).map { LatencyRecorderTests.call(UInt64($0), rtt: Int64($0)) }
        + [LatencyRecorderTests.call(1000, rtt: nil, outcome: .status(503), status: 503, bye: nil)]

    static func judge(_ text: String, _ summary: RunSummary, _ registrations: Registrations? = nil) throws
        -> Threshold.Result
    {
        ThresholdReport([try Threshold(text)], of: summary, registrations: registrations).results[0]
    }

    @Test(arguments: [
        ("rtt.max<999ms", false), ("rtt.max<=999ms", true), ("rtt.max==999ms", true), ("rtt.max!=999ms", false),
        ("rtt.max<999.000001ms", true), ("rtt.min>1ms", false), ("rtt.min>=1ms", true), ("rtt.mean==500ms", true),
        ("ser>99.9%", false), ("ser>=99.9%", true), ("ser<99.90001%", true), ("seer>=99.9%", true),
        ("isa<=0.1%", true), ("isa<0.1%", false), ("scr==100%", true),
        ("calls.failed<=1", true), ("calls.failed<1", false), ("calls.failed<=0.1%", true), ("failed<0.1%", false),
        ("calls.ok.ratio>=99.9%", true), ("calls.started==1k", true), ("rate.achieved>=100", true),
        ("rate.ratio==100%", true), ("rate.offered==100", true), ("cpu.mean==10%", true), ("drops==0", true),
        ("rtt.count==999", true), ("srd_failed.count==1", true), ("late.p99<=10us", true),
        ("calls.timeout==0", true), ("retrans.requests==0", true), ("retrans.calls==0", true),
        ("counters.malformed==0", true),
    ])
    func theLimitItselfIsJudgedExactly(text: String, passes: Bool) throws {
        let result = try Self.judge(text, Self.summary(calls: Self.thousand))
        #expect(result.passed == passes, "\(text): \(result.reason)")
    }

    @Test(arguments: [
        ("rtt.p99<1s", "no call ended well"), ("srd.p99<1s", "no call was established"),
        ("ser>0%", "no INVITE had a result"), ("scr>0%", "no session ended"),
        ("sdt.max<1s", "no call was established and ended"),
        ("calls.failed<1%", "no call ended"), ("retrans.ratio<1%", "no call was started"),
        ("rtd.2.p99<1s", "the scenario has no response time 2, only 1, 3"),
        ("rtd.1.p99<1s", "no call stopped the response time 1"),
        ("rrd.p99<1s", "registrations are told apart only in captures; a run's delay is rtt"),
        ("ira<1%", "registrations are told apart only in captures; a run's delay is rtt"),
        ("open<1", "open calls are known second by second: it is for --abort-on"),
    ])
    func whatHasNoValueFailsAndSaysWhy(text: String, reason: String) throws {
        let result = try Self.judge(text, Self.summary(calls: [], names: ["1", "3"]))
        #expect(!result.passed)
        #expect(result.reason == "undefined: " + reason)
    }

    @Test func aPercentileOfTooFewFails() throws {
        let result = try Self.judge("rtt.p99<1h", Self.summary(calls: Array(Self.thousand.prefix(99))))
        #expect(!result.passed)
        #expect(result.reason == "undefined: 99 values are too few (100)")
        let one = try Self.judge("rtt.sd<1h", Self.summary(calls: Array(Self.thousand.prefix(1))))
        #expect(one.reason == "undefined: 1 value is too few (2)")
    }

    @Test func aCaptureKnowsRegistrationsAndNothingOfTheCaller() throws {
        var capture = Self.summary(calls: Self.thousand)
        capture.conditions.isCapture = true
        var histogram = LatencyHistogram()
        histogram.record(.milliseconds(7))
        let registrations = Registrations(rrd: histogram.figures, ira: Ratio(numerator: 1, denominator: 4))
        #expect(try Self.judge("rrd.max<=7ms", capture, registrations).passed)
        #expect(try Self.judge("ira<=25%", capture, registrations).passed)
        #expect(try !Self.judge("ira<25%", capture, registrations).passed)
        for text in ["rtt_from_due.max<1h", "late.max<1h", "rate.ratio<200%", "drops==0"] {
            let result = try Self.judge(text, capture, registrations)
            #expect(!result.passed)
            #expect(result.reason == "undefined: a capture does not tell it, only the caller knows")
        }
    }

    @Test func oneFailureFailsTheReport() throws {
        let thresholds = try ["rtt.max<2s", "ser>99.99%", "srd.p99<1s"].map { try Threshold($0) }
        let report = ThresholdReport(thresholds, of: Self.summary(calls: Self.thousand))
        #expect(report.failures == 1)
        #expect(!report.passed)
        #expect(report.results.map(\.passed) == [true, false, true])
        #expect(report.results[1].reason == "99.9 %")
    }
}

/// Virtual seconds: a rule sees what the recorder made of each.
@Suite struct AbortWatchTests {
    /// A recorder fed second by second, and the watch behind it.
    struct Run {
        var recorder = LatencyRecorder()
        var watch: AbortWatch
        var counters = Counters()
        var second: Int64 = 0
        var lastRow: IntervalRow?

        init(_ rules: String...) throws { watch = AbortWatch(try rules.map { try AbortRule($0) }) }

        /// `length`: of this second.
        mutating func pass(
            _ calls: [CallRecord], open: UInt64 = 0, length: Nanoseconds = .seconds(1)
        ) throws -> AbortWatch.Strike? {
            var journal = Journal()
            journal.calls = calls
            counters.started += UInt64(calls.count)
            counters.ok += UInt64(calls.count { $0.outcome == .ok })
            counters.failed = counters.started - counters.ok
            // A thread closes its seconds a little late.
            let at = .seconds(second) + length + .microseconds(300)
            second += 1
            journal.mark = IntervalMark(at: at, counters: counters, open: open, cpu: .zero)
            let interval = recorder.record(journal)
            let row = try #require(interval).row
            lastRow = row
            return watch.observe(row)
        }
    }

    static func calls(_ n: Int, rtt: Int64?) -> [CallRecord] {
        (0..<n).map {
            rtt == nil
                ? LatencyRecorderTests.call(UInt64($0), rtt: nil, outcome: .status(503), status: 503, bye: nil)
                : LatencyRecorderTests.call(UInt64($0), rtt: rtt)
        }
    }

    @Test func withoutForTheFirstSecondStrikes() throws {
        var run = try Run("rtt.p99>2s")
        #expect(try run.pass(Self.calls(100, rtt: 2000)) == nil)
        let strike = try run.pass(Self.calls(100, rtt: 2001))
        #expect(strike?.at == .seconds(2) + .microseconds(300))
        #expect(
            strike?.sentence
                == "--abort-on \"rtt.p99>2s\" struck 2.0 s into the run: rtt.p99 was 2001 ms in the last second.")
        #expect(try run.pass(Self.calls(100, rtt: 9000)) == nil, "once")
    }

    @Test func itHasToHoldForTheWholeSpan() throws {
        var run = try Run("rtt.p50>100ms for 3s")
        for rtt: Int64 in [200, 200, 50, 200, 200] { #expect(try run.pass(Self.calls(5, rtt: rtt)) == nil) }
        #expect(try run.pass(Self.calls(5, rtt: 200))?.at == .seconds(6) + .microseconds(300))
    }

    @Test func aSecondWithoutAValueNeitherResetsNorStrikes() throws {
        var run = try Run("rtt.p50>100ms for 4s")
        #expect(try run.pass(Self.calls(5, rtt: 200)) == nil)
        #expect(try run.pass([]) == nil)
        #expect(try run.pass([]) == nil)
        #expect(try run.pass([]) == nil)
        #expect(try run.pass([]) == nil)
        #expect(try run.pass(Self.calls(5, rtt: 200)) != nil)
    }

    @Test func sharesAreOfTheSecondAlone() throws {
        var run = try Run("ser<90% for 2s", "calls.failed>50%", "open>1000")
        for _ in 0..<10 { #expect(try run.pass(Self.calls(100, rtt: 1)) == nil) }
        let mixed = Self.calls(80, rtt: 1) + Self.calls(20, rtt: nil)
        #expect(try run.pass(mixed) == nil)
        #expect(try run.pass(mixed)?.value == .percent(80))
        run = try Run("ser<90% for 2s", "calls.failed>50%", "open>1000")
        #expect(try run.pass(Self.calls(1, rtt: 1) + Self.calls(2, rtt: nil))?.rule.text == "calls.failed>50%")
        run = try Run("ser<90% for 2s", "calls.failed>50%", "open>1000")
        #expect(try run.pass(Self.calls(1, rtt: 1), open: 1000) == nil)
        #expect(try run.pass(Self.calls(1, rtt: 1), open: 1001)?.value == .number(1001))
    }

    @Test func aSecondCutShortIsNotJudged() throws {
        var run = try Run("rate.achieved<9")
        #expect(try run.pass(Self.calls(10, rtt: 1)) == nil)
        #expect(try run.pass([], length: .milliseconds(400)) == nil)
        #expect(try run.pass([]) != nil)
    }

    @Test(arguments: [
        ("rtt.p99>2s for", "column 15: after `for` a length of time comes, with its unit, as in for 5s"),
        ("rtt.p99>2s for 5", "column 16: after `for` a length of time comes, with its unit, as in for 5s"),
        ("rtt.p99>2s for 200ms", "column 16: rules are judged once a second: `for` takes from 1s to 1h"),
        ("rtt.p99>2s during 5s", "column 12: \"during\" is too much; only `for` with a length of time may follow"),
        ("rtt.p99>2s for 5s ago", "column 19: \"ago\" is too much after the value"),
        (
            "srd.p99>2s",
            "srd.p99 is known only at the end: an abort rule asks for rtt, rtt_from_due, late, ser, seer, isa, scr, "
                + "calls.failed.ratio, retrans.ratio, rate.achieved, open, drops, cpu.mean or a count"
        ),
    ])
    func whatIsWrongIsSaid(text: String, complaint: String) {
        do throws(ThresholdError) {
            _ = try AbortRule(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.description == complaint)
        }
    }

    @Test func whatIsKnownEachSecondHasAValueInOne() throws {
        var run = try Run("rtt.p50>1h")
        _ = try run.pass(Self.calls(1000, rtt: 5), open: 3)
        let row = try #require(run.lastRow)
        for metric in Metric.all where metric != .share(.calls(.unsent)) {
            if case .value = metric.value(in: row) {
                #expect(metric.isKnownEachSecond, "\(metric.name)")
            } else {
                #expect(!metric.isKnownEachSecond, "\(metric.name)")
            }
        }
    }
}
