import Datagrams
import Observations
import SIP
import Scenarios

/// The calling side: places calls when they are due and walks each through the scenario.
///
///     pacer ──due──► call ──► engine.outbox ──(owner sends)──► didSend
///     datagram ──► handleDatagram ──► the call it belongs to ──► engine.outbox, engine.journal
///
/// Sans-IO: no socket, no clock. Every call brings `now`. After each event the owner sends `engine.outbox`, reports the
/// instants with `engine.didSend`, and sleeps until `deadline`.
package struct UAC: Sendable {
    package struct Limits: Sendable {
        /// Calls open at once; a call due above it becomes an `unsent` row.
        package var maxConcurrent: Int
        /// Due calls wait up to this long for others and then go out together. How late that makes them is recorded like
        /// any other lateness.
        package var coalescing: Nanoseconds
        /// The offering ends with so many calls placed.
        package var placed: UInt64 = .max
        /// As SIPp: what is held back by `maxConcurrent` has no row and takes no number, and is only counted.
        package var forgetsUnsent = false
        package init(maxConcurrent: Int = 1_000_000, coalescing: Nanoseconds = .zero) {
            self.maxConcurrent = maxConcurrent
            self.coalescing = coalescing
        }
    }

    package var engine: CallEngine
    private var pacer: Pacer
    /// In place of the pacer, where calls are users'.
    private var loop: UserLoop?
    private var limits: Limits
    private let target: SocketAddress
    /// Whether anything at all has come back: until then the target may not exist.
    package private(set) var hasHeard = false

    package init(
        program: Program, configuration: EngineConfiguration, pacer: Pacer, target: SocketAddress,
        limits: Limits = Limits(), loop: UserLoop? = nil
    ) {
        var configuration = configuration
        configuration.hasUsers = loop != nil
        engine = CallEngine(program: program, configuration: configuration)
        self.pacer = pacer
        self.loop = loop
        if loop != nil { self.pacer.stop() }
        self.limits = limits
        self.target = target
    }

    /// When to call `advance` at the latest.
    package var deadline: MonotonicInstant { min(engine.deadline, nextSending) }

    /// When the next call is to be sent.
    package var nextSending: MonotonicInstant {
        // Only the pacer's or the loop's: to read the engine here would be to copy it.
        guard let upcoming = pacer.upcoming else { return loop?.next ?? .distantFuture }
        return upcoming.dueAt + limits.coalescing
    }

    /// Every call was placed and none is open.
    package var isFinished: Bool { !isOffering && engine.openCalls == 0 }
    package var isOffering: Bool { !pacer.isExhausted || loop.map { !$0.isOver } ?? false }

    /// Fires what is due, starts every call that is due: a late one at once. Stops early when the outbox wants to be
    /// flushed.
    package mutating func advance(to now: MonotonicInstant) {
        place(dueBy: now)
        engine.advance(to: now)
        if loop != nil { takeFreedUsers(at: now) }
    }

    /// The calls due by then, and no timers: to be called shortly before, so that their requests lie ready when it is time.
    package mutating func place(dueBy now: MonotonicInstant) {
        if loop != nil { return placeUsers(at: now) }
        let isTime = nextSending <= now
        while isTime, let arrival = pacer.upcoming, arrival.dueAt <= now, !engine.outbox.wantsFlush {
            engine.counters.offered += 1
            pacer.advance()
            if engine.openCalls < limits.maxConcurrent {
                place(arrival, at: now)
            } else if limits.forgetsUnsent {
                engine.counters.unsent += 1
            } else {
                engine.recordUnsent(arrival)
            }
        }
    }

    private mutating func place(_ arrival: Pacer.Arrival, at now: MonotonicInstant) {
        engine.counters.started += 1
        var arrival = arrival
        if limits.forgetsUnsent { arrival.number = engine.counters.started }
        engine.place(arrival, to: target, at: now)
        if engine.counters.started >= limits.placed { pacer.stop() }
    }

    /// Those whose call has just ended place the next one.
    private mutating func takeFreedUsers(at now: MonotonicInstant) {
        for user in engine.freedUsers { loop?.add(user, freedAt: now) }
        engine.freedUsers.removeAll(keepingCapacity: true)
    }

    private mutating func placeUsers(at now: MonotonicInstant) {
        takeFreedUsers(at: now)
        while !engine.outbox.wantsFlush, let (arrival, user) = loop?.take(dueBy: now) {
            engine.counters.offered += 1
            engine.counters.started += 1
            engine.place(arrival, to: target, at: now, user: user)
        }
    }

    /// Whether a call is due whose request may leave now.
    package func isCallDue(at now: MonotonicInstant) -> Bool {
        guard let upcoming = pacer.upcoming else { return false }
        return upcoming.dueAt <= now && !engine.outbox.wantsFlush
    }

    package var hasRoom: Bool { engine.openCalls < limits.maxConcurrent }

    /// The next call alone, from this source (`EngineConfiguration.hasSourcePerCall`). Without one it is recorded as unsent.
    package mutating func placeNext(from source: UInt16?, at now: MonotonicInstant) -> CallReference? {
        guard var arrival = pacer.upcoming else { return nil }
        pacer.advance()
        engine.counters.offered += 1
        guard let source else {
            if limits.forgetsUnsent { engine.counters.unsent += 1 } else { engine.recordUnsent(arrival) }
            return nil
        }
        engine.counters.started += 1
        if limits.forgetsUnsent { arrival.number = engine.counters.started }
        if engine.counters.started >= limits.placed { pacer.stop() }
        return engine.place(arrival, to: target, from: source, at: now)
    }

    /// - Parameters:
    ///   - now: when it was read.
    ///   - arrivedAt: when it arrived, where the kernel said so.
    package mutating func handleDatagram(
        _ bytes: borrowing Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant,
        arrivedAt: MonotonicInstant? = nil
    ) {
        hasHeard = true
        engine.arrival = arrivedAt.map { Moment($0) } ?? .never
        engine.handleDatagram(bytes, from: source, at: now)
        if loop != nil { takeFreedUsers(at: now) }
    }

    /// ICMP brought back the first bytes of a datagram of ours: nobody listens there.
    package mutating func handleUnreachable(_ bytes: borrowing Span<UInt8>, at now: MonotonicInstant) {
        engine.handleUnreachable(bytes, at: now)
        if loop != nil { takeFreedUsers(at: now) }
    }

    /// No new calls; the open ones go on.
    package mutating func stopOffering() {
        pacer.stop()
        loop?.stop()
    }

    /// Another rate, from the next call on.
    package mutating func change(rate: Double, at now: MonotonicInstant) { pacer.change(rate: rate, at: now) }

    /// A change of the schedule before it comes; it holds for all who share the schedule.
    package mutating func plan(_ change: Pacer.Change) { pacer.plan(change) }

    package mutating func change(maxConcurrent: Int) { limits.maxConcurrent = maxConcurrent }

    /// No calls fall due, until it is set false again.
    package mutating func setPaused(_ isPaused: Bool, at now: MonotonicInstant) {
        if isPaused { pacer.pause(at: now) } else { pacer.resume(at: now) }
    }
}

