import Datagrams
import Latency
import UDPTransport

/// What the kernel has counted of a thread up to now.
struct ThreadUsage {
    private let involuntarySwitches: UInt64?
    private let waitedForCPU: Nanoseconds?

    static func ofThisThread() -> ThreadUsage {
        ThreadUsage(
            involuntarySwitches: KernelText.contents("/proc/thread-self/status").flatMap {
                KernelCounts.involuntarySwitches(status: $0)
            },
            waitedForCPU: KernelText.contents("/proc/thread-self/schedstat").flatMap {
                KernelCounts.waitedForCPU(schedstat: $0)
            })
    }

    func tell(since start: ThreadUsage, _ disturbances: inout Disturbances) {
        if let now = involuntarySwitches, let then = start.involuntarySwitches {
            disturbances.involuntarySwitches = now - then
        }
        if let now = waitedForCPU, let then = start.waitedForCPU { disturbances.waitedForCPU = now - then }
    }
}

/// What the kernel has counted of the machine up to now: the time it was suspended, and what the hypervisor took of some
/// of its CPUs.
package struct HostWatch {
    private let cpus: [Int]
    private let suspended: Nanoseconds
    private let processors: KernelCounts.Processors?

    /// - Parameter cpus: nil: those this process may use.
    package init(cpus: [Int]?) {
        let cpus = cpus ?? Self.allowedCPUs() ?? []
        self.cpus = cpus
        suspended = SystemClock.suspended()
        processors = KernelText.contents("/proc/stat").flatMap { KernelCounts.Processors(of: cpus, stat: $0) }
    }

    /// The CPUs this process may run on.
    static func allowedCPUs() -> [Int]? {
        KernelText.contents("/proc/self/status").flatMap { KernelCounts.allowedCPUs(status: $0) }
    }

    /// What came since this was made.
    package func tell(_ disturbances: inout Disturbances) {
        let now = HostWatch(cpus: cpus)
        disturbances.suspended = now.suspended - suspended
        guard let before = processors, let after = now.processors else { return }
        // The kernel's steal may go backwards after a migration to another host.
        disturbances.stolen = max(after.stolen - before.stolen, .zero)
        disturbances.stealable = after.all - before.all
    }
}
