import Datagrams
import Latency
import Observations
import UDPTransport
import UserAgent

/// The sending thread: one socket, one UAC, nothing shared but the journals it hands over.
///
///     advance to now ─► send what is due ─► sleep until the next deadline ─► take what has arrived ─► …
struct UACWorker: ~Copyable {
    struct Settings: Sendable {
        /// Which of the sending threads, from 0.
        var number: Int
        var start: MonotonicInstant
        /// When this process begins: later than the start where it joins late.
        var begin: MonotonicInstant
        var tag: TagOptions?
        var keepsGoing: Bool
        var drainTimeout: Nanoseconds
        /// Sleep until shortly before a call is due, then watch the clock: at most this long. Nil: sleep all the way.
        var watching: Nanoseconds?
        /// Datagrams are stamped by the kernel.
        var stamps: Bool
        /// Once something was read or sent, arrivals wait this long to be read together, or until a call is due.
        var reads: Nanoseconds
        var ignoresICMP = false
        /// Whole datagrams, and counts of each step, go into the journal.
        var logsMessages = false
        var keepsMessages = false
        /// How often whoever looks on is handed what there is. Nil: nobody looks.
        var glances: Nanoseconds?
    }

    /// How long before a due call a precise worker stops sleeping, learnt from how late its sleeps end.
    private var lead = WakeLead()
    /// Reading and answering one datagram takes about this long.
    static let lastMoments = Nanoseconds.microseconds(10)
    /// Requests made ready for the instant their calls are due stand at the head of the outbox until then.
    private var held = 0

    /// How long a target may stay silent before it is called unreachable, and how soon ICMP alone is believed: a server
    /// that is just starting gets that long.
    static let silenceLimit = Nanoseconds.seconds(2)
    static let refusalLimit = Nanoseconds.milliseconds(500)
    /// The longest sleep: bounds how late a stop is noticed should a wake-up be lost, and how much of a stall may hide in
    /// the sleep it began in.
    static let longestSleep = Nanoseconds.milliseconds(50)

    private let settings: Settings
    private let channel: JournalChannel
    private let control: RunControl
    private var report = WorkerReport()
    private var nextMark: MonotonicInstant
    private var drainUntil = MonotonicInstant.distantFuture
    private var lastOffer: MonotonicInstant
    private var stage = RunControl.Stage.running
    private var lastICMP: ICMPError?
    /// Silence counts from here: the first call may be due long after the start.
    private var firstSentAt: MonotonicInstant?
    private var cpuAtStart = Nanoseconds.zero
    private var clock: StampClock
    /// When the loop was to come round again: any later is a stall.
    private var awaited: MonotonicInstant
    /// Until then arrivals wake nobody.
    private var readAgainAt = MonotonicInstant(nanoseconds: 0)
    /// A call was due while arrivals waited: it goes first, then they are read.
    private var readsNext = false
    private var scheduleVersion = 0
    private var planVersion = 0
    private var plansTaken = 0
    /// When whoever looks on is due for fresh counts.
    private var nextGlance = MonotonicInstant.distantFuture

    init(settings: Settings, channel: JournalChannel, control: RunControl) {
        self.settings = settings
        self.channel = channel
        self.control = control
        nextMark = settings.start + .seconds(1)
        lastOffer = settings.start
        awaited = settings.begin
        if settings.glances != nil { nextGlance = settings.begin }
        clock = StampClock(at: SystemClock.monotonic())
    }

