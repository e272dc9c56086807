import Datagrams

/// The request methods sipmeter knows by name; every other one is `.other` and kept as text.
package typealias Method = CallTag.Method

extension CallTag.Method {
    /// Recognises a method as a start line or CSeq writes it. Methods are case-sensitive (RFC 3261, 7.1), so
    /// `invite` is `.other`.
    package init(bytes: borrowing Span<UInt8>) {
        self = .other
        if bytes.isEmpty { return }
        let candidate = Self.candidate(count: bytes.count, first: bytes[0])
        if candidate != .other, bytes.equals(candidate.text) { self = candidate }
    }

    /// Empty for `.other`, whose text stands in the message.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .invite: "INVITE"
        case .ack: "ACK"
        case .bye: "BYE"
        case .cancel: "CANCEL"
        case .register: "REGISTER"
        case .options: "OPTIONS"
        case .prack: "PRACK"
        case .subscribe: "SUBSCRIBE"
        case .notify: "NOTIFY"
        case .publish: "PUBLISH"
        case .info: "INFO"
        case .refer: "REFER"
        case .message: "MESSAGE"
        case .update: "UPDATE"
        }
    }

    /// Length and first letter leave one method at most.
    private static func candidate(count: Int, first: UInt8) -> Self {
        switch (count, first) {
        case (3, UInt8(ascii: "A")): .ack
        case (3, UInt8(ascii: "B")): .bye
        case (4, UInt8(ascii: "I")): .info
        case (5, UInt8(ascii: "P")): .prack
        case (5, UInt8(ascii: "R")): .refer
        case (6, UInt8(ascii: "I")): .invite
        case (6, UInt8(ascii: "C")): .cancel
        case (6, UInt8(ascii: "N")): .notify
        case (6, UInt8(ascii: "U")): .update
        case (7, UInt8(ascii: "O")): .options
        case (7, UInt8(ascii: "P")): .publish
        case (7, UInt8(ascii: "M")): .message
        case (8, UInt8(ascii: "R")): .register
        case (9, UInt8(ascii: "S")): .subscribe
        default: .other
        }
    }
}
