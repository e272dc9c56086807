extension MachineFacts {
    var probeFindings: [Finding] {
        [rung, bpf, typeInformation, lockdown, unprivileged, lockedMemory].compactMap { $0 }
    }

    /// What explain would stand on, by trying: policies show nowhere else. Either rung of probes explains all of a request's
    /// way, so that the lower one is no want.
    private var rung: Finding? {
        guard let trial = trials.probes else { return nil }
        let reason = trial.reason.isEmpty ? "" : "; \(trial.reason)"
        return Finding(
            .probes, "probes", "probes of explain", trial.rung == nil ? .missing : .ok,
            (trial.rung ?? "none: the interfaces alone") + reason, "what explain can see of a server on this machine",
            mend: grant(probing))
    }

    private var bpf: Finding {
        let why = "programs in the kernel say where on this host a request waited"
        let has = effective.contains(probing) || effective.contains(.sysAdmin)
        let names = probing.map(\.constant).joined(separator: ", ")
        return Finding(
            .probes, "bpf", "BPF privilege", has ? .ok : .missing, has ? "effective" : "not effective (\(names))", why,
            mend: grant(probing))
    }

    private var typeInformation: Finding {
        let path = "/sys/kernel/btf/vmlinux"
        let isThere = names("/sys/kernel/btf").contains("vmlinux")
        return Finding(
            .probes, "btf", "kernel types (BTF)", isThere ? .ok : .missing, isThere ? path : "\(path) is not there",
            "probes read the kernel's structures by it, whatever its version",
            mend: .advice("a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are"))
    }

    /// `none [integrity] confidentiality`: the one in force is in brackets.
    private var lockdown: Finding {
        let why = "confidentiality forbids programs to read kernel memory"
        let words = (text("/sys/kernel/security/lockdown") ?? "").split(separator: " ")
        guard let word = words.first(where: { $0.hasPrefix("[") }) else {
            return Finding(.probes, "lockdown", "lockdown", .ok, "none to be seen", why)
        }
        let mode = String(word.dropFirst().dropLast())
        return Finding(
            .probes, "lockdown", "lockdown", mode == "confidentiality" ? .missing : .ok, mode, why,
            mend: .advice("boot without lockdown=confidentiality"))
    }

    private var unprivileged: Finding? {
        number("/proc/sys/kernel/unprivileged_bpf_disabled").map {
            Finding(
                .probes, "unprivileged_bpf_disabled", "BPF for everyone", .ok,
                ($0 == 0 ? "on" : "off") + " (unprivileged_bpf_disabled \($0))",
                "no matter: the probes need the privilege above either way")
        }
    }

    /// Since kernel 5.11 BPF's memory is charged to the control group instead.
    private var lockedMemory: Finding {
        let limit = softLimit("Max locked memory") ?? .max
        let counts = kernel.map { $0 < (5, 11) } ?? false
        let wanted = 16 << 20
        return Finding(
            .probes, "locked_memory", "locked memory", !counts || limit >= wanted ? .ok : .limited, Self.size(limit),
            counts ? "this kernel charges the probes' ring to it" : "not what BPF counts against since Linux 5.11",
            mend: .command("ulimit -l \(wanted >> 10)"))
    }
}
