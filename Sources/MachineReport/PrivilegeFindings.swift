extension MachineFacts {
    var privilegeFindings: [Finding] {
        [
            callTag, rawSocket, realtimePriority, realtimeThrottle,
            capability(
                .netAdmin, "net_admin",
                "large socket buffers beyond the system's limit, hardware timestamps switched on"),
            fileGrants, openFiles,
        ]
    }

    private func trial(_ trial: Trial) -> String { trial.refusal.map { "refused (\($0))" } ?? "works" }

    private var callTag: Finding {
        Finding(
            .privileges, "call_tag", "call tag", trials.callTag.works ? .ok : .missing, trial(trials.callTag),
            "probes and captures find every request of a call at one fixed place", mend: grant([.netRaw]))
    }

    private var rawSocket: Finding {
        Finding(
            .privileges, "raw_socket", "raw socket", trials.rawSocket.works ? .ok : .missing, trial(trials.rawSocket),
            "calls from many source addresses, with --transport raw", mend: grant([.netRaw]))
    }

    private var realtimePriority: Finding {
        let limit = softLimit("Max realtime priority") ?? 0
        let value =
            trials.realtime.works
            ? (effective.contains(.sysNice) ? "works (CAP_SYS_NICE)" : "works (RLIMIT_RTPRIO \(limit))")
            : trial(trials.realtime)
        return Finding(
            .privileges, "realtime_priority", "real-time priority", trials.realtime.works ? .ok : .missing, value,
            "under --precise no other task delays a due call; else 1 to 4 ms are lost now and then",
            mend: grant([.sysNice]))
    }

    private var realtimeThrottle: Finding {
        let why = "a --precise worker that never sleeps is stopped for the rest of it"
        let period = number("/proc/sys/kernel/sched_rt_period_us") ?? 1_000_000
        guard let runtime = number("/proc/sys/kernel/sched_rt_runtime_us") else {
            return Finding(.privileges, "realtime_throttle", "real-time share", .ok, "not limited", why)
        }
        if runtime < 0 {
            return Finding(
                .privileges, "realtime_throttle", "real-time share", .ok, "not limited (sched_rt_runtime_us -1)", why)
        }
        return Finding(
            .privileges, "realtime_throttle", "real-time share", runtime * 10 >= period * 9 ? .ok : .limited,
            "\(runtime / 1000) of \(period / 1000) ms", why,
            mend: .command("sudo sysctl -w kernel.sched_rt_runtime_us=\(period / 20 * 19)"))
    }

    private func capability(_ capability: Capability, _ key: String, _ why: String) -> Finding {
        let isThere = effective.contains(capability)
        return Finding(
            .privileges, key, capability.constant, isThere ? .ok : .missing, isThere ? "effective" : "not effective",
            why, mend: grant([capability]))
    }

    /// What the file grants must also have arrived: no_new_privs and `nosuid` mounts keep it back.
    private var fileGrants: Finding {
        let why = "what an ordinary user's sipmeter may do"
        if onFile.bits == 0 {
            return Finding(.privileges, "file_capabilities", "file capabilities", .ok, "none on the program", why)
        }
        let hasArrived = onFile.bits & ~effective.bits == 0
        return Finding(
            .privileges, "file_capabilities", "file capabilities", hasArrived ? .ok : .limited,
            onFile.list + (hasArrived ? "" : ", not all effective"), why,
            mend: hasNoNewPrivileges
                ? .advice("no_new_privs keeps them back: start it without")
                : .advice("they are kept back where the file system is mounted nosuid: move the program"))
    }

    /// A socket, a wake-up and a raw socket a worker, of which there are 64 at most, and the run's files.
    private var openFiles: Finding {
        let limit = softLimit("Max open files") ?? .max
        return Finding(
            .privileges, "open_files", "open files", limit >= 300 ? .ok : limit >= 32 ? .limited : .missing,
            limit == .max ? "unlimited" : "\(limit)", "32 for a run, 300 with --workers 64",
            mend: .command("ulimit -n 1024"))
    }
}
