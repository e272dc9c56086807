import Datagrams

/// Numbers as people read them, without a locale and without Foundation. Undefined is the caller's business: nothing
/// here ever prints NaN, because nothing here takes it.
package enum DecimalText {
    /// Milliseconds with four significant digits and at least microsecond grain below 10 ms: `0.213`, `43.12`, `380.1`,
    /// `32000`.
    package static func milliseconds(_ length: Nanoseconds) -> String {
        let magnitude = length.rawValue.magnitude
        // The limits lie half a digit low, so that 9.9996 becomes 10.00 and not 10.000.
        let decimals =
            if magnitude < 9_999_500 { 3 } else if magnitude < 99_995_000 { 2 } else if magnitude < 999_950_000 {
                1
            } else { 0 }
        return fixed(length, unit: 1_000_000, decimals: decimals)
    }

    /// `unit` in nanoseconds. Rounds half away from zero, in integers.
    package static func fixed(_ length: Nanoseconds, unit: UInt64, decimals: Int) -> String {
        let scale = powers[decimals]
        // Past 2^64 the scaled value would not fit; there the decimals are noise anyway.
        let (product, overflow) = length.rawValue.magnitude.multipliedReportingOverflow(by: scale)
        if overflow { return fixed(length, unit: unit, decimals: 0) }
        let rounded = product / unit + (product % unit >= (unit + 1) / 2 ? 1 : 0)
        return (length.rawValue < 0 && rounded != 0 ? "-" : "") + fixed(rounded, scale: scale, decimals: decimals)
    }

    /// `value` must be finite.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        precondition(value.isFinite, "a number to print must be finite")
        let scale = powers[decimals]
        let scaled = (value.magnitude * Double(scale)).rounded()
        guard scaled < 1e18 else { return "\(value)" }
        return (value < 0 && scaled != 0 ? "-" : "") + fixed(UInt64(scaled), scale: scale, decimals: decimals)
    }

    /// At most three decimals, none that are zero: a rate as the user typed it.
    package static func trimmed(_ value: Double, decimals: Int = 3) -> String {
        var text = fixed(value, decimals: decimals)
        guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
        while text.utf8.last == UInt8(ascii: "0") { text.removeLast() }
        if text.utf8.last == UInt8(ascii: ".") { text.removeLast() }
        return text
    }

    /// `6,000`: for pictures, not for files that a program reads.
    package static func grouped(_ value: UInt64) -> String {
        let digits = Array("\(value)".utf8)
        var text: [UInt8] = []
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i) % 3 == 0 { text.append(UInt8(ascii: ",")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func fixed(_ scaled: UInt64, scale: UInt64, decimals: Int) -> String {
        let whole = "\(scaled / scale)"
        if decimals == 0 { return whole }
        let fraction = "\(scaled % scale)"
        return whole + "." + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
    }

    private static let powers: [UInt64] = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ]
}
