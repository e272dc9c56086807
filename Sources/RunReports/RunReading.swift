import Datagrams
import Glibc
import Latency
import Observations
import Reports
import RunArchive

/// A run's directory read for its page. The rows stream by once; a run that was killed and left no summary is read
/// twice, the first time to sum it up.
package struct RunReading {

    let archive: RunArchive
    let version: String

    package init(_ directory: String, version: String) throws(ArchiveError) {
        archive = try RunArchive(directory)
        self.version = version
    }

    /// - Throws: `ArchiveError` for a file that is there and is none.
    package func report() throws -> RunReport {
        var report = RunReport(
            directory: Self.name(of: archive.directory), manifest: archive.manifest, version: version)
        report.summary = archive.summary
        report.series = try series()
        let hasRows = isFile("rtt.csv")
        if report.summary == nil, hasRows {
            report.summary = try summed(report.series)
            report.isFromRows = true
        }
        if hasRows, let summary = report.summary { report.calls = try pictures(summary) }
        report.retransmissions = try retransmissions()
        report.failures = archive.failures()
        report.explain = try explain()
        report.pictures = Self.pictures.compactMap { name in
            FileBytes.read(archive.path(name), most: 2 << 20).map { RunReport.Picture(file: name, bytes: $0) }
        }
        report.files = Self.files.filter { archive.has($0) }
        return report
    }

    /// The directory's own name and the one it lies in: the path to them is of this machine.
    static func name(of directory: String) -> String {
        let parts = directory.split(separator: "/").filter { $0 != "." }
        return parts.suffix(2).joined(separator: "/")
    }

    private static let pictures = ["shares.svg", "blocks.svg", "queue.svg", "threads.svg", "hops.svg"]

    private static let files = [
        "manifest.json", "summary.txt", "summary.json", "rtt.csv", "intervals.csv", "retransmissions.csv", "split.csv",
        "tag_control.csv", "rtt.hlog", "junit.xml", "scenario.log", "rtt.svg", "failures/0001.txt", "hops.csv",
        "hops.svg", "explain.txt", "explain.json", "blocks.csv", "waits.csv", "queues.csv", "threads.csv", "blocks.svg",
        "shares.svg", "queue.svg", "threads.svg",
    ]

    /// A pipe in a file's place belongs to whoever reads it, and would be waited for without an end.
    private func isFile(_ name: String) -> Bool {
        var status = stat()
        return stat(archive.path(name), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    // MARK: Tables

    private func series() throws -> RunSeries {
        var series = RunSeries()
        guard isFile("intervals.csv"), let table = try archive.intervals() else { return series }
        for row in table.rows.indices { series.append { table.double(row, $0) } }
        return series
    }

    private func retransmissions() throws -> RetransmissionSeries {
        var series = RetransmissionSeries()
        guard isFile("retransmissions.csv") else { return series }
        try archive.forEachPiece(of: "retransmissions.csv") { table in
            for row in table.rows.indices {
                guard let sent = table.double(row, "sent_s"), sent.isFinite, sent.magnitude < 1e9 else { continue }
                let late = table.double(row, "late_us") ?? 0
                series.insert(
                    timer: table.text(row, "timer"), message: table.text(row, "message"),
                    call: table.whole(row, "call") ?? 0, sent: Nanoseconds(Int64(sent * 1e9)),
                    late: Nanoseconds(Int64(late.magnitude < 1e15 ? late * 1000 : 0)))
            }
        }
        return series
    }

    private func explain() throws -> JSONValue? {
        guard let bytes = FileBytes.read(archive.path("explain.json"), most: 8 << 20) else { return nil }
        do { return try JSONValue(parsing: bytes) } catch {
            throw ArchiveError(
                "\(archive.path("explain.json")) is no JSON; it may have been cut off or changed by hand")
        }
    }

    // MARK: Calls

    private func pictures(_ summary: JSONValue) throws -> CallPictures {
        let longest = summary["response_times_us"]?["rtt"]?["max"]?.double ?? 0
        let counted = summary["calls"]?["outcomes"]?.members?.reduce(0) { $0 + ($1.1.whole ?? 0) } ?? 0
        let offered = summary["calls"]?["offered"]?.whole ?? 0
        let t1 = summary["run"]?["t1_s"]?.double ?? 0.5
        var pictures = CallPictures(
            calls: max(offered, counted), longest: Nanoseconds(Int64(min(longest, 1e15) * 1000)),
            t1: Nanoseconds(Int64(min(max(t1, 0), 1e6) * 1e9)))
        try archive.forEachCall { pictures.insert($0) }
        return pictures
    }

    /// What the summary of a run would have been that was killed: all that its rows tell.
    private func summed(_ series: RunSeries) throws -> JSONValue {
        var recorder = LatencyRecorder()
        var counters = Counters()
        var last = Nanoseconds.zero
        try archive.forEachCall { call in
            recorder.record(call)
            counters.offered += 1
            counters.started += call.sent == nil ? 0 : 1
            counters.answered += (200..<300).contains(call.inviteStatus) ? 1 : 0
            counters.ok += call.outcome == .ok ? 1 : 0
            counters.unsent += call.outcome == .unsent ? 1 : 0
            counters.requestsRetransmitted += UInt64(call.retransmissions)
            last = max(last, call.ended)
        }
        counters.failed = counters.started - counters.ok
        var journal = Journal()
        journal.mark = IntervalMark(at: last, counters: counters, open: 0, cpu: .zero)
        recorder.record(journal)
        let manifest = archive.manifest
        let duration = manifest["load"]?["duration_s"]?.double ?? 0
        let length = Nanoseconds(Int64(min(max(min(duration, last.seconds), 0), 1e9) * 1e9))
        var conditions = RunConditions(
            scenario: manifest["scenario"]?.text ?? "", target: manifest["target"]?["asked"]?.text ?? "",
            transport: manifest["target"]?["transport"]?.text ?? "", rate: manifest["load"]?["rate_per_s"]?.double,
            offeredFor: length, lasted: last)
        if let t1 = manifest["timers_ms"]?["t1"]?.double, t1 > 0, t1 < 1e9 {
            conditions.t1 = Nanoseconds(Int64(t1 * 1e6))
        }
        return RunFiles.json(of: RunSummary(recorder, conditions: conditions))
    }
}
