import Breakdown
import Datagrams
import Testing

@Suite struct TraceLogTests {
    @Test func eventsThatMayNotBeKeptAreCounted() {
        var trace = TraceBuilder()
        for i in 0..<5 { trace.see(.socketEnqueue, Int64(100 + i), "call-\(i)") }
        var log = TraceLog(mostEvents: 3)
        for record in trace.records { log.append(record.span) }
        #expect(log.isFull && log.events.count == 3 && log.unkept == 2)
        let result = Breakdown([(trace.source, log, TraceTally())])
        #expect(result.tally.unkept == 2)
        #expect(Advice(result).cautions.contains { $0.contains("2 later records are not in these figures") })
    }

    /// The key of one message, as the log has it.
    private func key(_ text: String, digest: TraceLog.Digest? = nil) -> (String, UInt32, CallTag.Method, UInt16)? {
        var trace = TraceBuilder(digest: digest)
        trace.read(.responseTransmit, 1, text)
        guard let event = trace.log.events.first, event.hasKey else { return nil }
        return (trace.log.callID(event.callID), event.cseq, event.method, event.status)
    }

    @Test(arguments: [
        ("INVITE sip:a@b SIP/2.0\r\nCall-ID: x@y\r\nCSeq: 7 INVITE\r\n", "x@y", 7, CallTag.Method.invite, 0),
        ("SIP/2.0 180 Ringing\r\nCSeq: 7 INVITE\r\nCall-ID: x@y\r\n", "x@y", 7, .invite, 180),
        ("SIP/2.0 200 OK\r\ni: x\r\nCSeq:\t4294967295  BYE  \r\n", "x", 4_294_967_295, .bye, 200),
        ("\r\n\r\nACK sip:a SIP/2.0\nCALL-id :  x  \ncseq: 1 ACK\n\n", "x", 1, .ack, 0),
        ("BYE sip:a SIP/2.0\r\nCall-ID:\r\n folded\r\nCSeq: 2\r\n BYE\r\nX", "folded", 2, .bye, 0),
        ("FROB sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 FROB\r\n", "x", 1, .other, 0),
    ])
    func aKeyIsReadFromAMessagesBeginning(
        text: String, callID: String, cseq: UInt32, method: CallTag.Method, status: UInt16
    ) {
        let found = key(text)
        #expect(found?.0 == callID && found?.1 == cseq && found?.2 == method && found?.3 == status)
    }

    @Test(arguments: [
        "", "\r\n\r\n", "SIP/2.0", "SIP/2.0 99 No\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "BYE sip:a SIP/2.0\r\nCSeq: 1 BYE\r\nCall-ID: cut-sho",
        "BYE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 BY", "BYE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 4294967296 BYE\r\n",
        "BYE sip:a SIP/2.0\r\nCall-ID: x\r\n\r\nCSeq: 1 BYE\r\n", "BYE sip:a SIP/2.0\r\nCall-ID: \r\nCSeq: 1 BYE\r\n",
        "BYE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: -1 BYE\r\n", "BYE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1\r\n",
    ])
    func whatIsCutOrNoSIPHasNoKey(text: String) {
        #expect(key(text) == nil)
    }

    @Test func aMessageCutAnywhereHasItsOwnKeyOrNone() {
        let text = TraceBuilder.response(200, "a-call-id-of-some-length@192.0.2.1", .bye, 12)
        for count in 0...text.utf8.count {
            guard let found = key(String(text.prefix(count))) else { continue }
            #expect(found.0 == "a-call-id-of-some-length@192.0.2.1" && found.1 == 12 && found.2 == .bye)
        }
    }

    @Test func aLongCallIDMeetsItselfByItsDigest() {
        let long = "a-call-id-that-does-not-fit-into-the-tag@192.0.2.1"
        let digits = "0123456789abcdef0123456789abcdef"
        var trace = TraceBuilder(digest: { text in
            var digest = InlineArray<32, UInt8>(repeating: 0)
            for (i, byte) in digits.utf8.enumerated() { digest[i] = byte }
            return text.count == long.utf8.count ? digest : nil
        })
        for i in 0..<3 {
            var record = TraceBuilder.record(.socketEnqueue, 10, socket: TraceBuilder.socket)
            TraceBuilder.tag(&record, digits, .invite, UInt32(i), isDigest: true)
            trace.append(record)
        }
        for i in 0..<3 {
            trace.read(.applicationReceive, 20, TraceBuilder.request(long, .invite, UInt32(i)))
            trace.read(.responseTransmit, 30, TraceBuilder.response(200, long, .invite, UInt32(i)))
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == 3 && result.text(0) == long)
    }

    @Test func recordsThatMeanNothingAreCounted() {
        var log = TraceLog()
        log.append([UInt8](repeating: 0, count: TraceRecord.byteCount).span)
        log.append([1, 2, 3].span)
        var cut = TraceBuilder.record(.responseTransmit, 1)
        TraceBuilder.append(TraceBuilder.request("a"), to: &cut)
        cut.removeLast()
        log.append(cut.span)
        #expect(log.unreadable == 3 && log.events.isEmpty)
    }

    @Test func anEventIsSixtyFourBytes() {
        #expect(MemoryLayout<TraceEvent>.stride == 64)
    }

    @Test func anythingMayComeOutOfTheRing() {
        var random = SeededGenerator(seed: 20)
        var trace = TraceBuilder()
        let points = ProbePoint.allCases
        for _ in 0..<20_000 {
            var record = TraceBuilder.record(
                points.randomElement(using: &random) ?? .waking, Int64.random(in: 0..<1_000_000, using: &random),
                packet: UInt64.random(in: 0..<4, using: &random), socket: UInt64.random(in: 0..<3, using: &random),
                thread: UInt32.random(in: 0..<5, using: &random))
            let call = "\(Int.random(in: 0..<50, using: &random))"
            switch Int.random(in: 0..<6, using: &random) {
            case 0: TraceBuilder.tag(&record, call, .invite, 1)
            case 1: TraceBuilder.append(TraceBuilder.request(call), to: &record)
            case 2: TraceBuilder.append(TraceBuilder.response(200, call), to: &record)
            case 3: TraceBuilder.append(String(TraceBuilder.response(180, call).shuffled(using: &random)), to: &record)
            case 4:
                for _ in 0..<8 {
                    record[Int.random(in: 0..<record.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
                }
            case _: record.removeLast(Int.random(in: 0..<record.count, using: &random))
            }
            trace.append(record)
        }
        let result = trace.breakdown(BreakdownOptions(leastPresence: 0.01))
        for request in result.requests { #expect(request.lengths.reduce(.zero, +) == request.total) }
        _ = Advice(result)
    }
}
