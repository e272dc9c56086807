import Datagrams
import Glibc

/// The network interfaces of this machine by their addresses.
enum Interfaces {
    /// What datagrams to `target` from `source` pass: `lo` for every address of this machine's own, else the one that has
    /// the source address. Where none is found, all of them.
    static func towards(_ target: SocketAddress, from source: SocketAddress) -> String {
        let all = addresses()
        if target.isLoopback || all.contains(where: { $0.address == target.withPort(0) }) { return "lo" }
        return all.first { $0.address == source.withPort(0) }?.name ?? "any"
    }

    private static func addresses() -> [(name: String, address: SocketAddress)] {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&head) == 0 else { return [] }
        defer { freeifaddrs(head) }
        var found: [(name: String, address: SocketAddress)] = []
        var next = head
        while let entry = next {
            if let raw = entry.pointee.ifa_addr, let address = address(raw) {
                found.append((String(cString: entry.pointee.ifa_name), address))
            }
            next = entry.pointee.ifa_next
        }
        return found
    }

    private static func address(_ raw: UnsafeMutablePointer<sockaddr>) -> SocketAddress? {
        switch Int32(raw.pointee.sa_family) {
        case AF_INET:
            let address = UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
            return SocketAddress(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: 0)
        case AF_INET6:
            let base = UnsafeRawPointer(raw) + 8  // family, port, flow: then the address
            return SocketAddress(
                ipv6High: UInt64(bigEndian: base.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: (base + 8).loadUnaligned(as: UInt64.self)), port: 0)
        case _: return nil
        }
    }
}
