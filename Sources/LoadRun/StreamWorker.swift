import Datagrams
import Glibc
import Latency
import Observations
import SIP
import StreamTransport
import UDPTransport
import UserAgent

/// The sending thread over TCP and TLS: as `UACWorker`, with connections in the socket's place. The connections' own
/// schedule:
///
///     shared     lost ──at once──► connecting ──fails──► 100 ms, 200, 400, 800, then every second; ten times at most
///     per call   a call due ──► connecting ──► its messages ──► the call has ended ──► closed
///
/// A call whose request waits for a response when its connection is lost ends as `refused`; so does one that is due while
/// there is no connection.
struct StreamWorker: ~Copyable {
    private let settings: UACWorker.Settings
    private let channel: JournalChannel
    private let control: RunControl
    private var line: StreamLine
    private var report = WorkerReport()
    private var poller: StreamPoller
    private var nextMark: MonotonicInstant
    private var drainUntil = MonotonicInstant.distantFuture
    private var lastOffer: MonotonicInstant
    private var stage = RunControl.Stage.running
    private var firstSentAt: MonotonicInstant?
    private var cpuAtStart = Nanoseconds.zero
    private var awaited: MonotonicInstant
    private var lead = WakeLead()
    private var scheduleVersion = 0
    private var planVersion = 0
    private var plansTaken = 0
    /// When whoever looks on is due for fresh counts.
    private var nextGlance = MonotonicInstant.distantFuture

    /// By key: 0, or with a connection a call the call's source.
    private var connections: [StreamConnection?] = []
    private var calls: [CallReference?] = []
    private var freeKeys: [Int] = []
    /// Keys of connections that were given messages since the last flush.
    private var touched: [Int] = []
    /// Shared: when the next attempt is due, and how many came to nothing since anything was received.
    private var retryAt = MonotonicInstant.distantFuture
    private var failures = 0
    private var lastEnd: StreamEnd?
    /// No more attempts: the run ends.
    private var hasGivenUp = false

    static let retryLimit = 10
    /// A call's source has 16 bits, and an address little more than 64 thousand ports.
    private static let keyLimit = 65_000

    init(
        settings: UACWorker.Settings, line: StreamLine, channel: JournalChannel, control: RunControl,
        waking wakeup: Wakeup
    ) throws(SystemError) {
        self.settings = settings
        self.line = line
        self.channel = channel
        self.control = control
        poller = try StreamPoller(wakeup: wakeup)
        nextMark = settings.start + .seconds(1)
        lastOffer = settings.start
        awaited = settings.begin
        if settings.glances != nil { nextGlance = settings.begin }
    }

    mutating func run(_ uac: inout UAC) -> WorkerReport {
        cpuAtStart = SystemClock.threadCPU()
        let usage = ThreadUsage.ofThisThread()
        if line.use == .shared { adoptFirst() }
        poller.wait(until: settings.begin)
        serve(&uac)
        while true {
            let now = SystemClock.monotonic()
            report.disturbances.noteStall(now - awaited, endedAt: now - settings.start)
            awaited = now
            keepConnected(&uac, at: now)
            heedSchedule(&uac, at: now)
            place(&uac, at: now)
            if drainUntil == .distantFuture { lastOffer = now }
            if !uac.isOffering { beginDraining(at: now) }
            flush(&uac)
            heedControl(&uac, at: now)
            if let end = ending(&uac, at: now) {
                report.end = end
                break
            }
            handOver(&uac, at: now)
            let deadline = min(min(uac.deadline, nextMark), min(min(drainUntil, retryAt), now + UACWorker.longestSleep))
            awaited = max(now, deadline)
            wait(until: deadline, sending: uac.nextSending, from: now)
            serve(&uac)
        }
        flush(&uac)
        for key in connections.indices { close(key) }
        ThreadUsage.ofThisThread().tell(since: usage, &report.disturbances)
        finish(&uac)
        return report
    }

    /// A precise worker looks at the clock and its connections in turn shortly before a call is due.
    private mutating func wait(until deadline: MonotonicInstant, sending: MonotonicInstant, from now: MonotonicInstant)
    {
        guard let longest = settings.watching, deadline > now else { return poller.wait(until: deadline) }
        let end = sending - lead.length(atMost: longest)
        if end <= now { return poller.wait(until: now) }
        poller.wait(until: min(deadline, end))
        if poller.ready.isEmpty, end < deadline { lead.learn(overslept: SystemClock.monotonic() - end) }
    }

    // MARK: connections

