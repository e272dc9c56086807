import Datagrams

/// The text of a `send`: literal bytes and keywords, cleaned of the file's layout.
package struct MessageText: Sendable {
    package enum Piece: Sendable {
        case literal([UInt8])
        case keyword(KeywordUse)
    }

    package struct KeywordUse: Sendable {
        package let keyword: Keyword
        /// As written, without brackets, offset and parameters.
        package let name: String
        /// The n of `[name+n]`, 0 without.
        package let offset: Int32
        /// What follows the name: `file="users.csv" line=3`; the values may hold keywords themselves.
        package let parameters: [(name: String, value: MessageText)]
        /// Of the `[`, in the file.
        package let place: Int
    }

    package let pieces: [Piece]
    /// Of the first character, in the file.
    package let place: Int

    /// The text of an attribute: as it stands, but for its keywords.
    init(attribute text: PlacedText, _ findings: inout Findings) {
        place = text.place(0)
        var parser = KeywordParser(text: text)
        pieces = parser.parse(&findings)
    }

    /// Nil where it depends on the call or the run.
    package var constant: [UInt8]? {
        var bytes: [UInt8] = []
        for piece in pieces {
            guard case .literal(let literal) = piece else { return nil }
            bytes += literal
        }
        return bytes
    }

    /// Every keyword, also those inside the parameters of others.
    package var keywords: [KeywordUse] {
        var uses: [KeywordUse] = []
        for case .keyword(let use) in pieces {
            uses.append(use)
            for parameter in use.parameters { uses += parameter.value.keywords }
        }
        return uses
    }

    /// `nil` where nothing is left to send.
    init?(_ cdata: PlacedText, _ findings: inout Findings) {
        guard let cleaned = Self.cleaned(cdata) else { return nil }
        place = cleaned.place(0)
        var parser = KeywordParser(text: cleaned)
        pieces = parser.parse(&findings)
    }

    /// Layout removed as SIPp removes it: nothing before or after the text, no blanks around line ends, an empty line
    /// after the headers, one line end after a body unless the text ran up to `]]>`. Line ends become CRLF.
    static func cleaned(_ text: PlacedText) -> PlacedText? {
        let bytes = text.bytes
        guard let first = bytes.firstIndex(where: { !$0.isBlankOrLineEnd }),
            let last = bytes.lastIndex(where: { !$0.isBlankOrLineEnd })
        else { return nil }
        let hadLineEnd = bytes[(last + 1)...].contains(.newline)
        let lines = text[first..<last + 1].lines
        var cleaned = PlacedText(start: text.place(first))
        for (index, line) in lines.enumerated() {
            if index > 0 { cleaned.appendLineEnd() }
            for byte in line.trimmed { cleaned.append(line.text.bytes[byte], from: line.text.place(byte)) }
        }
        let hasEmptyLine = lines.contains { $0.trimmed.isEmpty }
        if hasEmptyLine {
            if hadLineEnd { cleaned.appendLineEnd() }
        } else {
            cleaned.appendLineEnd()
            cleaned.appendLineEnd()
        }
        return cleaned
    }
}

/// A line of a text and the part of it between the blanks at its ends.
private struct TextLine {
    let text: PlacedText
    let trimmed: Range<Int>

    init(_ text: PlacedText) {
        self.text = text
        let first = text.bytes.firstIndex { !$0.isBlank } ?? 0
        let last = text.bytes.lastIndex { !$0.isBlank } ?? -1
        trimmed = first..<last + 1
    }
}

extension PlacedText {
    fileprivate var lines: [TextLine] {
        var lines: [TextLine] = []
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == .newline {
            lines.append(TextLine(self[start..<index]))
            start = index + 1
        }
        lines.append(TextLine(self[start..<bytes.count]))
        return lines
    }

    fileprivate mutating func appendLineEnd() {
        let offset = place(bytes.count)
        append(.carriageReturn, from: offset)
        append(.newline, from: offset)
    }
}

/// Finds `[keyword]` and `\xNN` in a text.
struct KeywordParser {
    let text: PlacedText
    private var at = 0
    private var pieces: [MessageText.Piece] = []
    private var literal: [UInt8] = []

    init(text: PlacedText) { self.text = text }

    mutating func parse(_ findings: inout Findings) -> [MessageText.Piece] {
        while at < text.bytes.count {
            if text.bytes[at] == UInt8(ascii: "[") {
                takeBracket(&findings)
            } else if let byte = escapedByte {
                literal.append(byte)
                at += 4
            } else {
                literal.append(text.bytes[at])
                at += 1
            }
        }
        flushLiteral()
        return pieces
    }

    private mutating func flushLiteral() {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = []
    }

