import Datagrams
import Testing

@testable import MachineReport
@testable import Reports

@Suite struct MachineReportTests {
    private static func text(_ facts: MachineFacts) -> String {
        MachineText.lines(MachineReport(facts)).map { $0 + "\n" }.joined()
    }

    @Test func aBareVirtualMachine() { #expect(Self.text(Machines.bareVM) == Goldens.bareVM) }
    @Test func aContainerWithoutCapabilities() { #expect(Self.text(Machines.container) == Goldens.container) }
    @Test func aMeasuringMachine() { #expect(Self.text(Machines.bareMetal) == Goldens.bareMetal) }

    @Test(arguments: [Machines.bareVM, Machines.container, Machines.bareMetal])
    func everyLineButACommandFitsTheTerminal(_ facts: MachineFacts) {
        for line in MachineText.lines(MachineReport(facts)) where !line.contains("$ ") {
            #expect(line.unicodeScalars.count <= 80, "\(line)")
        }
    }

    /// A machine without /proc and /sys (a chroot) is described, not crashed on.
    @Test func aMachineThatSaysNothing() {
        let report = MachineReport(Machines.facts([:]))
        #expect(report.finding("clock_source")?.state == .limited)
        #expect(report.finding("btf")?.state == .missing)
        #expect(report.lackingForDefaultRun.isEmpty)
        #expect(Set(report.findings.map(\.key)).count == report.findings.count, "keys name one finding each")
    }

    /// Random bytes in every file that is looked at.
    @Test func filesOfNonsenseAreNoReasonToCrash() {
        for seed in 1...200 as ClosedRange<UInt64> {
            let facts = MachineFacts(
                file: { path in
                    var generator = SeededGenerator(seed: seed &+ UInt64(path.utf8.count))
                    let alphabet = Array("0123456789-,:/ \nmaxcpu[]\u{0}x".utf8)
                    return (0..<Int(generator.next() % 40)).map { _ in
                        alphabet[Int(generator.next() % UInt64(alphabet.count))]
                    }
                },
                names: { _ in ["state0", "-1"] })
            #expect(!MachineReport(facts).findings.isEmpty)
        }
    }

    // MARK: what may be insisted on

    @Test func aRequirementIsLackingWhereItsFindingIsNotOk() {
        for requirement in MachineReport.Requirement.allCases {
            #expect(MachineReport(Machines.bareMetal).lacking(requirement).isEmpty, "\(requirement)")
            #expect(!MachineReport(Machines.container).lacking(requirement).isEmpty, "\(requirement)")
            #expect(
                requirement.keys.allSatisfy { MachineReport(Machines.bareVM).finding($0) != nil }, "\(requirement)")
        }
    }

    @Test func theDefaultRunNeedsNoPrivilege() {
        #expect(MachineReport(Machines.bareVM).lackingForDefaultRun.isEmpty)
        #expect(MachineReport(Machines.container).lackingForDefaultRun.map(\.key) == ["loopback", "open_files"])
    }

    // MARK: commands

    private static func mend(_ key: String, _ facts: MachineFacts) -> Finding.Mend? {
        MachineReport(facts).finding(key)?.mend
    }

    /// setcap replaces: granting one privilege must not take another away.
    @Test func aGrantNamesWhatTheFileHadBefore() {
        var facts = Machines.bareVM
        facts.fileCapabilities = [1, 0, 0, 2, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12)
        #expect(
            Self.mend("realtime_priority", facts)
                == .command("sudo setcap cap_net_raw,cap_sys_nice+ep /opt/sipmeter"))
    }

    @Test func whereAFileGrantsNothingNoCommandIsGiven() {
        let facts = Machines.facts([
            "/proc/self/status": Machines.status(effective: "0", cpus: "0", noNewPrivs: 1)
        ])
        guard case .advice(let text) = Self.mend("net_admin", facts) else {
            Issue.record("advice was expected")
            return
        }
        #expect(text.hasPrefix("no_new_privs is set"))
        #expect(MachineReport(facts).grantAll == nil)
    }

    @Test func fileCapabilitiesOfEveryRevision() {
        let raw: [UInt8] = [0, 0x20, 0, 0]
        let none: [UInt8] = [0, 0, 0, 0]
        #expect(CapabilitySet(fileAttribute: [1, 0, 0, 1] + raw + none)?.names == "cap_net_raw")
        #expect(CapabilitySet(fileAttribute: [1, 0, 0, 2] + raw + none + none + none)?.names == "cap_net_raw")
        #expect(
            CapabilitySet(fileAttribute: [1, 0, 0, 3] + none + none + [0x80, 0, 0, 0] + none + [9, 9, 9, 9])?.names
                == "cap_bpf")
        #expect(CapabilitySet(fileAttribute: [1, 0, 0, 2] + raw) == nil)
        #expect(CapabilitySet(fileAttribute: [1, 0, 0, 9] + raw + none + none + none) == nil)
        #expect(CapabilitySet(fileAttribute: []) == nil)
    }

    // MARK: single files

    @Test func theTightestQuotaOfAllGroupsAboveCounts() {
        let files = [
            "/proc/self/cgroup": "0::/a/b", "/sys/fs/cgroup/cpu.max": "max 100000",
            "/sys/fs/cgroup/a/cpu.max": "50000 100000", "/sys/fs/cgroup/a/b/cpu.max": "100000 100000",
        ]
        let finding = MachineReport(Machines.facts(files)).finding("cpu_quota")
        #expect(finding?.value == "0.5 CPUs, in periods of 100 ms")
        #expect(finding?.mend == .command("echo max | sudo tee /sys/fs/cgroup/a/cpu.max"))
    }

    @Test func aQuotaOfControlGroupsVersion1() {
        let files = [
            "/proc/self/cgroup": "4:cpuset:/x\n3:cpu,cpuacct:/x\n0::/",
            "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "20000", "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "10000",
        ]
        #expect(MachineReport(Machines.facts(files)).finding("cpu_quota")?.value == "2.0 CPUs, in periods of 10 ms")
    }

    @Test(arguments: [("0-3,8", 5), ("0", 1), ("", 0), ("5-3", 0), ("x", 0), ("0-1,4-5,9", 5)])
    func listsOfCPUsAreCounted(_ list: String, _ count: Int) { #expect(MachineFacts.count(ofList: list) == count) }

    @Test func theJSONNamesEveryFinding() {
        let report = MachineReport(Machines.bareVM)
        var bytes = ByteBuffer(capacity: 64)
        MachineFile.append(report, to: &bytes)
        let text = String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
        for finding in report.findings { #expect(text.contains("\"key\": \"\(finding.key)\"")) }
        #expect(text.contains("\"counts\": {\n    \"ok\": 19,\n    \"limited\": 8,\n    \"missing\": 6\n  }"))
        #expect(text.contains("\"command\": \"sudo setcap cap_net_admin+ep /opt/sipmeter\""))
    }
}
