import Captures
import Datagrams

/// Packets written byte by byte from RFC 791, 8200 and 768, with nothing of the program under test.
enum Frames {
    static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    static func big32(_ value: UInt32) -> [UInt8] { big16(Int(value >> 16)) + big16(Int(value & 0xFFFF)) }

    static func udp(_ payload: [UInt8], from source: Int = 5061, to destination: Int = 5060) -> [UInt8] {
        big16(source) + big16(destination) + big16(payload.count + 8) + [0, 0] + payload
    }

    /// `fragment`: offset in bytes, and whether more follow.
    static func ipv4(
        _ content: [UInt8], from source: UInt32 = 0xC000_0201, to destination: UInt32 = 0xC000_0202,
        options: [UInt8] = [], identification: Int = 7, transport: UInt8 = 17, fragment: (Int, Bool) = (0, false)
    ) -> [UInt8] {
        let count = 20 + options.count
        return [UInt8(0x40 + count / 4), 0] + big16(count + content.count) + big16(identification)
            + big16(fragment.0 / 8 | (fragment.1 ? 0x2000 : 0)) + [64, transport, 0, 0] + big32(source)
            + big32(destination) + options + content
    }

    /// `headers`: extension headers as they stand, the first of type `next`.
    static func ipv6(_ content: [UInt8], next: UInt8 = 17, headers: [UInt8] = []) -> [UInt8] {
        [0x60, 0, 0, 0] + big16(headers.count + content.count) + [next, 64] + address6(1) + address6(2) + headers
            + content
    }

    /// 2001:db8::n
    static func address6(_ n: UInt8) -> [UInt8] { [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [n] }

    static func ethernet(_ packet: [UInt8], types: [Int]? = nil) -> [UInt8] {
        let types = types ?? [packet[0] >> 4 == 6 ? 0x86DD : 0x0800]
        // Each VLAN tag: its type, then two bytes of number.
        return [UInt8](repeating: 2, count: 12) + types.dropLast().flatMap { big16($0) + [0, 5] }
            + big16(types[types.count - 1]) + packet
    }

    static func sip(_ payload: String, from source: Int = 5061, to destination: Int = 5060) -> [UInt8] {
        ethernet(ipv4(udp(Array(payload.utf8), from: source, to: destination)))
    }

    /// The call tag as the contract has it, without the option's type and length.
    static func tag(_ method: UInt8, flags: UInt8 = 0, cseq: UInt32, callID: String) -> [UInt8] {
        let text = Array(callID.utf8)
        return [method, flags] + big32(cseq) + text + [UInt8](repeating: 0, count: 32 - text.count)
    }
}

/// SIP as text, with just the headers a call is known by.
enum Text {
    static func request(
        _ method: String, call: String = "c1", cseq: Int = 1, branch: String? = nil, toTag: String? = nil,
        body: String = ""
    ) -> String {
        """
        \(method) sip:b@192.0.2.2 SIP/2.0\r
        Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK\(branch ?? "\(call)\(method)\(cseq)")\r
        From: <sip:a@192.0.2.1>;tag=f\r
        To: <sip:b@192.0.2.2>\(toTag.map { ";tag=" + $0 } ?? "")\r
        Call-ID: \(call)\r
        CSeq: \(cseq) \(method)\r
        Content-Length: \(body.utf8.count)\r
        \r
        \(body)
        """
    }

    static func response(
        _ status: Int, _ method: String, call: String = "c1", cseq: Int = 1, branch: String? = nil,
        toTag: String? = "t"
    ) -> String {
        """
        SIP/2.0 \(status) Text\r
        Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK\(branch ?? "\(call)\(method)\(cseq)")\r
        From: <sip:a@192.0.2.1>;tag=f\r
        To: <sip:b@192.0.2.2>\(toTag.map { ";tag=" + $0 } ?? "")\r
        Call-ID: \(call)\r
        CSeq: \(cseq) \(method)\r
        Content-Length: 0\r
        \r

        """
    }
}

/// A capture made up message by message: 192.0.2.1:5061 calls 192.0.2.2:5060.
struct Tape {
    private(set) var traffic: SIPTraffic

    init(_ configure: (inout SIPTraffic.Settings) -> Void = { _ in }) {
        var settings = SIPTraffic.Settings()
        configure(&settings)
        traffic = SIPTraffic(settings: settings)
    }

    /// `ms` after the capture's beginning.
    mutating func frame(_ bytes: [UInt8], at ms: Double, link: LinkType = .ethernet) {
        traffic.add(bytes.span, link: link, at: .seconds(1_700_000_000) + Nanoseconds(Int64(ms * 1e6)))
    }

    mutating func caller(_ text: String, at ms: Double) { frame(Frames.sip(text), at: ms) }

    mutating func callee(_ text: String, at ms: Double) {
        let packet = Frames.ipv4(
            Frames.udp(Array(text.utf8), from: 5060, to: 5061), from: 0xC000_0202, to: 0xC000_0201)
        frame(Frames.ethernet(packet), at: ms)
    }

    mutating func beginFile(_ number: Int) { traffic.beginFile(number) }

    consuming func finished() -> SIPTraffic {
        traffic.finish()
        return traffic
    }
}
