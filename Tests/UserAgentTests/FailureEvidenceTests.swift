import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing

@testable import UserAgent

/// The messages of the first calls that fail.
@Suite struct FailureEvidenceTests {
    private func run(
        _ server: ReplyingServer, calls: UInt64 = 1, rate: Double = 10, keeping count: Int = 10
    ) throws -> VirtualRun {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: rate, duration: .seconds(100), calls: calls) {
                $0.keepsFailures = count
            }, peer: server.peer())
        run.run()
        return run
    }

    private func names(_ run: VirtualRun, of call: UInt64 = 1) -> [String] {
        run.failedMessages.filter { $0.message.call == call }.map { kept in
            let sent = VirtualRun.Sent(at: VirtualRun.start, from: .client, bytes: kept.bytes)
            return (kept.message.isSent ? "> " : "< ") + sent.summary
        }
    }

    @Test func aRefusedCallHasItsMessagesAndItsACK() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [100, 180, 486]
        let run = try run(server)
        #expect(names(run) == ["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 486 INVITE", "> ACK"])
        let call = try #require(run.failedCalls.first)
        #expect(call.outcome == .status(486) && call.call == 1 && !call.isCut)
        #expect(call.callID.text == run.calls[0].callID.text)
        #expect(run.failedMessages.map(\.message.at) == run.failedMessages.map(\.message.at).sorted())
        #expect(run.failedMessages[3].message.at == call.failed)
    }

    @Test func aTimedOutCallHasEveryCopyOfItsRequest() throws {
        let run = try run(ReplyingServer(silentMethods: [.invite]))
        #expect(names(run) == Array(repeating: "> INVITE", count: 7))
        #expect(run.failedCalls.first?.outcome == .timeout)
    }

    @Test func anUnansweredBYEFailsACallWithAllThatWentBefore() throws {
        let run = try run(ReplyingServer(silentMethods: [.bye]))
        #expect(names(run).prefix(6) == ["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE"])
    }

    @Test func callsThatSucceedLeaveNothing() throws {
        let run = try run(ReplyingServer(), calls: 50)
        #expect(run.calls.allSatisfy { $0.outcome == .ok } && run.calls.count == 50)
        #expect(run.failedCalls.isEmpty && run.failedMessages.isEmpty)
    }

    @Test func onlyTheFirstAreKept() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [503]
        let run = try run(server, calls: 100, keeping: 3)
        #expect(run.failedCalls.map(\.call) == [1, 2, 3])
        #expect(Set(run.failedMessages.map(\.message.call)) == [1, 2, 3])
        #expect(names(run, of: 3) == ["> INVITE", "< 503 INVITE", "> ACK"])
    }

    @Test func withoutAskingNothingIsKept() throws {
        var server = ReplyingServer()
        server.inviteStatuses = [503]
        let run = try run(server, calls: 5, keeping: 0)
        #expect(run.failedCalls.isEmpty && run.failedMessages.isEmpty)
    }

    /// At this rate the ring is overwritten several times before timer B ends the first call; the last copy of its request
    /// is still there.
    @Test func aRequestTheRingHasLostIsMadeAgain() throws {
        let uac = try VirtualEnds.uac(StandardScenarios.uac, rate: 2000, duration: .seconds(4)) {
            $0.keepsFailures = 1
            $0.timers = TimerValues(t1: .milliseconds(50), t2: .milliseconds(400), t4: .milliseconds(500))
            $0.overridesScenarioTimers = true
        }
        var run = VirtualRun(uac: uac, peer: silentToTheFirst())
        run.run(until: VirtualRun.start + .milliseconds(3400))
        let call = try #require(run.failedCalls.first)
        #expect(call.outcome == .timeout && call.isCut)
        #expect(names(run) == ["> INVITE", "> INVITE"])
        let kept = run.failedMessages.map(\.message).sorted { $0.at < $1.at }
        #expect(kept.map(\.isRebuilt) == [true, false])
        #expect(kept[0].at < .milliseconds(1) && kept[1].at == .milliseconds(3150))
        #expect(run.failedMessages[0].bytes == run.failedMessages[1].bytes)
    }

    /// Whose Call-ID came first never hears anything.
    private func silentToTheFirst() -> Peer {
        var first: [UInt8]?
        guard case .scripted(let answer) = ReplyingServer().peer() else { preconditionFailure("it is a script") }
        return .scripted { bytes, at in
            var index = MessageIndex()
            guard (try? index.parse(bytes.span)) != nil else { return [] }
            let callID = Array(bytes[index.callID.bounds])
            first = first ?? callID
            return callID == first ? [] : answer(bytes, at)
        }
    }

    @Test func theRingKeepsWhatFitsAndNeverMixesMessages() {
        var ring = MessageRing(isKept: true)
        var random = SeededGenerator(seed: 3)
        var written: [(owner: UInt64, bytes: [UInt8])] = []
        for n in 0..<20_000 as Range<UInt64> {
            let bytes = [UInt8](
                repeating: UInt8(truncatingIfNeeded: n), count: Int.random(in: 1...4000, using: &random))
            ring.append(bytes.span, owner: n % 50, at: VirtualRun.start, isSent: true)
            written.append((n % 50, bytes))
        }
        var kept = 0
        for owner in 0..<50 as Range<UInt64> {
            var found: [[UInt8]] = []
            ring.forEach(of: owner) { _, bytes in
                var copy: [UInt8] = []
                for i in 0..<bytes.count { copy.append(bytes[i]) }
                found.append(copy)
            }
            let all = written.filter { $0.owner == owner }.map(\.bytes)
            #expect(found == all.suffix(found.count))
            kept += found.reduce(0) { $0 + $1.count }
        }
        // All of the ring but the message that was being overwritten, and the rest before its end.
        #expect(kept > MessageRing.capacity - 10_000 && kept <= MessageRing.capacity)
    }
}
