import Datagrams
import SIP

/// Typed values of attributes; a value that does not fit is a finding at the value's place.
extension ScenarioReader {
    mutating func required(_ name: String, of element: ScenarioXML.Element) -> PlacedText? {
        guard let attribute = element[name], !attribute.value.isEmpty else {
            findings.error("`\(element.name)` needs `\(name)`", at: element[name]?.place ?? element.place)
            return nil
        }
        return attribute.value
    }

    /// Whole milliseconds, at most 2^31 - 1 (24 days).
    mutating func milliseconds(_ attribute: ScenarioXML.Attribute) -> Nanoseconds? {
        guard let value = Self.wholeNumber(attribute.value.string) else {
            expectedMilliseconds(attribute)
            return nil
        }
        return .milliseconds(Int64(value))
    }

    mutating func expectedMilliseconds(_ attribute: ScenarioXML.Attribute) {
        findings.error(
            "`\(attribute.name)` is a time in milliseconds, not \(attribute.value.string.quoted)",
            at: attribute.value.start)
    }

    mutating func flag(_ attribute: ScenarioXML.Attribute) -> Bool {
        switch attribute.value.string.lowercased() {
        case "true", "1": return true
        case "false", "0": return false
        default:
            findings.error(
                "`\(attribute.name)` is true or false, not \(attribute.value.string.quoted)", at: attribute.value.start)
            return false
        }
    }

    mutating func presence(_ attribute: ScenarioXML.Attribute) -> Instruction.Receive.Presence {
        switch attribute.value.string {
        case "true": return .optional
        case "false": return .mandatory
        case "global": return .globallyOptional
        default:
            findings.error(
                "`optional` is true, false or global, not \(attribute.value.string.quoted)", at: attribute.value.start)
            return .mandatory
        }
    }

    /// Any text; `true` is the name "1", `false` none.
    mutating func responseTimeName(_ attribute: ScenarioXML.Attribute) -> Scenario.Placed<String>? {
        switch attribute.value.string {
        case "false": return nil
        case "true": return Scenario.Placed(value: "1", place: attribute.value.start)
        case "":
            findings.error("`\(attribute.name)` needs the name of a response time", at: attribute.value.start)
            return nil
        case let name: return Scenario.Placed(value: name, place: attribute.value.start)
        }
    }

    /// `value="10, 20"`: ascending, each once.
    mutating func borders(of element: ScenarioXML.Element) -> [Int] {
        guard let value = required("value", of: element) else { return [] }
        var borders: Set<Int> = []
        var start = 0
        for part in value.string.split(separator: ",", omittingEmptySubsequences: false) {
            if let border = Self.wholeNumber(String(part)) {
                borders.insert(border)
            } else {
                let blanks = part.utf8.prefix { $0.isBlankOrLineEnd }.count
                findings.error(
                    "`\(element.name)` is a list of milliseconds such as \"10, 20\", not \(String(part).trimmed.quoted)",
                    at: value.place(start + blanks))
            }
            start += part.utf8.count + 1
        }
        return borders.sorted()
    }

    /// Digits with blanks around them, at most 2^31 - 1.
    static func wholeNumber(_ text: String) -> Int? {
        let digits = text.trimmed
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit), let value = Int32(digits) else { return nil }
        return Int(value)
    }

    static func status(_ text: String) -> UInt16? {
        guard let value = wholeNumber(text), (100...699).contains(value) else { return nil }
        return UInt16(value)
    }
}

extension Method {
    static let names = allCases.filter { $0 != .other }.map { "\($0.text)" }

    /// Case-sensitive (RFC 3261, 7.1).
    init(name: String) {
        let bytes = Array(name.utf8)
        self.init(bytes: bytes.span)
    }
}

extension String {
    /// Without blanks and line ends around it.
    var trimmed: String {
        let bytes = Array(utf8)
        guard let first = bytes.firstIndex(where: { !$0.isBlankOrLineEnd }),
            let last = bytes.lastIndex(where: { !$0.isBlankOrLineEnd })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }
}
