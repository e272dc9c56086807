import MachineReport

/// Machines that never were, as their files.
enum Machines {
    static func facts(
        _ files: [String: String], devices: [String: [UInt8]] = [:], writable: Set<String> = []
    ) -> MachineFacts {
        MachineFacts(
            file: { path in devices[path] ?? files[path].map { Array(($0 + "\n").utf8) } },
            names: { folder in
                let inside = files.keys.filter { $0.hasPrefix(folder + "/") }
                return Set(inside.map { String($0.dropFirst(folder.count + 1).prefix { $0 != "/" }) }).sorted()
            },
            isWritable: { writable.contains($0) })
    }

    static func status(effective: String, bounding: String = "000001ffffffffff", cpus: String, noNewPrivs: Int = 0)
        -> String
    {
        """
        Name:\tsipmeter
        CapInh:\t0000000000000000
        CapPrm:\t\(effective)
        CapEff:\t\(effective)
        CapBnd:\t\(bounding)
        NoNewPrivs:\t\(noNewPrivs)
        Cpus_allowed_list:\t\(cpus)
        """
    }

    static func limits(files: String, realtime: String = "0", locked: String = "8388608") -> String {
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max open files            \(files)                1048576              files
        Max locked memory         \(locked)              8388608              bytes
        Max realtime priority     \(realtime)                    0
        """
    }

    static let clock = "/sys/devices/system/clocksource/clocksource0"
    static let cpu = "/sys/devices/system/cpu"

    /// An ordinary user's KVM guest as a cloud hands it out.
    static var bareVM: MachineFacts {
        var facts = facts([
            "/proc/self/status": status(effective: "0000000000000000", cpus: "0-1"),
            "/proc/self/limits": limits(files: "1024"),
            "/proc/self/cgroup": "0::/user.slice/user-1000.slice",
            "/sys/fs/cgroup/user.slice/cpu.max": "max 100000",
            "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme hypervisor tsc_known_freq",
            "/proc/stat": "cpu  7000 0 1000 11000 500 0 100 400 0 0\ncpu0 1 2 3",
            "/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/vda1 quiet",
            "/proc/sys/kernel/osrelease": "6.1.0-21-cloud-amd64",
            "/proc/sys/kernel/sched_rt_period_us": "1000000",
            "/proc/sys/kernel/sched_rt_runtime_us": "950000",
            "/proc/sys/kernel/unprivileged_bpf_disabled": "2",
            "/proc/sys/net/core/rmem_max": "212992",
            "/proc/sys/net/core/wmem_max": "212992",
            "/proc/sys/net/core/rmem_default": "212992",
            "/proc/sys/net/core/netdev_max_backlog": "1000",
            "\(clock)/current_clocksource": "kvm-clock",
            "\(clock)/available_clocksource": "kvm-clock tsc acpi_pm",
            "\(cpu)/online": "0-1",
            "\(cpu)/isolated": "",
            "\(cpu)/smt/active": "0",
            "\(cpu)/cpuidle/current_driver": "none",
            "\(cpu)/cpuidle/current_governor": "haltpoll",
            "/sys/module/haltpoll/parameters/guest_halt_poll_ns": "0",
            "/sys/class/dmi/id/sys_vendor": "QEMU",
            "/sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)",
            "/sys/kernel/btf/vmlinux": "",
        ])
        facts.program = "/opt/sipmeter"
        facts.trials.callTag = .init(refusal: "Invalid argument")
        facts.trials.rawSocket = .init(refusal: "Operation not permitted")
        facts.trials.realtime = .init(refusal: "Operation not permitted")
        facts.trials.probes = .init(rung: nil, reason: "CAP_BPF and CAP_PERFMON are missing")
        facts.trials.receiveBuffer = 212_992
        facts.trials.sendBuffer = 212_992
        facts.interfaces = [
            .init(name: "lo", timestamping: 0x1A), .init(name: "eth0", timestamping: 0x18),
        ]
        return facts
    }

    /// Root in a container that was given nothing, under a CPU quota, loopback down.
    static var container: MachineFacts {
        var facts = facts([
            "/.dockerenv": "",
            "/proc/self/status": status(
                effective: "00000000000004fb", bounding: "00000000000004fb", cpus: "3"),
            "/proc/self/limits": limits(files: "16"),
            "/proc/self/cgroup": "0::/",
            "/sys/fs/cgroup/cpu.max": "150000 100000",
            "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme hypervisor",
            "/proc/stat": "cpu  7000 0 1000 11000 0 0 0 1000 0 0",
            "/proc/cmdline": "quiet",
            "/proc/sys/kernel/osrelease": "5.4.0-100-generic",
            "/proc/sys/kernel/sched_rt_runtime_us": "100000",
            "/sys/kernel/security/lockdown": "none integrity [confidentiality]",
            "\(clock)/current_clocksource": "hpet",
            "\(clock)/available_clocksource": "hpet acpi_pm",
            "\(cpu)/online": "0-3",
            "\(cpu)/smt/active": "1",
        ])
        facts.program = "/usr/bin/sipmeter"
        facts.trials.loopback = .init(refusal: "Network is unreachable")
        facts.trials.callTag = .init(refusal: "Invalid argument")
        facts.trials.rawSocket = .init(refusal: "Operation not permitted")
        facts.trials.realtime = .init(refusal: "Operation not permitted")
        facts.trials.segmentation = .init(refusal: "Protocol not available")
        facts.trials.probes = .init(rung: nil, reason: "CAP_BPF and CAP_PERFMON are missing")
        facts.trials.receiveBuffer = 106_496
        facts.trials.sendBuffer = 106_496
        facts.interfaces = (0..<6).map { .init(name: "veth\($0)", timestamping: 0x8) }
        return facts
    }

    /// A measuring machine as it should be.
    static var bareMetal: MachineFacts {
        var facts = facts(
            [
                "/proc/self/status": status(effective: "000000c000803000", cpus: "0-15"),
                "/proc/self/limits": limits(files: "unlimited", realtime: "50", locked: "unlimited"),
                "/proc/self/cgroup": "0::/user.slice",
                "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme constant_tsc",
                "/proc/cmdline": "quiet isolcpus=8-15",
                "/proc/sys/kernel/osrelease": "6.12.1",
                "/proc/sys/kernel/sched_rt_runtime_us": "-1",
                "/proc/sys/kernel/unprivileged_bpf_disabled": "0",
                "/proc/sys/net/core/rmem_max": "8388608",
                "/proc/sys/net/core/wmem_max": "8388608",
                "/proc/sys/net/core/rmem_default": "212992",
                "/proc/sys/net/core/netdev_max_backlog": "5000",
                "/sys/kernel/security/lockdown": "[none] integrity confidentiality",
                "/sys/kernel/btf/vmlinux": "",
                "\(clock)/current_clocksource": "tsc",
                "\(clock)/available_clocksource": "tsc hpet acpi_pm",
                "\(cpu)/online": "0-15",
                "\(cpu)/isolated": "8-15",
                "\(cpu)/smt/active": "0",
                "\(cpu)/cpu0/cpufreq/scaling_governor": "performance",
                "\(cpu)/cpuidle/current_driver": "intel_idle",
                "\(cpu)/cpu0/cpuidle/state0/name": "POLL",
                "\(cpu)/cpu0/cpuidle/state0/latency": "0",
                "\(cpu)/cpu0/cpuidle/state0/disable": "0",
                "\(cpu)/cpu0/cpuidle/state1/name": "C1",
                "\(cpu)/cpu0/cpuidle/state1/latency": "2",
                "\(cpu)/cpu0/cpuidle/state1/disable": "0",
                "\(cpu)/cpu0/cpuidle/state2/name": "C6",
                "\(cpu)/cpu0/cpuidle/state2/latency": "133",
                "\(cpu)/cpu0/cpuidle/state2/disable": "1",
                "/sys/module/kvm/parameters/halt_poll_ns": "200000",
                "/sys/class/dmi/id/sys_vendor": "Dell Inc.",
                "/sys/class/dmi/id/product_name": "PowerEdge R650",
            ], devices: ["/dev/cpu_dma_latency": [0, 0, 0, 0]])
        facts.program = "/usr/bin/sipmeter"
        // Revision 2, effective; NET_ADMIN, NET_RAW, SYS_NICE below 32, PERFMON and BPF above.
        facts.fileCapabilities = [
            0x01, 0, 0, 2, 0, 0x30, 0x80, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0,
        ]
        facts.trials.probes = .init(rung: "functions and tracepoints", reason: "")
        facts.trials.receiveBuffer = 4 << 20
        facts.trials.sendBuffer = 4 << 20
        facts.interfaces = [
            .init(name: "lo", timestamping: 0x1A), .init(name: "eno1", timestamping: 0x5F, hardwareClock: 0),
        ]
        return facts
    }
}
