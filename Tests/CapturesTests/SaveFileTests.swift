import Captures
import Datagrams
import Foundation
import Testing

@testable import PacketCapture

/// Files written byte by byte, read through libpcap.
@Suite struct SaveFileTests {
    private static let frames: [(Int64, [UInt8])] = [
        (1_700_000_000_123_456_789, Frames.sip("one")), (1_700_000_001_000_000_001, Frames.sip("two")),
    ]

    private static func number(_ value: UInt64, _ count: Int, isBig: Bool) -> [UInt8] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
        return isBig ? bytes.reversed() : bytes
    }

    static func pcap(_ frames: [(Int64, [UInt8])], isNano: Bool = true, isBig: Bool = false, link: UInt64 = 1)
        -> [UInt8]
    {
        func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { number(value, count, isBig: isBig) }
        var file = n(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4) + n(2, 2) + n(4, 2) + n(0) + n(0) + n(65_535) + n(link)
        for (at, frame) in frames {
            let second = UInt64(at / 1_000_000_000)
            let rest = UInt64(at % 1_000_000_000) / (isNano ? 1 : 1000)
            file += n(second) + n(rest) + n(UInt64(frame.count)) + n(UInt64(frame.count)) + frame
        }
        return file
    }

    /// A section, an interface with nanosecond stamps, enhanced packets.
    static func pcapng(_ frames: [(Int64, [UInt8])]) -> [UInt8] {
        func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { number(value, count, isBig: false) }
        func block(_ type: UInt64, _ body: [UInt8]) -> [UInt8] {
            let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
            return n(type) + n(UInt64(padded.count + 12)) + padded + n(UInt64(padded.count + 12))
        }
        var file = block(0x0A0D_0D0A, n(0x1A2B_3C4D) + n(1, 2) + n(0, 2) + n(.max, 8))
        file += block(1, n(1, 2) + n(0, 2) + n(65_535) + n(9, 2) + n(1, 2) + [9, 0, 0, 0] + n(0))
        for (at, frame) in frames {
            file += block(
                6,
                n(0) + n(UInt64(at) >> 32) + n(UInt64(at) & 0xFFFF_FFFF) + n(UInt64(frame.count))
                    + n(UInt64(frame.count)) + frame)
        }
        return file
    }

    /// gzip (RFC 1952) with stored blocks (RFC 1951, 3.2.4): compressed as far as any reader can tell.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 65_536)
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        let count = number(UInt64(bytes.count), 2, isBig: false)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + count + count.map { ~$0 } + bytes
            + number(UInt64(~crc), 4, isBig: false) + number(UInt64(bytes.count), 4, isBig: false)
    }

    private static func read(_ bytes: [UInt8]) throws -> (frames: [(Int64, [UInt8])], complaint: String?) {
        let path = NSTemporaryDirectory() + "/sipmeter-\(UUID().uuidString).pcap"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var file = try SaveFile(path)
        var frames: [(Int64, [UInt8])] = []
        let complaint = file.forEachFrame { frame, at in
            frames.append((at.rawValue, (0..<frame.count).map { frame[$0] }))
        }
        return (frames, complaint)
    }

    private static func expectWhole(_ bytes: [UInt8], grain: Int64 = 1) throws {
        let (frames, complaint) = try read(bytes)
        #expect(complaint == nil)
        #expect(frames.map(\.0) == Self.frames.map { $0.0 / grain * grain })
        #expect(frames.map(\.1) == Self.frames.map(\.1))
    }

    @Test(arguments: [false, true]) func bothByteOrdersAndGrainsAreRead(isBig: Bool) throws {
        try Self.expectWhole(Self.pcap(Self.frames, isNano: true, isBig: isBig))
        try Self.expectWhole(Self.pcap(Self.frames, isNano: false, isBig: isBig), grain: 1000)
    }

    @Test func pcapngIsRead() throws { try Self.expectWhole(Self.pcapng(Self.frames)) }

    @Test func compressedFilesAreRead() throws {
        try Self.expectWhole(Self.gzip(Self.pcap(Self.frames)))
        try Self.expectWhole(Self.gzip(Self.pcapng(Self.frames)))
    }

    @Test func aFileCutShortGivesWhatItHasAndSaysSo() throws {
        for bytes in [Self.pcap(Self.frames), Self.gzip(Self.pcap(Self.frames))] {
            let (frames, complaint) = try Self.read(Array(bytes.dropLast(20)))
            #expect(frames.count == 1)
            #expect(complaint?.contains("truncated") == true)
        }
    }

    @Test func whatIsNoCaptureIsOneSentence() {
        #expect(throws: CaptureError.self) { try Self.read([]) }
        #expect(throws: CaptureError.self) { try Self.read(Array("INVITE sip:b SIP/2.0".utf8)) }
        // IEEE 802.11: a link layer nobody carries SIP on here.
        let error = #expect(throws: CaptureError.self) { try Self.read(Self.pcap(Self.frames, link: 105)) }
        #expect(error?.description.contains("IEEE802_11") == true)
        let missing = #expect(throws: CaptureError.self) { _ = try SaveFile("/nowhere/at.pcap") }
        #expect(missing?.description == "cannot read /nowhere/at.pcap: No such file or directory")
    }
}
