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
        reserve(n)
        unsafe storage.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                unsafe (target.baseAddress! + count).copyMemory(from: source.baseAddress!, byteCount: n)
            }
        }
        count += n
    }

    package mutating func append(_ text: StaticString) {
        let n = text.utf8CodeUnitCount
        reserve(n)
        unsafe storage.withUnsafeMutableBytes { target in
            unsafe (target.baseAddress! + count).copyMemory(from: text.utf8Start, byteCount: n)
        }
        count += n
    }

    package mutating func append(text: String) {
        for byte in text.utf8 { append(byte) }
    }

    package mutating func append(decimal value: UInt64) {
        var digits = 1
        var power: UInt64 = 10
        // 10^20 does not fit; no number has more than 20 digits.
        while digits < 20, value >= power {
            digits += 1
            power = power &* 10
        }
        appendDigits(digits, of: value) { rest in
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            rest = quotient
            return digit
        }
    }

    /// Lower case, at least `width` digits.
    package mutating func append(hex value: UInt64, width: Int = 1) {
        let digits = min(max(width, (67 - value.leadingZeroBitCount) / 4), 16)
        appendDigits(digits, of: value) { rest in
            let digit = rest & 15
            rest >>= 4
            return digit
        }
    }

    /// `takeLast` gives the last digit and removes it.
    @inline(__always)
    private mutating func appendDigits(_ digits: Int, of value: UInt64, takeLast: (inout UInt64) -> UInt64) {
        reserve(digits)
        var rest = value
        unsafe storage.withUnsafeMutableBytes { target in
            var i = count + digits
            while i > count {
                i -= 1
                let digit = UInt8(truncatingIfNeeded: takeLast(&rest))
                unsafe target[i] = digit < 10 ? 48 + digit : 87 + digit
            }
        }
        count += digits
    }

    /// Writes over one byte already there: how Content-Length is filled in once the body is known.
    package mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index < count, "set at \(index) of \(count)")
        storage[index] = byte
    }

    @inline(__always)
    private mutating func reserve(_ n: Int) {
        if storage.count - count < n { grow(by: n) }
    }

    private mutating func grow(by n: Int) {
        let wanted = max(storage.count * 2, count + n, 64)
        storage.reserveCapacity(wanted)
        storage.append(contentsOf: repeatElement(0, count: wanted - storage.count))
    }
}
