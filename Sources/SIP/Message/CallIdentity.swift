import Datagrams

/// Which call of which run a Call-ID belongs to: `<run, 8 hex digits>.<number>.<slot, hex>`, e.g. `9f3a01c2.123.4f`.
///
/// The slot is the call's place in the table of open calls, so that an arriving message finds its call without hashing.
/// At most 32 bytes, so that the whole Call-ID fits the call tag, as long as `number` stays below 10^14: three years at
/// a million calls a second.
package struct CallIdentity: Hashable, Sendable, BitwiseCopyable {
    package var run: UInt32
    package var number: UInt64
    package var slot: UInt32

    package init(run: UInt32, number: UInt64, slot: UInt32) {
        self.run = run
        self.number = number
        self.slot = slot
    }

    package func append(to buffer: inout ByteBuffer) {
        buffer.append(hex: UInt64(run), width: 8)
        buffer.append(UInt8(ascii: "."))
        buffer.append(decimal: number)
        buffer.append(UInt8(ascii: "."))
        buffer.append(hex: UInt64(slot))
    }

    /// Nil for a Call-ID of somebody else's. Only the very text that `append` writes is ours: Call-IDs are compared byte
    /// by byte (RFC 3261, 20.8). SIPp lets a call have several Call-IDs by writing `anything///` before it; that is
    /// skipped.
    package static func parse(_ bytes: borrowing Span<UInt8>) -> CallIdentity? {
        if let identity = parse(bytes, from: 0) { return identity }
        var i = 0
        while i + 3 <= bytes.count {
            if bytes[i] == UInt8(ascii: "/"), bytes[i + 1] == UInt8(ascii: "/"), bytes[i + 2] == UInt8(ascii: "/") {
                return parse(bytes, from: i + 3)
            }
            i += 1
        }
        return nil
    }

    private static func parse(_ bytes: borrowing Span<UInt8>, from start: Int) -> CallIdentity? {
        var reader = IdentityReader(position: start)
        guard let run = reader.run(bytes), let number = reader.decimal(bytes), reader.dot(bytes),
            let slot = reader.hex(bytes), reader.position == bytes.count
        else { return nil }
        return CallIdentity(run: run, number: number, slot: slot)
    }
}

/// Which transaction of which call a branch belongs to: `z9hG4bK<run, 8 hex digits>.<number>.<sequence>`.
package struct BranchIdentity: Hashable, Sendable, BitwiseCopyable {
    package var run: UInt32
    package var number: UInt64
    package var sequence: UInt32

    package init(run: UInt32, number: UInt64, sequence: UInt32) {
        self.run = run
        self.number = number
        self.sequence = sequence
    }

    /// RFC 3261, 8.1.1.7: marks a branch as unique in space and time.
    package static let cookie: StaticString = "z9hG4bK"

    package func append(to buffer: inout ByteBuffer) {
        buffer.append(Self.cookie)
        buffer.append(hex: UInt64(run), width: 8)
        buffer.append(UInt8(ascii: "."))
        buffer.append(decimal: number)
        buffer.append(UInt8(ascii: "."))
        buffer.append(decimal: UInt64(sequence))
    }

    package static func parse(_ bytes: borrowing Span<UInt8>) -> BranchIdentity? {
        let cookieCount = cookie.utf8CodeUnitCount
        guard bytes.count > cookieCount, bytes.extracting(0..<cookieCount).equals(cookie) else { return nil }
        var reader = IdentityReader(position: cookieCount)
        guard let run = reader.run(bytes), let number = reader.decimal(bytes), reader.dot(bytes),
            let sequence = reader.decimal(bytes), sequence <= UInt64(UInt32.max), reader.position == bytes.count
        else { return nil }
        return BranchIdentity(run: run, number: number, sequence: UInt32(sequence))
    }
}

/// Reads only the canonical form: lower case, no leading zeros but in the run.
private struct IdentityReader {
    var position: Int

    /// Eight hex digits and a dot.
    mutating func run(_ bytes: borrowing Span<UInt8>) -> UInt32? {
        guard bytes.count - position > 8 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<8 {
            guard let digit = Self.hexDigit(bytes[position]) else { return nil }
            value = value << 4 | digit
            position += 1
        }
        return dot(bytes) ? value : nil
    }

    mutating func dot(_ bytes: borrowing Span<UInt8>) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: ".") else { return false }
        position += 1
        return true
    }

    mutating func decimal(_ bytes: borrowing Span<UInt8>) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while position < bytes.count, let digit = bytes[position].digitValue {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
            if tooLarge || overflow { return nil }
            value = sum
            position += 1
        }
        return isCanonical(bytes, from: start) ? value : nil
    }

    mutating func hex(_ bytes: borrowing Span<UInt8>) -> UInt32? {
        let start = position
        var value: UInt32 = 0
        while position < bytes.count, let digit = Self.hexDigit(bytes[position]) {
            if position - start == 8 { return nil }
            value = value << 4 | digit
            position += 1
        }
        return isCanonical(bytes, from: start) ? value : nil
    }

    private func isCanonical(_ bytes: borrowing Span<UInt8>, from start: Int) -> Bool {
        position > start && (position == start + 1 || bytes[start] != UInt8(ascii: "0"))
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 87
        default: nil
        }
    }
}
