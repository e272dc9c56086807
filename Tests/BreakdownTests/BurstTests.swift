import Breakdown
import Datagrams
import Testing

@Suite struct BurstTests {
    /// Eight requests within 7 us, served one after the other in 100 us each.
    private func bursts(of size: Int, count: Int, service: Int64 = 100_000, spacing: Int64 = 1_000) -> TraceBuilder {
        var trace = TraceBuilder()
        trace.change((0, "swapper/0"), (101, "server"), 1)
        for burst in 0..<count {
            let begin = Int64(burst + 1) * 16_000_000
            for i in 0..<size {
                let at = begin + Int64(i) * spacing
                trace.see(.protocolStart, at, "\(burst)-\(i)", packet: UInt64(64 * (i + 1)))
                trace.see(
                    .socketEnqueue, at + 500, "\(burst)-\(i)", packet: UInt64(64 * (i + 1)),
                    socket: TraceBuilder.socket)
            }
            for i in 0..<size {
                let read = begin + 10_000 + Int64(i) * service
                trace.read(.applicationReceive, read, TraceBuilder.request("\(burst)-\(i)"), thread: 101)
                trace.read(
                    .responseTransmit, read + service - 1_000, TraceBuilder.response(200, "\(burst)-\(i)"), thread: 101)
            }
        }
        trace.change((101, "server"), (0, "swapper/0"), Int64(count + 2) * 16_000_000)
        return trace
    }

    @Test func requestsThatComeTogetherAreABurst() {
        let result = bursts(of: 8, count: 5).breakdown()
        #expect(result.bursts.map(\.size) == [8] && result.bursts.map(\.bursts) == [5])
        #expect(result.bursts[0].meanWaitOfLast.rawValue == 9_500 + 7 * 99_000)
        #expect(result.bursts[0].meanWait.rawValue == 9_500 + 7 * 99_000 / 2)
        #expect(result.requests.allSatisfy { $0.burstSize == 8 })
        #expect(result.requests.map(\.burst).last == 4)
        #expect(result.requests.prefix(8).map(\.depth) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(result.queues.map(\.depth).max() == 8)
    }

    @Test func theVerdictNamesWaitCauseAndBurst() {
        let advice = Advice(bursts(of: 8, count: 5).breakdown())
        #expect(
            advice.verdict
                == "100 % of the swing is socket wait; 100 % of that is the server thread busy with earlier requests; "
                + "arrivals come in bursts of 8")
        #expect(advice.steps.map(\.name) == ["earlier work", "bursts"])
    }

    @Test(arguments: [(Int64(50_000), 4), (50_001, 1)])
    func fiftyMicrosecondsApartIsStillTogether(spacing: Int64, size: Int) {
        let result = bursts(of: 4, count: 2, service: 300_000, spacing: spacing).breakdown()
        #expect(result.bursts.map(\.size) == [size])
    }

    @Test func theTapsQueueIsWhatWasPutInAndNotTakenOut() {
        var trace = TraceBuilder(host: "host")
        for i in 0..<3 { trace.see(.tapTransmit, Int64(10 * i), "\(i)") }
        for i in 0..<3 { trace.see(.tapRead, Int64(100 + 10 * i), "\(i)") }
        let queues = trace.breakdown().queues
        #expect(queues.map(\.event) == [.enqueue, .enqueue, .enqueue, .read, .read, .read])
        #expect(queues.map(\.depth) == [1, 2, 3, 3, 2, 1] && queues.allSatisfy { $0.queue == .tap })
    }
}
