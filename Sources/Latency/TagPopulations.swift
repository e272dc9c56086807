import Datagrams
import Observations

/// The calls of a run with `--tag-control`, so that those with and those without the call tag can be set side by side.
///
/// Keeps 16 bytes of every call that ended well, for the intervals need the order of the calls, which histograms lose.
/// Calls never sent are in neither population; calls cut off by the end of the run are counted and judged as nothing.
package struct TagPopulations: Sendable {
    struct Population: Sendable {
        var calls: UInt64 = 0
        var ok: UInt64 = 0
        var failed: UInt64 = 0
        var retransmissions: UInt64 = 0
        var callsWithRetransmission: UInt64 = 0
        var times: [BlockedSample.Timed] = []
    }

    private(set) var tagged = Population()
    private(set) var untagged = Population()

    package init() {}

    package mutating func record(_ call: CallRecord) {
        if call.sent == nil { return }
        if call.isTagged { Self.record(call, in: &tagged) } else { Self.record(call, in: &untagged) }
    }

    private static func record(_ call: CallRecord, in population: inout Population) {
        population.calls += 1
        population.retransmissions += UInt64(call.retransmissions)
        if call.retransmissions > 0 { population.callsWithRetransmission += 1 }
        switch call.outcome {
        case .ok: population.ok += 1
        case .status, .timeout, .unexpected, .refused, .check: population.failed += 1
        case .unsent, .interrupted: break
        }
        if let rtt = call.rtt { population.times.append(BlockedSample.Timed(number: call.number, length: rtt)) }
    }
}
