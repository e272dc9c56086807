import ArgumentParser
import Datagrams
import LoadRun
import MachineReport
import Reports

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "What this machine lets sipmeter do, and what would mend the rest.",
        discussion: """
            Examples:
              sipmeter doctor                        the whole list
              sipmeter doctor --require tag,precise  for scripts: 77 where one is missing
              sipmeter doctor --json

            ok: as it should be. limited: it works, and a measurement would be better
            without. missing: it does not work. $ begins a command to be typed, > advice.
            Exit codes: 0; 69 a run without options does not work here; 77 something
            asked for by --require is missing.
            """)

    @Option(
        help:
            "With commas: tag (the call tag), raw (--transport raw), precise (real-time priority), buffers (socket buffers of full size), probes (BPF).",
        completion: .list(["tag", "raw", "precise", "buffers", "probes"]),
        transform: Self.requirements)
    var require: [MachineReport.Requirement] = []

    @Flag(help: "The list as JSON, for programs.")
    var json = false

    @OptionGroup var settings: ConfigurationOptions

    static func requirements(_ text: String) throws -> [MachineReport.Requirement] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let requirement = MachineReport.Requirement(rawValue: String(word)) else {
                let known = MachineReport.Requirement.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(word)\" is none of \(known)")
            }
            return requirement
        }
    }

    func run() throws {
        try Session.main {
            let report = MachineReport(ThisMachine.facts())
            var bytes = ByteBuffer(capacity: 1 << 14)
            if json { MachineFile.append(report, to: &bytes) } else { MachineText.append(report, to: &bytes) }
            Terminal.print(String(decoding: bytes.storage[..<(bytes.count - 1)], as: UTF8.self))
            try judge(report)
        }
    }

    private func judge(_ report: MachineReport) throws {
        for requirement in require {
            guard let first = report.lacking(requirement).first else { continue }
            let mend = first.mend.map { ": \($0.text)" } ?? ""
            throw RunFailure(
                .missingPrivilege, "--require \(requirement.rawValue): \(first.name) is \(first.state.rawValue)\(mend)")
        }
        if let first = report.lackingForDefaultRun.first {
            throw RunFailure(.unreachable, "\(first.name): \(first.value)\(first.mend.map { ": \($0.text)" } ?? "")")
        }
    }
}
