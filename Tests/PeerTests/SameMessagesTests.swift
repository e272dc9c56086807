import Foundation
import Glibc
import Synchronization
import Testing

extension AgainstPeers {
    /// The same scenario file run by sipp and by sipmeter sends the same messages to the same peer.
    @Suite struct SameMessages {
        private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "SameMessages")

        private static let files: [String] = {
            let found = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
            return (found ?? []).filter { $0.hasSuffix(".xml") }.sorted()
        }()

        @Test func thereAreManyFiles() { #expect(Self.files.count >= 25) }

        @Test(.needs(.sipp), .timeLimit(.minutes(2)), arguments: files)
        func sippAndSipmeterSendTheSame(file: String) async throws {
            let scratch = try Scratch()
            let path = Self.folder.appending(path: file).path
            let users = scratch.path("users.csv")
            try "SEQUENTIAL\nann;one;a;\nbob;two;b;\n".write(toFile: users, atomically: true, encoding: .utf8)
            let sipp = try await Self.received { port in
                let command = Command(
                    "sipp", "127.0.0.1:\(port)", "-sf", path, "-m", "1", "-i", "127.0.0.1", "-p",
                    "\(try UDPPorts.free())", "-nostdin", "-timeout", "15s", "-key", "colour", "red", "-inf", users,
                    "-d", "10")
                let finished = try await scratch.run(command, within: .seconds(30))
                #expect(finished.status == 0, "\(finished)")
            }
            let sipmeter = try await Self.received { port in
                let command = Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--scenario", path, "--calls", "1", "--rate", "10", "--no-tag", "--key",
                    "colour=red", "--inf", users, "--hold", "10ms", "-q", "--out", scratch.path("run"))
                let finished = try await scratch.run(command, within: .seconds(30))
                // A machine that is busy makes a run INVALID; the messages are the same.
                #expect(finished.status == 0 || finished.status == 3, "\(finished)")
            }
            #expect(!sipp.isEmpty)
            #expect(sipmeter == sipp)
        }

        private static func received(_ run: (UInt16) async throws -> Void) async throws -> [String] {
            let peer = try AnsweringPeer()
            try await run(peer.port)
            return peer.stop()
        }
    }
}

/// Answers every request on loopback, 200 at once and before that 180 to an INVITE, and keeps what came: without repeats,
/// and without what differs from program to program (branches, tags, Call-IDs, ports).
private final class AnsweringPeer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let messages = Mutex<[String]>([])
    private let isStopping = Mutex(false)
    private let hasStopped = DispatchSemaphore(value: 0)

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard descriptor >= 0, result == 0 else { throw Unmet("no UDP socket: \(String(cString: strerror(errno)))") }
        port = UInt16(bigEndian: address.sin_port)
        // So that the end is noticed.
        var patience = timeval(tv_sec: 0, tv_usec: 50_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        Thread.detachNewThread { [self] in serve() }
    }

    func stop() -> [String] {
        isStopping.withLock { $0 = true }
        hasStopped.wait()
        close(descriptor)
        return messages.withLock { $0 }
    }

    private func serve() {
        var seen: Set<String> = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isStopping.withLock({ $0 }) {
            var source = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &source) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
                }
            }
            guard count > 20 else { continue }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            if seen.insert(text).inserted { messages.withLock { $0.append(normalised(text)) } }
            for answer in answers(to: text) {
                withUnsafePointer(to: &source) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        _ = sendto(descriptor, answer, answer.utf8.count, 0, $0, length)
                    }
                }
            }
        }
        hasStopped.signal()
    }

    private func answers(to request: String) -> [String] {
        if request.hasPrefix("ACK") || request.hasPrefix("SIP/2.0") { return [] }
        var headers: [String: String] = [:]
        for line in request.components(separatedBy: "\r\n").dropFirst() {
            if line.isEmpty { break }
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, headers[parts[0].lowercased()] == nil {
                headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        var to = headers["to"] ?? ""
        if !to.contains(";tag=") { to += ";tag=peer" }
        func answer(_ status: String, _ extra: String = "", _ body: String = "") -> String {
            "SIP/2.0 \(status)\r\nVia: \(headers["via"] ?? "")\r\nFrom: \(headers["from"] ?? "")\r\nTo: \(to)\r\n"
                + "Call-ID: \(headers["call-id"] ?? "")\r\nCSeq: \(headers["cseq"] ?? "")\r\n"
                + "Contact: <sip:callee@127.0.0.1:\(port);transport=udp>\r\n\(extra)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        guard request.hasPrefix("INVITE") else { return [answer("200 OK")] }
        let route = "Record-Route: <sip:127.0.0.1:\(port);lr;n=1>, <sip:127.0.0.1:\(port);lr;n=2>\r\n"
        return [
            answer("180 Ringing"),
            answer("200 OK", route + "Content-Type: application/sdp\r\n", "v=0\r\nm=audio 4000 RTP/AVP 0\r\n"),
        ]
    }

    private func normalised(_ message: String) -> String {
        var text = message
        for (pattern, with) in [
            ("branch=[^;\r\n]*", "branch="), ("tag=c[0-9]+-", "tag=c-"), ("Call-ID: [^\r\n]*", "Call-ID: "),
            ("127\\.0\\.0\\.1:[0-9]+", "127.0.0.1"),
        ] {
            text = text.replacingOccurrences(of: pattern, with: with, options: .regularExpression)
        }
        return text
    }
}
