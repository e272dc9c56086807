/// The head of an HTTP/1.x request, as far as a server that only shows something needs to know it.
package struct HTTPRequest: Sendable, Equatable {
    package enum Refusal: Error, Sendable, Equatable {
        /// 400, with the reason.
        case malformed(String)
        /// 431: the head goes on after `mostBytes`.
        case tooLarge
        /// 505.
        case version
    }

    package var method: String
    /// Without the query.
    package var path: String
    /// Names in small letters, in their order.
    package var fields: [(name: String, value: String)]

    /// A browser's head has a kilobyte or two.
    package static let mostBytes = 8192

    /// Nil: the head is not complete yet.
    package static func parse(_ bytes: [UInt8]) throws(Refusal) -> HTTPRequest? {
        guard let end = endOfHead(bytes) else {
            if bytes.count >= mostBytes { throw .tooLarge }
            return nil
        }
        if end > mostBytes { throw .tooLarge }
        for byte in bytes[..<end] where byte == 0 || byte >= 0x80 {
            throw .malformed("the head holds bytes that are no ASCII")
        }
        var lines = String(decoding: bytes[..<end], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)[...]
        guard let first = lines.popFirst() else { throw .malformed("there is no request line") }
        var request = try requestLine(first)
        for line in lines where !line.isEmpty { request.fields.append(try field(line)) }
        return request
    }

    /// Of the field, where it stands there just once.
    package func value(of name: String) -> String? {
        let found = fields.filter { $0.name == name }
        return found.count == 1 ? found[0].value : nil
    }

    package func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    /// After the empty line.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for i in 0...(bytes.count - 4)
        where bytes[i] == 13 && bytes[i + 1] == 10 && bytes[i + 2] == 13 && bytes[i + 3] == 10 { return i + 4 }
        return nil
    }

    private static func requestLine(_ line: Substring) throws(Refusal) -> HTTPRequest {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(isToken) else {
            throw .malformed("the request line is none")
        }
        guard words[2].hasPrefix("HTTP/") else { throw .malformed("the request line is none") }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { throw .version }
        // Only the origin form: this is no proxy.
        guard words[1].hasPrefix("/"), words[1].unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 }) else {
            throw .malformed("the target of the request is no path")
        }
        let path = words[1].prefix { $0 != "?" }
        return HTTPRequest(method: String(words[0]), path: String(path), fields: [])
    }

    private static func field(_ line: Substring) throws(Refusal) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: ":") else { throw .malformed("a header field has no colon") }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(isToken) else { throw .malformed("a header field has no name") }
        let value = line[line.index(after: colon)...]
        guard value.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value < 127 || $0.value == 9 }) else {
            throw .malformed("a header field holds control characters")
        }
        return (name.lowercased(), trimmed(value))
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }

    private static func isToken(_ character: Character) -> Bool {
        guard character.isASCII else { return false }
        return character.isLetter || character.isNumber || "!#$%&'*+-.^_`|~".contains(character)
    }

    package static func == (a: HTTPRequest, b: HTTPRequest) -> Bool {
        a.method == b.method && a.path == b.path
            && a.fields.elementsEqual(b.fields) { $0.name == $1.name && $0.value == $1.value }
    }
}
