import Datagrams

// The pass over the datagram that fills a `MessageIndex`.

extension MessageIndex {
    /// Forgets the previous message and indexes this one. Allocates nothing once a message with as many headers has been
    /// seen.
    ///
    /// Tolerated beyond the grammar: line ends of LF alone, empty lines before the start line, and a message that ends
    /// after its last header line without the empty one (SIPp sends such messages).
    package mutating func parse(_ bytes: borrowing Span<UInt8>) throws(MalformedMessage) {
        reset()
        if bytes.count > Self.datagramLimit { throw .datagramTooLong(count: bytes.count) }
        let start = Self.endOfKeepAlive(bytes)
        if start == bytes.count { throw .keepAlive }
        let lineEnd = bytes.firstIndex(of: .lineFeed, from: start, to: bytes.count)
        if lineEnd == bytes.count { throw .startLine }
        try indexStartLine(bytes, from: start, to: bytes.trimBlanks(from: start, to: lineEnd))
        let bodyStart = try indexHeaders(bytes, from: lineEnd &+ 1)
        try indexBody(bytes, from: bodyStart)
        try requireMandatoryHeaders()
    }

    /// As new: of no message. The room for headers stays.
    package mutating func forget() {
        startLine = .response(status: 0)
        reset()
    }

    private mutating func reset() {
        methodText = .empty
        requestURI = .empty
        reasonPhrase = .empty
        topVia = .empty
        viaBranch = .empty
        viaHost = .empty
        viaPort = 0
        viaHasRport = false
        viaRportEnd = 0
        viaHasReceived = false
        viaSource = nil
        viaCount = 0
        from = .empty
        fromTag = .empty
        fromURI = .empty
        to = .empty
        toTag = .empty
        toURI = .empty
        callID = .empty
        cseq = 0
        cseqMethod = .other
        cseqMethodText = .empty
        contactURI = .empty
        contentLength = nil
        body = .empty
        headers.removeAll(keepingCapacity: true)
    }

    /// RFC 3261, 7.5: line ends before the start line are ignored. Some devices send zeros to keep a binding alive.
    private static func endOfKeepAlive(_ bytes: borrowing Span<UInt8>) -> Int {
        var i = 0
        while i < bytes.count, bytes[i] == .carriageReturn || bytes[i] == .lineFeed || bytes[i] == 0 { i &+= 1 }
        return i
    }

    /// Gives the place after the empty line.
    @inline(__always)
    private mutating func indexHeaders(
        _ bytes: borrowing Span<UInt8>, from start: Int
    ) throws(MalformedMessage) -> Int {
        let names = HeaderNameTable.shared
        let count = bytes.count
        var position = start
        while position < count {
            let first = bytes[position]
            if first == .lineFeed { return position &+ 1 }
            if first == .carriageReturn, position &+ 1 < count, bytes[position &+ 1] == .lineFeed {
                return position &+ 2
            }
            var lineEnd = bytes.firstIndex(of: .lineFeed, from: position, to: count)
            var isFolded = false
            while lineEnd &+ 1 < count, bytes[lineEnd &+ 1].isBlank {
                isFolded = true
                lineEnd = bytes.firstIndex(of: .lineFeed, from: lineEnd &+ 1, to: count)
            }
            if lineEnd == count { throw .unterminatedHeader(offset: position) }
            if lineEnd &- position > Self.headerLineLimit { throw .headerTooLong(offset: position) }
            if headers.count == Self.headerLimit { throw .tooManyHeaders }
            try indexHeader(bytes, from: position, to: lineEnd, isFolded: isFolded, names)
            position = lineEnd &+ 1
        }
        return count
    }

    @inline(__always)
    private mutating func indexHeader(
        _ bytes: borrowing Span<UInt8>, from start: Int, to lineEnd: Int, isFolded: Bool, _ names: HeaderNameTable
    ) throws(MalformedMessage) {
        let colon = bytes.firstIndex(of: UInt8(ascii: ":"), from: start, to: lineEnd)
        let nameEnd = bytes.trimBlanks(from: start, to: colon)
        if colon == lineEnd || nameEnd == start || bytes[start].isBlank { throw .headerWithoutColon(offset: start) }
        let valueStart = bytes.skipBlanks(from: colon &+ 1, to: lineEnd)
        let valueEnd = bytes.trimBlanks(from: valueStart, to: lineEnd)
        let name = names.name(in: bytes, from: start, to: nameEnd)
        let value = ByteRange(valueStart, valueEnd)
        headers.append(
            Header(name: name, isFolded: isFolded, nameRange: ByteRange(start, nameEnd), value: value))
        // Names above Content-Length are found on demand.
        if name.rawValue > HeaderName.contentLength.rawValue || name == .other { return }
        try note(name, value, in: bytes)
    }

