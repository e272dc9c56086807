import Datagrams
import SIP
import Testing

@testable import Captures

@Suite struct TimerCheckTests {
    /// RFC 3261's own instants, in ms.
    private static let invite: [Double] = [0, 500, 1500, 3500, 7500, 15_500, 31_500]
    private static let others: [Double] = [0, 500, 1500, 3500] + stride(from: 7500.0, through: 31_500, by: 4000)

    private static func check(
        _ tape: consuming Tape, _ configure: (inout TimerCheck.Settings) -> Void = { _ in }
    ) -> TimerCheck {
        let traffic = tape.finished()
        var settings = TimerCheck.Settings()
        configure(&settings)
        return TimerCheck(traffic, TransactionTable(traffic), settings: settings)
    }

    private static func tape(_ method: String, at instants: [Double], end: Double = 40_000) -> Tape {
        var tape = Tape()
        for instant in instants { tape.caller(Text.request(method), at: instant) }
        tape.frame(Frames.sip("end"), at: end)
        return tape
    }

    /// The rules broken, with how often.
    private static func broken(_ check: TimerCheck) -> [TimerRule: UInt64] {
        Dictionary(
            uniqueKeysWithValues: check.verdicts.filter { $0.violated > 0 }.map { ($0.rule, $0.violated) })
    }

    private static func verdict(_ check: TimerCheck, _ subject: TimerRule.Subject, _ aspect: TimerRule.Aspect)
        -> RuleVerdict
    {
        check.verdicts.first { $0.rule == TimerRule(subject, aspect) }!
    }

    // MARK: kept

    @Test func theStandardsOwnScheduleBreaksNothing() {
        let invite = Self.check(Self.tape("INVITE", at: Self.invite))
        #expect(Self.broken(invite) == [:])
        #expect(Self.verdict(invite, .invite, .first).checked == 1)
        #expect(Self.verdict(invite, .invite, .doubling).checked == 5)
        #expect(Self.verdict(invite, .invite, .complete).checked == 1)
        #expect(Self.verdict(invite, .invite, .giveUp).checked == 1)
        #expect(invite.retransmissions.map(\.check) == Array(repeating: .ok, count: 6))
        #expect(invite.retransmissions.map(\.nth) == [1, 2, 3, 4, 5, 6])
        let bye = Self.check(Self.tape("BYE", at: Self.others))
        #expect(Self.broken(bye) == [:])
        #expect(Self.verdict(bye, .request, .doubling).checked == 9)
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func jitterWithinTheToleranceBreaksNothing(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // A copy's timer starts when the copy before it went out, so delays add up.
        var delay = 0.0
        let instants = Self.others.enumerated().map { i, instant in
            if i > 0 { delay += generator.unit() * 9 }
            return instant + delay
        }
        #expect(Self.broken(Self.check(Self.tape("BYE", at: instants))) == [:])
    }

    @Test func otherTimersAreRightWhereTheyAreClaimed() {
        let check = Self.check(Self.tape("BYE", at: [0, 100, 300, 700, 1100], end: 1400)) {
            $0.timers = TimerValues(t1: .milliseconds(100), t2: .milliseconds(400))
        }
        #expect(Self.broken(check) == [:])
    }

    @Test func aCaptureThatEndsEarlyLeavesNothingOut() {
        #expect(Self.broken(Self.check(Self.tape("INVITE", at: [0, 500, 1500], end: 3000))) == [:])
        #expect(Self.broken(Self.check(Self.tape("INVITE", at: [0], end: 400))) == [:])
    }

    @Test func anAnswerEndsTheSchedule() {
        var tape = Tape()
        for instant in [0.0, 500] { tape.caller(Text.request("INVITE"), at: instant) }
        tape.callee(Text.response(100, "INVITE", toTag: nil), at: 600)
        tape.frame(Frames.sip("end"), at: 90_000)
        let check = Self.check(tape)
        #expect(Self.broken(check) == [:])
        #expect(Self.verdict(check, .invite, .stop).checked == 1)
    }

    @Test func afterAProvisionalAnotherRequestIsRepeatedEveryT2() {
        func tape(_ instants: [Double]) -> Tape {
            var tape = Self.tape("OPTIONS", at: instants, end: 14_000)
            tape.callee(Text.response(100, "OPTIONS", toTag: nil), at: 700)
            return tape
        }
        let check = Self.check(tape([0, 500, 1500, 5500, 9500, 13_500]))
        #expect(Self.broken(check) == [:])
        #expect(Self.verdict(check, .request, .proceeding).checked == 3)
        // 17.1.2.2: the schedule of Trying, kept on, is a fault.
        #expect(
            Self.broken(Self.check(tape([0, 500, 1500, 3500, 7500, 11_500])))[TimerRule(.request, .proceeding)] == 1)
    }

    // MARK: broken

    @Test func anotherT1ThanClaimedIsCaughtAndOnlyThat() throws {
        let check = Self.check(
            Self.tape("INVITE", at: Self.invite.map { $0 * 1.2 }.filter { $0 < 32_000 }, end: 20_000))
        #expect(Self.broken(check) == [TimerRule(.invite, .first): 1])
        let worst = try #require(Self.verdict(check, .invite, .first).worst)
        #expect(worst.expected == .milliseconds(500) && worst.seen == .milliseconds(600) && worst.frame == 2)
    }

