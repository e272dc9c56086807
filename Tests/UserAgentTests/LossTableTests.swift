import Datagrams
import Observations
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// One table proves the engine: loss in both directions x rate -> how calls ended. Read it in the diff: a changed line says
/// which regime moved.
@Suite struct LossTable {
    private static let golden = """
        loss   rate  calls     ok timeout  other | resent INVITE    BYE | ACK again  repeats in
          0%     10    100    100       0      0 |             0      0 |         0           0
          0%    200   2000   2000       0      0 |             0      0 |         0           0
          1%     10    100    100       0      0 |             0      3 |         0           0
          1%    200   2000   2000       0      0 |            28     43 |         0           0
          5%     10    100    100       0      0 |             3     11 |         0           0
          5%    200   2000   2000       0      0 |           111    211 |         3           3
         20%     10    100    100       0      0 |            41     58 |         3           3
         20%    200   2000   2000       0      0 |           575   1094 |        61          61
         40%     10    100     99       1      0 |            83    188 |         5           5
         40%    200   2000   1973      27      0 |          1670   3705 |       187         188
        """

    @Test func outcomesUnderLoss() throws {
        var lines = ["loss   rate  calls     ok timeout  other | resent INVITE    BYE | ACK again  repeats in"]
        for loss in [0.0, 0.01, 0.05, 0.20, 0.40] {
            for rate in [10.0, 200] { lines.append(try line(loss: loss, rate: rate)) }
        }
        let table = lines.joined(separator: "\n")
        #expect(table == Self.golden, "the table is now:\n\(table)")
    }

    private func line(loss: Double, rate: Double) throws -> String {
        var conditions = SimulatedLink.Conditions()
        conditions.loss = loss
        conditions.delay = .milliseconds(5)
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: rate, duration: .seconds(10)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas)),
            link: SimulatedLink(conditions, seed: 42))
        run.run(for: .seconds(200))
        let ok = run.calls.filter { $0.outcome == .ok }.count
        let timeout = run.calls.filter { $0.outcome == .timeout }.count
        let counters = run.uac.engine.counters
        // Every call has its row, no call is left over, and nothing is taken for somebody else's.
        #expect(run.calls.count == Int(rate * 10))
        #expect(run.uac.engine.openCalls == 0)
        #expect(counters.stray == 0 && counters.malformed == 0)
        let cells = [
            pad("\(Int(loss * 100))%", 4), pad("\(Int(rate))", 6), pad("\(run.calls.count)", 6), pad("\(ok)", 6),
            pad("\(timeout)", 7), pad("\(run.calls.count - ok - timeout)", 6), "|",
            pad("\(run.retransmissions.filter { $0.method == .invite }.count)", 13),
            pad("\(run.retransmissions.filter { $0.method == .bye }.count)", 6), "|",
            pad("\(counters.acksRepeated)", 9), pad("\(counters.repeatsReceived)", 11),
        ]
        return cells.joined(separator: " ")
    }

    private func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    @Test func theSameSeedGivesTheSameRunFieldByField() throws {
        func rows() throws -> [String] {
            var conditions = SimulatedLink.Conditions()
            conditions.loss = 0.1
            conditions.duplication = 0.1
            conditions.jitter = .milliseconds(20)
            var run = VirtualRun(
                uac: try VirtualEnds.uac(
                    StandardScenarios.uac, rate: 50, duration: .seconds(4), arrivals: .poisson(seed: 7)),
                peer: .server(try VirtualEnds.server(StandardScenarios.uas)),
                link: SimulatedLink(conditions, seed: 9))
            run.run(for: .seconds(200))
            return run.calls.map { "\($0)" }
        }
        let first = try rows()
        #expect(first.count > 100)
        #expect(try rows() == first)
    }

    @Test func reorderingAndDuplicationFailNoCall() throws {
        var conditions = SimulatedLink.Conditions()
        conditions.duplication = 0.3
        conditions.delay = .milliseconds(1)
        conditions.jitter = .milliseconds(40)
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 100, duration: .seconds(5)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas)),
            link: SimulatedLink(conditions, seed: 3))
        run.run(for: .seconds(100))
        #expect(run.calls.count == 500)
        #expect(run.calls.allSatisfy { $0.outcome == .ok })
        #expect(run.uac.engine.counters.lateProvisional > 0)
        #expect(run.uac.engine.counters.stray == 0)
    }

    /// About a second in a release build; an unoptimised one takes twenty times as long and is given a tenth of it.
    @Test func aMinuteOfAThousandCallsASecond() throws {
        #if DEBUG
            let seconds: Int64 = 6
        #else
            let seconds: Int64 = 60
        #endif
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 1000, duration: .seconds(seconds)),
            peer: .server(try VirtualEnds.server(StandardScenarios.uas)))
        run.run(for: .seconds(100))
        #expect(run.calls.count == Int(seconds) * 1000)
        #expect(run.calls.allSatisfy { $0.outcome == .ok && $0.late == .zero && $0.rtt == .microseconds(400) })
        #expect(run.calls.map(\.number) == Array(1...UInt64(seconds) * 1000))
    }
}
