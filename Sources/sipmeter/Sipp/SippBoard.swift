import Datagrams
import Glibc
import LoadRun
import Observations
import SippMode
import Synchronization
import UDPTransport

/// What the writing thread, the keys and the main thread share of a run: its counters and files, and what is shown.
final class SippBoard: Sendable {
    private struct State: ~Copyable {
        var outputs: SippOutputs
        var situation: SippScreens.Situation
        /// Which of SIPp's screens is looked at, from 1.
        var screen = 1
    }

    private let state: Mutex<State>
    private let screens: SippScreens
    private let pause: Nanoseconds

    init(
        _ arguments: SippArguments, _ statistics: sending SippStatistics, openCallLimit: Int, clock: SippClock
    ) throws(RunFailure) {
        screens = SippScreens(clock: clock)
        pause = arguments.pause
        var situation = SippScreens.Situation(
            now: statistics.start, rate: arguments.targetRate, openCallLimit: openCallLimit)
        situation.pause = arguments.pause
        situation.ratePeriod = arguments.ratePeriod
        let outputs = try SippOutputs(arguments, statistics, clock: clock)
        state = Mutex(State(outputs: outputs, situation: situation))
    }

    /// - Parameter lead: the run's own clock starts so much later.
    func begin(port: UInt16, remote: String, lead: Nanoseconds) {
        state.withLock {
            $0.outputs.begin(after: lead)
            $0.situation.localPort = port
            $0.situation.remote = remote
        }
    }

    func record(_ journal: borrowing Journal) { state.withLock { $0.outputs.record(journal) } }

    func set(rate: Double, openCallLimit: Int) {
        state.withLock {
            $0.outputs.rate = rate
            $0.situation.rate = rate
            $0.situation.openCallLimit = openCallLimit
        }
    }

    func show(screen: Int) { state.withLock { $0.screen = screen } }
    func set(_ kind: SippCommand.TraceKind, isOn: Bool) { state.withLock { $0.outputs.set(kind, isOn: isOn) } }
    func resetPeriod() { state.withLock { $0.outputs.resetPeriod() } }
    func note(_ text: String) { state.withLock { $0.outputs.note(text) } }
    var totals: SippStatistics.Totals { state.withLock { $0.outputs.statistics.totals } }
    /// What the scenario's `error` said.
    var error: String? { state.withLock { $0.outputs.error } }
    var failure: RunFailure? { state.withLock { $0.outputs.failure } }

    /// The screen looked at, as SIPp paints it while it runs.
    func text(footer: String) -> String {
        state.withLock {
            $0.situation.now = SystemClock.wall()
            $0.situation.footer = footer
            var text = ByteBuffer(capacity: 1 << 13)
            append(screen: $0.screen, $0, to: &text)
            return Self.string(text)
        }
    }

    private func append(screen: Int, _ state: borrowing State, to target: inout ByteBuffer) {
        switch screen {
        case 2: screens.appendStatistics(state.outputs.statistics, state.situation, to: &target)
        case 3: screens.appendRepartitions(state.outputs.statistics, state.situation, to: &target)
        case _: screens.appendScenario(state.outputs.statistics, state.situation, to: &target)
        }
    }

    /// `-trace_screen`, the key `s` and SIGUSR2: all screens into the file.
    func dumpScreens() {
        state.withLock {
            $0.situation.now = SystemClock.wall()
            var text = ByteBuffer(capacity: 1 << 13)
            for screen in 1...3 { append(screen: screen, $0, to: &text) }
            $0.outputs.dump(text)
        }
    }

    /// The last rows, and what SIPp prints when it ends.
    /// - Parameter hasTimedOut: calls still open have failed; else they are only left open.
    func finish(hasTimedOut: Bool, dumpsScreens: Bool) -> String {
        state.withLock { $0.outputs.finish(hasTimedOut: hasTimedOut) }
        if dumpsScreens { dumpScreens() }
        return state.withLock {
            $0.situation.now = SystemClock.wall()
            $0.situation.footer = "Test Terminated"
            var text = ByteBuffer(capacity: 1 << 13)
            append(screen: 1, $0, to: &text)
            append(screen: 2, $0, to: &text)
            return Self.string(text)
        }
    }

    private static func string(_ text: borrowing ByteBuffer) -> String {
        String(decoding: text.storage[..<text.count], as: UTF8.self)
    }
}
