import Datagrams
import Observations

/// One call as a plot sees it: 16 bytes, so that a million of them are nothing.
package struct PlotPoint: Sendable, BitwiseCopyable {
    package enum Mark: UInt8, Sendable, BitwiseCopyable {
        case ok, retransmitted, failed, unsent
    }

    /// Zero for a call without one.
    package var rtt: Nanoseconds
    package var number: UInt32
    package var mark: Mark

    package init(number: UInt32, rtt: Nanoseconds, mark: Mark) {
        self.rtt = rtt
        self.number = number
        self.mark = mark
    }

    /// Nil for a call that was still open when the run was stopped: it neither failed nor has an RTT.
    package init?(_ call: CallRecord) {
        let number = UInt32(clamping: call.number)
        switch call.outcome {
        case .ok:
            guard let rtt = call.rtt else { return nil }
            self.init(number: number, rtt: rtt, mark: call.retransmissions > 0 ? .retransmitted : .ok)
        case .status, .timeout, .unexpected, .refused, .check: self.init(number: number, rtt: .zero, mark: .failed)
        case .unsent: self.init(number: number, rtt: .zero, mark: .unsent)
        case .interrupted: return nil
        }
    }
}
