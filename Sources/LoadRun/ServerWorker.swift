import Datagrams
import Observations
import SIP
import StreamTransport
import Synchronization
import UDPTransport
import UserAgent

/// The answering side on a thread of its own: `sipmeter answer`, and the built-in target of a run.
package final class ServerWorker: Sendable {
    /// What the answering side has seen so far.
    package struct Figures: Sendable {
        package var counters = Counters()
        package var openCalls = 0
        package var queued = 0
        package var dropped: UInt64 = 0
        package var overflowed: UInt64 = 0
        /// Over TCP and TLS.
        package var streams = StreamFigures()
        /// How far the scenario wants the answering stopped.
        package var stopRequest = StopRequest.none
        package init() {}
    }

    package let address: SocketAddress
    private let shared: Shared
    private let thread: WorkerThread
    private let reader: JournalReader?
    private let channel: JournalChannel?

    /// What is to be kept of everything seen, and who is shown it.
    package struct Recording: Sendable {
        package var logsMessages = false
        /// On a thread of its own, at least once a second.
        package var onJournal: @Sendable (borrowing Journal) -> Void

        package init(logsMessages: Bool, onJournal: @escaping @Sendable (borrowing Journal) -> Void) {
            self.logsMessages = logsMessages
            self.onJournal = onJournal
        }
    }

    final class Shared: Sendable {
        let figures = Mutex(Figures())
        let isStopping = Atomic(false)
        let wakeup: Wakeup
        init() throws(SystemError) { wakeup = try Wakeup() }
    }

    /// Binds `address` and starts answering.
    /// - Parameters:
    ///   - window: after something arrived, the next datagrams wait this long for each other. Their answers are later by as
    ///     much, and leave together. Zero: everything is read as it arrives.
    ///   - recording: nil: it only counts. Else `makeServer` makes one that records calls.
    ///   - makeServer: is given the address really bound.
    package init(
        binding address: SocketAddress, window: Nanoseconds = .zero, recording: Recording? = nil,
        onNote: @escaping @Sendable (ScenarioNote, String) -> Void = { _, _ in },
        makeServer: (SocketAddress) throws -> AnsweringServer
    ) throws {
        var options = UDPSocket.Options()
        options.receivePatience = Self.receivePatience
        options.segments = window > .zero
        let socket = try UDPSocket(binding: address, options: options)
        self.address = socket.localAddress
        let server = Handover(try makeServer(socket.localAddress))
        let shared = try Shared()
        self.shared = shared
        let handover = Handover(socket)
        let channel = try recording.map { _ in try JournalChannel(workers: 1) }
        self.channel = channel
        reader = try Self.read(channel, recording, onNote)
        let logsMessages = recording?.logsMessages == true
        thread = try WorkerThread(name: "sipmeter-answer") {
            Self.serve(
                server.take(), on: handover.take(), window: window, onNote, shared, channel, logsMessages: logsMessages)
        }
    }

    private static func read(
        _ channel: JournalChannel?, _ recording: Recording?,
        _ onNote: @escaping @Sendable (ScenarioNote, String) -> Void
    ) throws -> JournalReader? {
        guard let recording, let channel else { return nil }
        return try JournalReader(channel) { journal in
            for note in journal.notes { onNote(note, journal.text(of: note)) }
            recording.onJournal(journal)
        }
    }

    /// Listens on `address` for connections and starts answering.
    private init(
        listeningOn address: SocketAddress, _ transport: TransportProtocol, _ tls: TLSSettings, _ recording: Recording?,
        onNote: @escaping @Sendable (ScenarioNote, String) -> Void,
        makeServer: (SocketAddress) throws -> AnsweringServer
    ) throws {
        let context: TLSContext?
        do {
            context = transport == .tls ? try TLSContext(.server, tls) : nil
        } catch let error as TLSSetupError { throw RunFailure(.usage, error.description) }
        OpenFiles.raiseLimit()
        let listener = try StreamListener(address)
        self.address = listener.localAddress
        let server = try makeServer(listener.localAddress)
        let shared = try Shared()
        self.shared = shared
        let channel = try recording.map { _ in try JournalChannel(workers: 1) }
        self.channel = channel
        reader = try Self.read(channel, recording, onNote)
        let serving = Handover(
            try StreamServing(
                server, listener, context, transport, waking: shared.wakeup,
                logsMessages: recording?.logsMessages == true))
        thread = try WorkerThread(name: "sipmeter-answer") {
            var serving = serving.take()
            serving.run(shared, onNote, channel)
        }
    }

    /// - Parameter window: of datagrams only.
    package convenience init(
        binding address: SocketAddress, over transport: TransportProtocol, window: Nanoseconds = .zero,
        tls: TLSSettings, recording: Recording? = nil,
        onNote: @escaping @Sendable (ScenarioNote, String) -> Void = { _, _ in },
        makeServer: (SocketAddress) throws -> AnsweringServer
    ) throws {
        switch transport {
        case .udp:
            try self.init(
                binding: address, window: window, recording: recording, onNote: onNote, makeServer: makeServer)
        case .tcp, .tls:
            try self.init(listeningOn: address, transport, tls, recording, onNote: onNote, makeServer: makeServer)
        }
    }

    package var figures: Figures { shared.figures.withLock { $0 } }

    /// Stops answering, and returns the last figures.
    package func stop() -> Figures {
        shared.isStopping.store(true, ordering: .releasing)
        shared.wakeup.poke()
        thread.join()
        channel?.close()
        reader?.finish()
        return figures
    }

    private static func serve(
        _ server: consuming AnsweringServer, on socket: consuming UDPSocket, window: Nanoseconds,
        _ onNote: (ScenarioNote, String) -> Void, _ shared: Shared, _ channel: JournalChannel?, logsMessages: Bool
    ) {
        let start = SystemClock.monotonic()
        let cpuAtStart = SystemClock.threadCPU()
        var nextMark = channel == nil ? MonotonicInstant.distantFuture : start + .seconds(1)
        var server = server
        var socket = socket
        guard
            var poller = try? Poller(
                receiving: [socket.fileDescriptor], sending: socket.fileDescriptor, wakeup: shared.wakeup),
            var windowPoller = try? Poller(receiving: [], wakeup: shared.wakeup)
        else { preconditionFailure("a poller of an open descriptor") }
        var nextFigures = SystemClock.monotonic()
        /// Datagrams came a moment ago: the next ones may gather until then.
        var windowEnd: MonotonicInstant?
        while !shared.isStopping.load(ordering: .acquiring) {
            let now = SystemClock.monotonic()
            server.advance(to: now)
            flush(&server, &socket, &poller, logsMessages)
            if let channel {
                if now >= nextMark || server.uas.engine.journal.isFull || server.uas.engine.journal.isUrgent {
                    mark(&server, channel, at: now, since: start, cpuAtStart)
                    while nextMark <= now { nextMark = nextMark + .seconds(1) }
                }
            } else {
                tellNotes(&server, onNote)
            }
            if now >= nextFigures {
                takeErrors(&server, &socket)
                publish(&server, &socket, shared)
                nextFigures = now + .milliseconds(200)
            }
            let deadline = min(server.deadline, server.queued > 0 ? nextFigures : .distantFuture)
            if let end = windowEnd, now < end {
                if now < deadline { _ = windowPoller.wait(until: min(end, deadline)) }
                continue
            }
            let mayWait = windowEnd == nil && waits(until: deadline, from: now, &poller)
            let count = receive(&server, &socket, &poller, mayWait: mayWait, logsMessages)
            if socket.hasErrors { takeErrors(&server, &socket) }
            windowEnd = count > 0 && window > .zero ? SystemClock.monotonic() + window : nil
        }
        if let channel {
            let now = SystemClock.monotonic()
            server.uas.engine.giveUp(.interrupted, at: now)
            flush(&server, &socket, &poller, logsMessages)
            mark(&server, channel, at: now, since: start, cpuAtStart)
        }
        publish(&server, &socket, shared)
    }

    static func mark(
        _ server: inout AnsweringServer, _ channel: JournalChannel, at now: MonotonicInstant,
        since start: MonotonicInstant, _ cpuAtStart: Nanoseconds
    ) {
        server.uas.engine.journal.mark = IntervalMark(
            at: now - start, counters: server.uas.engine.counters, open: UInt64(server.uas.engine.openCalls),
            cpu: SystemClock.threadCPU() - cpuAtStart)
        server.uas.engine.journal.steps.append(contentsOf: server.uas.engine.stepCounts)
        channel.hand(over: &server.uas.engine.journal, of: 0)
    }

    /// Whether the receive itself may wait: it does so in coarse ticks, so that a deadline near by needs the poller, which
    /// has waited when this returns.
    private static func waits(
        until deadline: MonotonicInstant, from now: MonotonicInstant, _ poller: inout Poller
    ) -> Bool {
        if deadline >= now + receivePatience * 2 { return true }
        if deadline > now { _ = poller.wait(until: deadline) }
        return false
    }

    /// Returns how many datagrams there were.
    private static func receive(
        _ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller, mayWait: Bool,
        _ logsMessages: Bool
    ) -> Int {
        var total = 0
        for round in 0..<8 {
            let count = socket.receive(waits: mayWait && round == 0)
            let now = SystemClock.monotonic()
            for i in 0..<count {
                socket.withDatagram(i) { bytes, received in
                    if logsMessages {
                        server.uas.engine.journal.messages.append(
                            .received, bytes, at: received.arrivedAt ?? SystemClock.wall())
                    }
                    server.handleDatagram(bytes, from: received.source, at: now)
                }
                if server.uas.engine.outbox.wantsFlush { flush(&server, &socket, &poller, logsMessages) }
            }
            flush(&server, &socket, &poller, logsMessages)
            total += count
            if count < UDPSocket.batchCapacity { break }
        }
        return total
    }

    /// What the scenario logs, and commands it wants run.
    static func tellNotes(_ server: inout AnsweringServer, _ onNote: (ScenarioNote, String) -> Void) {
        if server.uas.engine.journal.notes.isEmpty { return }
        for note in server.uas.engine.journal.notes { onNote(note, server.uas.engine.journal.text(of: note)) }
        server.uas.engine.journal.removeAll()
    }

    private static func takeErrors(_ server: inout AnsweringServer, _ socket: inout UDPSocket) {
        server.uas.engine.counters.icmpErrors += UInt64(socket.drainErrors { _, _ in })
    }

    /// How long a stop may go unnoticed while nothing arrives; and how much later than asked the kernel's coarse timer may
    /// end a wait.
    private static let receivePatience = Nanoseconds.milliseconds(100)

    private static func flush(
        _ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller, _ logsMessages: Bool
    ) {
        if socket.segments { server.uas.engine.outbox.gatherRuns() }
        var from = 0
        while from < server.uas.engine.outbox.datagrams.count {
            let result = socket.send(server.uas.engine.outbox, from: from)
            let now = SystemClock.monotonic()
            let wall = logsMessages ? SystemClock.wall() : WallInstant(nanoseconds: 0)
            for i in from..<result.next {
                let transmit = server.uas.engine.outbox.datagrams[i]
                server.uas.engine.didSend(transmit, at: now)
                if logsMessages { server.uas.engine.logSent(transmit, at: wall) }
            }
            server.uas.engine.counters.sendErrors += UInt64(result.rejected)
            from = result.next
            if result.isQueueFull {
                server.uas.engine.counters.sendQueueFull += 1
                _ = poller.wait(until: now + .milliseconds(1), wantsWrite: true)
            }
        }
        server.uas.engine.outbox.removeAll()
    }

    private static func publish(_ server: inout AnsweringServer, _ socket: inout UDPSocket, _ shared: Shared) {
        server.uas.engine.counters.receiveQueueDrops = socket.countDrops()
        let figures = Figures(server)
        shared.figures.withLock { $0 = figures }
    }
}

extension ServerWorker.Figures {
    init(_ server: borrowing AnsweringServer) {
        counters = server.uas.engine.counters
        openCalls = server.uas.engine.openCalls
        queued = server.queued
        dropped = server.dropped
        overflowed = server.overflowed
        stopRequest = server.uas.engine.stopRequest
    }
}