    @Test func intervalsThatDoNotDoubleAreCaught() throws {
        let check = Self.check(Self.tape("INVITE", at: [0, 500, 1000, 1500], end: 1600))
        #expect(Self.broken(check)[TimerRule(.invite, .doubling)] == 2)
        #expect(Self.broken(check)[TimerRule(.invite, .first)] == nil)
        #expect(check.retransmissions.map(\.check) == [.ok, .early, .early])
        let worst = try #require(Self.verdict(check, .invite, .doubling).worst)
        #expect(worst.seen == .milliseconds(500))
    }

    @Test func aRequestThatDoublesPastT2IsCaught() {
        let check = Self.check(Self.tape("BYE", at: Self.invite, end: 33_000))
        #expect((Self.broken(check)[TimerRule(.request, .complete)] ?? 0) > 0)
        // An INVITE has no such cap: the request's schedule is too dense for it.
        #expect(
            (Self.broken(Self.check(Self.tape("INVITE", at: Self.others)))[TimerRule(.invite, .doubling)] ?? 0) > 0)
    }

    @Test func aCopyLeftOutIsOneFindingAndTheRestFits() throws {
        let check = Self.check(Self.tape("INVITE", at: [0, 500, 3500, 7500], end: 8000))
        #expect(Self.broken(check) == [TimerRule(.invite, .complete): 1])
        #expect(try #require(Self.verdict(check, .invite, .complete).worst).missing == 1)
    }

    @Test func nobodySendsWithoutRetransmittingUnseen() throws {
        let check = Self.check(Self.tape("INVITE", at: [0], end: 40_000))
        #expect(try #require(Self.verdict(check, .invite, .complete).worst).missing == 6)
    }

    @Test func aCopyAfterAnAnswerIsCaught() throws {
        var tape = Self.tape("INVITE", at: [0, 500, 1500], end: 2000)
        tape.callee(Text.response(180, "INVITE"), at: 700)
        let check = Self.check(tape)
        #expect(Self.broken(check) == [TimerRule(.invite, .stop): 1])
        #expect(try #require(Self.verdict(check, .invite, .stop).worst).seen == .milliseconds(800))
        #expect(check.retransmissions.map(\.check) == [.ok, .afterStop])
    }

    @Test func aCopyJustBehindAnAnswerCrossedIt() {
        var tape = Self.tape("INVITE", at: [0, 500], end: 2000)
        tape.callee(Text.response(180, "INVITE"), at: 495)
        #expect(Self.broken(Self.check(tape)) == [:])
    }

    @Test(arguments: [32_000.0, 63_500]) func whoNeverGivesUpIsCaught(instant: Double) {
        let check = Self.check(Self.tape("INVITE", at: Self.invite + [instant], end: 70_000))
        #expect(Self.broken(check) == [TimerRule(.invite, .giveUp): 1])
        #expect(check.retransmissions.last?.check == .afterGiveUp)
    }

    /// Found by the fuzzing test: the interval doubled with each of them until it was no number any more.
    @Test func aFloodOfCopiesIsJudged() {
        let check = Self.check(Self.tape("INVITE", at: (0..<200).map { Double($0) * 20 }))
        #expect(check.retransmissions.count == 199)
        #expect((Self.broken(check)[TimerRule(.invite, .doubling)] ?? 0) > 150)
    }

    // MARK: a server's final responses

    private static func answered(_ status: Int, at instants: [Double], ack: Double?, end: Double = 40_000) -> Tape {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: 0)
        for instant in instants { tape.callee(Text.response(status, "INVITE"), at: 10 + instant) }
        if let ack {
            let branch = status < 300 ? "other" : "c1INVITE1"
            tape.caller(Text.request("ACK", branch: branch, toTag: "t"), at: 10 + ack)
        }
        tape.frame(Frames.sip("end"), at: end)
        return tape
    }

    @Test(arguments: [(200, TimerRule.Subject.success), (486, .refusal)])
    func aFinalResponseIsRepeatedUntilItsACK(status: Int, subject: TimerRule.Subject) {
        let never = Self.check(Self.answered(status, at: Self.others, ack: nil))
        #expect(Self.broken(never) == [:])
        #expect(Self.verdict(never, subject, .doubling).checked == 9)
        let acknowledged = Self.check(Self.answered(status, at: [0, 500, 1500], ack: 1600))
        #expect(Self.broken(acknowledged) == [:])
        let deaf = Self.check(Self.answered(status, at: [0, 500, 1500], ack: 100))
        #expect(Self.broken(deaf) == [TimerRule(subject, .stop): 1])
        let silent = Self.check(Self.answered(status, at: [0], ack: nil))
        #expect(Self.broken(silent) == [TimerRule(subject, .complete): 1])
    }

    @Test func aResponseRepeatedBecauseTheRequestWasIsNoTimers() {
        var tape = Tape()
        tape.caller(Text.request("INVITE"), at: 0)
        tape.callee(Text.response(486, "INVITE"), at: 300)
        tape.caller(Text.request("INVITE"), at: 500)
        tape.callee(Text.response(486, "INVITE"), at: 501)
        tape.callee(Text.response(486, "INVITE"), at: 800)
        tape.caller(Text.request("ACK", branch: "c1INVITE1", toTag: "t"), at: 801)
        let check = Self.check(tape)
        #expect(check.retransmissions.filter { $0.subject == .refusal }.map(\.check) == [.prompted, .ok])
        // The INVITE itself went out again after its answer.
        #expect(Self.broken(check) == [TimerRule(.invite, .stop): 1])
    }
}
