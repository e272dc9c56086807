import Datagrams
import SIP
import Testing

@testable import Captures

@Suite struct PacketDecoderTests {
    private static let payload = Array("OPTIONS sip:b SIP/2.0\r\n".utf8)
    private static let packet = Frames.ipv4(Frames.udp(payload))
    private static let packet6 = Frames.ipv6(Frames.udp(payload))

    private func decode(_ frame: [UInt8], _ link: LinkType = .ethernet) -> PacketContent {
        PacketDecoder.decode(frame.span, link: link)
    }

    private func udp(_ frame: [UInt8], _ link: LinkType = .ethernet) throws -> UDPContent {
        guard case .udp(let content) = decode(frame, link) else {
            throw Unmet("\(decode(frame, link)) is no UDP")
        }
        return content
    }

    struct Unmet: Error {
        init(_ text: String) { self.text = text }
        let text: String
    }

    static let links: [(LinkType, [UInt8])] = [
        (.ethernet, Frames.ethernet(packet)),
        (.ethernet, Frames.ethernet(packet, types: [0x8100, 0x0800])),
        (.ethernet, Frames.ethernet(packet, types: [0x88A8, 0x8100, 0x0800])),
        (.ethernet, Frames.ethernet([0x11, 0, 0, 1, 0, 90, 0, 0x21] + packet, types: [0x8864])),
        (.linuxCooked, [UInt8](repeating: 0, count: 14) + [8, 0] + packet),
        (.linuxCooked, [UInt8](repeating: 0, count: 14) + [0x81, 0, 0, 5, 8, 0] + packet),
        (.linuxCooked2, [8, 0] + [UInt8](repeating: 0, count: 18) + packet),
        (.linuxCooked2, [0x81, 0] + [UInt8](repeating: 0, count: 18) + [0, 5, 8, 0] + packet),
        (.raw, packet), (.rawInFiles, packet), (.ipv4, packet),
        (.null, [2, 0, 0, 0] + packet), (.null, [0, 0, 0, 2] + packet), (.loop, [0, 0, 0, 2] + packet),
    ]

    @Test(arguments: links) func everyLinkLayerLeadsToTheSameDatagram(_ link: LinkType, _ frame: [UInt8]) throws {
        let content = try udp(frame, link)
        #expect(content.source == SocketAddress(ipv4: 0xC000_0201, port: 5061))
        #expect(content.destination == SocketAddress(ipv4: 0xC000_0202, port: 5060))
        #expect(Array(frame[content.payload]) == Self.payload)
        #expect(!content.isCut && content.tag == nil && content.identification == 7)
    }

    static let links6: [(LinkType, [UInt8])] = [
        (.ethernet, Frames.ethernet(packet6)), (.raw, packet6), (.ipv6, packet6), (.null, [30, 0, 0, 0] + packet6),
        (.null, [0, 0, 0, 10] + packet6), (.linuxCooked2, [0x86, 0xDD] + [UInt8](repeating: 0, count: 18) + packet6),
    ]

    @Test(arguments: links6) func everyLinkLayerLeadsToTheSameIPv6Datagram(
        _ link: LinkType, _ frame: [UInt8]
    ) throws {
        let content = try udp(frame, link)
        #expect(content.source == SocketAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1, port: 5061))
        #expect(Array(frame[content.payload]) == Self.payload)
    }

    @Test func thePaddingOfAShortFrameIsNotThePayloads() throws {
        let frame = Frames.ethernet(Frames.ipv4(Frames.udp([1, 2]))) + [UInt8](repeating: 0, count: 16)
        #expect(Array(frame[try udp(frame).payload]) == [1, 2])
    }

    @Test(arguments: [0x1E, 0x5E, 0x9E, 0xDE] as [UInt8]) func theCallTagOfIPv4IsRead(type: UInt8) throws {
        let options = [type, 40] + Frames.tag(3, flags: 3, cseq: 77, callID: "9f3a01c2.123.4f")
        let tag = try #require(try udp(Frames.ethernet(Frames.ipv4(Frames.udp(Self.payload), options: options))).tag)
        #expect(tag.method == .bye && tag.isRetransmission && tag.isDigest && tag.cseq == 77)
        #expect(String((0..<tag.callIDCount).map { Character(Unicode.Scalar(tag.callID[$0])) }) == "9f3a01c2.123.4f")
    }

    @Test func theCallTagOfIPv6StandsInDestinationOptionsBehindOtherHeaders() throws {
        let padding: [UInt8] = [1, 4, 0, 0, 0, 0]
        let options = [17, 5, 0x1E, 38] + Frames.tag(1, cseq: 2, callID: "x") + padding
        // Hop-by-hop first, then the options; and with Pad1 before the tag's option.
        let hopByHop: [UInt8] = [60, 0] + padding
        let shifted = [17, 5, 0, 0x1E, 38] + Frames.tag(1, cseq: 2, callID: "x") + padding.dropLast()
        for (next, headers) in [(60, options), (0, hopByHop + options), (60, Array(shifted.prefix(48)))] {
            let packet = Frames.ipv6(Frames.udp(Self.payload), next: UInt8(next), headers: headers)
            let content = try udp(packet, .raw)
            #expect(content.tag?.cseq == 2 && content.tag?.method == .invite && content.tag?.callIDCount == 1)
            #expect(Array(packet[content.payload]) == Self.payload)
        }
    }

    @Test func anotherOptionIsNoTag() throws {
        let options: [UInt8] = [0x94, 4, 0, 0]
        #expect(try udp(Frames.ipv4(Frames.udp(Self.payload), options: options), .raw).tag == nil)
    }

    @Test func whatIsNoDatagramIsSaidToBeWhatItIs() {
        #expect(decode(Frames.ethernet(Self.packet, types: [0x0806])) == .notIP)
        #expect(decode(Frames.ipv4([8, 0, 0, 0], transport: 1), .raw) == .otherTransport)
        #expect(decode([0x50] + Self.packet.dropFirst(), .raw) == .broken)
        #expect(decode([0x44] + Self.packet.dropFirst(), .raw) == .broken)
        #expect(decode([], .raw) == .cut)
        // A UDP length beyond the packet's end.
        var wrong = Self.packet
        wrong[25] = 255
        #expect(decode(wrong, .raw) == .broken)
        let tcp = Frames.ipv4([UInt8](repeating: 0, count: 12) + [0x50, 0, 0, 0, 0, 0, 0, 0] + [1, 2], transport: 6)
        guard case .tcp(_, _, let payload) = decode(tcp, .raw) else {
            Issue.record("no TCP")
            return
        }
        #expect(Array(tcp[payload]) == [1, 2])
    }

    /// A snap length may fall anywhere: the frame says that it was cut, and never more than was there.
    @Test func aFrameCutAnywhereSaysSo() {
        for whole in [Frames.ethernet(Self.packet), Frames.ethernet(Self.packet6)] {
            for count in 0..<whole.count {
                let frame = Array(whole[..<count])
                switch decode(frame) {
                case .cut: break
                case .udp(let content):
                    #expect(content.isCut && content.payload.upperBound <= count)
                case .tcp, .fragment, .otherTransport, .notIP, .broken:
                    Issue.record("cut at \(count): \(decode(frame))")
                }
            }
        }
    }
}
