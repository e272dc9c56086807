import Datagrams
import Observations

/// A row of `rtt.csv` back into the record it was written from. Every length returns to the nanosecond.
///
/// What has no column is made up from what has: `ended` is the end of the last length; `inviteStatus` is the outcome's
/// status, or 200 where the call was answered and ended otherwise; which check failed is not kept, so it is
/// `.rejected`.
struct CallRows {
    static let columns = [
        "call", "call_id", "due_s", "sent_s", "late_us", "trying_us", "ringing_us", "answer_us", "hold_us", "bye_us",
        "rtt_us", "rtt_from_due_us", "retransmissions", "clock", "outcome",
    ]

    /// Whether the calls begin with an INVITE.
    var areSessions: Bool
    private var fields = FieldRanges()

    init(areSessions: Bool) { self.areSessions = areSessions }

    /// Nil where the line is no such row.
    mutating func record(_ line: borrowing Span<UInt8>) -> CallRecord? {
        fields.split(line)
        let ranges = fields.ranges
        guard ranges.count == Self.columns.count, let number = Self.whole(line.extracting(ranges[0])), number > 0,
            let due = Self.length(line.extracting(ranges[2]), digits: 9)
        else { return nil }
        var call = CallRecord(number: number, callID: Self.callID(line.extracting(ranges[1])), due: due)
        call.sent = Self.length(line.extracting(ranges[3]), digits: 9)
        call.trying = Self.length(line.extracting(ranges[5]), digits: 3)
        call.ringing = Self.length(line.extracting(ranges[6]), digits: 3)
        call.answer = Self.length(line.extracting(ranges[7]), digits: 3)
        call.hold = Self.length(line.extracting(ranges[8]), digits: 3) ?? .zero
        call.bye = Self.length(line.extracting(ranges[9]), digits: 3)
        call.rtt = Self.length(line.extracting(ranges[10]), digits: 3)
        call.rttFromDue = Self.length(line.extracting(ranges[11]), digits: 3)
        call.retransmissions = UInt32(clamping: Self.whole(line.extracting(ranges[12])) ?? 0)
        let clock = line.extracting(ranges[13])
        call.clock = clock.count > 0 && clock[0] == UInt8(ascii: "k") ? .kernel : .app
        guard let outcome = Self.outcome(line.extracting(ranges[14])) else { return nil }
        call.outcome = outcome
        call.isSession = areSessions
        call.inviteStatus = areSessions ? Self.inviteStatus(call) : 0
        call.ended = Self.end(call)
        return call
    }

    private static func inviteStatus(_ call: CallRecord) -> UInt16 {
        if case .status(let status) = call.outcome, call.bye == nil { return status }
        return call.answer == nil ? 0 : 200
    }

    private static func end(_ call: CallRecord) -> Nanoseconds {
        let answered = max(call.answer ?? .zero, max(call.ringing ?? .zero, call.trying ?? .zero))
        return (call.sent ?? call.due) + max(call.rtt ?? .zero, answered + (call.bye ?? .zero)) + call.hold
    }

    private static func callID(_ field: borrowing Span<UInt8>) -> CallIDText {
        if field.count > 0, field[0] == UInt8(ascii: "\"") { return CallIDText(FieldRanges.text(field)) }
        return CallIDText(field)
    }

    private static func whole(_ field: borrowing Span<UInt8>) -> UInt64? {
        if field.count == 0 || field.count > 19 { return nil }
        var value: UInt64 = 0
        for i in 0..<field.count {
            guard (48...57).contains(field[i]) else { return nil }
            value = value * 10 + UInt64(field[i] - 48)
        }
        return value
    }

    /// Nanoseconds of a decimal with `digits` places after its point: nine for seconds, three for microseconds.
    static func length(_ field: borrowing Span<UInt8>, digits: Int) -> Nanoseconds? {
        if field.count == 0 || field.count > 20 { return nil }
        var (value, places): (Int64, Int?) = (0, nil)
        let isNegative = field[0] == UInt8(ascii: "-")
        for i in (isNegative ? 1 : 0)..<field.count {
            if field[i] == UInt8(ascii: "."), places == nil {
                places = 0
                continue
            }
            guard (48...57).contains(field[i]) else { return nil }
            if let seen = places {
                if seen == digits { continue }
                places = seen + 1
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product &+ Int64(field[i] - 48)
        }
        for _ in (places ?? 0)..<digits { value = value &* 10 }
        return Nanoseconds(isNegative ? -value : value)
    }

    private static func outcome(_ field: borrowing Span<UInt8>) -> CallOutcome? {
        if let status = whole(field) { return UInt16(exactly: status).map { .status($0) } }
        return switch FieldRanges.text(field) {
        case "ok": .ok
        case "timeout": .timeout
        case "unexpected": .unexpected
        case "refused": .refused
        case "unsent": .unsent
        case "interrupted": .interrupted
        case "check": .check(.rejected)
        case _: nil
        }
    }
}
