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

    /// In microseconds. As for a thin percentile, nil is undefined.
    static func figures(_ count: UInt64, p50: Int64, p90: Int64? = nil, p99: Int64?) -> LatencyFigures {
        var figures = LatencyFigures()
        figures.count = count
        figures.p50 = .microseconds(p50)
        figures.p90 = (p90 ?? (p99 == nil ? nil : p50)).map { .microseconds($0) }
        figures.p99 = p99.map { .microseconds($0) }
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

    static func stall(_ evidence: inout GeneratorEvidence, _ microseconds: Int64) {
        evidence.disturbances.noteStall(.microseconds(microseconds), endedAt: .milliseconds(3_250))
    }

    /// In milliseconds.
    static func steal(_ evidence: inout GeneratorEvidence, _ stolen: Int64, of all: Int64 = 30_000) {
        evidence.disturbances.stolen = .milliseconds(stolen)
        evidence.disturbances.stealable = .milliseconds(all)
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
        Case("one call in ten late by several RTTs, up to 10 ms", .suspect, "Calls were sent late: p99 15.00 ms") {
            $0.late = figures(6000, p50: 10, p90: 10_000, p99: 15_000)
        },
        Case(
            "one call in ten late by several RTTs, above 10 ms", .invalid, "Calls were sent late: p90 10.00 ms, against"
        ) {
            $0.late = figures(6000, p50: 10, p90: 10_001, p99: 15_000)
        },
        Case("one call in ten late by 11 ms, and the RTT is as long", .suspect, "Calls were sent late: p99 12.00 ms") {
            $0.late = figures(6000, p50: 10, p90: 11_000, p99: 12_000)
            $0.rtt = figures(6000, p50: 11_000, p99: 12_000)
        },
        Case("one call in a hundred very late", .suspect, "Calls were sent late: p99 900.0 ms") {
            $0.late = figures(6000, p50: 10, p90: 20, p99: 900_000)
        },
        Case("50 calls, and not one in ten late", .valid, "The generator kept up") {
            $0.late = figures(50, p50: 10, p90: 80, p99: nil)
            $0.late.max = .milliseconds(80)
        },
        Case("50 calls, and one in ten late", .suspect, "Calls were sent late: p90 1.100 ms") {
            $0.late = figures(50, p50: 10, p90: 1100, p99: nil)
        },
        Case("five calls, and one of them late", .valid, "The generator kept up") {
            $0.late = figures(5, p50: 10, p99: nil)
            $0.late.max = .milliseconds(80)
        },
        Case("five calls, and half of them late", .invalid, "Calls were sent late: p50 11.00 ms") {
            $0.late = figures(5, p50: 11_000, p99: nil)
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
        Case("the send queue full for one call in a hundred", .valid, "The generator kept up") {
            $0.sendQueueFull = 60
        },
        Case("the send queue full more often", .suspect, "The send queue was full 61 times") { $0.sendQueueFull = 61 },
        Case("a hiccup", .valid, "The generator kept up") { stall(&$0, 99_999) },
        Case(
            "a stall", .suspect,
            "A sending thread stood still for 100.0 ms, until second 3.25: calls due then left in one burst"
        ) { stall(&$0, 100_000) },
        Case(
            "two stalls", .suspect, "A sending thread stood still for 203.0 ms, until second 3.25, and 1 time more for"
        ) {
            stall(&$0, 203_000)
            stall(&$0, 150_000)
        },
        Case("a stall just under T1", .suspect, "A sending thread stood still for 500.0 ms") { stall(&$0, 499_999) },
        Case("a stall of T1", .invalid, "A sending thread stood still for 500.0 ms") { stall(&$0, 500_000) },
        Case("a stall under a longer T1", .suspect, "A sending thread stood still") {
            $0.t1 = .seconds(2)
            stall(&$0, 1_999_999)
        },
        Case("a hiccup longer than a short T1", .valid, "The generator kept up") {
            $0.t1 = .milliseconds(10)
            stall(&$0, 99_999)
        },
        Case("a twentieth stolen", .valid, "The generator kept up") { steal(&$0, 1500) },
        Case("more than a twentieth stolen", .suspect, "The hypervisor kept 5.0 % of the sending threads' CPUs") {
            steal(&$0, 1510)
        },
        Case("half of a very short run stolen, but less than ten ticks", .valid, "The generator kept up") {
            steal(&$0, 90, of: 180)
        },
        Case("half of a very short run stolen", .suspect, "The hypervisor kept 50.0 %") { steal(&$0, 100, of: 200) },
        Case("two clocks read on a busy machine", .valid, "The generator kept up") {
            $0.disturbances.suspended = .milliseconds(10)
        },
        Case("asleep during the run", .invalid, "This machine was suspended for 3.2 s during the run") {
            $0.disturbances.suspended = .milliseconds(3_200)
        },
        Case("a packet missed by the capture", .suspect, "The capture missed 1 packet: what is analysed") {
            $0.captureDrops = 1
        },
        Case("a file that could not be written", .invalid, "The record is not whole: cannot write a/b: No space left.")
        {
            $0.recordingFailure = "cannot write a/b: No space left"
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
        func notes(_ count: UInt64) -> [String] {
            evidence.rtt.count = count
            let verdict = VerdictRules.judge(evidence)
            #expect(verdict.level == .valid)
            return verdict.notes
        }
        #expect(notes(1000).isEmpty)
        #expect(notes(999) == ["999 response times are too few for p99.9 (1000): left out."])
        #expect(notes(99) == ["99 response times are too few for p99 (100), p99.9 (1000): left out."])
        #expect(notes(1) == ["1 response time is too few for p90 (10), p99 (100), p99.9 (1000): left out."])
        #expect(notes(0).isEmpty)
    }

    @Test func aFewFullQueuesAndALittleStealAreNotes() {
        var evidence = Self.sound
        evidence.sendQueueFull = 2
        Self.steal(&evidence, 300)
        let verdict = VerdictRules.judge(evidence)
        #expect(verdict.level == .valid)
        #expect(verdict.notes.count == 2)
        #expect(verdict.notes[0] == "The send queue was full 2 times; those datagrams went out later.")
        #expect(verdict.notes[1].hasPrefix("The hypervisor kept 1.0 % of the sending threads' CPUs for others (steal)"))
        Self.steal(&evidence, 290)
        #expect(VerdictRules.judge(evidence).notes.count == 1)
    }

    @Test func othersOnTheCPUExplainWhatWasFoundAndAreNoFindingThemselves() {
        var evidence = Self.sound
        evidence.disturbances.waitedForCPU = .milliseconds(1497)
        evidence.disturbances.involuntarySwitches = 372
        #expect(VerdictRules.judge(evidence).notes.isEmpty)
        Self.stall(&evidence, 203_000)
        #expect(
            VerdictRules.judge(evidence).notes == [
                "The sending threads were ready to run and waited for a CPU for 1497 ms in all and were pushed off it 372 "
                    + "times."
            ])
        evidence.disturbances.waitedForCPU = nil
        evidence.disturbances.involuntarySwitches = nil
        #expect(VerdictRules.judge(evidence).notes.isEmpty)
    }
}
