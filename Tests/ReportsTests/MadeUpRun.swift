import Breakdown
import Datagrams
import Latency
import Observations

@testable import Reports

/// A run's directory as its reader would give it.
struct MadeUpRun {
    var calls = mixedCalls()
    var scenario = "uac"
    var target = "192.0.2.5:5060"
    var thresholds: JSONValue?
    var failures: [FailureFile] = []
    var seconds = 3
    var notes: [String] = []

    var report: RunReport {
        var summed = summary(of: calls, notes: notes)
        summed.conditions.scenario = scenario
        summed.conditions.target = target
        guard case .object(var members) = RunFiles.json(of: summed) else {
            preconditionFailure("a summary is an object")
        }
        if let thresholds {
            members.removeAll { $0.0 == "thresholds" }
            members.append(("thresholds", thresholds))
        }
        var report = RunReport(directory: "runs/made-up", manifest: manifest, version: "0.1.0")
        report.summary = .object(members)
        var pictures = CallPictures(
            calls: UInt64(calls.count), longest: summed.rtt.max ?? .zero, t1: .milliseconds(500))
        for call in calls {
            pictures.insert(call)
            for nth in 0..<call.retransmissions {
                report.retransmissions.insert(
                    timer: "A", message: "INVITE", call: call.number,
                    sent: call.due + .milliseconds(500) * Int64(nth + 1), late: .microseconds(80))
            }
        }
        report.calls = pictures
        report.series = Self.series(seconds)
        report.failures = failures
        report.files = ["manifest.json", "rtt.csv"]
        return report
    }

    static func series(_ seconds: Int) -> RunSeries {
        var series = RunSeries()
        for second in 1...seconds {
            let row: [String: Double] = [
                "t_s": Double(second), "length_s": 1, "offered": 400, "started": 399, "ok": 390 + Double(second % 7),
                "failed": Double(second % 3), "open": Double(second % 50),
                "rtt_p50_us": 2000 + Double(second % 100) * 10,
                "rtt_p99_us": 9000 + Double(second * 7919 % 1000) * 20, "late_p99_us": Double(second * 104_729 % 900),
                "late_max_us": Double(second * 15_485_863 % 5000), "cpu_percent": 20 + Double(second % 40),
                "receive_queue_drops": second % 600 == 0 ? 3 : 0, "requests_retransmitted": 4,
            ]
            series.append { row[$0] }
        }
        return series
    }

    var manifest: JSONValue {
        .object([
            ("schema", .string("sipmeter manifest")), ("sipmeter_version", .string("0.1.0")),
            (
                "command_line",
                .array(
                    ["/usr/bin/sipmeter", "run", target, "--rate", "400", "--key", "who=it's me"].map { .string($0) })
            ),
            ("begun_utc", .string("2026-11-23T15:30:00Z")), ("seed", .count(1)), ("scenario", .string(scenario)),
            (
                "flow",
                .object([
                    ("own", .string("caller (this scenario)")), ("peer", .string("called")),
                    (
                        "steps",
                        .array(
                            [
                                ("send", "INVITE"), ("receive_optional", "100"), ("receive", "200"), ("send", "ACK"),
                                ("pause", "pause, --hold"),
                            ]
                            .map { kind, text in
                                .object([("kind", .string(kind)), ("text", .string(text)), ("remark", .string(""))])
                            })
                    ),
                ])
            ),
            (
                "target",
                .object([
                    ("asked", .string(target)), ("address", .string("192.0.2.5:5060")), ("is_model", .bool(false)),
                    ("transport", .string("udp")), ("source_addresses", .string("192.0.2.1:50000")),
                    ("receive_buffer_bytes", .count(8_388_608)),
                ])
            ),
            (
                "load",
                .object([
                    ("rate_per_s", .count(400)), ("duration_s", .count(1)), ("arrivals", .string("constant")),
                    ("hold_ms", .count(0)), ("workers", .count(1)),
                ])
            ),
            ("timers_ms", .object([("t1", .count(500)), ("t2", .count(4000))])),
            ("timestamps", .object([("source", .string("kernel")), ("clock", .string("CLOCK_REALTIME"))])),
            (
                "host",
                .object([
                    ("name", .string("bench")), ("system", .string("Linux")), ("kernel", .string("6.18.0")),
                    ("cpus", .count(2)),
                ])
            ),
            (
                "rfc7502",
                .object([
                    ("sip_transport_protocol", .string("UDP")), ("is_media", .bool(false)),
                    ("session_attempt_rate_per_s", .count(400)), ("session_duration_s", .count(0)),
                    ("establishment_threshold_time_s", .count(32)),
                ])
            ),
        ])
    }

    /// An INVITE, and its refusal with this reason.
    static func failure(reason: String = "Busy Here", bytes: Int = 0) -> FailureFile {
        let padding = bytes > 0 ? "X-Padding: " + String(repeating: "a", count: bytes) + "\r\n" : ""
        func message(_ line: String) -> [UInt8] { Array("\(line)\r\nCall-ID: 401@sipmeter\r\n\(padding)\r\n".utf8) }
        return FailureFile(
            facts: [
                ("Call", "401"), ("Call-ID", "401@sipmeter"), ("Outcome", "486"),
                ("Expected", "100 or 180 or 200 (step 2 of the scenario)"),
                ("Received", "486 \(reason)"),
            ],
            messages: [
                .init(at: .milliseconds(1002), isSent: true, bytes: message("INVITE sip:service@192.0.2.5 SIP/2.0")),
                .init(at: .milliseconds(1004), isSent: false, bytes: message("SIP/2.0 486 \(reason)")),
                .init(at: .milliseconds(1005), isSent: true, bytes: message("ACK sip:service@192.0.2.5 SIP/2.0")),
            ])
    }
}
