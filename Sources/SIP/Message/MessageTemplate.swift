import Datagrams

/// A message of a scenario, compiled once into literal bytes and the places where something is filled in.
///
/// Rendering copies a handful of runs of bytes; it never allocates once `out` has grown, never looks at text it wrote
/// and never fails. What is wrong with a template is said when it is made.
///
/// A class, so that reading one out of an array of them costs one reference count and not one for each of its parts.
package final class MessageTemplate: Sendable {
    /// What is filled in when a message is rendered. Offsets are the `+n` of a keyword.
    package enum Slot: Hashable, Sendable {
        case callNumber
        case callID
        /// `BranchIdentity` with `branchSequence + offset`.
        case branch(offset: Int32)
        case cseq(offset: Int32)
        /// `;tag=...` of the peer, or nothing.
        case peerTag
        /// IPv6 in brackets. Only where a run has several sources; else it is literal text.
        case localIP
        /// Only where connections have ports of their own; else it is literal text.
        case localPort(offset: Int32)
        case messageIndex(offset: Int32)
        /// Length of the body, right-aligned in five columns.
        case contentLength(offset: Int32)
        /// All values of this header in the last received message, joined by `, ` and unfolded. `withName` writes the
        /// name before them as it stands here.
        case lastHeader(name: String, withName: Bool)
        /// As SIPp has it: the URI of the last message's To.
        case lastRequestURI
        case lastCSeqNumber(offset: Int32)
        case lastMessage
        /// `Route: ...`, or nothing.
        case routes
        /// The remote target, or the run's request URI while there is none.
        case nextURL
        /// A text the caller supplies (`InsertedTexts`), known to it by this number.
        case insert(UInt16)
    }

    package enum Piece: Hashable, Sendable {
        case literal([UInt8])
        case slot(Slot)
    }

    /// What the template writes as the number of its CSeq.
    package enum CSeqNumber: Hashable, Sendable, BitwiseCopyable {
        case literal(UInt32)
        case slot(offset: Int32)
        /// Copied from the last message, or not a number.
        case other
    }

    package let startLine: StartLine
    package let cseqNumber: CSeqNumber
    package let usesLastMessage: Bool
    package let usesRouteSet: Bool
    package let usesPeerTag: Bool
    /// One of its headers is Content-Length: over a stream nothing else says where the message ends (RFC 3261, 18.3).
    package let saysLength: Bool
    /// The same `RenderValues` and texts give the same bytes again, whatever was received meanwhile: a retransmission
    /// need not be stored.
    package var isReproducible: Bool { !usesLastMessage && inserts.isEmpty }
    /// The numbers of its inserts, in the order in which `InsertedTexts` is to have their texts.
    package let inserts: [UInt16]

    let parts: [Part]
    /// The bytes of all literal parts and header names.
    let literals: [UInt8]
    /// Parts from here on are the body.
    let bodyStart: Int
    /// The body has slots, and the headers say its length.
    let measuresBody: Bool

    /// The headers end at the first empty line. Where the pieces have none, it is added.
    package convenience init(pieces: [Piece]) throws(TemplateError) {
        try self.init(TemplateCompiler(pieces))
    }

    /// A text that is no message: rendered as it stands.
    package convenience init(text pieces: [Piece]) throws(TemplateError) {
        try self.init(TemplateCompiler(text: pieces))
    }

    private init(_ compiler: TemplateCompiler) throws(TemplateError) {
        let layout = TemplateLayout(compiler)
        inserts = compiler.inserts
        startLine = compiler.startLine
        cseqNumber = compiler.cseqNumber
        usesLastMessage = compiler.usesLastMessage
        usesRouteSet = compiler.usesRouteSet
        usesPeerTag = compiler.usesPeerTag
        saysLength = compiler.saysLength
        parts = layout.parts
        literals = layout.literals
        bodyStart = layout.bodyStart
        measuresBody = layout.measuresBody
        if literals.count > MessageIndex.datagramLimit { throw .tooLong(count: literals.count) }
    }
}

