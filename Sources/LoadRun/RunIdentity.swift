import Datagrams
import Glibc
import UDPTransport

/// Tells one run's Call-IDs and branches from those of a run a moment ago, which the server may still remember.
package enum RunIdentity {
    /// From the clock and the process, not from the seed: the same seed must not repeat them.
    package static func make() -> UInt32 {
        let now = UInt64(bitPattern: SystemClock.monotonic().nanoseconds ^ SystemClock.wall().nanoseconds)
        var generator = SeededGenerator(seed: now ^ UInt64(UInt32(bitPattern: getpid())) << 40)
        return UInt32(truncatingIfNeeded: generator.next())
    }
}
