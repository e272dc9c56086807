import Datagrams
import Glibc
import Latency
import LiveView
import LoadRun
import Synchronization
import UDPTransport

/// Paints the live screen four times a second and reads keys, on a thread of its own. It reads the board and nothing
/// else.
final class LiveScreenThread: Sendable {
    private struct Look: Sendable {
        /// A level runs, and its block may be painted.
        var isOn = false
        var view: LiveScreen.View
        var isTaken = false
        var keys = KeyReader()
    }

    private let board: LiveBoard
    private let control: RunControl
    /// Of the sending thread, and of this one.
    private let sending: Wakeup
    private let wakeup: Wakeup
    private let look: Mutex<Look>
    private let isOver = Atomic(false)
    private let isPainting = Atomic(false)
    private let readsKeys: Bool
    /// That is the user's to change.
    private let hasRate: Bool
    private let style: ScreenStyle
    private let thread = Mutex<WorkerThread?>(nil)

    init(_ board: LiveBoard, control: RunControl, sending: Wakeup, hasRate: Bool) throws(SystemError) {
        self.board = board
        self.control = control
        self.sending = sending
        wakeup = try Wakeup()
        self.hasRate = hasRate
        readsKeys = isatty(STDIN_FILENO) == 1
        style = ScreenStyle(hasColour: Self.variable("NO_COLOR").isEmpty, hasBlocks: Self.hasBlocks)
        look = Mutex(Look(view: LiveScreen.View(keys: !readsKeys ? .none : hasRate ? .all : .withoutRate)))
        Suspension.trap()
        take()
        let started = try WorkerThread(name: "sipmeter-live") { [self] in
            WorkerThread.askForShortSlices()
            WorkerThread.beNice()
            serve()
        }
        thread.withLock { $0 = started }
    }

    // MARK: whether

    /// Why there can be no screen here; nil: there can.
    static var obstacle: String? {
        guard Terminal.isTerminal else { return "standard output is no terminal" }
        let terminal = variable("TERM")
        if terminal.isEmpty { return "TERM is not set, and tells no terminal that can move its cursor" }
        guard Terminal.canErase else { return "the terminal (TERM=\(terminal)) cannot move its cursor" }
        guard let size = ControllingTerminal.size(STDOUT_FILENO) else { return "the terminal does not tell its size" }
        return fits(size)
            ? nil
            : "the terminal has \(size.columns) x \(size.rows), and the screen takes \(LiveScreen.leastWidth) x "
                + "\(LiveScreen.leastHeight)"
    }

