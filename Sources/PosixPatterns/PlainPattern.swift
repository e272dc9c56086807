import Scenarios

/// An expression in which every repetition ends where the next part begins, such as `sip:([^>;]*)` or `[0-9]+`: there is
/// one way only to match it at a place, so that it is followed byte by byte. Most expressions of scenarios are of this
/// kind, and the C library takes some ten thousand instructions for each of them.
///
/// What it cannot say for certain it refuses: alternatives, repeated groups, intervals, back references, and repetitions
/// that could take what follows them. Those are the C library's.
struct PlainPattern: Pattern {
    private struct Item {
        var set: ByteSet
        var atLeastOnce: Bool
        var isUnbounded: Bool
        /// Groups that begin before it, and that end after it.
        var begins: [Int] = []
        var ends: [Int] = []
    }

    private var items: [Item] = []
    /// Groups that end before the first item or begin after the last have no item of their own.
    private var isAtStart = false
    private var isAtEnd = false

    func copied() -> any Pattern { self }

    func matches(_ subject: borrowing Span<UInt8>, _ groups: inout PatternGroups) -> Bool {
        var start = 0
        while true {
            var found = PatternGroups()
            var firstEnd = start
            if match(subject, from: start, &found, &firstEnd) {
                groups = found
                return true
            }
            if isAtStart || start >= subject.count { return false }
            // A first repetition that did not help from here helps from none of the bytes it took.
            start = max(start + 1, items.first?.isUnbounded == true ? firstEnd : 0)
        }
    }

    private func match(
        _ subject: borrowing Span<UInt8>, from start: Int, _ groups: inout PatternGroups, _ firstEnd: inout Int
    ) -> Bool {
        var at = start
        for n in items.indices {
            for group in items[n].begins { groups[group] = at..<at }
            let begin = at
            while at < subject.count, items[n].set.contains(subject[at]) {
                at += 1
                if !items[n].isUnbounded { break }
            }
            if n == 0 { firstEnd = at }
            if at == begin, items[n].atLeastOnce { return false }
            for group in items[n].ends { groups[group] = (groups[group]?.lowerBound ?? at)..<at }
        }
        if isAtEnd, at != subject.count { return false }
        groups[0] = start..<at
        return true
    }

