import CLinuxNet
import Datagrams
import Glibc

/// One open socket, non-blocking and closed with its owner.
package struct SocketDescriptor: ~Copyable {
    package let number: Int32

    package init(family: Int32, type: Int32, protocol number: Int32 = 0) throws(SystemError) {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        self.number = try kernel("socket") { socket(family, type | flags, number) }
    }

    /// An open descriptor, non-blocking already.
    package init(adopting number: Int32) { self.number = number }

    deinit { close(number) }

    package func bind(to address: SocketAddress) throws(SystemError) {
        try kernel("bind", address) { address.withKernelAddress { Glibc.bind(number, $0, $1) } }
    }

    package func connect(to address: SocketAddress) throws(SystemError) {
        try kernel("connect", address) { address.withKernelAddress { Glibc.connect(number, $0, $1) } }
    }

    package func localAddress() throws(SystemError) -> SocketAddress {
        var storage = sockaddr_in6()
        var count = socklen_t(MemoryLayout<sockaddr_in6>.size)
        try kernel("getsockname") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &count) }
            }
        }
        guard let address = SocketAddress(kernel: &storage) else {
            throw SystemError(call: "getsockname", errno: EAFNOSUPPORT)
        }
        return address
    }

    package func set(_ option: Int32, level: Int32, to value: Int32) throws(SystemError) {
        var value = value
        try kernel("setsockopt") {
            setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    package func value(of option: Int32, level: Int32) throws(SystemError) -> Int32 {
        var value: Int32 = 0
        var count = socklen_t(MemoryLayout<Int32>.size)
        try kernel("getsockopt") { getsockopt(number, level, option, &value, &count) }
        return value
    }

    /// Asks past the system's limit first (CAP_NET_ADMIN), then within it. Returns the kernel's own figure, which
    /// counts its bookkeeping and so is twice what was asked for.
    package func setBuffer(_ option: Int32, forced: Int32, bytes: Int) throws(SystemError) -> Int {
        let bytes = Int32(clamping: bytes)
        do {
            try set(forced, level: SOL_SOCKET, to: bytes)
        } catch {
            try set(option, level: SOL_SOCKET, to: bytes)
        }
        return Int(try value(of: option, level: SOL_SOCKET))
    }
}

let ipLevel = Int32(IPPROTO_IP)
let ipv6Level = Int32(IPPROTO_IPV6)