    private static func fits(_ size: ControllingTerminal.Size) -> Bool {
        size.columns >= LiveScreen.leastWidth && size.rows >= LiveScreen.leastHeight
    }

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }

    /// Unless the locale says that the terminal speaks something else than UTF-8.
    private static var hasBlocks: Bool {
        guard let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).first(where: { !$0.isEmpty }) else {
            return true
        }
        let name = locale.lowercased()
        return name.hasSuffix("utf-8") || name.hasSuffix("utf8")
    }

    // MARK: from the session

    /// The screen shows the run: no progress lines are wanted.
    var isShown: Bool { isPainting.load(ordering: .acquiring) }

    func begin() { look.withLock { $0.isOn = true } }

    /// Whatever is painted goes, and nothing is painted any more.
    func pause() {
        look.withLock { look in
            look.isOn = false
            Terminal.clear()
        }
    }

    /// The terminal is as it was.
    func end() {
        isOver.store(true, ordering: .releasing)
        wakeup.poke()
        thread.withLock { $0.take() }?.join()
        pause()
        ControllingTerminal.giveBack()
    }

    // MARK: the thread

    private func serve() {
        var nextFrame = SystemClock.monotonic()
        var reads = readsKeys
        while !isOver.load(ordering: .acquiring) {
            guard var poller = try? Poller(receiving: reads ? [STDIN_FILENO] : [], wakeup: wakeup) else { return }
            while !isOver.load(ordering: .acquiring) {
                let now = SystemClock.monotonic()
                if now >= nextFrame {
                    nextFrame = now + LiveBoard.interval
                    if Suspension.take() { suspend() }
                    endPauseInTime()
                    frame()
                }
                // Keys of a shell in the foreground are not ours.
                let mayRead = reads && ControllingTerminal.isInForeground(STDIN_FILENO)
                let readiness = poller.wait(until: nextFrame, wantsRead: mayRead)
                if readiness.contains(.readable), mayRead {
                    if readKeys() { frame() } else { reads = false; break }
                }
                if readiness.isEmpty, SystemClock.monotonic() < nextFrame { reads = false; break }
            }
        }
    }

    private func frame() {
        look.withLock { look in
            let canPaint = look.isOn && board.isRunning && ControllingTerminal.isInForeground(STDOUT_FILENO)
            guard canPaint, let size = ControllingTerminal.size(STDOUT_FILENO), Self.fits(size) else {
                if isPainting.exchange(false, ordering: .acquiringAndReleasing), look.isOn, canPaint {
                    Terminal.clear()
                }
                return
            }
            if !look.isTaken { look.isTaken = Self.takeTerminal(readsKeys) }
            isPainting.store(true, ordering: .releasing)
            Terminal.paint(
                LiveScreen.lines(
                    board.snapshot(), look.view, width: size.columns, height: size.rows, style: style))
        }
    }

    private func take() { look.withLock { $0.isTaken = Self.takeTerminal(readsKeys) } }

    private static func takeTerminal(_ readsKeys: Bool) -> Bool {
        guard ControllingTerminal.isInForeground(STDOUT_FILENO) else { return false }
        return (try? ControllingTerminal.take(keys: readsKeys ? STDIN_FILENO : nil, painting: STDOUT_FILENO)) != nil
    }

    /// ^Z: the terminal is the shell's until somebody brings this process to the foreground again.
    private func suspend() {
        look.withLock { look in
            Terminal.clear()
            ControllingTerminal.giveBack()
            look.isTaken = false
        }
        Suspension.stop()
    }

    // MARK: keys

    /// False: there are none any more.
    private func readKeys() -> Bool {
        var keys = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &keys, keys.count)
        if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { return false }
        let bytes = Array(keys.prefix(max(count, 0)))
        for key in look.withLock({ $0.keys.keys(in: bytes, at: SystemClock.monotonic()) }) { obey(key) }
        return true
    }

    private func obey(_ key: KeyReader.Key) {
        switch key {
        case .faster: if hasRate { change { $0 * 1.1 } }
        case .slower: if hasRate { change { $0 / 1.1 } }
        case .pause: if hasRate { _ = board.change { $0.phase == .paused ? .resume : .pause } }
        case .quit: quit()
        case .failures: look.withLock { $0.view.showsFailures.toggle() }
        }
    }

    private func change(_ rate: (Double) -> Double) {
        _ = board.change { state in
            guard let now = state.rate else { return nil }
            // To the millionth, as the schedule keeps it; within what --rate takes.
            let asked = (rate(now) * 1e6).rounded() / 1e6
            return asked < 0.001 || asked > 1_000_000 ? nil : .rate(asked)
        }
    }

    /// As ^C: the first lets open calls end, the second ends them. Where no call falls due any more one is enough.
    private func quit() {
        let isDrainingAnyway = control.stage == .running && board.snapshot().phase == .draining
        kill(getpid(), SIGINT)
        guard isDrainingAnyway else { return }
        control.ask(for: .stopping)
        sending.poke()
    }

    /// A paused run whose time is up has no call to wait for.
    private func endPauseInTime() {
        let state = board.snapshot()
        if state.phase == .paused, state.elapsed >= state.level.duration { _ = board.change { _ in .resume } }
    }
}

/// ^Z, held back until the terminal is in order.
private enum Suspension {
    private static let asked = Atomic(false)

    static func trap() {
        // Made before a handler could come to make it.
        asked.store(false, ordering: .relaxed)
        signal(SIGTSTP) { _ in Suspension.asked.store(true, ordering: .relaxed) }
    }

    static func take() -> Bool { asked.exchange(false, ordering: .relaxed) }

    /// Returns when the process goes on.
    static func stop() {
        signal(SIGTSTP, SIG_DFL)
        kill(getpid(), SIGTSTP)
        trap()
    }
}
