import Datagrams
import Observations

/// A rule of RFC 3261 on when a message goes out again over UDP: what is sent, and which side of its schedule.
package struct TimerRule: Hashable, Sendable {
    package enum Subject: Int, Sendable, CaseIterable {
        /// INVITE: timers A and B (17.1.1.2).
        case invite
        /// Any other request: E and F (17.1.2.2).
        case request
        /// 300-699 to an INVITE: G and H (17.2.1).
        case refusal
        /// 2xx to an INVITE (13.3.1.4).
        case success
    }

    package enum Aspect: Int, Sendable, CaseIterable {
        /// The first copy goes out T1 after the original.
        case first
        /// Each interval is twice the one before, where there is a cap up to T2.
        case doubling
        /// After a provisional response a non-INVITE request is repeated every T2.
        case proceeding
        /// No copy that was due was left out.
        case complete
        /// Nothing goes out after what ends the repeating.
        case stop
        /// Nothing goes out 64 x T1 after the original or later.
        case giveUp
    }

    package var subject: Subject
    package var aspect: Aspect

    package init(_ subject: Subject, _ aspect: Aspect) {
        self.subject = subject
        self.aspect = aspect
    }

    package static let all: [TimerRule] = Subject.allCases.flatMap { subject in
        Aspect.allCases.filter { $0 != .proceeding || subject == .request }.map { TimerRule(subject, $0) }
    }
}

extension TimerRule.Subject {
    /// The timer that repeats.
    package var timer: TimerName {
        switch self {
        case .invite: .a
        case .request: .e
        case .refusal: .g
        case .success: .twoHundred
        }
    }

    /// Whether intervals stop growing at T2.
    var isCapped: Bool {
        switch self {
        case .invite: false
        case .request, .refusal, .success: true
        }
    }
}

/// What was found of one rule in a whole capture.
package struct RuleVerdict: Sendable, Equatable {
    /// The worst case: its lengths are an interval and what it should have been; of `.stop` and `.giveUp` the time since
    /// the message that ended the repeating, and since the original.
    package struct Example: Sendable, Equatable {
        package var callID: UInt32
        package var file: UInt16
        package var frame: UInt32
        package var expected: Nanoseconds
        package var seen: Nanoseconds
        /// Of `.complete`: copies left out.
        package var missing = 0
    }

    package var rule: TimerRule
    package var checked: UInt64 = 0
    package var violated: UInt64 = 0
    package var worst: Example?

    package init(rule: TimerRule) { self.rule = rule }

    mutating func note(_ isKept: Bool, _ example: @autoclosure () -> Example) {
        checked += 1
        if isKept { return }
        violated += 1
        let example = example()
        if let worst, worst.gravity >= example.gravity { return }
        worst = example
    }
}

extension RuleVerdict.Example {
    fileprivate var gravity: UInt64 { max(UInt64(missing) << 40, (seen - expected).rawValue.magnitude) }
}

/// A message sent again, and how that stands to the standard.
package struct CheckedRetransmission: Sendable {
    package enum Check: Sendable, Equatable {
        case ok
        /// Off its schedule by more than the tolerance.
        case early, late
        /// After the response or the ACK that should have ended it.
        case afterStop
        case afterGiveUp
        /// A response repeated because its request was, not by a timer.
        case prompted
    }

    package var place: Int
    /// 1 for the first copy.
    package var nth: UInt32
    package var due: Nanoseconds
    package var subject: TimerRule.Subject
    package var check: Check
}
