import Datagrams
import SIP
import Testing

@testable import Captures

@Suite struct FragmentTests {
    private static let text = Text.request("INVITE", body: String(repeating: "v=0 ", count: 500))
    private static let datagram = Frames.udp(Array(text.utf8))

    /// Of `datagram` in pieces of `size`.
    private static func pieces(_ size: Int, identification: Int = 9) -> [[UInt8]] {
        stride(from: 0, to: datagram.count, by: size).map { offset in
            let end = min(offset + size, datagram.count)
            return Frames.ethernet(
                Frames.ipv4(
                    Array(datagram[offset..<end]), identification: identification,
                    fragment: (offset, end < datagram.count)))
        }
    }

    private static func counts(_ frames: [[UInt8]]) -> (CaptureCounts, Int) {
        var tape = Tape()
        for (i, frame) in frames.enumerated() { tape.frame(frame, at: Double(i)) }
        let traffic = tape.finished()
        return (traffic.counts, traffic.messages.count)
    }

    @Test(arguments: 0..<12 as Range<UInt64>) func piecesInAnyOrderMakeOneMessage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let frames = Self.pieces(800).shuffled(using: &generator)
        let (counts, messages) = Self.counts(frames)
        #expect(messages == 1 && counts.reassembled == 1 && counts.fragments == UInt64(frames.count - 1))
        #expect(counts.sipDatagrams == 1)
        #expect(counts.incompletePackets == 0 && counts.malformed == 0)
    }

    @Test func aPieceCapturedTwiceDoesNoHarm() {
        let frames = Self.pieces(800).flatMap { [$0, $0] }
        let (counts, messages) = Self.counts(frames)
        #expect(messages == 1 && counts.reassembled == 1)
        // The last piece's second copy begins a packet that never completes.
        #expect(counts.incompletePackets == 1)
    }

    @Test func aMissingPieceIsCountedOnceAndTheRestForgotten() {
        let (counts, messages) = Self.counts(Array(Self.pieces(400).dropFirst()))
        #expect(messages == 0 && counts.incompletePackets == 1)
    }

    @Test func aPieceTheSnapLengthCutSpoilsItsPacketOnly() {
        var frames = Self.pieces(800)
        frames[1].removeLast(10)
        let (counts, messages) = Self.counts(frames + Self.pieces(800, identification: 10))
        #expect(messages == 1 && counts.incompletePackets == 1 && counts.reassembled == 1)
    }

    @Test func ipv6FragmentsAreReassembledToo() {
        var tape = Tape()
        let half = 1024
        for (offset, more) in [(0, true), (half, false)] {
            let content = more ? Self.datagram[..<half] : Self.datagram[half...]
            let header: [UInt8] = [17, 0] + Frames.big16(offset | (more ? 1 : 0)) + [0, 0, 0, 42]
            tape.frame(Frames.ipv6(Array(content), next: 44, headers: header), at: 0, link: .raw)
        }
        let traffic = tape.finished()
        #expect(traffic.messages.count == 1 && traffic.counts.reassembled == 1)
    }

    /// A sender of first pieces only must not fill the memory.
    @Test func whatNeverCompletesIsGivenUp() {
        var store = FragmentStore()
        let bytes = [UInt8](repeating: 1, count: 8)
        for i in 0..<5000 as Range<UInt32> {
            let fragment = IPFragment(
                source: .loopback(port: 0), destination: .loopback(port: 0), identification: i, transport: 17,
                offset: 0,
                isLast: false, payload: 0..<8, isWhole: true, tag: nil)
            #expect(store.add(fragment, from: bytes.span, at: .zero) == nil)
        }
        #expect(store.open == FragmentStore.capacity)
        #expect(store.abandoned == 5000 - UInt64(FragmentStore.capacity))
    }
}

extension ReassembledPacket: Equatable {
    public static func == (a: ReassembledPacket, b: ReassembledPacket) -> Bool { a.bytes == b.bytes }
}
