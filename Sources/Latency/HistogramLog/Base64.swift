/// RFC 4648, 4: with padding, without line breaks.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = rest.prefix(3)
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let digit = Int(word >> UInt32(18 - 6 * place) & 63)
                text.append(place <= group.count ? digits[digit] : padding)
            }
            rest = rest.dropFirst(3)
        }
        return text
    }

    /// Nil where it is not such a text.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (word, places, padded) = (UInt32(0), 0, 0)
        for digit in text {
            if digit == padding {
                padded += 1
                word <<= 6
            } else {
                guard padded == 0, let value = value(of: digit) else { return nil }
                word = word << 6 | value
            }
            places += 1
            guard places == 4 else { continue }
            guard padded <= 2 else { return nil }
            for place in 0..<3 - padded { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * place))) }
            // Nothing follows a padded group.
            if padded > 0 { padded = 3 }
            (word, places) = (0, 0)
        }
        return places == 0 ? bytes : nil
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        case _: nil
        }
    }
}
