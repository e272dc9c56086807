/// What is wrong with a scenario file: every error found in it, up to `Findings.limit`, not only the first.
package struct ScenarioError: Error, Sendable, CustomStringConvertible {
    /// Errors and the warnings that came with them, in the order of the file.
    package let findings: [ScenarioFinding]
    /// Errors found beyond the limit.
    package let omitted: Int

    package var errors: [ScenarioFinding] { findings.filter { $0.severity == .error } }

    package var description: String {
        var lines = findings.map(\.description)
        if omitted > 0 { lines.append("and \(omitted) more \(omitted == 1 ? "error" : "errors")") }
        return lines.joined(separator: "\n")
    }
}

/// A finding that does not keep the scenario from running.
package typealias ScenarioWarning = ScenarioFinding

/// One error or warning at one place of a scenario file.
package struct ScenarioFinding: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable { case error, warning }

    package let severity: Severity
    package let file: String
    package let position: SourceText.Position
    /// What is wrong, what was expected, and the nearest known name where there is one: one sentence.
    package let message: String
    let excerpt: Excerpt

    init(_ severity: Severity, _ message: String, at offset: Int, in source: SourceText) {
        self.severity = severity
        self.message = message.shown(limit: Self.messageLimit)
        file = source.name
        position = source.position(of: offset)
        excerpt = Excerpt(around: offset, in: source)
    }

    /// Names in a broken file may be as long as the file.
    private static let messageLimit = 240

    /// As the terminal shows it: the sentence, the line, and a caret under the place.
    package var description: String {
        let number = String(position.line)
        let gutter = String(repeating: " ", count: max(0, 6 - number.count)) + number
        let blank = String(repeating: " ", count: gutter.count)
        return """
            \(file):\(position.line):\(position.column): \(severity.rawValue): \(message)
            \(gutter) | \(excerpt.text)
            \(blank) | \(String(repeating: " ", count: excerpt.caret))^
            """
    }
}

extension SourceText.Position: Comparable {
    package static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// The part of a line worth showing, and where the caret stands under it.
///
/// Tabs become blanks, so that the caret stands right whatever the terminal's tab stops are; control characters are
/// never passed on to a terminal.
struct Excerpt: Hashable, Sendable {
    private(set) var text: String
    private(set) var caret: Int

    init(around offset: Int, in source: SourceText) {
        let range = source.lineRange(around: offset)
        // A place may be the end of the line itself.
        let place = min(max(offset, range.lowerBound), range.upperBound)
        var shown: [Character] = []
        Self.append(source.bytes[range.lowerBound..<place], to: &shown)
        let caret = shown.count
        Self.append(source.bytes[place..<range.upperBound], to: &shown)
        (text, self.caret) = Self.cut(shown, around: caret)
    }

    private static func append(_ bytes: ArraySlice<UInt8>, to shown: inout [Character]) {
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if scalar == "\t" {
                repeat { shown.append(" ") } while shown.count % tabWidth != 0
            } else {
                shown.append(scalar.isControl ? "?" : Character(scalar))
            }
        }
    }

    private static func cut(_ shown: [Character], around caret: Int) -> (text: String, caret: Int) {
        if shown.count <= widthLimit { return (String(shown), caret) }
        let start = min(max(0, caret - widthLimit / 2), shown.count - widthLimit)
        let end = start + widthLimit
        let head = start > 0 ? "…" : ""
        let tail = end < shown.count ? "…" : ""
        return (head + String(shown[start..<end]) + tail, caret - start + head.count)
    }

    private static let tabWidth = 4
    /// With the gutter this still fits a terminal of 100 columns.
    private static let widthLimit = 88
}

/// Collects findings while a file is read; the reader goes on after an error to find the next one.
struct Findings {
    let source: SourceText
    private var errors: [ScenarioFinding] = []
    private(set) var warnings: [ScenarioWarning] = []
    private var omitted = 0

    init(_ source: SourceText) { self.source = source }

    var hasErrors: Bool { !errors.isEmpty }

    mutating func error(_ message: String, at offset: Int) {
        if errors.count == Self.limit {
            omitted += 1
        } else {
            errors.append(ScenarioFinding(.error, message, at: offset, in: source))
        }
    }

    mutating func warning(_ message: String, at offset: Int) {
        if warnings.count < Self.limit { warnings.append(ScenarioFinding(.warning, message, at: offset, in: source)) }
    }

    func throwErrors() throws(ScenarioError) {
        if errors.isEmpty { return }
        let findings = (errors + warnings).sorted { $0.position < $1.position }
        throw ScenarioError(findings: findings, omitted: omitted)
    }

    /// Twenty errors fill a screen; further ones are mostly consequences.
    static let limit = 20
}
