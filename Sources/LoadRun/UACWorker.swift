import Datagrams
import Latency
import Observations
import UDPTransport
import UserAgent

/// The sending thread: one socket, one UAC, nothing shared but the journals it hands over.
///
///     advance to now ─► send what is due ─► sleep until the next deadline ─► take what has arrived ─► …
struct UACWorker: ~Copyable {
    /// How long before a due call a precise worker stops sleeping, learnt from how late its sleeps end.
    private var lead = WakeLead()
    /// Reading and answering one datagram takes about this long.
    static let lastMoments = Nanoseconds.microseconds(10)
    /// Requests made ready for the instant their calls are due stand at the head of the outbox until then.
    private var held = 0

    private var course: WorkerCourse
    private var settings: WorkerSettings { course.settings }
    private var lastICMP: ICMPError?
    private var clock: StampClock
    /// Until then arrivals wake nobody.
    private var readAgainAt = MonotonicInstant(nanoseconds: 0)
    /// A call was due while arrivals waited: it goes first, then they are read.
    private var readsNext = false

    init(settings: WorkerSettings, channel: JournalChannel, control: RunControl) {
        course = WorkerCourse(settings: settings, channel: channel, control: control)
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
        course.begin()
        let usage = ThreadUsage.ofThisThread()
        _ = poller.wait(until: settings.begin)
        while true {
            let now = SystemClock.monotonic()
            course.comeRound(at: now)
            course.heedSchedule(&uac, at: now)
            uac.advance(to: now)
            course.notePlacing(uac, at: now)
            flush(&uac, &socket, &raw, &poller)
            course.heedControl(&uac, at: now)
            if course.hasEnded(&uac, at: now, trouble: lastICMP.map { WorkerReport.End.refused($0) }) { break }
            handOver(&uac, &socket, &raw, at: now)
            if readsNext {
                readsNext = false
                receive(&uac, &socket, &raw, &poller)
                continue
            }
            // Unread, the stamps of what was just sent would end the wait at once.
            if settings.stamps { takeStamps(&uac, &socket, &raw) }
            if let longest = settings.watching, uac.nextSending - lead.length(atMost: longest) <= now {
                course.noteSleep(until: uac.nextSending, from: now)
                watch(until: uac.nextSending, &uac, &socket, &raw, &poller)
                continue
            }
            let deadline = course.deadline(uac, from: now)
            course.noteSleep(until: deadline, from: now)
            let readiness = wait(until: deadline, sending: uac.nextSending, from: now, &poller)
            if readiness.contains(.errors) { takeErrors(&uac, &socket) }
            if readiness.contains(.readable) { receive(&uac, &socket, &raw, &poller) }
        }
        flush(&uac, &socket, &raw, &poller)
        ThreadUsage.ofThisThread().tell(since: usage, &course.report.disturbances)
        finish(&uac, &socket, &raw)
        return course.report
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
            course.noteSending(at: before)
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
            course.report.lastSendError = rejection.errno
        }
        uac.engine.counters.sendErrors += UInt64(rejections.count)
    }

    // MARK: journals

    private mutating func handOver(
        _ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?, at now: MonotonicInstant
    ) {
        if now >= course.nextMark { noteLosses(&uac, &socket, &raw, at: now) }
        course.handOver(&uac, at: now)
    }

    /// Of stamps and of datagrams, before a second is closed.
    private mutating func noteLosses(
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
    }

    private mutating func finish(_ uac: inout UAC, _ socket: inout UDPSocket, _ raw: inout RawSender?) {
        let now = SystemClock.monotonic()
        noteLosses(&uac, &socket, &raw, at: now)
        course.report.truncated = socket.truncated
        course.finish(&uac, at: now)
    }
}
