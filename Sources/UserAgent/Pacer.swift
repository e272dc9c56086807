import Datagrams

/// When each call is due: the nth at start + n / rate, in integers, or at the nth arrival of a seeded Poisson process.
///
/// A due time never depends on when an earlier call was sent: a late call stays late and the next is on time. With several
/// workers each walks the same schedule and takes every `stride`th call of it.
package struct Pacer: Sendable {
    package enum Arrivals: Sendable, Equatable { case constant, poisson(seed: UInt64) }

    /// One call of the schedule.
    package struct Arrival: Sendable, Equatable {
        /// From 1.
        package var number: UInt64
        package var dueAt: MonotonicInstant
    }

    /// Calls per second, kept as calls per 1,000,000 s so that 0.000001/s is the slowest and every due time is exact.
    package let callsPerMillionSeconds: UInt64
    private let start: MonotonicInstant
    private let end: MonotonicInstant
    private let limit: UInt64
    private let stride: UInt64
    private var generator: SeededGenerator?
    /// Index from 0 of the call `upcoming` tells.
    private var index: UInt64
    private var poissonClock: Double = 0
    package private(set) var upcoming: Arrival?

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
        self.start = start
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

    /// No further call is due.
    package mutating func stop() { upcoming = nil }

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
        let offset = generator == nil ? constantOffset : Nanoseconds(Int64(poissonClock))
        let dueAt = start + offset
        upcoming = index < limit && dueAt < end ? Arrival(number: index + 1, dueAt: dueAt) : nil
    }

    private var constantOffset: Nanoseconds {
        let product = index.multipliedFullWidth(by: 1_000_000_000_000_000)
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
