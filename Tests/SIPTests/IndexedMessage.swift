import Datagrams
import SIP

/// A message as text, and what the parser made of it. Line ends are CRLF, as in a datagram.
struct IndexedMessage {
    var bytes: [UInt8]
    var index = MessageIndex()

    init(bytes: [UInt8]) throws(MalformedMessage) {
        self.bytes = bytes
        try index.parse(bytes.span)
    }

    /// Lines of a Swift text literal become CRLF lines; `body` follows the empty line as it is.
    init(_ lines: String, body: String = "") throws(MalformedMessage) {
        try self.init(bytes: Array((Self.crlf(lines) + "\r\n\r\n" + body).utf8))
    }

    static func crlf(_ lines: String) -> String {
        lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }

    func text(_ range: ByteRange?) -> String? { range.map { String(decoding: bytes[$0.bounds], as: UTF8.self) } }
    func text(_ range: ByteRange) -> String { String(decoding: bytes[range.bounds], as: UTF8.self) }

    func value(of name: HeaderName, occurrence: Int = 0) -> String? {
        text(index.value(of: name, occurrence: occurrence))
    }

    func value(ofHeader name: String, occurrence: Int = 0) -> String? {
        text(index.value(ofHeader: Array(name.utf8).span, in: bytes.span, occurrence: occurrence))
    }
}

extension ByteBuffer {
    var text: String { String(decoding: storage[0..<count], as: UTF8.self) }
    func text(_ rendered: Rendered) -> String { String(decoding: storage[rendered.bounds], as: UTF8.self) }
    func callID(_ rendered: Rendered) -> String {
        let start = rendered.start + Int(rendered.callIDStart)
        return String(decoding: storage[start..<start + Int(rendered.callIDCount)], as: UTF8.self)
    }
}

enum Sample {
    static let sdp =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"

    static let inviteLines = """
        INVITE sip:service@192.0.2.2:5060 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport
        Max-Forwards: 70
        From: "Load, generator" <sip:sipmeter@192.0.2.1:5061>;tag=9f3a01c2.123
        To: <sip:service@192.0.2.2:5060>
        Call-ID: 9f3a01c2.123.4f
        CSeq: 1 INVITE
        Contact: <sip:sipmeter@192.0.2.1:5061>;expires=60
        Content-Type: application/sdp
        Content-Length: \(sdp.utf8.count)
        """

    static func invite() throws(MalformedMessage) -> IndexedMessage {
        try IndexedMessage(inviteLines, body: sdp)
    }

    static let okLines = """
        SIP/2.0 200 OK
        Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK9f3a01c2.123.0;rport=5061
        From: "Load, generator" <sip:sipmeter@192.0.2.1:5061>;tag=9f3a01c2.123
        To: <sip:service@192.0.2.2:5060>;tag=peer7
        Call-ID: 9f3a01c2.123.4f
        CSeq: 1 INVITE
        Contact: <sip:service@192.0.2.9:5080;transport=udp>
        Content-Length: 0
        """

    static func ok() throws(MalformedMessage) -> IndexedMessage { try IndexedMessage(okLines) }

    /// The mandatory headers, to stand below a start line and whatever a test is about.
    static let mandatory = """
        Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1
        From: <sip:a@192.0.2.1>;tag=1
        To: <sip:b@192.0.2.2>
        Call-ID: c1
        CSeq: 1 OPTIONS
        """

    static func options(with headers: String...) throws(MalformedMessage) -> IndexedMessage {
        try IndexedMessage((["OPTIONS sip:b@192.0.2.2 SIP/2.0", mandatory] + headers).joined(separator: "\n"))
    }

    /// An OPTIONS in which the header lines given replace the mandatory ones of the same name.
    static func options(replacing replacements: [String: String?]) throws(MalformedMessage) -> IndexedMessage {
        let lines = mandatory.split(separator: "\n").compactMap { line -> String? in
            let name = String(line.prefix { $0 != ":" })
            if let replacement = replacements[name] { return replacement }
            return String(line)
        }
        return try IndexedMessage((["OPTIONS sip:b@192.0.2.2 SIP/2.0"] + lines).joined(separator: "\n"))
    }
}
