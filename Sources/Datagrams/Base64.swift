/// RFC 4648, 4: with padding, without line breaks.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    package static func encode(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
        let digits = digits
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var next = 0
        while next < bytes.count {
            let left = bytes.count - next
            var word = UInt32(bytes[next]) << 16
            if left > 1 { word |= UInt32(bytes[next + 1]) << 8 }
            if left > 2 { word |= UInt32(bytes[next + 2]) }
            text.append(digits[Int(word >> 18)])
            text.append(digits[Int(word >> 12 & 63)])
            text.append(left > 1 ? digits[Int(word >> 6 & 63)] : padding)
            text.append(left > 2 ? digits[Int(word & 63)] : padding)
            next += 3
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
