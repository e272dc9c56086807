import Datagrams
import Glibc
import Observations
import SIP
import StreamTransport
import Synchronization
import UDPTransport
import UserAgent

/// The answering side over TCP and TLS, on its thread: accepts connections, and answers on each what came by it (RFC 3261,
/// 18.2.2). Connections stay until their callers close them.
struct StreamServing: ~Copyable {
    private var server: AnsweringServer
    private let listener: StreamListener
    private let context: TLSContext?
    private let transport: TransportProtocol
    private let logsMessages: Bool
    private var poller: StreamPoller
    private let scratch = StreamScratch()
    private var streams = StreamFigures()
    private var connections: [StreamConnection?] = []
    private var freeKeys: [Int] = []
    private var keys: [SocketAddress: Int] = [:]
    private var touched: [Int] = []
    /// No file was left for a connection: none is accepted until then.
    private var acceptAgainAt: MonotonicInstant?

    private static let listenerKey = Int.max
    /// How long a stop may go unnoticed should a wake-up be lost.
    private static let longestSleep = Nanoseconds.milliseconds(100)

    init(
        _ server: consuming AnsweringServer, _ listener: consuming StreamListener, _ context: TLSContext?,
        _ transport: TransportProtocol, waking wakeup: Wakeup, logsMessages: Bool
    ) throws(SystemError) {
        self.logsMessages = logsMessages
        self.server = server
        self.context = context
        self.transport = transport
        var poller = try StreamPoller(wakeup: wakeup)
        try poller.add(listener, key: Self.listenerKey)
        self.poller = poller
        self.listener = listener
    }

    /// - Parameter channel: where journals go, if they are wanted; else they only are told of by `onNote`.
    mutating func run(
        _ shared: ServerWorker.Shared, _ onNote: (ScenarioNote, String) -> Void, _ channel: JournalChannel?
    ) {
        let start = SystemClock.monotonic()
        let cpuAtStart = SystemClock.threadCPU()
        var nextMark = channel == nil ? MonotonicInstant.distantFuture : start + .seconds(1)
        var nextFigures = start
        while !shared.isStopping.load(ordering: .acquiring) {
            let now = SystemClock.monotonic()
            server.advance(to: now)
            flush()
            if let channel {
                if now >= nextMark || server.uas.engine.journal.isFull || server.uas.engine.journal.isUrgent {
                    ServerWorker.mark(&server, channel, at: now, since: start, cpuAtStart)
                    while nextMark <= now { nextMark = nextMark + .seconds(1) }
                }
            } else {
                ServerWorker.tellNotes(&server, onNote)
            }
            if now >= nextFigures {
                dropUnfinished(at: now)
                publish(shared)
                nextFigures = now + .milliseconds(200)
            }
            if let again = acceptAgainAt, now >= again {
                acceptAgainAt = nil
                poller.watch(listener, key: Self.listenerKey, forConnections: true)
            }
            poller.wait(until: min(server.deadline, now + Self.longestSleep))
            serve()
        }
        if let channel {
            let now = SystemClock.monotonic()
            server.uas.engine.giveUp(.interrupted, at: now)
            flush()
            ServerWorker.mark(&server, channel, at: now, since: start, cpuAtStart)
        }
        for key in connections.indices { close(key) }
        publish(shared)
    }

    // MARK: connections

    private mutating func accept() {
        // Bounded: a storm of connections must not keep the open ones waiting.
        for _ in 0..<64 {
            let now = SystemClock.monotonic()
            do throws(SystemError) {
                guard let (descriptor, peer) = try listener.accept() else { return }
                adopt(descriptor, peer, at: now)
            } catch {
                streams.exhausted += 1
                streams.lastExhaustion = SystemError.text(of: error.errno)
                poller.watch(listener, key: Self.listenerKey, forConnections: false)
                acceptAgainAt = now + .milliseconds(100)
                return
            }
        }
    }

    private mutating func adopt(_ descriptor: Int32, _ peer: SocketAddress, at now: MonotonicInstant) {
        do throws(StreamEnd) {
            let connection = try StreamConnection(accepted: descriptor, peer: peer, tls: context, at: now)
            let key = freeKeys.popLast() ?? connections.count
            if key == connections.count { connections.append(nil) }
            do throws(SystemError) { try poller.add(connection, key: key) } catch {
                freeKeys.append(key)
                throw StreamEnd.notAccepted(error)
            }
            connections[key] = connection
            keys[peer] = key
            if connection.isOpen { streams.noteOpened(connection) }
        } catch {
            streams.noteEnd(error, peer, transport, wasOpen: false)
        }
    }

