import CLinuxNet
import Datagrams
import Glibc

/// Names and addresses as users write them, turned into socket addresses. Blocks while a name server is asked: never
/// on a worker's thread.
package enum NameResolution {
    package enum Family: Sendable { case any, ipv4, ipv6 }

    /// Every address of `host`, in the order the system prefers (RFC 6724). A numeric host asks nobody.
    package static func resolve(
        host: String, port: UInt16, family: Family = .any
    ) throws(ResolutionError) -> [SocketAddress] {
        if let address = numericHost(host, port: port) {
            if family.admits(address.family) { return [address] }
            throw ResolutionError("\"\(host)\" is not an \(family.name) address")
        }
        var hints = addrinfo()
        hints.ai_family = family.kernelFamily
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        let addresses = result == 0 ? Self.addresses(of: list, port: port) : []
        if addresses.isEmpty {
            let reason = result == 0 ? "it has no address" : Self.reason(result)
            throw ResolutionError("cannot resolve \"\(host)\": \(reason)")
        }
        return addresses
    }

    /// `192.0.2.1`, `192.0.2.1:5060`, `::1`, `fe80::1%eth0`, `[::1]`, `[::1]:5060`. Nil: not a numeric address.
    package static func numeric(_ text: String, defaultPort: UInt16 = 0) -> SocketAddress? {
        if let address = numericHost(text, port: defaultPort) { return address }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        guard let port = Self.port(text[text.index(after: colon)...]) else { return nil }
        let host = String(text[..<colon])
        // An IPv6 address without brackets has no port: its last group would be taken for one.
        if host.contains(":"), !host.hasPrefix("[") { return nil }
        return numericHost(host, port: port)
    }

    /// The address this machine would send from: the kernel's routing decides, and nothing is sent.
    package static func localAddress(towards destination: SocketAddress) throws(SystemError) -> SocketAddress {
        let socket = try SocketDescriptor(family: destination.kernelFamily, type: Int32(SOCK_DGRAM.rawValue))
        try socket.connect(to: destination.port == 0 ? destination.withPort(9) : destination)
        return try socket.localAddress().withPort(0)
    }

    /// An address alone, IPv6 with or without brackets, and with its zone by name or number.
    static func numericHost(_ text: String, port: UInt16) -> SocketAddress? {
        var ipv4 = in_addr()
        // Not inet_aton, which would read "10.1" as 10.0.0.1.
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            return SocketAddress(ipv4: UInt32(bigEndian: ipv4.s_addr), port: port)
        }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let parts = (isBracketed ? text.dropFirst().dropLast() : text[...])
            .split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var storage = sockaddr_in6()
        guard let address = parts.first, inet_pton(AF_INET6, String(address), &storage.sin6_addr) == 1 else {
            return nil
        }
        storage.sin6_family = sa_family_t(AF_INET6)
        storage.sin6_port = port.bigEndian
        if parts.count == 2 {
            let zone = String(parts[1])
            storage.sin6_scope_id = UInt32(zone) ?? if_nametoindex(zone)
            // A zone that names no interface here.
            if storage.sin6_scope_id == 0 { return nil }
        }
        return SocketAddress(kernel: &storage)
    }

    private static func port(_ text: Substring) -> UInt16? {
        // UInt16("+5") is 5.
        text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt16(text) : nil
    }

    private static func addresses(of list: UnsafeMutablePointer<addrinfo>?, port: UInt16) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let kernelAddress = entry.ai_addr else { continue }
            var storage = sockaddr_in6()
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.copyMemory(
                    from: UnsafeRawBufferPointer(start: kernelAddress, count: min(Int(entry.ai_addrlen), bytes.count)))
            }
            guard let address = SocketAddress(kernel: &storage)?.withPort(port), !addresses.contains(address) else {
                continue
            }
            addresses.append(address)
        }
        return addresses
    }

    private static func reason(_ code: Int32) -> String {
        code == EAI_SYSTEM ? SystemError.text(of: errno) : String(cString: gai_strerror(code))
    }
}

extension NameResolution.Family {
    fileprivate var kernelFamily: Int32 {
        switch self {
        case .any: AF_UNSPEC
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    fileprivate var name: String {
        switch self {
        case .any: "IP"
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }

    fileprivate func admits(_ family: SocketAddress.Family) -> Bool {
        switch self {
        case .any: true
        case .ipv4: family == .ipv4
        case .ipv6: family == .ipv6
        }
    }
}
