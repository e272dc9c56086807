/// Lines as they stand on a terminal, the cursor on the line below: how to get back to the first of them.
package struct PaintedBlock: Sendable, Equatable {
    /// Of each line, in columns.
    private let widths: [Int]

    package init(_ lines: [String]) { widths = lines.map { Self.columns($0) } }

    /// A terminal that became narrower has broken the lines that no longer fit into several.
    ///
    /// - Parameter columns: of the terminal as it is now; nil: it does not say.
    package func rows(in columns: Int?) -> Int {
        guard let columns, columns > 0 else { return widths.count }
        return widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
    }

    /// Without the colours.
    private static func columns(_ line: String) -> Int {
        var count = 0
        var isInSequence = false
        for scalar in line.unicodeScalars {
            if isInSequence {
                isInSequence = scalar != "m"
            } else if scalar == "\u{1B}" {
                isInSequence = true
            } else {
                count += String(scalar).screenColumns
            }
        }
        return count
    }
}
