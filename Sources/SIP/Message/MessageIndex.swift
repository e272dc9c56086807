import Datagrams

/// Where the parts of one SIP message stand in its datagram: what one bounds-checked pass over the bytes finds.
///
/// One index is reused for every datagram and allocates nothing after the first few. It holds places, never bytes, so it
/// means something only together with the datagram it was made from. After an error other than `.missing` its content
/// is meaningless.
package struct MessageIndex: Sendable {
    package struct Header: Sendable, BitwiseCopyable {
        package var name: HeaderName
        /// The value contains line ends (RFC 3261, 7.3.1).
        package var isFolded: Bool
        package var nameRange: ByteRange
        /// Without the blanks around it.
        package var value: ByteRange
    }

    package internal(set) var startLine = StartLine.response(status: 0)
    /// Empty in a response.
    package internal(set) var methodText = ByteRange.empty
    package internal(set) var requestURI = ByteRange.empty
    /// Empty in a request.
    package internal(set) var reasonPhrase = ByteRange.empty

    /// The first Via value only, also where one header holds several.
    package internal(set) var topVia = ByteRange.empty
    package internal(set) var viaBranch = ByteRange.empty
    /// IPv6 with its brackets.
    package internal(set) var viaHost = ByteRange.empty
    /// 0: none given.
    package internal(set) var viaPort: UInt16 = 0
    package internal(set) var viaHasRport = false
    /// The place after an `rport` that asks for its value; 0: none does.
    var viaRportEnd: UInt16 = 0
    var viaHasReceived = false
    /// What responses add to the top Via (`noteSource`).
    var viaSource: SocketAddress?
    /// Via values in all headers.
    package internal(set) var viaCount = 0

    package internal(set) var from = ByteRange.empty
    package internal(set) var fromTag = ByteRange.empty
    package internal(set) var fromURI = ByteRange.empty
    package internal(set) var to = ByteRange.empty
    package internal(set) var toTag = ByteRange.empty
    package internal(set) var toURI = ByteRange.empty
    package internal(set) var callID = ByteRange.empty
    package internal(set) var cseq: UInt32 = 0
    package internal(set) var cseqMethod = Method.other
    package internal(set) var cseqMethodText = ByteRange.empty
    /// The URI of the first Contact, without header parameters.
    package internal(set) var contactURI = ByteRange.empty
    package internal(set) var contentLength: Int?
    /// What follows the empty line, cut at Content-Length (RFC 3261, 18.3).
    package internal(set) var body = ByteRange.empty

    /// In the order of the message.
    package internal(set) var headers: [Header] = []

    /// Allocates nothing until something is parsed.
    package init() {}

    package var isRequest: Bool {
        switch startLine {
        case .request: true
        case .response: false
        }
    }

    /// What the length of an UDP datagram can say; `ByteRange` relies on it.
    package static let datagramLimit = 65_535
    /// The longest standard call flows have some 40 header lines; what has 256 is noise, and it bounds the work.
    package static let headerLimit = 256
    /// Certificates and identity tokens take a few kilobytes; nothing that a call needs takes 16.
    package static let headerLineLimit = 16_384
    /// RFC 3261, 8.1.1.5: less than 2^31.
    package static let cseqLimit: UInt32 = 1 << 31
}

extension MessageIndex {
    /// The value of the nth header of this name, counted from 0. `.other` finds the nth header sipmeter does not know.
    package func value(of name: HeaderName, occurrence: Int = 0) -> ByteRange? {
        var remaining = occurrence
        for header in headers where header.name == name {
            if remaining == 0 { return header.value }
            remaining -= 1
        }
        return nil
    }

    /// The same by the header's text in any case; a known name also finds its compact form. `bytes` is the datagram.
    package func value(
        ofHeader text: borrowing Span<UInt8>, in bytes: borrowing Span<UInt8>, occurrence: Int = 0
    ) -> ByteRange? {
        let name = HeaderName(bytes: text)
        var remaining = occurrence
        for header in headers where header.name == name {
            if name == .other, !bytes.extracting(header.nameRange.bounds).equalsIgnoringCase(text) { continue }
            if remaining == 0 { return header.value }
            remaining -= 1
        }
        return nil
    }
}
