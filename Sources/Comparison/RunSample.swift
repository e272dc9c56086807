import Datagrams
import Latency
import Observations

/// What a comparison keeps of one run: of each call its number, its RTT, and whether it failed or was sent again. 40
/// bytes a call.
package struct RunSample: Sendable {
    /// One call that was sent.
    struct Sent: Sendable, BitwiseCopyable {
        var number: UInt64
        var retransmissions: UInt32
        var hasFailed: Bool
    }

    private(set) var times: [BlockedSample.Timed] = []
    private(set) var sent: [Sent] = []
    /// The highest number of a call, sent or not.
    private(set) var last: UInt64 = 0

    package init() {}

    package var callsSent: Int { sent.count }
    package var callsTimed: Int { times.count }

    /// Calls cut off by the end of the run count neither as failed nor otherwise.
    package mutating func record(_ call: CallRecord) {
        last = max(last, call.number)
        if let rtt = call.rtt { times.append(BlockedSample.Timed(number: call.number, length: rtt)) }
        if call.sent == nil { return }
        switch call.outcome {
        case .ok: append(call, hasFailed: false)
        case .status, .timeout, .unexpected, .refused, .check: append(call, hasFailed: true)
        case .unsent, .interrupted: break
        }
    }

    private mutating func append(_ call: CallRecord, hasFailed: Bool) {
        sent.append(Sent(number: call.number, retransmissions: call.retransmissions, hasFailed: hasFailed))
    }
}
