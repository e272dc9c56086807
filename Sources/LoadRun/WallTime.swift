import Datagrams

/// A time of day as people and scripts write it.
package enum WallTime {
    /// `2026-11-24T15:30:00Z` (RFC 3339, with a fraction, or an offset such as +01:00), `15:30` or `15:30:05.5` (today, UTC),
    /// `@1795549831` (seconds since 1970, with a fraction). Nil: none of these.
    /// - Parameter now: which day is today.
    package static func parse(_ text: String, now: WallInstant) -> WallInstant? {
        if text.hasPrefix("@") {
            let parts = text.dropFirst().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard let seconds = digits(parts[0], 1...10) else { return nil }
            guard let nanoseconds = parts.count == 1 ? 0 : fraction(parts[1]) else { return nil }
            return instant(seconds: seconds, nanoseconds)
        }
        guard let t = text.firstIndex(where: { $0 == "T" || $0 == "t" || $0 == " " }) else {
            let time = text.hasSuffix("Z") || text.hasSuffix("z") ? text.dropLast() : text[...]
            guard let (second, nanoseconds) = timeOfDay(time, needsSeconds: false) else { return nil }
            let today = now.nanoseconds / 1_000_000_000 / 86_400 * 86_400
            return instant(seconds: today + second, nanoseconds)
        }
        let date = text[..<t].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, let year = digits(date[0], 4...4), let month = digits(date[1], 2...2),
            let day = digits(date[2], 2...2), (1970...2261).contains(year), (1...12).contains(month),
            (1...lengthOfMonth(month, year)).contains(day)
        else { return nil }
        var time = text[text.index(after: t)...]
        guard let offset = takeOffset(&time), let (second, nanoseconds) = timeOfDay(time, needsSeconds: true) else {
            return nil
        }
        return instant(seconds: days(year, month, day) * 86_400 + second - offset, nanoseconds)
    }

    private static func instant(seconds: Int64, _ nanoseconds: Int64) -> WallInstant? {
        // To the year 2262 nanoseconds fit.
        guard seconds >= 0, seconds < 9_200_000_000 else { return nil }
        return WallInstant(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    /// Seconds since midnight.
    private static func timeOfDay(_ text: Substring, needsSeconds: Bool) -> (Int64, Int64)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 2 && !needsSeconds, let hour = digits(parts[0], 2...2), hour < 24,
            let minute = digits(parts[1], 2...2), minute < 60
        else { return nil }
        guard parts.count == 3 else { return (hour * 3600 + minute * 60, 0) }
        let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let second = digits(seconds[0], 2...2), second < 60,
            let nanoseconds = seconds.count == 1 ? 0 : fraction(seconds[1])
        else { return nil }
        return (hour * 3600 + minute * 60 + second, nanoseconds)
    }

    /// `Z`, `+01:00`; RFC 3339 wants one.
    private static func takeOffset(_ text: inout Substring) -> Int64? {
        if text.last == "Z" || text.last == "z" {
            text.removeLast()
            return 0
        }
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }),
            let (seconds, nanoseconds) = timeOfDay(text[text.index(after: sign)...], needsSeconds: false),
            nanoseconds == 0
        else { return nil }
        let isWest = text[sign] == "-"
        text = text[..<sign]
        return isWest ? -seconds : seconds
    }

    private static func digits(_ text: Substring, _ length: ClosedRange<Int>) -> Int64? {
        guard length.contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }

    /// Nanoseconds of `.5`.
    private static func fraction(_ text: Substring) -> Int64? {
        guard let number = digits(text, 1...9) else { return nil }
        return (text.utf8.count..<9).reduce(number) { n, _ in n * 10 }
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func lengthOfMonth(_ month: Int64, _ year: Int64) -> Int64 {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Since 1970.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let before = year - 1
        let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
        let months = (1..<month).reduce(0) { $0 + lengthOfMonth($1, year) }
        return (year - 1970) * 365 + leaps + months + day - 1
    }
}
