import Foundation
import Testing

extension AgainstPeers {
    /// Scenario files on the command line.
    @Suite struct ScenarioCommands {
        private static let logging = """
            <scenario name="logging"><Global variables="who"/>
            <send retrans="500"><![CDATA[
            OPTIONS sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
            Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
            From: <sip:t@[local_ip]>;tag=c[call_number]
            To: <sip:[service]@[remote_ip]>
            Call-ID: [call_id]
            CSeq: [cseq] OPTIONS
            Content-Length: 0

            ]]></send>
            <recv response="200"><action>
            <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="number" check_it="true"/>
            <log message="[userid] [field0] [field1] [$number] [$who]"/>
            <exec command="echo [call_number] >> PATH"/>
            </action></recv></scenario>
            """

        @Test func everyStandardScenarioCanBeListedCheckedAndDrawn() async throws {
            let scratch = try Scratch()
            let list = try await scratch.run(Command.sipmeter("scenario", "list"))
            let names = list.output.split(separator: "\n").compactMap {
                $0.split(separator: " ").first.map(String.init)
            }
            #expect(names.count == 13)
            let check = try await scratch.run(
                Command([Command.sipmeterPath, "scenario", "check", "--svg", scratch.path("%.svg")] + names))
            #expect(check.status == 0, "\(check)")
            #expect(check.errors.isEmpty)
            #expect(check.output.contains("|---------- INVITE ----------->|  again from 500 ms, starts redirect"))
            for name in names {
                let svg = try scratch.text("\(name).svg")
                #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
            }
        }

        @Test func aFileSaysWhatItNeedsAndACommandNeedsPermission() async throws {
            let scratch = try Scratch()
            let file = scratch.path("logging.xml")
            try Self.logging.write(toFile: file, atomically: true, encoding: .utf8)
            let check = try await scratch.run(Command.sipmeter("scenario", "check", file))
            #expect(check.output.contains("needs       --inf FILE\n"))
            #expect(check.output.contains("needs       --allow-exec: it runs commands on this machine\n"))
            let run = try await scratch.run(
                Command.sipmeter("run", "--scenario", file, "--out", scratch.path("run"), "--calls", "1"))
            #expect(run.status == 65)
            #expect(run.errors.contains("error: this would run a command on this machine: --allow-exec permits it"))
            #expect(run.errors.contains("is a column of an injection file: give one with --inf FILE"))
        }

        @Test func usersTakeTheirLinesLogAndRunCommands() async throws {
            let scratch = try Scratch()
            let (file, users) = (scratch.path("logging.xml"), scratch.path("users.csv"))
            try Self.logging.replacingOccurrences(of: "PATH", with: scratch.path("commands")).write(
                toFile: file, atomically: true, encoding: .utf8)
            try "USER\nann;one\nbob;two\n".write(toFile: users, atomically: true, encoding: .utf8)
            let run = try await scratch.run(
                Command.sipmeter(
                    "run", "--scenario", file, "--users", "2", "--calls", "6", "--inf", users, "--set", "who=me",
                    "--allow-exec", "--capacity", "unlimited", "-q", "--out", scratch.path("run")))
            #expect(run.status == 0 || run.status == 3, "\(run)")
            let lines = try scratch.text("run/scenario.log").split(separator: "\n").filter { $0.contains(" log: ") }
            #expect(lines.count == 6)
            #expect(lines.allSatisfy { $0.hasSuffix("log: 1 ann one 1 me") || $0.hasSuffix("log: 2 bob two 1 me") })
            for _ in 0..<100 where (try? scratch.text("commands").split(separator: "\n").count) != 6 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try scratch.text("commands").split(separator: "\n").sorted() == ["1", "2", "3", "4", "5", "6"])
        }

        @Test func anInjectionFileThatIsNoneIsAnErrorWithItsPlace() async throws {
            let scratch = try Scratch()
            let users = scratch.path("users.csv")
            try "ann;one\n".write(toFile: users, atomically: true, encoding: .utf8)
            let run = try await scratch.run(Command.sipmeter("run", "--inf", users, "--out", scratch.path("run")))
            #expect(run.status == 65)
            #expect(run.errors.hasPrefix("\(users):1:1: error: the first line of an injection file is SEQUENTIAL"))
            let missing = try await scratch.run(Command.sipmeter("run", "--inf", scratch.path("no"), "--out", "x"))
            #expect(missing.status == 65)
            #expect(missing.errors.contains("cannot read the injection file"))
        }
    }
}