    /// Nil: not of this kind. The text is known to be an expression.
    init?(_ text: [UInt8], ignoringCase: Bool) {
        var at = 0
        var open: [Int] = []
        var opening: [Int] = []
        var groupCount = 0
        if text.first == UInt8(ascii: "^") {
            isAtStart = true
            at = 1
        }
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "("):
                groupCount += 1
                if groupCount >= PatternGroups.limit { return nil }
                open.append(groupCount)
                opening.append(groupCount)
                at += 1
            case UInt8(ascii: ")"):
                // An empty group, or one that may be repeated.
                guard let group = open.popLast(), opening.isEmpty, !items.isEmpty else { return nil }
                at += 1
                if at < text.count, Self.isRepetition(text[at]) { return nil }
                items[items.count - 1].ends.append(group)
            case UInt8(ascii: "$") where at == text.count - 1:
                isAtEnd = true
                at += 1
            default:
                guard let set = ByteSet(text, at: &at) else { return nil }
                var item = Item(set: ignoringCase ? set.withBothCases : set, atLeastOnce: true, isUnbounded: false)
                if at < text.count, Self.isRepetition(text[at]) {
                    switch text[at] {
                    case UInt8(ascii: "*"): (item.atLeastOnce, item.isUnbounded) = (false, true)
                    case UInt8(ascii: "+"): item.isUnbounded = true
                    case UInt8(ascii: "?"): item.atLeastOnce = false
                    default: return nil
                    }
                    at += 1
                    if at < text.count, Self.isRepetition(text[at]) { return nil }
                }
                item.begins = opening
                opening = []
                items.append(item)
            }
        }
        if !open.isEmpty || !opening.isEmpty || items.isEmpty || !isUnambiguous { return nil }
    }

    private static func isRepetition(_ byte: UInt8) -> Bool {
        [UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{")].contains(byte)
    }

    /// No repetition can take what a later part up to the next certain one is to take.
    private var isUnambiguous: Bool {
        for n in items.indices where items[n].isUnbounded || !items[n].atLeastOnce {
            for next in items[(n + 1)...] {
                if !items[n].set.isDisjoint(with: next.set) { return false }
                if next.atLeastOnce { break }
            }
        }
        return true
    }
}

/// Which bytes one part of an expression matches.
struct ByteSet: Sendable {
    private var words = InlineArray<4, UInt64>(repeating: 0)

    init() {}

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }
    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    mutating func remove(_ byte: UInt8) { words[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    func isDisjoint(with other: ByteSet) -> Bool {
        for n in 0..<4 where words[n] & other.words[n] != 0 { return false }
        return true
    }

    var inverted: ByteSet {
        var set = ByteSet()
        for n in 0..<4 { set.words[n] = ~words[n] }
        return set
    }

    var withBothCases: ByteSet {
        var set = self
        for letter in UInt8(ascii: "a")...UInt8(ascii: "z") where contains(letter) || contains(letter - 32) {
            set.insert(letter)
            set.insert(letter - 32)
        }
        return set
    }

    /// One atom of an expression: a byte, an escaped one, `.` or a bracket expression. Nil: none that is understood here.
    init?(_ text: [UInt8], at: inout Int) {
        switch text[at] {
        case UInt8(ascii: "."):
            // Not the zero byte: POSIX leaves that to the C library's syntax, which has it so.
            self = ByteSet().inverted
            remove(0)
            at += 1
        case UInt8(ascii: "["):
            guard let set = Self.bracket(text, at: &at) else { return nil }
            self = set
        case UInt8(ascii: "\\"):
            guard at + 1 < text.count, !Self.isWordByte(text[at + 1]) else { return nil }
            insert(text[at + 1])
            at += 2
        case UInt8(ascii: "^"), UInt8(ascii: "$"), UInt8(ascii: "|"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "]"):
            return nil
        default:
            insert(text[at])
            at += 1
        }
    }

    /// `\w`, `\b`, `\<`, `\1` and the like are the C library's own.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || (48...57).contains(byte)
            || "<>`'_".utf8.contains(byte) || byte >= 0x80
    }

    private static func bracket(_ text: [UInt8], at: inout Int) -> ByteSet? {
        at += 1
        var set = ByteSet()
        var isInverted = false
        if at < text.count, text[at] == UInt8(ascii: "^") {
            isInverted = true
            at += 1
        }
        var isFirst = true
        while at < text.count, isFirst || text[at] != UInt8(ascii: "]") {
            isFirst = false
            let byte = text[at]
            if byte == UInt8(ascii: "["), at + 1 < text.count, [58, 46, 61].contains(text[at + 1]) {
                guard let end = characterClass(text, at, into: &set) else { return nil }
                at = end
                continue
            }
            if at + 2 < text.count, text[at + 1] == UInt8(ascii: "-"), text[at + 2] != UInt8(ascii: "]") {
                let last = text[at + 2]
                guard byte <= last, last != UInt8(ascii: "["), byte < 0x80, last < 0x80 else { return nil }
                for member in byte...last { set.insert(member) }
                at += 3
            } else {
                set.insert(byte)
                at += 1
            }
        }
        guard at < text.count else { return nil }
        at += 1
        return isInverted ? set.inverted : set
    }

    /// `[:digit:]`; gives the place after it.
    private static func characterClass(_ text: [UInt8], _ at: Int, into set: inout ByteSet) -> Int? {
        guard text[at + 1] == UInt8(ascii: ":") else { return nil }
        var end = at + 2
        while end + 1 < text.count, !(text[end] == UInt8(ascii: ":") && text[end + 1] == UInt8(ascii: "]")) { end += 1 }
        guard end + 1 < text.count else { return nil }
        let members: [ClosedRange<UInt8>]
        switch String(decoding: text[(at + 2)..<end], as: UTF8.self) {
        case "digit": members = [48...57]
        case "alpha": members = [65...90, 97...122]
        case "alnum": members = [48...57, 65...90, 97...122]
        case "upper": members = [65...90]
        case "lower": members = [97...122]
        case "space": members = [9...13, 32...32]
        case "blank": members = [9...9, 32...32]
        case "xdigit": members = [48...57, 65...70, 97...102]
        default: return nil
        }
        for range in members { for byte in range { set.insert(byte) } }
        return end + 2
    }
}
