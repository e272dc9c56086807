import Datagrams
import Latency
import Observations
import Reports
import Synchronization
import UDPTransport

/// The writing thread: takes journals, writes their rows, keeps the histograms. It is never waited for by the sending
/// thread.
final class RecordWriter: Sendable {
    struct Result: Sendable {
        var recorder: LatencyRecorder
        var points: [PlotPoint] = []
        /// Only where calls with and without the tag are compared.
        var populations: TagPopulations?
        /// The first thing that could not be written.
        var failure: RunFailure?
    }

    private let thread: WorkerThread

    /// - Parameters:
    ///   - directory: nil: no files are written.
    ///   - expectations: for each step of the scenario, what a call that stands on it waits for.
    ///   - onJournal: is shown every journal, on the writing thread.
    ///   - onInterval: called on the writing thread for each second's row.
    ///   - onFailure: a file could not be written; what came before stays.
    init(
        directory: String?, workers: Int, responseTimeNames: [String], comparesTags: Bool = false,
        hasNotes: Bool = false, expectations: [String] = [], channel: JournalChannel,
        onJournal: (@Sendable (borrowing Journal) -> Void)? = nil, observer: RunObserver? = nil,
        onInterval: @escaping @Sendable (IntervalRow) -> Void, onFailure: @escaping @Sendable () -> Void
    ) throws {
        let files: Handover<Files?>
        if let directory {
            files = Handover(
                try Files.create(
                    in: directory, responseTimeNames, comparesTags: comparesTags, hasNotes: hasNotes,
                    expectations: expectations))
        } else {
            files = Handover(nil)
        }
        let box = Box()
        self.box = box
        thread = try WorkerThread(name: "sipmeter-write") {
            // Where it shares its core with the sending thread it must not keep that one from running.
            WorkerThread.askForShortSlices()
            WorkerThread.beNice()
            box.result.withLock {
                $0 = Self.write(
                    files.take(), writesFiles: directory != nil, comparesTags: comparesTags, workers: workers,
                    responseTimeNames: responseTimeNames.count, channel: channel, start: { box.start.withLock { $0 } },
                    onJournal: onJournal, observer: observer, onInterval: onInterval, onFailure: onFailure)
            }
        }
    }

    private final class Box: Sendable {
        let result = Mutex<Result?>(nil)
        let start = Mutex(WallInstant(nanoseconds: 0))
    }
    private let box: Box

    /// When the run starts: before its first second is over. It becomes known only when the files are there.
    func noteStart(_ start: WallInstant) { box.start.withLock { $0 = start } }

    /// Waits until everything handed over is written.
    func finish() -> Result {
        thread.join()
        guard let result = box.result.withLock({ $0 }) else { preconditionFailure("the writer ended without a result") }
        return result
    }

    private struct Files: ~Copyable {
        var rtt: OutputFile
        var intervals: OutputFile
        var retransmissions: OutputFile
        var histograms: HistogramLogFile
        /// `rtt.csv` has no column for the tag: it is the same for all runs.
        var tagControl: OutputFile?
        /// What the scenario logs, where it does.
        var notes: OutputFile?
        var failures: FailureFiles

        /// Creates the files with their headers.
        static func create(
            in directory: String, _ responseTimeNames: [String], comparesTags: Bool, hasNotes: Bool,
            expectations: [String]
        ) throws(RunFailure) -> Files {
            let rtt = try open(directory + "/rtt.csv") { CSV.appendRTTHeader(to: &$0) }
            let intervals = try open(directory + "/intervals.csv") { CSV.appendIntervalsHeader(to: &$0) }
            let retransmissions = try open(directory + "/retransmissions.csv") {
                CSV.appendRetransmissionsHeader(to: &$0)
            }
            var files = Files(
                rtt: rtt, intervals: intervals, retransmissions: retransmissions,
                histograms: try HistogramLogFile(in: directory, responseTimeNames: responseTimeNames),
                failures: FailureFiles(directory: directory, expectations: expectations))
            if comparesTags {
                files.tagControl = try open(directory + "/tag_control.csv") { CSV.appendTagControlHeader(to: &$0) }
            }
            if hasNotes { files.notes = try open(directory + "/scenario.log") { _ in } }
            return files
        }

        private static func open(
            _ path: String, header: (inout ByteBuffer) -> Void
        ) throws(RunFailure) -> OutputFile {
            var file = try OutputFile(path)
            header(&file.rows)
            try file.flush()
            return file
        }

        mutating func flush() throws(RunFailure) {
            try rtt.flush()
            try intervals.flush()
            try retransmissions.flush()
            try histograms.flush()
            try tagControl?.flush()
            try notes?.flush()
        }

