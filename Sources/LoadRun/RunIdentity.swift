import Datagrams
import Glibc
import UDPTransport
import UserAgent

/// Tells one run's Call-IDs and branches from those of a run a moment ago, which the server may still remember.
package enum RunIdentity {
    /// From the clock and the process, not from the seed: the same seed must not repeat them. The lowest bits are the
    /// shard's number, so that two shards of a run never have the same, on whatever host.
    package static func make(_ shard: Shard = .whole) -> UInt32 {
        let now = UInt64(bitPattern: SystemClock.monotonic().nanoseconds ^ SystemClock.wall().nanoseconds)
        var generator = SeededGenerator(seed: now ^ UInt64(UInt32(bitPattern: getpid())) << 40)
        let bits = UInt32(Int.bitWidth - (shard.count - 1).leadingZeroBitCount)
        return UInt32(truncatingIfNeeded: generator.next()) << bits | UInt32(shard.index)
    }
}
