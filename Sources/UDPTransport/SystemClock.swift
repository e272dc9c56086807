import Datagrams
import Glibc

/// The kernel's clocks by name. Swift's `ContinuousClock` is BOOTTIME on Linux, and packets are not stamped with that.
package enum SystemClock {
    package static func monotonic() -> MonotonicInstant {
        MonotonicInstant(nanoseconds: read(CLOCK_MONOTONIC))
    }

    package static func wall() -> WallInstant { WallInstant(nanoseconds: read(CLOCK_REALTIME)) }

    /// Both clocks read together: of several readings, the one the monotonic clock brackets most tightly.
    package static func pair() -> ClockPair {
        var best = ClockPair(wall: wall(), monotonic: monotonic(), uncertainty: Nanoseconds(.max / 4))
        for _ in 0..<5 {
            let before = monotonic()
            let wall = wall()
            let span = monotonic() - before
            if span / 2 < best.uncertainty {
                best = ClockPair(wall: wall, monotonic: before + span / 2, uncertainty: span / 2)
            }
        }
        return best
    }

    /// CPU time of the calling thread since it started.
    package static func threadCPU() -> Nanoseconds { Nanoseconds(read(CLOCK_THREAD_CPUTIME_ID)) }

    /// How long this machine has been suspended since it was started: the monotonic clock stands still meanwhile. The
    /// least of several readings, for whoever is held up between the two clocks sees a suspend that was none.
    package static func suspended() -> Nanoseconds {
        var least = Int64.max
        for _ in 0..<5 {
            let monotonic = read(CLOCK_MONOTONIC)
            least = min(least, read(CLOCK_BOOTTIME) - monotonic)
        }
        return Nanoseconds(least)
    }

    package static func processCPU() -> Nanoseconds { Nanoseconds(read(CLOCK_PROCESS_CPUTIME_ID)) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var reading = timespec()
        clock_gettime(clock, &reading)
        return Int64(reading.tv_sec) * 1_000_000_000 + Int64(reading.tv_nsec)
    }
}
