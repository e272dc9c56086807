/// A reading of CLOCK_MONOTONIC, in nanoseconds. Every interval is a difference of two of these.
package struct MonotonicInstant: Hashable, Comparable, Sendable, BitwiseCopyable {
    package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let distantFuture = MonotonicInstant(nanoseconds: .max)

    package static func < (a: MonotonicInstant, b: MonotonicInstant) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (a: MonotonicInstant, b: Nanoseconds) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: a.nanoseconds + b.rawValue)
    }
    package static func - (a: MonotonicInstant, b: Nanoseconds) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: a.nanoseconds - b.rawValue)
    }
    package static func - (a: MonotonicInstant, b: MonotonicInstant) -> Nanoseconds {
        Nanoseconds(a.nanoseconds - b.nanoseconds)
    }
}

/// A reading of CLOCK_REALTIME, in nanoseconds since 1970. A label, never one end of an interval: there is
/// deliberately no subtraction between this and `MonotonicInstant`.
package struct WallInstant: Hashable, Comparable, Sendable, BitwiseCopyable {
    package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func < (a: WallInstant, b: WallInstant) -> Bool { a.nanoseconds < b.nanoseconds }
}
