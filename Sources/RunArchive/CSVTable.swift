/// A small table read whole: its columns are found by name, so that one more of them breaks no reader.
package struct CSVTable: Sendable {
    package let columns: [String]
    package private(set) var rows: [[String]]
    private let indices: [String: Int]

    package init(columns: [String], rows: [[String]]) {
        self.columns = columns
        self.rows = rows
        indices = Dictionary(columns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package func index(of column: String) -> Int? { indices[column] }

    /// Empty where the column or the field is not there.
    package func text(_ row: Int, _ column: String) -> String {
        guard let i = indices[column], i < rows[row].count else { return "" }
        return rows[row][i]
    }

    /// Nil for undefined.
    package func double(_ row: Int, _ column: String) -> Double? { Double(text(row, column)) }
    package func whole(_ row: Int, _ column: String) -> UInt64? { UInt64(text(row, column)) }
}
