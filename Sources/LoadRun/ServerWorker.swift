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
    ///   - makeServer: is given the address really bound.
    package init(
        binding address: SocketAddress, window: Nanoseconds = .zero,
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
        thread = try WorkerThread(name: "sipmeter-answer") {
            Self.serve(server.take(), on: handover.take(), window: window, onNote, shared)
        }
    }

    /// Listens on `address` for connections and starts answering.
    private init(
        listeningOn address: SocketAddress, _ transport: TransportProtocol, _ tls: TLSSettings,
        onNote: @escaping @Sendable (ScenarioNote, String) -> Void, makeServer: (SocketAddress) throws -> AnsweringServer
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
        let serving = Handover(
            try StreamServing(server, listener, context, transport, waking: shared.wakeup))
        thread = try WorkerThread(name: "sipmeter-answer") {
            var serving = serving.take()
            serving.run(shared, onNote)
        }
    }

    /// - Parameter window: of datagrams only.
    package convenience init(
        binding address: SocketAddress, over transport: TransportProtocol, window: Nanoseconds = .zero,
        tls: TLSSettings, onNote: @escaping @Sendable (ScenarioNote, String) -> Void = { _, _ in },
        makeServer: (SocketAddress) throws -> AnsweringServer
    ) throws {
        switch transport {
        case .udp: try self.init(binding: address, window: window, onNote: onNote, makeServer: makeServer)
        case .tcp, .tls:
            try self.init(listeningOn: address, transport, tls, onNote: onNote, makeServer: makeServer)
        }
    }

    package var figures: Figures { shared.figures.withLock { $0 } }

    /// Stops answering, and returns the last figures.
    package func stop() -> Figures {
        shared.isStopping.store(true, ordering: .releasing)
        shared.wakeup.poke()
        thread.join()
        return figures
    }

    private static func serve(
        _ server: consuming AnsweringServer, on socket: consuming UDPSocket, window: Nanoseconds,
        _ onNote: (ScenarioNote, String) -> Void, _ shared: Shared
    ) {
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
            flush(&server, &socket, &poller)
            tellNotes(&server, onNote)
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
            let count = receive(&server, &socket, &poller, mayWait: mayWait)
            if socket.hasErrors { takeErrors(&server, &socket) }
            windowEnd = count > 0 && window > .zero ? SystemClock.monotonic() + window : nil
        }
        publish(&server, &socket, shared)
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
        _ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller, mayWait: Bool
    ) -> Int {
        var total = 0
        for round in 0..<8 {
            let count = socket.receive(waits: mayWait && round == 0)
            let now = SystemClock.monotonic()
            for i in 0..<count {
                socket.withDatagram(i) { bytes, received in
                    server.handleDatagram(bytes, from: received.source, at: now)
                }
                if server.uas.engine.outbox.wantsFlush { flush(&server, &socket, &poller) }
            }
            flush(&server, &socket, &poller)
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

    private static func flush(_ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller) {
        if socket.segments { server.uas.engine.outbox.gatherRuns() }
        var from = 0
        while from < server.uas.engine.outbox.datagrams.count {
            let result = socket.send(server.uas.engine.outbox, from: from)
            let now = SystemClock.monotonic()
            for i in from..<result.next { server.uas.engine.didSend(server.uas.engine.outbox.datagrams[i], at: now) }
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
