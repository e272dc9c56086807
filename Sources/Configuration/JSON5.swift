/// A place in a file, both from 1; columns are characters.
package struct SourcePlace: Hashable, Sendable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A JSON5 value that knows where it stands, so that whoever finds it wrong can say where.
package struct JSON5Value: Sendable {
    package enum Content: Sendable {
        case null
        case flag(Bool)
        /// As it is written: `400`, `0.5`, `1e3`. A hexadecimal one is given in decimal.
        case number(String)
        case text(String)
        case list([JSON5Value])
        case members([JSON5Member])
    }

    package var content: Content
    package var place: SourcePlace
}

package struct JSON5Member: Sendable {
    package var name: String
    package var place: SourcePlace
    package var value: JSON5Value
}

/// What is not JSON5, and where.
package struct JSON5Error: Error, Equatable, CustomStringConvertible {
    package let place: SourcePlace
    package let sentence: String

    /// `3:17: error: …`
    package var description: String { "\(place.line):\(place.column): error: \(sentence)" }
}

/// Reads JSON5 (json5.org): JSON with comments, trailing commas, names without quotes, single quotes.
///
/// Bounded: deeper than `deepest` is an error, and every byte is looked at once.
package struct JSON5Reader {
    private let scalars: [Unicode.Scalar]
    private var next = 0
    private var place = SourcePlace(line: 1, column: 1)

    private static let deepest = 32

    /// - Throws: for text that is not UTF-8, too.
    package static func read(_ bytes: [UInt8]) throws(JSON5Error) -> JSON5Value {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSON5Error(place: SourcePlace(line: 1, column: 1), sentence: "the file is not UTF-8 text")
        }
        var reader = JSON5Reader(text)
        return try reader.document()
    }

    private init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { next = 1 }
    }

    private mutating func document() throws(JSON5Error) -> JSON5Value {
        try skip()
        let value = try value(depth: 0)
        try skip()
        if let scalar = peek { throw unexpected(scalar, "the file has to end after its closing brace") }
        return value
    }

    // MARK: scalars

    private var peek: Unicode.Scalar? { next < scalars.count ? scalars[next] : nil }
    private var afterNext: Unicode.Scalar? { next + 1 < scalars.count ? scalars[next + 1] : nil }

    @discardableResult private mutating func take() -> Unicode.Scalar? {
        guard next < scalars.count else { return nil }
        let scalar = scalars[next]
        next += 1
        if Self.endsLine(scalar), !(scalar == "\r" && peek == "\n") {
            place = SourcePlace(line: place.line + 1, column: 1)
        } else {
            place.column += 1
        }
        return scalar
    }

    private static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\r" || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    private func wrong(_ sentence: String) -> JSON5Error { JSON5Error(place: place, sentence: sentence) }

    private func unexpected(_ scalar: Unicode.Scalar, _ expected: String) -> JSON5Error {
        wrong("\(Self.shown(scalar)) does not belong here: \(expected)")
    }

    private static func shown(_ scalar: Unicode.Scalar) -> String {
        scalar.value < 0x20 || 0x7F..<0xA0 ~= scalar.value
            ? "the character U+\(String(scalar.value, radix: 16, uppercase: true))" : "\"\(scalar)\""
    }

    /// Blanks and comments.
    private mutating func skip() throws(JSON5Error) {
        while let scalar = peek {
            if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                take()
            } else if scalar == "/", afterNext == "/" {
                while let scalar = peek, !Self.endsLine(scalar) { take() }
            } else if scalar == "/", afterNext == "*" {
                let begun = place
                take()
                take()
                while !(peek == "*" && afterNext == "/") {
                    if take() == nil { throw JSON5Error(place: begun, sentence: "this comment is never closed by */") }
                }
                take()
                take()
            } else {
                return
            }
        }
    }

    // MARK: values

    private mutating func value(depth: Int) throws(JSON5Error) -> JSON5Value {
        if depth > Self.deepest { throw wrong("values stand in each other more than \(Self.deepest) deep") }
        let begun = place
        guard let scalar = peek else { throw wrong("the file ends where a value was to come") }
        let content: JSON5Value.Content
        switch scalar {
        case "{": content = .members(try members(depth: depth))
        case "[": content = .list(try list(depth: depth))
        case "\"", "'": content = .text(try string())
        case "0"..."9", "+", "-", ".": content = .number(try number())
        case _ where Self.beginsName(scalar):
            let word = try name()
            switch word {
            case "null": content = .null
            case "true": content = .flag(true)
            case "false": content = .flag(false)
            case "Infinity", "NaN": throw JSON5Error(place: begun, sentence: "\(word) is no value of any option")
            case _: throw JSON5Error(place: begun, sentence: "text stands in quotes: write \"\(word)\"")
            }
        case _: throw unexpected(scalar, "a value was to come")
        }
        return JSON5Value(content: content, place: begun)
    }

    private mutating func members(depth: Int) throws(JSON5Error) -> [JSON5Member] {
        let begun = place
        take()
        var members: [JSON5Member] = []
        while true {
            try skip()
            guard let scalar = peek else { throw JSON5Error(place: begun, sentence: "this { is never closed") }
            if scalar == "}" { break }
            let at = place
            let name: String
            if scalar == "\"" || scalar == "'" {
                name = try string()
            } else if Self.beginsName(scalar) {
                name = try self.name()
            } else {
                throw unexpected(scalar, "the name of an option was to come, or }")
            }
            if members.contains(where: { $0.name == name }) {
                throw JSON5Error(place: at, sentence: "\"\(name)\" stands here twice")
            }
            try skip()
            guard peek == ":" else { throw wrong("after the name \"\(name)\" a colon has to follow") }
            take()
            try skip()
            members.append(JSON5Member(name: name, place: at, value: try value(depth: depth + 1)))
            if try !comma(before: "}") { break }
        }
        take()
        return members
    }

    private mutating func list(depth: Int) throws(JSON5Error) -> [JSON5Value] {
        let begun = place
        take()
        var items: [JSON5Value] = []
        while true {
            try skip()
            guard let scalar = peek else { throw JSON5Error(place: begun, sentence: "this [ is never closed") }
            if scalar == "]" { break }
            items.append(try value(depth: depth + 1))
            if try !comma(before: "]") { break }
        }
        take()
        return items
    }

    /// Whether something may follow. One comma may stand before the end.
    private mutating func comma(before end: Unicode.Scalar) throws(JSON5Error) -> Bool {
        try skip()
        if peek == "," {
            take()
            return true
        }
        if peek == end { return false }
        guard let scalar = peek else { throw wrong("the file ends where \"\(end)\" was to come") }
        throw unexpected(scalar, "a comma or \"\(end)\" was to come")
    }

    private static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isXIDStart || scalar == "_" || scalar == "$"
    }

    /// ECMAScript's identifiers, and `-` inside: option names have it.
    private mutating func name() throws(JSON5Error) -> String {
        var name = String.UnicodeScalarView()
        while let scalar = peek, scalar.properties.isXIDContinue || scalar == "_" || scalar == "$" || scalar == "-" {
            name.append(scalar)
            take()
        }
        return String(name)
    }

    private mutating func number() throws(JSON5Error) -> String {
        let begun = place
        var text = ""
        while let scalar = peek, scalar.isASCII,
            scalar.properties.isAlphabetic || "+-.0123456789".unicodeScalars.contains(scalar)
        {
            text.unicodeScalars.append(scalar)
            take()
        }
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        if digits.lowercased().hasPrefix("0x"), let value = UInt64(digits.dropFirst(2), radix: 16) {
            return (isNegative ? "-" : "") + "\(value)"
        }
        guard let first = digits.first, first.isNumber || first == ".", digits != ".", let value = Double(digits),
            value.isFinite
        else {
            throw JSON5Error(
                place: begun, sentence: "\(text) is no number; text with a unit stands in quotes: \"\(text)\"")
        }
        return (isNegative ? "-" : "") + digits
    }

    private mutating func string() throws(JSON5Error) -> String {
        let begun = place
        let quote = take()
        var text = String.UnicodeScalarView()
        while true {
            guard let scalar = peek, scalar != "\n", scalar != "\r" else {
                throw JSON5Error(place: begun, sentence: "this text is never closed by its quote")
            }
            if scalar == quote { break }
            take()
            if scalar == "\\" { if let escaped = try escape() { text.append(escaped) } } else { text.append(scalar) }
        }
        take()
        return String(text)
    }

    /// Nil: a line that goes on.
    private mutating func escape() throws(JSON5Error) -> Unicode.Scalar? {
        let begun = place
        guard let scalar = take() else { throw wrong("the file ends in a text") }
        switch scalar {
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        case "0" where !(peek.map { ("0"..."9").contains($0) } ?? false): return "\0"
        case "x": return try hexadecimal(2, begun)
        case "u": return try unicode(begun)
        case "1"..."9", "0": throw JSON5Error(place: begun, sentence: "\\\(scalar) is no escape of JSON5")
        case "\r":
            if peek == "\n" { take() }
            return nil
        case _ where Self.endsLine(scalar): return nil
        case _: return scalar
        }
    }

    private mutating func unicode(_ begun: SourcePlace) throws(JSON5Error) -> Unicode.Scalar {
        let first = try digits(4, begun)
        if let scalar = Unicode.Scalar(first) { return scalar }
        // UTF-16: the other half has to follow.
        guard 0xD800..<0xDC00 ~= first, peek == "\\", afterNext == "u" else {
            throw JSON5Error(place: begun, sentence: "half a surrogate pair is no character")
        }
        take()
        take()
        let second = try digits(4, begun)
        guard 0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSON5Error(place: begun, sentence: "half a surrogate pair is no character") }
        return scalar
    }

    private mutating func hexadecimal(_ count: Int, _ begun: SourcePlace) throws(JSON5Error) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(try digits(count, begun)) else {
            throw JSON5Error(place: begun, sentence: "that is no character")
        }
        return scalar
    }

    private mutating func digits(_ count: Int, _ begun: SourcePlace) throws(JSON5Error) -> UInt32 {
        var text = ""
        for _ in 0..<count { if let scalar = take() { text.unicodeScalars.append(scalar) } }
        guard text.utf8.count == count, !text.hasPrefix("+"), !text.hasPrefix("-"), let value = UInt32(text, radix: 16)
        else { throw JSON5Error(place: begun, sentence: "\(count) hexadecimal digits have to follow") }
        return value
    }
}
