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

    /// Waits until stamps come, which the kernel begins with some milliseconds after the first socket asked, and goes on with
    /// while one asks: for the length of `body` one does, and sockets opened there are stamped from their first datagram on.
    package static func withGrant<R>(_ body: (Grant) throws -> R) throws -> R {
        var options = UDPSocket.Options()
        options.stamps = true
        var socket: UDPSocket
        do throws(SystemError) {
            socket = try UDPSocket(binding: .loopback(port: 0), options: options)
        } catch {
            return try body(.refused(error.description))
        }
        let result = try body(try tryOut(&socket))
        _ = consume socket
        return result
    }

    private static func tryOut(_ socket: inout UDPSocket) throws(SystemError) -> Grant {
        var poller = try Poller(receiving: [socket.fileDescriptor], wakeup: Wakeup())
        let end = SystemClock.monotonic() + patience
        var isTransmitStamped = false
        var isReceiveStamped = false
        while SystemClock.monotonic() < end {
            // Without a loopback there is nothing to try it out on; the kernel has accepted the option, and what stays
            // unstamped is counted.
            guard send(&socket) else { return .granted }
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

    /// Whether the device with this address could stamp in hardware. Nothing here uses it.
    package static func hardwareIsOffered(at address: SocketAddress) -> Bool {
        address.withKernelAddress { pointer, _ in clinuxnet_offers_hardware_stamps(pointer) == 1 }
    }

    /// The kernel takes a few milliseconds, on a busy machine some tens.
    private static let patience = Nanoseconds.milliseconds(300)
}
