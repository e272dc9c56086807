/// The XML of scenario files as it is met in the wild: 15 % of public ones are not well formed, and all but a few of
/// those have always been run by somebody.
///
/// What is taken that XML forbids: `<` in a value, an attribute twice (the first wins), `\"` in a value, `--` in a
/// comment, a bare `&`, missing blanks and stray characters between attributes, a start tag without `>`, text after
/// the root, a file that ends with elements open. What cannot be guessed is an error with its place. Entities declared
/// by a DOCTYPE are never expanded, nothing is ever fetched.
package enum ScenarioXML {
    package struct Element: Sendable {
        package let name: String
        /// Offset of the `<`.
        package let place: Int
        package internal(set) var attributes: [Attribute] = []
        package internal(set) var children: [Element] = []
        /// CDATA sections, verbatim but for carriage returns.
        package internal(set) var texts: [PlacedText] = []
        /// Offset of the first character outside tags and CDATA that is not blank.
        package internal(set) var strayText: Int?

        package subscript(name: String) -> Attribute? { attributes.first { $0.name == name } }
    }

    package struct Attribute: Sendable {
        package let name: String
        /// Offset of the name; the value's own is `value.start`.
        package let place: Int
        /// Entities and escapes decoded.
        package let value: PlacedText
    }

    /// The root element; `nil` where there is none, with the reason among the findings.
    static func scan(_ source: SourceText, _ findings: inout Findings) -> Element? {
        var scanner = XMLScanner(source: source, findings: findings)
        let root = scanner.scan()
        findings = scanner.findings
        return root
    }

    /// A scenario needs four levels (scenario, send, action, ereg); the bound keeps recursion over a tree safe.
    static let depthLimit = 32
}

struct XMLScanner {
    let source: SourceText
    var findings: Findings
    var at = 0
    private var open: [ScenarioXML.Element] = []
    private var root: ScenarioXML.Element?
    private var saidTextAfterRoot = false

    init(source: SourceText, findings: Findings) {
        self.source = source
        self.findings = findings
    }

    var atEnd: Bool { at >= source.bytes.count }

    mutating func scan() -> ScenarioXML.Element? {
        if looks(at: "\u{FEFF}") { at += 3 }
        while true {
            skipText()
            if atEnd { break }
            scanMarkup()
        }
        closeAtEnd()
        return root
    }

    func looks(at text: String) -> Bool {
        byte() == text.utf8.first && source.bytes[at...].starts(with: text.utf8)
    }

    func byte(_ ahead: Int = 0) -> UInt8? { at + ahead < source.bytes.count ? source.bytes[at + ahead] : nil }

    mutating func skipBlanks() {
        while let next = byte(), next.isBlankOrLineEnd { at += 1 }
    }

    mutating func takeName() -> String {
        let start = at
        while let next = byte(), next.isXMLName { at += 1 }
        return String(decoding: source.bytes[start..<at], as: UTF8.self)
    }

    private mutating func skipText() {
        while let next = byte(), next != UInt8(ascii: "<") {
            if !next.isBlankOrLineEnd { noteText() }
            at += 1
        }
    }

    private mutating func noteText() {
        if open.isEmpty {
            if root != nil { warnAfterRoot(at: at) }
        } else if open[open.count - 1].strayText == nil {
            open[open.count - 1].strayText = at
        }
    }

    private mutating func warnAfterRoot(at place: Int) {
        if saidTextAfterRoot { return }
        saidTextAfterRoot = true
        findings.warning("what follows the end of the scenario is ignored", at: place)
    }

    private mutating func scanMarkup() {
        if looks(at: "<!--") {
            skipPast("-->", from: 4, "comment")
        } else if looks(at: "<![CDATA[") {
            scanCDATA()
        } else if looks(at: "<?") {
            skipPast("?>", from: 2, "processing instruction")
        } else if looks(at: "<!") {
            skipDeclaration()
        } else if looks(at: "</") {
            scanEndTag()
        } else if let next = byte(1), next.isXMLNameStart {
            scanStartTag()
        } else {
            findings.error("expected the name of an element right after `<`", at: at)
            at += 1
        }
    }

