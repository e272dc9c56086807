import Datagrams
import SIP
import Simulation

/// Messages for tests, our own.
enum SampleMessages {
    static func invite(callID: String, branch: String) -> [UInt8] {
        Array(
            """
            INVITE sip:service@10.0.0.2:5060 SIP/2.0\r
            Via: SIP/2.0/UDP 10.0.0.1:5060;branch=\(branch);rport\r
            Max-Forwards: 70\r
            From: <sip:a@10.0.0.1>;tag=f1\r
            To: <sip:service@10.0.0.2>\r
            Call-ID: \(callID)\r
            CSeq: 1 INVITE\r
            Contact: <sip:a@10.0.0.1:5060>\r
            Content-Length: 0\r
            \r

            """.utf8)
    }
}

/// A server made of rules, for what the built-in one would never do.
struct ReplyingServer {
    var silentMethods: Set<Method> = []
    var provisionalOnly: Set<Method> = []
    /// Statuses sent to an INVITE, in order, 1 ms apart.
    var inviteStatuses: [UInt16] = [100, 180, 200]
    var delay = Nanoseconds.zero
    /// Changes what goes out: number of the reply to this request, its bytes.
    var toTags: [String] = ["srv"]

    func peer() -> Peer {
        let server = self
        var cancelledInvite: [UInt8]?
        return .scripted { bytes, _ in
            var index = MessageIndex()
            guard (try? index.parse(bytes.span)) != nil, case .request(let method) = index.startLine else { return [] }
            if server.silentMethods.contains(method) { return [] }
            switch method {
            case .ack: return []
            case .invite:
                cancelledInvite = bytes
                let statuses = server.provisionalOnly.contains(.invite) ? [100, 180] : server.inviteStatuses
                return statuses.enumerated().map { n, status in
                    (
                        server.delay + .milliseconds(Int64(n)),
                        ReplyingServer.response(status, to: bytes, index, tag: server.toTags[n % server.toTags.count])
                    )
                }
            case .cancel:
                var replies = [(Nanoseconds.zero, ReplyingServer.response(200, to: bytes, index, tag: "srv"))]
                if let invite = cancelledInvite {
                    var inviteIndex = MessageIndex()
                    try? inviteIndex.parse(invite.span)
                    replies.append((.zero, ReplyingServer.response(487, to: invite, inviteIndex, tag: "srv")))
                }
                return replies
            case .other, .bye, .register, .options, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
                .update:
                let status: UInt16 = server.provisionalOnly.contains(method) ? 100 : 200
                return [(server.delay, ReplyingServer.response(status, to: bytes, index, tag: "srv"))]
            }
        }
    }

    static func response(_ status: UInt16, to request: [UInt8], _ index: MessageIndex, tag: String) -> [UInt8] {
        var out = ByteBuffer(capacity: 1024)
        _ = ComposedMessage.response(
            status, reason: StatusCode.reason(status), to: request.span, index, toTag: Array(tag.utf8).span, into: &out)
        return Array(out.storage[0..<out.count])
    }
}
