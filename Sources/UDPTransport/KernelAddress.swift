import CLinuxNet
import Datagrams
import Glibc

/// `SocketAddress` as the kernel writes it. `sockaddr_in6` is the memory for both families: an IPv4 address stands in
/// it as a `sockaddr_in`, told apart by its family field.
extension SocketAddress {
    package var kernelFamily: Int32 { family == .ipv4 ? AF_INET : AF_INET6 }

    /// Returns how many bytes of `target` the address takes.
    func write(to target: UnsafeMutablePointer<sockaddr_in6>) -> socklen_t {
        switch family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = ipv4.bigEndian
            UnsafeMutableRawPointer(target).storeBytes(of: address, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            target.pointee = address
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        }
    }

    /// Nil where the kernel left another family, or none.
    package init?(kernel source: UnsafePointer<sockaddr_in6>) {
        switch Int32(source.pointee.sin6_family) {
        case AF_INET:
            let address = UnsafeRawPointer(source).load(as: sockaddr_in.self)
            self.init(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = source.pointee
            let (high, low) = withUnsafeBytes(of: address.sin6_addr) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(
                ipv6High: high, low: low, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
        default:
            return nil
        }
    }

    /// Calls `body` with the address as the socket calls take it.
    func withKernelAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = sockaddr_in6()
        let count = write(to: &storage)
        return withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, count) }
        }
    }
}
