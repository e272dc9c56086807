import Datagrams
import Glibc
import LoadRun
import SippMode
import Synchronization
import UDPTransport

/// What may end or change a run from outside, on a thread of its own: keys, remote control, signals, `-timeout`,
/// `-rate_increase`; and the painting of the screen.
final class SippControl: Sendable {
    private struct State: Sendable {
        var rate: Double
        var scale: Double
        /// By remote control; else it follows the rate.
        var openCallLimit: Int?
        var isPaused = false
        var hasQuit = false
        var hasTimedOut = false
        var nextIncrease: MonotonicInstant?
        var nextPaint: MonotonicInstant
        var reader = SippCommandReader()
    }

    private let arguments: SippArguments
    private let board: SippBoard
    private let run: RunControl
    private let wakeup: Wakeup
    /// Of a call, for the limit of open ones that follows the rate.
    private let callLength: Nanoseconds
    private let state: Mutex<State>
    private let isOver = Atomic(false)
    private let start = SystemClock.monotonic()
    private let remote: CommandSocket?
    private let readsKeys: Bool
    private let paints: Bool
    private let original: termios?
    private let thread = Mutex<WorkerThread?>(nil)

    /// - Parameter wakeup: of whoever looks at `run`.
    init(
        _ arguments: SippArguments, board: SippBoard, run: RunControl, wakeup: Wakeup, callLength: Nanoseconds
    ) throws {
        self.arguments = arguments
        self.board = board
        self.run = run
        self.wakeup = wakeup
        self.callLength = callLength
        var state = State(
            rate: arguments.callsPerSecond, scale: arguments.rateScale, nextPaint: SystemClock.monotonic())
        if arguments.rateIncrease > 0 {
            state.nextIncrease = SystemClock.monotonic() + (arguments.rateInterval ?? arguments.statisticsInterval)
        }
        self.state = Mutex(state)
        remote = try arguments.controlPort.map { try SippRemoteControl.open(host: arguments.controlHost, port: $0) }
        readsKeys = arguments.readsKeys && isatty(STDIN_FILENO) == 1
        paints = isatty(STDOUT_FILENO) == 1
        original = readsKeys ? Self.takeTerminal() : nil
        SippSignals.trap()
    }

    func begin() throws(SystemError) {
        let started = try WorkerThread(name: "sipmeter-keys") { [self] in
            while !isOver.load(ordering: .acquiring) {
                look()
                tick()
            }
        }
        thread.withLock { $0 = started }
    }

    /// Ends the thread and gives the terminal back.
    func end() {
        isOver.store(true, ordering: .releasing)
        thread.withLock { $0.take() }?.join()
        if var original { tcsetattr(STDIN_FILENO, TCSANOW, &original) }
    }

    var hasTimedOut: Bool { state.withLock { $0.hasTimedOut } }

    // MARK: waiting

    /// Bounds how late anything is noticed.
    private static let tickMilliseconds: Int32 = 50

    private func look() {
        var descriptors = [
            pollfd(fd: readsKeys ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: remote?.fileDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 2, Self.tickMilliseconds) > 0 else { return }
        if descriptors[0].revents & Int16(POLLIN) != 0 { readKeys() }
        if descriptors[1].revents & Int16(POLLIN) != 0, let datagram = remote?.receive(),
            let command = SippCommandReader.command(in: datagram)
        {
            obey(command)
        }
    }

    private func readKeys() {
        var keys = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &keys, keys.count)
        for key in keys.prefix(max(count, 0)) {
            if let command = state.withLock({ $0.reader.read(key: key) }) { obey(command) }
        }
    }

    private static func takeTerminal() -> termios? {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        let original = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        return original
    }

    private func tick() {
        let now = SystemClock.monotonic()
        if SignalTrap.interruptions > 0 { stop(.stopping) }
        for _ in 0..<SippSignals.takeQuits() { obey(.quit) }
        if SippSignals.takeDumps() > 0 { board.dumpScreens() }
        if let timeout = arguments.timeout, now - start >= timeout { timeOut() }
        increase(at: now)
        paint(at: now)
    }

    private func paint(at now: MonotonicInstant) {
        guard paints, arguments.screenInterval > .zero else { return }
        let isDue = state.withLock { state in
            if state.nextPaint > now { return false }
            state.nextPaint = now + arguments.screenInterval
            return true
        }
        if isDue { repaint() }
    }

    private func repaint() {
        guard paints else { return }
        let footer =
            switch run.stage {
            case .running:
                state.withLock { $0.isPaused } ? "Paused: [p] goes on" : "[+|-|*|/]: rate  [p] pause  [q] quit"
            case .draining, .stopping: "Waiting for calls to end: [q] ends them now"
            }
        // Home, the text, and nothing behind it.
        Terminal.print("\u{1B}[H\u{1B}[J" + board.text(footer: footer))
    }

