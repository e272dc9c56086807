import Glibc

/// A file line by line, in pieces of a megabyte: a run's rows may be more than the memory.
struct LineReader: ~Copyable {
    private let descriptor: Int32
    private var chunk = [UInt8](repeating: 0, count: 1 << 20)
    /// What of the chunk is not given out yet.
    private var from = 0
    private var end = 0
    private var isAtEnd = false

    init(_ path: String) throws(ArchiveError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        // Taken at once: what is undone on the way out sets another.
        let error = errno
        if descriptor < 0 { throw ArchiveError("cannot read \(path): \(String(cString: strerror(error)))") }
    }

    deinit { close(descriptor) }

    /// Calls `body` with each whole line, without its line feed; true while it wants more. What follows the last line
    /// feed is no row: its writer was killed. Returns how many bytes that was.
    mutating func forEachLine(_ body: (borrowing Span<UInt8>) throws -> Bool) throws -> Int {
        while true {
            var at = from
            while at < end, chunk[at] != 10 { at += 1 }
            if at < end {
                let line = from..<at
                from = at + 1
                if try !body(chunk.span.extracting(line)) { return 0 }
            } else if !fill() {
                return end - from
            }
        }
    }

    /// Moves the rest to the front and reads on; a line longer than the chunk makes it grow. False at the end.
    private mutating func fill() -> Bool {
        if isAtEnd { return false }
        if from > 0 {
            chunk.replaceSubrange(0..<(end - from), with: chunk[from..<end])
            end -= from
            from = 0
        }
        if end == chunk.count { chunk += [UInt8](repeating: 0, count: chunk.count) }
        let limit = chunk.count
        let start = end
        let count = chunk.withUnsafeMutableBytes { bytes in
            while true {
                let n = read(descriptor, bytes.baseAddress! + start, limit - start)
                if n >= 0 || errno != EINTR { return n }
            }
        }
        if count <= 0 {
            isAtEnd = true
            return false
        }
        end += count
        return true
    }
}

/// The fields of one line of a CSV file: RFC 4180 with a comma, quotes only where needed.
struct FieldRanges {
    private(set) var ranges: [Range<Int>] = []

    mutating func split(_ line: borrowing Span<UInt8>) {
        ranges.removeAll(keepingCapacity: true)
        var (start, isQuoted) = (0, false)
        for i in 0..<line.count {
            if line[i] == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if line[i] == UInt8(ascii: ","), !isQuoted {
                ranges.append(start..<i)
                start = i + 1
            }
        }
        ranges.append(start..<line.count)
    }

    /// A field's text, its quotes undone.
    static func text(_ field: borrowing Span<UInt8>) -> String {
        let quote = UInt8(ascii: "\"")
        var bytes: [UInt8] = []
        let isQuoted = field.count >= 2 && field[0] == quote
        var i = isQuoted ? 1 : 0
        let end = isQuoted ? field.count - 1 : field.count
        while i < end {
            bytes.append(field[i])
            i += field[i] == quote && isQuoted ? 2 : 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
