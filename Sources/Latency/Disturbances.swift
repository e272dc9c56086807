import Datagrams

/// What came between the sending threads and their work, by the word of their loop and of the kernel: stalls, other
/// programs on their CPU, the hypervisor, a suspend. It says nothing of the server.
///
/// What could not be read is nil, and judged by nobody.
package struct Disturbances: Sendable, Equatable {
    /// The longest time a sending thread's loop did not come round, less what it had meant to sleep.
    package var longestStall = Nanoseconds.zero
    /// When that stall ended, from the run's start.
    package var longestStallEnded = Nanoseconds.zero
    /// Stalls of `shortestStall` or more, over all sending threads.
    package var stalls: UInt64 = 0
    /// Times a sending thread was made to leave its CPU while it still had work (getrusage: nivcsw).
    package var involuntarySwitches: UInt64?
    /// How long the sending threads were ready to run and waited for a CPU (schedstat: run delay).
    package var waitedForCPU: Nanoseconds?
    /// What the hypervisor took of the CPUs the sending threads may use (steal in /proc/stat), and all there was.
    package var stolen: Nanoseconds?
    package var stealable = Nanoseconds.zero
    /// How far CLOCK_BOOTTIME ran ahead of CLOCK_MONOTONIC: the machine was asleep.
    package var suspended = Nanoseconds.zero

    /// A fifth of T1, and longer than what an ordinary scheduler does with a few competitors (slices of 3 to 4 ms) or the
    /// limit on real-time tasks does once a second (50 ms). Shorter ones matter only by the calls they delay, which
    /// the lateness shows.
    package static let shortestStall = Nanoseconds.milliseconds(100)

    package init() {}

    /// A share 0...1. Nil where the kernel does not say.
    package var stolenShare: Double? {
        guard let stolen, stealable > .zero else { return nil }
        return stolen.seconds / stealable.seconds
    }

    package mutating func noteStall(_ length: Nanoseconds, endedAt at: Nanoseconds) {
        if length >= Self.shortestStall { stalls += 1 }
        guard length > longestStall else { return }
        longestStall = length
        longestStallEnded = at
    }

    /// Adds what another sending thread of the same run saw.
    package mutating func merge(_ other: Disturbances) {
        if other.longestStall > longestStall {
            longestStall = other.longestStall
            longestStallEnded = other.longestStallEnded
        }
        stalls += other.stalls
        involuntarySwitches = Self.sum(involuntarySwitches, other.involuntarySwitches, +)
        waitedForCPU = Self.sum(waitedForCPU, other.waitedForCPU, +)
    }

    /// What one thread's kernel did not say is not known of all.
    private static func sum<T>(_ a: T?, _ b: T?, _ add: (T, T) -> T) -> T? {
        guard let a, let b else { return nil }
        return add(a, b)
    }
}
