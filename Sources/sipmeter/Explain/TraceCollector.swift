import Breakdown
import Datagrams
import LoadRun
import Synchronization
import UDPTransport

/// Takes records as the probes' reader hands them over: into a log, and where asked into a trace file.
///
/// What is in the file is whole records at any moment, so that of a recorder that was killed at most what lay in the ring
/// is lost.
final class TraceCollector: Sendable {
    private struct State: ~Copyable {
        var log: TraceLog
        private var file: OutputFile?
        /// Records that came before the file had its header; nil where there is no file, or it has one.
        private var early: ByteBuffer?
        private(set) var failure: RunFailure?
        var isPaused = false

        init(_ file: consuming OutputFile?) {
            log = TraceLog(digest: { CallIDDigest.hexadecimal($0) }, mostEvents: EventMemory.mostEvents)
            early = file == nil ? nil : ByteBuffer(capacity: 1 << 16)
            self.file = consume file
        }

        mutating func write(header: TraceSource) {
            guard let early, var file = file.take() else { return }
            TraceFile.appendHeader(header, to: &file.rows)
            file.rows.append(early.storage.span.extracting(0..<early.count))
            self.early = nil
            self.file = consume file
        }

        mutating func write(_ record: borrowing Span<UInt8>) {
            if early != nil { return TraceFile.appendRecord(record, to: &early!) }
            if failure != nil { return }
            guard var file = file.take() else { return }
            TraceFile.appendRecord(record, to: &file.rows)
            if file.isLarge { flush(&file) }
            self.file = consume file
        }

        mutating func write(_ tally: TraceTally) {
            guard var file = file.take() else { return }
            TraceFile.appendTally(tally, to: &file.rows)
            flush(&file)
            self.file = consume file
        }

        /// What could be written stays; the rest is given up.
        private mutating func flush(_ file: inout OutputFile) {
            guard failure == nil else { return }
            do throws(RunFailure) { try file.flush() } catch { failure = error }
        }
    }

    private let state: Mutex<State>

    /// Creates the file at once, so that an unwritable place is told before anything runs.
    init(recording path: String?) throws(RunFailure) {
        var file: OutputFile?
        if let path { file = try OutputFile(path, remedy: "choose another file with --record") }
        state = Mutex(State(file))
    }

    func begin(_ source: TraceSource) { state.withLock { $0.write(header: source) } }

    func append(_ record: borrowing Span<UInt8>) {
        state.withLock {
            if $0.isPaused { return }
            $0.log.append(record)
            $0.write(record)
        }
    }

    /// What comes from now on is forgotten: it belongs to something else than the run.
    func pause() { state.withLock { $0.isPaused = true } }

    /// Events so far.
    var count: Int { state.withLock { $0.log.events.count } }

    var isFull: Bool { state.withLock { $0.log.isFull } }

    /// The log, and why the file, if there is one, is not whole: the log is.
    func finish(_ tally: TraceTally) -> (log: TraceLog, failure: RunFailure?) {
        state.withLock {
            $0.write(tally)
            return ($0.log, $0.failure)
        }
    }
}
