import Datagrams
import Latency

/// One failed call with its messages: a file of `failures/`, written when it failed and read when it is drawn.
///
///     Call      17
///     Call-ID   ee07aa00.17.7ad
///     Outcome   486
///     Expected  200 (step 3)
///     Received  486 Busy Here
///
///     === 12.345678901 s  sent, 512 bytes
///     INVITE sip:service@192.0.2.5 SIP/2.0
///     …
///
/// Each message stands there to the byte; its length says where it ends.
package struct FailureFile: Sendable, Equatable {
    package struct Message: Sendable, Equatable {
        /// From the run's start.
        package var at: Nanoseconds
        package var isSent: Bool
        package var bytes: [UInt8]

        package init(at: Nanoseconds, isSent: Bool, bytes: [UInt8]) {
            self.at = at
            self.isSent = isSent
            self.bytes = bytes
        }

        /// `INVITE` or `486 Busy Here`.
        package var name: String {
            let line = String(decoding: bytes.prefix { $0 != 13 && $0 != 10 }.prefix(200), as: UTF8.self)
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            if line.hasPrefix("SIP/2.0 ") { return words.dropFirst().joined(separator: " ") }
            return words.first.map(String.init) ?? ""
        }
    }

    /// What is known of the call, in the order it is written.
    package var facts: [(name: String, text: String)]
    package var messages: [Message]

    package init(facts: [(name: String, text: String)], messages: [Message]) {
        self.facts = facts
        self.messages = messages
    }

    package static func == (a: FailureFile, b: FailureFile) -> Bool {
        a.messages == b.messages && a.facts.map(\.name) == b.facts.map(\.name)
            && a.facts.map(\.text) == b.facts.map(\.text)
    }

    package func fact(_ name: String) -> String? { facts.first { $0.name == name }?.text }

    package func append(to buffer: inout ByteBuffer) {
        for fact in facts {
            // A fact is one line, whatever a peer put into it.
            let text = String(
                String.UnicodeScalarView(fact.text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
            buffer.append(text: fact.name.padded(to: 10) + text + "\n")
        }
        for message in messages {
            buffer.append("\n=== ")
            buffer.append(seconds: message.at)
            buffer.append(message.isSent ? " s  sent, " : " s  received, ")
            buffer.append(decimal: UInt64(message.bytes.count))
            buffer.append(" bytes\n")
            buffer.append(message.bytes.span)
            if message.bytes.last != 10 { buffer.append("\n") }
        }
    }

    /// `0001.txt`: of the nth failed call, counted from 1.
    package static func name(_ n: Int) -> String { "\("\(10_000 + n)".dropFirst()).txt" }

    // MARK: Reading

    /// As much as can be read; a file that was cut short loses its last message.
    package init(_ bytes: borrowing Span<UInt8>) {
        self.init(facts: [], messages: [])
        var at = 0
        while at < bytes.count {
            let line = Self.line(bytes, at)
            at = line.upperBound + 1
            if line.isEmpty { continue }
            let text = String(decoding: Self.copy(bytes, line), as: UTF8.self)
            if let head = Self.head(text) {
                guard head.count <= bytes.count - at else { return }
                messages.append(
                    Message(at: head.at, isSent: head.isSent, bytes: Self.copy(bytes, at..<at + head.count)))
                at += head.count
            } else if messages.isEmpty, let blank = text.firstIndex(of: " ") {
                let rest = text[blank...].drop { $0 == " " }
                facts.append((String(text[..<blank]), String(rest)))
            }
        }
    }

    private static func line(_ bytes: borrowing Span<UInt8>, _ from: Int) -> Range<Int> {
        var end = from
        while end < bytes.count, bytes[end] != 10 { end += 1 }
        return from..<end
    }

    private static func copy(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(range.count)
        for i in range { copy.append(bytes[i]) }
        return copy
    }

    private static func head(_ line: String) -> (at: Nanoseconds, isSent: Bool, count: Int)? {
        guard line.hasPrefix("=== "), line.hasSuffix(" bytes") else { return nil }
        let words = line.split(separator: " ")
        guard words.count == 6, let seconds = Double(words[1]), seconds.isFinite, seconds.magnitude < 1e9,
            let count = Int(words[4]), count >= 0
        else { return nil }
        switch words[3] {
        case "sent,": return (Nanoseconds(Int64((seconds * 1e9).rounded())), true, count)
        case "received,": return (Nanoseconds(Int64((seconds * 1e9).rounded())), false, count)
        case _: return nil
        }
    }
}
