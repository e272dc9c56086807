/// One thing about the machine that decides what sipmeter can do on it, or how well.
package struct Finding: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case ok
        /// It works, and a measurement would be better without this.
        case limited
        /// It does not work.
        case missing
    }

    package enum Group: String, Sendable, CaseIterable {
        case privileges = "Privileges and limits"
        case processors = "Processors and clock"
        case machine = "Machine"
        case network = "Network"
        case probes = "Kernel probes"
    }

    package enum Mend: Sendable, Equatable {
        /// To be typed as it stands.
        case command(String)
        /// Where no command does it.
        case advice(String)

        package var text: String {
            switch self {
            case .command(let text), .advice(let text): text
            }
        }
    }

    package var group: Group
    /// For programs: never changes.
    package var key: String
    package var name: String
    package var state: State
    package var value: String
    /// Why it matters to a measurement.
    package var why: String
    /// Only where the state is not `ok`.
    package var mend: Mend?

    init(
        _ group: Group, _ key: String, _ name: String, _ state: State, _ value: String, _ why: String,
        mend: Mend? = nil
    ) {
        self.group = group
        self.key = key
        self.name = name
        self.state = state
        self.value = value
        self.why = why
        self.mend = state == .ok ? nil : mend
    }
}

/// A machine judged: a line for each thing, in the order they are printed.
package struct MachineReport: Sendable, Equatable {
    package let findings: [Finding]
    /// Grants every privilege that is missing and can be granted to the program's file. Nil: there is none.
    package let grantAll: String?

    package init(_ facts: MachineFacts) {
        findings =
            facts.privilegeFindings + facts.processorFindings + facts.machineFindings + facts.networkFindings
            + facts.probeFindings
        grantAll = facts.grantAll
    }

    package func finding(_ key: String) -> Finding? { findings.first { $0.key == key } }

    package func count(_ state: Finding.State) -> Int { findings.count { $0.state == state } }

    /// What a run without any option needs, and this machine does not have.
    package var lackingForDefaultRun: [Finding] {
        ["loopback", "open_files"].compactMap { finding($0) }.filter { $0.state == .missing }
    }

    package func lacking(_ requirement: Requirement) -> [Finding] {
        requirement.keys.compactMap { finding($0) }.filter { $0.state != .ok }
    }

    /// What a user may insist on.
    package enum Requirement: String, Sendable, CaseIterable {
        /// The call tag.
        case tag
        /// `--transport raw`.
        case raw
        /// `--precise` at real-time priority.
        case precise
        /// Socket buffers as large as sipmeter asks for.
        case buffers
        /// BPF programs in the kernel.
        case probes

        var keys: [String] {
            switch self {
            case .tag: ["call_tag"]
            case .raw: ["raw_socket"]
            case .precise: ["realtime_priority"]
            case .buffers: ["receive_buffer", "send_buffer"]
            case .probes: ["probes", "bpf", "btf", "lockdown"]
            }
        }
    }
}