    /// Of a repeated header the first one counts, as most servers have it.
    @inline(__always)
    private mutating func note(
        _ name: HeaderName, _ value: ByteRange, in bytes: borrowing Span<UInt8>
    ) throws(MalformedMessage) {
        if name == .via {
            try noteVia(value, in: bytes)
        } else if name == .from {
            if from.isEmpty { (fromURI, fromTag) = try Self.uriAndTag(of: .from, value, in: bytes) }
            if from.isEmpty { from = value }
        } else if name == .to {
            if to.isEmpty { (toURI, toTag) = try Self.uriAndTag(of: .to, value, in: bytes) }
            if to.isEmpty { to = value }
        } else if name == .callID {
            if callID.isEmpty { callID = value }
        } else if name == .cseq {
            if cseqMethodText.isEmpty { try noteCSeq(value, in: bytes) }
        } else if name == .contact {
            if contactURI.isEmpty { try noteContact(value, in: bytes) }
        } else if name == .contentLength {
            try noteContentLength(value, in: bytes)
        }
    }

    @inline(__always)
    private mutating func indexBody(_ bytes: borrowing Span<UInt8>, from start: Int) throws(MalformedMessage) {
        let present = bytes.count &- start
        let announced = contentLength ?? present
        if announced > present { throw .truncated(announced: announced, present: present) }
        body = ByteRange(start, start &+ announced)
    }

    @inline(__always)
    private func requireMandatoryHeaders() throws(MalformedMessage) {
        if callID.isEmpty { throw .missing(.callID) }
        if viaCount == 0 { throw .missing(.via) }
        if from.isEmpty { throw .missing(.from) }
        if cseqMethodText.isEmpty { throw .missing(.cseq) }
        if to.isEmpty { throw .missing(.to) }
    }
}

// MARK: Start line

extension MessageIndex {
    /// `sip/2.0` in lower case, and the mask of its seven bytes.
    private static let version: UInt64 = 0x0030_2E32_2F70_6973
    private static let versionMask: UInt64 = 0x00FF_FFFF_FFFF_FFFF

    /// RFC 3261, 7.1: the version is compared without regard to case.
    @inline(__always)
    private static func isVersion(_ bytes: borrowing Span<UInt8>, at index: Int) -> Bool {
        bytes.word(at: index, count: 7) | (EightBytes.lowerCase & versionMask) == version
    }

    private mutating func indexStartLine(
        _ bytes: borrowing Span<UInt8>, from start: Int, to end: Int
    ) throws(MalformedMessage) {
        if end &- start >= 11, Self.isVersion(bytes, at: start), bytes[start &+ 7] == .space {
            return try indexStatusLine(bytes, from: start &+ 8, to: end)
        }
        let methodEnd = bytes.firstIndex(of: .space, from: start, to: end)
        let uri = methodEnd &+ 1
        if methodEnd == start || uri >= end { throw .startLine }
        let uriEnd = bytes.firstIndex(of: .space, from: uri, to: end)
        if uriEnd == uri || end &- uriEnd != 8 { throw .startLine }
        if !Self.isVersion(bytes, at: uriEnd &+ 1) {
            throw bytes[uriEnd &+ 4] == UInt8(ascii: "/") ? .version : .startLine
        }
        startLine = .request(Method(bytes: bytes.extracting(start..<methodEnd)))
        methodText = ByteRange(start, methodEnd)
        requestURI = ByteRange(uri, uriEnd)
    }

    private mutating func indexStatusLine(
        _ bytes: borrowing Span<UInt8>, from start: Int, to end: Int
    ) throws(MalformedMessage) {
        var status = 0
        for i in start..<start &+ 3 {
            guard let digit = bytes[i].digitValue else { throw .status }
            status = status &* 10 &+ digit
        }
        let statusEnd = start &+ 3
        if status < 100 || status > 699 { throw .status }
        if statusEnd < end, bytes[statusEnd] != .space { throw .status }
        startLine = .response(status: UInt16(truncatingIfNeeded: status))
        reasonPhrase = ByteRange(min(statusEnd &+ 1, end), end)
    }
}
