import Datagrams

/// How SIPp writes times and rates.
package struct SippClock: Sendable {
    /// Local time less UTC.
    package var offset: Nanoseconds

    package init(offset: Nanoseconds) { self.offset = offset }

    /// `2026-11-24<TAB>16:51:56.575339<TAB>1795539116.575339`.
    package func appendTimeCell(_ instant: WallInstant, to target: inout ByteBuffer) {
        appendDate(instant, separator: UInt8(ascii: "\t"), to: &target)
        target.append(UInt8(ascii: "\t"))
        let microseconds = instant.nanoseconds / 1000
        target.append(decimal: UInt64(max(microseconds, 0) / 1_000_000))
        target.append(UInt8(ascii: "."))
        target.append(padded: UInt64(max(microseconds, 0) % 1_000_000), width: 6)
    }

    /// `2026-11-24 16:51:56.575339`, with another byte for the blank.
    package func appendDate(_ instant: WallInstant, separator: UInt8, to target: inout ByteBuffer) {
        let microseconds = max((instant.nanoseconds + offset.rawValue) / 1000, 0)
        let (day, time) = microseconds.quotientAndRemainder(dividingBy: 86_400_000_000)
        let date = Self.civil(day: day)
        target.append(padded: UInt64(date.year), width: 4)
        target.append(UInt8(ascii: "-"))
        target.append(padded: UInt64(date.month), width: 2)
        target.append(UInt8(ascii: "-"))
        target.append(padded: UInt64(date.day), width: 2)
        target.append(separator)
        target.append(hoursOf: UInt64(time) / 1_000_000)
        target.append(UInt8(ascii: "."))
        target.append(padded: UInt64(time) % 1_000_000, width: 6)
    }

    /// The Gregorian date of a day counted from 1970-01-01, not before it. Years are taken to begin in March, so that the
    /// leap day is the last.
    static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468  // from 0000-03-01
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let year = yearOfEra + era * 400 + (month < 10 ? 0 : 1)
        return (year, month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
    }
}

extension ByteBuffer {
    /// At least `width` digits, zeros before.
    mutating func append(padded value: UInt64, width: Int) {
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        for _ in 0..<max(width - digits, 0) { append(UInt8(ascii: "0")) }
        append(decimal: value)
    }

    /// `00:01:05`.
    mutating func append(hoursOf seconds: UInt64) {
        append(padded: seconds / 3600, width: 2)
        append(UInt8(ascii: ":"))
        append(padded: seconds / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(padded: seconds % 60, width: 2)
    }

    /// `00:01:05:001234`. SIPp's last three digits are always zero.
    mutating func append(durationCell length: Nanoseconds) {
        let microseconds = UInt64(max(length.rawValue, 0) + 500) / 1000
        append(hoursOf: microseconds / 1_000_000)
        append(UInt8(ascii: ":"))
        append(padded: microseconds % 1_000_000, width: 6)
    }

    /// Six significant digits, no zeros behind the point: as C++ writes a number.
    mutating func append(significant value: Double) {
        guard value.isFinite, value > 0 else { return append(UInt8(ascii: "0")) }
        var decimals = 5
        var bound = 10.0
        while value >= bound, decimals > 0 {
            decimals -= 1
            bound *= 10
        }
        if value < 1 {
            bound = 1
            while value < bound / 10, decimals < 12 {
                decimals += 1
                bound /= 10
            }
            decimals += 1
        }
        append(fixed: value, decimals: decimals, trims: true)
    }

    mutating func append(fixed value: Double, decimals: Int, trims: Bool = false) {
        var scale: UInt64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (max(value, 0) * Double(scale)).rounded()
        guard scaled < 1e18 else { return append(text: "\(value)") }
        let number = UInt64(scaled)
        append(decimal: number / scale)
        if decimals == 0 || trims && number % scale == 0 { return }
        append(UInt8(ascii: "."))
        append(padded: number % scale, width: decimals)
        while trims, storage[count - 1] == UInt8(ascii: "0") { truncate(to: count - 1) }
    }

    /// Blanks on the left, at least `width` bytes.
    mutating func append(right text: String, width: Int) {
        for _ in 0..<max(width - text.utf8.count, 0) { append(UInt8(ascii: " ")) }
        append(text: text)
    }

    mutating func append(left text: String, width: Int) {
        append(text: text)
        for _ in 0..<max(width - text.utf8.count, 0) { append(UInt8(ascii: " ")) }
    }
}
