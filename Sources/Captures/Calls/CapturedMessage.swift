import Datagrams

/// One SIP message as a capture shows it. Fixed size: a capture of a million calls is seven million of these. Texts and
/// addresses are numbers in `SIPTraffic`'s tables.
package struct CapturedMessage: Sendable, BitwiseCopyable {
    /// Since 1970, by the capturing machine's clock.
    package var at: Nanoseconds
    /// Which datagram it was, by its content: copies of one message have the same.
    package var digest: UInt64
    /// From 1, as other tools count.
    package var frame: UInt32
    package var file: UInt16
    /// 0: a request.
    package var status: UInt16
    package var source: UInt32
    package var destination: UInt32
    package var callID: UInt32
    /// Of the topmost Via.
    package var branch: UInt32
    package var fromTag: UInt32
    package var toTag: UInt32
    package var cseq: UInt32
    /// Of a response, the one it answers.
    package var method: CallTag.Method
    /// For `.other`.
    package var methodText: UInt32
    /// Bytes of SIP announced, captured or not.
    package var size: UInt16
    package var identification: UInt16
    package var isTagged: Bool
    /// What the tag says of it.
    package var isTaggedAsRetransmission: Bool

    package var isRequest: Bool { status == 0 }
    package var isProvisional: Bool { (100..<200).contains(status) }
    package var isFinal: Bool { status >= 200 }
}
