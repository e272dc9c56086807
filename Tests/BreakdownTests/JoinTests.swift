import Breakdown
import Datagrams
import Testing

@Suite struct JoinTests {
    private static let blocks: [Int64] = [1_600, 1_700, 3_900, 23_000, 107_200, 3_900]

    @Test func aRequestIsSplitAtEveryPointThatSawIt() {
        var trace = TraceBuilder()
        for i in 0..<10 { trace.pass("call-\(i)", at: 1_000_000 * Int64(i + 1), packet: 0x1000, Self.blocks) }
        let result = trace.breakdown()
        #expect(
            result.blocks.map(\.summary) == ["driver", "softirq", "protocol", "socket wait", "application", "reply"])
        #expect(result.tally.requests == 10 && result.tally.joined == 10 && result.tally.lacking.isEmpty)
        #expect((0..<10).allSatisfy { result.lengths($0) == Self.blocks })
        #expect(result.requests.map(\.total.rawValue) == Array(repeating: 141_300, count: 10))
        #expect(result.text(3) == "call-3" && result.requests[3].begin.rawValue == 3_000_000)
        #expect(result.requests[0].status == 200 && result.requests[0].receiver == 101 && result.requests[0].depth == 1)
        #expect(result.waits.isEmpty, "nothing is known of the threads")
    }

    @Test func anInviteItsACKAndItsBYEAreThreeThings() {
        var trace = TraceBuilder()
        trace.pass("a", at: 1_000, packet: 16, Self.blocks)
        trace.see(.tapTransmit, 300_000, "a", .ack, packet: 16)
        trace.see(.socketEnqueue, 301_000, "a", .ack, packet: 16, socket: TraceBuilder.socket)
        trace.read(.applicationReceive, 302_000, TraceBuilder.request("a", .ack))
        trace.pass("a", .bye, cseq: 2, at: 400_000, packet: 16, Self.blocks)
        let result = trace.breakdown()
        #expect(result.tally.requests == 2 && result.tally.joined == 2 && result.tally.acks == 1)
        #expect(result.requests.map(\.method) == [.invite, .bye])
        #expect(result.requests.map(\.cseq) == [1, 2])
        #expect(result.queues.count == 3, "the ACK lay in the queue, too")
    }

    @Test(arguments: [(BreakdownOptions.End.first, 100, 30), (.final, 200, 130)])
    func theTotalGoesToTheFirstOrTheFinalResponse(end: BreakdownOptions.End, status: UInt16, total: Int64) {
        var trace = TraceBuilder()
        trace.see(.tapTransmit, 0, "a", packet: 16)
        trace.see(.socketEnqueue, 10, "a", packet: 16, socket: TraceBuilder.socket)
        trace.read(.applicationReceive, 20, TraceBuilder.request("a"), thread: 5)
        for (at, code) in [(25, 100), (60, 180), (120, 200), (220, 200)] {
            trace.read(.applicationSend, Int64(at), TraceBuilder.response(code, "a"), thread: 5)
            trace.read(
                .responseTransmit, Int64(at) + (code == 100 ? 5 : 10), TraceBuilder.response(code, "a"), thread: 5)
        }
        let result = trace.breakdown(BreakdownOptions(end: end))
        #expect(result.requests.map(\.status) == [status] && result.requests[0].total.rawValue == total)
        #expect(result.requests[0].first.rawValue == 30)
        #expect(result.lengths(0) == [10, 10, end == .first ? 5 : 100, end == .first ? 5 : 10])
    }

    @Test func aPointWithoutAKeyHasThatOfItsPacket() {
        var trace = TraceBuilder()
        for i in 0..<4 {
            // The kernel gives all of them the same address, one after the other.
            let begin = Int64(1 + i) * 1_000
            trace.see(.protocolStart, begin, "call-\(i)", packet: 0x40)
            trace.seeKeyless(.socketEnqueue, begin + 10, packet: 0x40)
            trace.read(.applicationReceive, begin + 30, TraceBuilder.request("call-\(i)"))
            trace.read(.responseTransmit, begin + 60, TraceBuilder.response(200, "call-\(i)"), packet: 0x40)
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == 4)
        #expect((0..<4).allSatisfy { result.lengths($0) == [10, 20, 30] })
        #expect(result.blocks.map(\.summary) == ["protocol", "socket wait", "application and reply"])
    }

    @Test func anAddressUsedAgainIsAnotherPacket() {
        var trace = TraceBuilder()
        trace.see(.protocolStart, 100, "old", packet: 0x40)
        trace.see(.socketEnqueue, 110, "old", packet: 0x40, socket: TraceBuilder.socket)
        // Its protocol start was lost: the old packet's key is not its own.
        trace.seeKeyless(.socketEnqueue, 150, packet: 0x40)
        trace.read(.applicationReceive, 200, TraceBuilder.request("old"))
        trace.read(.applicationReceive, 250, TraceBuilder.request("new"))
        for (at, call) in [(300, "old"), (310, "new")] {
            trace.read(.responseTransmit, Int64(at), TraceBuilder.response(200, call))
        }
        let result = trace.breakdown()
        #expect(
            result.blocks.map(\.summary) == ["protocol (inferred)", "socket wait (inferred)", "application and reply"])
        #expect(result.tally.requests == 2 && result.tally.joined == 1)
        #expect(result.tally.lacking.map(\.point) == [.protocolStart])
        #expect(result.lengths(0) == [10, 90, 100])
    }

    @Test func receivesWithoutAKeyAreInferredFromTheQueue() {
        var trace = TraceBuilder()
        for i in 0..<6 { trace.see(.socketEnqueue, Int64(100 + 10 * i), "call-\(i)", socket: TraceBuilder.socket) }
        for i in 0..<6 {
            trace.seeKeyless(.applicationReceive, Int64(1_000 + 100 * i), thread: 7)
            trace.read(.responseTransmit, Int64(1_050 + 100 * i), TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == 6)
        #expect(result.blocks.map(\.summary) == ["socket wait (inferred)", "application and reply (inferred)"])
        #expect(result.lengths(5) == [1_500 - 150, 50])
        #expect(result.requests.map(\.depth) == [1, 2, 3, 4, 5, 6])
    }

    @Test func twoWorkersThatOvertakeEachOtherKeepTheirRequests() {
        var trace = TraceBuilder()
        for i in 0..<4 { trace.see(.socketEnqueue, Int64(100 + 10 * i), "call-\(i)", socket: TraceBuilder.socket) }
        for (at, i, thread) in [(200, 1, 7), (210, 0, 8), (220, 3, 7), (230, 2, 8)] {
            trace.read(
                .applicationReceive, Int64(at), TraceBuilder.request("call-\(i)"), thread: UInt32(thread))
        }
        for i in 0..<4 {
            trace.read(.responseTransmit, Int64(300 + i), TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(result.requests.map(\.receiver) == [8, 7, 8, 7])
        #expect(result.requests.map { $0.lengths[0].rawValue } == [110, 90, 110, 90])
        #expect(result.blocks[0].quality == .exact)
    }

    @Test func aReceiveWithAKeyPutsTheOrderRightAgain() {
        var trace = TraceBuilder()
        for i in 0..<200 { trace.see(.socketEnqueue, Int64(100 + i), "call-\(i)", socket: TraceBuilder.socket) }
        // Records of the first hundred receives were lost.
        for i in 100..<200 {
            if i % 50 == 0 {
                trace.read(.applicationReceive, Int64(1_000 + 10 * i), TraceBuilder.request("call-\(i)"))
            } else {
                trace.seeKeyless(.applicationReceive, Int64(1_000 + 10 * i))
            }
        }
        for i in 0..<200 { trace.read(.responseTransmit, Int64(9_000 + i), TraceBuilder.response(200, "call-\(i)")) }
        let result = trace.breakdown(BreakdownOptions(leastPresence: 0.3))
        // At most as many as threads may overtake each other are told wrong after each loss.
        let right = result.requests.filter { request in
            let number = Int64(result.texts[Int(request.callID)].dropFirst(5)) ?? 0
            return request.lengths[0].rawValue == 900 + 9 * number
        }
        #expect(result.requests.count == 100)
        #expect(right.count >= 2)
    }

    @Test func requestsThatWereNeverAnsweredDoNotHideThePointsOthersPassed() {
        var trace = TraceBuilder()
        for i in 0..<3 { trace.pass("ok-\(i)", at: Int64(i + 1) * 10_000, packet: 64, [1, 2, 3, 4, 5, 6]) }
        for i in 0..<7 {
            trace.see(.tapTransmit, Int64(i + 10) * 10_000, "lost-\(i)", packet: 128)
            trace.see(.driverReceive, Int64(i + 10) * 10_000 + 1, "lost-\(i)", packet: 128)
            trace.see(.protocolStart, Int64(i + 10) * 10_000 + 2, "lost-\(i)", packet: 128)
        }
        let result = trace.breakdown()
        #expect(result.blocks.last?.to == .responseTransmit)
        #expect(result.requests.map(\.total.rawValue) == [21, 21, 21])
        #expect(result.tally.joined == 3 && result.tally.requests == 10)
        #expect(result.tally.lacking.map(\.point) == [.socketEnqueue] && result.tally.lacking.map(\.count) == [7])
    }

    @Test func whereNothingIsAnsweredTheVerdictSaysSo() {
        var trace = TraceBuilder()
        for i in 0..<10 {
            let at = Int64(i + 1) * 1_000_000
            trace.see(.protocolStart, at, "call-\(i)", packet: 64)
            trace.see(.socketEnqueue, at + 1_000, "call-\(i)", packet: 64, socket: TraceBuilder.socket)
            trace.read(.applicationReceive, at + 5_000, TraceBuilder.request("call-\(i)"), thread: 9)
        }
        let advice = Advice(trace.breakdown())
        #expect(
            advice.verdict
                == "no response was seen to any of 10 requests that came in; 80 % of the way to the application is "
                + "socket wait")
        #expect(advice.steps.first?.name == "nothing answered")
    }

    @Test func aLostReceiveIsNoticedByItsResponse() {
        var trace = TraceBuilder()
        for i in 0..<20 {
            let begin = Int64(i + 1) * 1_000
            trace.see(.socketEnqueue, begin, "call-\(i)", socket: TraceBuilder.socket)
            if i != 5 { trace.seeKeyless(.applicationReceive, begin + 100) }
            trace.read(.responseTransmit, begin + 300, TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == 19 && result.tally.lacking.map(\.point) == [.applicationReceive])
        #expect(result.requests.allSatisfy { $0.lengths.map(\.rawValue) == [100, 200] })
    }

    @Test func aReceiveStampedBeforeItsEnqueueWaitedForNothing() {
        var trace = TraceBuilder()
        for i in 0..<4 {
            let begin = Int64(1 + i) * 10_000
            trace.see(.protocolStart, begin, "call-\(i)", packet: 16)
            trace.seeKeyless(.applicationReceive, begin + 100)
            trace.see(.socketEnqueue, begin + 130, "call-\(i)", packet: 16, socket: TraceBuilder.socket)
            trace.read(.responseTransmit, begin + 500, TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == 4)
        #expect((0..<4).allSatisfy { result.lengths($0) == [100, 0, 400] })
    }

    @Test func onlyTheLastDeviceBeforeTheDriverCounts() {
        var trace = TraceBuilder()
        for (point, at) in [
            (ProbePoint.tapTransmit, 0), (.tapTransmit, 10), (.driverReceive, 20), (.protocolStart, 25),
            (.tapTransmit, 30), (.driverReceive, 40), (.protocolStart, 45), (.socketEnqueue, 50),
        ] {
            trace.see(point, Int64(at), "a", packet: 16, socket: point == .socketEnqueue ? TraceBuilder.socket : 0)
        }
        trace.read(.applicationReceive, 60, TraceBuilder.request("a"))
        trace.read(.responseTransmit, 70, TraceBuilder.response(200, "a"))
        trace.read(.responseTransmit, 80, TraceBuilder.response(200, "a"))
        let result = trace.breakdown()
        #expect(result.lengths(0) == [10, 5, 5, 10, 10])
        #expect(result.requests[0].copies == 1)
    }

    @Test func aRetransmissionIsACopyAndTheFirstOneThatWasReadCounts() {
        var trace = TraceBuilder()
        let second: Int64 = 500_000_000
        trace.see(.tapTransmit, 0, "a", packet: 16)
        trace.see(.driverReceive, 10, "a", packet: 16)
        trace.pass("a", at: second, packet: 32, Self.blocks)
        trace.see(.tapTransmit, 2 * second, "a", packet: 48)
        trace.see(.driverReceive, 2 * second + 10, "a", packet: 48)
        let result = trace.breakdown()
        #expect(result.requests.map(\.copies) == [3] && result.tally.sentAgain == 1)
        #expect(result.requests[0].lengths.map(\.rawValue) == Self.blocks)
    }

    @Test(arguments: [false, true])
    func aDroppedCopyIsOut(isQueuedFirst: Bool) {
        var trace = TraceBuilder()
        trace.see(.protocolStart, 100, "a", packet: 16)
        // A probe at the function's entry sees it before the drop.
        if isQueuedFirst { trace.see(.socketEnqueue, 110, "a", packet: 16, socket: TraceBuilder.socket) }
        trace.see(.receiveDrop, 120, "a", packet: 16, socket: TraceBuilder.socket)
        trace.see(.protocolStart, 500_000_000, "a", packet: 16)
        trace.see(.socketEnqueue, 500_000_010, "a", packet: 16, socket: TraceBuilder.socket)
        trace.seeKeyless(.applicationReceive, 500_000_030)
        trace.read(.responseTransmit, 500_000_070, TraceBuilder.response(200, "a"))
        let result = trace.breakdown()
        #expect(result.tally.receiveDrops == 1 && result.tally.requestsDropped == 1 && result.tally.sentAgain == 1)
        #expect(result.lengths(0) == [10, 20, 40] && result.requests[0].copies == 2)
        #expect(result.queues.map(\.depth) == [1])
        #expect(result.requests[0].depth == 1)
    }

    @Test func aRequestThatLacksAPointIsNotJoinedAndSaysWhich() {
        var trace = TraceBuilder()
        for i in 0..<8 { trace.pass("call-\(i)", at: Int64(i) * 1_000_000, packet: 16, Self.blocks) }
        trace.see(.tapTransmit, 9_000_000, "lost", packet: 16)
        trace.see(.driverReceive, 9_000_010, "lost", packet: 16)
        let result = trace.breakdown()
        #expect(result.tally.requests == 9 && result.tally.joined == 8)
        #expect(result.tally.lacking.map(\.point) == [.protocolStart] && result.tally.lacking.map(\.count) == [1])
    }

    @Test(arguments: [(5, 5, true), (4, 6, false)])
    func aPointThatFewerThanHalfPassedIsNoBlock(with: Int, without: Int, isBlock: Bool) {
        var trace = TraceBuilder()
        for i in 0..<with + without {
            let at = Int64(i) * 1_000_000
            trace.see(.tapTransmit, at, "call-\(i)", packet: 16)
            if i < with { trace.see(.driverReceive, at + 5, "call-\(i)", packet: 16) }
            trace.see(.protocolStart, at + 10, "call-\(i)", packet: 16)
            trace.read(.responseTransmit, at + 100, TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(
            result.blocks.map(\.name)
                == (isBlock ? ["driver", "softirq", "server"] : ["driver and softirq", "server"]))
        #expect(result.tally.joined == (isBlock ? with : with + without))
    }

    @Test func twoTapsKnowOneBlock() {
        var trace = TraceBuilder()
        trace.isTagged = false
        for i in 0..<3 {
            trace.see(.tapTransmit, Int64(i) * 1_000, "call-\(i)")
            trace.read(.responseTransmit, Int64(i) * 1_000 + 300, TraceBuilder.response(200, "call-\(i)"))
        }
        let result = trace.breakdown()
        #expect(result.blocks.map(\.summary) == ["server"] && result.lengths(2) == [300])
    }

    @Test func whatAProxySendsOnIsNoRequestOfItsClients() {
        var trace = TraceBuilder()
        trace.pass("a", at: 1_000, packet: 16, Self.blocks)
        // The same INVITE goes on to the next hop, and its 200 comes back before the proxy's own.
        trace.read(.applicationSend, 50_000, TraceBuilder.request("a"))
        trace.read(.responseTransmit, 51_000, TraceBuilder.request("a"))
        trace.isTagged = false
        trace.read(.protocolStart, 60_000, TraceBuilder.response(200, "a"), packet: 48, socket: 0)
        trace.seeKeyless(.socketEnqueue, 61_000, packet: 48)
        trace.read(.applicationReceive, 62_000, TraceBuilder.response(200, "a"))
        let result = trace.breakdown()
        #expect(result.requests.map(\.copies) == [1] && result.lengths(0) == Self.blocks)
    }

    @Test func nothingRecordedIsNothingKnown() {
        #expect(Breakdown([]).requests.isEmpty)
        let result = TraceBuilder().breakdown()
        #expect(result.blocks.isEmpty && result.tally == Breakdown.Tally())
    }
}
