import Datagrams

/// One record of a trace as its bytes stand in the ring and in a file: `trace_record.h`, read by offsets.
///
/// Nothing is checked beyond the length: what a point means is `TraceLog`'s business.
package struct TraceRecord: Sendable, BitwiseCopyable {
    package var time: UInt64
    package var packet: UInt64
    package var socket: UInt64
    package var other: UInt64
    package var cpu: UInt32
    package var thread: UInt32
    package var process: UInt32
    package var interface: UInt32
    package var point: UInt16
    /// Bytes of text after the record.
    package var textCount: UInt16
    package var flags: UInt32

    package static let byteCount = 112
    package static let commandOffset = 56
    package static let tagOffset = 72
    package static let commandCapacity = 16
    package static let tagCapacity = 40
    /// The probes copy no more of a message than this.
    package static let textCapacity = 640

    /// Of `flags`, on a switch: the thread that left could have gone on.
    package static let preempted: UInt32 = 1

    /// Nil where fewer bytes are there than the record with its text has.
    package init?(_ bytes: borrowing Span<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        time = bytes.littleEndian64(at: 0)
        packet = bytes.littleEndian64(at: 8)
        socket = bytes.littleEndian64(at: 16)
        other = bytes.littleEndian64(at: 24)
        cpu = bytes.littleEndian32(at: 32)
        thread = bytes.littleEndian32(at: 36)
        process = bytes.littleEndian32(at: 40)
        interface = bytes.littleEndian32(at: 44)
        point = UInt16(truncatingIfNeeded: bytes.littleEndian32(at: 48))
        textCount = UInt16(truncatingIfNeeded: bytes.littleEndian32(at: 48) >> 16)
        flags = bytes.littleEndian32(at: 52)
        guard bytes.count >= Self.byteCount + Int(textCount) else { return nil }
    }
}

extension Span<UInt8> {
    func littleEndian32(at index: Int) -> UInt32 {
        unsafe UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    func littleEndian64(at index: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
}

extension TraceRecord {
    /// Writes a record as a probe would have, of a message that was seen some other way.
    package static func append(
        _ point: ProbePoint, at time: MonotonicInstant, text: borrowing Span<UInt8>, to bytes: inout ByteBuffer
    ) {
        let count = min(text.count, textCapacity)
        append(UInt64(bitPattern: time.nanoseconds), to: &bytes)
        for _ in 0..<5 { append(0, to: &bytes) }
        append(UInt64(point.rawValue) | UInt64(count) << 16, to: &bytes)
        for _ in 0..<(byteCount - commandOffset) / 8 { append(0, to: &bytes) }
        bytes.append(text.extracting(0..<count))
    }

    private static func append(_ word: UInt64, to bytes: inout ByteBuffer) {
        for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * i))) }
    }
}
