import CLinuxNet
import Datagrams
import Glibc

/// What this machine's network and this program's file can do, by the kernel's own word. For `sipmeter doctor`.
package enum KernelAbilities {
    package struct Interface: Sendable, Equatable {
        package var name: String
        /// Bits of `SOF_TIMESTAMPING_…`. Nil: the driver does not say.
        package var timestamping: UInt32?
        package var hardwareClock: Int?
    }

    /// Of this network namespace, in the kernel's order.
    package static var interfaces: [Interface] {
        guard let list = if_nameindex() else { return [] }
        defer { if_freenameindex(list) }
        var found: [Interface] = []
        var entry = list
        while let name = entry.pointee.if_name {
            found.append(interface(name))
            entry += 1
        }
        return found
    }

    private static func interface(_ name: UnsafePointer<CChar>) -> Interface {
        var said = clinuxnet_timestamping()
        let isKnown = clinuxnet_interface_timestamping(name, &said) == 0
        return Interface(
            name: String(cString: name), timestamping: isKnown ? said.abilities : nil,
            hardwareClock: isKnown && said.clock >= 0 ? Int(said.clock) : nil)
    }

    /// The extended attribute `security.capability`. Nil where the file has none.
    package static func fileCapabilities(of path: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = clinuxnet_file_capabilities(path, &bytes, bytes.count)
        return count > 0 ? Array(bytes[..<Int(count)]) : nil
    }

    package static func segmentationRefusal() -> SystemError? {
        let result = clinuxnet_try_segmentation()
        return result < 0 ? SystemError(call: "UDP_SEGMENT", errno: -result) : nil
    }

    /// Why a thread may not have this SCHED_FIFO priority.
    package static func realtimeRefusal(priority: Int) -> SystemError? {
        do throws(SystemError) {
            try WorkerThread(name: "sipmeter-try", realtimePriority: priority) {}.join()
            return nil
        } catch {
            return error
        }
    }

    /// Why a datagram does not get from loopback to loopback.
    package static func loopbackRefusal() -> SystemError? {
        do throws(SystemError) {
            var socket = try UDPSocket(binding: .loopback(port: 0))
            var outbox = Outbox()
            outbox.bytes.append("there?")
            outbox.append(Transmit(start: 0, count: outbox.bytes.count, destination: socket.localAddress))
            let result = socket.send(outbox)
            if result.sent == 1 { return nil }
            return SystemError(call: "send", errno: socket.rejections.first?.errno ?? EAGAIN)
        } catch {
            return error
        }
    }

    /// Bytes of buffer a socket like a run's is granted, without the kernel's doubling.
    package static func grantedBuffers() -> (receive: Int, send: Int) {
        guard let socket = try? UDPSocket(binding: .loopback(port: 0)) else { return (0, 0) }
        return (socket.receiveBuffer / 2, socket.sendBuffer / 2)
    }
}
