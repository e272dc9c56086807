/// A table: a caption, named columns, and rows whose first cell names them.
package struct HTMLTable {
    package struct Column {
        package var title: String
        /// Set to the right, digits below digits.
        package var isNumber: Bool

        package static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
        package static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
    }

    package enum Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        case text(String)
        /// In a fixed-width face: a name, a message.
        case code(String)
        /// To a file beside the report.
        case link(to: String, String)
        /// A mark that a colour goes with; the word says it all.
        case mark(HTMLMark, String)

        package init(stringLiteral text: String) { self = .text(text) }
    }

    package var caption: String
    package var columns: [Column]
    package var rows: [[Cell]] = []

    package init(_ caption: String, _ columns: [Column]) {
        self.caption = caption
        self.columns = columns
    }

    package mutating func add(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "a cell for each column")
        rows.append(cells)
    }
}

/// How something turned out, beside the word that says so.
package enum HTMLMark: Sendable { case good, doubtful, bad }

extension HTMLWriter {
    /// Nothing where it has no rows.
    package mutating func table(_ table: HTMLTable) {
        if table.rows.isEmpty { return }
        raw("<div class=\"wide\"><table>\n")
        if !table.caption.isEmpty { element("caption", table.caption) }
        raw("<thead><tr>")
        for column in table.columns {
            raw(column.isNumber ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">")
            text(column.title)
            raw("</th>")
        }
        raw("</tr></thead>\n<tbody>\n")
        for row in table.rows {
            raw("<tr>")
            for (place, cell) in row.enumerated() { append(cell, table.columns[place], isHead: place == 0) }
            raw("</tr>\n")
        }
        raw("</tbody></table></div>\n")
    }

    private mutating func append(_ cell: HTMLTable.Cell, _ column: HTMLTable.Column, isHead: Bool) {
        switch (isHead, column.isNumber) {
        case (true, true): raw("<th scope=\"row\" class=\"n\">")
        case (true, false): raw("<th scope=\"row\">")
        case (false, true): raw("<td class=\"n\">")
        case (false, false): raw("<td>")
        }
        switch cell {
        case .text(let text): self.text(text)
        case .code(let text):
            raw("<code>")
            self.text(text)
            raw("</code>")
        case .link(let path, let text): link(to: path, text)
        case .mark(let mark, let text): self.mark(mark, text)
        }
        raw(isHead ? "</th>" : "</td>")
    }

    package mutating func mark(_ mark: HTMLMark, _ text: String) {
        switch mark {
        case .good: raw("<b class=\"good\">")
        case .doubtful: raw("<b class=\"doubtful\">")
        case .bad: raw("<b class=\"bad\">")
        }
        self.text(text)
        raw("</b>")
    }
}
