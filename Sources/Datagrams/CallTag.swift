/// What the call tag says of one datagram (`Sources/UDPTransport/CallTagOption.swift` writes the bytes).
///
/// The Call-ID is not copied here: it stands in the datagram itself, at `callIDStart`.
package struct CallTag: Sendable, BitwiseCopyable {
    /// Method codes are the contract with every probe that reads the tag.
    package enum Method: UInt8, Sendable, BitwiseCopyable, CaseIterable {
        case other = 0
        case invite, ack, bye, cancel, register, options, prack, subscribe, notify, publish, info, refer, message,
            update
    }

    package var method: Method
    package var isRetransmission: Bool
    package var cseq: UInt32
    package var callIDStart: UInt16
    package var callIDCount: UInt16

    package init(method: Method, isRetransmission: Bool, cseq: UInt32, callIDStart: UInt16, callIDCount: UInt16) {
        self.method = method
        self.isRetransmission = isRetransmission
        self.cseq = cseq
        self.callIDStart = callIDStart
        self.callIDCount = callIDCount
    }
}

extension CallTag.Method {
    /// Empty for `.other`, whose text stands in the message.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .invite: "INVITE"
        case .ack: "ACK"
        case .bye: "BYE"
        case .cancel: "CANCEL"
        case .register: "REGISTER"
        case .options: "OPTIONS"
        case .prack: "PRACK"
        case .subscribe: "SUBSCRIBE"
        case .notify: "NOTIFY"
        case .publish: "PUBLISH"
        case .info: "INFO"
        case .refer: "REFER"
        case .message: "MESSAGE"
        case .update: "UPDATE"
        }
    }
}
