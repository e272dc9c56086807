import Datagrams
import SIP
import Testing

@testable import Captures

/// Valid captures, damaged: whatever comes out, nothing crashes and every frame has exactly one count.
@Suite struct CaptureFuzzTests {
    /// One frame of every kind the decoder knows.
    private static let seeds: [(LinkType, [UInt8])] = {
        let invite = Array(Text.request("INVITE", body: "v=0\r\n").utf8)
        let ok = Array(Text.response(200, "INVITE").utf8)
        let option = [0x5E, 40] + Frames.tag(1, cseq: 1, callID: "c1")
        let plain = Frames.ipv4(Frames.udp(invite))
        let tagged = Frames.ipv4(Frames.udp(invite), options: option)
        let header6 = [17, 5, 0x1E, 38] + Frames.tag(1, cseq: 1, callID: "c1") + [1, 4, 0, 0, 0, 0]
        let tagged6 = Frames.ipv6(Frames.udp(ok), next: 60, headers: header6)
        let cooked = [UInt8](repeating: 0, count: 14) + [8, 0]
        let cooked2 = [8, 0] + [UInt8](repeating: 0, count: 18)
        let datagram = Frames.udp(invite)
        return [
            (.ethernet, Frames.ethernet(plain)), (.ethernet, Frames.ethernet(plain, types: [0x88A8, 0x8100, 0x0800])),
            (.ethernet, Frames.ethernet(tagged)), (.raw, tagged6), (.linuxCooked, cooked + tagged),
            (.linuxCooked2, cooked2 + plain), (.null, [2, 0, 0, 0] + plain),
            (.raw, Frames.ipv4(Array(datagram[..<160]), fragment: (0, true))),
            (.raw, Frames.ipv4(Array(datagram[160...]), fragment: (160, false))),
            (.raw, Frames.ipv6(Array(datagram[..<160]), next: 44, headers: [17, 0, 0, 1, 0, 0, 0, 5])),
            (.raw, Frames.ipv6(Array(datagram[160...]), next: 44, headers: [17, 0, 0, 160, 0, 0, 0, 5])),
            (.ethernet, Frames.ethernet(Frames.ipv4([UInt8](repeating: 0x50, count: 20) + invite, transport: 6))),
        ]
    }()

    private static func damage(_ frame: inout [UInt8], _ generator: inout SeededGenerator) {
        for _ in 0...(generator.next() % 4) where !frame.isEmpty {
            let at = Int(generator.next() % UInt64(frame.count))
            switch generator.next() % 6 {
            case 0: frame[at] = UInt8(truncatingIfNeeded: generator.next())
            case 1: frame[at] ^= 1 << UInt8(generator.next() % 8)
            case 2: frame.removeSubrange(at...)
            case 3: frame.insert(UInt8(truncatingIfNeeded: generator.next()), at: at)
            case 4: frame.removeSubrange(at..<min(at + Int(generator.next() % 9), frame.count))
            // Headers are where lengths are.
            case _: frame[Int(generator.next() % UInt64(min(frame.count, 60)))] = generator.next() % 2 == 0 ? 255 : 0
            }
        }
    }

    private static func expectWholeCounts(_ counts: CaptureCounts) {
        let parts = [
            counts.sipDatagrams, counts.otherUDP, counts.emptyUDP, counts.malformed, counts.unreadable,
            counts.sipOverTCP, counts.otherTCP, counts.fragments, counts.otherTransport, counts.notIP, counts.cut,
            counts.brokenPackets, counts.otherPort,
        ]
        #expect(parts.reduce(0, +) == counts.frames)
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func damagedFramesAreCountedAndNothingElse(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var traffic = SIPTraffic()
        for i in 0..<5000 as Range<Int64> {
            var (link, frame) = Self.seeds[Int(generator.next() % UInt64(Self.seeds.count))]
            Self.damage(&frame, &generator)
            if generator.next() % 8 == 0 { link = LinkType.allCases[Int(generator.next() % 9)] }
            traffic.add(frame.span, link: link, at: .milliseconds(i * 20))
        }
        traffic.finish()
        Self.expectWholeCounts(traffic.counts)
        // Most of the damage leaves a message that can be read, so what comes after is tried as well.
        #expect(traffic.messages.count > 500)
        let table = TransactionTable(traffic)
        let (calls, _) = CallFinder(
            traffic, table, timeout: .seconds(32), start: traffic.messages[0].at
        ).calls()
        #expect(!calls.isEmpty)
        _ = TimerCheck(traffic, table)
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func damagedCapturesAreJoined(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &+ 100)
        var settings = SIPTraffic.Settings()
        settings.separatesFiles = true
        var traffic = SIPTraffic(settings: settings)
        for file in 0..<3 {
            traffic.beginFile(file)
            for i in 0..<400 as Range<Int64> {
                let seed = Self.seeds[Int(generator.next() % 6)]
                var frame = seed.1
                if generator.next() % 2 == 0 { Self.damage(&frame, &generator) }
                let at = Nanoseconds(Int64(bitPattern: generator.next() % 1_000_000_000))
                traffic.add(frame.span, link: seed.0, at: at + .milliseconds(i))
            }
        }
        traffic.finish()
        Self.expectWholeCounts(traffic.counts)
        let join = HopJoin(traffic, points: 3, isSameClock: false)
        for path in join.paths {
            #expect((path.forth + path.back).reduce(path.resent + path.beyond, +) == path.total)
        }
    }
}