    private mutating func skipPast(_ end: String, from first: Int, _ what: String) {
        let start = at
        at += first
        while !atEnd, !looks(at: end) { at += 1 }
        if atEnd {
            findings.warning("this \(what) is not closed by `\(end)` before the end of the file", at: start)
        } else {
            at += end.utf8.count
        }
    }

    private mutating func scanCDATA() {
        let start = at
        at += "<![CDATA[".utf8.count
        let first = at
        while !atEnd, !looks(at: "]]>") { at += 1 }
        if atEnd {
            findings.error("this text is not closed by `]]>` before the end of the file", at: start)
            return
        }
        if !open.isEmpty { open[open.count - 1].texts.append(PlacedText(source, first..<at)) }
        at += 3
    }

    /// DOCTYPE and the declarations inside it: skipped, quotes and `[ ]` respected.
    private mutating func skipDeclaration() {
        let start = at
        var depth = 0
        var quote: UInt8?
        while let next = byte() {
            at += 1
            if let open = quote {
                if next == open { quote = nil }
            } else if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
                quote = next
            } else if next == UInt8(ascii: "[") {
                depth += 1
            } else if next == UInt8(ascii: "]") {
                depth -= 1
            } else if next == UInt8(ascii: ">"), depth <= 0 {
                return
            }
        }
        findings.warning("this declaration is not closed by `>` before the end of the file", at: start)
    }

    private mutating func scanStartTag() {
        let place = at
        at += 1
        var element = ScenarioXML.Element(name: takeName(), place: place)
        if open.isEmpty, root != nil { warnAfterRoot(at: place) }
        let isClosed = scanAttributes(of: &element)
        if open.count == ScenarioXML.depthLimit {
            findings.error("elements are nested more than \(ScenarioXML.depthLimit) deep", at: place)
            at = source.bytes.count
            return
        }
        open.append(element)
        if isClosed { closeInnermost() }
    }

    private mutating func scanEndTag() {
        let place = at
        at += 2
        let name = takeName()
        skipBlanks()
        if byte() == UInt8(ascii: ">") {
            at += 1
        } else {
            findings.warning("`</\(name)` is not closed by `>`", at: place)
            while let next = byte(), next != UInt8(ascii: "<"), next != UInt8(ascii: ">") { at += 1 }
            if byte() == UInt8(ascii: ">") { at += 1 }
        }
        close(name, at: place)
    }

    private mutating func close(_ name: String, at place: Int) {
        guard let innermost = open.last else {
            findings.error("`</\(name)>` ends an element that was not begun", at: place)
            return
        }
        if innermost.name != name {
            let line = source.position(of: innermost.place).line
            findings.error(
                "`</\(name)>` stands where `</\(innermost.name)>` is expected (`<\(innermost.name)>` is open since line \(line))",
                at: place)
            guard let match = open.lastIndex(where: { $0.name == name }) else { return }
            while open.count > match + 1 { closeInnermost() }
        }
        closeInnermost()
    }

    private mutating func closeInnermost() {
        let element = open.removeLast()
        if !open.isEmpty {
            open[open.count - 1].children.append(element)
        } else if root == nil {
            root = element
        }
    }

    private mutating func closeAtEnd() {
        if let innermost = open.last {
            findings.warning("`<\(innermost.name)>` is still open at the end of the file", at: innermost.place)
        }
        while !open.isEmpty { closeInnermost() }
    }
}

extension UInt8 {
    var isXMLNameStart: Bool { isLetter || self == UInt8(ascii: "_") || self >= 0x80 }
    var isXMLName: Bool {
        isXMLNameStart || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: ".") || self == UInt8(ascii: ":")
    }
}
