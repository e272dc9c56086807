import Foundation
import Glibc

/// TCP ports: free ones, and who listens on them.
enum TCPPorts {
    /// A port nobody listens on.
    static func free() throws -> UInt16 { try LoopbackStream.Listener().port }

    /// Whether somebody listens on `port` in the network namespace of a process.
    static func isListening(_ port: UInt16, of pid: pid_t) -> Bool {
        ["tcp", "tcp6"].contains { table in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/net/\(table)", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").dropFirst().contains { line in
                let fields = line.split(separator: " ")
                guard fields.count > 3, let local = fields[1].split(separator: ":").last else { return false }
                return UInt16(local, radix: 16) == port && fields[3] == "0A"
            }
        }
    }
}

/// A TCP connection of the test's own.
final class LoopbackStream: Sendable {
    private let descriptor: Int32

    /// Listens on a port of its own.
    final class Listener: Sendable {
        private let descriptor: Int32
        let port: UInt16

        init() throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = LoopbackSocket.address(port: 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                        ? getsockname(descriptor, $0, &length) : -1
                }
            }
            guard descriptor >= 0, result == 0 else {
                throw Unmet("no TCP socket: \(String(cString: strerror(errno)))")
            }
            self.descriptor = descriptor
            port = UInt16(bigEndian: address.sin_port)
        }

        deinit { close(descriptor) }

        /// The next connection.
        func accept() async throws -> LoopbackStream {
            var accepted: Int32 = -1
            try await until("a connection on port \(port)", within: .seconds(10)) {
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard Glibc.poll(&poll, 1, 0) == 1 else { return false }
                accepted = Glibc.accept(descriptor, nil, nil)
                return accepted >= 0
            }
            return LoopbackStream(adopting: accepted)
        }
    }

    private init(adopting descriptor: Int32) { self.descriptor = descriptor }

    init(to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = LoopbackSocket.address(port: port)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw Unmet("no connection to \(port): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What has come; nil once the other side has closed.
    func receive() async throws -> String? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = -1
        try await until("bytes, or the end", within: .seconds(10)) {
            count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            return count >= 0 || errno != EAGAIN
        }
        return count <= 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}

/// UDP ports: free ones, and who has them open.
enum UDPPorts {
    /// A port nothing has open on loopback.
    static func free() throws -> UInt16 { try LoopbackSocket().port }

    /// Whether all `ports` are open in the network namespace of a process.
    static func areOpen(_ ports: [UInt16], of pid: pid_t) -> Bool {
        let open = ["udp", "udp6"].flatMap { table in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/net/\(table)", encoding: .utf8)) ?? ""
            // "  sl  local_address …" then "  12: 0100007F:13C4 …"
            return text.split(separator: "\n").dropFirst().compactMap { line -> UInt16? in
                let fields = line.split(separator: " ")
                guard fields.count > 1, let port = fields[1].split(separator: ":").last else { return nil }
                return UInt16(port, radix: 16)
            }
        }
        return ports.allSatisfy(open.contains)
    }
}

/// An ordinary UDP socket on 127.0.0.1, as any SIP program has one.
final class LoopbackSocket: Sendable {
    private let descriptor: Int32
    let port: UInt16

    /// - Parameter port: 0: any free one.
    init(port: UInt16 = 0) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard descriptor >= 0, result == 0 else { throw Unmet("no UDP socket: \(String(cString: strerror(errno)))") }
        self.descriptor = descriptor
        self.port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    /// The next datagram, and the port it came from.
    func receive() async throws -> (text: String, from: UInt16) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = -1
        var source = sockaddr_in()
        try await until("a datagram on port \(port)", within: .seconds(10)) {
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            count = withUnsafeMutablePointer(to: &source) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            return count >= 0
        }
        return (String(decoding: buffer[..<count], as: UTF8.self), UInt16(bigEndian: source.sin_port))
    }

    /// The next datagram, if one comes in so many milliseconds; for a thread that may wait.
    func receive(within milliseconds: Int32) -> (text: String, from: UInt16)? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var source = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &source) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
            }
        }
        guard count >= 0 else { return nil }
        return (String(decoding: buffer[..<count], as: UTF8.self), UInt16(bigEndian: source.sin_port))
    }

    func send(_ text: String, to port: UInt16) {
        var address = Self.address(port: port)
        let bytes = Array(text.utf8)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }
}
