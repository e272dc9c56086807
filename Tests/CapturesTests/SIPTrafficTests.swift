import Datagrams
import SIP
import Testing

@testable import Captures

/// Captures that lie: each way has its count, nothing is counted twice, nothing crashes.
@Suite struct SIPTrafficTests {
    private static let invite = Text.request("INVITE")

    @Test func thePortDoesNotMatterUnlessItIsAskedFor() {
        func messages(port: UInt16?) -> (Int, UInt64) {
            var tape = Tape { $0.port = port }
            tape.frame(Frames.sip(Self.invite, from: 1, to: 2), at: 0)
            tape.frame(Frames.sip(Self.invite, from: 5090, to: 2), at: 10)
            let traffic = tape.finished()
            return (traffic.messages.count, traffic.counts.otherPort)
        }
        #expect(messages(port: nil) == (2, 0))
        #expect(messages(port: 5090) == (1, 1))
    }

    @Test func aDatagramCapturedTwiceIsOneAndARetransmissionIsNot() {
        var tape = Tape()
        tape.caller(Self.invite, at: 0)
        tape.caller(Self.invite, at: 0.004)
        tape.caller(Self.invite, at: 1)
        tape.caller(Self.invite, at: 500)
        tape.caller(Self.invite, at: 500.01)
        let traffic = tape.finished()
        #expect(traffic.messages.map(\.frame) == [1, 4])
        #expect(traffic.counts.duplicates == 3 && traffic.counts.messages == 5)
    }

    @Test func theSameBytesWithAnotherIdentificationWereSentTwice() {
        var tape = Tape()
        for identification in [1, 2] {
            tape.frame(
                Frames.ethernet(Frames.ipv4(Frames.udp(Array(Self.invite.utf8)), identification: identification)), at: 0
            )
        }
        #expect(tape.finished().messages.count == 2)
    }

    @Test func capturePointsKeepTheirCopies() {
        var tape = Tape { $0.separatesFiles = true }
        for file in 0..<3 {
            tape.beginFile(file)
            tape.caller(Self.invite, at: Double(file) / 1000)
            tape.caller(Self.invite, at: Double(file) / 1000)
        }
        let traffic = tape.finished()
        #expect(traffic.messages.map(\.file) == [0, 1, 2] && traffic.counts.duplicates == 3)
        #expect(traffic.only(file: 1).messages.map(\.file) == [1])
    }

    @Test func framesOutOfOrderArePutInOrder() {
        var tape = Tape()
        tape.callee(Text.response(200, "INVITE"), at: 2)
        tape.caller(Self.invite, at: 0)
        tape.callee(Text.response(180, "INVITE"), at: 1)
        let traffic = tape.finished()
        #expect(traffic.messages.map(\.status) == [0, 180, 200])
        #expect(traffic.counts.outOfOrder == 1)
    }

    @Test func everyFrameHasOneCount() {
        var tape = Tape()
        tape.caller(Self.invite, at: 0)
        tape.frame(Frames.sip(""), at: 1)
        tape.frame(Frames.sip("\r\n\r\n"), at: 2)
        tape.frame(Frames.sip("hello"), at: 3)
        tape.frame(Frames.sip("INVITE sip:b SIP/2.0\r\nno colon\r\n\r\n"), at: 4)
        tape.frame(Frames.ethernet([], types: [0x0806]), at: 5)
        tape.frame(Frames.ethernet(Frames.ipv4([8, 0], transport: 1)), at: 6)
        tape.frame(Frames.ethernet(Frames.ipv4(Self.tcp(Self.invite), transport: 6)), at: 7)
        tape.frame(Frames.ethernet(Frames.ipv4(Self.tcp("GET / HTTP/1.1\r\n"), transport: 6)), at: 8)
        tape.frame([1, 2, 3], at: 9)
        tape.frame(Frames.ethernet(Frames.ipv4([1])), at: 10)
        let counts = tape.finished().counts
        #expect(counts.frames == 11)
        #expect(counts.sipDatagrams == 1 && counts.emptyUDP == 2 && counts.otherUDP == 1 && counts.malformed == 1)
        #expect(counts.notIP == 1 && counts.otherTransport == 1 && counts.sipOverTCP == 1 && counts.otherTCP == 1)
        #expect(counts.cut == 1 && counts.brokenPackets == 1)
    }

    private static func tcp(_ payload: String) -> [UInt8] {
        [UInt8](repeating: 0, count: 12) + [0x50] + [UInt8](repeating: 0, count: 7) + Array(payload.utf8)
    }

    /// Cut after the headers a message is still known; cut within them the tag knows it; without one nothing does.
    @Test func aSnapLengthLeavesWhatCanStillBeKnown() {
        let text = Text.request("INVITE", body: String(repeating: "x", count: 200))
        let plain = Frames.sip(text)
        let option = [0x5E, 40] + Frames.tag(1, cseq: 1, callID: "c1")
        let tagged = Frames.ethernet(Frames.ipv4(Frames.udp(Array(text.utf8)), options: option))
        var tape = Tape()
        tape.frame(Array(plain.dropLast(100)), at: 0)
        tape.frame(Array(plain.prefix(120)), at: 1000)
        tape.frame(Array(tagged.prefix(120)), at: 2000)
        tape.frame(Array(tagged.prefix(90)), at: 3000)
        let traffic = tape.finished()
        #expect(traffic.messages.count == 3)
        #expect(Set(traffic.messages.map(\.callID)).count == 1, "the tag's Call-ID is the text's")
        #expect(traffic.messages.allSatisfy { $0.cseq == 1 && $0.method == .invite && $0.isRequest })
        #expect(traffic.counts.cutMessages == 3 && traffic.counts.unreadable == 1)
    }

    /// A card that cuts a batch into datagrams does it after the capture.
    @Test func aBatchInOneDatagramIsTakenApart() {
        var tape = Tape()
        let batch = (1...5).map { Text.request("OPTIONS", call: "call\($0)", body: "body\($0)") }.joined()
        tape.caller(batch, at: 0)
        let traffic = tape.finished()
        #expect(traffic.messages.map { traffic.texts.text($0.callID) } == (1...5).map { "call\($0)" })
        #expect(traffic.counts.sipDatagrams == 1 && traffic.counts.segments == 4 && traffic.counts.duplicates == 0)
    }

    @Test func manyTextsKeepTheirNumbers() {
        var table = ByteTable()
        let numbers = (0..<5000).map { table.number(of: Array("call \($0)".utf8).span) }
        #expect(Set(numbers).count == 5000 && table.count == 5000 && !numbers.contains(0))
        for (i, number) in numbers.enumerated() {
            #expect(table.text(number) == "call \(i)")
            #expect(table.number(of: Array("call \(i)".utf8).span) == number)
        }
    }
}
