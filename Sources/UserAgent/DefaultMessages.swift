import Datagrams
import SIP
import Scenarios

/// `<DefaultMessage>`: what stands in for a message the engine makes itself.
extension CallEngine {
    /// The scenario's own form of it; nil where it has none. `bytes` is what it answers; empty: the call's last message.
    mutating func renderDefault(
        _ which: DefaultMessage, _ i: Int, cseq: UInt32, sequence: UInt32, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered? {
        guard !program.defaultMessages.isEmpty, let template = program.defaultMessages[which] else { return nil }
        let values = renderValues(i, Int(calls[i].step), cseq: cseq, sequence)
        if !bytes.isEmpty { return renderDefault(template, i, values, at: now, bytes, index) }
        var buffer = ByteBuffer(capacity: 0)
        var lastIndex = MessageIndex()
        swap(&buffer, &previous)
        swap(&lastIndex, &previousIndex)
        buffer.removeAll()
        lastIndex.forget()
        if calls[i].lastMessage.count > 0 {
            buffer.append(texts, calls[i].lastMessage)
            lastIndex.reparse(buffer, buffer.all)
        }
        let rendered = renderDefault(
            template, i, values, at: now, buffer.storage.span.extracting(buffer.all), lastIndex)
        swap(&buffer, &previous)
        swap(&lastIndex, &previousIndex)
        return rendered
    }

    private mutating func renderDefault(
        _ template: MessageTemplate, _ i: Int, _ values: RenderValues, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered? {
        if keepsCallExtras, !template.inserts.isEmpty {
            return renderInserting(i, template: template, values, at: now, bytes, index)
        }
        return template.render(into: &outbox.bytes, values: values, texts: texts, last: bytes, lastIndex: index)
    }

    /// The same without a message at hand.
    mutating func renderDefault(
        _ which: DefaultMessage, _ i: Int, cseq: UInt32, sequence: UInt32, at now: MonotonicInstant
    ) -> Rendered? {
        if program.defaultMessages.isEmpty { return nil }
        let nothing = MessageIndex()
        return renderDefault(which, i, cseq: cseq, sequence: sequence, at: now, Span(), nothing)
    }
}
