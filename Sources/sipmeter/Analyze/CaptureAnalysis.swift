import Captures
import Datagrams
import Latency
import LoadRun
import Observations
import Reports
import SIP

/// Everything `analyze` finds in a capture, and the files it makes of it.
struct CaptureAnalysis {
    static let fileNames = [
        "rtt.csv", "intervals.csv", "retransmissions.csv", "rtt.hlog", "summary.json", "summary.txt", "rtt.svg",
        "manifest.json",
    ]

    let timers: TimerCheck
    private let recording: CaptureRecording
    private let report: CaptureReport
    let summary: RunSummary
    private let rules: TimerRulesReport

    private let hops: HopsAnalysis?

    init(
        _ traffic: SIPTraffic, _ files: [CaptureFile], hops: HopsAnalysis?, timerSettings: TimerCheck.Settings,
        thresholds: [Threshold] = []
    ) {
        self.hops = hops
        let start = traffic.messages.first?.at ?? traffic.firstFrame ?? .zero
        let table = TransactionTable(traffic)
        let finder = CallFinder(
            traffic, table, timeout: timerSettings.timers.transactionTimeout, start: start)
        let (calls, begunBefore) = finder.calls()
        timers = TimerCheck(traffic, table, settings: timerSettings)
        let copies = Self.copies(timers, traffic, calls, files, start: start)
        recording = CaptureRecording(traffic, calls, copies, start: start)
        report = CaptureFigures.report(traffic, table, calls, begunBefore: begunBefore)
        rules = TimerRuleTexts.report(timers, traffic, files, settings: timerSettings)
        var conditions = RunConditions(
            scenario: "capture",
            target: (hops == nil ? files : [files[0]]).map(\.name).joined(separator: ", "), rate: nil,
            offeredFor: calls.last?.record.due ?? .zero, lasted: (traffic.messages.last?.at ?? start) - start,
            t1: timerSettings.timers.t1)
        conditions.isCapture = true
        var summary = RunSummary(recording.recorder, conditions: conditions)
        summary.verdict = CaptureFigures.verdict(traffic, files, notes: summary.verdict.notes)
        if !thresholds.isEmpty {
            let registrations = Registrations(rrd: report.rrd.figures, ira: report.ira)
            summary.thresholds = ThresholdReport(thresholds, of: summary, registrations: registrations)
        }
        self.summary = summary
    }

    private static func copies(
        _ timers: TimerCheck, _ traffic: SIPTraffic, _ calls: [CapturedCall], _ files: [CaptureFile],
        start: Nanoseconds
    ) -> [CapturedRetransmission] {
        let numbers = Dictionary(
            calls.map { (traffic.messages[$0.invite].callID, $0.record.number) },
            uniquingKeysWith: { first, _ in first })
        return timers.retransmissions.map { copy in
            let message = traffic.messages[copy.place]
            let record = RetransmissionRecord(
                call: numbers[message.callID] ?? 0,
                callID: traffic.texts.withBytes(of: message.callID) { CallIDText($0) }, method: message.method,
                status: message.status, nth: copy.nth, due: copy.due - start, sent: message.at - start,
                timer: copy.subject.timer)
            return CapturedRetransmission(
                record: record, source: traffic.addresses[message.source],
                destination: traffic.addresses[message.destination], file: files[Int(message.file)].name,
                frame: message.frame, check: copy.check.text)
        }
    }

    func write(to directory: String, checksTimers: Bool) throws(RunFailure) {
        try recording.write(to: directory)
        try hops?.write(to: directory)
        var bytes = ByteBuffer(capacity: 1 << 16)
        RunFiles.appendSummary(summary, adding: json(checksTimers: checksTimers), to: &bytes)
        try OutputFile.create(directory + "/summary.json", holding: bytes)
        bytes.removeAll()
        bytes.append(text: text(checksTimers: checksTimers) + "\n")
        try OutputFile.create(directory + "/summary.txt", holding: bytes)
        try OutputFile.create(directory + "/rtt.svg", holding: RTTPlot.svg(summary, points: recording.points))
    }

    func text(checksTimers: Bool) -> String {
        var bytes = ByteBuffer(capacity: 1 << 14)
        SummaryText.append(summary, to: &bytes)
        CaptureText.append(report, to: &bytes)
        if checksTimers { rules.append(to: &bytes) }
        hops?.report.append(to: &bytes)
        return String(decoding: bytes.storage[..<(bytes.count - 1)], as: UTF8.self)
    }

    private func json(checksTimers: Bool) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("frames", .object(report.contents.map { ($0.name, .count($0.count)) })),
            (
                "methods",
                .object(
                    report.methods.map {
                        (
                            $0.name,
                            .object([
                                ("transactions", .count($0.transactions)), ("unanswered", .count($0.unanswered)),
                                ("retransmissions", .count($0.copies)), ("retransmitted", .count($0.resent)),
                                ("to_final_us", RunFiles.figures($0.times.figures)),
                            ])
                        )
                    })
            ),
            (
                "directions",
                .array(
                    report.directions.map {
                        .object([
                            ("direction", .string($0.name)), ("calls", .count($0.calls)),
                            ("ser", RunFiles.ratio($0.sessions.ser)), ("seer", RunFiles.ratio($0.sessions.seer)),
                            ("isa", RunFiles.ratio($0.sessions.isa)), ("scr", RunFiles.ratio($0.sessions.scr)),
                            ("srd_us", RunFiles.figures($0.srd)), ("sdd_us", RunFiles.figures($0.sdd)),
                            ("sdt_us", RunFiles.figures($0.sdt)),
                        ])
                    })
            ),
            ("rrd_us", RunFiles.figures(report.rrd.figures)), ("ira", RunFiles.ratio(report.ira)),
        ]
        if checksTimers { members.append(("timer_rules", Self.json(rules))) }
        if let hops { members.append(("hops", hops.json)) }
        return members
    }

    private static func json(_ rules: TimerRulesReport) -> JSONValue {
        .array(
            rules.groups.flatMap { group in
                group.rules.map { rule in
                    .object([
                        ("messages", .string(group.title)), ("rule", .string(rule.text)),
                        ("checked", .count(rule.checked)), ("violated", .count(rule.violated)),
                        ("worst", rule.example.map { .string($0) } ?? .null),
                    ])
                }
            })
    }
}
