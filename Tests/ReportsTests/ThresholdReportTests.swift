import Datagrams
import Foundation
import Latency
import Testing

@testable import Reports

@Suite struct ThresholdReportTests {
    static func judged(_ thresholds: String...) throws -> RunSummary {
        var judged = summary(of: mixedCalls())
        judged.thresholds = ThresholdReport(try thresholds.map { try Threshold($0) }, of: judged)
        return judged
    }

    static func strike() throws -> AbortWatch.Strike {
        AbortWatch.Strike(
            rule: try AbortRule("rtt.p99>2s for 5s"), at: .seconds(17) + .milliseconds(20),
            value: .length(.milliseconds(2310)))
    }

    @Test func theTableSaysFirstHowItWent() throws {
        let judged = try Self.judged("rtt.p99<50ms", "ser>99.9%", "rtt.p999<1s", "calls.ok>=400")
        #expect(
            ThresholdText.lines(judged).joined(separator: "\n") == """
                THRESHOLDS  FAILED: 2 of 4
                  ok      rtt.p99<50ms   40.50 ms
                  FAILED  ser>99.9%      99.2556 %
                  FAILED  rtt.p999<1s    undefined: 400 values are too few (1000)
                  ok      calls.ok>=400  400
                """)
        #expect(try ThresholdText.lines(Self.judged("rtt.max<1s")).first == "THRESHOLDS  all 1 passed")
        #expect(ThresholdText.lines(summary(of: mixedCalls())).isEmpty)
    }

    @Test func itStandsRightBehindTheVerdictWithWhatStoppedTheRun() throws {
        var judged = try Self.judged("rtt.p99<50ms")
        judged.strike = try Self.strike()
        let lines = text { SummaryText.append(judged, to: &$0) }
        #expect(
            lines.contains(
                """
                (1000): left out.

                STOPPED  --abort-on "rtt.p99>2s for 5s" struck 17.0 s into the run: rtt.p99 was
                         2310 ms in the last second.
                THRESHOLDS  all 1 passed
                  ok      rtt.p99<50ms  40.50 ms

                Run         uac
                """))
    }

    @Test func aSweepNamesTheLevel() throws {
        let report = try #require(try Self.judged("rtt.p99<50ms", "ser>99.9%").thresholds)
        #expect(
            ThresholdText.lines([("50/s", report), ("400/s", report)]).joined(separator: "\n") == """
                THRESHOLDS  FAILED: 2 of 4
                  ok       50/s  rtt.p99<50ms  40.50 ms
                  FAILED   50/s  ser>99.9%     99.2556 %
                  ok      400/s  rtt.p99<50ms  40.50 ms
                  FAILED  400/s  ser>99.9%     99.2556 %
                """)
    }

    @Test func theSummaryHoldsEveryThreshold() throws {
        var judged = try Self.judged("rtt.max<=40.9ms", "rtt.p999<1s", "ser>99.9%")
        judged.strike = try Self.strike()
        let json = text { RunFiles.appendSummary(judged, to: &$0) }
        let root = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let thresholds = try #require(root["thresholds"] as? [[String: Any]])
        #expect(thresholds.count == 3)
        #expect(
            Set(thresholds[0].keys)
                == ["threshold", "metric", "operator", "limit", "value", "unit", "passed", "reason"])
        #expect(thresholds[0]["threshold"] as? String == "rtt.max<=40.9ms")
        #expect(thresholds[0]["metric"] as? String == "rtt.max")
        #expect(thresholds[0]["operator"] as? String == "<=")
        #expect(thresholds[0]["limit"] as? Double == 40_900)
        #expect(thresholds[0]["value"] as? Double == 40_900)
        #expect(thresholds[0]["unit"] as? String == "us")
        #expect(thresholds[0]["passed"] as? Bool == true)
        #expect(thresholds[1]["value"] is NSNull)
        #expect(thresholds[1]["passed"] as? Bool == false)
        #expect(thresholds[1]["reason"] as? String == "undefined: 400 values are too few (1000)")
        #expect(thresholds[2]["unit"] as? String == "%")
        let stopped = try #require(root["stopped_by"] as? [String: Any])
        #expect(stopped["rule"] as? String == "rtt.p99>2s for 5s")
        #expect(stopped["at_s"] as? Double == 17.02)
        #expect(stopped["value"] as? Double == 2_310_000)
    }

    @Test func aPageShowsThemInTheUnitsOfPeople() throws {
        var report = MadeUpRun().report
        report.summary = RunFiles.json(of: try Self.judged("rtt.p99<50ms", "rtt.p999<1s", "ser>99.9%"))
        let lines = PageReader(RunPage(report).html()).lines
        let first = try #require(lines.firstIndex { $0.hasPrefix("Thresholds: ") })
        #expect(
            lines[first..<min(first + 5, lines.count)].map { $0.hasSuffix(" | ") ? String($0.dropLast(3)) : $0 }
                .joined(separator: "\n") == """
                    Thresholds: 2 of 3 failed
                    threshold | value | result | remark
                    rtt.p99<50ms | 40.50 ms | passed
                    rtt.p999<1s | n/a | FAILED | undefined: 400 values are too few (1000)
                    ser>99.9% | 99.2556 % | FAILED
                    """)
    }

    @Test func withoutThresholdsTheSummarySaysSo() throws {
        let json = text { RunFiles.appendSummary(summary(of: mixedCalls()), to: &$0) }
        #expect(json.contains("\"thresholds\": [],\n  \"stopped_by\": null,"))
    }
}

