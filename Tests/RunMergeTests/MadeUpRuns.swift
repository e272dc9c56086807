import Datagrams
import Foundation
import Latency
import LoadRun
import Observations
import Reports
import UserAgent

/// Runs as sipmeter leaves them, of calls that nobody placed.
struct MadeUpRuns {
    let directory: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "sipmeter-merge-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }
    func path(_ name: String) -> String { directory + "/" + name }
    func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    static let rate = 50.0
    static let duration = Nanoseconds.seconds(4)

    /// Evenly due, with every kind of end.
    static func calls(seed: UInt64) -> [CallRecord] {
        var random = SeededGenerator(seed: seed)
        return (0..<200).map { k in
            var call = CallRecord(
                number: UInt64(k + 1), callID: CallIDText("\(seed).\(k + 1)@x"), due: .milliseconds(Int64(k) * 20))
            let kind = random.next() % 20
            if kind == 0 { return call }
            call.sent = call.due + Nanoseconds(Int64(random.next() % 3_000_000))
            call.clock = random.next() % 10 == 0 ? .app : .kernel
            call.outcome = .timeout
            if kind == 1 {
                call.ended = call.due + .seconds(3)
                return call
            }
            call.trying = .microseconds(90)
            call.ringing = Nanoseconds(Int64(200_000 + random.next() % 900_000))
            call.answer = (call.ringing ?? .zero) + Nanoseconds(Int64(random.next() % 90_000_000))
            call.inviteStatus = kind == 2 ? 486 : 200
            call.outcome = kind == 2 ? .status(486) : .ok
            call.ended = (call.sent ?? .zero) + (call.answer ?? .zero)
            if kind == 2 { return call }
            call.hold = Nanoseconds(Int64(random.next() % 400_000))
            call.bye = Nanoseconds(Int64(100_000 + random.next() % 5_000_000))
            call.rtt = (call.answer ?? .zero) + (call.bye ?? .zero)
            call.rttFromDue = (call.rtt ?? .zero) + (call.late ?? .zero)
            call.retransmissions = kind == 3 ? 1 : 0
            call.ended = (call.sent ?? .zero) + (call.rtt ?? .zero) + call.hold
            if call.clock == .kernel {
                call.split = CallSplit(
                    egress: Nanoseconds(Int64(random.next() % 40_000)), reaction: call.hold,
                    ingress: Nanoseconds(Int64(random.next() % 60_000)), matching: .microseconds(3))
            }
            return call
        }
    }

    /// A run of these calls: the summary it made.
    @discardableResult
    func write(
        _ name: String, _ calls: [CallRecord], shard: Shard? = nil, startOffset: Nanoseconds = .zero, seed: UInt64 = 1,
        rate: Double = MadeUpRuns.rate, hasEnded: Bool = true, offeredFor: Nanoseconds = MadeUpRuns.duration,
        failures: [FailureFile] = []
    ) throws -> (RunSummary, [IntervalRow]) {
        let directory = path(name)
        try RunDirectory.create(directory)
        var recorder = LatencyRecorder(responseTimeNames: 1)
        var log = try HistogramLogFile(in: directory, responseTimeNames: ["ring, ring"])
        let start = WallInstant(nanoseconds: 1_795_549_831_000_000_000 + startOffset.rawValue)
        log.begin(at: start)
        var rows: [IntervalRow] = []
        var counters = Counters()
        let ended = calls.sorted { $0.ended < $1.ended }
        for second in 1...8 {
            var journal = Journal()
            let end = Nanoseconds.seconds(Int64(second))
            for call in ended
            where call.ended <= end && call.ended > end - .seconds(1) || (second == 1 && call.ended == .zero) {
                journal.calls.append(call)
                if call.outcome == .ok { counters.ok += 1 }
                if call.outcome == .unsent { counters.unsent += 1 }
                if call.outcome != .ok, call.outcome != .unsent { counters.failed += 1 }
                if let ringing = call.ringing {
                    journal.responseTimes.append(
                        NamedResponseTime(call: call.number, name: 0, stopped: call.ended, length: ringing))
                }
            }
            for call in calls where call.due < end && call.due >= end - .seconds(1) {
                counters.offered += 1
                if call.sent != nil { counters.started += 1 }
                counters.datagramsSent += 3
                counters.requestsRetransmitted += UInt64(call.retransmissions)
                if call.retransmissions > 0 {
                    journal.retransmissions.append(
                        RetransmissionRecord(
                            call: call.number, callID: call.callID, method: .invite, status: 0, nth: 1,
                            due: call.due + .milliseconds(500), sent: call.due + .milliseconds(501), timer: .a))
                }
            }
            journal.mark = IntervalMark(
                at: end + .microseconds(Int64(second)), counters: counters, open: 2,
                cpu: .milliseconds(Int64(second) * 30))
            guard let interval = recorder.record(journal) else { continue }
            rows.append(interval.row)
            log.append(interval, of: start)
        }
        try log.flush()
        var conditions = RunConditions(
            scenario: "uac", target: "192.0.2.5", rate: rate / Double(shard?.count ?? 1), offeredFor: offeredFor,
            lasted: .seconds(8), scheduled: UInt64(calls.count), responseTimeNames: ["ring, ring"])
        conditions.disturbances = Disturbances()
        let summary = RunSummary(recorder, conditions: conditions)
        try write(directory, calls: ended, rows: rows)
        try write(directory, shard, start, seed, rate)
        for (place, failure) in failures.enumerated() {
            try RunDirectory.create(directory + "/failures")
            try Self.file(directory + "/failures/" + FailureFile.name(place + 1)) { failure.append(to: &$0) }
        }
        if hasEnded {
            try Self.file(directory + "/summary.json") { RunFiles.appendSummary(summary, to: &$0) }
            try Self.file(directory + "/split.csv") { CSV.appendSplit(summary.split, to: &$0) }
        }
        return (summary, rows)
    }

