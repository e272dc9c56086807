/// Attributes: the part of scenario files that is least like XML.
extension XMLScanner {
    /// Reads up to and including the end of the start tag; true where the tag also closes the element (`/>`).
    mutating func scanAttributes(of element: inout ScenarioXML.Element) -> Bool {
        while true {
            let hadBlank = byte()?.isBlankOrLineEnd ?? true
            skipBlanks()
            guard let next = byte() else {
                findings.warning(
                    "`<\(element.name)` is not closed by `>` before the end of the file", at: element.place)
                return false
            }
            if next == UInt8(ascii: ">") {
                at += 1
                return false
            }
            if next == UInt8(ascii: "<") {
                findings.warning("`<\(element.name)` is not closed by `>` before this", at: at)
                return false
            }
            if next == UInt8(ascii: "/"), takeSelfClosing() { return true }
            if next.isXMLNameStart {
                if !hadBlank { findings.warning("a blank is missing before this attribute", at: at) }
                scanAttribute(of: &element)
            } else {
                skipStray()
            }
        }
    }

    private mutating func takeSelfClosing() -> Bool {
        let slash = at
        at += 1
        skipBlanks()
        if byte() == UInt8(ascii: ">") {
            at += 1
            return true
        }
        at = slash
        return false
    }

    /// `header="Contact":`, `variables="1","A"`: what cannot be an attribute, up to where one may begin.
    private mutating func skipStray() {
        findings.warning("this does not belong to an attribute and is ignored", at: at)
        repeat {
            if let end = quotedEnd() { at = end } else { at += 1 }
        } while isStray
    }

    private var isStray: Bool {
        guard let next = byte() else { return false }
        return !next.isBlankOrLineEnd && !next.isXMLNameStart && next != UInt8(ascii: ">") && next != UInt8(ascii: "<")
            && next != UInt8(ascii: "/")
    }

    /// Where a quote at this place closes: just past its end. Only on the same line, in the same tag, and before
    /// another `=`, which would be swallowed with its attribute.
    private func quotedEnd() -> Int? {
        guard let quote = byte(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        var ahead = 1
        while let next = byte(ahead), next != .newline, next != UInt8(ascii: ">"), next != UInt8(ascii: "<"),
            next != UInt8(ascii: "=")
        {
            ahead += 1
            if next == quote { return at + ahead }
        }
        return nil
    }

    private mutating func scanAttribute(of element: inout ScenarioXML.Element) {
        let place = at
        let name = takeName()
        let end = at
        skipBlanks()
        guard byte() == UInt8(ascii: "=") else {
            at = end
            findings.warning("`\(name)` has no value and is ignored", at: place)
            return
        }
        at += 1
        skipBlanks()
        guard let quote = byte(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            findings.error("the value of `\(name)` must stand in quotes", at: at)
            while let next = byte(), !next.isBlankOrLineEnd, next != UInt8(ascii: ">"), next != UInt8(ascii: "<") {
                at += 1
            }
            return
        }
        let value = scanValue(of: name, quote)
        if element[name] != nil {
            findings.warning("`\(name)` stands here twice: the first one counts", at: place)
        } else {
            element.attributes.append(ScenarioXML.Attribute(name: name, place: place, value: value))
        }
    }

    /// Only the same quote ends a value; `<` and `>` stand for themselves.
    private mutating func scanValue(of name: String, _ quote: UInt8) -> PlacedText {
        let opening = at
        at += 1
        var value = PlacedText(start: at)
        while let next = byte() {
            if next == quote {
                at += 1
                return value
            }
            if next == UInt8(ascii: "\\"), let escaped = byte(1).flatMap(Self.escapes) {
                value.append(escaped, from: at)
                at += 2
            } else if next == UInt8(ascii: "&"), let (bytes, length) = entity() {
                for byte in bytes { value.append(byte, from: at) }
                at += length
            } else {
                if next != .carriageReturn { value.append(next, from: at) }
                at += 1
            }
        }
        findings.error("the value of `\(name)` has no closing quote", at: opening)
        return value
    }

    /// Any other `\c` stays two characters: regular expressions are full of them.
    private static func escapes(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case UInt8(ascii: "n"): .newline
        case UInt8(ascii: "t"): .tab
        case UInt8(ascii: "r"): .carriageReturn
        default: nil
        }
    }

    /// The entity at this `&`, and how many bytes it takes; `nil` where the `&` stands for itself.
    private func entity() -> (bytes: [UInt8], length: Int)? {
        var length = 1
        while let next = byte(length), next.isLetter || next.isDigit || next == UInt8(ascii: "#") {
            length += 1
            if length > Self.longestEntity { return nil }
        }
        guard length > 1, byte(length) == UInt8(ascii: ";") else { return nil }
        let name = String(decoding: source.bytes[at + 1..<at + length], as: UTF8.self)
        guard let scalar = Self.scalar(named: name) else { return nil }
        return (Array(String(Character(scalar)).utf8), length + 1)
    }

    private static func scalar(named name: String) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.hasPrefix("#") else { return nil }
            let digits = name.dropFirst()
            let isHexadecimal = digits.first == "x" || digits.first == "X"
            let value = isHexadecimal ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits, radix: 10)
            // U+0000 is no character of any XML file.
            guard let value, value != 0 else { return nil }
            return Unicode.Scalar(value)
        }
    }

    /// `&#x10FFFF;` without its `;`, and some leading zeros.
    private static let longestEntity = 16
}
