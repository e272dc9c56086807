import Datagrams
import Foundation
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct JSONTests {
    private static func json(_ value: JSONValue) -> String { text { value.write(to: &$0) } }

    @Test func valuesAreWrittenInOrder() {
        let value = JSONValue.object([
            ("z", .count(.max)), ("a", .integer(-3)), ("list", .array([.bool(true), .null])), ("none", .array([])),
            ("empty", .object([])), ("us", .microseconds(Nanoseconds(1_234_005))), ("s", .seconds(Nanoseconds(5))),
            ("undefined", .microseconds(nil)), ("ratio", .number(99.96664, decimals: 4)),
            ("nan", .number(.nan, decimals: 2)), ("infinite", .number(-.infinity, decimals: 2)),
        ])
        #expect(
            Self.json(value) == """
                {
                  "z": 18446744073709551615,
                  "a": -3,
                  "list": [
                    true,
                    null
                  ],
                  "none": [],
                  "empty": {},
                  "us": 1234.005,
                  "s": 0.000000005,
                  "undefined": null,
                  "ratio": 99.9666,
                  "nan": null,
                  "infinite": null
                }

                """)
    }

    @Test func whatMustBeEscapedIsAndTheRestIsNot() {
        #expect(
            Self.json(.string("\"\\/\u{8}\u{9}\n\u{C}\r\u{1}\u{1F}\u{7F}é→"))
                == "\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0001\\u001f\u{7F}é→\"\n")
    }

    /// Foundation is the other opinion here.
    @Test(arguments: [0, 1])
    func theSummaryIsJSONThatSaysTheSame(isEmpty: Int) throws {
        let summary = summary(
            of: isEmpty == 1 ? [] : mixedCalls(), notes: ["a \"note\"\nof two lines"], names: ["a\tb"])
        let bytes = text { RunFiles.appendSummary(summary, to: &$0) }
        let root = try #require(try JSONSerialization.jsonObject(with: Data(bytes.utf8)) as? [String: Any])
        #expect(root["schema"] as? String == "sipmeter summary")
        #expect(root["schema_version"] as? Int == 1)
        let verdict = try #require(root["verdict"] as? [String: Any])
        #expect(verdict["level"] as? String == summary.verdict.level.text)
        #expect((root["notes"] as? [String])?.first == "a \"note\"\nof two lines")
        let times = try #require(root["response_times_us"] as? [String: Any])
        let rtt = try #require(times["rtt"] as? [String: Any])
        let sessions = try #require(root["rfc6076"] as? [String: Any])
        let ser = try #require(sessions["ser"] as? [String: Any])
        if isEmpty == 1 {
            #expect(rtt["p99"] is NSNull)
            #expect(ser["percent"] is NSNull)
        } else {
            #expect(rtt["max"] as? Double == 40900)
            #expect(rtt["mean"] as? Double == 20950)
            #expect(rtt["count"] as? Int == 400)
            #expect(ser["numerator"] as? Int == 400)
            #expect(ser["denominator"] as? Int == 403)
            #expect((root["final_statuses"] as? [String: Int]) == ["200": 400, "486": 1, "503": 1])
            let calls = try #require(root["calls"] as? [String: Any])
            #expect(
                (calls["outcomes"] as? [String: Int]) == ["ok": 400, "486": 1, "503": 1, "timeout": 1, "unsent": 1])
        }
        let counters = try #require(root["counters"] as? [String: Int])
        #expect(counters.count == Counters.list.count)
    }

    @Test func whatDisturbedTheThreadsIsAMemberOfTheGenerator() throws {
        func member(_ summary: RunSummary) throws -> Any? {
            let bytes = text { RunFiles.appendSummary(summary, to: &$0) }
            let root = try #require(try JSONSerialization.jsonObject(with: Data(bytes.utf8)) as? [String: Any])
            return (root["generator"] as? [String: Any])?["disturbances"]
        }
        var summary = summary(of: mixedCalls())
        #expect(try member(summary) is NSNull)
        var seen = Disturbances()
        seen.noteStall(.milliseconds(203), endedAt: .milliseconds(1160))
        seen.stolen = .milliseconds(30)
        seen.stealable = .seconds(1)
        summary.conditions.disturbances = seen
        let written = try #require(try member(summary) as? [String: Any])
        #expect(written["longest_stall_us"] as? Double == 203_000)
        #expect(written["longest_stall_ended_s"] as? Double == 1.16)
        #expect(written["stalls_of_100_ms"] as? Int == 1)
        #expect(written["stolen_us"] as? Double == 30_000)
        #expect(written["stolen_percent"] as? Double == 3)
        #expect(written["suspended_s"] as? Double == 0)
        #expect(written["waited_for_cpu_us"] is NSNull)
        #expect(written["involuntary_switches"] is NSNull)
    }

    @Test func theManifestKeepsItsFieldsInTheCallersOrder() {
        let fields: [(String, JSONValue)] = [
            ("command", .array([.string("sipmeter"), .string("sweep")])), ("host", .object([("cpus", .count(2))])),
        ]
        #expect(
            text { RunFiles.appendManifest(fields, to: &$0) } == """
                {
                  "schema": "sipmeter manifest",
                  "schema_version": 1,
                  "command": [
                    "sipmeter",
                    "sweep"
                  ],
                  "host": {
                    "cpus": 2
                  }
                }

                """)
    }
}
