import CLinuxNet
import Datagrams
import Glibc
import UDPTransport

/// A socket that connections are made to.
package struct StreamListener: ~Copyable {
    package let localAddress: SocketAddress
    private let descriptor: SocketDescriptor

    /// As many may be on their way in while the thread is busy.
    private static let backlog: Int32 = 4096

    package init(_ address: SocketAddress) throws(SystemError) {
        let descriptor = try SocketDescriptor(family: address.kernelFamily, type: Int32(SOCK_STREAM.rawValue))
        // Connections of an earlier server in TIME_WAIT must not keep the port.
        try descriptor.set(SO_REUSEADDR, level: SOL_SOCKET, to: 1)
        if address.family == .ipv6 { try descriptor.set(Int32(IPV6_V6ONLY), level: Int32(IPPROTO_IPV6), to: 1) }
        try descriptor.bind(to: address)
        let number = descriptor.number
        try kernel("listen", address) { listen(number, Self.backlog) }
        localAddress = try descriptor.localAddress()
        self.descriptor = descriptor
    }

    package var fileDescriptor: Int32 { descriptor.number }

    /// The next connection. Nil: there is none. Whoever made it may have gone again: that is no error.
    package func accept() throws(SystemError) -> (descriptor: Int32, peer: SocketAddress)? {
        var storage = sockaddr_in6()
        while true {
            let result = clinuxnet_accept(descriptor.number, &storage)
            if result >= 0 { return (result, SocketAddress(kernel: &storage) ?? SocketAddress(ipv4: 0, port: 0)) }
            switch -result {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED, EPROTO: continue
            case let code: throw SystemError(call: "accept", errno: code)
            }
        }
    }
}

/// How many files this process may have open.
package enum OpenFiles {
    /// Asks for as many as it may, and says how many that is.
    @discardableResult
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }
}
