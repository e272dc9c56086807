import Datagrams

/// Takes the pieces of a template apart into header lines and a body, and notes what the engine must know of them.
struct TemplateCompiler {
    enum Element {
        case bytes([UInt8])
        case part(MessageTemplate.Part)
        /// Apart because the name is laid down among the literals.
        case lastHeader(name: [UInt8], withName: Bool, ownsLine: Bool)
    }

    private typealias Line = [MessageTemplate.Piece]

    private(set) var headers: [Element] = []
    private(set) var body: [Element] = []
    private(set) var startLine = StartLine.request(.other)
    private(set) var cseqNumber = MessageTemplate.CSeqNumber.other
    private(set) var usesLastMessage = false
    private(set) var usesRouteSet = false
    private(set) var usesPeerTag = false
    private(set) var inserts: [UInt16] = []

    init(text pieces: [MessageTemplate.Piece]) { body = pieces.map { element(of: $0) } }

    init(_ pieces: [MessageTemplate.Piece]) throws(TemplateError) {
        let (lines, bodyPieces) = Self.lines(of: pieces)
        guard let first = lines.first, case .literal(let bytes)? = first.first else { throw .noStartLine }
        startLine = try Self.startLine(of: bytes, isWholeLine: first.count == 1)
        add(line: first)
        for line in lines.dropFirst() { add(header: line) }
        headers.append(.bytes(Self.lineEnd))
        body = bodyPieces.map { element(of: $0) }
    }

    private static let lineEnd: [UInt8] = [.carriageReturn, .lineFeed]

    /// Header lines without their ends, up to the first empty one, and what follows it.
    private static func lines(of pieces: [MessageTemplate.Piece]) -> (lines: [Line], body: Line) {
        var lines: [Line] = []
        var line: Line = []
        for (index, piece) in pieces.enumerated() {
            guard case .literal(let bytes) = piece else {
                line.append(piece)
                continue
            }
            var rest = bytes[...]
            while let end = rest.firstIndex(of: .lineFeed) {
                append(rest[..<end], to: &line)
                dropCarriageReturn(&line)
                rest = rest[(end + 1)...]
                if line.isEmpty, !lines.isEmpty {
                    return (lines, [.literal(Array(rest))] + pieces[(index + 1)...])
                }
                // Empty lines before the start line are not sent.
                if !line.isEmpty { lines.append(line) }
                line = []
            }
            append(rest, to: &line)
        }
        dropCarriageReturn(&line)
        if !line.isEmpty { lines.append(line) }
        return (lines, [])
    }

    private static func append(_ bytes: ArraySlice<UInt8>, to line: inout Line) {
        if bytes.isEmpty { return }
        if case .literal(let before)? = line.last {
            line[line.count - 1] = .literal(before + bytes)
        } else {
            line.append(.literal(Array(bytes)))
        }
    }

    private static func dropCarriageReturn(_ line: inout Line) {
        guard case .literal(var bytes)? = line.last, bytes.last == .carriageReturn else { return }
        bytes.removeLast()
        line.removeLast()
        if !bytes.isEmpty { line.append(.literal(bytes)) }
    }
}

// MARK: Header lines

extension TemplateCompiler {
    private mutating func add(line: Line) {
        for piece in line { headers.append(element(of: piece)) }
        headers.append(.bytes(Self.lineEnd))
    }

    private mutating func add(header line: Line) {
        if line.count == 1, case .slot(let slot) = line[0], slot.mayVanish {
            headers.append(element(of: slot, ownsLine: true))
            return
        }
        guard case .literal(let first) = line[0], let colon = first.firstIndex(of: UInt8(ascii: ":")) else {
            return add(line: line)
        }
        let value = first[(colon + 1)...].drop(while: \.isBlank)
        switch HeaderName(bytes: Self.trimmed(first[..<colon]).span) {
        case .callID:
            headers.append(.bytes(Array(first[..<value.startIndex])))
            headers.append(.part(.callIDStart))
            add(callID: [.literal(Array(value))] + line.dropFirst())
        case .cseq:
            cseqNumber = Self.number(value, followedBy: line.dropFirst().first)
            add(line: line)
        default:
            add(line: line)
        }
    }

    private mutating func add(callID value: Line) {
        for piece in value.dropLast() { headers.append(element(of: piece)) }
        switch value[value.count - 1] {
        case .literal(let bytes): headers.append(.bytes(Self.trimmed(bytes[...])))
        case .slot(let slot): headers.append(element(of: slot))
        }
        headers.append(.part(.callIDEnd))
        headers.append(.bytes(Self.lineEnd))
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = bytes
        while let last = bytes.last, last.isBlank { bytes.removeLast() }
        return Array(bytes)
    }

