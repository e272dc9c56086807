import Datagrams
import MachineReport

/// `sipmeter doctor --json`. A finding's key stays; its words may change.
package enum MachineFile {
    package static func append(_ report: MachineReport, to buffer: inout ByteBuffer) {
        JSONValue.object([
            ("schema", .string("sipmeter doctor")),
            ("schema_version", .count(RunFiles.schemaVersion)),
            ("default_run_works", .bool(report.lackingForDefaultRun.isEmpty)),
            (
                "counts",
                .object(Finding.State.allCases.map { ($0.rawValue, .count(UInt64(report.count($0)))) })
            ),
            ("findings", .array(report.findings.map(json))),
            ("grant_all", report.grantAll.map { .string($0) } ?? .null),
        ]).write(to: &buffer)
    }

    private static func json(_ finding: Finding) -> JSONValue {
        .object([
            ("group", .string(finding.group.rawValue)),
            ("key", .string(finding.key)),
            ("name", .string(finding.name)),
            ("state", .string(finding.state.rawValue)),
            ("value", .string(finding.value)),
            ("why", .string(finding.why)),
            ("mend", mend(finding.mend)),
        ])
    }

    private static func mend(_ mend: Finding.Mend?) -> JSONValue {
        switch mend {
        case .command(let text): .object([("command", .string(text))])
        case .advice(let text): .object([("advice", .string(text))])
        case nil: .null
        }
    }
}
