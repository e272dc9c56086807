import Datagrams

/// When each call is due: the nth at start + n / rate, in integers, or at the nth arrival of a seeded Poisson process.
///
/// A due time never depends on when an earlier call was sent: a late call stays late and the next is on time. With several
/// workers each walks the same schedule and takes every `stride`th call of it.
///
/// A run that is told another rate on its way begins a new segment with the next call not yet placed: within each segment
/// the nth call of it is due at the segment's start + n / rate, in integers. A pause moves all later due times by its
/// length.
package struct Pacer: Sendable {
    package enum Arrivals: Sendable, Equatable { case constant, poisson(seed: UInt64) }

    /// One call of the schedule.
    package struct Arrival: Sendable, Equatable {
        /// From 1.
        package var number: UInt64
        package var dueAt: MonotonicInstant
    }

    /// Calls per second, kept as calls per 1,000,000 s so that 0.000001/s is the slowest and every due time is exact.
    /// 0: none fall due until the rate is changed.
    package private(set) var callsPerMillionSeconds: UInt64
    /// Of the rate segment: when its call number `segmentIndex` is due.
    private var segmentStart: MonotonicInstant
    private var segmentIndex: UInt64 = 0
    private let end: MonotonicInstant
    private let limit: UInt64
    private let stride: UInt64
    private var generator: SeededGenerator?
    /// Index from 0 of the call `upcoming` tells.
    private var index: UInt64
    private var poissonClock: Double = 0
    /// Since when no call falls due.
    private var pausedAt: MonotonicInstant?
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
        segmentStart = start
        end = start + duration
        self.limit = limit
        stride = workers
        callsPerMillionSeconds = max(UInt64((rate * 1e6).rounded()), 1)
        index = 0
        switch arrivals {
        case .constant: generator = nil
        case .poisson(let seed): generator = SeededGenerator(seed: seed)
        }
        stepPoisson()
        for _ in 0..<worker { step() }
        refresh()
    }

    package mutating func advance() {
        if generator == nil { index += stride } else { for _ in 0..<stride { step() } }
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

    /// Others take calls of the same schedule.
    package var isShared: Bool { stride > 1 }

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
        let now = pausedAt ?? now
        let newRate = rate == 0 ? 0 : max(UInt64((rate * 1e6).rounded()), 1)
        guard !isExhausted, newRate != callsPerMillionSeconds else { return }
        let dueAt = dueInstant
        var next = now
        if callsPerMillionSeconds == 0 || newRate == 0 {
            // From standing still: a whole interval.
            if newRate > 0 { next = now + Self.interval(newRate) }
        } else if dueAt > now {
            let (high, low) = callsPerMillionSeconds.multipliedFullWidth(by: UInt64((dueAt - now).rawValue))
            // Bounded: slower than a call in 30 years.
            let left = high < newRate ? newRate.dividingFullWidth((high, low)).quotient : UInt64(Self.longest)
            next = now + Nanoseconds(Int64(min(left, UInt64(Self.longest))))
        } else {
            next = dueAt
        }
        callsPerMillionSeconds = newRate
        segmentStart = next
        segmentIndex = index
        poissonClock = 0
        refresh()
    }

    /// No call falls due until `resume`.
    package mutating func pause(at now: MonotonicInstant) {
        guard pausedAt == nil else { return }
        pausedAt = now
        refresh()
    }

    package mutating func resume(at now: MonotonicInstant) {
        guard let since = pausedAt else { return }
        pausedAt = nil
        segmentStart = segmentStart + (now - since)
        refresh()
    }

    package var isPaused: Bool { pausedAt != nil }

    private static let longest: Int64 = 1_000_000_000_000_000_000

    private static func interval(_ callsPerMillionSeconds: UInt64) -> Nanoseconds {
        Nanoseconds(Int64(min(1_000_000_000_000_000 / callsPerMillionSeconds, UInt64(longest))))
    }

    private mutating func step() {
        index += 1
        stepPoisson()
    }

    private mutating func stepPoisson() {
        guard generator != nil else { return }
        // 1 - u lies in (0, 1]: its logarithm is finite.
        let gap = -Self.naturalLogarithm(1 - generator!.unit())
        poissonClock += gap * 1e15 / Double(callsPerMillionSeconds)
    }

    private mutating func refresh() {
        upcoming = nil
        if isExhausted { return }
        if index >= limit { return stop() }
        if pausedAt != nil || callsPerMillionSeconds == 0 { return }
        let dueAt = dueInstant
        if dueAt >= end { return stop() }
        upcoming = Arrival(number: index + 1, dueAt: dueAt)
    }

    /// Of call `index`.
    private var dueInstant: MonotonicInstant {
        segmentStart + (generator == nil ? constantOffset : Nanoseconds(Int64(poissonClock)))
    }

    private var constantOffset: Nanoseconds {
        if callsPerMillionSeconds == 0 { return .zero }
        let product = (index - segmentIndex).multipliedFullWidth(by: 1_000_000_000_000_000)
        let (quotient, _) = callsPerMillionSeconds.dividingFullWidth(product)
        return Nanoseconds(Int64(quotient))
    }

    /// ln x for 0 < x <= 1, to the last bits: the pure modules have no C library. x = m * 2^e with m in
    /// [sqrt(1/2), sqrt(2)), then the series of 2 artanh((m - 1) / (m + 1)).
    static func naturalLogarithm(_ x: Double) -> Double {
        var mantissa = x.significand
        var exponent = Double(x.exponent)
        if mantissa > 1.4142135623730951 {
            mantissa /= 2
            exponent += 1
        }
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var sum = 0.0
        var power = ratio
        var n = 1.0
        while n <= 27 {
            sum += power / n
            power *= square
            n += 2
        }
        return exponent * 0.6931471805599453 + 2 * sum
    }
}