    /// Whoever connects and never finishes TLS's handshake must not keep a file for ever.
    private mutating func dropUnfinished(at now: MonotonicInstant) {
        if context == nil { return }
        for key in connections.indices {
            if let connection = connections[key], let end = StreamLine.overdue(connection, at: now) { lose(key, end) }
        }
    }

    private mutating func lose(_ key: Int, _ end: StreamEnd) {
        guard let connection = connections[key] else { return }
        // A caller that has closed between two messages is done, and that is no trouble.
        if case .closedByPeer(insideMessage: false, duringTLS: false) = end {
        } else {
            streams.noteEnd(end, connection.peer, transport, wasOpen: connection.isOpen)
        }
        var undelivered: UInt64 = 0
        connection.forEachUnsent { _ in undelivered += 1 }
        streams.undelivered += undelivered
        close(key)
    }

    private mutating func close(_ key: Int) {
        guard let connection = connections[key] else { return }
        connection.close(scratch)
        connections[key] = nil
        if keys[connection.peer] == key { keys[connection.peer] = nil }
        freeKeys.append(key)
    }

    // MARK: the wire

    private mutating func serve() {
        for ready in poller.ready {
            if ready.key == Self.listenerKey {
                accept()
                continue
            }
            guard ready.key < connections.count, let connection = connections[ready.key] else { continue }
            do throws(StreamEnd) {
                let wasOpen = connection.isOpen
                if ready.isWritable { try connection.becomeReady(at: SystemClock.monotonic(), scratch) }
                if ready.isReadable { try receive(connection, ready.key) }
                if !wasOpen, connection.isOpen { streams.noteOpened(connection) }
                noteSent(connection)
                if connections[ready.key] === connection { connection.follow(&poller, key: ready.key) }
            } catch {
                noteSent(connection)
                if connections[ready.key] === connection { lose(ready.key, error) }
            }
        }
        flush()
    }

    private mutating func receive(_ connection: StreamConnection, _ key: Int) throws(StreamEnd) {
        for _ in 0..<8 {
            let more: Bool
            do throws(StreamEnd) { more = try connection.receive(scratch) } catch {
                // What came whole before the end is still answered, if only by the counters.
                try deliver(connection)
                throw error
            }
            try deliver(connection)
            if !more || connections[key] !== connection { return }
        }
    }

    private mutating func deliver(_ connection: StreamConnection) throws(StreamEnd) {
        let readAt = scratch.readAt
        while try connection.nextMessage({ bytes in
            if logsMessages {
                server.uas.engine.journal.messages.append(.received, bytes, at: SystemClock.wall())
            }
            server.handleDatagram(bytes, from: connection.peer, at: readAt)
        }) {
            if server.uas.engine.outbox.wantsFlush { flush() }
        }
        try connection.answerPings(scratch)
    }

    private mutating func flush() {
        let now = SystemClock.monotonic()
        for i in server.uas.engine.outbox.datagrams.indices {
            let transmit = server.uas.engine.outbox.datagrams[i]
            guard let key = keys[transmit.destination], let connection = connections[key] else {
                streams.undelivered += 1
                continue
            }
            if logsMessages { server.uas.engine.logSent(transmit, at: SystemClock.wall()) }
            do throws(StreamEnd) {
                let bytes = transmit.start..<transmit.start + transmit.count
                try connection.append(
                    server.uas.engine.outbox.bytes.storage.span.extracting(bytes), transmit, at: now, scratch)
                if touched.last != key { touched.append(key) }
            } catch { lose(key, error) }
        }
        server.uas.engine.outbox.removeAll()
        for key in touched { write(key) }
        touched.removeAll(keepingCapacity: true)
    }

    private mutating func write(_ key: Int) {
        guard let connection = connections[key] else { return }
        do throws(StreamEnd) {
            try connection.write()
            noteSent(connection)
            if !connection.isDrained { streams.heldBack += 1 }
            connection.follow(&poller, key: key)
        } catch {
            noteSent(connection)
            lose(key, error)
        }
    }

    private mutating func noteSent(_ connection: StreamConnection) {
        for message in connection.sent { server.uas.engine.didSend(message.transmit, at: message.at) }
        connection.sent.removeAll(keepingCapacity: true)
    }

    private func publish(_ shared: ServerWorker.Shared) {
        var figures = ServerWorker.Figures(server)
        figures.streams = streams
        shared.figures.withLock { $0 = figures }
    }
}
