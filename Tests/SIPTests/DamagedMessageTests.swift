import Datagrams
import SIP
import Testing

/// Datagrams cut short or changed on the way: whatever arrives, the parser ends, and what it finds lies inside.
@Suite struct DamagedMessageTests {
    /// A message may end after a header line, so three cuts of each leave a message: after CSeq, which is the last of
    /// the mandatory headers, and after the two lines that follow.
    @Test(arguments: [Sample.inviteLines, Sample.okLines])
    func aMessageCutInsideALineIsRefused(_ lines: String) throws {
        let bytes = try IndexedMessage(lines, body: Sample.sdp).bytes
        let end = bytes.count - Sample.sdp.utf8.count - 2
        var index = MessageIndex()
        var accepted: [Int] = []
        for count in 0...end {
            let cut = Array(bytes[..<count])
            guard (try? index.parse(cut.span)) != nil else { continue }
            accepted.append(count)
            expectInside(index, count)
            #expect(String(decoding: cut[index.callID.bounds], as: UTF8.self) == "9f3a01c2.123.4f")
        }
        #expect(accepted.count == 3)
        #expect(accepted.allSatisfy { bytes[$0 - 1] == 10 })
    }

    @Test func aBodyCutAtAnyByteIsTruncated() throws {
        let bytes = try Sample.invite().bytes
        for missing in 1...Sample.sdp.utf8.count {
            let announced = Sample.sdp.utf8.count
            #expect(throws: MalformedMessage.truncated(announced: announced, present: announced - missing)) {
                try IndexedMessage(bytes: Array(bytes.dropLast(missing)))
            }
        }
    }

    @Test func twentyThousandMutationsStayInside() throws {
        var random = SeededGenerator(seed: 4475)
        let samples = [
            try Sample.invite().bytes, try Sample.ok().bytes,
            try Sample.options(with: "Record-Route: <sip:p1;lr>, \"x, y\" <sip:p2>;a=\"b\"", "X: a\n b").bytes,
        ]
        let structural = Array("\r\n \t:;,<>\"\\=@/[]0129\0\u{7F}".utf8)
        var index = MessageIndex()
        var routes = ByteBuffer(capacity: 4096)
        var target = ByteBuffer(capacity: 4096)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = samples[Int(random.next() % 3)]
            for _ in 0...(random.next() % 4) {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[at] = structural[Int(random.next() % UInt64(structural.count))]
                case 2: bytes.remove(at: at)
                default: bytes.insert(structural[Int(random.next() % UInt64(structural.count))], at: at)
                }
            }
            do throws(MalformedMessage) {
                try index.parse(bytes.span)
                accepted += 1
                expectInside(index, bytes.count)
                routes.removeAll()
                target.removeAll()
                try RouteSet.append(
                    from: bytes.span, index: index, role: .client, routes: &routes, target: &target)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(accepted > 5_000)
        #expect(accepted < 20_000)
    }

    private func expectInside(_ index: MessageIndex, _ count: Int) {
        let ranges = [
            index.methodText, index.requestURI, index.reasonPhrase, index.topVia, index.viaBranch, index.viaHost,
            index.from, index.fromTag, index.fromURI, index.to, index.toTag, index.toURI, index.callID,
            index.cseqMethodText, index.contactURI, index.body,
        ]
        let isInside =
            ranges.allSatisfy { $0.end <= count }
            && index.headers.allSatisfy { $0.nameRange.end < $0.value.end + 1 && $0.value.end <= count }
        if !isInside { Issue.record("a range leaves the datagram of \(count) bytes") }
    }
}
