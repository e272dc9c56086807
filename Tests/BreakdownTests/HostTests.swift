import Breakdown
import Datagrams
import Testing

/// A host and its guest, whose clock is far off and drifts.
@Suite struct HostTests {
    /// 1,000 requests, one a millisecond; `quick` of both directions is at its best 2 us.
    private func pair(ahead: @escaping (Int64) -> Int64, seed: UInt64 = 1) -> (TraceBuilder, TraceBuilder) {
        var host = TraceBuilder(host: "host")
        var guest = TraceBuilder(host: "guest")
        guest.ahead = ahead
        var random = SeededGenerator(seed: seed)
        for i in 0..<1_000 {
            let call = "call-\(i)"
            let begin = Int64(i + 1) * 1_000_000
            let packet = UInt64(i % 7 + 1) * 64
            host.see(.tapTransmit, begin, call, packet: packet)
            host.see(.tapRead, begin + 5_000, call, packet: packet)
            let inside = begin + 7_000 + Int64.random(in: 0..<20_000, using: &random)
            guest.see(.protocolStart, inside, call, packet: packet)
            guest.see(.socketEnqueue, inside + 2_000, call, packet: packet, socket: TraceBuilder.socket)
            guest.read(.applicationReceive, inside + 12_000, TraceBuilder.request(call), thread: 9)
            guest.read(.responseTransmit, inside + 100_000, TraceBuilder.response(200, call), thread: 9)
            let out = inside + 102_000 + Int64.random(in: 0..<20_000, using: &random)
            host.read(.responseReceive, out, TraceBuilder.response(200, call))
        }
        return (host, guest)
    }

