extension String {
    /// A user's text inside a message.
    var quoted: String { "\"\(shown(limit: 40))\"" }

    /// On one line, of bounded length, without control characters.
    func shown(limit: Int) -> String {
        var text = ""
        for scalar in unicodeScalars.prefix(limit) { text.unicodeScalars.append(scalar.isControl ? "?" : scalar) }
        return unicodeScalars.count > limit ? text + "…" : text
    }
}

extension Unicode.Scalar {
    /// C0 and C1: what could give orders to a terminal.
    var isControl: Bool { value < 0x20 || 0x7F..<0xA0 ~= value }
}
