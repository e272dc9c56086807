/// A growing run of bytes that is written again and again and never gives its memory back: after warm-up, rendering
/// into it allocates nothing.
package struct ByteBuffer: Sendable {
    /// All the memory; only the first `count` bytes mean anything. Read through `storage.span.extracting(range)`.
    package private(set) var storage: [UInt8]
    package private(set) var count = 0

    /// Capacity 0 allocates nothing.
    package init(capacity: Int) { storage = capacity == 0 ? [] : [UInt8](repeating: 0, count: capacity) }

    package mutating func removeAll() { count = 0 }

    /// Forgets everything after `newCount`.
    package mutating func truncate(to newCount: Int) {
        precondition(newCount <= count, "truncate(to: \(newCount)) of \(count)")
        count = newCount
    }

    package mutating func append(_ byte: UInt8) {
        if count == storage.count { grow(by: 1) }
        storage[count] = byte
        count += 1
    }

    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        let n = bytes.count
        if n == 0 { return }
        if storage.count - count < n { grow(by: n) }
        let at = count
        unsafe storage.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                unsafe (target.baseAddress! + at).copyMemory(from: source.baseAddress!, byteCount: n)
            }
        }
        count += n
    }

    package mutating func append(_ text: StaticString) {
        for i in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[i]) }
    }

    package mutating func append(text: String) {
        for byte in text.utf8 { append(byte) }
    }

    package mutating func append(decimal value: UInt64) {
        if storage.count - count < 20 { grow(by: 20) }
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = value
        for i in stride(from: count + digits - 1, through: count, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            storage[i] = 48 + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        count += digits
    }

    /// Lower case, at least `width` digits.
    package mutating func append(hex value: UInt64, width: Int = 1) {
        var digits = width
        while digits < 16, value >> UInt64(digits * 4) != 0 { digits += 1 }
        for i in stride(from: digits - 1, through: 0, by: -1) {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(i * 4)) & 15
            append(nibble < 10 ? 48 + nibble : 87 + nibble)
        }
    }

    /// Writes over one byte already there: how Content-Length is filled in once the body is known.
    package mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index < count, "set at \(index) of \(count)")
        storage[index] = byte
    }

    private mutating func grow(by n: Int) {
        let wanted = max(storage.count * 2, count + n, 64)
        storage.reserveCapacity(wanted)
        storage.append(contentsOf: repeatElement(0, count: wanted - storage.count))
    }
}
