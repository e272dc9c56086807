import CLinuxNet

/// How far this host's wall clock may be from the world's, as the kernel knows it from whoever keeps it (chrony, ntpd).
package struct ClockState: Sendable {
    package var isSynchronised: Bool
    /// Both in microseconds.
    package var mostError: Int64
    package var estimatedError: Int64

    /// Nil where the kernel does not say (a container may forbid to ask).
    package static func read() -> ClockState? {
        var state = clinuxnet_clock_state()
        guard clinuxnet_read_clock_state(&state) == 0 else { return nil }
        return ClockState(
            isSynchronised: state.is_synchronised, mostError: state.most_error_us,
            estimatedError: state.estimated_error_us)
    }
}
