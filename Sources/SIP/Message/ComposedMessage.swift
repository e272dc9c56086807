import Datagrams

/// Messages the engine sends of its own accord, made from one that was sent or received: acknowledgements, CANCEL, the
/// BYE of an aborted call, and plain responses.
///
/// A request comes as its bytes and their index. Everything is appended to `out`; no function fails or allocates once
/// `out` has grown.
package enum ComposedMessage {
    /// The ACK of a final response of 300 or above: same Request-URI, top Via, From, Call-ID and Route headers as the
    /// INVITE, To of the response (RFC 3261, 17.1.1.3).
    package static func ack(
        for response: borrowing Span<UInt8>, _ responseIndex: borrowing MessageIndex,
        to invite: borrowing Span<UInt8>, _ index: borrowing MessageIndex, into out: inout ByteBuffer
    ) -> Rendered {
        var message = Composition(in: out)
        out.append(requestLine: .ack, invite.extracting(index.requestURI.bounds))
        out.append(line: "Via", unfolding: invite, index.topVia)
        out.append(line: "From", unfolding: invite, index.from)
        out.append(line: "To", unfolding: response, responseIndex.to)
        message.appendCallID(invite, index, to: &out)
        out.append(cseq: index.cseq, Method.ack)
        out.append(headers: .route, of: invite, index)
        return message.finish(out: &out)
    }

    /// The CANCEL of an INVITE: all of its own, with the same single Via (RFC 3261, 9.1).
    package static func cancel(
        _ invite: borrowing Span<UInt8>, _ index: borrowing MessageIndex, into out: inout ByteBuffer
    ) -> Rendered {
        var message = Composition(in: out)
        out.append(requestLine: .cancel, invite.extracting(index.requestURI.bounds))
        out.append(line: "Via", unfolding: invite, index.topVia)
        out.append(line: "From", unfolding: invite, index.from)
        out.append(line: "To", unfolding: invite, index.to)
        message.appendCallID(invite, index, to: &out)
        out.append(cseq: index.cseq, Method.cancel)
        out.append(headers: .route, of: invite, index)
        return message.finish(out: &out)
    }

    /// The ACK of a 2xx: a request of the dialog with a branch of its own and the number of the INVITE (RFC 3261,
    /// 13.2.2.4). `to` is the value of To in the 2xx, `routes` the list of Route values.
    package static func ackFor2xx(
        to invite: borrowing Span<UInt8>, _ index: borrowing MessageIndex, requestURI: borrowing Span<UInt8>,
        to remote: borrowing Span<UInt8>, branch: BranchIdentity, routes: borrowing Span<UInt8>,
        into out: inout ByteBuffer
    ) -> Rendered {
        inDialog(.ack, invite, index, requestURI, remote, branch, index.cseq, routes, &out)
    }

    /// The BYE of the dialog that `invite` asked for (RFC 3261, 15.1.1).
    package static func bye(
        after invite: borrowing Span<UInt8>, _ index: borrowing MessageIndex, requestURI: borrowing Span<UInt8>,
        to remote: borrowing Span<UInt8>, branch: BranchIdentity, cseq: UInt32, routes: borrowing Span<UInt8>,
        into out: inout ByteBuffer
    ) -> Rendered {
        inDialog(.bye, invite, index, requestURI, remote, branch, cseq, routes, &out)
    }

    private static func inDialog(
        _ method: Method, _ invite: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        _ requestURI: borrowing Span<UInt8>, _ remote: borrowing Span<UInt8>, _ branch: BranchIdentity,
        _ cseq: UInt32, _ routes: borrowing Span<UInt8>, _ out: inout ByteBuffer
    ) -> Rendered {
        var message = Composition(in: out)
        // A 2xx owes a Contact (12.1.1); without one the request goes where the INVITE went.
        if requestURI.isEmpty {
            out.append(requestLine: method, invite.extracting(index.requestURI.bounds))
        } else {
            out.append(requestLine: method, requestURI)
        }
        out.append(viaOf: invite, index, with: branch)
        out.append(line: "From", unfolding: invite, index.from)
        out.append("To: ")
        out.append(remote)
        out.append("\r\n")
        message.appendCallID(invite, index, to: &out)
        out.append(cseq: cseq, method)
        if !routes.isEmpty {
            out.append("Route: ")
            out.append(routes)
            out.append("\r\n")
        }
        return message.finish(out: &out)
    }

    /// A response without a body: Via, From, To, Call-ID and CSeq of the request (RFC 3261, 8.2.6.2). To gets `toTag`
    /// where the request has none and the response is not 100. `method` replaces that of CSeq.
    package static func response(
        _ status: UInt16, reason: StaticString, to request: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        method: Method? = nil, toTag: borrowing Span<UInt8>, into out: inout ByteBuffer
    ) -> Rendered {
        var message = Composition(in: out)
        out.append("SIP/2.0 ")
        out.append(decimal: UInt64(status))
        out.append(UInt8.space)
        out.append(reason)
        out.append("\r\n")
        for header in index.headers where header.name == .via {
            out.append("Via: ")
            out.append(via: header, of: request, index)
            out.append("\r\n")
        }
        out.append(line: "From", unfolding: request, index.from)
        out.append("To: ")
        out.append(unfolding: request, index.to)
        if index.toTag.isEmpty, status != 100, !toTag.isEmpty {
            out.append(";tag=")
            out.append(toTag)
        }
        out.append("\r\n")
        message.appendCallID(request, index, to: &out)
        out.append("CSeq: ")
        out.append(decimal: UInt64(index.cseq))
        out.append(UInt8.space)
        if let method { out.append(method.text) } else { out.append(request, index.cseqMethodText) }
        out.append("\r\n")
        return message.finish(hops: nil, out: &out)
    }
}

