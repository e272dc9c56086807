import Breakdown
import Datagrams

@testable import Reports

extension MadeUpServer {
    /// All that a report can hold: two hosts, a probe that was refused, losses.
    var report: ExplainReport {
        var breakdown = breakdown
        let clocks = ClockPair(
            wall: WallInstant(nanoseconds: 0), monotonic: MonotonicInstant(nanoseconds: 0), uncertainty: .zero)
        breakdown.sources = [
            TraceSource(
                host: "host", rung: .functionEntries,
                coverage: [
                    .init(.tapTransmit, .exact, "by the call tag"), .init(.tapRead, .exact, "by the call tag"),
                    .init(.responseReceive, .exact, "by the SIP text"),
                ], port: 5060, tagType: 158, clocks: clocks),
            TraceSource(
                host: "guest", rung: .rawTracepoints,
                coverage: [
                    .init(.driverReceive, .exact, "by the call tag"), .init(.protocolStart, .exact, "by the call tag"),
                    .init(.socketEnqueue, .exact, "by the packet the CPU was working on"),
                    .init(.applicationReceive, .inferred, "by order: fentry is refused by the kernel's lockdown"),
                    .init(.applicationSend, .exact, "by the SIP text"),
                    .init(.responseTransmit, .exact, "by the SIP text"),
                    .init(.receiveDrop, .missing, "no tracepoint for it in this kernel (5.10)"),
                ], port: 5060, tagType: 158, clocks: clocks, share: 0.5),
        ]
        var host = TraceTally()
        host.probeRuns = 3500
        host.probeTime = .microseconds(1200)
        host.lasted = .milliseconds(2100)
        var guest = host
        guest.lost = 12
        guest.slotMisses = 1
        guest.stolen = .microseconds(13_250)
        breakdown.recordings = [host, guest]
        breakdown.clocks = ["host-guest: the guest's clock is ahead by 1.204511 s, +- 26.0 us, by 998 requests"]
        breakdown.tally.receiveDrops = 3
        breakdown.tally.requestsDropped = 1
        breakdown.tally.sentAgain = 1
        return ExplainReport(
            breakdown,
            verdict: "83 % of the swing is socket wait; 71 % of that is the server thread busy with earlier requests; "
                + "arrivals come in bursts of 8.",
            advice: [
                "One thread reads the socket and is busy when the next request comes: more workers would share it.",
                "Send evenly to see the server without bursts:\n$ sipmeter explain 192.0.2.10:5060 --rate 500 --duration 10 --burst 1",
            ],
            cost: ProbeCost(
                measured: .init(value: Nanoseconds(1_240), low: Nanoseconds(-380), high: Nanoseconds(2_910), rounds: 10)
            ))
    }
}
