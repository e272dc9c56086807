import Datagrams

/// The request methods sipmeter knows by name; every other one is `.other` and kept as text.
package typealias Method = CallTag.Method

extension CallTag.Method {
    /// Recognises a method as a start line or CSeq writes it. Methods are case-sensitive (RFC 3261, 7.1), so
    /// `invite` is `.other`.
    package init(bytes: borrowing Span<UInt8>) {
        self = bytes.isEmpty ? .other : Self.named(bytes.word(at: 0, count: min(bytes.count, 8)))
        if bytes.count > 8 {
            // SUBSCRIBE alone is longer than a word.
            if self != .subscribe || bytes.count != 9 || bytes[8] != UInt8(ascii: "E") { self = .other }
        } else if self == .subscribe {
            self = .other
        }
    }

    /// By the first eight bytes of the text, the first letter lowest: one comparison instead of one a letter.
    private static func named(_ word: UInt64) -> Self {
        switch word {
        case 0x4554_4956_4E49: .invite
        case 0x4B_4341: .ack
        case 0x45_5942: .bye
        case 0x4C45_434E_4143: .cancel
        case 0x5245_5453_4947_4552: .register
        case 0x53_4E4F_4954_504F: .options
        case 0x4B_4341_5250: .prack
        case 0x4249_5243_5342_5553: .subscribe
        case 0x5946_4954_4F4E: .notify
        case 0x48_5349_4C42_5550: .publish
        case 0x4F46_4E49: .info
        case 0x52_4546_4552: .refer
        case 0x45_4741_5353_454D: .message
        case 0x4554_4144_5055: .update
        default: .other
        }
    }
}
