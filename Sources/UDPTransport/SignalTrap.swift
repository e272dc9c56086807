import CLinuxNet
import Synchronization

/// Counts SIGINT and SIGTERM instead of dying of them, and pokes a wake-up at each. One per process.
package enum SignalTrap {
    /// Kept for as long as a handler may poke it: from the first `set` on, for ever.
    private static let wakeups = Mutex<[Wakeup]>([])

    /// The count starts at zero.
    package static func set(poking wakeup: Wakeup) throws(SystemError) {
        wakeups.withLock { $0.append(wakeup) }
        try kernelResult("sigaction", clinuxnet_trap_signals(wakeup.descriptor))
    }

    /// Gives both signals their default action back.
    package static func release() throws(SystemError) {
        try kernelResult("sigaction", clinuxnet_trap_signals(-1))
    }

    /// From now on this process gets SIGTERM when the one that started it ends, however that ends.
    package static func endWithParent() throws(SystemError) {
        try kernelResult("prctl(PR_SET_PDEATHSIG)", clinuxnet_end_with_parent())
    }

    /// Signals since `set`.
    package static var interruptions: Int { Int(clinuxnet_interruptions()) }
}
