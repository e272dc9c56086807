import Datagrams
import Glibc
import Latency
import LiveView
import LoadRun
import UDPTransport
import UserAgent

/// Whoever looks at a command while it runs: the screen, the page, both. Nil where nobody does, and then nothing of it
/// exists.
final class LiveRun: Sendable {
    private let board: LiveBoard
    private let screen: LiveScreenThread?
    private let server: LiveServer?
    private let linger: Nanoseconds

    /// The screen that was asked for, or that fits.
    static func make(
        _ options: LiveOptions, _ setup: RunSetup, command: String, isQuiet: Bool, control: RunControl,
        sending: Wakeup
    ) throws -> LiveRun? {
        let obstacle = LiveScreenThread.obstacle
        if options.screen == true, let obstacle { throw RunFailure(.usage, "--screen: \(obstacle)") }
        let wantsScreen = options.screen ?? (obstacle == nil && !isQuiet)
        guard wantsScreen || options.http != nil else { return nil }
        return try LiveRun(
            options, setup, command: command, wantsScreen: wantsScreen, control: control, sending: sending)
    }

    private init(
        _ options: LiveOptions, _ setup: RunSetup, command: String, wantsScreen: Bool, control: RunControl,
        sending: Wakeup
    ) throws {
        board = LiveBoard(setup, control: control, subject: Self.subject(setup, command))
        linger = options.httpLinger
        if let text = options.http {
            let address = try LiveAddress(text)
            let server = try LiveServer(address, board)
            self.server = server
            if let notice = address.notice { Terminal.complain("notice: \(notice)") }
            Terminal.print("live page and metrics: \(server.url)")
        } else {
            server = nil
        }
        screen =
            wantsScreen
            // The other shards would not know of a change.
            ? try LiveScreenThread(
                board, control: control, sending: sending,
                hasRate: setup.options.users == nil && setup.options.shard == .whole)
            : nil
    }

    private static func subject(_ setup: RunSetup, _ command: String) -> LiveState.Subject {
        let options = setup.options
        var subject = LiveState.Subject(
            command: command, target: setup.targetName, transport: options.transport.rawValue,
            scenario: options.scenarioName, version: options.version)
        if options.isPoisson { subject.traits.append("Poisson") }
        if options.hold > .zero { subject.traits.append("hold \(Arguments.text(options.hold))") }
        if options.shard != .whole { subject.traits.append("shard \(options.shard)") }
        subject.workers = options.workers
        subject.notes = setup.notes
        return subject
    }

    /// The screen shows the level that runs: no progress lines are wanted.
    var showsProgress: Bool { screen?.isShown ?? false }

    /// `run` runs a level that `observe` was told of; the screen is there as long as that lasts.
    func watching<R>(
        _ level: inout LoadLevel, _ run: (LoadLevel) throws -> R, summary: (R) -> RunSummary
    ) rethrows -> R {
        level.observer = board.observer(of: level)
        var ended: RunSummary?
        defer {
            screen?.pause()
            board.end(ended)
        }
        screen?.begin()
        let result = try run(level)
        ended = summary(result)
        return result
    }

    /// Nothing more will run.
    func finish() {
        screen?.end()
        board.finish()
        guard let server else { return }
        if linger > .zero { keepServing(server) }
        server.stop()
    }

    /// ^C ends that, too.
    private func keepServing(_ server: LiveServer) {
        Terminal.print("serving \(server.url) for \(Arguments.text(linger)) more; ^C ends it")
        let (end, before) = (SystemClock.monotonic() + linger, SignalTrap.interruptions)
        while SystemClock.monotonic() < end, SignalTrap.interruptions == before { usleep(50_000) }
    }
}