/// A message being written, and where its Call-ID went.
private struct Composition {
    private let start: Int
    private var callID = 0..<0

    init(in out: borrowing ByteBuffer) { start = out.count }

    mutating func appendCallID(
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, to out: inout ByteBuffer
    ) {
        out.append("Call-ID: ")
        callID = out.count..<out.count + Int(index.callID.count)
        out.append(bytes, index.callID)
        out.append("\r\n")
    }

    /// RFC 3261, 8.1.1.6: Max-Forwards should be 70. Responses have none.
    func finish(hops: UInt64? = 70, out: inout ByteBuffer) -> Rendered {
        if let hops {
            out.append("Max-Forwards: ")
            out.append(decimal: hops)
            out.append("\r\n")
        }
        out.append("Content-Length: 0\r\n\r\n")
        return Rendered(
            start: start, count: out.count - start, callIDStart: UInt16(clamping: callID.lowerBound - start),
            callIDCount: UInt16(clamping: callID.count))
    }
}

extension ByteBuffer {
    fileprivate mutating func append(requestLine method: Method, _ uri: borrowing Span<UInt8>) {
        append(method.text)
        append(UInt8.space)
        append(uri)
        append(" SIP/2.0\r\n")
    }

    fileprivate mutating func append(
        line name: StaticString, unfolding bytes: borrowing Span<UInt8>, _ value: ByteRange
    ) {
        append(name)
        append(": ")
        append(unfolding: bytes, value)
        append("\r\n")
    }

    /// Every header of this name, each on its line.
    fileprivate mutating func append(
        headers name: HeaderName, of bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        for header in index.headers where header.name == name {
            append(line: name.text, unfolding: bytes, header.value)
        }
    }

    fileprivate mutating func append(cseq: UInt32, _ method: Method) {
        append("CSeq: ")
        append(decimal: UInt64(cseq))
        append(UInt8.space)
        append(method.text)
        append("\r\n")
    }

    /// The request's top Via with another branch.
    fileprivate mutating func append(
        viaOf bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, with branch: BranchIdentity
    ) {
        append("Via: ")
        if index.viaBranch.isEmpty {
            append(unfolding: bytes, index.topVia)
            append(";branch=")
            branch.append(to: &self)
        } else {
            append(unfolding: bytes, ByteRange(Int(index.topVia.start), Int(index.viaBranch.start)))
            branch.append(to: &self)
            append(unfolding: bytes, ByteRange(index.viaBranch.end, index.topVia.end))
        }
        append("\r\n")
    }
}
