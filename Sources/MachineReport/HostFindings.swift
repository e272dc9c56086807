extension MachineFacts {
    var machineFindings: [Finding] {
        [hypervisor, steal, guestPolling, hostPolling, containment].compactMap { $0 }
    }

    private var hypervisor: Finding {
        let dmi = ["sys_vendor", "product_name"].compactMap { text("/sys/class/dmi/id/\($0)") }.joined(separator: " ")
        let why = "a vCPU that had halted or was put aside answers late, and nothing inside sees it"
        if !isVirtual {
            return Finding(
                .machine, "hypervisor", "hypervisor", .ok, "none" + (dmi.isEmpty ? "" : " (\(dmi))"), why)
        }
        let kind = hypervisorKind ?? "of an unknown kind"
        return Finding(
            .machine, "hypervisor", "hypervisor", .limited, kind + (dmi.isEmpty ? "" : " (\(dmi))"), why,
            mend: .advice("compare with a run on bare metal, or watch the host as well"))
    }

    private var hypervisorKind: String? {
        if let type = text("/sys/hypervisor/type"), !type.isEmpty { return type == "xen" ? "Xen" : type }
        let clocks = text("/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? ""
        if clocks.contains("kvm-clock") { return "KVM" }
        if clocks.contains("hyperv") { return "Hyper-V" }
        let vendor = text("/sys/class/dmi/id/sys_vendor") ?? ""
        return vendor.hasPrefix("VMware") ? "VMware" : nil
    }

    /// The eighth number of the first line of `/proc/stat`: ticks in which another guest had the CPU.
    private var steal: Finding? {
        guard isVirtual, let line = text("/proc/stat")?.split(separator: "\n").first, line.hasPrefix("cpu ") else {
            return nil
        }
        let ticks = line.split(separator: " ").dropFirst().compactMap { Int($0) }.prefix(8)
        let all = ticks.reduce(0, +)
        guard ticks.count == 8, all > 0 else { return nil }
        let tenthsOfAPerMille = 10_000 * ticks[7] / all
        let digits = "\(tenthsOfAPerMille % 100)"
        return Finding(
            .machine, "steal", "stolen time", tenthsOfAPerMille < 100 ? .ok : .limited,
            "\(tenthsOfAPerMille / 100).\(digits.count < 2 ? "0" : "")\(digits) % since boot",
            "the hypervisor ran somebody else on our CPUs",
            mend: .advice("a machine with vCPUs of its own, or pinned ones"))
    }

    /// In a KVM guest: polling before HLT.
    private var guestPolling: Finding? {
        let path = "/sys/module/haltpoll/parameters/guest_halt_poll_ns"
        guard isVirtual, let length = number(path) else { return nil }
        let governor = text("/sys/devices/system/cpu/cpuidle/current_governor") ?? ""
        let isActive = length > 0 && governor == "haltpoll"
        return Finding(
            .machine, "guest_halt_poll", "halt polling, guest", isActive ? .ok : .limited,
            "guest_halt_poll_ns \(length)" + (governor == "haltpoll" ? "" : ", but governor \(governor)"),
            "an idle vCPU that polls first answers without leaving the virtual machine",
            mend: governor == "haltpoll"
                ? .command("echo 200000 | sudo tee \(path)")
                : .command(
                    "echo 200000 | sudo tee \(path); echo haltpoll | sudo tee /sys/devices/system/cpu/cpuidle/current_governor"
                ))
    }

    /// Where virtual machines run on this one.
    private var hostPolling: Finding? {
        let path = "/sys/module/kvm/parameters/halt_poll_ns"
        guard let length = number(path) else { return nil }
        return Finding(
            .machine, "host_halt_poll", "halt polling, host", length > 0 ? .ok : .limited, "halt_poll_ns \(length)",
            "guests of this machine that had just halted are woken sooner",
            mend: .command("echo 200000 | sudo tee \(path)"))
    }

    /// By its traces, which a container may also have removed.
    var container: String? {
        if isThere("/.dockerenv") { return "Docker (/.dockerenv)" }
        if isThere("/run/.containerenv") { return "Podman (/run/.containerenv)" }
        if let kind = text("/run/systemd/container"), !kind.isEmpty { return kind }
        let groups = text("/proc/self/cgroup") ?? ""
        return ["docker", "kubepods", "lxc", "containerd"].first { groups.contains($0) }
    }

    private var containment: Finding {
        let why = "bridged calls pass veth and address translation, and /proc/sys is partly the host's"
        guard let container else { return Finding(.machine, "container", "container", .ok, "none", why) }
        return Finding(
            .machine, "container", "container", .limited, container, why,
            mend: .advice("start the container with --network=host, or measure outside it"))
    }
}
