import Datagrams
import Observations
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// The four load regimes of the 2014 measurement, from `asterisk-2014` on virtual time. What is asserted is their shape;
/// the model's constants may change as long as it holds.
@Suite struct LoadRegimes {
    private func calls(rate: Double, seed: UInt64 = 1) throws -> [CallRecord] {
        var conditions = SimulatedLink.Conditions()
        conditions.delay = .microseconds(30)
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: rate, duration: .seconds(15)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas, capacity: .asterisk2014, seed: seed)),
            link: SimulatedLink(conditions))
        run.run(for: .seconds(120))
        let calls = run.calls.sorted { $0.number < $1.number }
        #expect(calls.count == Int(rate) * 15)
        #expect(calls.allSatisfy { $0.outcome == .ok })
        return calls
    }

    private func milliseconds(_ calls: [CallRecord]) -> [Double] { calls.compactMap(\.rtt).map { $0.seconds * 1000 } }

    @Test func aHundredCallsASecondAreFlatAroundTwoMilliseconds() throws {
        let calls = try calls(rate: 100)
        let rtt = milliseconds(calls).sorted()
        #expect((1.5...2.5).contains(rtt[rtt.count / 2]))
        #expect(rtt[rtt.count * 99 / 100] < 4)
        #expect(rtt[rtt.count - 1] < 15)
        #expect(calls.allSatisfy { $0.retransmissions == 0 })
    }

    @Test(arguments: regimeSeeds) func fourHundredSwingUpToTensOfMilliseconds(seed: UInt64) throws {
        let calls = try calls(rate: 400, seed: seed)
        let rtt = milliseconds(calls).sorted()
        #expect(rtt[rtt.count / 2] < 5)
        #expect((10..<100).contains(rtt[rtt.count - 1]))
        #expect(calls.allSatisfy { $0.retransmissions == 0 })
    }

    @Test(arguments: regimeSeeds) func fiveHundredAreASawtoothWithoutRetransmission(seed: UInt64) throws {
        let calls = try calls(rate: 500, seed: seed)
        let rtt = milliseconds(calls)
        let highest = try #require(rtt.max())
        #expect((200..<500).contains(highest))
        #expect(calls.allSatisfy { $0.retransmissions == 0 })
        // A tooth: up by 100 ms within 50 calls (a tenth of a second), where it falls over hundreds.
        var teeth = 0
        var last = 0
        for i in 50..<rtt.count where rtt[i] - rtt[i - 50] > 100 && i - last > 250 {
            teeth += 1
            last = i
        }
        #expect(teeth >= 3)
        // Between the teeth it falls: of all stretches of 25 calls that move by more than 5 ms, nearly all go down.
        let moves = stride(from: 25, to: rtt.count, by: 25).map { rtt[$0] - rtt[$0 - 25] }.filter { abs($0) > 5 }
        #expect(moves.filter { $0 < 0 }.count > 3 * moves.filter { $0 > 0 }.count)
    }

    @Test func sevenHundredClimbAndThenClimbFasterAsRetransmissionsAddWork() throws {
        let calls = try calls(rate: 700)
        let rtt = milliseconds(calls)
        let knee = try #require(rtt.firstIndex { $0 > 500 })
        // Nothing is sent again before the response time reaches T1, and then every call is.
        #expect(calls[..<(knee * 9 / 10)].allSatisfy { $0.retransmissions == 0 })
        #expect(calls[(knee + 700)...].allSatisfy { $0.retransmissions > 0 })
        let before = slope(rtt, knee / 4, knee * 3 / 4)
        let after = slope(rtt, knee + (rtt.count - knee) / 4, knee + (rtt.count - knee) * 3 / 4)
        #expect(before > 0)
        #expect(after > 1.3 * before)
        // Linear: halfway to the knee it is halfway up.
        #expect(abs(rtt[knee / 2] - 250) < 50)
    }

    private func slope(_ values: [Double], _ from: Int, _ to: Int) -> Double {
        (values[to] - values[from]) / Double(to - from)
    }

    @Test func aFixedServiceTimeIsTheCeiling() throws {
        // 10 ms an INVITE: 100 calls/s at most. At 80 nobody waits; at 200 half of the work is left when the offering ends.
        let calm = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 80, duration: .seconds(5)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas, capacity: .fixed(.milliseconds(10)))))
        var run = calm
        run.run(for: .seconds(60))
        let expected = Nanoseconds.milliseconds(10) + .microseconds(400)
        #expect(run.calls.allSatisfy { $0.rtt == expected })

        run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 200, duration: .milliseconds(400)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas, capacity: .fixed(.milliseconds(10)))))
        run.run(for: .seconds(60))
        #expect(run.calls.count == 80)
        // 80 INVITEs take 800 ms whatever their order; no call waited as long as T1.
        #expect(run.calls.map(\.ended).max() == .milliseconds(800) + .microseconds(400))
        #expect(run.retransmissions.isEmpty)
    }
}

#if DEBUG
    private let regimeSeeds: [UInt64] = [1]
#else
    private let regimeSeeds: [UInt64] = [1, 2, 3]
#endif
