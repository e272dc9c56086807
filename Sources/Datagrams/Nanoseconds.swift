/// A length of time in whole nanoseconds, one machine word.
///
/// `Duration` is two words and its arithmetic costs sixty times as much; on the path of every datagram that shows.
/// Range: about 292 years either way.
package struct Nanoseconds: Hashable, Comparable, Sendable, BitwiseCopyable {
    package var rawValue: Int64

    @inlinable package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package static let zero = Nanoseconds(0)
    package static func microseconds(_ n: Int64) -> Nanoseconds { Nanoseconds(n * 1_000) }
    package static func milliseconds(_ n: Int64) -> Nanoseconds { Nanoseconds(n * 1_000_000) }
    package static func seconds(_ n: Int64) -> Nanoseconds { Nanoseconds(n * 1_000_000_000) }

    /// For display and statistics only: never schedule with it.
    package var seconds: Double { Double(rawValue) / 1e9 }

    package static func < (a: Nanoseconds, b: Nanoseconds) -> Bool { a.rawValue < b.rawValue }
    package static func + (a: Nanoseconds, b: Nanoseconds) -> Nanoseconds { Nanoseconds(a.rawValue + b.rawValue) }
    package static func - (a: Nanoseconds, b: Nanoseconds) -> Nanoseconds { Nanoseconds(a.rawValue - b.rawValue) }
    package static func * (a: Nanoseconds, b: Int64) -> Nanoseconds { Nanoseconds(a.rawValue * b) }
    package static func / (a: Nanoseconds, b: Int64) -> Nanoseconds { Nanoseconds(a.rawValue / b) }
    package static prefix func - (a: Nanoseconds) -> Nanoseconds { Nanoseconds(-a.rawValue) }
    package static func += (a: inout Nanoseconds, b: Nanoseconds) { a.rawValue += b.rawValue }
    package static func -= (a: inout Nanoseconds, b: Nanoseconds) { a.rawValue -= b.rawValue }
}
