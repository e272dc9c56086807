import Breakdown
import CBPF
import Glibc
import UDPTransport

/// Why the probes cannot be had: one clause, and what grants them.
package struct ProbeRefusal: Error, Sendable, CustomStringConvertible {
    /// "CAP_BPF and CAP_PERFMON are missing"
    package let description: String
    /// The command that grants it, or what to do; empty where nothing can be done.
    package let remedy: String

    package init(_ description: String, remedy: String = "") {
        self.description = description
        self.remedy = remedy
    }
}

/// What this process may do with the kernel, found out in the order in which it can fail: the capabilities, the kernel's
/// types, and then by loading a program, for lockdown and a vendor's policy show nowhere else.
package enum ProbeAccess {
    /// The highest rung of the ladder that carries, or why it is the lowest.
    package struct Finding: Sendable {
        package var rung: TraceSource.Rung
        /// Why it is no higher one; empty for the highest.
        package var reason = ""
        package var refusal: ProbeRefusal?
    }

    /// - Parameter highest: as if no more were allowed: for a comparison of the rungs.
    package static func find(highest: TraceSource.Rung = .functionEntries) -> Finding {
        if highest == .taps { return Finding(rung: .taps, reason: "--rung taps asks for no probes") }
        if let refusal = privilegeRefusal() ?? typesRefusal() {
            return Finding(rung: .taps, reason: refusal.description, refusal: refusal)
        }
        if highest == .rawTracepoints {
            return Finding(rung: .rawTracepoints, reason: "--rung tracepoints asks for no more")
        }
        let error = trial()
        if error == 0 { return Finding(rung: .functionEntries) }
        return Finding(
            rung: .rawTracepoints,
            reason: "functions may not be entered here (fentry: \(SystemError.text(of: -error)))")
    }

    /// CAP_BPF loads, CAP_PERFMON lets a program read the kernel's memory (Linux 5.8); CAP_SYS_ADMIN is both.
    private static func privilegeRefusal() -> ProbeRefusal? {
        let (sysAdmin, perfmon, bpf) = (21, 38, 39)
        let held = effectiveCapabilities()
        func has(_ capability: Int) -> Bool { held >> UInt64(capability) & 1 == 1 || held >> UInt64(sysAdmin) & 1 == 1 }
        let lacking = [(bpf, "CAP_BPF"), (perfmon, "CAP_PERFMON")].filter { !has($0.0) }.map(\.1)
        if lacking.isEmpty { return nil }
        return ProbeRefusal(
            "\(lacking.joined(separator: " and ")) \(lacking.count == 1 ? "is" : "are") missing",
            remedy: grant)
    }

    private static func typesRefusal() -> ProbeRefusal? {
        if access("/sys/kernel/btf/vmlinux", R_OK) == 0 { return nil }
        return ProbeRefusal(
            "this kernel does not tell its types (no /sys/kernel/btf/vmlinux)",
            remedy: "a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are")
    }

    /// 0, or minus the errno with which the kernel refused.
    private static func trial() -> Int32 {
        do throws(ProbeRefusal) {
            let object = try ProbeSet()
            return object.tryFunctionEntry()
        } catch {
            return -ENOMEM
        }
    }

    private static func effectiveCapabilities() -> UInt64 {
        guard let status = ProcFile.text("/proc/self/status") else { return 0 }
        for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
            return UInt64(line.dropFirst(7).trimmingPrefix { $0 == "\t" || $0 == " " }, radix: 16) ?? 0
        }
        return 0
    }

    /// The command that lets this program do all that `explain` can.
    package static var grant: String { "sudo setcap cap_bpf,cap_perfmon,cap_net_raw,cap_sys_ptrace+ep \(program)" }

    private static var program: String { ProcFile.link("/proc/self/exe") ?? "sipmeter" }
}
