/// How a screen is drawn: nothing of it carries meaning alone.
package struct ScreenStyle: Sendable {
    package var hasColour: Bool
    /// Block elements for the sparkline; else ASCII.
    package var hasBlocks: Bool

    package init(hasColour: Bool, hasBlocks: Bool = true) {
        self.hasColour = hasColour
        self.hasBlocks = hasBlocks
    }
}

/// One line of a screen, cut to its width whatever stands in it.
struct ScreenLine {
    enum Tone { case plain, faint, strong, good, doubtful, bad, accent }

    private(set) var columns = 0
    private var spans: [(text: String, tone: Tone)] = []

    init(_ text: String = "", _ tone: Tone = .plain) { if !text.isEmpty { add(text, tone) } }

    mutating func add(_ text: String, _ tone: Tone = .plain) {
        let clean = Self.printable(text)
        columns += clean.screenColumns
        spans.append((clean, tone))
    }

    /// Blanks up to this column.
    mutating func pad(to column: Int) {
        if columns < column { add(String(repeating: " ", count: column - columns)) }
    }

    func text(width: Int, _ style: ScreenStyle) -> String {
        var text = ""
        var left = width
        for (n, span) in spans.enumerated() {
            let isLast = n == spans.count - 1
            var piece = span.text
            if piece.screenColumns > left || piece.screenColumns == left && !isLast && hasText(after: n) {
                piece = piece.cutOnScreen(to: left, marked: true)
            }
            left -= piece.screenColumns
            text += style.hasColour ? Self.coloured(piece, span.tone) : piece
            if left <= 0 { break }
        }
        return text
    }

    private func hasText(after n: Int) -> Bool {
        spans[(n + 1)...].contains { $0.text.unicodeScalars.contains { $0 != " " } }
    }

    private static func coloured(_ text: String, _ tone: Tone) -> String {
        let code =
            switch tone {
            case .plain: ""
            case .faint: "2"
            case .strong: "1"
            case .good: "32"
            case .doubtful: "33"
            case .bad: "31"
            case .accent: "36"
            }
        return code.isEmpty || text.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// What would move the cursor, ring or switch the terminal's ways is shown as a question mark.
    private static func printable(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: scalars.append("?")
            case _: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}

extension String {
    /// Never too few: what might be wide counts as wide.
    var screenColumns: Int { unicodeScalars.reduce(0) { $0 + $1.screenColumns } }

    func cutOnScreen(to width: Int, marked: Bool) -> String {
        var kept = String.UnicodeScalarView()
        var left = width - (marked ? 1 : 0)
        if left < 0 { return "" }
        for scalar in unicodeScalars {
            left -= scalar.screenColumns
            if left < 0 { break }
            kept.append(scalar)
        }
        return String(kept) + (marked ? "~" : "")
    }

    func left(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - screenColumns)) }
    func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - screenColumns)) + self }
}

extension Unicode.Scalar {
    /// From U+1100 on there are wide characters; the block elements and what is below U+2E80 are narrow.
    fileprivate var screenColumns: Int { (0x1100..<0x1200).contains(value) || value >= 0x2E80 ? 2 : 1 }
}
