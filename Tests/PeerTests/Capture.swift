import Foundation

/// A packet from a capture: its IP packet's bytes, and what they mean. Written from RFC 791, 8200, 768 and the savefile
/// format, and using nothing of the program under test.
struct Packet: Sendable {
    let bytes: [UInt8]
    /// Bytes of the IP header with its options, or with its extension headers.
    let headerCount: Int
    /// When the interface saw it, in nanoseconds.
    var at: Int64 = 0

    var isIPv4: Bool { bytes[0] >> 4 == 4 }
    /// IPv4's options.
    var options: [UInt8] { isIPv4 ? Array(bytes[20..<headerCount]) : [] }
    /// IPv6's destination-options header.
    var destinationOptions: [UInt8] { isIPv4 ? [] : Array(bytes[40..<headerCount]) }
    /// IPv4's, or empty.
    var source: String { isIPv4 ? bytes[12..<16].map(String.init).joined(separator: ".") : "" }
    var sourcePort: UInt16 { word(headerCount) }
    var destinationPort: UInt16 { word(headerCount + 2) }
    var payload: [UInt8] { Array(bytes[(headerCount + 8)...]) }
    var text: String { String(decoding: payload, as: UTF8.self) }

    /// Nil for what is not UDP, and for later fragments.
    init?(ip bytes: [UInt8]) {
        guard bytes.count >= 28 else { return nil }
        func word(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
        switch bytes[0] >> 4 {
        case 4:
            headerCount = Int(bytes[0] & 15) * 4
            guard bytes[9] == 17, word(6) & 0x1FFF == 0, bytes.count >= word(2) else { return nil }
            self.bytes = Array(bytes[..<word(2)])
        case 6:
            guard bytes.count >= 40 + word(4) else { return nil }
            var (next, at) = (bytes[6], 40)
            // Hop-by-hop and destination options.
            while next == 0 || next == 60 { (next, at) = (bytes[at], at + 8 + Int(bytes[at + 1]) * 8) }
            guard next == 17 else { return nil }
            headerCount = at
            self.bytes = Array(bytes[..<(40 + word(4))])
        default: return nil
        }
    }

    // MARK: checksums (RFC 1071)

    var hasRightHeaderChecksum: Bool { Self.sum(bytes[..<headerCount]) == 0xFFFF }

    private var udpChecksum: UInt16 { word(headerCount + 6) }

    private var pseudoHeader: [UInt8] {
        let udpCount = bytes.count - headerCount
        let count = [UInt8(udpCount >> 8), UInt8(udpCount & 255)]
        return isIPv4 ? bytes[12..<20] + [0, 17] + count : bytes[8..<40] + [0, 0] + count + [0, 0, 0, 17]
    }

    var hasRightUDPChecksum: Bool { udpChecksum != 0 && Self.sum(pseudoHeader + bytes[headerCount...]) == 0xFFFF }

    /// What the kernel leaves in an ordinary socket's datagram where the device is to complete it, as lo and veth say they
    /// would and never do: the pseudo-header's sum alone.
    var hasPartialUDPChecksum: Bool { udpChecksum == Self.sum(pseudoHeader[...]) }

    private static func sum(_ bytes: some Collection<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        for (i, byte) in bytes.enumerated() { sum += i % 2 == 0 ? UInt32(byte) << 8 : UInt32(byte) }
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
        return UInt16(sum)
    }

    private func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }

    // MARK: SIP

    private var lines: [Substring] { text.split(separator: "\r\n", omittingEmptySubsequences: false) }
    private var startLine: [Substring] { lines.first?.split(separator: " ") ?? [] }

    var method: String? { startLine.count == 3 && startLine[2] == "SIP/2.0" ? String(startLine[0]) : nil }
    var requestURI: String? { method == nil ? nil : String(startLine[1]) }
    /// Of a response.
    var status: Int? { startLine.first == "SIP/2.0" && startLine.count > 1 ? Int(startLine[1]) : nil }
    var cseqMethod: String? { header("CSeq")?.split(separator: " ").last.map(String.init) }
    var callID: String? { header("Call-ID") }
    var cseq: UInt32? { header("CSeq")?.split(separator: " ").first.flatMap { UInt32($0) } }

    func header(_ name: String) -> String? {
        lines.prefix { !$0.isEmpty }.first { $0.hasPrefix(name + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// A header that ends, and a body as long as Content-Length says.
    var isWholeMessage: Bool {
        guard let end = text.range(of: "\r\n\r\n"), let length = header("Content-Length").flatMap({ Int($0) }) else {
            return false
        }
        return text[end.upperBound...].utf8.count == length
    }
}

/// What passed an interface while something ran.
struct Capture: Sendable {
    let packets: [Packet]

    func requests(_ method: String, toPort port: UInt16) -> [Packet] {
        packets.filter { $0.destinationPort == port && $0.method == method }
    }

    /// Captures with tcpdump while `body` runs.
    static func during(
        _ filter: String, on interface: String = "lo", by prefix: [String] = [], in scratch: Scratch,
        _ body: () async throws -> Void
    ) async throws -> Capture {
        let file = scratch.fresh("capture")
        try await recording(filter, to: file, on: interface, by: prefix, in: scratch, body)
        return try Capture(of: file)
    }

    /// The same into a file that stays.
    static func recording(
        _ filter: String, to file: String, on interface: String = "lo", by prefix: [String] = [],
        in scratch: Scratch, _ body: () async throws -> Void
    ) async throws {
        let command = Command(
            "tcpdump", "-i", interface, "--time-stamp-precision=nano", "-n", "-U", "--immediate-mode", "-B", "16384",
            "-s", "0", "-Z", "root", "-w",
            file,
            filter)
        let errors = try await scratch.during(command.run(by: prefix)) { tcpdump in
            try await tcpdump.wait(for: "that it captures") { tcpdump.errors.contains("listening on") }
            try await body()
            // Without a rest for stragglers: with -U a packet seen is a packet written, and it stops in order.
            tcpdump.send(SIGTERM)
            return try await tcpdump.finish().errors
        }
        guard errors.contains("\n0 packets dropped by kernel") else { throw Unmet("tcpdump lost packets: \(errors)") }
    }

    init(of path: String) throws {
        packets = try Self.read([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    }

    /// A savefile of this machine's own tcpdump: its byte order, Ethernet.
    private static func read(_ file: [UInt8]) throws -> [Packet] {
        func number(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(file[at + $1]) << UInt32($1 * 8) } }
        guard file.count >= 24, number(0) == 0xA1B2_3C4D, number(20) == 1 else { throw Unmet("no Ethernet savefile") }
        var packets: [Packet] = []
        var at = 24
        while at + 16 <= file.count {
            let count = Int(number(at + 8))
            guard at + 16 + count <= file.count else { throw Unmet("the savefile ends within a packet") }
            let frame = file[(at + 16)..<(at + 16 + count)]
            if var packet = Packet(ip: Array(frame.dropFirst(14))) {
                packet.at = Int64(number(at)) * 1_000_000_000 + Int64(number(at + 4))
                packets.append(packet)
            }
            at += 16 + count
        }
        return packets
    }
}
