/// The bytes of one scenario file, and the way from an offset in them to a line and a column.
///
/// Bytes, not characters: files in the wild declare one encoding and use another (142 of 265 non-ASCII ones), so they
/// are passed through as they stand.
package struct SourceText: Sendable {
    /// Lines count from 1. Columns count characters from 1; a tab is one character.
    package struct Position: Hashable, Sendable {
        package var line: Int
        package var column: Int
    }

    /// As messages show it: the path the user gave, or the name of a standard scenario.
    package let name: String
    package let bytes: [UInt8]
    private let lineStarts: [Int]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        var starts = [0]
        for offset in bytes.indices where bytes[offset] == .newline { starts.append(offset + 1) }
        lineStarts = starts
    }

    package func position(of offset: Int) -> Position {
        let line = lineIndex(of: offset)
        let before = bytes[lineStarts[line]..<min(offset, bytes.count)]
        return Position(line: line + 1, column: before.count { !$0.isUTF8Continuation } + 1)
    }

    /// The line `offset` stands in, without its line end.
    func lineRange(around offset: Int) -> Range<Int> {
        let line = lineIndex(of: offset)
        var end = line + 1 < lineStarts.count ? lineStarts[line + 1] - 1 : bytes.count
        if end > lineStarts[line], bytes[end - 1] == .carriageReturn { end -= 1 }
        return lineStarts[line]..<end
    }

    private func lineIndex(of offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }
}

/// Text taken out of a scenario file, each byte with the offset it came from: after entities, escapes and clean-up an
/// error still points at its cause.
package struct PlacedText: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var offsets: [Int] = []
    /// Where the text begins in the file, also when it is empty.
    package let start: Int

    init(start: Int) { self.start = start }

    /// `source[range]` without carriage returns.
    init(_ source: SourceText, _ range: Range<Int>) {
        start = range.lowerBound
        for offset in range where source.bytes[offset] != .carriageReturn {
            append(source.bytes[offset], from: offset)
        }
    }

    package var string: String { String(decoding: bytes, as: UTF8.self) }
    package var isEmpty: Bool { bytes.isEmpty }

    /// The offset in the file of byte `index`; just past the end, of what follows.
    package func place(_ index: Int) -> Int {
        if index < offsets.count { return offsets[index] }
        return offsets.last.map { $0 + 1 } ?? start
    }

    mutating func append(_ byte: UInt8, from offset: Int) {
        bytes.append(byte)
        offsets.append(offset)
    }

    subscript(range: Range<Int>) -> PlacedText {
        var part = PlacedText(start: place(range.lowerBound))
        part.bytes = Array(bytes[range])
        part.offsets = Array(offsets[range])
        return part
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let tab = UInt8(ascii: "\t")
    static let space = UInt8(ascii: " ")

    var isUTF8Continuation: Bool { self & 0xC0 == 0x80 }
    var isBlank: Bool { self == .space || self == .tab }
    var isBlankOrLineEnd: Bool { isBlank || self == .newline || self == .carriageReturn }
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    var isLetter: Bool { self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z") }
    var isControl: Bool { self < 0x20 || self == 0x7F }

    var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// RFC 3261, 25.1: what a method or a header name is made of.
    var isToken: Bool {
        isLetter || isDigit
            || [
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "%"), UInt8(ascii: "*"),
                UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "`"), UInt8(ascii: "'"), UInt8(ascii: "~"),
            ].contains(self)
    }
}
