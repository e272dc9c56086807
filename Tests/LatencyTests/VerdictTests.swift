import Datagrams
import Testing

@testable import Latency

@Suite struct VerdictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var level: Verdict.Level
        /// Begins the gravest sentence.
        var evidence: String
        var change: @Sendable (inout GeneratorEvidence) -> Void

        init(
            _ description: String, _ level: Verdict.Level, _ evidence: String,
            _ change: @escaping @Sendable (inout GeneratorEvidence) -> Void
        ) {
            testDescription = description
            self.level = level
            self.evidence = evidence
            self.change = change
        }
    }

    static func figures(_ count: UInt64, p50: Int64, p99: Int64) -> LatencyFigures {
        var figures = LatencyFigures()
        figures.count = count
        figures.p50 = .microseconds(p50)
        figures.p99 = .microseconds(p99)
        return figures
    }

    static var sound: GeneratorEvidence {
        var evidence = GeneratorEvidence()
        evidence.due = 6000
        evidence.started = 6000
        evidence.offeredFor = .seconds(15)
        evidence.startedFor = .seconds(15)
        evidence.late = figures(6000, p50: 10, p99: 80)
        evidence.rtt = figures(6000, p50: 2000, p99: 9000)
        evidence.load.seconds = 15
        return evidence
    }

    static let cases: [Case] = [
        Case("nothing wrong", .valid, "The generator kept up: 6000 of 6000 calls due started, late p99 0.080 ms") { _ in
        },
        Case("every call failed at the server", .valid, "The generator kept up") { $0.rtt = LatencyFigures() },
        Case("the server takes seconds", .valid, "The generator kept up") {
            $0.rtt = figures(6000, p50: 4_000_000, p99: 31_000_000)
        },
        Case("one call in a hundred without stamps is tolerated", .valid, "The generator kept up") {
            $0.wantsKernelClock = true
            $0.rttByKernelClock = 5940
        },
        Case("just over one in a hundred without stamps", .suspect, "61 of 6000 calls lack a kernel timestamp") {
            $0.wantsKernelClock = true
            $0.rttByKernelClock = 5939
        },
        Case("no stamps at all, and none asked for", .valid, "The generator kept up") { _ in },
        Case("half without stamps, and none asked for", .valid, "The generator kept up") {
            $0.rttByKernelClock = 3000
        },
        Case("the clock was set", .suspect, "This host's wall clock was set 1 time during") {
            $0.rttByKernelClock = 6000
            $0.clockSteps = 1
        },
        Case("the clock was set, and no stamps used", .valid, "The generator kept up") { $0.clockSteps = 1 },
        Case("one call in a hundred missing is tolerated", .valid, "The generator kept up") { $0.started = 5940 },
        Case("just over one in a hundred is not", .suspect, "The generator fell short: 61 of 6000") {
            $0.started = 5939
        },
        Case("a twentieth missing is tolerated as suspect", .suspect, "The generator fell short: 300") {
            $0.started = 5700
        },
        Case("more than a twentieth", .invalid, "The generator fell short: 301 of 6000 calls due were never") {
            $0.started = 5699
        },
        Case("all started, but too slowly", .suspect, "The generator fell behind: calls due within 15.0 s took 15.5 s")
        {
            $0.startedFor = .milliseconds(15_500)
        },
        Case("far too slowly", .invalid, "The generator fell behind") { $0.startedFor = .seconds(16) },
        Case("a late last call of a short run", .valid, "The generator kept up") {
            $0.offeredFor = .seconds(1)
            $0.startedFor = .milliseconds(1100)
        },
        Case("the user's own limit", .suspect, "The limit on open calls held back 3000 of 6000") {
            $0.started = 3000
            $0.unsent = 3000
        },
        Case("one datagram dropped on arrival", .invalid, "The kernel dropped 1 datagram from our") {
            $0.receiveQueueDrops = 1
        },
        Case("a few failed sends", .suspect, "60 sends failed") { $0.sendErrors = 60 },
        Case("many failed sends", .invalid, "61 sends failed") { $0.sendErrors = 61 },
        Case("late by a tenth of the RTT but under a millisecond", .valid, "The generator kept up") {
            $0.late = figures(6000, p50: 10, p99: 1000)
        },
        Case("late by more than both", .suspect, "Calls were sent late: p99 1.001 ms, against an RTT with p50 2.000 ms")
        {
            $0.late = figures(6000, p50: 10, p99: 1001)
        },
        Case("late by several RTTs, below 10 ms", .suspect, "Calls were sent late") {
            $0.late = figures(6000, p50: 10, p99: 10_000)
        },
        Case("late by several RTTs, above 10 ms", .invalid, "Calls were sent late: p99 10.00 ms") {
            $0.late = figures(6000, p50: 10, p99: 10_001)
        },
        Case("late by 15 ms when the server takes seconds", .valid, "The generator kept up") {
            $0.late = figures(6000, p50: 10, p99: 15_000)
            $0.rtt = figures(6000, p50: 2_000_000, p99: 3_000_000)
        },
        Case("late by 11 ms with no RTT to compare", .suspect, "Calls were sent late: p99 11.00 ms.") {
            $0.late = figures(6000, p50: 10, p99: 11_000)
            $0.rtt = LatencyFigures()
        },
        Case("late within the batch that was asked for", .valid, "The generator kept up") {
            $0.late = figures(6000, p50: 2500, p99: 5_900)
            $0.batch = .milliseconds(5)
        },
        Case("late beyond the batch", .suspect, "Calls were sent late: p99 1.100 ms") {
            $0.late = figures(6000, p50: 2500, p99: 6_100)
            $0.batch = .milliseconds(5)
        },
        Case("busy for two seconds of fifteen", .valid, "The generator kept up") { $0.load.busySeconds = 2 },
        Case("busy for three", .suspect, "A sending thread was at 95 % CPU or more in 3 of 15 seconds") {
            $0.load.busySeconds = 3
        },
        Case("busy by design", .valid, "The generator kept up") {
            $0.load.busySeconds = 15
            $0.isSpinning = true
        },
        Case("nothing fell due", .invalid, "No call fell due") { $0 = GeneratorEvidence() },
    ]

    @Test(arguments: cases)
    func aRule(_ example: Case) {
        var evidence = Self.sound
        example.change(&evidence)
        let verdict = VerdictRules.judge(evidence)
        #expect(verdict.level == example.level)
        #expect(verdict.evidence.first?.hasPrefix(example.evidence) == true, "\(verdict.evidence)")
    }

    @Test func theGravestComesFirstAndNothingIsLeftOut() {
        var evidence = Self.sound
        evidence.unsent = 60
        evidence.started = 5940
        evidence.receiveQueueDrops = 3
        let verdict = VerdictRules.judge(evidence)
        #expect(verdict.level == .invalid)
        #expect(verdict.evidence.count == 2)
        #expect(verdict.evidence[0].hasPrefix("The kernel dropped 3 datagrams"))
        #expect(verdict.evidence[1].hasPrefix("The limit on open calls"))
    }

    @Test func thinPercentilesAreNotesOnly() {
        var evidence = Self.sound
        evidence.rtt = Self.figures(300, p50: 2000, p99: 3000)
        evidence.sendQueueFull = 2
        let verdict = VerdictRules.judge(evidence)
        #expect(verdict.level == .valid)
        #expect(
            verdict.notes == [
                "The send queue was full 2 times; those datagrams went out later.",
                "p99.9 rests on 300 calls: it is the maximum.",
            ])
        evidence.rtt.count = 1000
        evidence.sendQueueFull = 0
        #expect(VerdictRules.judge(evidence).notes.isEmpty)
    }
}
