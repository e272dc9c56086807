import Datagrams
import Testing
import UDPTransport

/// `Outbox.gatherRuns`, and what arrives of it.
@Suite struct GatheredRunsTests {
    @Test func putsResponsesOfOneSizeSideBySide() {
        var outbox = Outbox()
        for call in 0..<3 as Range<UInt32> {
            outbox.append(size: 300, call: call)
            outbox.append(size: 500, call: call)
        }
        outbox.gatherRuns()
        #expect(outbox.datagrams.map(\.count) == [300, 300, 300, 500, 500, 500])
        #expect(outbox.datagrams.map(\.receipt.slot) == [0, 1, 2, 0, 1, 2])
    }

    /// The 200 of call 1 would fit the run of call 0's, which leaves before call 1's 180.
    @Test func noneOvertakesAnEarlierOneOfItsCall() {
        var outbox = Outbox()
        outbox.append(size: 500, call: 0)
        outbox.append(size: 300, call: 1)
        outbox.append(size: 500, call: 1)
        outbox.append(size: 500, call: 2)
        outbox.gatherRuns()
        #expect(outbox.datagrams.map(\.receipt.slot) == [0, 2, 1, 1])
        #expect(outbox.datagrams.map(\.count) == [500, 500, 300, 500])
    }

    @Test func nothingPassesADatagramThatNamesNoCall() {
        var outbox = Outbox()
        outbox.append(size: 300, call: 0)
        outbox.append(size: 500, call: .max)
        outbox.append(size: 300, call: 1)
        outbox.append(size: 300, call: 0)
        outbox.gatherRuns()
        #expect(outbox.datagrams.map(\.receipt.slot) == [0, .max, 1, 0])
    }

    @Test func destinationsAreKeptApart() {
        var outbox = Outbox()
        for call in 0..<4 as Range<UInt32> { outbox.append(size: 300, call: call, port: 5060 + UInt16(call % 2)) }
        outbox.gatherRuns()
        #expect(outbox.datagrams.map(\.receipt.slot) == [0, 2, 1, 3])
    }

    /// Whatever the mixture: the same datagrams, and each call's in their order.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func isAReorderingThatKeepsEachCallsOrder(_ seed: UInt64) {
        var chance = SeededGenerator(seed: seed)
        var outbox = Outbox()
        let count = Int(chance.next() % 120)
        for _ in 0..<count {
            let call = chance.next() % 20
            outbox.append(
                size: Int(300 + chance.next() % 3), call: call == 0 ? .max : UInt32(call),
                port: 5060 + UInt16(chance.next() % 2))
        }
        let before = outbox.datagrams
        outbox.gatherRuns()
        #expect(outbox.datagrams.map(\.start).sorted() == before.map(\.start))
        for call in Set(before.map(\.receipt.slot)) {
            let starts = outbox.datagrams.filter { $0.receipt.slot == call }.map(\.start)
            #expect(starts == starts.sorted())
        }
    }

    @Test func whatLiesApartInTheOutboxLeavesAsOneMessage() throws {
        var options = UDPSocket.Options()
        options.segments = true
        var socket = try UDPSocket(binding: loopback4, options: options)
        var outbox = Outbox()
        for call in 0..<90 as Range<UInt32> {
            outbox.append(size: 300, call: call, port: socket.localAddress.port)
            outbox.append(size: 500, call: call, port: socket.localAddress.port)
        }
        outbox.gatherRuns()
        let result = socket.send(outbox)
        #expect(result.sent == 180 && socket.segments)
        let wanted = outbox.datagrams.map { Array(outbox.bytes.storage[$0.start..<$0.start + $0.count]) }
        #expect(try socket.take(180).map(\.payload) == wanted)
    }
}

extension Outbox {
    /// A payload that tells its place and its call.
    fileprivate mutating func append(size: Int, call: UInt32, port: UInt16 = 5060) {
        let start = bytes.count
        for i in 0..<size { bytes.append(UInt8(truncatingIfNeeded: i &+ start &+ Int(call))) }
        append(
            Transmit(
                start: start, count: size, destination: .loopback(port: port),
                receipt: Transmit.Receipt(slot: call, generation: 0, kind: 2, index: 0)))
    }
}
