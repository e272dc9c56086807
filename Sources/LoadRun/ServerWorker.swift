import Datagrams
import Observations
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
        package init() {}
    }

    package let address: SocketAddress
    private let shared: Shared
    private let thread: WorkerThread

    private final class Shared: Sendable {
        let figures = Mutex(Figures())
        let isStopping = Atomic(false)
        let wakeup: Wakeup
        init() throws(SystemError) { wakeup = try Wakeup() }
    }

    /// Binds `address` and starts answering.
    /// - Parameter makeServer: is given the address really bound.
    package init(
        binding address: SocketAddress, makeServer: (SocketAddress) throws -> AnsweringServer
    ) throws {
        let socket = try UDPSocket(binding: address)
        self.address = socket.localAddress
        let server = Handover(try makeServer(socket.localAddress))
        let shared = try Shared()
        self.shared = shared
        let handover = Handover(socket)
        thread = try WorkerThread(name: "sipmeter-answer") {
            Self.serve(server.take(), on: handover.take(), shared)
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
        _ server: consuming AnsweringServer, on socket: consuming UDPSocket, _ shared: Shared
    ) {
        var server = server
        var socket = socket
        guard
            var poller = try? Poller(
                receiving: [socket.fileDescriptor], sending: socket.fileDescriptor, wakeup: shared.wakeup)
        else { preconditionFailure("a poller of an open descriptor") }
        var nextFigures = SystemClock.monotonic()
        while !shared.isStopping.load(ordering: .acquiring) {
            let now = SystemClock.monotonic()
            server.advance(to: now)
            flush(&server, &socket, &poller)
            if now >= nextFigures {
                publish(&server, &socket, shared)
                nextFigures = now + .milliseconds(200)
            }
            // Idle, it sleeps until something comes: figures do not change by themselves.
            let deadline = min(server.deadline, server.queued > 0 ? nextFigures : now + .seconds(1))
            let readiness = deadline > now ? poller.wait(until: deadline) : .readable
            if readiness.contains(.errors) {
                server.uas.engine.counters.icmpErrors += UInt64(socket.drainErrors { _, _ in })
            }
            if readiness.contains(.readable) { receive(&server, &socket, &poller) }
        }
        publish(&server, &socket, shared)
    }

    private static func receive(_ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller) {
        for _ in 0..<8 {
            let count = socket.receive()
            let now = SystemClock.monotonic()
            for i in 0..<count {
                socket.withDatagram(i) { bytes, received in
                    server.handleDatagram(bytes, from: received.source, at: now)
                }
                if server.uas.engine.outbox.wantsFlush { flush(&server, &socket, &poller) }
            }
            flush(&server, &socket, &poller)
            if count < UDPSocket.batchCapacity { return }
        }
    }

    private static func flush(_ server: inout AnsweringServer, _ socket: inout UDPSocket, _ poller: inout Poller) {
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
        var figures = Figures()
        figures.counters = server.uas.engine.counters
        figures.openCalls = server.uas.engine.openCalls
        figures.queued = server.queued
        figures.dropped = server.dropped
        figures.overflowed = server.overflowed
        shared.figures.withLock { $0 = figures }
    }
}
