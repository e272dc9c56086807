import Datagrams
import Glibc

/// What this process may do, found out by doing it on loopback: capabilities, user namespaces and security modules all
/// have their say, and only the kernel knows the sum.
package enum Privileges {
    /// Whether the call tag can be sent.
    package static func canTag(family: SocketAddress.Family) -> Bool { tagRefusal(family: family) == nil }

    /// Whether `RawSender` can be opened.
    package static var canSendRaw: Bool { rawRefusal() == nil }

    /// Why the call tag cannot be sent: EINVAL (IPv4) and EPERM (IPv6) both stand for a missing CAP_NET_RAW.
    package static func tagRefusal(family: SocketAddress.Family) -> SystemError? {
        do {
            let loopback =
                switch family {
                case .ipv4: SocketAddress.loopback(port: 0)
                case .ipv6: SocketAddress(ipv6High: 0, low: 1, port: 0)
                }
            var socket = try UDPSocket(binding: loopback)
            var outbox = Outbox()
            outbox.bytes.append("tag?")
            outbox.append(
                Transmit(
                    start: 0, count: outbox.bytes.count, destination: socket.localAddress,
                    tag: CallTag(method: .options, isRetransmission: false, cseq: 1, callIDStart: 0, callIDCount: 4)))
            let result = socket.send(outbox, tag: TagOptions())
            if result.sent == 1 { return nil }
            return SystemError(call: "send the call tag", errno: socket.rejections.first?.errno ?? EAGAIN)
        } catch {
            return error
        }
    }

    package static func rawRefusal() -> SystemError? {
        do {
            _ = try RawSender(sources: [.loopback(port: 9)])
            return nil
        } catch {
            return error
        }
    }
}
