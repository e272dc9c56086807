/// Capabilities sipmeter can use (capabilities(7)), by their kernel numbers.
enum Capability: Int, CaseIterable {
    case netAdmin = 12
    case netRaw = 13
    case sysAdmin = 21
    case sysNice = 23
    case perfmon = 38
    case bpf = 39

    /// As setcap wants it.
    var name: String {
        switch self {
        case .netAdmin: "cap_net_admin"
        case .netRaw: "cap_net_raw"
        case .sysAdmin: "cap_sys_admin"
        case .sysNice: "cap_sys_nice"
        case .perfmon: "cap_perfmon"
        case .bpf: "cap_bpf"
        }
    }

    var constant: String { name.uppercased() }
    /// As `docker run --cap-add` wants it.
    var containerName: String { String(constant.dropFirst(4)) }
}

/// A set of capabilities, also of those without a name here.
struct CapabilitySet: Equatable {
    var bits: UInt64

    init(bits: UInt64 = 0) { self.bits = bits }

    /// A field of `/proc/self/status`, hexadecimal.
    init?(hexadecimal text: String) {
        guard let bits = UInt64(text, radix: 16) else { return nil }
        self.bits = bits
    }

    /// `struct vfs_cap_data`, little endian (linux/capability.h): revision and flags, then permitted and inheritable for
    /// the lower 32 capabilities and, from revision 2, for the upper ones. Nil for what is none.
    init?(fileAttribute bytes: [UInt8]) {
        func word(_ at: Int) -> UInt64 { (0..<4).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64($1 * 8) } }
        guard bytes.count >= 12 else { return nil }
        let revision = bytes[3]
        guard (1...3).contains(revision), revision == 1 || bytes.count >= 20 else { return nil }
        bits = word(4) | (revision == 1 ? 0 : word(12) << 32)
    }

    func contains(_ capability: Capability) -> Bool { bits >> UInt64(capability.rawValue) & 1 == 1 }
    func contains(_ capabilities: [Capability]) -> Bool { capabilities.allSatisfy { contains($0) } }

    mutating func insert(_ capability: Capability) { bits |= 1 << UInt64(capability.rawValue) }

    private var named: [String] { Capability.allCases.filter { contains($0) }.map(\.name) }

    /// Those with a name here, as setcap wants them. (It takes numbers for none.)
    var names: String { named.joined(separator: ",") }

    /// For reading.
    var list: String { named.joined(separator: ", ") }
}

extension MachineFacts {
    func capabilities(_ set: String) -> CapabilitySet {
        field(set, of: "/proc/self/status").flatMap { CapabilitySet(hexadecimal: $0) } ?? CapabilitySet()
    }

    var effective: CapabilitySet { capabilities("CapEff") }

    var onFile: CapabilitySet { fileCapabilities.flatMap { CapabilitySet(fileAttribute: $0) } ?? CapabilitySet() }

    var hasNoNewPrivileges: Bool { field("NoNewPrivs", of: "/proc/self/status") == "1" }

    /// BPF and PERFMON came with kernel 5.8; before, both were SYS_ADMIN's.
    var probing: [Capability] { kernel.map { $0 < (5, 8) } ?? false ? [.sysAdmin] : [.bpf, .perfmon] }

    /// How this program gets capabilities. setcap replaces what the file had, so that is named again.
    func grant(_ wanted: [Capability]) -> Finding.Mend {
        let lacking = wanted.filter { !capabilities("CapBnd").contains($0) }
        if !lacking.isEmpty {
            if container == nil {
                return .advice(
                    "no process started from here can have \(lacking.map(\.constant).joined(separator: ", ")) "
                        + "(bounding set): log in anew, or start it from a service that leaves it")
            }
            return .advice(
                "start the container with " + lacking.map { "--cap-add=\($0.containerName)" }.joined(separator: " "))
        }
        if hasNoNewPrivileges {
            return .advice("no_new_privs is set, and a file's capabilities grant nothing: start it without, or as root")
        }
        return .command(setcap(wanted))
    }

    private func setcap(_ wanted: [Capability]) -> String {
        var set = onFile
        for capability in wanted { set.insert(capability) }
        return "sudo setcap \(set.names)+ep \(program)"
    }

    var grantAll: String? {
        let wanted = ([.netRaw, .netAdmin, .sysNice] + probing).filter { !effective.contains($0) }
        if wanted.isEmpty { return nil }
        switch grant(wanted) {
        case .command(let text): return text
        case .advice: return nil
        }
    }
}
