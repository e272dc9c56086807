extension MachineFacts {
    private static let cpus = "/sys/devices/system/cpu"

    var processorFindings: [Finding] {
        [allowedCPUs, quota, isolation, threadSiblings, governor, idleStates, latencyHold, clockSource].compactMap {
            $0
        }
    }

    private var allowedCPUs: Finding {
        let allowed = field("Cpus_allowed_list", of: "/proc/self/status") ?? ""
        let online = text(Self.cpus + "/online") ?? allowed
        let (mine, all) = (Self.count(ofList: allowed), Self.count(ofList: online))
        return Finding(
            .processors, "allowed_cpus", "CPUs allowed", mine >= 2 ? .ok : .limited, "\(mine) of \(all) (\(allowed))",
            "generator and server on one machine want a CPU each",
            mend: mendOfCPUs(online, all))
    }

    private func mendOfCPUs(_ online: String, _ count: Int) -> Finding.Mend {
        if count < 2 { return .advice("give the machine a second CPU, or run the server on another one") }
        if container != nil { return .advice("start the container without --cpuset-cpus") }
        return .command("taskset -c \(online) \(program) run")
    }

    /// `cpu.max` of the control group or of any above it; version 1 has two files for it.
    private var quota: Finding {
        let why = "when it is spent, every thread stands still to the end of the period"
        guard let (path, quota, period) = tightestQuota else {
            return Finding(.processors, "cpu_quota", "CPU quota", .ok, "none", why)
        }
        let file = path.hasSuffix("/cpu.max") ? "max" : "-1"
        return Finding(
            .processors, "cpu_quota", "CPU quota", .limited,
            "\(Self.tenths(10 * quota / max(period, 1))) CPUs, in periods of \(period / 1000) ms", why,
            mend: container == nil
                ? .command("echo \(file) | sudo tee \(path)")
                : .advice("start the container without --cpus, or docker update --cpus=\(cpuCount) NAME"))
    }

    private static func tenths(_ n: Int) -> String { "\(n / 10).\(n % 10)" }

    private var cpuCount: Int { Self.count(ofList: text(Self.cpus + "/online") ?? "0") }

    private var tightestQuota: (path: String, quota: Int, period: Int)? {
        var found: [(path: String, quota: Int, period: Int)] = []
        for line in (text("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("cpu") else { continue }
            for group in Self.ancestors(String(parts[2])) {
                if isSecond {
                    let path = "/sys/fs/cgroup\(group)/cpu.max"
                    let numbers = (text(path) ?? "").split(separator: " ").compactMap { Int($0) }
                    if numbers.count == 2 { found.append((path, numbers[0], numbers[1])) }
                } else {
                    let path = "/sys/fs/cgroup/cpu\(group)/cpu.cfs_quota_us"
                    if let quota = number(path), quota > 0 {
                        found.append((path, quota, number("/sys/fs/cgroup/cpu\(group)/cpu.cfs_period_us") ?? 100_000))
                    }
                }
            }
        }
        return found.min { $0.quota * $1.period < $1.quota * $0.period }
    }

    /// `/a/b`, `/a` and the root, which is empty.
    private static func ancestors(_ path: String) -> [String] {
        let parts = path.split(separator: "/")
        return (0...parts.count).reversed().map { parts.prefix($0).map { "/" + $0 }.joined() }
    }

    private var isolation: Finding {
        let isolated = text(Self.cpus + "/isolated") ?? ""
        return Finding(
            .processors, "isolated_cpus", "isolated CPUs", .ok, isolated.isEmpty ? "none" : isolated,
            isolated.isEmpty
                ? "with isolcpus= at boot --cpu could put a worker where nothing else runs"
                : "--cpu puts a worker where nothing else runs")
    }

    private var threadSiblings: Finding {
        let why = "two threads of one core slow each other, now more and now less"
        let isActive = number(Self.cpus + "/smt/active") == 1
        return Finding(
            .processors, "smt", "SMT", isActive ? .limited : .ok, isActive ? "on" : "off or not seen from here", why,
            mend: .command("echo off | sudo tee \(Self.cpus)/smt/control"))
    }

    private var governor: Finding {
        let why = "a clock that follows the load makes light loads answer slower"
        guard let governor = text(Self.cpus + "/cpu0/cpufreq/scaling_governor") else {
            return Finding(
                .processors, "governor", "frequency governor", .ok,
                isVirtual ? "none here: the host's business" : "none", why)
        }
        return Finding(
            .processors, "governor", "frequency governor", governor == "performance" ? .ok : .limited, governor, why,
            mend: .command("echo performance | sudo tee \(Self.cpus)/cpu*/cpufreq/scaling_governor"))
    }

    /// Longest time to wake up that a measurement to the microsecond puts up with, in microseconds.
    private static let wakeLimit = 10

    private var idleStates: Finding {
        let why = "waking a sleeping CPU comes on top of every answer to an idle server"
        func finding(_ state: Finding.State, _ value: String, _ mend: Finding.Mend? = nil) -> Finding {
            Finding(.processors, "idle_states", "idle states", state, value, why, mend: mend)
        }
        if bootWords.contains("idle=poll") { return finding(.ok, "none: idle=poll") }
        let states = enabledIdleStates
        let driver = text(Self.cpus + "/cpuidle/current_driver") ?? "none"
        if isVirtual {
            return finding(
                .limited, "HLT (driver \(driver)): leaves the virtual machine, 20 us and more to wake",
                .advice("hold /dev/cpu_dma_latency at 0 (below), or boot the guest with idle=poll"))
        }
        guard let deepest = states.max(by: { $0.latency < $1.latency }) else {
            return finding(.ok, "none (driver \(driver))")
        }
        return finding(
            deepest.latency <= Self.wakeLimit ? .ok : .limited,
            "\(driver), down to \(deepest.name): \(deepest.latency) us to wake",
            .command("sudo cpupower idle-set -D \(Self.wakeLimit)"))
    }

    private var enabledIdleStates: [(name: String, latency: Int)] {
        let folder = Self.cpus + "/cpu0/cpuidle"
        return names(folder).compactMap { state in
            guard let latency = number("\(folder)/\(state)/latency"), number("\(folder)/\(state)/disable") != 1 else {
                return nil
            }
            return (text("\(folder)/\(state)/name") ?? state, latency)
        }
    }

    /// `/dev/cpu_dma_latency` reads as four bytes: the shortest wake-up time anybody holds it to, in microseconds.
    private var latencyHold: Finding {
        let device = "/dev/cpu_dma_latency"
        let why = "a program that holds it at 0 keeps CPUs awake for as long as it runs"
        func finding(_ state: Finding.State, _ value: String, _ mend: Finding.Mend? = nil) -> Finding {
            Finding(.processors, "cpu_dma_latency", "wake-up latency", state, value, why, mend: mend)
        }
        let hold = Finding.Mend.command(
            "sudo sh -c 'exec 3>\(device); printf \"\\0\\0\\0\\0\" >&3; exec \(program) run'")
        if bootWords.contains("idle=poll") { return finding(.ok, "not needed: idle=poll") }
        guard let bytes = file(device), bytes.count >= 4 else {
            return isWritable(device)
                ? finding(.limited, "not read", hold)
                : finding(
                    .limited, "\(device) cannot be opened",
                    container == nil
                        ? hold
                        : .advice(
                            "start the container with --device=\(device)"))
        }
        let microseconds = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
        if microseconds <= Self.wakeLimit { return finding(.ok, "held at \(microseconds) us") }
        return finding(.limited, "nobody holds it below \(Self.wakeLimit) us", hold)
    }

    /// Clock sources whose time a process reads without entering the kernel.
    private static let readInUserSpace = [
        "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "riscv_clocksource", "timebase",
    ]

    private var clockSource: Finding {
        let folder = "/sys/devices/system/clocksource/clocksource0"
        let why = "a call reads it a dozen times: some 20 ns each, or a system call"
        guard let current = text(folder + "/current_clocksource") else {
            return Finding(
                .processors, "clock_source", "clock source", .limited, "unknown: \(folder) is not to be read", why,
                mend: .advice("mount /sys"))
        }
        let better = (text(folder + "/available_clocksource") ?? "").split(separator: " ").map(String.init)
            .first { Self.readInUserSpace.contains($0) }
        return Finding(
            .processors, "clock_source", "clock source", Self.readInUserSpace.contains(current) ? .ok : .limited,
            current, why,
            mend: better.map { .command("echo \($0) | sudo tee \(folder)/current_clocksource") }
                ?? .advice("boot with tsc=reliable, if the machine's TSC is"))
    }
}
