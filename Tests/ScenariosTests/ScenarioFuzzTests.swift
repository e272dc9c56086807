import Datagrams
import PosixPatterns
import StandardScenarios
import Testing

@testable import Scenarios

@Suite struct ScenarioFuzzTests {
    /// Together they use every leniency rule and every kind of value; each is small, so that mutations hit it.
    private static let files = [
        """
        \u{FEFF}<?xml version="1.0"?><!DOCTYPE a [ <!ELEMENT b> ]>
        <scenario name='x'><!-- a -- b --->
        <recv response="200" timeout="10" optional="true"</recv>
        <label id="1"/></scenario> text
        """,
        """
        <scenario><send retrans="500"start_rtd="1" start_rtd="2"><![CDATA[
          INVITE sip:[service]@[remote_port+1]
          [last_Via:] \\x5b [[call_id]

          v=0 [key] [field0 file="a]b" line=1]
        ]]></send></scenario>
        """,
        """
        <scenario><nop next="1"><action>
        <ereg regexp="<sip:\\"&lt;&#x20;&" assign_to="1","A"/></action></nop>
        <recv request="ACK"/><label id="1"/></scenario>
        """,
        """
        <scenario><recv response="200" rtd="true"/>\r
        <pause milliseconds="1.5"/>\r
        <timewait hide="x"/>\r
        <ResponseTimeRepartition value="1, 2"/></scenario>
        """,
    ]
    private static let fragments = [
        "<", ">", "\"", "'", "&", "]]>", "<![CDATA[", "-->", "<!--", "[", "]", "/>", "</", "\\", "\r\n", "\0",
    ]
    .map { Array($0.utf8) }

    private func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 0...20, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
            case 1: bytes.insert(contentsOf: Self.fragments.randomElement(using: &random)!, at: at)
            case 2: bytes.removeSubrange(at..<end)
            case 3: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
            default: bytes.removeSubrange(at...)
            }
            if bytes.isEmpty { return bytes }
        }
        return bytes
    }

    @Test(arguments: files.indices)
    func mutatedFilesAreReadOrRefusedWithAPlaceInTheFile(file: Int) {
        let original = Array(Self.files[file].utf8)
        var random = SeededGenerator(seed: UInt64(file))
        var accepted = 0
        var refused = 0
        for _ in 0..<5_000 {
            let bytes = mutated(original, &random)
            let findings: [ScenarioFinding]
            do {
                findings = try ScenarioReader.read(bytes, name: "f", patterns: PosixPatterns()).warnings
                accepted += 1
            } catch {
                if error.errors.isEmpty { Issue.record("refused without an error: \(bytes)") }
                findings = error.findings
                refused += 1
            }
            let lines = bytes.count { $0 == .newline } + 1
            let areInFile = findings.allSatisfy { $0.position.line <= lines && $0.position.column <= bytes.count + 1 }
            if !areInFile { Issue.record("a place outside of \(bytes)") }
        }
        #expect(accepted > 0)
        #expect(refused > 0)
    }

    @Test func everyPrefixOfAStandardScenarioIsReadOrRefused() {
        let whole = StandardScenarios.uac
        for count in stride(from: 0, to: whole.count - 1, by: 7) {
            do {
                let scenario = try ScenarioReader.read(Array(whole[..<count]), name: "uac")
                #expect(!scenario.warnings.isEmpty)
            } catch {
                #expect(!error.errors.isEmpty)
            }
        }
    }
}
