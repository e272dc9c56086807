import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

/// The page's table of what the verdict looked at: it must never say otherwise than the verdict above it.
@Suite struct GeneratorRulesTests {
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var level: Verdict.Level
        var calls = 400
        var late = Nanoseconds.microseconds(20)
        var outcome = CallOutcome.ok
        var cpu = 0.2
        var batch = Nanoseconds.zero
        var isPrecise = false
        var wantsKernel = false
        var scheduled: UInt64?
        var offeredFor = Nanoseconds.seconds(1)
        var lastSent: Nanoseconds?
        var stall = Nanoseconds.zero
        var stolen: (Nanoseconds, of: Nanoseconds)?
        var suspended = Nanoseconds.zero
        var counters: @Sendable (inout Counters) -> Void = { _ in }

        func report() -> (RunReport, Verdict.Level) {
            let records = (1...max(calls, 1)).map { n in
                var record = call(UInt64(n), outcome: outcome, status: outcome == .ok ? 200 : 0)
                record.sent = record.due + late
                if n == calls, let lastSent { record.sent = lastSent }
                return record
            }
            var counted = Counters()
            (counted.offered, counted.started) = (UInt64(calls), UInt64(calls))
            counters(&counted)
            var journal = Journal()
            journal.calls = Array(records.prefix(calls))
            journal.mark = IntervalMark(
                at: .seconds(1), counters: counted, open: 0, cpu: Nanoseconds(Int64(cpu * 1e9)))
            var recorder = LatencyRecorder()
            recorder.record(journal)
            var conditions = RunConditions(
                scenario: "uac", target: "192.0.2.5", rate: 400, offeredFor: offeredFor, lasted: .seconds(2),
                scheduled: scheduled ?? UInt64(calls), isSpinning: isPrecise)
            (conditions.batch, conditions.wantsKernelClock) = (batch, wantsKernel)
            var disturbances = Disturbances()
            if stall > .zero { disturbances.noteStall(stall, endedAt: .seconds(1)) }
            disturbances.stolen = stolen?.0
            disturbances.stealable = stolen?.of ?? .zero
            disturbances.suspended = suspended
            conditions.disturbances = disturbances
            let summary = RunSummary(recorder, conditions: conditions)
            var report = RunReport(
                directory: "x",
                manifest: .object([
                    (
                        "load",
                        .object([
                            ("wait", .string(isPrecise ? "precise" : "default")),
                            ("batch_us", .number(batch.seconds * 1e6, decimals: 3)),
                        ])
                    ), ("timestamps", .object([("asked", .string(wantsKernel ? "kernel" : "auto"))])),
                ]), version: "0")
            report.summary = RunFiles.json(of: summary)
            return (report, summary.verdict.level)
        }
    }

    static let cases = [
        Case(description: "nothing", level: .valid),
        Case(description: "late", level: .suspect, late: .milliseconds(5)),
        Case(description: "very late", level: .invalid, late: .milliseconds(30)),
        Case(description: "late as asked", level: .valid, late: .milliseconds(5), batch: .milliseconds(10)),
        Case(description: "later than asked", level: .suspect, late: .milliseconds(15), batch: .milliseconds(10)),
        Case(description: "late in a short run", level: .suspect, calls: 40, late: .milliseconds(5)),
        Case(description: "late in five calls", level: .suspect, calls: 5, late: .milliseconds(5)),
        Case(description: "late, and no answer", level: .suspect, late: .milliseconds(30), outcome: .timeout),
        Case(description: "less late, and no answer", level: .valid, late: .milliseconds(5), outcome: .timeout),
        Case(description: "busy", level: .suspect, cpu: 1),
        Case(description: "busy by design", level: .valid, cpu: 1, isPrecise: true),
        Case(description: "fell short", level: .suspect, scheduled: 406),
        Case(description: "fell far short", level: .invalid, scheduled: 500),
        Case(
            description: "fell behind", level: .invalid, offeredFor: .milliseconds(800), lastSent: .milliseconds(1000)),
        Case(
            description: "one last call late", level: .valid, offeredFor: .seconds(1), lastSent: .milliseconds(1090)),
        Case(description: "held back", level: .suspect) { $0.unsent = 1 },
        Case(description: "a stall", level: .suspect, stall: .milliseconds(200)),
        Case(description: "a stall of T1", level: .invalid, stall: .milliseconds(600)),
        Case(description: "a little steal", level: .valid, stolen: (.milliseconds(60), of: .seconds(1))),
        Case(description: "steal", level: .suspect, stolen: (.milliseconds(120), of: .seconds(2))),
        Case(description: "suspended", level: .invalid, suspended: .seconds(3)),
        Case(description: "drops", level: .invalid) { $0.receiveQueueDrops = 1 },
        Case(description: "a send failed", level: .suspect) { $0.sendErrors = 1 },
        Case(description: "sends failed", level: .invalid) { $0.sendErrors = 5 },
        Case(description: "queue full", level: .valid) { $0.sendQueueFull = 4 },
        Case(description: "queue often full", level: .suspect) { $0.sendQueueFull = 5 },
        Case(description: "no stamps, though asked for", level: .suspect, wantsKernel: true),
        Case(description: "clock set", level: .suspect, wantsKernel: true) { $0.clockSteps = 1 },
        Case(description: "nothing due", level: .invalid, calls: 0, scheduled: 0) { $0.offered = 0 },
    ]

    @Test(arguments: cases) func theTableSaysWhatTheVerdictSays(one: Case) throws {
        let (report, verdict) = one.report()
        #expect(verdict == one.level, "the case is not what it is called")
        let rules = GeneratorRules(report).rules
        #expect(rules.map(\.level).max() == verdict, "\(rules.filter { $0.level > .valid })")
        for rule in rules { #expect(!rule.found.contains("n/a"), "\(rule)") }
    }
}
