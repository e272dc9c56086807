import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// What a script or a CI server gets: exit codes, the table, `summary.json` and `junit.xml`.
    @Suite(.serialized) struct Thresholds {
        private static func run(_ arguments: String..., at rate: String = "50", for duration: String = "2s") -> Command
        {
            Command(
                [
                    Command.sipmeterPath, "run", "--capacity", "unlimited", "--rate", rate, "--duration", duration,
                    "--out", "run", "--quiet",
                ] + arguments)
        }

        private static func thresholds(_ scratch: Scratch, _ directory: String = "run") throws -> [[String: Any]] {
            let data = Data(try scratch.text("\(directory)/summary.json").utf8)
            let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            return try #require(root?["thresholds"] as? [[String: Any]])
        }

        /// What Python's parser finds in a JUnit file, a line a test case.
        private static func cases(in file: String, _ scratch: Scratch) async throws -> [String] {
            let script = """
                import sys, xml.etree.ElementTree as tree
                root = tree.parse(sys.argv[1]).getroot()
                assert root.tag == "testsuites", root.tag
                for suite in root:
                    assert suite.tag == "testsuite"
                    cases = suite.findall("testcase")
                    assert len(cases) == int(suite.get("tests")), "tests"
                    assert len(suite.findall("testcase/failure")) == int(suite.get("failures")), "failures"
                    assert len(suite.findall("testcase/error")) == int(suite.get("errors")), "errors"
                    float(suite.get("time"))
                    for case in cases:
                        assert case.get("classname")
                        failed = case.find("failure")
                        print(suite.get("name"), "|", case.get("name"), "|", "ok" if failed is None else failed.get("message"))
                assert sum(int(suite.get("tests")) for suite in root) == int(root.get("tests"))
                """
            let finished = try await scratch.run(Command("python3", "-c", script, file))
            #expect(finished.status == 0, "\(finished)")
            return finished.output.split(separator: "\n").map(String.init)
        }

        @Test(.needs(.python)) func keptIsZero() async throws {
            let scratch = try Scratch()
            let command = Self.run("--threshold", "rtt.p90<2s", "--threshold", "ser>=99%")
            // A busy neighbour may make any one run INVALID, and that is another code.
            let finished = try await Self.first(of: 3, command, in: scratch) { $0.status == 0 }
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("THRESHOLDS  all 2 passed\n  ok      rtt.p90<2s  "), "\(finished)")
            #expect(try scratch.text("run/summary.txt").contains("THRESHOLDS  all 2 passed"))
            #expect(try Self.thresholds(scratch).map { $0["passed"] as? Bool } == [true, true])
            #expect(
                try await Self.cases(in: "run/junit.xml", scratch) == [
                    "50 calls/s | the generator kept up | ok", "50 calls/s | rtt.p90<2s | ok",
                    "50 calls/s | ser>=99% | ok",
                ])
        }

        @Test(.needs(.python)) func brokenIsTwo() async throws {
            let scratch = try Scratch()
            let command = Self.run(
                "--threshold", "rtt.p90<1ns", "--threshold", "srd_failed.p99<1s", "--junit", "ci <&>.xml")
            let finished = try await Self.first(of: 3, command, in: scratch) { $0.status == 2 }
            #expect(finished.status == 2, "\(finished)")
            #expect(finished.output.contains("THRESHOLDS  FAILED: 2 of 2"), "\(finished)")
            #expect(finished.output.contains("srd_failed.p99<1s  undefined: no session attempt failed"), "\(finished)")
            #expect(!scratch.has("run/junit.xml"))
            let cases = try await Self.cases(in: "ci <&>.xml", scratch)
            #expect(cases.count == 3)
            #expect(cases[1].hasPrefix("50 calls/s | rtt.p90<1ns | rtt.p90: 0."), "\(cases)")
        }

        private static func first(
            of attempts: Int, _ command: Command, in scratch: Scratch, that fits: (Finished) -> Bool
        ) async throws -> Finished {
            var finished = try await scratch.run(command)
            for _ in 1..<attempts where !fits(finished) { finished = try await scratch.run(command) }
            return finished
        }

        @Test(.needs(.python)) func anAbortRuleEndsARunEarly() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command.sipmeter(
                    "run", "--capacity", "fixed:20ms", "--rate", "100", "--duration", "60s", "--out", "run",
                    "--abort-on", "rtt.p50>100ms for 2s", "--abort-on", "ser<1%", "--threshold", "rtt.max<1ns"))
            #expect(finished.status == 4, "\(finished)")
            #expect(finished.errors.contains("--abort-on \"rtt.p50>100ms for 2s\" struck "), "\(finished)")
            #expect(finished.output.contains("\nSTOPPED  --abort-on \"rtt.p50>100ms for 2s\" struck "), "\(finished)")
            let root = try #require(
                try JSONSerialization.jsonObject(with: Data(scratch.text("run/summary.json").utf8)) as? [String: Any])
            let stopped = try #require(root["stopped_by"] as? [String: Any])
            #expect(stopped["rule"] as? String == "rtt.p50>100ms for 2s")
            #expect(try #require(stopped["value"] as? Double) > 100_000)
            let at = try #require(stopped["at_s"] as? Double)
            #expect(at >= 1.5 && at < 30)
            // Drained, not cut off: every call has its row and its end.
            let table = Table(try scratch.text("run/rtt.csv"))
            #expect(table.column("outcome").allSatisfy { $0 == "ok" })
            #expect(table.rows.count < 3000)
            let cases = try await Self.cases(in: "run/junit.xml", scratch)
            #expect(
                cases.map { $0.split(separator: " | ")[1] }.dropFirst() == [
                    "rtt.p50>100ms for 2s", "ser<1%", "rtt.max<1ns",
                ])
            #expect(cases[2].hasSuffix("| ok"))
        }

        @Test func aGeneratorThatFailedComesBeforeAThreshold() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--batch", "20ms", port: port, in: scratch) { _ in
                let finished = try await scratch.run(
                    Command.sipmeter(
                        "run", "127.0.0.1:\(port)", "--rate", "1000", "--duration", "1s", "--receive-buffer", "4k",
                        "--drain-timeout", "1s", "--out", "run", "--threshold", "rtt.max<1ns"))
                #expect(finished.status == 3, "\(finished)")
                #expect(finished.output.contains("THRESHOLDS  FAILED: 1 of 1"), "\(finished)")
            }
        }

        @Test func aTargetOutOfReachComesBeforeAThreshold() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let finished = try await scratch.run(
                Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--duration", "1s", "--out", "run", "--threshold", "ser>0%"))
            #expect(finished.status == 69, "\(finished)")
            #expect(
                try scratch.text("run/junit.xml").contains("<error type=\"run\" message=\"127.0.0.1:\(port) refused"))
        }

        @Test func anInterruptComesBeforeAThreshold() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.during(Self.run("--threshold", "rtt.max<1ns", for: "60s")) { run in
                try await run.wait(for: "rows") {
                    try scratch.has("run/rtt.csv") && scratch.text("run/rtt.csv").count > 400
                }
                run.send(SIGINT)
                return try await run.finish()
            }
            #expect(finished.status == 130, "\(finished)")
            #expect(finished.output.contains("THRESHOLDS  FAILED: 1 of 1"), "\(finished)")
        }

        @Test(.needs(.python)) func aSweepIsJudgedLevelByLevel() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command.sipmeter(
                    "sweep", "--rates", "20,60", "--duration", "1s", "--capacity", "unlimited", "--out", "sweep",
                    "--threshold", "calls.started>=60"))
            #expect(finished.status == 2, "\(finished)")
            #expect(
                finished.output.contains(
                    """
                    THRESHOLDS  FAILED: 1 of 2
                      FAILED  20/s  calls.started>=60  20
                      ok      60/s  calls.started>=60  60
                    """), "\(finished)")
            let cases = try await Self.cases(in: "sweep/junit.xml", scratch)
            #expect(cases.contains("20 calls/s | calls.started>=60 | calls.started: 20"), "\(cases)")
            #expect(cases.contains("60 calls/s | calls.started>=60 | ok"), "\(cases)")
            #expect(try Self.thresholds(scratch, "sweep/20cps").map { $0["passed"] as? Bool } == [false])
        }

        @Test(arguments: [
            (["--threshold", "rtt.p9<50ms"], "column 5: rtt has no \"p9\"; did you mean `rtt.p90`?"),
            (
                ["--threshold", "rtd.call.p99<1s"],
                "--threshold rtd.call.p99<1s: the scenario uac has no response time call"
            ),
            (
                ["--abort-on", "rtt.p99>2s for 1ms"],
                "column 16: rules are judged once a second: `for` takes from 1s to 1h"
            ),
        ]) func aConditionThatIsNoneIsAUsageError(arguments: [String], sentence: String) async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(Command([Command.sipmeterPath, "run"] + arguments))
            #expect(finished.status == 64, "\(finished)")
            #expect(finished.complaint.contains(sentence), "\(finished)")
        }
    }
}
