import Datagrams
import Glibc

/// A UDP port that commands come to, seldom and short. Nothing is ever sent back.
package final class CommandSocket: Sendable {
    private let descriptor: SocketDescriptor
    package let localAddress: SocketAddress

    package init(binding address: SocketAddress) throws(SystemError) {
        let descriptor = try SocketDescriptor(family: address.kernelFamily, type: Int32(SOCK_DGRAM.rawValue))
        try descriptor.bind(to: address)
        localAddress = try descriptor.localAddress()
        self.descriptor = descriptor
    }

    /// For poll(2). Stays this socket's own.
    package var fileDescriptor: Int32 { descriptor.number }

    /// The next datagram, cut at 2048 bytes. Nil: none is there.
    package func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = recv(descriptor.number, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }
}
