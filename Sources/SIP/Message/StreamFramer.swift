import Datagrams

/// Cuts a stream of bytes into SIP messages by their Content-Length (RFC 3261, 18.3).
///
///     append(bytes) ──► next() ──► bounds of a message, or nil: more must come first
///
/// Sans-IO, and it does not matter how the stream is cut into pieces: the same bytes give the same messages and the same
/// failure. After a failure nothing more can be told apart: the connection is to be closed, and `next` fails again.
///
/// Tolerated beyond the grammar: line ends of LF alone, and empty lines or zeros between messages (7.5; keep-alives of RFC
/// 5626, 3.5.1, of which `takePings` counts those that want an answer).
package struct StreamFramer: Sendable {
    /// Longest message taken, with its header: what a `MessageIndex` can hold, and what UDP could carry.
    package static let messageLimit = MessageIndex.datagramLimit

    private var bytes = ByteBuffer(capacity: 0)
    /// The message being received begins here; before it is what was given out.
    private var start = 0
    /// Before this no line end is followed by another.
    private var scanned = 0
    /// Known once the header is complete.
    private var end: Int?
    private var failure: StreamFailure?
    /// Bytes of line ends since the last message.
    private var emptyBytes = 0
    private var pings = 0

    package init() {}

    /// A message has begun and not ended.
    package var isInsideMessage: Bool { start < bytes.count }

    /// Forgets everything, and keeps its memory.
    package mutating func reset() {
        bytes.removeAll()
        start = 0
        scanned = 0
        end = nil
        failure = nil
        emptyBytes = 0
        pings = 0
    }

    /// What has arrived. Makes the bounds given out earlier worthless.
    package mutating func append(_ arrived: borrowing Span<UInt8>) {
        if failure != nil { return }
        if start == bytes.count {
            bytes.removeAll()
            scanned = 0
            start = 0
        } else if start > Self.messageLimit {
            moveToFront()
        }
        bytes.append(arrived)
    }

    /// The next complete message. To be called until it gives nil.
    package mutating func next() throws(StreamFailure) -> Range<Int>? {
        if let failure { throw failure }
        do throws(StreamFailure) { return try message() } catch {
            failure = error
            throw error
        }
    }

    /// The bytes of a message; good until the next `append`.
    package func withMessage(_ bounds: Range<Int>, _ body: (borrowing Span<UInt8>) -> Void) {
        body(bytes.storage.span.extracting(bounds))
    }

    /// Pairs of line ends between messages since this was last asked: each wants one line end back (RFC 5626, 4.4.1).
    package mutating func takePings() -> Int {
        defer { pings = 0 }
        return pings
    }

    // MARK: messages

    private mutating func message() throws(StreamFailure) -> Range<Int>? {
        try skipEmptyLines()
        if start == bytes.count { return nil }
        if end == nil, let headerEnd = try headerEnd() {
            let length = try Self.contentLength(of: bytes, from: start, to: headerEnd)
            if headerEnd - start + length > Self.messageLimit {
                throw .messageTooLong(count: headerEnd - start + length)
            }
            end = headerEnd + length
        }
        guard let end, end <= bytes.count else { return nil }
        let bounds = start..<end
        start = end
        scanned = end
        self.end = nil
        return bounds
    }

    private mutating func skipEmptyLines() throws(StreamFailure) {
        if end != nil || scanned > start { return }
        let storage = bytes.storage
        let all = storage.span
        while start < bytes.count {
            let byte = all[start]
            if byte == .lineFeed || byte == .carriageReturn || byte == 0 {
                emptyBytes = byte == 0 ? 0 : emptyBytes + 1
                if emptyBytes % 4 == 0, byte == .lineFeed { pings += 1 }
                start += 1
                continue
            }
            // A start line is text: TLS, or any other binary protocol, would otherwise be read on and on.
            if byte < .space { throw .notSIP(byte) }
            emptyBytes = 0
            break
        }
        scanned = start
    }

    /// The place after the empty line, once it is there.
    private mutating func headerEnd() throws(StreamFailure) -> Int? {
        let storage = bytes.storage
        let all = storage.span
        while scanned < bytes.count {
            scanned = all.firstIndex(of: .lineFeed, from: scanned, to: bytes.count)
            var next = scanned + 1
            if next < bytes.count, all[next] == .carriageReturn { next += 1 }
            // What follows this line end, if there is one, has not come: look at it again then.
            if next >= bytes.count { break }
            if all[next] == .lineFeed {
                if next + 1 - start > Self.messageLimit { throw .headerTooLong }
                return next + 1
            }
            scanned += 1
        }
        if bytes.count - start > Self.messageLimit { throw .headerTooLong }
        return nil
    }

    private mutating func moveToFront() {
        var rest = ByteBuffer(capacity: bytes.storage.count)
        rest.append(bytes.storage.span.extracting(start..<bytes.count))
        scanned -= start
        if let end { self.end = end - start }
        start = 0
        bytes = rest
    }

    /// RFC 3261, 20.14: over a stream it must be there. Two that differ leave no way to tell where the body ends (RFC 4475,
    /// 3.3.9).
    private static func contentLength(
        of bytes: ByteBuffer, from start: Int, to headerEnd: Int
    ) throws(StreamFailure) -> Int {
        let storage = bytes.storage
        let all = storage.span
        var found: Int?
        var line = all.firstIndex(of: .lineFeed, from: start, to: headerEnd) + 1
        while line < headerEnd {
            var lineEnd = all.firstIndex(of: .lineFeed, from: line, to: headerEnd)
            while lineEnd + 1 < headerEnd, all[lineEnd + 1].isBlank {
                lineEnd = all.firstIndex(of: .lineFeed, from: lineEnd + 1, to: headerEnd)
            }
            let colon = all.firstIndex(of: UInt8(ascii: ":"), from: line, to: lineEnd)
            let nameEnd = all.trimBlanks(from: line, to: colon)
            if colon < lineEnd, HeaderName(bytes: all.extracting(line..<nameEnd)) == .contentLength {
                let length = try number(all, from: colon + 1, to: lineEnd)
                if let found, found != length { throw .contentLength }
                found = length
            }
            line = lineEnd + 1
        }
        guard let found else { throw .noContentLength }
        return found
    }

    private static func number(_ all: borrowing Span<UInt8>, from: Int, to lineEnd: Int) throws(StreamFailure) -> Int {
        let first = all.skipBlanks(from: from, to: lineEnd)
        let last = all.trimBlanks(from: first, to: lineEnd)
        var length = 0
        for i in first..<last {
            // Nine digits are more than any message has bytes, and cannot overflow.
            guard let digit = all[i].digitValue, length < 100_000_000 else { throw .contentLength }
            length = length * 10 + digit
        }
        if first == last { throw .contentLength }
        return length
    }
}

/// Why a stream cannot be cut into messages any further.
package enum StreamFailure: Error, Hashable, Sendable, BitwiseCopyable {
    case noContentLength
    /// Not a number, or two that differ.
    case contentLength
    case headerTooLong
    case messageTooLong(count: Int)
    /// What stands where a message should begin is no text.
    case notSIP(UInt8)
}

extension StreamFailure: CustomStringConvertible {
    /// Completes `the peer sent …`.
    package var description: String {
        switch self {
        case .noContentLength: "a message without Content-Length, which every message on a stream must have"
        case .contentLength: "a message whose Content-Length is not one number"
        case .headerTooLong: "a header longer than \(StreamFramer.messageLimit) bytes"
        case .messageTooLong(let count):
            "a message of \(count) bytes, more than the \(StreamFramer.messageLimit) that are taken"
        case .notSIP(0x14...0x17): "TLS records where SIP messages belong"
        case .notSIP(let byte): "a byte \(byte) where a message should begin"
        }
    }
}
