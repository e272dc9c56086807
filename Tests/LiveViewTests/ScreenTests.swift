import Datagrams
import Latency
import Observations
import Testing

@testable import LiveView

@Suite struct ScreenTests {
    private static func lines(
        _ state: LiveState, _ view: LiveScreen.View = LiveScreen.View(), _ width: Int = 80, _ height: Int = 24,
        style: ScreenStyle = ScreenStyle(hasColour: false)
    ) -> [String] {
        LiveScreen.lines(state, view, width: width, height: height, style: style)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var golden: String
        var width = 80
        var height = 24
        var view = LiveScreen.View()
        var state: @Sendable () -> LiveState
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "a usual run", golden: ScreenGoldens.usual) { MadeUpStates.usual.state() },
        Case(name: "in a large terminal", golden: ScreenGoldens.large, width: 120, height: 40) {
            MadeUpStates.usual.state()
        },
        Case(name: "nothing answered yet", golden: ScreenGoldens.silent) {
            MadeUpRun().state(later: .milliseconds(700))
        },
        Case(name: "all calls fail", golden: ScreenGoldens.failing) { failing.state() },
        Case(name: "the failures", golden: ScreenGoldens.failures, view: LiveScreen.View(showsFailures: true)) {
            failuresOfEveryKind.state()
        },
        Case(name: "paused", golden: ScreenGoldens.paused) { paused.state(.paused) },
        Case(name: "draining, and behind", golden: ScreenGoldens.draining) { draining.state(.draining) },
        Case(
            name: "a level of a sweep with large figures", golden: ScreenGoldens.sweep,
            view: LiveScreen.View(keys: .none)
        ) { large.state() },
    ]

    static let failing: MadeUpRun = {
        var run = MadeUpRun()
        for _ in 0..<3 {
            run.second(500) { n, call in
                if n % 2 == 0 { call.fail(.status(503), status: 503) } else { call.fail(.refused) }
            }
        }
        run.close()
        return run
    }()

    static let paused: MadeUpRun = {
        var run = MadeUpRun()
        for _ in 0..<4 { run.second(40) }
        run.record.noteChange(LoadChange(at: .milliseconds(1500), .rate(44)))
        run.record.noteChange(LoadChange(at: .milliseconds(3900), .pause))
        run.second(0)
        run.close()
        return run
    }()

    static let draining: MadeUpRun = {
        var run = MadeUpRun { _, level in level.duration = .seconds(3) }
        run.scheduled = 1700
        for _ in 0..<3 { run.second(500, open: 77) }
        run.close()
        return run
    }()

    static let large: MadeUpRun = {
        var run = MadeUpRun { subject, level in
            subject.command = "sweep"
            subject.target = "sips:someone@[2001:db8:1234:5678:9abc:def0:1234:5678]:5061"
            subject.transport = "tls"
            level.rate = 1_000_000
            level.number = 2
            level.count = 4
            level.duration = .seconds(36_000)
        }
        run.second(200, open: 12_345_678) { n, call in
            call.answer(in: .seconds(20 * Int64(n + 1)))
            call.retransmissions = 2
        } adjust: { counters in
            counters.offered = 1_000_000
            counters.started = 1_000_000
            counters.answered = 999_999_999
            counters.requestsRetransmitted = 12_345_678_901
            counters.receiveQueueDrops = 7
        }
        run.close()
        return run
    }()

    static let failuresOfEveryKind: MadeUpRun = {
        var run = MadeUpRun()
        let outcomes: [(CallOutcome, UInt16)] = [
            (.status(486), 486), (.status(481), 200), (.timeout, 0), (.timeout, 200), (.unexpected, 0), (.refused, 0),
            (.interrupted, 0), (.check(.textsDiffer), 200), (.unsent, 0),
        ]
        run.second(500) { n, call in
            call.answer(in: .milliseconds(2))
            guard n % 50 == 7 else { return }
            let (outcome, status) = outcomes[(n / 50) % outcomes.count]
            call.fail(outcome, status: status, retransmissions: UInt32(n / 50))
        }
        run.close()
        return run
    }()

    @Test(arguments: cases) func looksAsItShould(c: Case) {
        let text = Self.lines(c.state(), c.view, c.width, c.height).map { $0 + "\n" }.joined()
        #expect(text == c.golden, "\n\(text)")
    }

    @Test(arguments: cases) func neverTooWideNorTooHigh(c: Case) {
        for (width, height) in [(80, 24), (81, 24), (97, 30), (200, 60)] {
            for shows in [false, true] {
                var view = c.view
                view.showsFailures = shows
                let lines = Self.lines(c.state(), view, width, height)
                #expect(lines.count < height)
                for line in lines { #expect(line.screenColumns <= width, "\(line)") }
            }
        }
    }

    @Test(arguments: cases) func colourCarriesNothingAlone(c: Case) {
        let plain = Self.lines(c.state(), c.view)
        let coloured = Self.lines(c.state(), c.view, style: ScreenStyle(hasColour: true))
        #expect(coloured.map { $0.replacing(#/\u{1B}\[[0-9;]*m/#, with: "") } == plain)
        #expect(coloured.contains { $0.contains("\u{1B}[") })
        #expect(!plain.joined().contains("\u{1B}"))
    }

    /// Whatever the phase, a figure stands where it stood.
    @Test func columnsStayWhereTheyAre() {
        let usual = Self.lines(MadeUpStates.usual.state())
        let paused = Self.lines(MadeUpStates.usual.state(.paused))
        #expect(usual[2...].dropLast() == paused[2...].dropLast())
        // Every row of the table ends in the same column.
        for line in usual[6..<14] { #expect(line.screenColumns == 80, "\(line)") }
    }

    @Test func whatComesFromOutsideCannotMoveTheCursor() {
        let run = MadeUpRun { subject, _ in
            subject.target = "\u{1B}[2J\u{7}evil\u{202E}\n.example"
        }
        let lines = Self.lines(run.state())
        #expect(lines[0].contains("?[2J?evil??.example"))
        for line in lines {
            #expect(
                !line.unicodeScalars.contains {
                    $0.value < 32 || $0.value == 0x202E || (0x7F..<0xA0).contains($0.value)
                })
        }
    }

    @Test func theLoadStandsInTheHeaderHoweverLongTheNames() {
        let run = MadeUpRun { subject, _ in
            subject.target = String(repeating: "long.", count: 40)
            subject.scenario = String(repeating: "長", count: 60)
            subject.traits = ["Poisson"]
        }
        let line = Self.lines(run.state())[0]
        #expect(line.screenColumns <= 80 && line.hasSuffix("500 calls/s, Poisson"), "\(line)")
    }

    @Test func theSparklineTakesThePercentileThatThereIs() {
        var run = MadeUpRun()
        for _ in 0..<5 { run.second(20) }
        let line = Self.lines(run.state()).first { $0.contains(", 60 s") }
        #expect(line?.hasPrefix("p90, 60 s") == true, "of twenty calls there is no p99")
        let ascii = Self.lines(MadeUpStates.usual.state(), style: ScreenStyle(hasColour: false, hasBlocks: false))
        #expect(ascii.allSatisfy { $0.utf8.count == $0.unicodeScalars.count })
    }

    @Test func theHeaderShowsTheRateAsItIsNow() {
        var run = MadeUpRun()
        run.second(500)
        run.record.noteChange(LoadChange(at: .seconds(1), .rate(550)))
        #expect(Self.lines(run.state())[0].hasSuffix("550 calls/s (asked 500)"))
        run.record.noteChange(LoadChange(at: .seconds(1), .rate(500)))
        #expect(Self.lines(run.state())[0].hasSuffix("  500 calls/s"))
    }

    @Test func usersHaveNoRateToChange() {
        let run = MadeUpRun { _, level in level.users = 20 }
        let lines = Self.lines(run.state(), LiveScreen.View(keys: .withoutRate))
        #expect(lines[0].hasSuffix("20 users"))
        #expect(lines.last == "[q] quit   [e] failures")
    }
}
