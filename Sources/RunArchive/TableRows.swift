extension RunArchive {
    /// A table piece by piece, each of at most `most` rows: a table with a row for every retransmission may be more than
    /// the memory. A last line without its end is left out. Nothing where there is no such file.
    package func forEachPiece(of file: String, most: Int = 4096, _ body: (CSVTable) throws -> Void) throws {
        guard has(file) else { return }
        let path = path(file)
        var reader = try LineReader(path)
        var fields = FieldRanges()
        var (columns, rows): ([String]?, [[String]]) = (nil, [])
        _ = try reader.forEachLine { bytes in
            fields.split(bytes)
            var texts: [String] = []
            for range in fields.ranges { texts.append(FieldRanges.text(bytes.extracting(range))) }
            guard let columns else {
                columns = texts
                return true
            }
            rows.append(texts)
            if rows.count == most {
                try body(CSVTable(columns: columns, rows: rows))
                rows.removeAll(keepingCapacity: true)
            }
            return true
        }
        if let columns, !rows.isEmpty { try body(CSVTable(columns: columns, rows: rows)) }
    }
}
