/// Why a datagram is not a SIP message that can be answered or matched. Offsets count from the datagram's first byte.
package enum MalformedMessage: Error, Hashable, Sendable, BitwiseCopyable {
    /// Nothing, or line ends or zeros only: a NAT keep-alive (RFC 5626, 4.4.1), to be discarded silently.
    case keepAlive
    case datagramTooLong(count: Int)
    case startLine
    /// A start line of SIP's shape, of another version.
    case version
    /// Outside 100 ... 699.
    case status
    case headerWithoutColon(offset: Int)
    case headerTooLong(offset: Int)
    case tooManyHeaders
    /// The datagram ends inside a header line.
    case unterminatedHeader(offset: Int)
    case via(offset: Int)
    /// An open quote or angle bracket, or no URI, in From, To, Contact or Record-Route.
    case address(HeaderName, offset: Int)
    /// Not a number below 2^31 and a method.
    case cseq(offset: Int)
    /// Not a number, or two that differ.
    case contentLength(offset: Int)
    /// Content-Length announces more than the datagram holds.
    case truncated(announced: Int, present: Int)
    /// One of Via, From, To, Call-ID and CSeq. Everything else of the index is filled all the same.
    case missing(HeaderName)
    case tooManyRoutes
}

extension MalformedMessage: CustomStringConvertible {
    package var description: String {
        switch self {
        case .keepAlive: "the datagram is a keep-alive, not a message"
        case .datagramTooLong(let count):
            "the datagram has \(count) bytes, more than the \(MessageIndex.datagramLimit) of UDP"
        case .startLine: "the first line is neither `METHOD URI SIP/2.0` nor `SIP/2.0 status reason`"
        case .version: "the SIP version is not 2.0"
        case .status: "the status code is not a number from 100 to 699"
        case .headerWithoutColon(let offset): "the header line at byte \(offset) has no name and colon"
        case .headerTooLong(let offset):
            "the header at byte \(offset) is longer than \(MessageIndex.headerLineLimit) bytes"
        case .tooManyHeaders: "there are more than \(MessageIndex.headerLimit) header lines"
        case .unterminatedHeader(let offset): "the datagram ends inside the header line at byte \(offset)"
        case .via(let offset): "the Via at byte \(offset) is not `SIP/2.0/transport host:port;parameters`"
        case .address(let name, let offset):
            "the \(name.text) at byte \(offset) has no URI, or an open quote or angle bracket"
        case .cseq(let offset): "the CSeq at byte \(offset) is not a number below 2147483648 and a method"
        case .contentLength(let offset): "the Content-Length at byte \(offset) is not one number"
        case .truncated(let announced, let present):
            "Content-Length announces \(announced) bytes of body, the datagram holds \(present)"
        case .missing(let name): "the \(name.text) header is missing"
        case .tooManyRoutes: "there are more than \(RouteSet.hopLimit) Record-Route values"
        }
    }
}
