import Datagrams
import Glibc
import Observations
import Reports

/// What a run left in its directory, also one that was killed: whatever is there is read, and rows are whole.
package struct RunArchive: Sendable {
    package let directory: String
    package let manifest: JSONValue
    /// Nil: the run did not come to its end.
    package let summary: JSONValue?

    /// - Throws: where the directory holds no run.
    package init(_ directory: String) throws(ArchiveError) {
        var name = directory
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        self.directory = name
        var status = stat()
        guard stat(name, &status) == 0 else {
            throw ArchiveError("\(name): \(String(cString: strerror(errno))); name the directory of a run")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ArchiveError("\(name) is a file; name the directory of a run")
        }
        guard let manifest = try Self.json(name + "/manifest.json") else {
            throw ArchiveError(
                "\(name) holds no run: there is no manifest.json in it"
                    + (access(name + "/sweep.csv", F_OK) == 0 ? "; it is a sweep, name one of its levels" : ""))
        }
        self.manifest = manifest
        summary = try Self.json(name + "/summary.json")
    }

    /// The first request of the scenario; INVITE where nothing says.
    package var firstRequest: String {
        summary?["run"]?["first_request"]?.text ?? firstOfFlow ?? "INVITE"
    }

    /// Of a run that was killed: the first message that its scenario sends.
    private var firstOfFlow: String? {
        manifest["flow"]?["steps"]?.items?.first { $0["kind"]?.text == "send" }?["text"]?.text
    }

    /// Whether there is anything in `rtt.csv`: a run killed at its very start has not even the header.
    package var hasRows: Bool {
        var status = stat()
        return stat(path("rtt.csv"), &status) == 0 && status.st_size > 0
    }

    package func has(_ file: String) -> Bool { access(directory + "/" + file, F_OK) == 0 }

    package func path(_ file: String) -> String { directory + "/" + file }

    /// How `rtt.csv` was read.
    package struct Rows: Sendable, Equatable {
        package var read: UInt64
        /// The run was killed while it wrote its last row.
        package var hasBrokenEnd: Bool

        package init(read: UInt64 = 0, hasBrokenEnd: Bool = false) {
            self.read = read
            self.hasBrokenEnd = hasBrokenEnd
        }
    }

    /// Every row of `rtt.csv`, in the order of the file: that in which calls ended.
    /// - Throws: what `body` throws, and `ArchiveError` for a file that is none.
    @discardableResult
    package func forEachCall(_ body: (CallRecord) throws -> Void) throws -> Rows {
        let path = path("rtt.csv")
        var reader = try LineReader(path)
        var rows = CallRows(areSessions: firstRequest == "INVITE")
        let untagged = try untaggedCalls()
        let isTagged = manifest["call_tag"]?["sent"]?.flag ?? false
        var (line, result) = (0, Rows())
        let rest = try reader.forEachLine { bytes in
            line += 1
            if line == 1 {
                guard Self.isHeader(bytes) else {
                    throw ArchiveError("\(path):1:1: these are not the columns of rtt.csv; is it another tool's file?")
                }
                return true
            }
            guard var call = rows.record(bytes) else {
                throw ArchiveError("\(path):\(line):1: this is no row of rtt.csv")
            }
            call.isTagged = isTagged && !untagged.contains(call.number)
            result.read += 1
            try body(call)
            return true
        }
        if line == 0 { throw ArchiveError("\(path) is empty") }
        result.hasBrokenEnd = rest > 0
        return result
    }

    /// A table read whole; nil where there is none. A last line without its end is left out.
    package func table(_ file: String) throws -> CSVTable? {
        guard has(file) else { return nil }
        let path = path(file)
        var reader = try LineReader(path)
        var fields = FieldRanges()
        var (columns, rows): ([String]?, [[String]]) = (nil, [])
        _ = try reader.forEachLine { bytes in
            fields.split(bytes)
            var texts: [String] = []
            for range in fields.ranges { texts.append(FieldRanges.text(bytes.extracting(range))) }
            if columns == nil { columns = texts } else { rows.append(texts) }
            return true
        }
        return CSVTable(columns: columns ?? [], rows: rows)
    }

    package func intervals() throws -> CSVTable? { try table("intervals.csv") }

    private func untaggedCalls() throws -> Set<UInt64> {
        guard let table = try table("tag_control.csv") else { return [] }
        var calls = Set<UInt64>()
        for row in table.rows.indices where table.text(row, "tagged") == "no" {
            if let number = table.whole(row, "call") { calls.insert(number) }
        }
        return calls
    }

    private static func isHeader(_ line: borrowing Span<UInt8>) -> Bool {
        let wanted = Array(CallRows.columns.joined(separator: ",").utf8)
        guard line.count == wanted.count else { return false }
        for i in wanted.indices where line[i] != wanted[i] { return false }
        return true
    }

    /// Nil where there is no such file.
    private static func json(_ path: String) throws(ArchiveError) -> JSONValue? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw ArchiveError("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw ArchiveError("cannot read \(path): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        do { return try JSONValue(parsing: bytes) } catch {
            throw ArchiveError("\(path) is no JSON: \(reason(error)); it may have been cut off or changed by hand")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
        var text = context.underlyingError.map { "\($0)" } ?? context.debugDescription
        if text.count > 200 { text = context.debugDescription }
        while text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
