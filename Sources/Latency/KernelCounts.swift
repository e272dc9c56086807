import Datagrams

/// What the kernel's text files count, of a thread and of the CPUs, up to the moment they were read.
package enum KernelCounts {
    /// What the hypervisor took of some CPUs, and all the time they had.
    package struct Processors: Sendable, Equatable {
        package var stolen = Nanoseconds.zero
        package var all = Nanoseconds.zero

        package init(stolen: Nanoseconds = .zero, all: Nanoseconds = .zero) {
            self.stolen = stolen
            self.all = all
        }

        /// `stat` is /proc/stat, of whose lines `cpuN user nice system idle iowait irq softirq steal guest guest_nice`
        /// those of `cpus` are summed, in ticks; a guest's time is in the user's already. Nil where none of them is there.
        package init?(of cpus: [Int], stat: String) {
            let names = Set(cpus.map { "cpu\($0)" })
            self.init()
            for line in stat.split(separator: "\n") {
                let fields = line.split(separator: " ")
                guard fields.count > 8, names.contains(String(fields[0])) else { continue }
                let ticks = fields[1...8].compactMap { Int64($0) }
                guard ticks.count == 8 else { return nil }
                stolen += Self.tick * ticks[7]
                all += Self.tick * ticks.reduce(0, +)
            }
            if all == .zero { return nil }
        }

        /// USER_HZ is 100 on every architecture Swift runs on.
        private static let tick = Nanoseconds.milliseconds(10)
    }

    /// Times a thread was made to leave its CPU, by its `status` file.
    package static func involuntarySwitches(status: String) -> UInt64? {
        field("nonvoluntary_ctxt_switches", of: status).flatMap { UInt64($0) }
    }

    /// The CPUs a thread may use, by its `status` file: `0-3,8` is five of them.
    package static func allowedCPUs(status: String) -> [Int]? {
        guard let list = field("Cpus_allowed_list", of: status) else { return nil }
        var cpus: [Int] = []
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            cpus += first...last
        }
        return cpus
    }

    /// How long a thread was ready to run and waited for a CPU, by its `schedstat` file: time on a CPU, time waiting for
    /// one, time slices.
    package static func waitedForCPU(schedstat: String) -> Nanoseconds? {
        let fields = schedstat.split { $0 == " " || $0 == "\n" }
        guard fields.count == 3, let waited = Int64(fields[1]) else { return nil }
        return Nanoseconds(waited)
    }

    private static func field(_ name: String, of text: String) -> Substring? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.dropFirst(name.utf8.count + 1).drop { $0 == " " || $0 == "\t" }
        }
        return nil
    }
}