extension MessageTemplate {
    /// One step of rendering. Trivially copyable: the loop over them touches no reference count.
    enum Part: BitwiseCopyable {
        case literal(TextRange)
        case callNumber
        case callID
        case branch(Int32)
        case cseq(Int32)
        case peerTag
        case localIP
        case localPort(Int32)
        case messageIndex(Int32)
        case contentLength(Int32)
        case lastHeader(LastHeader)
        case lastRequestURI
        case lastCSeqNumber(Int32)
        case lastMessage
        /// `ownsLine`: writes the line end as well, so that nothing is left of the line where nothing is rendered.
        case routes(ownsLine: Bool)
        case nextURL
        /// `position` counts the template's own inserts.
        case insert(position: UInt16, ownsLine: Bool)
        /// Between these two stands the value of Call-ID.
        case callIDStart
        case callIDEnd
    }

    struct LastHeader: BitwiseCopyable {
        var name: HeaderName
        /// The name as written, in `literals`, where a colon and a blank follow it.
        var text: TextRange
        var withName: Bool
        var ownsLine: Bool
    }
}

/// A place in the texts given to `MessageTemplate.render`.
package struct TextRange: Hashable, Sendable, BitwiseCopyable {
    package var start: UInt32
    package var count: UInt32

    package static let empty = TextRange(start: 0, count: 0)

    package init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }

    package var isEmpty: Bool { count == 0 }
    package var bounds: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// The texts of a template's inserts, one after another in one buffer that is used again and again.
package struct InsertedTexts: Sendable {
    package var bytes = ByteBuffer(capacity: 0)
    package private(set) var ranges: [TextRange] = []

    package init() {}

    package mutating func removeAll() {
        bytes.removeAll()
        ranges.removeAll(keepingCapacity: true)
    }

    /// What was appended to `bytes` since the last one is the next insert's text.
    package mutating func endText() {
        let start = ranges.last.map { $0.start + $0.count } ?? 0
        ranges.append(TextRange(start: start, count: UInt32(bytes.count) - start))
    }

    /// Puts another text in the place of one, at the end of the buffer.
    package mutating func replace(_ position: Int, with text: ByteBuffer) {
        let start = bytes.count
        bytes.append(text.storage.span.extracting(0..<text.count))
        ranges[position] = TextRange(start: UInt32(start), count: UInt32(text.count))
    }
}

/// What a rendering needs to know of its call.
package struct RenderValues: Sendable, BitwiseCopyable {
    package var identity: CallIdentity
    package var cseq: UInt32
    package var branchSequence: UInt32
    package var messageIndex: UInt32
    package var localAddress: SocketAddress
    /// The bare tag.
    package var peerTag: TextRange
    /// The list of Route values, without the header's name.
    package var routes: TextRange
    package var remoteTarget: TextRange
    /// Stands in for `remoteTarget` while that is empty.
    package var requestURI: TextRange

    package init(
        identity: CallIdentity, cseq: UInt32 = 1, branchSequence: UInt32 = 0, messageIndex: UInt32 = 0,
        localAddress: SocketAddress = .loopback(port: 0), peerTag: TextRange = .empty, routes: TextRange = .empty,
        remoteTarget: TextRange = .empty, requestURI: TextRange = .empty
    ) {
        self.identity = identity
        self.cseq = cseq
        self.branchSequence = branchSequence
        self.messageIndex = messageIndex
        self.localAddress = localAddress
        self.peerTag = peerTag
        self.routes = routes
        self.remoteTarget = remoteTarget
        self.requestURI = requestURI
    }
}

/// Where a message was written: `out.storage[start ..< start + count]`, and its Call-ID relative to `start`.
package struct Rendered: Hashable, Sendable, BitwiseCopyable {
    package var start: Int
    package var count: Int
    package var callIDStart: UInt16
    package var callIDCount: UInt16

    package init(start: Int, count: Int, callIDStart: UInt16, callIDCount: UInt16) {
        self.start = start
        self.count = count
        self.callIDStart = callIDStart
        self.callIDCount = callIDCount
    }

    package var bounds: Range<Int> { start..<start + count }
}

/// A mistake in a scenario's message.
package enum TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    case noStartLine
    case startLine(String)
    case status(String)
    case tooLong(count: Int)

    package var description: String {
        switch self {
        case .noStartLine:
            "a message begins with a literal method, as in `INVITE sip:... SIP/2.0`, or with `SIP/2.0` and a status code"
        case .startLine(let word):
            "a message begins with a method or with `SIP/2.0` and a status code, not with \"\(word)\""
        case .status(let code): "a status code is a number from 100 to 699, not \"\(code)\""
        case .tooLong(let count):
            "the message has \(count) bytes of text, more than a datagram holds (\(MessageIndex.datagramLimit))"
        }
    }
}
