import Datagrams
import SIP

/// Texts that calls keep (tags, targets, route sets, messages to repeat), in blocks of powers of two inside one array:
/// freed blocks are used again, so that after warm-up keeping a text allocates nothing.
package struct TextStore: Sendable {
    /// Read through `bytes.span.extracting(range)`.
    package private(set) var bytes: [UInt8] = []
    /// First free block of each size, as its place + 1; the next one's is written in the block's first four bytes.
    private var free = [UInt32](repeating: 0, count: Self.classCount)

    /// Blocks kept and not yet given back: 0 when every call is forgotten.
    package private(set) var blocksInUse = 0

    /// Bytes of blocks ever given out.
    private var used = 0

    private static let growth = 64 << 10
    private static let smallestShift = 5
    /// 32 bytes to 128 KiB: any datagram fits.
    private static let classCount = 13

    package init() {
        // Address space only: the kernel gives pages when they are first written.
        bytes.reserveCapacity(64 << 20)
    }

    package mutating func keep(_ text: borrowing Span<UInt8>) -> TextRange {
        if text.isEmpty { return .empty }
        let start = block(Self.sizeClass(text.count))
        blocksInUse += 1
        write(text, at: start)
        return TextRange(start: UInt32(start), count: UInt32(text.count))
    }

    package mutating func replace(_ range: inout TextRange, with text: borrowing Span<UInt8>) {
        if range.count > 0, text.count > 0, Self.sizeClass(Int(range.count)) == Self.sizeClass(text.count) {
            write(text, at: Int(range.start))
            range = TextRange(start: range.start, count: UInt32(text.count))
        } else {
            let kept = keep(text)
            discard(&range)
            range = kept
        }
    }

    package mutating func discard(_ range: inout TextRange) {
        guard range.count > 0 else { return }
        let sizeClass = Self.sizeClass(Int(range.count))
        let start = Int(range.start)
        let next = free[sizeClass]
        for i in 0..<4 { bytes[start + i] = UInt8(truncatingIfNeeded: next >> UInt32(8 * i)) }
        free[sizeClass] = range.start + 1
        blocksInUse -= 1
        range = .empty
    }

    package func matches(_ range: TextRange, _ text: borrowing Span<UInt8>) -> Bool {
        guard Int(range.count) == text.count else { return false }
        for i in 0..<text.count where bytes[Int(range.start) + i] != text[i] { return false }
        return true
    }

    private mutating func block(_ sizeClass: Int) -> Int {
        let head = free[sizeClass]
        if head == 0 {
            let start = used
            used += 1 << (sizeClass + Self.smallestShift)
            precondition(used < Int(UInt32.max), "more than 4 GiB of call texts")
            if used > bytes.count { grow() }
            return start
        }
        let start = Int(head) - 1
        var next: UInt32 = 0
        for i in 0..<4 { next |= UInt32(bytes[start + i]) << UInt32(8 * i) }
        free[sizeClass] = next
        return start
    }

    /// By whole pages: a block at a time costs more than writing the text.
    private mutating func grow() {
        let wanted = max(used, bytes.count + Self.growth)
        bytes.append(contentsOf: repeatElement(0, count: wanted - bytes.count))
    }

    private mutating func write(_ text: borrowing Span<UInt8>, at start: Int) {
        let n = text.count
        precondition(start + n <= bytes.count)
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe text.withUnsafeBytes { source in
                unsafe (target.baseAddress! + start).copyMemory(from: source.baseAddress!, byteCount: n)
            }
        }
    }

    private static func sizeClass(_ count: Int) -> Int {
        let bits = Int.bitWidth - (count - 1).leadingZeroBitCount
        return max(bits - smallestShift, 0)
    }
}
