import Datagrams

/// How a call ended: the `outcome` column of `rtt.csv`.
package enum CallOutcome: Hashable, Sendable, BitwiseCopyable {
    case ok
    /// A final response other than the one the scenario expects: its status code.
    case status(UInt16)
    /// A transaction or the scenario's own receive timeout ran out.
    case timeout
    /// A message the scenario has no place for.
    case unexpected
    /// ICMP said nobody listens there.
    case refused
    /// Due, but held back by a limit: never sent.
    case unsent
    /// Still open when the run was stopped.
    case interrupted
    /// The call ran to its end, but a check of the scenario's failed on the way.
    case check(ScenarioCheck)
}

/// A check of a scenario that failed: SIPp counts each kind apart.
package enum ScenarioCheck: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case regexpDoesNotMatch, regexpMatches, headerNotFound, testFails, testHolds, textsDiffer, textsAreEqual
    /// `exec int_cmd="stop_call"`.
    case rejected
    /// `[authentication]` without a challenge, or a challenge that cannot be answered.
    case noCredentials

    package var text: String {
        switch self {
        case .regexpDoesNotMatch: "expression does not match"
        case .regexpMatches: "expression matches"
        case .headerNotFound: "header not found"
        case .testFails: "test does not hold"
        case .testHolds: "test holds"
        case .textsDiffer: "texts differ"
        case .textsAreEqual: "texts are equal"
        case .rejected: "stopped by the scenario"
        case .noCredentials: "no credentials for the challenge"
        }
    }
}

/// Which clock both ends of `rtt` were read from: the `clock` column.
package enum ClockSource: UInt8, Sendable, BitwiseCopyable { case app, kernel }

/// A Call-ID of up to 47 bytes as a fixed-size value; a longer one keeps its first 46 and a `~`.
package struct CallIDText: Hashable, Sendable, BitwiseCopyable {
    package static let capacity = 47
    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    package static func == (a: CallIDText, b: CallIDText) -> Bool { a.words == b.words }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
        hasher.combine(words.4)
        hasher.combine(words.5)
    }

    package init() { words = (0, 0, 0, 0, 0, 0) }

    package init(_ bytes: borrowing Span<UInt8>) {
        self.init()
        let isCut = bytes.count > Self.capacity
        let n = isCut ? Self.capacity - 1 : bytes.count
        unsafe withUnsafeMutableBytes(of: &words) { target in
            unsafe bytes.withUnsafeBytes { source in
                if n > 0 { unsafe target.baseAddress!.copyMemory(from: source.baseAddress!, byteCount: n) }
            }
            if isCut { unsafe target[n] = UInt8(ascii: "~") }
            unsafe target[47] = UInt8(isCut ? Self.capacity : n)
        }
    }

    package init(_ text: String) { self.init(Array(text.utf8).span) }

    package var count: Int { Int(UInt8(truncatingIfNeeded: words.5 >> 56)) }

    /// Calls `body` with each byte, in order.
    package func forEachByte(_ body: (UInt8) -> Void) {
        unsafe withUnsafeBytes(of: words) { bytes in
            for i in 0..<count { body(unsafe bytes[i]) }
        }
    }

    package var text: String {
        var bytes: [UInt8] = []
        forEachByte { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Where our own host kept a caller waiting, known where the kernel stamped both ends of the RTT. With the lateness, the
/// RTT and the pauses these are the whole time from when a call was due until its end was known.
package struct CallSplit: Sendable, BitwiseCopyable, Equatable {
    /// From the first request handed over to the kernel until it left.
    package var egress: Nanoseconds
    /// From the arrival of each final response until the request that followed it left; in `hold` too.
    package var reaction: Nanoseconds
    /// From the arrival of the last final response until it was read.
    package var ingress: Nanoseconds
    /// From there until the call was known to have ended.
    package var matching = Nanoseconds.zero

    package init(egress: Nanoseconds, reaction: Nanoseconds, ingress: Nanoseconds, matching: Nanoseconds = .zero) {
        self.egress = egress
        self.reaction = reaction
        self.ingress = ingress
        self.matching = matching
    }
}

/// One call attempted: one row of `rtt.csv`. Fixed size and trivially copyable, so that it crosses from the sending
/// thread to the writing thread as bytes.
///
/// `due` and `sent` count from the run's start; the other times are lengths. Nil is "did not happen".
package struct CallRecord: Sendable, BitwiseCopyable {
    /// From 1, in the order the calls fell due.
    package var number: UInt64
    package var callID: CallIDText
    package var due: Nanoseconds
    /// When the first request was first handed to the kernel.
    package var sent: Nanoseconds?
    /// From the first request sent to the first 100, to the first other provisional, and to its final response.
    package var trying: Nanoseconds?
    package var ringing: Nanoseconds?
    package var answer: Nanoseconds?
    /// All that is not to count: the scenario's pauses, and by the kernel's clock also `split.reaction`.
    package var hold: Nanoseconds
    /// From the BYE first sent to its final response.
    package var bye: Nanoseconds?
    /// From the first request sent to the last final response, less `hold`. Only calls that ended `ok` have one.
    package var rtt: Nanoseconds?
    /// The same from `due`.
    package var rttFromDue: Nanoseconds?
    /// Requests sent again in this call.
    package var retransmissions: UInt32
    package var clock: ClockSource
    /// Where `clock` is the kernel's.
    package var split: CallSplit?
    package var outcome: CallOutcome
    /// When the call ended, from the run's start: orders rows in time, not printed.
    package var ended: Nanoseconds
    /// The final status of the INVITE (0: none came), for the ratios of RFC 6076.
    package var inviteStatus: UInt16
    /// Whether the first request was an INVITE: only those count in session metrics.
    package var isSession: Bool
    /// Its requests carried the call tag.
    package var isTagged: Bool
    /// Of a `timeout`: a receive of the scenario's waited too long. Else retransmissions ran out.
    package var timedOutReceiving = false

    package init(number: UInt64, callID: CallIDText, due: Nanoseconds) {
        self.number = number
        self.callID = callID
        self.due = due
        self.sent = nil
        self.trying = nil
        self.ringing = nil
        self.answer = nil
        self.hold = .zero
        self.bye = nil
        self.rtt = nil
        self.rttFromDue = nil
        self.retransmissions = 0
        self.clock = .app
        self.split = nil
        self.outcome = .unsent
        self.ended = due
        self.inviteStatus = 0
        self.isSession = true
        self.isTagged = false
    }

    /// `late_us`: sent - due.
    package var late: Nanoseconds? { sent.map { $0 - due } }
}
