import Datagrams

/// Calls of a closed loop: each of N users has one call at a time, and begins the next when it has ended.
package struct UserLoop: Sendable {
    private struct Ready: Sendable, BitwiseCopyable {
        var user: UInt32
        var dueAt: MonotonicInstant
    }

    private let end: MonotonicInstant
    private let limit: UInt64
    private let stride: UInt64
    private var nextNumber: UInt64
    /// In the order in which their calls are due.
    private var ready = Ring<Ready>(minimumCapacity: 16)
    private(set) var isOver = false

    /// Between the end of a call and the user's next: time goes on even where calls take none.
    static let pause = Nanoseconds.microseconds(1)

    /// - Parameters:
    ///   - users: of the whole run, counted from 1.
    ///   - limit: at most so many calls in the whole run.
    ///   - worker, workers: which share of the users and the call numbers this loop takes.
    package init(
        users: Int, start: MonotonicInstant, duration: Nanoseconds, limit: UInt64 = .max, worker: Int = 0,
        workers: Int = 1
    ) {
        end = start + duration
        self.limit = limit
        stride = UInt64(workers)
        nextNumber = UInt64(worker) + 1
        var user = worker + 1
        while user <= users {
            ready.append(Ready(user: UInt32(user), dueAt: start))
            user += workers
        }
        if ready.isEmpty || nextNumber > limit { isOver = true }
    }

    /// When the next call may be due; the end at the latest, so that it is noticed.
    var next: MonotonicInstant {
        if isOver { return .distantFuture }
        return min(ready.first?.dueAt ?? .distantFuture, end)
    }

    mutating func add(_ user: UInt32, freedAt now: MonotonicInstant) {
        ready.append(Ready(user: user, dueAt: now + Self.pause))
    }

    mutating func stop() { isOver = true }

    /// The call that is due, and whose it is.
    mutating func take(dueBy now: MonotonicInstant) -> (arrival: Pacer.Arrival, user: UInt32)? {
        if now >= end { isOver = true }
        guard !isOver, let first = ready.first, first.dueAt <= now else { return nil }
        _ = ready.removeFirst()
        let arrival = Pacer.Arrival(number: nextNumber, dueAt: first.dueAt)
        nextNumber += stride
        if nextNumber > limit { isOver = true }
        return (arrival, first.user)
    }
}
