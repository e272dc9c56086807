import Datagrams

/// A file of values for the calls (SIPp's `-inf`): lines of cells, one line for each call.
///
/// Line 1 says which: `SEQUENTIAL`, `RANDOM` or `USER`, and with `,PRINTF=n` that n lines are made from those there are.
/// Cells are separated by `;` without quoting; a `#` in column 1 begins a comment; reading stops at the first empty line.
package struct Injection: Sendable {
    package enum Order: Hashable, Sendable { case sequential, random, user }

    private struct Printed: Sendable {
        var lines: Int
        var offset: Int64
        var multiple: Int64
    }

    private struct Line: Sendable {
        var firstCell: Int
        var cellCount: Int
    }

    /// As the user gave it; keywords name it by its last component.
    package let name: String
    package private(set) var order = Order.sequential
    private var bytes: [UInt8] = []
    /// Start and end of each cell in `bytes`.
    private var cells: [Range<Int>] = []
    private var lines: [Line] = []
    private var printed: Printed?
    private var keyColumn: Int?
    private var lineOfKey: [[UInt8]: Int] = [:]

    package var lineCount: Int { printed?.lines ?? lines.count }
    package var columnCount: Int { lines.map(\.cellCount).max() ?? 0 }

    package static let sizeLimit = 256 << 20

    package static func read(_ bytes: [UInt8], name: String) throws(ScenarioError) -> Injection {
        let source = SourceText(name: name, bytes: bytes.count > sizeLimit ? [] : bytes)
        var findings = Findings(source)
        if bytes.count > sizeLimit {
            findings.error("the file has more than \(sizeLimit >> 20) MiB: this is no injection file", at: 0)
        }
        var injection = Injection(name: name)
        injection.read(source, &findings)
        try findings.throwErrors()
        return injection
    }

    private init(name: String) { self.name = name }

    private mutating func read(_ source: SourceText, _ findings: inout Findings) {
        bytes = source.bytes
        var start = 0
        var isFirst = true
        while start < bytes.count {
            var end = bytes[start...].firstIndex(of: .newline) ?? bytes.count
            let next = end + 1
            if end > start, bytes[end - 1] == .carriageReturn { end -= 1 }
            if isFirst {
                readHead(start..<end, &findings)
                isFirst = false
            } else if start == end {
                break
            } else if bytes[start] != UInt8(ascii: "#") {
                addLine(start..<end)
            }
            start = next
        }
        if isFirst {
            findings.error("the file is empty: its first line is SEQUENTIAL, RANDOM or USER", at: 0)
        } else if lines.isEmpty, !findings.hasErrors {
            findings.error("the file has no line of values after its first", at: 0)
        }
    }

    private mutating func readHead(_ range: Range<Int>, _ findings: inout Findings) {
        let words = String(decoding: bytes[range], as: UTF8.self)
        if words.contains("SEQUENTIAL") {
            order = .sequential
        } else if words.contains("RANDOM") {
            order = .random
        } else if words.contains("USER") {
            order = .user
        } else {
            findings.error(
                "the first line of an injection file is SEQUENTIAL, RANDOM or USER, not \(words.quoted)",
                at: range.lowerBound)
        }
        var values: [String: Int64] = [:]
        for part in words.split(separator: ",").dropFirst() {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let value = Int64(String(sides[1]).trimmed) else {
                findings.error(
                    "\(String(part).quoted) is not PRINTF=n, PRINTFOFFSET=n or PRINTFMULTIPLE=n", at: range.lowerBound)
                continue
            }
            values[String(sides[0]).trimmed] = value
        }
        guard let count = values["PRINTF"] else { return }
        guard count > 0, count <= Int64(Int32.max) else {
            findings.error("PRINTF is a number of lines above 0, not \(count)", at: range.lowerBound)
            return
        }
        printed = Printed(
            lines: Int(count), offset: values["PRINTFOFFSET"] ?? 0, multiple: values["PRINTFMULTIPLE"] ?? 1)
    }

    private mutating func addLine(_ range: Range<Int>) {
        var line = Line(firstCell: cells.count, cellCount: 0)
        var start = range.lowerBound
        while true {
            let end = bytes[start..<range.upperBound].firstIndex(of: UInt8(ascii: ";")) ?? range.upperBound
            cells.append(start..<end)
            line.cellCount += 1
            if end == range.upperBound { break }
            start = end + 1
        }
        lines.append(line)
    }

    // MARK: values

    /// The line of this call. `user` counts from 1; 0 where the run has no users.
    package func line(ofCall number: UInt64, user: UInt32, seed: UInt64) -> Int {
        let count = UInt64(max(lineCount, 1))
        switch order {
        case .sequential: return Int((max(number, 1) - 1) % count)
        case .random:
            var random = SeededGenerator(seed: seed ^ number &* 0x9E37_79B9_7F4A_7C15)
            return Int(random.next() % count)
        // Without users the call itself is the user.
        case .user: return Int((user > 0 ? UInt64(user) - 1 : max(number, 1) - 1) % count)
        }
    }

    /// Appends a cell; nothing where the line or the column does not exist.
    package func append(column: Int, line: Int, to out: inout ByteBuffer) {
        guard line >= 0, line < lineCount, !lines.isEmpty else { return }
        let real = lines[line % lines.count]
        guard column < real.cellCount else { return }
        let cell = cells[real.firstCell + column]
        guard let printed else {
            for i in cell { out.append(bytes[i]) }
            return
        }
        append(cell, number: printed.offset + Int64(line) * printed.multiple, to: &out)
    }

    /// `%d`, `%04d`: the number of the line; `%%` a percent sign; anything else as it stands.
    private func append(_ cell: Range<Int>, number: Int64, to out: inout ByteBuffer) {
        var i = cell.lowerBound
        while i < cell.upperBound {
            guard bytes[i] == UInt8(ascii: "%"), i + 1 < cell.upperBound else {
                out.append(bytes[i])
                i += 1
                continue
            }
            if bytes[i + 1] == UInt8(ascii: "%") {
                out.append(bytes[i])
                i += 2
                continue
            }
            var j = i + 1
            let fill: UInt8 = bytes[j] == UInt8(ascii: "0") ? UInt8(ascii: "0") : .space
            var width = 0
            while j < cell.upperBound, bytes[j].isDigit, width < 1000 {
                width = width * 10 + Int(bytes[j] - UInt8(ascii: "0"))
                j += 1
            }
            guard j < cell.upperBound, bytes[j] == UInt8(ascii: "d") else {
                out.append(bytes[i])
                i += 1
                continue
            }
            let digits = String(number)
            for _ in 0..<max(0, min(width, 1000) - digits.utf8.count) { out.append(fill) }
            out.append(text: digits)
            i = j + 1
        }
    }

    // MARK: keys

    /// `-infindex`: lines are found by this column from now on; of two with the same key the later one.
    package mutating func index(column: Int) {
        keyColumn = column
        lineOfKey = [:]
        for line in 0..<min(lineCount, Self.keyLimit) { remember(line) }
    }

    /// Lines that PRINTF makes may be thousands of millions: those after it have no key.
    private static let keyLimit = 1 << 20

    package var isIndexed: Bool { keyColumn != nil }

    private mutating func remember(_ line: Int) {
        guard let keyColumn else { return }
        lineOfKey[text(column: keyColumn, line: line)] = line
    }

    private func text(column: Int, line: Int) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 64)
        append(column: column, line: line, to: &buffer)
        return Array(buffer.storage[..<buffer.count])
    }

    package func line(ofKey key: [UInt8]) -> Int? { lineOfKey[key] }

    /// Adds a line at the end: of this copy of the file, in memory.
    package mutating func insert(_ text: [UInt8]) {
        let start = bytes.count
        bytes += text
        addLine(start..<bytes.count)
        if printed == nil { remember(lineCount - 1) }
    }

    package mutating func replace(line: Int, with text: [UInt8]) {
        guard printed == nil, lines.indices.contains(line) else { return }
        if let keyColumn { lineOfKey[self.text(column: keyColumn, line: line)] = nil }
        let start = bytes.count
        bytes += text
        addLine(start..<bytes.count)
        lines[line] = lines.removeLast()
        remember(line)
    }

    /// Whether a keyword's `file="users.csv"` means this file.
    func isCalled(_ text: String) -> Bool {
        name == text || name.split(separator: "/").last.map(String.init) == text
    }
}
