import Captures
import Datagrams

/// What one host's probes recorded, decoded as it comes out of the ring.
///
/// Append records one by one; nothing is joined here. Records that mean nothing are counted and forgotten.
package struct TraceLog: Sendable {
    /// The first 32 hexadecimal digits, lower case, of a text's SHA-256; nil where this machine has none.
    package typealias Digest = @Sendable (borrowing Span<UInt8>) -> InlineArray<32, UInt8>?

    /// In the order they were appended, which is nearly that of their time.
    package private(set) var events: [TraceEvent] = []
    /// Records of no known point, cut short, or holding a message whose key cannot be read.
    package private(set) var unreadable = 0
    /// Records that came when there were as many events as may be kept.
    package private(set) var unkept = 0

    private var keys = ByteTable()
    private var commands = ByteTable()
    /// Call-IDs too long for the tag: of the number of their digest, the text; and of the text, the digest's number.
    private var longTexts: [UInt32: String] = [:]
    private var digests: [UInt32: UInt32] = [:]
    private var longKeys = ByteTable()
    private let digest: Digest?
    private let mostEvents: Int

    /// - Parameters:
    ///   - digest: without it a Call-ID longer than 32 bytes that is read from a message does not meet itself in a tag.
    ///   - mostEvents: later ones are counted and forgotten, so that a recording without an end does not take all memory.
    package init(digest: Digest? = nil, mostEvents: Int = .max) {
        self.digest = digest
        self.mostEvents = mostEvents
    }

    package var isFull: Bool { events.count >= mostEvents }

    package var callIDCount: Int { keys.count }

    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        guard let record = TraceRecord(bytes), let raw = UInt8(exactly: record.point),
            let point = ProbePoint(rawValue: raw), record.time <= Self.latestTime
        else {
            unreadable += 1
            return
        }
        if isFull {
            unkept += 1
            return
        }
        var event = TraceEvent(at: MonotonicInstant(nanoseconds: Int64(record.time)), point: point)
        event.packet = record.packet
        event.socket = record.socket
        event.other = record.other
        event.thread = record.thread
        event.process = record.process
        event.cpu = UInt16(truncatingIfNeeded: record.cpu)
        event.command = command(bytes, at: TraceRecord.commandOffset)
        if point == .contextSwitch || point == .waking {
            if record.flags & TraceRecord.preempted != 0 { event.flags.insert(.preempted) }
            if point == .contextSwitch { event.nextCommand = command(bytes, at: TraceRecord.tagOffset) }
        } else {
            readKey(bytes, textCount: Int(record.textCount), into: &event)
        }
        events.append(event)
    }

    /// For what does not come from probes.
    package mutating func append(_ event: TraceEvent, callID: borrowing Span<UInt8>) {
        var event = event
        event.callID = number(ofCallID: callID)
        events.append(event)
    }

    package mutating func countUnreadable() { unreadable += 1 }

    package func command(_ number: UInt32) -> String { commands.text(number) }
    package var commandCount: Int { commands.count }

    /// Of a Call-ID of which only the digest is known, its digits.
    package func callID(_ number: UInt32) -> String { longTexts[number] ?? keys.text(number) }

    /// What the Call-ID is told by on every host: itself, or its digest.
    func withKey<R>(_ number: UInt32, _ body: (borrowing Span<UInt8>) -> R) -> R {
        keys.withBytes(of: number, body)
    }

    // MARK: keys

    private mutating func readKey(_ bytes: borrowing Span<UInt8>, textCount: Int, into event: inout TraceEvent) {
        let tag = TraceRecord.tagOffset
        if Self.isTag(bytes[tag], count: bytes[tag + 1]) {
            let captured = CapturedTag(bytes, at: tag + 2)
            let count = captured.callIDCount
            if count > 0 {
                event.callID = keys.number(of: captured.callID.span.extracting(0..<count))
                event.cseq = captured.cseq
                event.method = captured.method
                return
            }
        }
        if textCount == 0 { return }
        let text = bytes.extracting(TraceRecord.byteCount..<TraceRecord.byteCount + textCount)
        guard let key = MessageKey(text) else {
            // A keep-alive, for instance. It still lay in a queue, so the event stays.
            unreadable += 1
            return
        }
        event.callID = number(ofCallID: text.extracting(key.callID))
        event.cseq = key.cseq
        event.method = key.method
        event.status = key.status
        if key.isResponse { event.flags.insert(.isResponse) }
    }

    private static func isTag(_ type: UInt8, count: UInt8) -> Bool {
        type != 0 && (count == tagLengthIPv4 || count == tagLengthIPv6)
    }

    private mutating func number(ofCallID text: borrowing Span<UInt8>) -> UInt32 {
        guard text.count > Self.longestInTag, let digest else { return keys.number(of: text) }
        let long = longKeys.number(of: text)
        if let known = digests[long] { return known }
        let number = if let digits = digest(text) { keys.number(of: digits.span) } else { keys.number(of: text) }
        digests[long] = number
        longTexts[number] = longKeys.text(long)
        return number
    }

    private mutating func command(_ bytes: borrowing Span<UInt8>, at start: Int) -> UInt32 {
        var count = 0
        while count < TraceRecord.commandCapacity, bytes[start + count] != 0 { count += 1 }
        return count == 0 ? 0 : commands.number(of: bytes.extracting(start..<start + count))
    }

    /// Of an IPv4 option the length counts type and length, of an IPv6 one it does not.
    private static let tagLengthIPv4: UInt8 = 40
    private static let tagLengthIPv6: UInt8 = 38
    private static let longestInTag = 32
    /// 18 years of uptime. Later is damage; and what is earlier adds up without overflow.
    static let latestTime: UInt64 = 1 << 59
}