@Suite struct JUnitFileTests {
    @Test func aCaseEachIsWritten() throws {
        var judged = try ThresholdReportTests.judged("rtt.p99<50ms", "ser>99.9%")
        judged.abortRules = [try AbortRule("rtt.p99>2s for 5s"), try AbortRule("ser<50%")]
        judged.strike = try ThresholdReportTests.strike()
        let level = JUnitFile.Level(name: "400 calls/s", summary: judged, begun: "2026-11-23T15:30:00Z")
        #expect(
            text { JUnitFile.append("sipmeter run", [level], to: &$0) } == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites name="sipmeter run" tests="5" failures="2" errors="0" time="1.050">
                  <testsuite name="400 calls/s" tests="5" failures="2" errors="0" time="1.050" skipped="0" timestamp="2026-11-23T15:30:00Z">
                    <testcase name="the generator kept up" classname="sipmeter run 400 calls/s generator" time="0"/>
                    <testcase name="rtt.p99&gt;2s for 5s" classname="sipmeter run 400 calls/s abort-on" time="0">
                      <failure type="abort-on" message="--abort-on &quot;rtt.p99&gt;2s for 5s&quot; struck 17.0 s into the run: rtt.p99 was 2310 ms in the last second.">--abort-on &quot;rtt.p99&gt;2s for 5s&quot; struck 17.0 s into the run: rtt.p99 was 2310 ms in the last second.</failure>
                    </testcase>
                    <testcase name="ser&lt;50%" classname="sipmeter run 400 calls/s abort-on" time="0"/>
                    <testcase name="rtt.p99&lt;50ms" classname="sipmeter run 400 calls/s threshold" time="0"/>
                    <testcase name="ser&gt;99.9%" classname="sipmeter run 400 calls/s threshold" time="0">
                      <failure type="threshold" message="ser: 99.2556 %">ser&gt;99.9% does not hold. ser: 99.2556 %</failure>
                    </testcase>
                  </testsuite>
                </testsuites>

                """)
    }

    @Test func anInvalidVerdictAndARunThatFailedAreInIt() throws {
        var judged = summary(of: mixedCalls())
        judged.noteRecordingFailure("cannot write a<b>&\"c\"\u{1}: No space")
        let level = JUnitFile.Level(
            name: "1 call/s", summary: judged, begun: "2026-11-23T15:30:00Z", failure: "nothing came back")
        let written = text { JUnitFile.append("sipmeter sweep", [level, level], to: &$0) }
        #expect(written.contains("<testsuites name=\"sipmeter sweep\" tests=\"4\" failures=\"2\" errors=\"2\""))
        #expect(written.contains("<error type=\"run\" message=\"nothing came back\">nothing came back</error>"))
        #expect(written.contains("cannot write a&lt;b&gt;&amp;&quot;c&quot;?: No space"))
        let parser = XMLParserCheck(written)
        #expect(parser.elements == ["testsuites": 1, "testsuite": 2, "testcase": 4, "failure": 2, "error": 2])
    }
}

/// How often each element stands in a well-formed text; nil where it is not well-formed.
private struct XMLParserCheck {
    var elements: [String: Int]? = [:]

    init(_ text: String) {
        var open: [Substring] = []
        for tag in text.split(separator: "<").dropFirst() {
            let name = tag.prefix { $0 != " " && $0 != ">" && $0 != "/" }
            if tag.hasPrefix("/") {
                if open.popLast() != tag.dropFirst().prefix(while: { $0 != ">" }) { elements = nil }
                continue
            }
            elements?[String(name), default: 0] += 1
            if tag.contains("/>") { continue }
            open.append(name)
        }
        if !open.isEmpty { elements = nil }
    }
}
