import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

@Suite struct TimerSchedules {
    /// Instants at which datagrams with this summary left an end, in milliseconds.
    private func instants(_ run: VirtualRun, _ summary: String, from end: SimulatedLink.End = .client) -> [Int64] {
        run.trace.filter { $0.from == end && $0.summary == summary }
            .map { ($0.at - VirtualRun.start).rawValue / 1_000_000 }
    }

    @Test func inviteIsRetransmittedAtTheTimesOfRFC3261AndFailsAt32Seconds() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1), peer: .scripted { _, _ in [] })
        run.keepsTrace = true
        run.run()
        #expect(instants(run, "INVITE") == [0, 500, 1500, 3500, 7500, 15500, 31500])
        #expect(run.calls.count == 1)
        #expect(run.calls[0].outcome == .timeout)
        #expect(run.calls[0].ended == .seconds(32))
        #expect(run.calls[0].retransmissions == 6)
        #expect(run.retransmissions.map(\.timer) == Array(repeating: .a, count: 6))
        #expect(run.retransmissions.map(\.nth) == [1, 2, 3, 4, 5, 6])
        #expect(run.retransmissions.allSatisfy { $0.due == $0.sent })
    }

    @Test func byeIsRetransmittedByTimerEAndGivenUpByTimerF() throws {
        var server = ReplyingServer()
        server.silentMethods = [.bye]
        var run = VirtualRun(uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1), peer: server.peer())
        run.keepsTrace = true
        run.run()
        let byes = instants(run, "BYE")
        let first = try #require(byes.first)
        #expect(
            byes.map { $0 - first } == [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500])
        #expect(run.calls[0].outcome == .timeout)
        #expect(run.calls[0].ended == .seconds(32) + .microseconds(first * 1000 + 200))
        #expect(run.retransmissions.map(\.timer) == Array(repeating: .e, count: 10))
    }

    @Test func aProvisionalToTheByeSlowsRetransmissionToT2() throws {
        var server = ReplyingServer()
        server.provisionalOnly = [.bye]
        var run = VirtualRun(uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1), peer: server.peer())
        run.keepsTrace = true
        run.run()
        let byes = instants(run, "BYE")
        let first = try #require(byes.first)
        // The 100 comes at once; the timer already set (T1) fires once more, then every T2 (17.1.2.2).
        #expect(byes.map { $0 - first } == [0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500])
    }

    @Test func aProvisionalToTheInviteStopsTimerAAndTheRingTimeoutCancels() throws {
        var server = ReplyingServer()
        server.provisionalOnly = [.invite]
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1) { $0.ringTimeout = .seconds(60) },
            peer: server.peer())
        run.keepsTrace = true
        run.run()
        #expect(instants(run, "INVITE") == [0])
        #expect(instants(run, "CANCEL") == [60_000])
        #expect(run.calls.map(\.outcome) == [.timeout])
        // The server answers the CANCEL with 200 and the INVITE with 487, which gets its ACK.
        #expect(run.trace.filter { $0.from == .client }.map(\.summary) == ["INVITE", "CANCEL", "ACK"])
    }

    @Test func otherTimerValuesChangeTheSchedule() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 1) {
                $0.timers = TimerValues(t1: .milliseconds(100))
                $0.overridesScenarioTimers = true
            }, peer: .scripted { _, _ in [] })
        run.keepsTrace = true
        run.run()
        #expect(instants(run, "INVITE") == [0, 100, 300, 700, 1500, 3100, 6300])
        #expect(run.calls[0].ended == .milliseconds(6400))
    }

    @Test func theServersTwoHundredIsRepeatedUntilTheAckAndThenGivenUp() throws {
        // A client that never acknowledges: only its INVITE reaches the server.
        var server = try VirtualEnds.server(StandardScenarios.uas)
        let invite = SampleMessages.invite(callID: "a@x", branch: "z9hG4bKone")
        server.handleDatagram(invite.span, from: VirtualRun.clientAddress, at: VirtualRun.start)
        var instants: [Int64] = []
        var now = VirtualRun.start
        while now < VirtualRun.start + .seconds(40) {
            server.advance(to: now)
            for transmit in server.uas.engine.outbox.datagrams {
                let bytes = server.uas.engine.outbox.bytes.storage[transmit.start..<transmit.start + transmit.count]
                let sent = VirtualRun.Sent(at: now, from: .server, bytes: Array(bytes))
                if sent.summary == "200 INVITE" { instants.append((now - VirtualRun.start).rawValue / 1_000_000) }
            }
            server.uas.engine.outbox.removeAll()
            if server.deadline == .distantFuture { break }
            now = server.deadline
        }
        #expect(instants == [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500])
    }

    @Test func aStallSendsOneCopyAndNotABurst() {
        var schedule = RetransmissionSchedule(start: VirtualRun.start, t1: .milliseconds(500))
        let late = VirtualRun.start + .milliseconds(4000)
        // 0.5, 1.5 and 3.5 s have passed: one copy, for the instant of 0.5, and two that are never sent.
        #expect(
            schedule.event(at: late, cap: nil)
                == .retransmit(due: VirtualRun.start + .milliseconds(500), missed: 2))
        #expect(schedule.event(at: late, cap: nil) == .notYet)
        #expect(schedule.next == VirtualRun.start + .milliseconds(7500))
    }
}