    /// `\x5b` is a bracket that begins no keyword.
    private var escapedByte: UInt8? {
        guard at + 3 < text.bytes.count, text.bytes[at] == UInt8(ascii: "\\"), text.bytes[at + 1] == UInt8(ascii: "x"),
            let high = text.bytes[at + 2].hexValue, let low = text.bytes[at + 3].hexValue
        else { return nil }
        return high << 4 | low
    }

    private enum Bracket {
        case keyword(Range<Int>)
        /// Another `[` comes first: this one is literal.
        case literal
        case unclosed
    }

    /// What stands between the brackets; those inside `"…"` do not count.
    private func bracket() -> Bracket {
        var isQuoted = false
        for index in at + 1..<text.bytes.count {
            switch text.bytes[index] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "[") where !isQuoted: return .literal
            case UInt8(ascii: "]") where !isQuoted: return .keyword(at + 1..<index)
            default: break
            }
        }
        return .unclosed
    }

    private mutating func takeBracket(_ findings: inout Findings) {
        let place = text.place(at)
        switch bracket() {
        case .literal:
            literal.append(text.bytes[at])
            at += 1
        case .unclosed:
            findings.error("this `[` has no `]`; write \\x5b for the character itself", at: place)
            at += 1
        case .keyword(let range):
            at = range.upperBound + 1
            take(text[range], at: place, &findings)
        }
    }

    private mutating func take(_ inside: PlacedText, at place: Int, _ findings: inout Findings) {
        if inside.isEmpty || inside.bytes.count > Self.longestKeyword {
            let fault = inside.isEmpty ? "is empty" : "has more than \(Self.longestKeyword) characters"
            findings.error("the keyword in these brackets \(fault); write \\x5b for a `[` of the text", at: place)
            return
        }
        let use = Self.keywordUse(inside, at: place, &findings)
        if use.check(&findings) {
            flushLiteral()
            pieces.append(.keyword(use))
        }
    }

    private static func keywordUse(
        _ inside: PlacedText, at place: Int, _ findings: inout Findings
    ) -> MessageText.KeywordUse {
        let bytes = inside.bytes
        var end = bytes.firstIndex { $0.isBlankOrLineEnd } ?? bytes.count
        let parameters = KeywordParameters(end < bytes.count ? inside[end..<bytes.count] : nil).values.map {
            (name: $0.name, value: MessageText(attribute: $0.value, &findings))
        }
        var offset: Int32 = 0
        for index in 0..<max(0, end - 1)
        where (bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")) && bytes[index + 1].isDigit {
            offset = number(bytes[index..<end])
            end = index
            break
        }
        let name = inside[0..<end].string
        return MessageText.KeywordUse(
            keyword: Keyword(name: name), name: name, offset: offset, parameters: parameters, place: place)
    }

    /// A sign and digits; what follows them is cut off too.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int32 {
        var value: Int32 = 0
        for digit in bytes.dropFirst().prefix(while: \.isDigit).prefix(9) {
            value = value * 10 + Int32(digit - UInt8(ascii: "0"))
        }
        return bytes.first == UInt8(ascii: "-") ? -value : value
    }

    /// SIPp's own limit.
    private static let longestKeyword = 256
}

extension MessageText.KeywordUse {
    /// What can be said before the run's `-key` names are known; false where the keyword cannot be used.
    fileprivate func check(_ findings: inout Findings) -> Bool {
        if !keyword.runs {
            findings.error("`[\(shownName)]` is not supported", at: place)
            return false
        }
        if let first = parameters.first, keyword.parameters.isEmpty {
            findings.error("`[\(shownName)]` takes no parameters", at: first.value.place)
            return false
        }
        for parameter in parameters where !keyword.parameters.contains(parameter.name) {
            let near = Suggestion.ending(for: parameter.name, among: keyword.parameters)
            findings.warning(
                "`\(parameter.name.shown(limit: 40))` is not a parameter of `[\(shownName)]` and is ignored\(near)",
                at: parameter.value.place)
        }
        for needed in neededParameters where self[needed] == nil {
            findings.error("`[\(shownName)]` needs `\(needed)=…`", at: place)
            return false
        }
        if offset != 0, !keyword.takesOffset {
            findings.warning(
                "`[\(shownName)]` is not a number: `\(offset > 0 ? "+" : "")\(offset)` is ignored", at: place)
        }
        if case .lastHeader(let header, _) = keyword, header.contains("_") {
            let near = Suggestion.ending(for: name, among: Keyword.Name.allCases.map(\.rawValue))
            findings.warning("no SIP header is called `\(header)`: `[\(shownName)]` will be empty\(near)", at: place)
        }
        return true
    }

    package subscript(parameter: String) -> MessageText? { parameters.first { $0.name == parameter }?.value }

    private var neededParameters: [String] {
        switch keyword {
        case .named(.file): ["name"]
        case .named(.fill): ["variable"]
        case .named, .lastHeader, .key, .variable, .field, .mediaSecurity: []
        }
    }

    var shownName: String { name.shown(limit: 40) }
}