    @Test(arguments: [Int64(0), 7_000_000_000, -3_000_000_000])
    func aPlantedOffsetIsFound(offset: Int64) throws {
        let (host, guest) = pair(ahead: { _ in offset + 5_000_000_000 })
        let result = Breakdown([guest.recording, host.recording])
        #expect(result.sources.map(\.host) == ["host", "guest"])
        #expect(
            result.blocks.map(\.name) == [
                "tap queue", "host to guest and softirq", "protocol", "socket wait", "application and reply",
                "guest to host",
            ])
        let uncertainty = try #require(result.blocks[1].clockUncertainty)
        #expect(uncertainty.rawValue > 0 && uncertainty.rawValue < 5_000)
        #expect(result.blocks[0].clockUncertainty == nil && result.blocks[5].clockUncertainty == uncertainty)
        #expect(result.tally.joined == 1_000)
        #expect(result.requests.allSatisfy { $0.lengths[0].rawValue == 5_000 && $0.lengths[3].rawValue == 10_000 })
        #expect(result.requests.allSatisfy { $0.lengths.reduce(.zero, +) == $0.total })
        #expect(result.requests.allSatisfy { $0.lengths[1].rawValue > 2_000 - 5_000 })
        #expect(result.clocks.count == 1 && result.clocks[0].contains(" s ahead of host's, give or take "))
    }

    @Test func ofARecordingOfAPartOfTheLoadTheRestIsPutAside() {
        let (host, whole) = pair(ahead: { _ in 7_000_000_000 })
        var part = TraceBuilder(host: "guest")
        // Of 1,000 requests the 200 in the middle, and what the guest saw of them.
        for record in whole.records where TraceRecord(record.span).map({ Self.isInPart($0.time) }) ?? false {
            part.append(record)
        }
        let result = Breakdown([host.recording, part.recording])
        #expect(result.blocks.map(\.name) == Breakdown([host.recording, whole.recording]).blocks.map(\.name))
        #expect(result.tally.joined == 200 && result.tally.requests == 200 && result.tally.outside == 800)
    }

    private static func isInPart(_ time: UInt64) -> Bool {
        (7_400_000_000..<7_600_000_000).contains(time)
    }

    @Test func aPlantedDriftIsFoundAndTakenOff() throws {
        // 80 us a second: 80 us over the run, four times what the bounds leave open.
        let (host, guest) = pair(ahead: { 1_000_000_000 + $0 / 12_500 })
        let result = Breakdown([host.recording, guest.recording])
        let uncertainty = try #require(result.blocks[1].clockUncertainty)
        #expect(uncertainty.rawValue < 8_000, "\(uncertainty)")
        let gains = result.clocks[0].split(separator: "gains ").last?.split(separator: " ").first.flatMap { Double($0) }
        #expect(abs(try #require(gains) - 80) < 1, "\(result.clocks)")
        let crossing = result.requests.map { $0.lengths[1].rawValue }
        #expect((crossing.min() ?? 0) > 2_000 - 8_000 && (crossing.max() ?? 0) < 22_000 + 8_000)
    }

    @Test func aClockThatIsBehindIsSaidToBe() {
        let (host, guest) = pair(ahead: { _ in 7_000_000_000 })
        var late = TraceBuilder(host: "host")
        for record in host.records { late.append(Self.shifted(record, by: 40_000_000_000)) }
        let result = Breakdown([late.recording, guest.recording])
        #expect(result.clocks[0].contains(" s behind host's, give or take "), "\(result.clocks)")
    }

    private static func shifted(_ record: [UInt8], by length: Int64) -> [UInt8] {
        var record = record
        let time = TraceRecord(record.span)?.time ?? 0
        TraceBuilder.put(time + UInt64(length), 8, at: 0, &record)
        return record
    }

    @Test func ofUnequalCopiesTheOneThatCanHaveCausedItIsTaken() {
        var (host, guest) = pair(ahead: { _ in 77_000_000_000 })
        // The first copy never came out of the tap.
        host.see(.tapTransmit, 2_000_000_000, "again", packet: 64)
        host.see(.tapTransmit, 2_500_000_000, "again", packet: 128)
        host.see(.tapRead, 2_500_001_000, "again", packet: 128)
        guest.see(.protocolStart, 2_500_004_000, "again", packet: 64)
        guest.see(.socketEnqueue, 2_500_005_000, "again", packet: 64, socket: TraceBuilder.socket)
        guest.read(.applicationReceive, 2_500_006_000, TraceBuilder.request("again"))
        guest.read(.responseTransmit, 2_500_007_000, TraceBuilder.response(200, "again"))
        host.read(.responseReceive, 2_500_010_000, TraceBuilder.response(200, "again"))
        let result = Breakdown([host.recording, guest.recording])
        #expect(result.tally.joined == 1_001 && result.tally.sentAgain == 1)
        #expect(result.requests[1_000].lengths[0].rawValue == 1_000)
        #expect(result.requests[1_000].total.rawValue == 10_000)
    }

    @Test func twoRecordingsOfOneMachineHaveOneClock() {
        let (host, guest) = pair(ahead: { _ in 0 })
        var near = host
        near.host = guest.host
        let result = Breakdown([near.recording, guest.recording])
        #expect(result.clocks == ["guest and guest have one clock."])
        #expect(result.blocks[1].clockUncertainty == .zero)
        #expect(result.requests[0].lengths[1].rawValue >= 2_000)
    }

    @Test func aClientsRunIsTheOuterPair() throws {
        var server = TraceBuilder()
        server.ahead = { _ in 40_000_000_000 }
        var rows = "call,call_id,due_s,sent_s,late_us,trying_us,ringing_us,answer_us,hold_us,bye_us,rtt_us\n"
        for i in 0..<20 {
            let sent = Int64(i + 1) * 10_000_000
            rows +=
                "\(i),call-\(i),0,0.\(String(repeating: "0", count: i < 9 ? 1 : 0))\(i + 1)0000000,0,,,200.000,1000.000,150.500,350.5\n"
            for (method, cseq, begin) in [
                (CallTag.Method.invite, UInt32(1), sent + 30_000), (.bye, 2, sent + 200_000 + 1_000_000 + 30_000),
            ] {
                server.pass(
                    "call-\(i)", method, cseq: cseq, at: begin, packet: 16,
                    [1_000, 1_000, 1_000, 10_000, 80_000, 2_000],
                    thread: 9)
            }
        }
        rows += "20,refused,0.5,,,,,,,,\n\n21,failed,0.5,0.600000000,0,,,,,,\n"
        // It went on until long after the last event.
        server.tally.lasted = .seconds(60)
        let log = try TraceLog.ofClient(rows: Array(rows.utf8).span, start: MonotonicInstant(nanoseconds: 0))
        #expect(log.unreadable == 0)
        var client = server.source
        client.rung = .client
        client.host = "far"
        let result = Breakdown([server.recording, (client, log, TraceTally())])
        #expect(result.blocks.first?.name == "network to server" && result.blocks.last?.name == "network to client")
        #expect(result.tally.requests == 41 && result.tally.joined == 40)
        #expect(result.requests.map(\.method).prefix(2) == [.invite, .bye] && result.requests[1].cseq == 2)
        #expect(result.requests[0].total.rawValue == 200_000 && result.requests[1].total.rawValue == 150_500)
        #expect(result.requests[0].lengths.reduce(.zero, +).rawValue == 200_000)
        #expect(result.clocks[0].contains("the client on far"))
    }

    @Test func aFileThatIsNoClientsSaysWhichColumnItLacks() {
        #expect(throws: ClientRunError.missingColumn("sent_s")) {
            try TraceLog.ofClient(rows: Array("call,call_id\n1,a\n".utf8).span, start: MonotonicInstant(nanoseconds: 0))
        }
    }
}