    private func write(_ directory: String, calls: [CallRecord], rows: [IntervalRow]) throws {
        try Self.file(directory + "/rtt.csv") {
            CSV.appendRTTHeader(to: &$0)
            for call in calls { CSV.appendRTTRow(call, to: &$0) }
        }
        try Self.file(directory + "/intervals.csv") {
            CSV.appendIntervalsHeader(to: &$0)
            for row in rows { CSV.appendIntervalsRow(row, to: &$0) }
        }
        try Self.file(directory + "/retransmissions.csv") {
            CSV.appendRetransmissionsHeader(to: &$0)
            for call in calls where call.retransmissions > 0 {
                CSV.appendRetransmissionsRow(
                    RetransmissionRecord(
                        call: call.number, callID: call.callID, method: .invite, status: 0, nth: 1,
                        due: call.due + .milliseconds(500), sent: call.due + .milliseconds(501), timer: .a), to: &$0)
            }
        }
    }

    private func write(
        _ directory: String, _ shard: Shard?, _ start: WallInstant, _ seed: UInt64, _ rate: Double
    ) throws {
        let part: JSONValue =
            shard.map { .object([("index", .count(UInt64($0.index))), ("of", .count(UInt64($0.count)))]) } ?? .null
        let fields: [(String, JSONValue)] = [
            ("sipmeter_version", .string("1")), ("command_line", .array([.string("sipmeter"), .string(directory)])),
            ("seed", .count(seed)),
            ("shard", part),
            (
                "start",
                .object([("unix_ns", .integer(start.nanoseconds)), ("monotonic_ns", .count(Self.monotonic(directory)))])
            ),
            ("target", .object([("asked", .string("192.0.2.5")), ("is_model", .bool(false))])),
            ("load", .object([("rate_per_s", .number(rate, decimals: 6)), ("duration_s", .seconds(Self.duration))])),
            ("timestamps", .object([("asked", .string("auto"))])),
            ("host", .object([("name", .string("host-\(shard?.index ?? 0)"))])),
        ]
        try Self.file(directory + "/manifest.json") { RunFiles.appendManifest(fields, to: &$0) }
    }

    /// No two runs begin at the same.
    private static func monotonic(_ name: String) -> UInt64 {
        name.utf8.reduce(5381) { ($0 &* 33 &+ UInt64($1)) % 1_000_000_000_000 }
    }

    static func failure(_ call: UInt64, failed: Nanoseconds) -> FailureFile {
        FailureFile(
            facts: [
                ("Call", "\(call)"), ("Call-ID", "f.\(call)@x"), ("Outcome", "486"),
                ("Failed", DecimalText.fixed(failed, unit: 1_000_000_000, decimals: 6) + " s after the run's start"),
            ],
            messages: [
                .init(at: failed - .milliseconds(7), isSent: true, bytes: Array("INVITE sip:a@x SIP/2.0\r\n\r\n".utf8)),
                .init(at: failed, isSent: false, bytes: Array("SIP/2.0 486 Busy Here\r\n\r\n".utf8)),
            ])
    }

    private static func file(_ path: String, _ body: (inout ByteBuffer) -> Void) throws {
        var bytes = ByteBuffer(capacity: 1 << 14)
        body(&bytes)
        try OutputFile.create(path, holding: bytes)
    }
}
