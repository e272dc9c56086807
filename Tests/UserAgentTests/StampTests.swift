import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// The times of a call when the kernel stamps what leaves and what arrives: virtual clocks, every delay chosen.
@Suite struct StampTests {
    /// One call against a peer that answers when the test says so.
    private struct StampedCall {
        var uac: UAC
        private var invite: [UInt8] = []
        private var bye: [UInt8] = []

        init(hold: Nanoseconds = .zero) throws {
            uac = try VirtualEnds.uac(StandardScenarios.uac, calls: 1) { $0.hold = hold }
        }

        func at(_ microseconds: Int64) -> MonotonicInstant { VirtualRun.start + .microseconds(microseconds) }

        /// Sends what is in the outbox; `left` nil: the stamp does not come.
        mutating func send(handed: Int64, left: Int64?) {
            let outbox = uac.engine.outbox
            uac.engine.outbox.removeAll()
            for transmit in outbox.datagrams {
                let bytes = Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count])
                uac.engine.didSend(transmit, at: at(handed))
                if bytes.starts(with: Array("INVITE".utf8)) { invite = bytes }
                if bytes.starts(with: Array("BYE".utf8)) { bye = bytes }
                if transmit.wantsStamp, let left { uac.engine.didTransmit(transmit.receipt, at: at(left)) }
            }
        }

        mutating func answer(_ status: UInt16, toBye: Bool = false, arrived: Int64?, read: Int64) throws {
            var index = MessageIndex()
            let request = toBye ? bye : invite
            try index.parse(request.span)
            let response = ReplyingServer.response(status, to: request, index, tag: "srv")
            uac.handleDatagram(
                response.span, from: VirtualRun.serverAddress, at: at(read), arrivedAt: arrived.map { at($0) })
        }

        var row: CallRecord? { uac.engine.journal.calls.first }
    }

    /// The INVITE waits 15 us in this host, the 200 3 ms until it is read, the BYE's 200 0.85 ms.
    private static func run(
        inviteLeft: Int64? = 25, answerArrived: Int64? = 2_000, byeLeft: Int64? = 5_150,
        byeAnswerArrived: Int64? = 6_150
    ) throws -> CallRecord {
        var call = try StampedCall()
        call.uac.advance(to: call.at(4))
        call.send(handed: 10, left: inviteLeft)
        try call.answer(180, arrived: 1_000, read: 1_200)
        try call.answer(200, arrived: answerArrived, read: 5_000)
        call.send(handed: 5_100, left: byeLeft)
        try call.answer(200, toBye: true, arrived: byeAnswerArrived, read: 7_000)
        call.uac.engine.noteMatching(rowsFrom: 0, took: .microseconds(3))
        let row = try #require(call.row)
        #expect(row.outcome == .ok)
        return row
    }

    @Test func theRTTIsTheServersTimeAlone() throws {
        let row = try Self.run()
        #expect(row.clock == .kernel)
        #expect(row.late == .microseconds(10))
        #expect(row.ringing == .microseconds(975))
        #expect(row.answer == .microseconds(1_975))
        #expect(row.bye == .microseconds(1_000))
        #expect(row.rtt == .microseconds(2_975), "to the answer, and from the BYE to its answer")
        #expect(row.hold == .microseconds(3_150), "from the answer's arrival until the BYE left")
        #expect(row.rttFromDue == .microseconds(3_000), "with the lateness and the egress")
        #expect(
            row.split
                == CallSplit(
                    egress: .microseconds(15), reaction: .microseconds(3_150), ingress: .microseconds(850),
                    matching: .microseconds(3)))
    }

    @Test func thePartsAddUpToWhatTheCallerWaited() throws {
        let row = try Self.run()
        let split = try #require(row.split)
        let (late, rtt) = (try #require(row.late), try #require(row.rtt))
        #expect(late + split.egress + rtt + row.hold + split.ingress + split.matching == .microseconds(7_003))
    }

    /// What a capture on this host shows: from the INVITE leaving to the last answer arriving.
    @Test func rttAndHoldAreTheTimeOnTheWire() throws {
        let row = try Self.run()
        #expect(try #require(row.rtt) + row.hold == .microseconds(6_150 - 25))
    }

    @Test func withoutTheFirstStampTheCallIsByTheOwnClock() throws {
        let row = try Self.run(inviteLeft: nil)
        #expect(row.clock == .app)
        #expect(row.split == nil)
        #expect(row.hold == .zero)
        #expect(row.rtt == .microseconds(7_000 - 10))
        #expect(row.rttFromDue == .microseconds(7_000))
    }

    @Test func withoutTheLastStampTheCallIsByTheOwnClock() throws {
        let row = try Self.run(byeAnswerArrived: nil)
        #expect(row.clock == .app)
        #expect(row.rtt == .microseconds(7_000 - 10))
    }

    @Test func aByeWithoutItsStampCountsFromItsHandingOver() throws {
        let row = try Self.run(byeLeft: nil)
        #expect(row.clock == .kernel)
        #expect(row.bye == .microseconds(1_050))
        #expect(row.hold == .microseconds(3_100))
        #expect(row.rtt == .microseconds(2_975 + 50))
    }

    @Test func anAnswerWithoutItsStampLeavesTheReactionUnknown() throws {
        let row = try Self.run(answerArrived: nil)
        #expect(row.clock == .kernel)
        #expect(row.hold == .zero)
        #expect(row.rtt == .microseconds(6_150 - 25), "nothing is taken off that nobody measured")
    }

    @Test func aStampOfTheFarFutureIsNone() throws {
        let row = try Self.run(inviteLeft: 5_000_000)
        #expect(row.clock == .app)
    }

    @Test func aPauseIsHoldOnce() throws {
        var call = try StampedCall(hold: .milliseconds(100))
        call.uac.advance(to: call.at(0))
        call.send(handed: 0, left: 5)
        try call.answer(200, arrived: 1_000, read: 1_400)
        call.send(handed: 1_450, left: nil)
        // The timer fires late, and the BYE leaves later still.
        call.uac.advance(to: call.at(101_700))
        call.send(handed: 101_720, left: 101_730)
        try call.answer(200, toBye: true, arrived: 102_730, read: 102_800)
        let row = try #require(call.row)
        #expect(row.rtt == .microseconds(995 + 1_000))
        #expect(row.hold == .microseconds(100_730), "from the answer's arrival until the BYE left")
        #expect(row.split?.reaction == .microseconds(430), "the pause itself is no reaction")
        #expect(row.split?.ingress == .microseconds(70))
    }

    @Test func onlyTheEndsOfTimesAskForStamps() throws {
        var call = try StampedCall()
        call.uac.advance(to: call.at(0))
        #expect(call.uac.engine.outbox.datagrams.map(\.wantsStamp) == [true])
        call.send(handed: 0, left: nil)
        // Timer A: the copy's instant is nobody's end.
        call.uac.advance(to: call.at(500_000))
        #expect(call.uac.engine.outbox.datagrams.map(\.wantsStamp) == [false])
        call.send(handed: 500_000, left: nil)
        try call.answer(200, arrived: nil, read: 501_000)
        #expect(call.uac.engine.outbox.datagrams.map(\.wantsStamp) == [false, true], "ACK, BYE")
    }
}