    private static func number(
        _ text: ArraySlice<UInt8>, followedBy next: MessageTemplate.Piece?
    ) -> MessageTemplate.CSeqNumber {
        if text.isEmpty, case .slot(.cseq(let offset))? = next { return .slot(offset: offset) }
        let digits = text.prefix { $0.digitValue != nil }
        // Digits up to a slot are only the beginning of a number.
        if digits.count == text.count, next != nil { return .other }
        guard let number = UInt32(String(decoding: digits, as: UTF8.self)) else { return .other }
        return .literal(number)
    }

    private static func startLine(of bytes: [UInt8], isWholeLine: Bool) throws(TemplateError) -> StartLine {
        let word = bytes.prefix { $0 != .space }
        if word.count == bytes.count, !isWholeLine { throw .startLine(String(decoding: word, as: UTF8.self)) }
        if word.elementsEqual("SIP/2.0".utf8) {
            let code = String(decoding: bytes.dropFirst(word.count + 1).prefix { $0 != .space }, as: UTF8.self)
            guard let status = UInt16(code), code.utf8.count == 3, (100...699).contains(status) else {
                throw .status(code)
            }
            return .response(status: status)
        }
        guard !word.isEmpty, word.allSatisfy(\.isMethodCharacter) else {
            throw .startLine(String(decoding: word, as: UTF8.self))
        }
        return .request(Method(bytes: Array(word).span))
    }
}

// MARK: Content-Length

extension TemplateCompiler {
    /// Whether a header line begins with its name, in any form.
    var saysLength: Bool {
        var isLineStart = false
        for element in headers {
            switch element {
            case .bytes(let bytes):
                var line = bytes.startIndex
                while line < bytes.endIndex {
                    let end = bytes[line...].firstIndex(of: .lineFeed) ?? bytes.endIndex
                    if isLineStart, Self.isContentLength(bytes[line..<end]) { return true }
                    isLineStart = end < bytes.endIndex
                    line = isLineStart ? end + 1 : end
                }
            case .lastHeader(let name, let withName, let ownsLine):
                if withName, HeaderName(bytes: name.span) == .contentLength { return true }
                isLineStart = ownsLine
            case .part(.routes(let ownsLine)): isLineStart = ownsLine
            case .part: isLineStart = false
            }
        }
        return false
    }

    private static func isContentLength(_ line: ArraySlice<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let name = Array(line[..<colon].filter { !$0.isBlank })
        return HeaderName(bytes: name.span) == .contentLength
    }
}

// MARK: Slots

extension TemplateCompiler {
    private mutating func element(of piece: MessageTemplate.Piece) -> Element {
        switch piece {
        case .literal(let bytes): .bytes(bytes)
        case .slot(let slot): element(of: slot)
        }
    }

    private mutating func element(of slot: MessageTemplate.Slot, ownsLine: Bool = false) -> Element {
        note(slot)
        return switch slot {
        case .callNumber: .part(.callNumber)
        case .callID: .part(.callID)
        case .branch(let offset): .part(.branch(offset))
        case .cseq(let offset): .part(.cseq(offset))
        case .peerTag: .part(.peerTag)
        case .localIP: .part(.localIP)
        case .localPort(let offset): .part(.localPort(offset))
        case .messageIndex(let offset): .part(.messageIndex(offset))
        case .contentLength(let offset): .part(.contentLength(offset))
        case .lastHeader(let name, let withName):
            .lastHeader(name: Array(name.utf8), withName: withName, ownsLine: ownsLine)
        case .lastRequestURI: .part(.lastRequestURI)
        case .lastCSeqNumber(let offset): .part(.lastCSeqNumber(offset))
        case .lastMessage: .part(.lastMessage)
        case .routes: .part(.routes(ownsLine: ownsLine))
        case .nextURL: .part(.nextURL)
        case .insert: .part(.insert(position: UInt16(inserts.count - 1), ownsLine: ownsLine))
        }
    }

    private mutating func note(_ slot: MessageTemplate.Slot) {
        switch slot {
        case .lastHeader, .lastRequestURI, .lastCSeqNumber, .lastMessage: usesLastMessage = true
        case .routes, .nextURL: usesRouteSet = true
        case .peerTag: usesPeerTag = true
        case .insert(let number): inserts.append(number)
        case .callNumber, .callID, .branch, .cseq, .localIP, .localPort, .messageIndex, .contentLength: break
        }
    }
}

extension MessageTemplate.Slot {
    /// Alone on its line and rendering nothing, it takes the line with it.
    fileprivate var mayVanish: Bool {
        switch self {
        case .lastHeader, .routes, .insert: true
        case .callNumber, .callID, .branch, .cseq, .peerTag, .localIP, .localPort, .messageIndex, .contentLength,
            .lastRequestURI, .lastCSeqNumber, .lastMessage, .nextURL:
            false
        }
    }
}

extension UInt8 {
    /// RFC 3261, 25.1: token.
    fileprivate var isMethodCharacter: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-.!%*_+`'~".utf8.contains(self)
        }
    }
}
