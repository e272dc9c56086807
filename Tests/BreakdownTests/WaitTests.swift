import Breakdown
import Datagrams
import Testing

/// The socket wait cut by what the receiving thread did: [1000, 1100] of thread 101.
@Suite struct WaitTests {
    private static let server: (UInt32, String) = (101, "server")
    private static let idle: (UInt32, String) = (0, "swapper/0")
    private static let neighbour: (UInt32, String) = (900, "stress")

    /// One request from 1000 to 1100 in the queue, with what the scheduler says around it.
    private func wait(_ scheduler: (inout TraceBuilder) -> Void) -> SocketWait? {
        var trace = TraceBuilder()
        trace.see(.protocolStart, 990, "a", packet: 16)
        trace.see(.socketEnqueue, 1000, "a", packet: 16, socket: TraceBuilder.socket)
        trace.read(.applicationReceive, 1100, TraceBuilder.request("a"), thread: 101)
        trace.read(.responseTransmit, 1200, TraceBuilder.response(200, "a"), thread: 101)
        scheduler(&trace)
        return trace.breakdown().waits.first
    }

    private func causes(_ wait: SocketWait?) -> [Int64] {
        guard let wait else { return [] }
        return WaitCause.allCases.map { wait.causes[$0.rawValue].rawValue }
    }

    @Test func withoutTheSchedulerNothingIsCut() {
        #expect(wait { _ in } == nil)
    }

    @Test func aThreadThatRunsIsBusyWithEarlierWork() {
        let found = wait { trace in
            trace.wake(101, 400)
            trace.change(Self.idle, Self.server, 500)
            // Somebody wakes it again: it runs, so that changes nothing.
            trace.wake(101, 1050)
            trace.change(Self.server, Self.idle, 2000)
        }
        #expect(causes(found) == [100, 0, 0, 0, 0] && found?.wakeToRun == nil && found?.behind == "")
        #expect(found?.command == "server" && found?.thread == 101)
    }

    @Test func aThreadOfWhichOnlyTheLeavingIsSeenWasRunning() {
        #expect(causes(wait { $0.change(Self.server, Self.idle, 2000) }) == [100, 0, 0, 0, 0])
    }

    @Test func aWakeUpOnAnIdleCPUIsTheCPUsWaking() {
        let found = wait { trace in
            trace.change(Self.server, Self.idle, 500)
            trace.wake(101, 1010)
            trace.change(Self.idle, Self.server, 1090, cpu: 1)
        }
        #expect(causes(found) == [10, 0, 80, 10, 0] && found?.wakeToRun?.rawValue == 80 && found?.cpu == 1)
    }

    @Test func aWakeUpOnABusyCPUIsBehindTheTaskThatHadIt() {
        let found = wait { trace in
            trace.change(Self.server, Self.idle, 500)
            trace.wake(101, 1010)
            trace.change(Self.neighbour, Self.server, 1090)
        }
        #expect(causes(found) == [10, 80, 0, 10, 0] && found?.behind == "stress")
    }

    @Test func aThreadThatWasPreemptedIsBehindWhoGotTheCPU() {
        let found = wait { trace in
            trace.change(Self.idle, Self.server, 500)
            trace.change(Self.server, Self.neighbour, 1020, preempted: true)
            // It is moved to a CPU that was idle: still the neighbour kept it waiting.
            trace.change(Self.idle, Self.server, 1080, cpu: 1)
        }
        #expect(causes(found) == [40, 60, 0, 0, 0] && found?.behind == "stress" && found?.wakeToRun?.rawValue == 60)
    }

    @Test func ofSeveralNeighboursTheOneThatTookLongestIsNamed() {
        let found = wait { trace in
            trace.change(Self.idle, Self.server, 500)
            trace.change(Self.server, (901, "cron"), 1010, preempted: true)
            trace.change((901, "cron"), Self.server, 1020)
            trace.change(Self.server, Self.neighbour, 1030, preempted: true)
            trace.change(Self.neighbour, Self.server, 1090)
        }
        #expect(causes(found) == [30, 70, 0, 0, 0] && found?.behind == "stress")
    }

    @Test func theTimeFromReceiveToSendIsCutTheSameWay() {
        var trace = TraceBuilder()
        trace.change(Self.idle, Self.server, 10)
        trace.pass("a", at: 1_000, packet: 16, [1, 1, 1, 97, 500, 5], thread: 101)
        // In the middle of it: preempted for 100, then asleep for 200 and woken on an idle CPU in 50.
        trace.change(Self.server, Self.neighbour, 1_200, preempted: true)
        trace.change(Self.neighbour, Self.server, 1_300)
        trace.change(Self.server, Self.idle, 1_310)
        trace.wake(101, 1_510)
        trace.change(Self.idle, Self.server, 1_560)
        trace.change(Self.server, Self.idle, 3_000)
        let result = trace.breakdown()
        #expect(causes(result.waits.first) == [97, 0, 0, 0, 0])
        #expect(causes(result.work.first) == [150, 100, 50, 200, 0] && result.work.first?.behind == "stress")
    }

    @Test func whatAnotherThreadSendsIsNotCut() {
        var trace = TraceBuilder()
        trace.change(Self.idle, Self.server, 10)
        trace.see(.socketEnqueue, 100, "a", socket: TraceBuilder.socket)
        trace.read(.applicationReceive, 200, TraceBuilder.request("a"), thread: 101)
        trace.read(.applicationSend, 300, TraceBuilder.response(200, "a"), thread: 102)
        trace.read(.responseTransmit, 310, TraceBuilder.response(200, "a"), thread: 102)
        let result = trace.breakdown()
        #expect(result.waits.count == 1 && result.work.isEmpty)
    }

    @Test func aThreadThatSleepsOnIsAsleep() {
        let found = wait { trace in
            trace.change(Self.server, Self.idle, 500)
            trace.wake(101, 1095)
            trace.change(Self.idle, Self.server, 1096)
        }
        #expect(causes(found) == [4, 0, 1, 95, 0])
    }

    @Test func aThreadThatNoRecordNamesIsNotKnown() {
        let found = wait { trace in
            trace.wake(102, 1010)
            trace.change(Self.idle, (102, "server"), 1020)
        }
        #expect(causes(found) == [0, 0, 0, 0, 100])
    }

    @Test func aTimelineHasNoHolesAndEndsWithTheRecording() {
        var trace = TraceBuilder()
        trace.wake(101, 100)
        trace.change(Self.idle, Self.server, 130)
        trace.change(Self.server, Self.neighbour, 200, preempted: true)
        trace.change(Self.neighbour, Self.server, 260)
        trace.change(Self.server, Self.idle, 300)
        trace.wake(102, 400)
        let threads = trace.breakdown().threads
        #expect(threads.map(\.thread) == [101, 102] && threads.map(\.process) == [100, 100])
        #expect(
            threads[0].slices.map { "\($0.from.rawValue)-\($0.to.rawValue) \($0.state.rawValue) \($0.behind)" } == [
                "0-30 runnable_cpu_idle ", "30-100 running ", "100-160 runnable_behind stress", "160-200 running ",
                "200-300 asleep ",
            ])
        #expect(threads[1].slices.map(\.state) == [.asleep])
    }
}
