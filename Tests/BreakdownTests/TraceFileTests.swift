import Breakdown
import Datagrams
import Testing

@Suite struct TraceFileTests {
    private static let source = TraceSource(
        host: "höst", rung: .rawTracepoints,
        coverage: [.init(.tapTransmit, .exact, "by the tag"), .init(.tapRead, .missing, "no tap leads to it")],
        port: 5060,
        tagType: 0x5E,
        clocks: ClockPair(
            wall: WallInstant(nanoseconds: 1_700_000_000_123_456_789), monotonic: MonotonicInstant(nanoseconds: 42),
            uncertainty: Nanoseconds(7)),
        threads: [(101, 100, "server"), (102, 100, "server")], share: 0.25)

    private static var tally: TraceTally {
        var tally = TraceTally()
        (tally.lost, tally.slotMisses, tally.probeRuns) = (1, 2, .max)
        (tally.probeTime, tally.stolen, tally.lasted) = (.seconds(3), .zero, .seconds(10))
        return tally
    }

    private func file(_ trace: TraceBuilder, tally: TraceTally? = Self.tally) -> [UInt8] {
        var bytes = ByteBuffer(capacity: 0)
        TraceFile.appendHeader(Self.source, to: &bytes)
        for record in trace.records { TraceFile.appendRecord(record.span, to: &bytes) }
        if let tally { TraceFile.appendTally(tally, to: &bytes) }
        return Array(bytes.storage.prefix(bytes.count))
    }

    private var trace: TraceBuilder {
        var trace = TraceBuilder()
        for i in 0..<5 { trace.pass("call-\(i)", at: Int64(i) * 1_000_000, packet: 16, [1, 2, 3, 4, 5, 6]) }
        return trace
    }

    @Test func whatIsWrittenIsRead() throws {
        let read = try TraceFile.read(file(trace).span)
        #expect(read.source == Self.source && read.tally == Self.tally && read.ending == .complete)
        #expect(read.log.events.count == 35 && read.log.unreadable == 0 && read.complaint == nil)
        #expect(Breakdown([(read.source, read.log, read.tally)]).tally.joined == 5)
    }

    @Test func aFileCutShortIsReadUpToItsLastWholeRecord() throws {
        let whole = file(trace, tally: nil)
        var counts: [Int] = []
        for count in stride(from: whole.count, to: whole.count - 500, by: -8) {
            let read = try TraceFile.read(whole.span.extracting(0..<count))
            #expect(read.ending == .cutShort && read.complaint != nil)
            counts.append(read.log.events.count)
        }
        #expect(counts.first == 35 && counts.last == 33 && counts == counts.sorted(by: >))
    }

    @Test func damageEndsTheReading() throws {
        var bytes = file(trace)
        let place = bytes.count - 64
        #expect(bytes[place] == UInt8(ascii: "t"))
        bytes[place] = 0
        let read = try TraceFile.read(bytes.span)
        #expect(read.ending == .damaged(at: place) && read.log.events.count == 35)
    }

    @Test func anotherFileOrVersionIsRefused() {
        #expect(throws: TraceFileError.noTraceFile) { try TraceFile.read(Array("call,call_id,due_s\n".utf8).span) }
        #expect(throws: TraceFileError.noTraceFile) { try TraceFile.read([UInt8]().span) }
        var bytes = file(trace)
        bytes[9] = UInt8(ascii: "2")
        #expect(throws: TraceFileError.otherVersion(2)) { try TraceFile.read(bytes.span) }
        bytes[9] = UInt8(ascii: "1")
        #expect(throws: TraceFileError.damagedHeader) { try TraceFile.read(bytes.span.extracting(0..<40)) }
    }

    @Test func anyFileIsReadOrRefused() {
        let whole = file(trace)
        var random = SeededGenerator(seed: 21)
        for _ in 0..<1_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                // Most of them in the header, where lengths and counts stand.
                let end = Bool.random(using: &random) ? 160 : bytes.count
                bytes[Int.random(in: 0..<end, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes.removeLast(Int.random(in: 0..<100, using: &random))
            guard let read = try? TraceFile.read(bytes.span) else { continue }
            _ = Breakdown([(read.source, read.log, read.tally)])
        }
    }
}