    private mutating func adoptFirst() {
        connections = [nil]
        calls = [nil]
        if let connection = line.connection {
            line.connection = nil
            if adopt(connection, key: 0) { report.streams.noteOpened(connection) }
        } else {
            lastEnd = line.failure
            failures = 1
            retryAt = settings.begin + Self.pause(after: failures)
        }
    }

    private mutating func adopt(_ connection: StreamConnection, key: Int) -> Bool {
        do throws(SystemError) {
            try poller.add(connection, key: key)
            connections[key] = connection
            return true
        } catch {
            note(.notAccepted(error), wasOpen: false)
            return false
        }
    }

    /// The shared connection, where there is none and the time has come.
    private mutating func keepConnected(_ uac: inout UAC, at now: MonotonicInstant) {
        guard line.use == .shared else { return }
        if let connection = connections[0] {
            if let end = StreamLine.overdue(connection, at: now) { lose(0, end, &uac) }
            return
        }
        guard now >= retryAt, !hasGivenUp, uac.isOffering || uac.engine.openCalls > 0 else { return }
        retryAt = .distantFuture
        do throws(StreamEnd) {
            let connection = try line.connect(at: now)
            if adopt(connection, key: 0) {
                uac.engine.setSource(0, to: connection.localAddress)
            } else {
                scheduleRetry(at: now)
            }
        } catch {
            note(error, wasOpen: false)
            scheduleRetry(at: now)
        }
    }

    private mutating func scheduleRetry(at now: MonotonicInstant) {
        failures += 1
        if failures >= Self.retryLimit, !settings.keepsGoing {
            hasGivenUp = true
            retryAt = .distantFuture
        } else {
            retryAt = now + Self.pause(after: failures)
        }
    }

    /// A connection lost that had served is replaced at once.
    private static func pause(after failures: Int) -> Nanoseconds {
        failures <= 1 ? .zero : min(.milliseconds(100) * Int64(1 << min(failures - 2, 4)), .seconds(1))
    }

    private mutating func note(_ end: StreamEnd, wasOpen: Bool) {
        lastEnd = end
        report.streams.noteEnd(end, line.target, line.transport, wasOpen: wasOpen)
    }

    /// The connection has ended, and with it whatever depends on it.
    private mutating func lose(_ key: Int, _ end: StreamEnd, _ uac: inout UAC) {
        guard let connection = connections[key] else { return }
        let now = SystemClock.monotonic()
        // One that we wanted to close anyway has done its work.
        if connection.isEnding, connection.isDrained { return close(key) }
        note(end, wasOpen: connection.isOpen)
        var undelivered: UInt64 = 0
        connection.forEachUnsent { _ in undelivered += 1 }
        report.streams.undelivered += undelivered
        close(key)
        if line.use == .shared {
            uac.engine.connectionLost(at: now)
            scheduleRetry(at: now)
        } else if let call = calls[key] {
            uac.engine.connectionLost(of: call, at: now)
        }
    }

    private mutating func close(_ key: Int) {
        guard let connection = connections[key] else { return }
        connection.close(line.scratch)
        connections[key] = nil
        if line.use == .perCall, calls[key] == nil { freeKeys.append(key) }
    }

    // MARK: placing

    private mutating func place(_ uac: inout UAC, at now: MonotonicInstant) {
        if line.use == .shared { return uac.advance(to: now) }
        let isTime = uac.nextSending <= now
        while isTime, uac.isCallDue(at: now) {
            if !uac.hasRoom {
                _ = uac.placeNext(from: nil, at: now)
                continue
            }
            placeWithConnection(&uac, at: now)
        }
        uac.engine.advance(to: now)
    }

    private mutating func placeWithConnection(_ uac: inout UAC, at now: MonotonicInstant) {
        guard let key = takeKey() else {
            exhausted("more than \(Self.keyLimit) connections at once", &uac, at: now)
            return
        }
        firstSentAt = firstSentAt ?? now
        var local = line.source
        do throws(StreamEnd) {
            let connection = try line.connect(at: now)
            local = connection.localAddress
            _ = adopt(connection, key: key)
        } catch {
            if case .notAccepted(let reason) = error, Self.isOurLimit(reason.errno) {
                freeKeys.append(key)
                exhausted(SystemError.text(of: reason.errno), &uac, at: now)
                return
            }
            note(error, wasOpen: false)
        }
        uac.engine.setSource(UInt16(key), to: local)
        // Without a connection its request comes to nothing in `flush`.
        calls[key] = uac.placeNext(from: UInt16(key), at: now)
    }

    private static func isOurLimit(_ errno: Int32) -> Bool {
        [EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM].contains(errno)
    }

    private mutating func exhausted(_ why: String, _ uac: inout UAC, at now: MonotonicInstant) {
        report.streams.exhausted += 1
        report.streams.lastExhaustion = why
        _ = uac.placeNext(from: nil, at: now)
    }

