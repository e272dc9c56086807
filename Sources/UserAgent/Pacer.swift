import Datagrams

/// When each call is due: the nth at start + n / rate, in integers, or at the nth arrival of a seeded Poisson process.
///
/// A due time never depends on when an earlier call was sent: a late call stays late and the next is on time. With several
/// workers each walks the same schedule and takes every `stride`th call of it.
///
/// A run that is told another rate on its way begins a new segment with the next call not yet placed: within each segment
/// the nth call of it is due at the segment's start + n / rate, in integers. A pause moves all later due times by its
/// length.
///
/// A change that is known before it comes (`plan`) is part of the schedule: which call is due when follows from the
/// changes and their instants alone, however far behind a worker is and however many of them share the schedule.
package struct Pacer: Sendable {
    package enum Arrivals: Sendable, Equatable { case constant, poisson(seed: UInt64) }

    /// One call of the schedule.
    package struct Arrival: Sendable, Equatable {
        /// From 1.
        package var number: UInt64
        package var dueAt: MonotonicInstant
    }

    /// A change of the schedule, told to all who walk it before it comes.
    package struct Change: Sendable, Equatable {
        package enum Kind: Sendable, Equatable {
            /// Calls per second, 0.000001 up to 10 million. What is left of every wait shrinks or grows with the rate.
            case rate(Double)
            /// No call falls due until the schedule is resumed; all later ones are due later by the pause's length.
            case pause, resume
        }

        package var at: MonotonicInstant
        package var kind: Kind

        package init(at: MonotonicInstant, _ kind: Kind) {
            self.at = at
            self.kind = kind
        }
    }

    /// Where somebody who walks the schedule has got to.
    fileprivate struct Walk: Sendable {
        /// Calls per second, kept as calls per 1,000,000 s so that 0.000001/s is the slowest and every due time is exact.
        /// 0: none fall due until the rate is changed.
        var callsPerMillionSeconds: UInt64
        var segmentStart: MonotonicInstant
        /// How far the schedule had come when the segment began: calls times 10^15.
        var phase: UInt128 = 0
        var generator: SeededGenerator?
        /// Nanoseconds from the segment's start to the arrival, where arrivals are random.
        var poissonClock: Double = 0
        /// From 0.
        var index: UInt64 = 0
        /// Since when no call falls due.
        var pausedAt: MonotonicInstant?
        /// How many of the planned changes are behind.
        var changesTaken = 0
    }

    /// At the call `upcoming` tells; it is `steps` arrivals after `base`, which no change still to be planned can move.
    private var ahead: Walk
    private var base: Walk
    private var steps: UInt64
    private var changes: [Change] = []
    private let end: MonotonicInstant
    private let limit: UInt64
    private let stride: UInt64
    /// Nil: none is due, for now or for ever (`isExhausted`).
    package private(set) var upcoming: Arrival?
    /// No further call will ever fall due.
    package private(set) var isExhausted = false

    /// - Parameters:
    ///   - rate: calls per second, above 0 and up to 10 million.
    ///   - duration: calls due before start + duration are made.
    ///   - limit: at most this many calls.
    ///   - worker, workers: which share of the schedule this pacer takes.
    package init(
        start: MonotonicInstant, rate: Double, duration: Nanoseconds, limit: UInt64 = .max,
        arrivals: Arrivals = .constant, worker: UInt64 = 0, workers: UInt64 = 1
    ) {
        precondition(rate > 0 && rate <= 1e7, "a rate of \(rate) calls/s")
        end = start + duration
        self.limit = limit
        stride = workers
        ahead = Walk(callsPerMillionSeconds: Self.perMillionSeconds(rate), segmentStart: start)
        switch arrivals {
        case .constant: break
        case .poisson(let seed): ahead.generator = SeededGenerator(seed: seed)
        }
        ahead.drawGap()
        base = ahead
        steps = worker
        ahead.step(steps, heeding: changes)
        refresh()
    }

    package mutating func advance() {
        base = ahead
        steps = stride
        ahead.step(steps, heeding: changes)
        refresh()
    }

    /// A change that comes later than any call taken so far was due, and not before those planned earlier. All who share
    /// the schedule are to be told the same.
    package mutating func plan(_ change: Change) {
        if isExhausted { return }
        changes.append(change)
        ahead = base
        ahead.heed(changes)
        ahead.step(steps, heeding: changes)
        refresh()
    }

    /// Leaves out the calls due before `instant`, and says how many those were.
    package mutating func skip(dueBefore instant: MonotonicInstant) -> UInt64 {
        var skipped: UInt64 = 0
        while let next = upcoming, next.dueAt < instant {
            skipped += 1
            advance()
        }
        return skipped
    }

    /// No further call is due.
    package mutating func stop() {
        upcoming = nil
        isExhausted = true
    }

    /// Calls per second from `now` on: 0 up to 10 million. What was left of the wait for the next call shrinks or grows
    /// with the rate; an overdue one stays due when it was. Only where there is one worker: the others would not know of
    /// it in the same instant.
    package mutating func change(rate: Double, at now: MonotonicInstant) {
        precondition(rate >= 0 && rate <= 1e7, "a rate of \(rate) calls/s")
        precondition(stride == 1, "the rate of a shared schedule")
        let now = ahead.pausedAt ?? now
        let old = ahead.callsPerMillionSeconds
        let newRate = rate == 0 ? 0 : Self.perMillionSeconds(rate)
        guard !isExhausted, newRate != old else { return }
        let dueAt = ahead.dueInstant
        var next = now
        if old == 0 || newRate == 0 {
            // From standing still: a whole interval.
            if newRate > 0 { next = now + Self.interval(newRate) }
        } else if dueAt > now {
            let (high, low) = old.multipliedFullWidth(by: UInt64((dueAt - now).rawValue))
            // Bounded: slower than a call in 30 years.
            let left = high < newRate ? newRate.dividingFullWidth((high, low)).quotient : UInt64(Self.longest)
            next = now + Nanoseconds(Int64(min(left, UInt64(Self.longest))))
        } else {
            next = dueAt
        }
        ahead.callsPerMillionSeconds = newRate
        ahead.segmentStart = next
        ahead.phase = UInt128(ahead.index) * Self.phaseOfACall
        ahead.poissonClock = 0
        settle()
    }

    /// No call falls due until `resume`.
    package mutating func pause(at now: MonotonicInstant) {
        guard ahead.pausedAt == nil else { return }
        ahead.pausedAt = now
        settle()
    }

    package mutating func resume(at now: MonotonicInstant) {
        guard let since = ahead.pausedAt else { return }
        ahead.pausedAt = nil
        ahead.segmentStart = ahead.segmentStart + (now - since)
        settle()
    }

    package var isPaused: Bool { ahead.pausedAt != nil }
    package var callsPerMillionSeconds: UInt64 { ahead.callsPerMillionSeconds }

    /// What was changed at once stays changed.
    private mutating func settle() {
        base = ahead
        steps = 0
        refresh()
    }

    private static let longest: Int64 = 1_000_000_000_000_000_000

    private static func interval(_ callsPerMillionSeconds: UInt64) -> Nanoseconds {
        Nanoseconds(Int64(min(1_000_000_000_000_000 / callsPerMillionSeconds, UInt64(longest))))
    }

    fileprivate static func perMillionSeconds(_ rate: Double) -> UInt64 { max(UInt64((rate * 1e6).rounded()), 1) }

    fileprivate static let phaseOfACall: UInt128 = 1_000_000_000_000_000

    private mutating func refresh() {
        upcoming = nil
        if isExhausted { return }
        if ahead.index >= limit { return stop() }
        if ahead.pausedAt != nil || ahead.callsPerMillionSeconds == 0 { return }
        let dueAt = ahead.dueInstant
        if dueAt >= end { return stop() }
        upcoming = Arrival(number: ahead.index + 1, dueAt: dueAt)
    }
}

