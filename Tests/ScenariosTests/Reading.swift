import PosixPatterns
import Scenarios

/// A scenario around `steps`, the first of which stands at line 2.
func scenario(_ steps: String) -> String { "<scenario>\n\(steps)\n</scenario>\n" }

/// A send that is right, for files whose fault is elsewhere.
let invite = "<send><![CDATA[INVITE sip:a@b SIP/2.0]]></send>"

func read(_ xml: String) throws(ScenarioError) -> Scenario {
    try ScenarioReader.read(Array(xml.utf8), name: "test.xml", patterns: PosixPatterns())
}

/// Errors as `line:column message`; none where the file is accepted.
func errors(_ xml: String) -> [String] {
    do {
        _ = try read(xml)
        return []
    } catch {
        return error.errors.map(short)
    }
}

/// Warnings as `line:column message`, of a file that is accepted or not.
func warnings(_ xml: String) -> [String] {
    do {
        return try read(xml).warnings.map(short)
    } catch {
        return error.findings.filter { $0.severity == .warning }.map(short)
    }
}

private func short(_ finding: ScenarioFinding) -> String {
    "\(finding.position.line):\(finding.position.column) \(finding.message)"
}