        /// `1.234567890 call 7 log: text`: seconds from the run's start.
        private mutating func append(_ note: ScenarioNote, of journal: Journal) {
            guard notes != nil else { return }
            let (whole, rest) = note.at.rawValue.quotientAndRemainder(dividingBy: 1_000_000_000)
            let fraction = String(rest + 1_000_000_000).dropFirst()
            notes!.rows.append(text: "\(whole).\(fraction) call \(note.call) \(note.kind): \(journal.text(of: note))\n")
        }

        private mutating func appendTag(of call: CallRecord) {
            if tagControl != nil { CSV.appendTagControlRow(call, to: &tagControl!.rows) }
        }

        mutating func append(
            _ journal: Journal, _ seconds: [Interval], _ rows: [IntervalRow], _ start: WallInstant
        ) throws(RunFailure) {
            for call in journal.calls {
                CSV.appendRTTRow(call, to: &rtt.rows)
                if rtt.isLarge { try rtt.flush() }
                if call.sent != nil { appendTag(of: call) }
            }
            for record in journal.retransmissions {
                CSV.appendRetransmissionsRow(record, to: &retransmissions.rows)
                if retransmissions.isLarge { try retransmissions.flush() }
            }
            for note in journal.notes { append(note, of: journal) }
            for row in rows { CSV.appendIntervalsRow(row, to: &intervals.rows) }
            for second in seconds { histograms.append(second, of: start) }
            try flush()
            try failures.write(journal)
        }
    }

    private static func write(
        _ files: consuming Files?, writesFiles: Bool, comparesTags: Bool, workers: Int, responseTimeNames: Int,
        channel: JournalChannel, start: () -> WallInstant,
        onJournal: (@Sendable (borrowing Journal) -> Void)?, observer: RunObserver?,
        onInterval: (IntervalRow) -> Void, onFailure: () -> Void
    ) -> Result {
        var files = files
        var recorders = (0..<workers).map { _ in LatencyRecorder(responseTimeNames: responseTimeNames) }
        var seconds = SharedSeconds(workers: workers)
        var points: [PlotPoint] = []
        var populations = comparesTags ? TagPopulations() : nil
        var failure: RunFailure?
        guard var poller = try? Poller(receiving: [], wakeup: channel.wakeup) else {
            preconditionFailure("a poller of a wake-up")
        }
        while var handed = channel.take() {
            if handed.isEmpty { _ = poller.wait(until: nil) }
            while let (worker, journal) = handed.popLast() {
                if let interval = recorders[worker].record(journal) { seconds.add(interval, of: worker) }
                let complete = seconds.takeComplete()
                let rows = complete.map(\.row)
                for note in journal.notes where note.kind == .command {
                    ScenarioCommands.start(journal.text(of: note))
                }
                onJournal?(journal)
                observer?.handed(journal)
                for call in journal.calls {
                    populations?.record(call)
                    if writesFiles, let point = PlotPoint(call) { points.append(point) }
                }
                if failure == nil {
                    do throws(RunFailure) {
                        try files?.append(journal, complete, rows, start())
                    } catch {
                        failure = error
                        onFailure()
                    }
                }
                for row in rows { onInterval(row) }
                if let last = rows.last { observer?.closed(rows, LatencyRecorder.sum(recorders), at: last.at) }
                channel.giveBack(consume journal)
            }
        }
        let rest = seconds.takeRest()
        if failure == nil, !rest.isEmpty {
            do throws(RunFailure) { try files?.append(Journal(), rest, rest.map(\.row), start()) } catch {
                failure = error
            }
        }
        let recorder = LatencyRecorder.sum(recorders)
        if let last = rest.last { observer?.closed(rest.map(\.row), recorder, at: last.at) }
        return Result(recorder: recorder, points: points, populations: populations, failure: failure)
    }
}

/// The seconds of several sending threads put together: one once all have closed that second.
struct SharedSeconds {
    private var waiting: [[Interval]]

    init(workers: Int) { waiting = Array(repeating: [], count: workers) }

    mutating func add(_ interval: Interval, of worker: Int) { waiting[worker].append(interval) }

    /// What is left when all have ended: one may have had a second more than another.
    mutating func takeRest() -> [Interval] {
        var rest: [Interval] = []
        while let first = waiting.firstIndex(where: { !$0.isEmpty }) {
            var merged = waiting[first].removeFirst()
            for worker in waiting.indices.dropFirst(first + 1) where !waiting[worker].isEmpty {
                merged.merge(waiting[worker].removeFirst())
            }
            rest.append(merged)
        }
        return rest
    }

    /// The nth interval of every worker belongs together: each closes one a second, and one at its end.
    mutating func takeComplete() -> [Interval] {
        var complete: [Interval] = []
        while waiting.allSatisfy({ !$0.isEmpty }) {
            var merged = waiting[0].removeFirst()
            for worker in waiting.indices.dropFirst() { merged.merge(waiting[worker].removeFirst()) }
            complete.append(merged)
        }
        return complete
    }
}
