import Datagrams
import Testing

@testable import Latency

@Suite struct DisturbancesTests {
    @Test func theLongestStallIsKeptAndThoseWorthCountingAreCounted() {
        var seen = Disturbances()
        seen.noteStall(.milliseconds(-3), endedAt: .seconds(1))
        #expect(seen == Disturbances())
        seen.noteStall(.milliseconds(99), endedAt: .seconds(2))
        seen.noteStall(.milliseconds(200), endedAt: .seconds(3))
        seen.noteStall(.milliseconds(100), endedAt: .seconds(4))
        #expect(seen.longestStall == .milliseconds(200))
        #expect(seen.longestStallEnded == .seconds(3))
        #expect(seen.stalls == 2)
    }

    @Test func threadsAreAddedUpAndWhatOneDoesNotKnowNobodyKnows() {
        var one = Disturbances()
        one.noteStall(.milliseconds(100), endedAt: .seconds(1))
        one.involuntarySwitches = 3
        one.waitedForCPU = .milliseconds(5)
        var other = Disturbances()
        other.noteStall(.milliseconds(300), endedAt: .seconds(2))
        other.involuntarySwitches = 4
        var merged = one
        merged.merge(other)
        #expect(merged.stalls == 2)
        #expect(merged.longestStall == .milliseconds(300))
        #expect(merged.longestStallEnded == .seconds(2))
        #expect(merged.involuntarySwitches == 7)
        #expect(merged.waitedForCPU == nil)
        other.merge(one)
        #expect(other == merged)
    }
}

@Suite struct KernelCountsTests {
    private static let stat = """
        cpu  1131791 36493 158159 1600747 21684 0 28447 4073 10 0
        cpu0 10 20 30 40 50 60 70 80 5 5
        cpu1 1 2 3 4 5 6 7 8 0 0
        cpu10 100 0 0 0 0 0 0 0 0 0
        intr 5 1 2 3
        """

    /// A tick is 10 ms.
    @Test func stealIsTheEighthFieldOfTheCPUsAskedFor() {
        typealias Processors = KernelCounts.Processors
        #expect(
            Processors(of: [0], stat: Self.stat)
                == Processors(stolen: .milliseconds(800), all: .milliseconds(3_600)))
        #expect(
            Processors(of: [0, 1], stat: Self.stat)
                == Processors(stolen: .milliseconds(880), all: .milliseconds(3_960)))
        #expect(Processors(of: [10], stat: Self.stat) == Processors(stolen: .zero, all: .seconds(1)))
        #expect(Processors(of: [2], stat: Self.stat) == nil)
        #expect(Processors(of: [0], stat: "cpu0 1 2 3 4 5 6 7 eight 0 0") == nil)
        #expect(Processors(of: [0], stat: "cpu0 1 2 3") == nil)
    }

    private static let status = """
        Name:\tsipmeter-uac
        Cpus_allowed:\t10f
        Cpus_allowed_list:\t0-3,8
        voluntary_ctxt_switches:\t150
        nonvoluntary_ctxt_switches:\t545
        """

    @Test func switchesAndCPUsOfAThread() {
        #expect(KernelCounts.involuntarySwitches(status: Self.status) == 545)
        #expect(KernelCounts.allowedCPUs(status: Self.status) == [0, 1, 2, 3, 8])
        #expect(KernelCounts.involuntarySwitches(status: "Name:\tx") == nil)
        #expect(KernelCounts.allowedCPUs(status: "Cpus_allowed_list:\t3-1") == nil)
        #expect(KernelCounts.allowedCPUs(status: "") == nil)
    }

    @Test func waitingForACPUIsTheSecondFigure() {
        #expect(KernelCounts.waitedForCPU(schedstat: "557630 1200 7\n") == Nanoseconds(1200))
        #expect(KernelCounts.waitedForCPU(schedstat: "0 0") == nil)
        #expect(KernelCounts.waitedForCPU(schedstat: "") == nil)
    }
}
