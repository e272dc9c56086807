import Datagrams
import SIP

/// The SIP messages of one capture or several: frames go in, messages come out in the order of their time, each once.
///
/// Every UDP payload that begins as a SIP message does is one, whatever its port. What is not, is counted and left. It
/// reads bytes and nothing else.
package struct SIPTraffic: Sendable {
    package struct Settings: Sendable {
        /// Only datagrams from or to this port.
        package var port: UInt16?
        /// The same bytes between the same addresses within this are one datagram captured twice. A retransmission comes
        /// T1 later, a hundred times as long; a bridge or `lo` takes microseconds.
        package var duplicateWindow = Nanoseconds.milliseconds(5)

        /// Each file is a capture point of its own: the same datagram in two files is two.
        package var separatesFiles = false

        package init() {}
    }

    package private(set) var messages: [CapturedMessage] = []
    package private(set) var counts = CaptureCounts()
    package private(set) var texts = ByteTable()
    package private(set) var addresses = AddressTable()
    /// When the first and the last frame of any kind were captured.
    package private(set) var firstFrame: Nanoseconds?
    package private(set) var lastFrame: Nanoseconds?

    private let settings: Settings
    private var index = MessageIndex()
    private var fragments = FragmentStore()
    private var file: UInt16 = 0
    private var frame: UInt32 = 0
    private var lastInFile: Nanoseconds?

    package init(settings: Settings = Settings()) { self.settings = settings }

    /// Frames from here on are of the next file.
    package mutating func beginFile(_ number: Int) {
        endFile()
        file = UInt16(clamping: number)
        frame = 0
        lastInFile = nil
    }

    private mutating func endFile() {
        fragments.abandonAll()
        counts.incompletePackets = fragments.abandoned
    }

    package mutating func add(_ bytes: borrowing Span<UInt8>, link: LinkType, at: Nanoseconds) {
        counts.frames += 1
        frame &+= 1
        firstFrame = min(firstFrame ?? at, at)
        lastFrame = max(lastFrame ?? at, at)
        if let lastInFile, at < lastInFile { counts.outOfOrder += 1 }
        lastInFile = at
        switch PacketDecoder.decode(bytes, link: link) {
        case .udp(let content): add(content, bytes, at: at)
        case .tcp(_, _, let payload):
            if Self.beginsAsSIP(bytes.extracting(payload)) { counts.sipOverTCP += 1 } else { counts.otherTCP += 1 }
        case .fragment(let fragment):
            counts.fragments += 1
            if let whole = fragments.add(fragment, from: bytes, at: at) { add(whole, at: at) }
        case .otherTransport: counts.otherTransport += 1
        case .notIP: counts.notIP += 1
        case .cut: counts.cut += 1
        case .broken: counts.brokenPackets += 1
        }
    }

    /// The frame that completed it counts as what the whole is, and no longer as a fragment.
    private mutating func add(_ whole: ReassembledPacket, at: Nanoseconds) {
        guard case .udp(let content) = PacketDecoder.decode(whole) else { return }
        counts.reassembled += 1
        counts.fragments -= 1
        add(content, whole.bytes.span, at: at)
    }

    // MARK: datagrams

    private mutating func add(_ content: UDPContent, _ bytes: borrowing Span<UInt8>, at: Nanoseconds) {
        let payload = bytes.extracting(content.payload)
        if content.announced == 0 || Self.isKeepAlive(payload), !content.isCut {
            counts.emptyUDP += 1
        } else if let port = settings.port, content.source.port != port, content.destination.port != port {
            counts.otherPort += 1
        } else if Self.beginsAsSIP(payload) {
            addMessages(content, payload, at: at)
        } else if content.isCut, let tag = content.tag {
            counts.sipDatagrams += 1
            add(tag, content, at: at)
        } else {
            counts.otherUDP += 1
        }
    }

    private static func isKeepAlive(_ payload: borrowing Span<UInt8>) -> Bool {
        for i in 0..<payload.count where payload[i] != 13 && payload[i] != 10 && payload[i] != 0 { return false }
        return true
    }

    /// As a rule one; segmentation offload on the capturing host makes one long datagram of several.
    private mutating func addMessages(_ content: UDPContent, _ payload: borrowing Span<UInt8>, at: Nanoseconds) {
        var start = 0
        var isFirst = true
        while start < payload.count {
            let rest = payload.extracting(start..<payload.count)
            if !isFirst, !Self.beginsAsSIP(rest) { return }
            guard let count = addMessage(content, rest, isFirst: isFirst, at: at) else { return }
            if !isFirst { counts.segments += 1 }
            isFirst = false
            start += max(count, 1)
        }
    }

    /// How many bytes the message took; nil where nothing can follow.
    private mutating func addMessage(
        _ content: UDPContent, _ bytes: borrowing Span<UInt8>, isFirst: Bool, at: Nanoseconds
    ) -> Int? {
        let isCut = content.isCut
        // A line that was cut must not be read as if it were whole.
        let readable = isCut ? Self.endOfLastLine(bytes) : bytes.count
        var isWhole = true
        do throws(MalformedMessage) {
            try index.parse(bytes.extracting(0..<readable))
        } catch {
            switch error {
            // The headers were all read, only the body is short: of a cut frame that is what was to be expected.
            case .truncated where isCut && index.isIdentified: isWhole = false
            case _:
                if isFirst { note(error, content, at: at) }
                return nil
            }
        }
        if isFirst { counts.sipDatagrams += 1 }
        if isCut { counts.cutMessages += 1 }
        append(content, bytes, at: at, size: isCut ? content.announced : isWhole ? index.body.end : bytes.count)
        return isCut ? nil : index.body.end
    }

    private mutating func note(_ error: MalformedMessage, _ content: UDPContent, at: Nanoseconds) {
        if content.isCut, let tag = content.tag {
            counts.sipDatagrams += 1
            return add(tag, content, at: at)
        }
        if content.isCut { counts.unreadable += 1 } else { counts.malformed += 1 }
    }

    private mutating func append(
        _ content: UDPContent, _ bytes: borrowing Span<UInt8>, at: Nanoseconds, size: Int
    ) {
        var status: UInt16 = 0
        if case .response(let code) = index.startLine { status = code }
        let captured = size <= bytes.count ? bytes.extracting(0..<size) : bytes.extracting(0..<bytes.count)
        counts.messages += 1
        messages.append(
            CapturedMessage(
                at: at, digest: ByteTable.digest(of: captured), frame: frame, file: file, status: status,
                source: addresses.number(of: content.source), destination: addresses.number(of: content.destination),
                callID: number(index.callID, bytes), branch: number(index.viaBranch, bytes),
                fromTag: number(index.fromTag, bytes), toTag: number(index.toTag, bytes), cseq: index.cseq,
                method: index.cseqMethod,
                methodText: index.cseqMethod == .other ? number(index.cseqMethodText, bytes) : 0,
                size: UInt16(clamping: size), identification: content.identification, isTagged: content.tag != nil,
                isTaggedAsRetransmission: content.tag?.isRetransmission ?? false))
    }

    private mutating func number(_ range: ByteRange, _ bytes: borrowing Span<UInt8>) -> UInt32 {
        range.isEmpty ? 0 : texts.number(of: bytes.extracting(range.bounds))
    }

    /// Of a frame cut before its Call-ID, the tag still says which request it is.
    private mutating func add(_ tag: CapturedTag, _ content: UDPContent, at: Nanoseconds) {
        counts.cutMessages += 1
        counts.messages += 1
        let callID = texts.number(of: tag.callID.span.extracting(0..<tag.callIDCount))
        messages.append(
            CapturedMessage(
                at: at, digest: UInt64(callID) << 32 | UInt64(tag.cseq), frame: frame, file: file, status: 0,
                source: addresses.number(of: content.source), destination: addresses.number(of: content.destination),
                callID: callID, branch: 0, fromTag: 0, toTag: 0, cseq: tag.cseq, method: tag.method, methodText: 0,
                size: UInt16(clamping: content.announced), identification: content.identification, isTagged: true,
                isTaggedAsRetransmission: tag.isRetransmission))
    }

    // MARK: order

    /// After the last frame: puts the messages in the order of their time and leaves out what was captured twice.
    package mutating func finish() {
        endFile()
        messages.sort { ($0.at, $0.file, $0.frame) < ($1.at, $1.file, $1.frame) }
        var seen: [Copy: Nanoseconds] = [:]
        messages.removeAll { message in
            let copy = Copy(message, file: settings.separatesFiles ? message.file : 0)
            // From the first of them on: a third copy is one too, and a retransmission never is.
            if let first = seen[copy], message.at - first <= settings.duplicateWindow { return true }
            seen[copy] = message.at
            return false
        }
        counts.duplicates = counts.messages - UInt64(messages.count)
    }

    /// The messages of one file alone. The counts stay those of all.
    package func only(file: Int) -> SIPTraffic {
        var part = self
        part.messages.removeAll { $0.file != UInt16(clamping: file) }
        return part
    }

    private struct Copy: Hashable {
        var digest: UInt64
        var source: UInt32
        var destination: UInt32
        var identification: UInt16
        var isTaggedAsRetransmission: Bool
        var file: UInt16

        init(_ message: CapturedMessage, file: UInt16) {
            self.file = file
            digest = message.digest
            source = message.source
            destination = message.destination
            identification = message.identification
            isTaggedAsRetransmission = message.isTaggedAsRetransmission
        }
    }

    // MARK: what is SIP

    /// Whether the first line is a SIP start line, as far as it was captured.
    static func beginsAsSIP(_ payload: borrowing Span<UInt8>) -> Bool {
        var start = 0
        while start < payload.count, payload[start] == 13 || payload[start] == 10 { start += 1 }
        let end = Self.endOfLine(payload, from: start)
        if Self.isVersion(payload, at: start, to: end) { return true }
        // METHOD SP URI SP SIP/2.0
        guard Self.isVersion(payload, at: end - 7, to: end), end - 8 > start, payload[end - 8] == 32 else {
            return false
        }
        return isMethod(payload, from: start, to: end - 8)
    }

    private static func endOfLine(_ payload: borrowing Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < payload.count, payload[end] != 13, payload[end] != 10 { end += 1 }
        return end
    }

    private static func isMethod(_ payload: borrowing Span<UInt8>, from start: Int, to end: Int) -> Bool {
        var at = start
        while at < end, payload[at] > 32, payload[at] < 127 { at += 1 }
        return at > start && at < end && payload[at] == 32
    }

    private static func isVersion(_ payload: borrowing Span<UInt8>, at start: Int, to end: Int) -> Bool {
        guard start >= 0, start + 7 <= end else { return false }
        for i in 0..<7 {
            let byte = payload[start + i]
            let isUpper = byte >= 65 && byte <= 90
            if (isUpper ? byte | 32 : byte) != version[i] { return false }
        }
        return true
    }

    private static let version = Array("sip/2.0".utf8)

    private static func endOfLastLine(_ bytes: borrowing Span<UInt8>) -> Int {
        var end = bytes.count
        while end > 0, bytes[end - 1] != 10 { end -= 1 }
        return end
    }
}

extension MessageIndex {
    /// What a call is known by was found.
    fileprivate var isIdentified: Bool { !callID.isEmpty && !cseqMethodText.isEmpty && viaCount > 0 }
}
