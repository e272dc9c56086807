import Datagrams
import StandardScenarios
import Testing

@testable import Scenarios

@Suite struct ScenarioFuzzTests {
    /// Every leniency rule and every kind of value, small enough to be mutated often.
    private static let seed = Array(
        """
        \u{FEFF}<?xml version="1.0"?><!DOCTYPE a [ <!ELEMENT b> ]>
        <scenario name='x'><!-- a -- b --->
        <send retrans="500"start_rtd="1" start_rtd="2"><![CDATA[
          INVITE sip:[service]@[remote_ip]:[remote_port+1] SIP/2.0
          Via: x;branch=[branch-1] \\x5b [[call_id]
          [last_Via:]
          Content-Length: [len]

          v=0 [key] [field0 file="a]b" line=1]
        ]]><action><ereg regexp="<sip:\\"&lt;&#x20;&" assign_to="1","A"/></action></send>
        <recv response="200" timeout="10" next="1" optional="true"</recv>
        <label id="1"/><pause milliseconds="1.5"/><timewait/>
        <ResponseTimeRepartition value="1, 2"/>
        </scenario> text
        """.utf8)
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

    @Test func mutatedFilesAreReadOrRefusedWithAPlaceInTheFile() {
        var random = SeededGenerator(seed: 0x5150)
        var accepted = 0
        var refused = 0
        for _ in 0..<20_000 {
            let bytes = mutated(Self.seed, &random)
            let findings: [ScenarioFinding]
            do {
                findings = try ScenarioReader.read(bytes, name: "f").warnings
                accepted += 1
            } catch {
                #expect(!error.errors.isEmpty)
                findings = error.findings
                refused += 1
            }
            let lines = bytes.count { $0 == .newline } + 1
            #expect(findings.allSatisfy { $0.position.line <= lines && $0.position.column <= bytes.count + 1 })
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