    // MARK: obeying

    private func obey(_ command: SippCommand) {
        switch command {
        case .changeRate(let steps): setRate { $0.rate + steps * $0.scale / self.arguments.ratePeriod.seconds }
        case .setRate(let rate): setRate { _ in rate / self.arguments.ratePeriod.seconds }
        case .setRateScale(let scale): state.withLock { $0.scale = scale }
        case .setOpenCallLimit(let limit):
            run.change { $0.maxConcurrent = limit }
            let rate = state.withLock { state in
                state.openCallLimit = limit
                return state.rate
            }
            board.set(rate: rate, openCallLimit: limit)
            wakeup.poke()
        case .togglePause:
            let isPaused = state.withLock { state in
                state.isPaused.toggle()
                return state.isPaused
            }
            run.change { $0.isPaused = isPaused }
            wakeup.poke()
        case .showScreen(let screen):
            board.show(screen: screen)
            repaint()
        case .dumpScreens: board.dumpScreens()
        case .quit:
            let isSecond = state.withLock { state in
                defer { state.hasQuit = true }
                return state.hasQuit
            }
            stop(isSecond ? .stopping : .draining)
        case .quitNow: stop(.stopping)
        case .setTrace(let kind, let isOn): board.set(kind, isOn: isOn)
        case .resetStatistics: board.resetPeriod()
        }
    }

    private func stop(_ stage: RunControl.Stage) {
        if run.stage < stage {
            run.ask(for: stage)
            wakeup.poke()
        }
    }

    private func setRate(_ change: @Sendable (State) -> Double) {
        // Users place calls as theirs end.
        if arguments.users != nil { return }
        let (rate, asked) = state.withLock { state in
            state.rate = min(max(change(state), 0), 1e7)
            return (state.rate, state.openCallLimit)
        }
        let limit = asked ?? arguments.openCalls(at: rate, length: callLength)
        run.change {
            $0.rate = rate
            $0.maxConcurrent = limit
        }
        board.set(rate: rate, openCallLimit: limit)
        wakeup.poke()
    }

    private func increase(at now: MonotonicInstant) {
        let isDue = state.withLock { state in
            guard let next = state.nextIncrease, next <= now else { return false }
            state.nextIncrease = next + (arguments.rateInterval ?? arguments.statisticsInterval)
            return true
        }
        guard isDue else { return }
        let step = arguments.rateIncrease / arguments.ratePeriod.seconds
        let most = (arguments.rateMaximum ?? .infinity) / arguments.ratePeriod.seconds
        let isAtMost = state.withLock { $0.rate >= most }
        if isAtMost, arguments.rateMaximum != nil {
            if arguments.quitsAtRateMaximum { obey(.quit) }
            state.withLock { $0.nextIncrease = nil }
            return
        }
        setRate { min($0.rate + step, most) }
    }

    private func timeOut() {
        let isFirst = state.withLock { state in
            defer { state.hasTimedOut = true }
            return !state.hasTimedOut
        }
        guard isFirst else { return }
        if let timeout = arguments.timeout {
            board.note("the run was ended by -timeout after \(timeout.seconds) s")
        }
        stop(.stopping)
    }
}

/// SIGUSR1 is the key `q`, SIGUSR2 writes the screens.
enum SippSignals {
    private static let quits = Atomic<Int>(0)
    private static let dumps = Atomic<Int>(0)

    static func trap() {
        // Made before a handler could come to make them.
        quits.store(0, ordering: .relaxed)
        dumps.store(0, ordering: .relaxed)
        signal(SIGUSR1) { _ in SippSignals.quits.add(1, ordering: .relaxed) }
        signal(SIGUSR2) { _ in SippSignals.dumps.add(1, ordering: .relaxed) }
        signal(SIGPIPE, SIG_IGN)
    }

    static func takeQuits() -> Int { quits.exchange(0, ordering: .relaxed) }
    static func takeDumps() -> Int { dumps.exchange(0, ordering: .relaxed) }
}

/// The UDP port commands come to. Loopback, unless `-ci` says otherwise.
enum SippRemoteControl {
    /// Tries 60 ports from `port` on, as SIPp does.
    static func open(host: String?, port: UInt16) throws(SippComplaint) -> CommandSocket {
        guard let address = NameResolution.numeric(host ?? "127.0.0.1", defaultPort: port) else {
            throw .fatal("-ci \(host ?? ""): an address of this machine is wanted")
        }
        for step in 0..<60 as Range<UInt16> {
            if let socket = try? CommandSocket(binding: address.withPort(port &+ step)) { return socket }
        }
        throw .fatal("-cp \(port): neither this port nor one of the 59 after it can be opened on \(address.host)")
    }
}
