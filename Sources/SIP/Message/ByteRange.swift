/// A place in a datagram. Two bytes each suffice: a datagram is at most 65,535 bytes long.
package struct ByteRange: Hashable, Sendable, BitwiseCopyable {
    package var start: UInt16
    package var count: UInt16

    package static var empty: ByteRange { ByteRange(start: 0, count: 0) }

    package init(start: UInt16, count: UInt16) {
        self.start = start
        self.count = count
    }

    /// Both must lie within 0 ... 65,535, as everything inside a parsed datagram does.
    @inline(__always)
    init(_ start: Int, _ end: Int) {
        self.start = UInt16(truncatingIfNeeded: start)
        self.count = UInt16(truncatingIfNeeded: end &- start)
    }

    package var isEmpty: Bool { count == 0 }
    package var end: Int { Int(start) + Int(count) }

    /// For `span.extracting(range.bounds)`.
    package var bounds: Range<Int> { Int(start)..<Int(start) + Int(count) }
}
