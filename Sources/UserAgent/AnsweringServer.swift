import Datagrams
import Observations
import SIP
import Scenarios

/// Deliberate faults of the answering side, all from one seed.
package struct AnswerFaults: Sendable, Equatable {
    /// Share of datagrams lost, in each direction, 0...1.
    package var drop = 0.0
    /// The first so many copies of every request but ACK are lost.
    package var dropFirst = 0
    /// Every answer to a request of `delayed` (nil: of any method) is held back this long.
    package var delay = Nanoseconds.zero
    package var delayed: Method?
    /// New INVITEs answered with this status, and the share of them.
    package var refusals: [Refusal] = []

    package struct Refusal: Sendable, Equatable {
        package var status: UInt16
        package var share: Double
        package init(status: UInt16, share: Double) {
            self.status = status
            self.share = share
        }
    }

    package init() {}
}

/// The built-in target: a UAS behind a server of limited capacity and with faults. Sans-IO: a datagram comes in, waits its
/// turn, is served, and the answers stand in `outbox`.
package struct AnsweringServer: Sendable {
    private struct Job: Sendable, BitwiseCopyable {
        var stored: TextRange
        var source: SocketAddress
        var arrivedAt: MonotonicInstant
        var work: Work
        var isInvite: Bool
        var isDelayed: Bool
    }

    private struct Current: Sendable, BitwiseCopyable {
        var job: Job
        var start: MonotonicInstant
        var end: MonotonicInstant
        var hasStarted: Bool
    }

    package var uas: UAS
    private let faults: AnswerFaults
    private let profile: CapacityProfile
    private var clock: ServiceClock
    private var generator: SeededGenerator
    private var texts = TextStore()
    /// Waiting for the worker; `urgent` goes first.
    private var waiting = Ring<Job>(minimumCapacity: 1024)
    private var urgent = Ring<Job>(minimumCapacity: 1024)
    private var current: Current?
    /// Served, and held back by `faults.delay`.
    private var delayed = Ring<DelayedJob>(minimumCapacity: 1024)
    private var index = MessageIndex()
    private var bytes = ByteBuffer(capacity: 4096)
    private var copiesSeen: [UInt64: Int] = [:]
    /// Lost on purpose.
    package private(set) var dropped: UInt64 = 0
    /// Came when the queue was full.
    package private(set) var overflowed: UInt64 = 0

    private struct DelayedJob: Sendable, BitwiseCopyable {
        var job: Job
        var until: MonotonicInstant
    }

    /// What a 4 MiB receive buffer holds of small datagrams: a longer queue would be lost in the kernel.
    static let queueLimit = 5_000
    /// `copiesSeen` is cleared at this size; by then its oldest entries are past every retransmission.
    static let copyLimit = 1_000_000

    package init(
        program: Program, configuration: EngineConfiguration, capacity: CapacityProfile = .unlimited,
        faults: AnswerFaults = AnswerFaults(), seed: UInt64 = 1, recordsCalls: Bool = false
    ) {
        uas = UAS(program: program, configuration: configuration, recordsCalls: recordsCalls)
        profile = capacity
        self.faults = faults
        clock = ServiceClock(profile: capacity, seed: seed)
        generator = SeededGenerator(seed: seed ^ 0x5EED)
    }

    package var deadline: MonotonicInstant {
        var next = uas.deadline
        if let current {
            next = min(next, current.hasStarted ? current.end : current.start)
        } else if !waiting.isEmpty || !urgent.isEmpty {
            // The outbox was full before the next piece of work was begun: at once.
            return MonotonicInstant(nanoseconds: .min)
        }
        if let first = delayed.first { next = min(next, first.until) }
        return next
    }

    /// Requests waiting or in service.
    package var queued: Int { waiting.count + urgent.count + (current == nil ? 0 : 1) + delayed.count }

    package mutating func handleDatagram(
        _ datagram: borrowing Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant
    ) {
        if faults.drop > 0, generator.unit() < faults.drop {
            dropped += 1
            return
        }
        advance(to: now)
        if profile == .unlimited, faults.delay == .zero, faults.dropFirst == 0 {
            return answer(datagram, from: source, at: now)
        }
        var index = MessageIndex()
        swap(&index, &self.index)
        defer { swap(&index, &self.index) }
        do throws(MalformedMessage) { try index.parse(datagram) } catch {
            return answer(datagram, from: source, at: now)  // to be counted
        }
        guard case .request(let method) = index.startLine else { return answer(datagram, from: source, at: now) }
        if isEarlyCopy(method, datagram, index) {
            dropped += 1
            return
        }
        enqueue(method, datagram, index, from: source, at: now)
        serve(to: now)
    }

    /// Serves what is due and fires the UAS's timers.
    package mutating func advance(to now: MonotonicInstant) {
        serve(to: now)
        while !uas.engine.outbox.wantsFlush, let first = delayed.first, first.until <= now {
            deliver(delayed.removeFirst().job, at: now)
        }
        let mark = uas.engine.outbox.datagrams.count
        uas.advance(to: now)
        loseAnswers(from: mark)
    }

    // MARK: queueing

    private mutating func enqueue(
        _ method: Method, _ datagram: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        from source: SocketAddress, at now: MonotonicInstant
    ) {
        guard queued < Self.queueLimit else {
            overflowed += 1
            return
        }
        let isKnown = method == .invite && isKnown(datagram.extracting(index.callID.bounds))
        let work: Work
        switch method {
        case .invite: work = isKnown ? .repeatedInvite : .newInvite
        case .ack: work = .ack
        case .other, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
            .update:
            work = .other
        }
        let job = Job(
            stored: texts.keep(datagram), source: source, arrivedAt: now, work: work, isInvite: method == .invite,
            isDelayed: faults.delay > .zero && method != .ack && (faults.delayed == nil || faults.delayed == method))
        // The reading thread of `asterisk-2014` handles what needs no thread of its own at once.
        if profile == .asterisk2014, work != .newInvite { urgent.append(job) } else { waiting.append(job) }
    }

    private mutating func isKnown(_ callID: borrowing Span<UInt8>) -> Bool {
        if uas.knows(callID) { return true }
        guard profile == .asterisk2014 else { return false }
        // Its first copy may still wait: then the reading thread knows the call already.
        let key = CallIDMap.hash(callID)
        return !pendingInvites.insert(key).inserted
    }

    private var pendingInvites: Set<UInt64> = []

    private mutating func serve(to now: MonotonicInstant) {
        while !uas.engine.outbox.wantsFlush {
            if let busy = current {
                if !busy.hasStarted, busy.start <= now {
                    current!.hasStarted = true
                    begin(busy.job)
                }
                guard busy.end <= now else { return }
                current = nil
                complete(busy.job, servedAt: busy.end, at: now)
            }
            guard let job = nextJob() else { return }
            let (start, end) = clock.serve(job.work, arrivedAt: job.arrivedAt)
            current = Current(job: job, start: start, end: end, hasStarted: false)
        }
    }

    private mutating func nextJob() -> Job? {
        if !urgent.isEmpty { return urgent.removeFirst() }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Service begins: an INVITE whose answer is not there at once gets its 100 (RFC 3261, 17.2.1).
    private mutating func begin(_ job: Job) {
        guard job.work == .newInvite, profile != .unlimited || job.isDelayed else { return }
        let mark = uas.engine.outbox.datagrams.count
        uas.engine.sendTrying(to: job.source, texts, job.stored)
        loseAnswers(from: mark)
    }

    private mutating func complete(_ job: Job, servedAt: MonotonicInstant, at now: MonotonicInstant) {
        if job.isDelayed {
            delayed.append(DelayedJob(job: job, until: servedAt + faults.delay))
        } else {
            deliver(job, at: now)
        }
    }

    private mutating func deliver(_ job: Job, at now: MonotonicInstant) {
        var datagram = ByteBuffer(capacity: 0)
        swap(&datagram, &bytes)
        datagram.removeAll()
        datagram.append(texts, job.stored)
        var stored = job.stored
        texts.discard(&stored)
        if !isAwaitingFirstCopy(job, datagram.storage.span.extracting(datagram.all)) {
            answer(datagram.storage.span.extracting(datagram.all), from: job.source, at: now)
        }
        swap(&datagram, &bytes)
    }

    /// A repeated INVITE whose first copy is still in the queue: read, recognised, and left at that.
    private mutating func isAwaitingFirstCopy(_ job: Job, _ datagram: borrowing Span<UInt8>) -> Bool {
        guard job.isInvite, !pendingInvites.isEmpty else { return false }
        do throws(MalformedMessage) { try index.parse(datagram) } catch { return false }
        let key = CallIDMap.hash(datagram.extracting(index.callID.bounds))
        if job.work == .newInvite { pendingInvites.remove(key) }
        return job.work == .repeatedInvite && pendingInvites.contains(key)
    }

    // MARK: answering and faults

    private mutating func answer(
        _ datagram: borrowing Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant
    ) {
        let mark = uas.engine.outbox.datagrams.count
        uas.handleDatagram(datagram, from: source, at: now, refusal: chosenRefusal())
        loseAnswers(from: mark)
    }

    private mutating func chosenRefusal() -> UInt16? {
        guard !faults.refusals.isEmpty else { return nil }
        var point = generator.unit()
        for refusal in faults.refusals {
            point -= refusal.share
            if point < 0 { return refusal.status }
        }
        return nil
    }

    private mutating func loseAnswers(from mark: Int) {
        guard faults.drop > 0 else { return }
        dropped += UInt64(
            uas.engine.outbox.remove(from: mark) { _ in generator.unit() < faults.drop })
    }

    private mutating func isEarlyCopy(
        _ method: Method, _ datagram: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Bool {
        guard faults.dropFirst > 0, method != .ack else { return false }
        if copiesSeen.count >= Self.copyLimit { copiesSeen.removeAll(keepingCapacity: true) }
        let key = CallIDMap.hash(datagram.extracting(index.callID.bounds)) &+ UInt64(method.rawValue)
        let seen = copiesSeen[key, default: 0]
        copiesSeen[key] = seen + 1
        return seen < faults.dropFirst
    }
}