    /// Runs to the end. `raw` sends where it is given; receiving is always the socket's.
    mutating func run(
        _ uac: inout UAC, on socket: consuming UDPSocket, raw: consuming RawSender?, waking wakeup: Wakeup
    ) -> WorkerReport {
        var socket = socket
        var raw = raw
        guard
            var poller = try? Poller(
                receiving: [socket.fileDescriptor], sending: raw?.fileDescriptor ?? socket.fileDescriptor,
                wakeup: wakeup)
        else { preconditionFailure("a poller of open descriptors") }
        cpuAtStart = SystemClock.threadCPU()
        let usage = ThreadUsage.ofThisThread()
        _ = poller.wait(until: settings.begin)
        while true {
            let now = SystemClock.monotonic()
            heedSchedule(&uac, at: now)
            report.disturbances.noteStall(now - awaited, endedAt: now - settings.start)
            awaited = now
            uac.advance(to: now)
            // The moment the last call was placed belongs to the offering.
            if drainUntil == .distantFuture { lastOffer = now }
            if !uac.isOffering { beginDraining(at: now) }
            flush(&uac, &socket, &raw, &poller)
            heedControl(&uac, at: now)
            if let end = ending(&uac, at: now) {
                report.end = end
                break
            }
            handOver(&uac, &socket, &raw, at: now)
            if readsNext {
                readsNext = false
                receive(&uac, &socket, &raw, &poller)
                continue
            }
            // Unread, the stamps of what was just sent would end the wait at once.
            if settings.stamps { takeStamps(&uac, &socket, &raw) }
            if let longest = settings.watching, uac.nextSending - lead.length(atMost: longest) <= now {
                awaited = max(now, uac.nextSending)
                watch(until: uac.nextSending, &uac, &socket, &raw, &poller)
                continue
            }
            // In pairs: of more than two, `min` makes an array each time.
            let deadline = min(min(uac.deadline, nextMark), min(drainUntil, now + Self.longestSleep))
            awaited = max(now, deadline)
            let readiness = wait(until: deadline, sending: uac.nextSending, from: now, &poller)
            if readiness.contains(.errors) { takeErrors(&uac, &socket) }
            if readiness.contains(.readable) { receive(&uac, &socket, &raw, &poller) }
        }
        flush(&uac, &socket, &raw, &poller)
        ThreadUsage.ofThisThread().tell(since: usage, &report.disturbances)
        finish(&uac, &socket, &raw)
        return report
    }

    private mutating func wait(
        until deadline: MonotonicInstant, sending: MonotonicInstant, from now: MonotonicInstant, _ poller: inout Poller
    ) -> Readiness {
        if deadline <= now { return .readable }
        guard let longest = settings.watching else {
            return sleep(until: deadline, sending: sending, from: now, &poller)
        }
        let end = sending - lead.length(atMost: longest)
        let readiness = sleep(until: min(deadline, end), sending: sending, from: now, &poller)
        if readiness.isEmpty, end < deadline { lead.learn(overslept: SystemClock.monotonic() - end) }
        return readiness
    }

    /// The last of the way to a call that is due: its request is made now and sent when its time has come.
    ///
    /// What arrives meanwhile is read and answered at once, but for the last moments, which belong to the call: at high
    /// rates the next one is always near, and a worker that only watched would never read.
    private mutating func watch(
        until sending: MonotonicInstant, _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?,
        _ poller: inout Poller
    ) {
        uac.place(dueBy: sending)
        held = uac.engine.outbox.datagrams.count
        var hasLooked = settings.reads > .zero
        while true {
            let now = SystemClock.monotonic()
            let left = sending - now
            if left <= .zero { break }
            if hasLooked, left < Self.lastMoments { continue }
            if uac.engine.deadline <= now { uac.engine.advance(to: now) }
            let readiness = settings.reads > .zero ? [] : poller.wait(until: now)
            if readiness.contains(.errors) { takeErrors(&uac, &socket) }
            if readiness.contains(.readable) { receive(&uac, &socket, &raw, &poller) }
            flush(&uac, &socket, &raw, &poller)
            hasLooked = true
        }
        held = 0
        flush(&uac, &socket, &raw, &poller)
        if settings.reads > .zero { readsNext = true }
    }

    /// Whoever wakes while arrivals wait reads them, too; but a call that is due goes first.
    private mutating func sleep(
        until deadline: MonotonicInstant, sending: MonotonicInstant, from now: MonotonicInstant, _ poller: inout Poller
    ) -> Readiness {
        guard settings.reads > .zero, readAgainAt > now else { return poller.wait(until: deadline) }
        let readiness = poller.wait(until: min(deadline, readAgainAt), wantsRead: false)
        if !readiness.isEmpty { return readiness }
        if sending > min(deadline, readAgainAt) { return .readable }
        readsNext = true
        return []
    }