extension CallEngine {
    mutating func place(
        _ arrival: Pacer.Arrival, to target: SocketAddress, at now: MonotonicInstant, user: UInt32 = 0
    ) {
        let source = UInt16((arrival.number - 1) % UInt64(configuration.sources.count))
        place(arrival, to: target, from: source, at: now, user: user)
    }

    @discardableResult
    mutating func place(
        _ arrival: Pacer.Arrival, to target: SocketAddress, from source: UInt16, at now: MonotonicInstant,
        user: UInt32 = 0
    ) -> CallReference {
        let i = open(number: arrival.number, at: now)
        let reference = CallReference(place: UInt32(i), generation: calls[i].generation)
        calls[i].dueAt = arrival.dueAt
        calls[i].destination = target
        calls[i].source = source
        if user > 0 { callExtras[i].user = user }
        calls[i].isTagged = configuration.tagging.tags(arrival.number)
        let nothing = MessageIndex()
        run(i, at: now, Span(), nothing)
        return reference
    }

    mutating func recordUnsent(_ arrival: Pacer.Arrival) {
        counters.unsent += 1
        guard configuration.recordsCalls else { return }
        var row = CallRecord(number: arrival.number, callID: CallIDText(), due: arrival.dueAt - configuration.start)
        row.isSession = startsWithInvite
        journal.calls.append(row)
    }

    /// A datagram for a client: it belongs to a call of ours, or it is a stray.
    mutating func handleDatagram(
        _ bytes: borrowing Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant
    ) {
        counters.datagramsReceived += 1
        var index = MessageIndex()
        swap(&index, &receivedIndex)
        defer { swap(&index, &receivedIndex) }
        guard parse(bytes, from: source, &index) else { return }
        deliver(find(bytes.extracting(index.callID.bounds)), from: source, at: now, bytes, index)
    }

    mutating func parse(
        _ bytes: borrowing Span<UInt8>, from source: SocketAddress, _ index: inout MessageIndex
    ) -> Bool {
        do throws(MalformedMessage) {
            try index.parse(bytes)
            index.noteSource(source, in: bytes)
            return true
        } catch {
            if error != .keepAlive { counters.malformed += 1 }
            return false
        }
    }

    mutating func deliver(
        _ place: DirectoryEntry.Place, from source: SocketAddress, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        switch place {
        case .free: counters.stray += 1
        case .lingering(let number): receiveLate(number, from: source, at: now, bytes, index)
        case .open(let i):
            keepReceived(Int(i), bytes, at: now)
            if program.losesReceived, losesReceived(Int(i), bytes, index) { return }
            switch index.startLine {
            case .response(let status): receiveResponse(Int(i), status, at: now, bytes, index)
            case .request(let method): receiveRequest(Int(i), method, from: source, at: now, bytes, index)
            }
        }
    }

    mutating func handleUnreachable(_ bytes: borrowing Span<UInt8>, at now: MonotonicInstant) {
        counters.icmpErrors += 1
        var index = MessageIndex()
        swap(&index, &receivedIndex)
        defer { swap(&index, &receivedIndex) }
        // ICMP may have cut the datagram short (RFC 792: 8 bytes are enough); what is left may still name its call.
        do throws(MalformedMessage) { try index.parse(bytes) } catch {
            if index.callID.isEmpty { return }
        }
        guard case .open(let i) = find(bytes.extracting(index.callID.bounds)), case .request = index.startLine else {
            return
        }
        if calls[Int(i)].isClosing { release(Int(i), at: now) } else { finish(Int(i), .refused, at: now) }
    }
}
