import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct SummaryTextTests {
    private static func lines(_ summary: RunSummary) -> String { text { SummaryText.append(summary, to: &$0) } }

    @Test func aRunWithSomeOfEverything() {
        let summary = summary(
            of: mixedCalls(),
            notes: ["This target is a model of a server, not a server: its figures say nothing of yours."]
        ) {
            $0.stray = 1
            $0.largeRequests = 2
        }
        #expect(Self.lines(summary) == Goldens.mixed)
    }

    @Test func aRunInWhichNothingHappened() {
        #expect(Self.lines(summary(of: [])) == Goldens.empty)
    }

    @Test func noLineIsWiderThanTheTerminal() {
        var calls = mixedCalls()
        calls.append(call(405, rtt: .seconds(31)))
        let summary = summary(
            of: calls, rate: 123_456.789,
            notes: [String(repeating: "word ", count: 40)], names: ["a-very-long-name-of-a-response-time"]
        ) { counters in
            for (_, path) in Counters.list { counters[keyPath: path] += 12_345_678_901 }
        }
        for line in Self.lines(summary).split(separator: "\n") { #expect(line.unicodeScalars.count <= 80, "\(line)") }
    }

    @Test func whatDisturbedTheThreadsStandsBesideTheirLoad() {
        var summary = summary(of: [call(1)])
        #expect(!Self.lines(summary).contains("stall"))
        var seen = Disturbances()
        seen.noteStall(.milliseconds(203), endedAt: .seconds(1))
        summary.conditions.disturbances = seen
        #expect(Self.lines(summary).hasSuffix("longest stall ms 203.0\n"), "what is not known is left out")
        seen.waitedForCPU = .milliseconds(1497)
        seen.involuntarySwitches = 372
        seen.stolen = .milliseconds(30)
        seen.stealable = .seconds(1)
        summary.conditions.disturbances = seen
        #expect(
            Self.lines(summary).hasSuffix(
                "   longest stall ms 203.0\n            waited for CPU ms 1497   pushed off it 372   stolen 3.0 %\n"))
    }

    @Test func aRecordThatIsNotWholeIsNeverValid() {
        var summary = summary(of: (1...1000).map { call(UInt64($0)) })
        #expect(summary.verdict.level == .valid)
        summary.noteRecordingFailure("cannot write a/b: No space left on device")
        summary.noteRecordingFailure("cannot write c/d: No space left on device")
        #expect(
            Self.lines(summary).hasPrefix(
                "VERDICT  INVALID\n  - The record is not whole: cannot write a/b: No space left on device.\n\n"))
    }

    @Test func theVerdictStandsFirst() {
        #expect(Self.lines(summary(of: mixedCalls())).hasPrefix("VERDICT  SUSPECT\n  - "))
    }
}

@Suite struct ProgressLineTests {
    private static func row(at: Nanoseconds, scale: UInt64, rtt: Nanoseconds) -> IntervalRow {
        var totals = Counters()
        totals.offered = 6001 * scale
        totals.started = 6001 * scale
        totals.ok = 5958 * scale
        totals.failed = 2 * scale
        totals.requestsRetransmitted = 3 * scale
        var figures = LatencyFigures()
        figures.count = 500
        figures.p50 = rtt
        figures.p90 = rtt * 3
        figures.max = rtt * 5
        return IntervalRow(
            at: at, length: .seconds(1), counts: totals, totals: totals, open: 41, rtt: figures, rttFromDue: figures,
            late: figures, cpuPercent: 31)
    }

    @Test func sayWhereTheRunIs() {
        #expect(
            ProgressLine.text(
                Self.row(at: .seconds(12), scale: 1, rtt: .microseconds(450)), of: .seconds(30))
                == "00:12/00:30 offered 6001 started 6001 ok 5958 failed 2 p50/p90/max 0.450/1.350/2.250 ms resent 3")
    }

    @Test func aSecondWithoutAnswersHasNoTimes() {
        var row = Self.row(at: .seconds(3723), scale: 1, rtt: .zero)
        row.rtt = LatencyFigures()
        #expect(
            ProgressLine.text(row, of: nil)
                == "1:02:03 offered 6001 started 6001 ok 5958 failed 2 p50/p90/max n/a/n/a/n/a ms resent 3")
    }

    @Test(arguments: [1, 1000, 1_000_000, 1_000_000_000_000] as [UInt64])
    func neverWiderThanAHundredColumns(scale: UInt64) {
        for rtt in [Nanoseconds(300), .milliseconds(43), .seconds(6)] {
            for at in [Nanoseconds.seconds(12), .seconds(100_000)] {
                let line = ProgressLine.text(Self.row(at: at, scale: scale, rtt: rtt), of: .seconds(360_000))
                #expect(line.unicodeScalars.count <= 100)
                #expect(line.contains(" resent "))
            }
        }
    }
}
