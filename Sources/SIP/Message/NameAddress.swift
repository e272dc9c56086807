/// `"display name" <uri>;parameters` or `uri;parameters` (RFC 3261, 20.10), as places in a datagram.
///
/// Quoted strings and angle brackets are respected: a display name may contain `;tag=` and commas.
struct NameAddress: BitwiseCopyable {
    /// Without angle brackets; without the header parameters where there are none.
    var uri: ByteRange
    /// Where the first `;` of the header parameters may stand.
    var parameters: Int

    /// Reads the value that begins at `start`. Nil: no URI, or an open quote or angle bracket.
    @inline(__always)
    static func parse(_ bytes: borrowing Span<UInt8>, from start: Int, to end: Int) -> NameAddress? {
        var i = bytes.skipBlanks(from: start, to: end)
        let first = i
        while true {
            i = bytes.endOfDisplayName(from: i, to: end)
            if i == end { return bareURI(bytes, from: first, to: end) }
            switch bytes[i] {
            case UInt8(ascii: "<"):
                let open = i &+ 1
                let close = bytes.firstIndex(of: UInt8(ascii: ">"), from: open, to: end)
                if close == end { return nil }
                let uri = bytes.skipBlanks(from: open, to: close)
                let uriEnd = bytes.trimBlanks(from: uri, to: close)
                if uri == uriEnd { return nil }
                return NameAddress(uri: ByteRange(uri, uriEnd), parameters: close &+ 1)
            case UInt8(ascii: "\""):
                guard let next = bytes.endOfQuotedString(from: i, to: end) else { return nil }
                i = next
            default:
                // RFC 3261, 20: without angle brackets, parameters belong to the header, not to the URI.
                return bareURI(bytes, from: first, to: i)
            }
        }
    }

    private static func bareURI(_ bytes: borrowing Span<UInt8>, from start: Int, to end: Int) -> NameAddress? {
        let uriEnd = bytes.trimBlanks(from: start, to: end)
        if uriEnd == start || bytes[start] == UInt8(ascii: "\"") { return nil }
        return NameAddress(uri: ByteRange(start, uriEnd), parameters: end)
    }
}

/// One `;name=value`. The name's case is as written.
struct Parameter: BitwiseCopyable {
    var name: ByteRange
    /// Empty also where there is no `=`. A quoted value keeps its quotes.
    var value: ByteRange
}

extension Span<UInt8> {
    /// The parameter at `position` (blanks before its `;` are skipped), which moves past it. Nil at a comma, at the end,
    /// or at anything else that is not a `;`.
    @inline(__always)
    func nextParameter(at position: inout Int, to end: Int) -> Parameter? {
        var i = skipBlanks(from: position, to: end)
        guard i < end, self[i] == UInt8(ascii: ";") else { return nil }
        i = skipBlanks(from: i &+ 1, to: end)
        let name = i
        i = endOfToken(from: i, to: end, or: UInt8(ascii: "="))
        let nameRange = ByteRange(name, i)
        let mark = skipBlanks(from: i, to: end)
        guard mark < end, self[mark] == UInt8(ascii: "=") else {
            position = i
            return Parameter(name: nameRange, value: .empty)
        }
        let value = skipBlanks(from: mark &+ 1, to: end)
        if value < end, self[value] == UInt8(ascii: "\"") {
            i = endOfQuotedString(from: value, to: end) ?? end
        } else {
            i = endOfToken(from: value, to: end)
        }
        position = i
        return Parameter(name: nameRange, value: ByteRange(value, i))
    }

    /// The next comma outside quotes and angle brackets in `start ..< end`, else `end`.
    func endOfListItem(from start: Int, to end: Int) -> Int {
        var i = start
        var insideBrackets = false
        while i < end {
            switch self[i] {
            case UInt8(ascii: ",") where !insideBrackets: return i
            case UInt8(ascii: "<"): insideBrackets = true
            case UInt8(ascii: ">"): insideBrackets = false
            case UInt8(ascii: "\"") where !insideBrackets:
                guard let next = endOfQuotedString(from: i, to: end) else { return end }
                i = next &- 1
            default: break
            }
            i &+= 1
        }
        return end
    }

    /// Compares a place with a lower-case ASCII name of at most eight bytes, packed the same way.
    @inline(__always)
    func isName(_ range: ByteRange, _ name: PackedName) -> Bool {
        if Int(range.count) != name.count { return false }
        let mask = EightBytes.mask(count: name.count)
        return word(at: Int(range.start), count: name.count) | (EightBytes.lowerCase & mask) == name.word
    }
}

/// A lower-case name of one to eight bytes as one word, its first letter lowest. Written as numbers, because only those
/// are constants to the compiler.
struct PackedName: BitwiseCopyable {
    var word: UInt64
    var count: Int

    static let tag = PackedName(word: 0x67_6174, count: 3)
    static let lr = PackedName(word: 0x726C, count: 2)
    static let branch = PackedName(word: 0x6863_6E61_7262, count: 6)
    static let rport = PackedName(word: 0x74_726F_7072, count: 5)
    static let received = PackedName(word: 0x6465_7669_6563_6572, count: 8)
}
