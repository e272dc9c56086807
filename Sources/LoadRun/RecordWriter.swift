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
        /// The first thing that could not be written.
        var failure: RunFailure?
    }

    private let thread: WorkerThread

    /// - Parameters:
    ///   - onInterval: called on the writing thread for each second's row.
    ///   - onFailure: a file could not be written; what came before stays.
    init(
        directory: String, responseTimeNames: Int, channel: JournalChannel,
        onInterval: @escaping @Sendable (IntervalRow) -> Void, onFailure: @escaping @Sendable () -> Void
    ) throws {
        let files = Handover(try Files.create(in: directory))
        let box = Box()
        self.box = box
        thread = try WorkerThread(name: "sipmeter-write") {
            box.result.withLock {
                $0 = Self.write(
                    files.take(), responseTimeNames: responseTimeNames, channel: channel, onInterval: onInterval,
                    onFailure: onFailure)
            }
        }
    }

    private final class Box: Sendable {
        let result = Mutex<Result?>(nil)
    }
    private let box: Box

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

        /// Creates the files with their headers.
        static func create(in directory: String) throws(RunFailure) -> Files {
            let rtt = try open(directory + "/rtt.csv") { CSV.appendRTTHeader(to: &$0) }
            let intervals = try open(directory + "/intervals.csv") { CSV.appendIntervalsHeader(to: &$0) }
            let retransmissions = try open(directory + "/retransmissions.csv") {
                CSV.appendRetransmissionsHeader(to: &$0)
            }
            return Files(rtt: rtt, intervals: intervals, retransmissions: retransmissions)
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
        }

        mutating func append(_ journal: Journal, _ row: IntervalRow?) throws(RunFailure) {
            for call in journal.calls {
                CSV.appendRTTRow(call, to: &rtt.rows)
                if rtt.isLarge { try rtt.flush() }
            }
            for record in journal.retransmissions {
                CSV.appendRetransmissionsRow(record, to: &retransmissions.rows)
                if retransmissions.isLarge { try retransmissions.flush() }
            }
            if let row { CSV.appendIntervalsRow(row, to: &intervals.rows) }
            try flush()
        }
    }

    private static func write(
        _ files: consuming Files, responseTimeNames: Int, channel: JournalChannel,
        onInterval: (IntervalRow) -> Void, onFailure: () -> Void
    ) -> Result {
        var files = files
        var result = Result(recorder: LatencyRecorder(responseTimeNames: responseTimeNames))
        guard var poller = try? Poller(receiving: [], wakeup: channel.wakeup) else {
            preconditionFailure("a poller of a wake-up")
        }
        while let journals = channel.take() {
            for journal in journals {
                let row = result.recorder.record(journal)
                for call in journal.calls {
                    if let point = PlotPoint(call) { result.points.append(point) }
                }
                if result.failure == nil {
                    do throws(RunFailure) {
                        try files.append(journal, row)
                    } catch {
                        result.failure = error
                        onFailure()
                    }
                }
                if let row { onInterval(row) }
                channel.giveBack(journal)
            }
            if journals.isEmpty { _ = poller.wait(until: nil) }
        }
        return result
    }
}
