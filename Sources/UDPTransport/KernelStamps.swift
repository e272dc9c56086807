import CLinuxNet
import Datagrams
import Glibc

/// Whether the kernel stamps datagrams with the instants they leave and arrive, found out on loopback.
package enum KernelStamps {
    package enum Grant: Sendable, Equatable {
        case granted
        /// Why not, for a user to read.
        case refused(String)
    }

    /// How the kernel numbers transmit stamps; asked once.
    static let numbering: StampLedger.Numbering = clinuxnet_can_choose_stamp_numbers() == 0 ? .chosen : .counted

    /// Waits until stamps come: the kernel begins with them some milliseconds after the first socket asked. Keep a socket
    /// that asks open meanwhile and afterwards, for it ends with the last one.
    package static func awaitGrant() -> Grant {
        do throws(SystemError) {
            var options = UDPSocket.Options()
            options.stamps = true
            var socket = try UDPSocket(binding: .loopback(port: 0), options: options)
            return try tryOut(&socket)
        } catch {
            return .refused(error.description)
        }
    }

    private static func tryOut(_ socket: inout UDPSocket) throws(SystemError) -> Grant {
        var poller = try Poller(receiving: [socket.fileDescriptor], wakeup: Wakeup())
        let end = SystemClock.monotonic() + patience
        var isTransmitStamped = false
        var isReceiveStamped = false
        while SystemClock.monotonic() < end {
            guard send(&socket) else { return .refused("nothing can be sent on loopback to try it out") }
            let next = SystemClock.monotonic() + .milliseconds(1)
            while SystemClock.monotonic() < next {
                _ = poller.wait(until: next)
                _ = socket.drainErrorQueue { entry, _ in
                    if case .transmitted = entry { isTransmitStamped = true }
                }
                for i in 0..<socket.receive() {
                    socket.withDatagram(i) { _, received in if received.arrivedAt != nil { isReceiveStamped = true } }
                }
                if isTransmitStamped, isReceiveStamped { return .granted }
            }
        }
        return .refused(
            isReceiveStamped ? "no stamps come for what is sent" : "no stamps come with what is received")
    }

    private static func send(_ socket: inout UDPSocket) -> Bool {
        var outbox = Outbox()
        outbox.bytes.append("stamp?")
        var transmit = Transmit(start: 0, count: outbox.bytes.count, destination: socket.localAddress)
        transmit.wantsStamp = true
        outbox.append(transmit)
        return socket.send(outbox).sent == 1
    }

    /// The kernel takes a few milliseconds, on a busy machine some tens.
    private static let patience = Nanoseconds.milliseconds(300)
}
