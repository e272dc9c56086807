import Datagrams
import Observations
import Simulation
import StandardScenarios
import Testing
import UserAgent

@Suite struct TagControlTests {
    /// Worked out from the documented formula by another program: whoever reads a run later must get the same.
    @Test func theFormulaIsTheDocumentedOne() {
        func pattern(_ control: TagControl) -> String {
            String((1...40).map { control.tags(UInt64($0)) ? "t" : "-" as Character })
        }
        #expect(pattern(TagControl(untaggedShare: 0.5, seed: 1)) == "-t-ttt---tt--tt---t---tt-ttt----t-t-t--t")
        #expect(pattern(TagControl(untaggedShare: 0.25, seed: 7)) == "tttt-tttt-tttttttttt-t-ttttttttt---tttt-")
    }

    @Test(arguments: [0.01, 0.2, 0.5, 0.9]) func theShareIsTheOneAskedFor(share: Double) {
        let control = TagControl(untaggedShare: share, seed: 11)
        let calls = 100_000
        let untagged = (1...calls).count { !control.tags(UInt64($0)) }
        let deviation = (Double(calls) * share * (1 - share)).squareRoot()
        #expect(abs(Double(untagged) - Double(calls) * share) < 4 * deviation)
    }

    /// Workers and source addresses take calls in turn: the tag must not go with any of them.
    @Test(arguments: [2, 3, 4, 7, 64]) func itGoesWithNoTurn(turns: Int) {
        let control = TagControl(untaggedShare: 0.5, seed: 1)
        let calls = 6400 * turns
        for turn in 0..<turns {
            let untagged = stride(from: turn + 1, through: calls, by: turns).count { !control.tags(UInt64($0)) }
            #expect(abs(untagged - 3200) < 4 * 40, "turn \(turn) of \(turns): \(untagged) of 6400")
        }
    }

    @Test func noneAndAllAreItsEnds() {
        #expect((1...1000).allSatisfy { TagControl(untaggedShare: 0, seed: 1).tags($0) })
        #expect(!(1...1000).contains { TagControl(untaggedShare: 1, seed: 1).tags($0) })
    }

    @Test func theRowsOfARunSayWhichCallsWereTagged() throws {
        let control = TagControl(untaggedShare: 0.5, seed: 3)
        let uac = try VirtualEnds.uac(StandardScenarios.uac, rate: 100, duration: .seconds(2)) {
            $0.tagging = .allBut(control)
        }
        var run = VirtualRun(uac: uac, peer: .server(try VirtualEnds.server(StandardScenarios.uas)))
        run.run()
        #expect(run.calls.count == 200)
        #expect(run.calls.allSatisfy { $0.outcome == .ok && $0.isTagged == control.tags($0.number) })
        #expect(Set(run.calls.map(\.isTagged)).count == 2)
    }
}
