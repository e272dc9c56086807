import Datagrams
import SIP

// A span taken from a stored property borrows the whole value that owns it, so a mutating method could not use it beside
// another property. These take the owners as parameters instead, and make the spans themselves.

extension ByteBuffer {
    var all: Range<Int> { 0..<count }

    mutating func append(_ source: ByteBuffer, _ range: Range<Int>) {
        append(source.storage.span.extracting(range))
    }

    mutating func append(_ store: TextStore, _ range: TextRange) {
        append(store.bytes.span.extracting(range.bounds))
    }
}

extension TextStore {
    mutating func keep(_ source: ByteBuffer, _ range: Range<Int>) -> TextRange {
        keep(source.storage.span.extracting(range))
    }

    mutating func replace(_ kept: inout TextRange, with source: ByteBuffer, _ range: Range<Int>) {
        replace(&kept, with: source.storage.span.extracting(range))
    }

    func hash(_ range: TextRange) -> UInt64 { CallIDMap.hash(bytes.span.extracting(range.bounds)) }
}

extension MessageIndex {
    /// Of a message that parsed when it came or was made, or of a scenario's own that may be broken: then the index is
    /// as far as it got.
    mutating func reparse(_ source: ByteBuffer, _ range: Range<Int>) {
        try? parse(source.storage.span.extracting(range))
    }

    mutating func noteSource(_ address: SocketAddress, in source: ByteBuffer) {
        noteSource(address, in: source.storage.span)
    }
}

extension MessageTemplate {
    func render(
        into out: inout ByteBuffer, values: RenderValues, texts: TextStore, last: borrowing Span<UInt8>,
        lastIndex: borrowing MessageIndex
    ) -> Rendered {
        render(into: &out, values: values, texts: texts.bytes.span, last: last, lastIndex: lastIndex)
    }

    func render(
        into out: inout ByteBuffer, values: RenderValues, texts: TextStore, last: borrowing Span<UInt8>,
        lastIndex: borrowing MessageIndex, inserts: borrowing InsertedTexts
    ) -> Rendered {
        render(
            into: &out, values: values, texts: texts.bytes.span, last: last, lastIndex: lastIndex, inserts: inserts)
    }

    /// Without a received message: the template does not use one.
    func renderAgain(into out: inout ByteBuffer, values: RenderValues, texts: TextStore) -> Rendered {
        let nothing = MessageIndex()
        return render(into: &out, values: values, texts: texts.bytes.span, last: Span(), lastIndex: nothing)
    }
}

extension Rendered {
    var range: Range<Int> { start..<start + count }
}

/// A dialog's request made by the engine: what it is made from.
struct InDialog {
    var branch: BranchIdentity
    var cseq: UInt32

    /// `target` is the Request-URI, `remote` the value of To.
    func ack(
        _ invite: ByteBuffer, _ index: MessageIndex, target: borrowing Span<UInt8>, remote: borrowing Span<UInt8>,
        routes: TextRange, in texts: TextStore, into out: inout ByteBuffer
    ) -> Rendered {
        ComposedMessage.ackFor2xx(
            to: invite.storage.span.extracting(invite.all), index, requestURI: target, to: remote, branch: branch,
            routes: texts.bytes.span.extracting(routes.bounds), into: &out)
    }

    func bye(
        _ invite: ByteBuffer, _ index: MessageIndex, target: borrowing Span<UInt8>, remote: borrowing Span<UInt8>,
        routes: TextRange, in texts: TextStore, into out: inout ByteBuffer
    ) -> Rendered {
        ComposedMessage.bye(
            after: invite.storage.span.extracting(invite.all), index, requestURI: target, to: remote, branch: branch,
            cseq: cseq, routes: texts.bytes.span.extracting(routes.bounds), into: &out)
    }

    func ack(
        _ invite: ByteBuffer, _ index: MessageIndex, target: ByteBuffer, remote: ByteBuffer, routes: TextRange,
        in texts: TextStore, into out: inout ByteBuffer
    ) -> Rendered {
        ack(
            invite, index, target: target.storage.span.extracting(target.all),
            remote: remote.storage.span.extracting(remote.all), routes: routes, in: texts, into: &out)
    }

    func bye(
        _ invite: ByteBuffer, _ index: MessageIndex, target: ByteBuffer, remote: ByteBuffer, routes: TextRange,
        in texts: TextStore, into out: inout ByteBuffer
    ) -> Rendered {
        bye(
            invite, index, target: target.storage.span.extracting(target.all),
            remote: remote.storage.span.extracting(remote.all), routes: routes, in: texts, into: &out)
    }
}

extension ComposedMessage {
    static func ack(
        for response: borrowing Span<UInt8>, _ responseIndex: borrowing MessageIndex, to invite: ByteBuffer,
        _ index: MessageIndex, into out: inout ByteBuffer
    ) -> Rendered {
        ack(for: response, responseIndex, to: invite.storage.span.extracting(invite.all), index, into: &out)
    }

    static func cancel(_ invite: ByteBuffer, _ index: MessageIndex, into out: inout ByteBuffer) -> Rendered {
        cancel(invite.storage.span.extracting(invite.all), index, into: &out)
    }

    static func response(
        _ status: UInt16, to request: borrowing Span<UInt8>, _ index: borrowing MessageIndex, method: Method? = nil,
        toTag: ByteBuffer, into out: inout ByteBuffer
    ) -> Rendered {
        response(
            status, reason: StatusCode.reason(status), to: request, index, method: method,
            toTag: toTag.storage.span.extracting(toTag.all), into: &out)
    }

    static func response(
        _ status: UInt16, to request: ByteBuffer, _ index: MessageIndex, method: Method, toTag: ByteBuffer,
        into out: inout ByteBuffer
    ) -> Rendered {
        response(
            status, to: request.storage.span.extracting(request.all), index, method: method, toTag: toTag, into: &out)
    }
}