extension Pacer.Walk {
    mutating func step(_ count: UInt64, heeding changes: [Pacer.Change]) {
        if generator == nil, changesTaken == changes.count {
            index += count
            return
        }
        for _ in 0..<count {
            index += 1
            drawGap()
            heed(changes)
        }
    }

    mutating func drawGap() {
        guard generator != nil else { return }
        // 1 - u lies in (0, 1]: its logarithm is finite.
        let gap = -Elementary.logarithm(1 - generator!.unit())
        poissonClock += gap * 1e15 / Double(callsPerMillionSeconds)
    }

    /// Every change that comes before this arrival is due moves it.
    mutating func heed(_ changes: [Pacer.Change]) {
        while changesTaken < changes.count {
            let change = changes[changesTaken]
            if pausedAt == nil, change.at >= dueInstant { return }
            take(change)
            changesTaken += 1
        }
    }

    private mutating func take(_ change: Pacer.Change) {
        switch change.kind {
        case .rate(let rate): setRate(Pacer.perMillionSeconds(rate), at: max(pausedAt ?? change.at, segmentStart))
        case .pause: pausedAt = pausedAt ?? change.at
        case .resume:
            guard let since = pausedAt else { return }
            pausedAt = nil
            segmentStart = segmentStart + (change.at - since)
        }
    }

    private mutating func setRate(_ rate: UInt64, at instant: MonotonicInstant) {
        let past = instant - segmentStart
        if generator == nil {
            phase += UInt128(callsPerMillionSeconds) * UInt128(past.rawValue)
        } else {
            poissonClock = (poissonClock - Double(past.rawValue)) * Double(callsPerMillionSeconds) / Double(rate)
        }
        segmentStart = instant
        callsPerMillionSeconds = rate
    }

    /// Of call `index`.
    var dueInstant: MonotonicInstant {
        segmentStart + (generator == nil ? constantOffset : Nanoseconds(Int64(poissonClock)))
    }

    private var constantOffset: Nanoseconds {
        if callsPerMillionSeconds == 0 { return .zero }
        let left = UInt128(index) * Pacer.phaseOfACall - phase
        let parts = (high: UInt64(left >> 64), low: UInt64(truncatingIfNeeded: left))
        // Bounded: later than in 292 years.
        guard parts.high < callsPerMillionSeconds else { return Nanoseconds(.max / 4) }
        let (quotient, _) = callsPerMillionSeconds.dividingFullWidth(parts)
        return Nanoseconds(Int64(clamping: min(quotient, UInt64(Int64.max / 4))))
    }
}
