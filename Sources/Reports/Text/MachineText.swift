import Datagrams
import MachineReport

/// `sipmeter doctor` on the screen: a group a section, a finding one to three lines, 80 columns but for commands, which
/// stand whole so that they can be copied.
package enum MachineText {
    private static let stateWidth = 9
    private static let nameWidth = 20

    package static func append(_ report: MachineReport, to buffer: inout ByteBuffer) {
        for line in lines(report) {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    static func lines(_ report: MachineReport) -> [String] {
        var lines: [String] = []
        for group in Finding.Group.allCases {
            let members = report.findings.filter { $0.group == group }
            if members.isEmpty { continue }
            lines.append(group.rawValue)
            for finding in members { lines += text(finding) }
            lines.append("")
        }
        return lines + conclusion(report)
    }

    private static func text(_ finding: Finding) -> [String] {
        let indent = String(repeating: " ", count: 2 + stateWidth + nameWidth)
        let head = "  " + finding.state.rawValue.padded(to: stateWidth) + finding.name.padded(to: nameWidth)
        var lines = wrapped("\(finding.value) - \(finding.why)", first: head, rest: indent)
        switch finding.mend {
        case .command(let command): lines.append(String(repeating: " ", count: 2 + stateWidth) + "$ " + command)
        case .advice(let advice):
            lines += wrapped(
                advice, first: String(repeating: " ", count: 2 + stateWidth) + "> ",
                rest: String(repeating: " ", count: 4 + stateWidth))
        case nil: break
        }
        return lines
    }

    private static func conclusion(_ report: MachineReport) -> [String] {
        let counts = Finding.State.allCases.map { "\(report.count($0)) \($0.rawValue)" }.joined(separator: ", ")
        let lacking = report.lackingForDefaultRun.map(\.name)
        let works =
            lacking.isEmpty
            ? "A run without options works here."
            : "A run without options does not work here: \(lacking.joined(separator: ", "))."
        var lines = wrapped("\(counts). \(works)", first: "", rest: "")
        if let command = report.grantAll {
            lines += ["All privileges at once (setcap replaces what the file had):", "  $ " + command]
        }
        return lines
    }
}
