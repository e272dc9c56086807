import Datagrams

// The header values that every message is matched by.

extension MessageIndex {
    @inline(__always)
    static func uriAndTag(
        of name: HeaderName, _ value: ByteRange, in bytes: borrowing Span<UInt8>
    ) throws(MalformedMessage) -> (uri: ByteRange, tag: ByteRange) {
        let end = value.end
        guard let address = NameAddress.parse(bytes, from: Int(value.start), to: end) else {
            throw .address(name, offset: Int(value.start))
        }
        var position = address.parameters
        while let parameter = bytes.nextParameter(at: &position, to: end) {
            if bytes.isName(parameter.name, .tag) { return (address.uri, parameter.value) }
        }
        return (address.uri, .empty)
    }

    mutating func noteContact(_ value: ByteRange, in bytes: borrowing Span<UInt8>) throws(MalformedMessage) {
        guard let address = NameAddress.parse(bytes, from: Int(value.start), to: value.end) else {
            throw .address(.contact, offset: Int(value.start))
        }
        contactURI = address.uri
    }

    mutating func noteCSeq(_ value: ByteRange, in bytes: borrowing Span<UInt8>) throws(MalformedMessage) {
        var i = Int(value.start)
        let end = value.end
        var number: UInt64 = 0
        while i < end, let digit = bytes[i].digitValue {
            number = number &* 10 &+ UInt64(digit)
            if number >= Self.cseqLimit { throw .cseq(offset: Int(value.start)) }
            i &+= 1
        }
        let method = bytes.skipBlanks(from: i, to: end)
        if i == Int(value.start) || method == i || method == end { throw .cseq(offset: Int(value.start)) }
        cseq = UInt32(truncatingIfNeeded: number)
        cseqMethodText = ByteRange(method, end)
        cseqMethod = Method(bytes: bytes.extracting(method..<end))
    }

    mutating func noteContentLength(_ value: ByteRange, in bytes: borrowing Span<UInt8>) throws(MalformedMessage) {
        var length = 0
        for i in value.bounds {
            // Nine digits are more than any datagram has bytes, and cannot overflow.
            guard let digit = bytes[i].digitValue, length < 100_000_000 else {
                throw .contentLength(offset: Int(value.start))
            }
            length = length &* 10 &+ digit
        }
        if value.isEmpty { throw .contentLength(offset: Int(value.start)) }
        // RFC 4475, 3.3.9: two that differ leave no way to tell where the body ends.
        if let earlier = contentLength, earlier != length { throw .contentLength(offset: Int(value.start)) }
        contentLength = length
    }
}

// MARK: Via

extension MessageIndex {
    mutating func noteVia(_ value: ByteRange, in bytes: borrowing Span<UInt8>) throws(MalformedMessage) {
        let end = value.end
        var itemEnd = Int(value.start)
        if viaCount == 0 {
            itemEnd = try noteTopVia(from: Int(value.start), to: end, in: bytes)
            topVia = ByteRange(Int(value.start), bytes.trimBlanks(from: Int(value.start), to: itemEnd))
        } else {
            itemEnd = bytes.endOfListItem(from: itemEnd, to: end)
        }
        viaCount &+= 1
        while itemEnd < end {
            viaCount &+= 1
            itemEnd = bytes.endOfListItem(from: itemEnd &+ 1, to: end)
        }
    }

    /// Gives the place of the comma after this value, or `end`.
    private mutating func noteTopVia(
        from start: Int, to end: Int, in bytes: borrowing Span<UInt8>
    ) throws(MalformedMessage) -> Int {
        guard let host = Self.endOfSentProtocol(from: start, to: end, in: bytes) else { throw .via(offset: start) }
        var i = host
        if i < end, bytes[i] == UInt8(ascii: "[") {
            i = bytes.firstIndex(of: UInt8(ascii: "]"), from: i, to: end)
            if i == end { throw .via(offset: start) }
            i &+= 1
        }
        i = bytes.endOfToken(from: i, to: end, or: UInt8(ascii: ":"))
        if i == host { throw .via(offset: start) }
        viaHost = ByteRange(host, i)
        i = bytes.skipBlanks(from: i, to: end)
        if i < end, bytes[i] == UInt8(ascii: ":") { i = try noteViaPort(after: i, to: end, start, in: bytes) }
        while let parameter = bytes.nextParameter(at: &i, to: end) {
            if bytes.isName(parameter.name, .branch) {
                viaBranch = parameter.value
            } else if bytes.isName(parameter.name, .rport) {
                viaHasRport = true
                if parameter.value.isEmpty { viaRportEnd = UInt16(truncatingIfNeeded: parameter.name.end) }
            } else if bytes.isName(parameter.name, .received) {
                viaHasReceived = true
            }
        }
        i = bytes.skipBlanks(from: i, to: end)
        if i < end, bytes[i] != UInt8(ascii: ",") { return bytes.endOfListItem(from: i, to: end) }
        return i
    }

    private mutating func noteViaPort(
        after colon: Int, to end: Int, _ start: Int, in bytes: borrowing Span<UInt8>
    ) throws(MalformedMessage) -> Int {
        let first = bytes.skipBlanks(from: colon &+ 1, to: end)
        var i = first
        var port = 0
        while i < end, let digit = bytes[i].digitValue {
            port = port &* 10 &+ digit
            if port > 65_535 { throw .via(offset: start) }
            i &+= 1
        }
        if i == first { throw .via(offset: start) }
        viaPort = UInt16(truncatingIfNeeded: port)
        return i
    }

    /// `SIP/2.0/`, as everybody writes it.
    private static let sentProtocol: UInt64 = 0x2F30_2E32_2F50_4953

    /// The place of the host after `SIP / 2.0 / transport`, where blanks may surround the slashes (RFC 3261, 25.1).
    private static func endOfSentProtocol(from start: Int, to end: Int, in bytes: borrowing Span<UInt8>) -> Int? {
        if end &- start > 8, bytes.word(at: start) == sentProtocol {
            let transportEnd = bytes.endOfToken(from: start &+ 8, to: end)
            let host = bytes.skipBlanks(from: transportEnd, to: end)
            if transportEnd > start &+ 8, host > transportEnd { return host }
        }
        var i = start
        for part in 0..<3 {
            let word = i
            while i < end, bytes[i] != UInt8(ascii: "/"), bytes[i] > 0x20 { i &+= 1 }
            if i == word { return nil }
            let next = bytes.skipBlanks(from: i, to: end)
            if part == 2 { return next == i ? nil : next }
            if next == end || bytes[next] != UInt8(ascii: "/") { return nil }
            i = bytes.skipBlanks(from: next &+ 1, to: end)
        }
        return nil
    }
}