    private mutating func takeKey() -> Int? {
        if let key = freeKeys.popLast() { return key }
        if connections.count >= Self.keyLimit { return nil }
        connections.append(nil)
        calls.append(nil)
        return connections.count - 1
    }

    // MARK: the wire

    private mutating func flush(_ uac: inout UAC) {
        let now = SystemClock.monotonic()
        for i in uac.engine.outbox.datagrams.indices {
            let transmit = uac.engine.outbox.datagrams[i]
            let key = line.use == .shared ? 0 : Int(transmit.source)
            firstSentAt = firstSentAt ?? now
            guard key < connections.count, let connection = connections[key] else {
                report.streams.undelivered += 1
                uac.engine.couldNotSend(transmit, at: now)
                continue
            }
            if settings.logsMessages { uac.engine.logSent(transmit, at: SystemClock.wall()) }
            uac.engine.keepSent(transmit, at: now)
            do throws(StreamEnd) {
                let bytes = transmit.start..<transmit.start + transmit.count
                try connection.append(
                    uac.engine.outbox.bytes.storage.span.extracting(bytes), transmit, at: now, line.scratch)
                if touched.last != key { touched.append(key) }
            } catch {
                lose(key, error, &uac)
            }
        }
        uac.engine.outbox.removeAll()
        for key in touched { write(key, &uac) }
        touched.removeAll(keepingCapacity: true)
        endReleased(&uac)
    }

    /// The connections of calls that have ended.
    private mutating func endReleased(_ uac: inout UAC) {
        for source in uac.engine.releasedSources {
            let key = Int(source)
            calls[key] = nil
            guard let connection = connections[key] else {
                freeKeys.append(key)
                continue
            }
            connection.isEnding = true
            if connection.isDrained { close(key) }
        }
        uac.engine.releasedSources.removeAll(keepingCapacity: true)
    }

    private mutating func write(_ key: Int, _ uac: inout UAC) {
        guard let connection = connections[key] else { return }
        do throws(StreamEnd) {
            try connection.write()
            settle(key, connection, &uac)
            if connection.isOpen, !connection.isDrained { report.streams.heldBack += 1 }
        } catch {
            noteSent(connection, &uac)
            lose(key, error, &uac)
        }
    }

    /// After anything was written: what has left is told, and what is left is watched.
    private mutating func settle(_ key: Int, _ connection: StreamConnection, _ uac: inout UAC) {
        noteSent(connection, &uac)
        if connection.isEnding, connection.isDrained { return close(key) }
        connection.follow(&poller, key: key)
    }

    private func noteSent(_ connection: StreamConnection, _ uac: inout UAC) {
        for message in connection.sent { uac.engine.didSend(message.transmit, at: message.at) }
        connection.sent.removeAll(keepingCapacity: true)
    }

    /// What the last wait found.
    private mutating func serve(_ uac: inout UAC) {
        for ready in poller.ready {
            guard ready.key < connections.count, let connection = connections[ready.key] else { continue }
            do throws(StreamEnd) {
                let wasOpen = connection.isOpen
                if ready.isWritable { try connection.becomeReady(at: SystemClock.monotonic(), line.scratch) }
                if ready.isReadable { try receive(connection, ready.key, &uac) }
                if !wasOpen, connection.isOpen { report.streams.noteOpened(connection) }
                if connections[ready.key] === connection { settle(ready.key, connection, &uac) }
            } catch {
                noteSent(connection, &uac)
                if connections[ready.key] === connection { lose(ready.key, error, &uac) }
            }
        }
    }

    private mutating func receive(
        _ connection: StreamConnection, _ key: Int, _ uac: inout UAC
    ) throws(StreamEnd) {
        // Bounded, so that a flood cannot keep due calls waiting: what is left is reported as ready again.
        for _ in 0..<8 {
            let more: Bool
            do throws(StreamEnd) { more = try connection.receive(line.scratch) } catch {
                // What came whole before the end still counts.
                try deliver(connection, &uac)
                throw error
            }
            try deliver(connection, &uac)
            if !more || connections[key] !== connection { return }
        }
    }

    private mutating func deliver(_ connection: StreamConnection, _ uac: inout UAC) throws(StreamEnd) {
        noteSent(connection, &uac)
        let readAt = line.scratch.readAt
        while try connection.nextMessage({ bytes in
            if settings.logsMessages { uac.engine.journal.messages.append(.received, bytes, at: SystemClock.wall()) }
            uac.handleDatagram(bytes, from: connection.peer, at: readAt)
        }) {
            failures = 0
            if uac.engine.outbox.wantsFlush { flush(&uac) }
        }
        try connection.answerPings(line.scratch)
    }