    // MARK: the wire

    private mutating func receive(
        _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?, _ poller: inout Poller
    ) {
        // Bounded, so that a flood cannot keep due calls waiting.
        for _ in 0..<8 {
            let count = socket.receive()
            let now = SystemClock.monotonic()
            if settings.stamps {
                clock.keepUp(at: now)
                // A request's stamp is made before its answer comes: read first, it is known when the call ends.
                takeStamps(&uac, &socket, &raw)
            }
            for i in 0..<count {
                let rows = uac.engine.journal.calls.count
                socket.withDatagram(i) { bytes, received in
                    if settings.logsMessages {
                        uac.engine.journal.messages.append(
                            .received, bytes, at: received.arrivedAt ?? SystemClock.wall())
                    }
                    let arrivedAt = arrival(of: received, readAt: now, &uac)
                    uac.handleDatagram(bytes, from: received.source, at: now, arrivedAt: arrivedAt)
                }
                if settings.stamps, uac.engine.journal.calls.count > rows {
                    uac.engine.noteMatching(rowsFrom: rows, took: SystemClock.monotonic() - now)
                }
                if uac.engine.outbox.wantsFlush { flush(&uac, &socket, &raw, &poller) }
            }
            if count > 0 { readAgainAt = now + settings.reads }
            if count < UDPSocket.batchCapacity { return }
        }
    }

    private mutating func arrival(
        of received: ReceivedDatagram, readAt now: MonotonicInstant, _ uac: inout UAC
    ) -> MonotonicInstant? {
        guard settings.stamps else { return nil }
        if let arrivedAt = received.arrivedAt, let instant = clock.instant(of: arrivedAt, notAfter: now) {
            return instant
        }
        uac.engine.counters.receiveStampsMissing += 1
        return nil
    }

    private mutating func takeStamps(_ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?) {
        guard raw?.awaitsStamps ?? socket.awaitsStamps else { return }
        let now = SystemClock.monotonic()
        if raw != nil {
            raw?.drainStamps { note($0, $1, &uac, at: now) }
        } else {
            socket.drainStamps { note($0, $1, &uac, at: now) }
        }
    }

    private mutating func takeErrors(_ uac: inout UAC, _ socket: inout UDPSocket) {
        let now = SystemClock.monotonic()
        _ = socket.drainErrorQueue { note($0, $1, &uac, at: now) }
    }

    private mutating func note(
        _ entry: ErrorQueueEntry, _ payload: borrowing Span<UInt8>, _ uac: inout UAC, at now: MonotonicInstant
    ) {
        switch entry {
        case .unreachable(let error):
            lastICMP = error
            if !settings.ignoresICMP { uac.handleUnreachable(payload, at: now) }
        case .transmitted(let receipt, let leftAt):
            if let instant = clock.instant(of: leftAt, notAfter: now) {
                uac.engine.didTransmit(receipt, at: instant)
            }
        }
    }

    private mutating func flush(
        _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?, _ poller: inout Poller
    ) {
        var from = held
        while from < uac.engine.outbox.datagrams.count {
            let before = SystemClock.monotonic()
            let result =
                raw?.send(uac.engine.outbox, from: from, tag: settings.tag)
                ?? socket.send(uac.engine.outbox, from: from, tag: settings.tag)
            let after = SystemClock.monotonic()
            if result.rejected > 0 { noteRejections(raw?.rejections ?? socket.rejections, &uac) }
            firstSentAt = firstSentAt ?? before
            reportSent(&uac, from..<result.next, before, after, hasRejections: result.rejected > 0)
            from = result.next
            readAgainAt = after + settings.reads
            if result.isQueueFull {
                uac.engine.counters.sendQueueFull += 1
                _ = poller.wait(until: after + .milliseconds(1), wantsWrite: true)
            }
        }
        uac.engine.outbox.truncate(to: held)
    }

