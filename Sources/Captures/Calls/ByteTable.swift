import Datagrams

/// Texts of a capture (Call-IDs, branches, tags), each kept once and named by a number. 0 is "none".
package struct ByteTable: Sendable {
    private var bytes = ByteBuffer(capacity: 1 << 16)
    /// Of text n, its end; it begins where the one before ends.
    private var ends: [Int] = [0]
    /// Open addressing: 0 is free. A power of two, at most half full.
    private var slots = [UInt32](repeating: 0, count: 1 << 10)

    package init() {}

    package var count: Int { ends.count - 1 }

    /// The number of this text, a new one if it has not been seen.
    package mutating func number(of text: borrowing Span<UInt8>) -> UInt32 {
        var slot = Self.hash(text) & (slots.count - 1)
        while slots[slot] != 0 {
            if isEqual(slots[slot], text) { return slots[slot] }
            slot = (slot + 1) & (slots.count - 1)
        }
        bytes.append(text)
        ends.append(bytes.count)
        let number = UInt32(ends.count - 1)
        slots[slot] = number
        if ends.count * 2 > slots.count { grow() }
        return number
    }

    package func range(of number: UInt32) -> Range<Int> {
        number == 0 ? 0..<0 : ends[Int(number) - 1]..<ends[Int(number)]
    }

    package func text(_ number: UInt32) -> String {
        String(decoding: bytes.storage[range(of: number)], as: UTF8.self)
    }

    /// Calls `body` with the text's bytes.
    package func withBytes<R>(of number: UInt32, _ body: (borrowing Span<UInt8>) -> R) -> R {
        body(bytes.storage.span.extracting(range(of: number)))
    }

    private func isEqual(_ number: UInt32, _ text: borrowing Span<UInt8>) -> Bool {
        let range = range(of: number)
        guard range.count == text.count else { return false }
        for i in 0..<text.count where bytes.storage[range.lowerBound + i] != text[i] { return false }
        return true
    }

    private mutating func grow() {
        var grown = [UInt32](repeating: 0, count: slots.count * 2)
        for number in 1..<UInt32(ends.count) {
            var slot = withBytes(of: number) { Self.hash($0) } & (grown.count - 1)
            while grown[slot] != 0 { slot = (slot + 1) & (grown.count - 1) }
            grown[slot] = number
        }
        slots = grown
    }

    /// Seeded anew in each process, so that no file can be made to collide.
    private static func hash(_ text: borrowing Span<UInt8>) -> Int { Int(truncatingIfNeeded: digest(of: text)) & .max }

    /// Tells datagrams and texts apart within one process; it means nothing outside.
    static func digest(of text: borrowing Span<UInt8>) -> UInt64 {
        var hasher = Hasher()
        unsafe text.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

/// Addresses of a capture, each named by a number from 0.
package struct AddressTable: Sendable {
    private var numbers: [SocketAddress: UInt32] = [:]
    package private(set) var addresses: [SocketAddress] = []

    package init() {}

    package mutating func number(of address: SocketAddress) -> UInt32 {
        if let number = numbers[address] { return number }
        let number = UInt32(addresses.count)
        numbers[address] = number
        addresses.append(address)
        return number
    }

    package subscript(_ number: UInt32) -> SocketAddress { addresses[Int(number)] }
}
