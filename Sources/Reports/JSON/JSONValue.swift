import Datagrams
import Latency

/// A JSON value whose objects keep their order, so that files read the same every time and a diff shows what changed.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case count(UInt64)
    /// Written with at most this many decimals; null when not finite.
    case number(Double, decimals: Int)
    case string(String)
    /// Three decimals (nine for seconds): whole nanoseconds, written without a binary fraction in between. Null for
    /// undefined.
    case microseconds(Nanoseconds?)
    case seconds(Nanoseconds?)
    case array([JSONValue])
    case object([(String, JSONValue)])

    package static func optional(_ number: Double?, decimals: Int) -> JSONValue {
        number.map { .number($0, decimals: decimals) } ?? .null
    }

    /// Two blanks a level, one member a line, ends with a line feed.
    package func write(to buffer: inout ByteBuffer) {
        write(to: &buffer, depth: 0)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// Without blanks or line feeds, for a stream.
    package func writeOnOneLine(to buffer: inout ByteBuffer) {
        switch self {
        case .array(let items):
            buffer.append("[")
            for (i, item) in items.enumerated() {
                if i > 0 { buffer.append(",") }
                item.writeOnOneLine(to: &buffer)
            }
            buffer.append("]")
        case .object(let members):
            buffer.append("{")
            for (i, member) in members.enumerated() {
                if i > 0 { buffer.append(",") }
                Self.write(member.0, to: &buffer)
                buffer.append(":")
                member.1.writeOnOneLine(to: &buffer)
            }
            buffer.append("}")
        case .null, .bool, .integer, .count, .number, .string, .microseconds, .seconds: write(to: &buffer, depth: 0)
        }
    }

    private func write(to buffer: inout ByteBuffer, depth: Int) {
        switch self {
        case .null: buffer.append("null")
        case .bool(let flag): buffer.append(flag ? "true" : "false")
        case .integer(let value): buffer.append(text: "\(value)")
        case .count(let value): buffer.append(decimal: value)
        case .number(let value, let decimals):
            if value.isFinite {
                buffer.append(text: DecimalText.trimmed(value, decimals: decimals))
            } else {
                buffer.append("null")
            }
        case .microseconds(let length?): buffer.append(microseconds: length)
        case .seconds(let length?): buffer.append(seconds: length)
        case .microseconds(nil), .seconds(nil): buffer.append("null")
        case .string(let text): Self.write(text, to: &buffer)
        case .array(let items):
            Self.write("[", "]", items.count, depth, to: &buffer) { buffer, i in
                items[i].write(to: &buffer, depth: depth + 1)
            }
        case .object(let members):
            Self.write("{", "}", members.count, depth, to: &buffer) { buffer, i in
                Self.write(members[i].0, to: &buffer)
                buffer.append(": ")
                members[i].1.write(to: &buffer, depth: depth + 1)
            }
        }
    }

    private static func write(
        _ open: StaticString, _ close: StaticString, _ count: Int, _ depth: Int, to buffer: inout ByteBuffer,
        item: (inout ByteBuffer, Int) -> Void
    ) {
        buffer.append(open)
        for i in 0..<count {
            buffer.append(i == 0 ? "\n" : ",\n")
            indent(depth + 1, &buffer)
            item(&buffer, i)
        }
        if count > 0 {
            buffer.append("\n")
            indent(depth, &buffer)
        }
        buffer.append(close)
    }

    private static func indent(_ depth: Int, _ buffer: inout ByteBuffer) {
        for _ in 0..<depth { buffer.append("  ") }
    }

    /// RFC 8259, 7: what must be escaped is, everything else stays UTF-8.
    private static func write(_ text: String, to buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case 0x08: buffer.append("\\b")
            case 0x09: buffer.append("\\t")
            case 0x0A: buffer.append("\\n")
            case 0x0C: buffer.append("\\f")
            case 0x0D: buffer.append("\\r")
            case 0..<0x20:
                buffer.append("\\u")
                buffer.append(hex: UInt64(byte), width: 4)
            default: buffer.append(byte)
            }
        }
        buffer.append(UInt8(ascii: "\""))
    }
}
