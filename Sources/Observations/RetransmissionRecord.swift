import Datagrams

/// Timers of RFC 3261 (17, 13.3.1.4) and RFC 6026 by their letters.
package enum TimerName: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case a, b, d, e, f, g, h, i, j, k, l, m
    /// The user agent server's own schedule for a 2xx to INVITE (RFC 3261, 13.3.1.4): it has no letter.
    case twoHundred

    package var text: StaticString {
        switch self {
        case .a: "A"
        case .b: "B"
        case .d: "D"
        case .e: "E"
        case .f: "F"
        case .g: "G"
        case .h: "H"
        case .i: "I"
        case .j: "J"
        case .k: "K"
        case .l: "L"
        case .m: "M"
        case .twoHundred: "2xx"
        }
    }
}

/// One retransmission sent by a timer: one row of `retransmissions.csv`.
package struct RetransmissionRecord: Sendable, BitwiseCopyable {
    package var call: UInt64
    package var callID: CallIDText
    /// The request's method, or for a response sent again the method it answers.
    package var method: CallTag.Method
    /// 0 for a request, else the status of the response sent again.
    package var status: UInt16
    /// 1 for the first retransmission.
    package var nth: UInt32
    /// By the standard's schedule, and as it happened; both from the run's start.
    package var due: Nanoseconds
    package var sent: Nanoseconds
    package var timer: TimerName

    package init(
        call: UInt64, callID: CallIDText, method: CallTag.Method, status: UInt16, nth: UInt32, due: Nanoseconds,
        sent: Nanoseconds, timer: TimerName
    ) {
        self.call = call
        self.callID = callID
        self.method = method
        self.status = status
        self.nth = nth
        self.due = due
        self.sent = sent
        self.timer = timer
    }
}
