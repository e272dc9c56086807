import Datagrams
import Glibc
import UDPTransport

/// What the pure engine is told of the wall clock.
package enum LocalTime {
    /// The wall clock's reading at this monotonic instant, and the local time's offset from UTC in seconds.
    package static func at(_ instant: MonotonicInstant) -> (WallInstant, Int64) {
        let (wall, now) = (SystemClock.wall(), SystemClock.monotonic())
        var seconds = time_t(wall.nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return (WallInstant(nanoseconds: wall.nanoseconds + (instant - now).rawValue), Int64(parts.tm_gmtoff))
    }
}
