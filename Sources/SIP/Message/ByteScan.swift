// Looking for bytes eight at a time. A header line is 40 bytes on average and is looked at once for its end, so this is
// most of what parsing costs; all unsafe loads of the parser stand here.

/// Eight bytes compared at once (the classic zero-in-word test). A hit above the first one may be false, the lowest
/// never is, so only the lowest is used.
enum EightBytes {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080
    /// OR makes ASCII letters lower case and leaves digits, `-`, `/`, `.` and the blank as they are.
    static let lowerCase: UInt64 = 0x2020_2020_2020_2020

    /// The lowest `count` (1 ... 8) bytes.
    @inline(__always)
    static func mask(count: Int) -> UInt64 { UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count) }

    @inline(__always)
    static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let x = word ^ (ones &* UInt64(byte))
        return (x &- ones) & ~x & highBits
    }

    /// Bytes from 0 to 0x20: blanks and controls.
    @inline(__always)
    static func blanks(_ word: UInt64) -> UInt64 { (word &- ones &* 0x21) & ~word & highBits }
}

extension Span<UInt8> {
    /// The eight bytes from `index` on, the first one lowest. Must lie inside.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        // The load is bounds-checked, and every bit pattern is an integer.
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// The same without the check, for a loop that made it once for its whole range (`checkRange`).
    @inline(__always)
    private func uncheckedWord(at index: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
    }

    @inline(__always)
    private func checkRange(_ start: Int, _ end: Int) {
        precondition(start >= 0 && end <= count, "a scan must stay inside the datagram")
    }

    /// The first `count` (1 ... 8) bytes from `index` on, the others zero.
    @inline(__always)
    func word(at index: Int, count n: Int) -> UInt64 {
        if index &+ 8 <= self.count { return word(at: index) & EightBytes.mask(count: n) }
        var result: UInt64 = 0
        for i in 0..<n { result |= UInt64(self[index + i]) << UInt64(8 * i) }
        return result
    }

    /// The first place of `byte` in `start ..< end`, else `end`.
    @inline(__always)
    func firstIndex(of byte: UInt8, from start: Int, to end: Int) -> Int {
        checkRange(start, end)
        var i = start
        while i &+ 8 <= end {
            let hits = EightBytes.matches(uncheckedWord(at: i), byte)
            if hits != 0 { return i &+ hits.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < end, self[i] != byte { i &+= 1 }
        return i
    }

    /// The first `;`, `,`, `other`, blank or control character in `start ..< end`, else `end`: where a token ends.
    @inline(__always)
    func endOfToken(from start: Int, to end: Int, or other: UInt8 = UInt8(ascii: ";")) -> Int {
        checkRange(start, end)
        var i = start
        while i &+ 8 <= end {
            let word = uncheckedWord(at: i)
            let hits =
                EightBytes.matches(word, UInt8(ascii: ";")) | EightBytes.matches(word, UInt8(ascii: ","))
                | EightBytes.matches(word, other) | EightBytes.blanks(word)
            if hits != 0 { return i &+ hits.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < end, self[i] != UInt8(ascii: ";"), self[i] != UInt8(ascii: ","), self[i] != other, self[i] > 0x20 {
            i &+= 1
        }
        return i
    }

    /// The first `<`, `"`, `;` or `,` in `start ..< end`, else `end`: what decides of a name address.
    @inline(__always)
    func endOfDisplayName(from start: Int, to end: Int) -> Int {
        checkRange(start, end)
        var i = start
        while i &+ 8 <= end {
            let word = uncheckedWord(at: i)
            let hits =
                EightBytes.matches(word, UInt8(ascii: "<")) | EightBytes.matches(word, UInt8(ascii: "\""))
                | EightBytes.matches(word, UInt8(ascii: ";")) | EightBytes.matches(word, UInt8(ascii: ","))
            if hits != 0 { return i &+ hits.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < end, self[i] != UInt8(ascii: "<"), self[i] != UInt8(ascii: "\""), self[i] != UInt8(ascii: ";"),
            self[i] != UInt8(ascii: ",")
        { i &+= 1 }
        return i
    }

    /// Past blanks, tabs and the line ends of folding.
    @inline(__always)
    func skipBlanks(from start: Int, to end: Int) -> Int {
        var i = start
        while i < end, self[i].isLinearBlank { i &+= 1 }
        return i
    }

    /// `end` without the blanks before it.
    @inline(__always)
    func trimBlanks(from start: Int, to end: Int) -> Int {
        var i = end
        while i > start, self[i &- 1].isLinearBlank { i &-= 1 }
        return i
    }

    /// `start` stands on an opening quote; gives the place after the closing one, or nil. RFC 3261, 25.1: a backslash
    /// escapes the byte after it.
    func endOfQuotedString(from start: Int, to end: Int) -> Int? {
        var i = start + 1
        while i < end {
            if self[i] == UInt8(ascii: "\"") { return i + 1 }
            i += self[i] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    func equals(_ text: StaticString) -> Bool {
        if count != text.utf8CodeUnitCount { return false }
        for i in 0..<count where unsafe self[i] != text.utf8Start[i] { return false }
        return true
    }

    /// Equal but for the case of ASCII letters.
    func equalsIgnoringCase(_ other: borrowing Span<UInt8>) -> Bool {
        if count != other.count { return false }
        for i in 0..<count where self[i].asciiLowercased != other[i].asciiLowercased { return false }
        return true
    }
}

extension UInt8 {
    static let lineFeed: UInt8 = 10
    static let carriageReturn: UInt8 = 13
    static let space: UInt8 = 32
    static let tab: UInt8 = 9

    @inline(__always) var isBlank: Bool { self == Self.space || self == Self.tab }

    /// Blank within a folded header (RFC 3261, 25.1: LWS).
    @inline(__always) var isLinearBlank: Bool {
        // One comparison for all the bytes that are none.
        self <= Self.space
            && (self == Self.space || self == Self.tab || self == Self.carriageReturn || self == Self.lineFeed)
    }

    @inline(__always) var digitValue: Int? { self >= 48 && self <= 57 ? Int(self) - 48 : nil }
    @inline(__always) var asciiLowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}
