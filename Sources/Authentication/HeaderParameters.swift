import Datagrams

/// Walks the value of a WWW-Authenticate, Proxy-Authenticate, Authorization or Proxy-Authorization header.
///
///     Digest realm="a", nonce="b", Basic realm="c"      schemes and their parameters, in one comma-separated list
///
/// RFC 7235, 2.1 lets one header hold several challenges. What makes no sense is skipped up to the next comma.
struct HeaderParameters {
    enum Element {
        /// A new challenge begins.
        case scheme(Range<Int>)
        /// `value` is without its quotes, its escapes still in it.
        case parameter(name: Range<Int>, value: Range<Int>, isQuoted: Bool)
    }

    private var position: Int
    private let end: Int

    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next(in bytes: borrowing Span<UInt8>) -> Element? {
        while position < end {
            skip(in: bytes) { $0.isListBlank || $0 == UInt8(ascii: ",") }
            let word = position
            skip(in: bytes) {
                !$0.isListBlank && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\"")
            }
            let name = word..<position
            skip(in: bytes) { $0.isListBlank }
            if position < end, bytes[position] == UInt8(ascii: "=") {
                position += 1
                skip(in: bytes) { $0.isListBlank }
                let value = takeValue(in: bytes)
                if !name.isEmpty, let value { return .parameter(name: name, value: value.0, isQuoted: value.isQuoted) }
            } else if !name.isEmpty {
                return .scheme(name)
            } else if position < end {
                // A quote without a name.
                _ = takeValue(in: bytes)
            }
        }
        return nil
    }

    /// Nil for a quoted string without its end.
    private mutating func takeValue(in bytes: borrowing Span<UInt8>) -> (Range<Int>, isQuoted: Bool)? {
        guard position < end, bytes[position] == UInt8(ascii: "\"") else {
            let start = position
            skip(in: bytes) { !$0.isListBlank && $0 != UInt8(ascii: ",") }
            return (start..<position, false)
        }
        let start = position + 1
        var i = start
        while i < end, bytes[i] != UInt8(ascii: "\"") { i += bytes[i] == UInt8(ascii: "\\") ? 2 : 1 }
        guard i < end else {
            position = end
            return nil
        }
        position = i + 1
        return (start..<i, true)
    }

    private mutating func skip(in bytes: borrowing Span<UInt8>, while condition: (UInt8) -> Bool) {
        while position < end, condition(bytes[position]) { position += 1 }
    }
}

extension UInt8 {
    /// Blank within a list, line ends of folding included (RFC 3261, 25.1: LWS).
    var isListBlank: Bool { self == 32 || self == 9 || self == 13 || self == 10 }
}

extension ByteBuffer {
    /// The text a quoted string stands for: a backslash gives the byte after it (RFC 3261, 25.1).
    mutating func append(unescaping text: borrowing Span<UInt8>, isQuoted: Bool = true) {
        guard isQuoted else { return append(text) }
        var i = 0
        while i < text.count {
            if text[i] == UInt8(ascii: "\\"), i + 1 < text.count { i += 1 }
            append(text[i])
            i += 1
        }
    }

    /// The quoted string that stands for `text`, with its quotes. CR, LF and NUL cannot stand in one: they are left out.
    mutating func append(quoting text: borrowing Span<UInt8>) {
        append(UInt8(ascii: "\""))
        for i in 0..<text.count {
            let byte = text[i]
            if byte == 13 || byte == 10 || byte == 0 { continue }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { append(UInt8(ascii: "\\")) }
            append(byte)
        }
        append(UInt8(ascii: "\""))
    }
}
