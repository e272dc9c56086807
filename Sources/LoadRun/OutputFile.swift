import Datagrams
import Glibc
import Reports

/// A file of whole rows. What cannot be written is never written in part: after a failure the file ends with the last
/// whole row that fitted.
package struct OutputFile: ~Copyable {
    package let path: String
    private let descriptor: Int32
    /// What else can be done where it cannot be written.
    private let remedy: StaticString
    private var pending = ByteBuffer(capacity: 64 << 10)
    private var written: Int64 = 0

    /// Creates or empties the file.
    /// - Parameter appends: what is there already stays.
    package init(
        _ path: String, appends: Bool = false, remedy: StaticString = "choose another directory with --out"
    ) throws(RunFailure) {
        self.path = path
        self.remedy = remedy
        descriptor = open(path, O_WRONLY | O_CREAT | (appends ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0o644)
        let error = errno
        if descriptor < 0 { throw Self.failure(path, error, remedy) }
        if appends { written = Int64(lseek(descriptor, 0, SEEK_END)) }
    }

    deinit { close(descriptor) }

    /// Rows are appended here, and go to the file with `flush`.
    package var rows: ByteBuffer {
        _read { yield pending }
        _modify { yield &pending }
    }

    package var isLarge: Bool { pending.count >= 48 << 10 }

    package mutating func flushIfLarge() throws(RunFailure) { if isLarge { try flush() } }

    package mutating func flush() throws(RunFailure) {
        var from = 0
        while from < pending.count {
            let result = pending.storage.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + from, pending.count - from)
            }
            let error = errno
            if result > 0 {
                from += result
            } else if result < 0, error == EINTR {
                continue
            } else {
                keepWholeRows(from)
                throw Self.failure(path, result == 0 ? ENOSPC : error, remedy)
            }
        }
        written += Int64(pending.count)
        pending.removeAll()
    }

    private mutating func keepWholeRows(_ partial: Int) {
        let end = pending.storage[..<partial].lastIndex(of: 10).map { $0 + 1 } ?? 0
        _ = ftruncate(descriptor, off_t(written + Int64(end)))
        pending.removeAll()
    }

    /// A whole small file at once, or none.
    package static func create(_ path: String, holding bytes: ByteBuffer) throws(RunFailure) {
        var file = try OutputFile(path)
        file.rows.append(bytes.storage.span.extracting(0..<bytes.count))
        do throws(RunFailure) { try file.flush() } catch {
            unlink(path)
            throw error
        }
    }

    private static func failure(_ path: String, _ error: Int32, _ remedy: StaticString) -> RunFailure {
        RunFailure(.cannotWrite, "cannot write \(path): \(String(cString: strerror(error))); \(remedy)")
    }
}

/// Directories of a run's files.
package enum RunDirectory {
    /// Creates `path` and what leads to it.
    package static func create(_ path: String) throws(RunFailure) {
        var partial = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            partial += "/" + component
            if mkdir(partial, 0o755) == 0 { continue }
            let error = errno
            if error == EEXIST {
                var status = stat()
                if stat(partial, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { continue }
                throw RunFailure(
                    .cannotWrite, "cannot write to \(path): \(partial) is not a directory; choose another with --out")
            }
            throw RunFailure(
                .cannotWrite,
                "cannot create \(path): \(String(cString: strerror(error))); choose another directory with --out")
        }
        if access(path, W_OK | X_OK) != 0 {
            let error = errno
            throw RunFailure(
                .cannotWrite,
                "cannot write to \(path): \(String(cString: strerror(error))); choose another directory with --out")
        }
    }

    /// What is not written by every run, or only at its end. `rtt.csv` and the others that always are need no removing.
    private static let leftovers =
        [
            "manifest.json", "summary.json", "summary.txt", "report.html", "rtt.svg", "split.csv", "tag_control.csv",
            "scenario.log", "junit.xml", "hops.csv", "hops.svg", "explain.txt", "explain.json", "blocks.csv",
            "blocks.svg", "shares.svg", "waits.csv", "queues.csv", "queue.svg", "threads.csv", "threads.svg",
        ] + (1...FailureFiles.most).map { "failures/" + FailureFile.name($0) }

    /// Of a run whose files are about to be written over: what stayed would be taken for the new one's, above all if that
    /// is killed before it has a summary. Nothing where no run lies.
    package static func removeEarlierRun(from path: String) throws(RunFailure) {
        if access(path + "/rtt.csv", F_OK) != 0 { return }
        for name in leftovers where unlink(path + "/" + name) != 0 {
            let error = errno
            if error == ENOENT || error == ENOTDIR { continue }
            throw RunFailure(
                .cannotWrite,
                "cannot remove \(path)/\(name) of an earlier run: \(String(cString: strerror(error))); choose another "
                    + "directory with --out")
        }
        // Only if it is empty.
        rmdir(path + "/failures")
    }

    /// `runs/20261123T153000Z-sweep`; a number is added where two runs begin in the same second.
    package static func defaultPath(_ what: String, at now: WallInstant) -> String {
        let stem = "runs/\(utc(now, compact: true))-\(what)"
        var path = stem
        var n = 2
        while access(path, F_OK) == 0 {
            path = "\(stem)-\(n)"
            n += 1
        }
        return path
    }

    /// `2026-11-23T15:30:00Z`, or without separators.
    package static func utc(_ instant: WallInstant, compact: Bool = false) -> String {
        var seconds = time_t(instant.nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let (dash, colon) = compact ? ("", "") : ("-", ":")
        return "\(parts.tm_year + 1900)\(dash)\(two(parts.tm_mon + 1))\(dash)\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour))\(colon)\(two(parts.tm_min))\(colon)\(two(parts.tm_sec))Z"
    }
}