    /// The kernel sends a batch one after another while the call lasts; each datagram's instant is put where its turn was.
    /// The first one's is the reading before the call.
    private func reportSent(
        _ uac: inout UAC, _ range: Range<Int>, _ before: MonotonicInstant, _ after: MonotonicInstant,
        hasRejections: Bool
    ) {
        let count = Int64(max(range.count, 1))
        let span = (after - before).rawValue
        let wall = settings.logsMessages ? SystemClock.wall() : WallInstant(nanoseconds: 0)
        for i in range {
            let transmit = uac.engine.outbox.datagrams[i]
            if hasRejections, rejected.contains(i) { continue }
            let sentAt = before + Nanoseconds(span * Int64(i - range.lowerBound) / count)
            uac.engine.keepSent(transmit, at: sentAt)
            uac.engine.didSend(transmit, at: sentAt)
            if settings.logsMessages {
                uac.engine.logSent(transmit, at: WallInstant(nanoseconds: wall.nanoseconds - (after - sentAt).rawValue))
            }
        }
    }

    private var rejected: Set<Int> = []

    private mutating func noteRejections(_ rejections: [Rejection], _ uac: inout UAC) {
        rejected.removeAll(keepingCapacity: true)
        for rejection in rejections {
            rejected.insert(rejection.index)
            report.lastSendError = rejection.errno
        }
        uac.engine.counters.sendErrors += UInt64(rejections.count)
    }

    // MARK: stopping

    private mutating func heedSchedule(_ uac: inout UAC, at now: MonotonicInstant) {
        for change in control.newPlans(since: &planVersion, taken: &plansTaken) { uac.plan(change) }
        guard let schedule = control.newSchedule(since: &scheduleVersion) else { return }
        if let rate = schedule.rate { uac.change(rate: rate, at: now) }
        uac.setPaused(schedule.isPaused, at: now)
        if let limit = schedule.maxConcurrent { uac.change(maxConcurrent: limit) }
    }

    private mutating func beginDraining(at now: MonotonicInstant) {
        if drainUntil == .distantFuture { drainUntil = now + settings.drainTimeout }
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

    /// `exec int_cmd` and `error`: the scenario itself ends the run, for all workers.
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

    private mutating func ending(_ uac: inout UAC, at now: MonotonicInstant) -> WorkerReport.End? {
        if uac.hasHeard { control.noteHeard() }
        if !control.hasHeard, !settings.keepsGoing, let end = silence(&uac, at: now) {
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

    private func silence(_ uac: inout UAC, at now: MonotonicInstant) -> WorkerReport.End? {
        guard let firstSentAt else { return nil }
        let waited = now - firstSentAt
        if let lastICMP, waited >= Self.refusalLimit || uac.isFinished { return .refused(lastICMP) }
        return waited >= Self.silenceLimit ? .silence : nil
    }

    // MARK: journals

    private mutating func handOver(
        _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?, at now: MonotonicInstant
    ) {
        if now >= nextMark {
            mark(&uac, &socket, &raw, at: now)
            nextMark = nextMark + .seconds(1)
            // After a stall: one mark for all the seconds it took.
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

    private mutating func mark(
        _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?, at now: MonotonicInstant
    ) {
        if settings.stamps {
            socket.giveUpOldStamps()
            raw?.giveUpOldStamps()
            uac.engine.counters.transmitStampsMissing = socket.missingStamps + (raw?.missingStamps ?? 0)
            clock.keepUp(at: now)
            uac.engine.counters.clockSteps = clock.steps
        }
        uac.engine.counters.receiveQueueDrops = socket.countDrops()
        uac.engine.journal.mark = IntervalMark(
            at: now - settings.start, counters: uac.engine.counters, open: UInt64(uac.engine.openCalls),
            cpu: SystemClock.threadCPU() - cpuAtStart)
        glance(&uac, at: now)
        if settings.glances != nil { uac.engine.journal.responses.append(contentsOf: uac.engine.responses.list) }
        if settings.keepsMessages { uac.engine.journal.steps.append(contentsOf: uac.engine.stepCounts) }
        channel.hand(over: &uac.engine.journal, of: settings.number)
    }

    private mutating func finish(_ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?) {
        let now = SystemClock.monotonic()
        mark(&uac, &socket, &raw, at: now)
        report.offeredFor = lastOffer - settings.start
        report.lasted = now - settings.start
        report.truncated = socket.truncated
        channel.close()
    }
}