    // MARK: stopping

    private mutating func beginDraining(at now: MonotonicInstant) {
        if drainUntil == .distantFuture { drainUntil = now + settings.drainTimeout }
    }

    private mutating func heedSchedule(_ uac: inout UAC, at now: MonotonicInstant) {
        for change in control.newPlans(since: &planVersion, taken: &plansTaken) { uac.plan(change) }
        guard let schedule = control.newSchedule(since: &scheduleVersion) else { return }
        if let rate = schedule.rate { uac.change(rate: rate, at: now) }
        uac.setPaused(schedule.isPaused, at: now)
        if let limit = schedule.maxConcurrent { uac.change(maxConcurrent: limit) }
    }

    /// As over UDP, the scenario itself may end the run.
    private mutating func heedScenario(_ request: StopRequest) {
        switch request {
        case .none: break
        case .gracefully: control.ask(for: .draining)
        case .now:
            report.scenarioStopped = true
            control.ask(for: .stopping)
        case .failed:
            report.scenarioFailed = true
            control.ask(for: .stopping)
        }
    }

    private mutating func heedControl(_ uac: inout UAC, at now: MonotonicInstant) {
        heedScenario(uac.engine.stopRequest)
        let asked = control.stage
        guard asked > stage else { return }
        stage = asked
        uac.stopOffering()
        beginDraining(at: now)
        if asked == .stopping { uac.engine.giveUp(.interrupted, at: now) }
    }

    private mutating func ending(_ uac: inout UAC, at now: MonotonicInstant) -> WorkerReport.End? {
        if uac.hasHeard { control.noteHeard() }
        if let end = unreachable(&uac, at: now) {
            uac.stopOffering()
            uac.engine.giveUp(.interrupted, at: now)
            return end
        }
        if stage == .stopping { return .interrupted }
        if uac.isFinished { return stage == .draining ? .interrupted : .finished }
        if now >= drainUntil {
            uac.engine.giveUp(stage == .draining ? .interrupted : .timeout, at: now)
            return stage == .draining ? .interrupted : .drainTimedOut
        }
        return nil
    }

    private func unreachable(_ uac: inout UAC, at now: MonotonicInstant) -> WorkerReport.End? {
        if settings.keepsGoing { return nil }
        if hasGivenUp { return trouble }
        guard !control.hasHeard, let firstSentAt else { return nil }
        let waited = now - firstSentAt
        if let trouble, waited >= UACWorker.refusalLimit || uac.isFinished { return trouble }
        return waited >= UACWorker.silenceLimit ? .silence : nil
    }

    private var trouble: WorkerReport.End? { lastEnd.map { .unconnected($0.sentence(line.target, line.transport)) } }

    // MARK: journals

    private mutating func handOver(_ uac: inout UAC, at now: MonotonicInstant) {
        if now >= nextMark {
            mark(&uac, at: now)
            nextMark = nextMark + .seconds(1)
            while nextMark <= now { nextMark = nextMark + .seconds(1) }
        } else if uac.engine.journal.isFull || uac.engine.journal.isUrgent || now >= nextGlance {
            glance(&uac, at: now)
            channel.hand(over: &uac.engine.journal, of: settings.number)
        }
    }

    private mutating func glance(_ uac: inout UAC, at now: MonotonicInstant) {
        guard let interval = settings.glances else { return }
        nextGlance = now + interval
        uac.engine.journal.glance = Glance(
            worker: settings.number, at: now - settings.start, counters: uac.engine.counters,
            open: UInt64(uac.engine.openCalls), stalls: report.disturbances.stalls,
            longestStall: report.disturbances.longestStall, longestStallEnded: report.disturbances.longestStallEnded)
    }

    private mutating func mark(_ uac: inout UAC, at now: MonotonicInstant) {
        uac.engine.journal.mark = IntervalMark(
            at: now - settings.start, counters: uac.engine.counters, open: UInt64(uac.engine.openCalls),
            cpu: SystemClock.threadCPU() - cpuAtStart)
        glance(&uac, at: now)
        if settings.glances != nil { uac.engine.journal.responses.append(contentsOf: uac.engine.responses.list) }
        if settings.keepsMessages { uac.engine.journal.steps.append(contentsOf: uac.engine.stepCounts) }
        channel.hand(over: &uac.engine.journal, of: settings.number)
    }

    private mutating func finish(_ uac: inout UAC) {
        let now = SystemClock.monotonic()
        mark(&uac, at: now)
        report.offeredFor = lastOffer - settings.start
        report.lasted = now - settings.start
        channel.close()
    }
}
