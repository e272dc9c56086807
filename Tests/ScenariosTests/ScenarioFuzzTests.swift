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
        """
        <scenario><Global variables="g"/><init><nop/></init><recv response="200" optional="global" auth="true"
        next="1" test="g" chance="0.5" condexec="g" lost="3" counter="c"><action>
        <ereg regexp="a(b*)" search_in="hdr" header="To:" occurrence="2" assign_to="g,h" check_it="true"/>
        <test variable="g" compare="equal" value="1" assign_to="h"/><strcmp variable="g" variable2="h" check_it="true"/>
        </action></recv><label id="1"/><label id="_unexp.main"/></scenario>
        """,
        """
        <scenario><nop><action><assign assign_to="x" value="1e3"/><divide assign_to="x" variable="y"/>
        <exec int_cmd="stop_now"/><exec rtp_stream="a.wav"/><lookup assign_to="x" file="a" key="[$y]"/>
        <sample assign_to="y" distribution="gamma" k="1" theta="2"/></action></nop>
        <pause distribution="uniform" min="1" max="2"/><send start_txn="t"><![CDATA[
        BYE sip:[$x] [authentication username=a password="[$y]"] [fill variable=x text="[$y]"]
        ]]></send><recv response="[2-4].." regexp_match="true" response_txn="t"/></scenario>
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
        for _ in 0..<1_500 {
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

    @Test func mutatedInjectionFilesAreReadOrRefused() {
        let original = Array("SEQUENTIAL,PRINTF=3,PRINTFOFFSET=2\r\n#x\r\na%04d;b;\r\nc;%d%%\r\n".utf8)
        var random = SeededGenerator(seed: 3)
        var out = ByteBuffer(capacity: 64)
        for _ in 0..<5_000 {
            guard var file = try? Injection.read(mutated(original, &random), name: "f") else { continue }
            // A million keys are built without fault and take their time.
            if file.lineCount < 1000 { file.index(column: 0) }
            for line in -1..<4 {
                out.removeAll()
                for column in 0..<3 { file.append(column: column, line: line, to: &out) }
            }
            file.insert(mutated(original, &random))
            file.replace(line: 1, with: [])
        }
        #expect(out.count >= 0)
    }

    /// What can be read can also be compiled, or says at what place it cannot.
    @Test func mutatedActionsCompileOrAreRefused() {
        let run = RunConstants(remoteHost: "h", remote: .loopback(port: 1), local: .loopback(port: 2))
        var random = SeededGenerator(seed: 9)
        var compiled = 0
        for n in 0..<800 {
            let original = Array(Self.files[4 + n % 2].utf8)
            guard
                let scenario = try? ScenarioReader.read(
                    mutated(original, &random), name: "f", patterns: PosixPatterns())
            else { continue }
            _ = ScenarioFeatures(of: scenario).needs
            _ = Ladder(scenario, name: "f").svg
            do throws(ScenarioError) {
                _ = try scenario.compile(run)
                compiled += 1
            } catch {
                #expect(!error.errors.isEmpty)
            }
        }
        #expect(compiled > 0)
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
