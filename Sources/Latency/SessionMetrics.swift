import Datagrams
import Observations

/// A ratio that keeps both its numbers: nobody can judge 99 % without them.
package struct Ratio: Sendable, Equatable {
    package var numerator: UInt64 = 0
    package var denominator: UInt64 = 0

    package init(numerator: UInt64 = 0, denominator: UInt64 = 0) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Undefined over nothing (RFC 6076, 4): never 0 there.
    package var percent: Double? { denominator == 0 ? nil : 100 * Double(numerator) / Double(denominator) }
}

/// The session counts of RFC 6076, from which its ratios follow. Choices the RFC leaves open:
///
/// - Any 2xx to INVITE counts as the 200.
/// - An INVITE that timed out counts as 408, one the transport could not deliver as 503 (RFC 3261, 8.1.3.1).
/// - A refused session (486) is complete: no response was missing.
/// - An attempt whose INVITE has no result yet is in no number; one established but still open when the run was stopped
///   is in the first three ratios and not in the completion ratio.
package struct SessionMetrics: Sendable, Equatable {
    /// INVITEs with a result: a final response, a timeout or a failure to deliver.
    package var requests: UInt64 = 0
    package var established: UInt64 = 0
    package var redirected: UInt64 = 0
    /// 480, 486, 600, 603: the network did its work and the callee said no.
    package var declinedByCallee: UInt64 = 0
    /// 408, 500, 503, 504.
    package var ineffective: UInt64 = 0
    /// Sessions that ended, and those of them in which no response was missing.
    package var ended: UInt64 = 0
    package var completed: UInt64 = 0

    package init() {}

    /// Session Establishment Ratio (4.6).
    package var ser: Ratio { Ratio(numerator: established, denominator: requests - redirected) }
    /// Session Establishment Effectiveness Ratio (4.7).
    package var seer: Ratio { Ratio(numerator: established + declinedByCallee, denominator: requests - redirected) }
    /// Ineffective Session Attempts (4.8): redirections stay in the denominator.
    package var isa: Ratio { Ratio(numerator: ineffective, denominator: requests) }
    /// Session Completion Ratio (4.9).
    package var scr: Ratio { Ratio(numerator: completed, denominator: ended) }

    package mutating func record(_ call: CallRecord) {
        guard call.isSession, call.sent != nil else { return }
        guard let status = Self.result(of: call) else { return }
        requests += 1
        switch status {
        case 200..<300: established += 1
        case 300..<400: redirected += 1
        case 480, 486, 600, 603: declinedByCallee += 1
        case 408, 500, 503, 504: ineffective += 1
        default: break
        }
        switch call.outcome {
        case .ok, .status:
            ended += 1
            completed += 1
        case .timeout, .unexpected, .refused, .check: ended += 1
        case .interrupted, .unsent: break
        }
    }

    package mutating func merge(_ other: SessionMetrics) {
        requests += other.requests
        established += other.established
        redirected += other.redirected
        declinedByCallee += other.declinedByCallee
        ineffective += other.ineffective
        ended += other.ended
        completed += other.completed
    }

    /// The status the INVITE counts with, 0 for an end without one, nil while there is no result.
    private static func result(of call: CallRecord) -> UInt16? {
        if call.inviteStatus != 0 { return call.inviteStatus }
        switch call.outcome {
        case .timeout: return 408
        case .refused: return 503
        case .status(let status): return status
        case .ok, .unexpected, .check: return 0
        case .unsent, .interrupted: return nil
        }
    }
}

/// Whether a status ends a session attempt in failure. A challenge asks for more and a redirection points elsewhere:
/// neither belongs to the delays of failed attempts (RFC 6076, 4.3.2).
func isSessionFailure(_ status: UInt16) -> Bool {
    switch status {
    case 401, 402, 407: false
    default: status >= 400
    }
}
