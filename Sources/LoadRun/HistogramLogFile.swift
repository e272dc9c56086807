import CDeflate
import Datagrams
import Glibc
import Latency

/// `rtt.hlog`: what each second's calls took, in a form that adds up without loss. Written on the writing thread.
package struct HistogramLogFile: ~Copyable {
    package static let name = "rtt.hlog"
    private var file: OutputFile
    private let deflater = Deflater()
    private var hasHead = false

    /// Of the response times that the scenario names.
    private let responseTimeNames: [String]

    package init(in directory: String, responseTimeNames: [String] = []) throws(RunFailure) {
        try self.init(path: "\(directory)/\(Self.name)", responseTimeNames: responseTimeNames)
    }

    package init(path: String, responseTimeNames: [String] = []) throws(RunFailure) {
        self.responseTimeNames = responseTimeNames
        file = try OutputFile(path)
    }

    /// The head of the file. The times of intervals count from `start`.
    package mutating func begin(at start: WallInstant) {
        hasHead = true
        HistogramLog.appendHead(
            startTime: Nanoseconds(start.nanoseconds), startUTC: RunDirectory.utc(start), to: &file.rows)
    }

    /// A line for each tag that has a value in it.
    /// - Parameter start: the run's, on the wall clock.
    package mutating func append(_ interval: Interval, of start: WallInstant) {
        if !hasHead { begin(at: start) }
        for (tag, distribution) in interval.tagged(names: responseTimeNames) {
            guard let maximum = distribution.maximum else { continue }
            append(
                tag: tag, start: interval.at - interval.length, length: interval.length, maximum: maximum,
                distribution.counts)
        }
    }

    package mutating func append(
        tag: String, start: Nanoseconds, length: Nanoseconds, maximum: Nanoseconds, _ counts: HistogramCounts
    ) {
        HistogramLog.appendLine(
            tag: tag, start: start, length: length, maximum: maximum,
            stream: deflater.compress(HistogramEncoding.encode(counts)), to: &file.rows)
    }

    package mutating func flush() throws(RunFailure) { try file.flush() }
}

extension HistogramLog {
    package init(readingFile path: String) throws(RunFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw RunFailure(.badScenario, "cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw RunFailure(.badScenario, "cannot read \(path): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        try self.init(reading: bytes, path: path)
    }

    /// `path` is for what is said of it.
    package init(reading bytes: [UInt8], path: String) throws(RunFailure) {
        do throws(HistogramLogError) {
            try self.init(reading: bytes) { Deflate.expand($0, atMost: HistogramEncoding.longest) }
        } catch {
            throw RunFailure(.badScenario, "\(path): \(error.description)")
        }
    }
}

/// Makes zlib streams (RFC 1950) in memory, one after another: to set zlib up takes longer than to compress a second.
package struct Deflater: ~Copyable {
    private let state: OpaquePointer

    package init() {
        guard let state = cdeflate_open() else { preconditionFailure("zlib has no memory") }
        self.state = state
    }

    deinit { cdeflate_close(state) }

    package func compress(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: cdeflate_bound(state, bytes.count)) { stream, count in
            count = bytes.withUnsafeBufferPointer {
                cdeflate_compress(state, $0.baseAddress, $0.count, stream.baseAddress, stream.count)
            }
            // The bound is zlib's own: there is room.
            precondition(count > 0, "zlib's bound was too small")
        }
    }
}

/// Reads zlib streams.
package enum Deflate {
    /// Nil: it is no such stream, or expands to more.
    package static func expand(_ stream: ArraySlice<UInt8>, atMost limit: Int) -> [UInt8]? {
        // Nearly all expand to a few times their length; none is given all the room at once.
        var room = min(max(stream.count * 16, 4096), limit)
        while true {
            var isWhole = false
            let bytes = [UInt8](unsafeUninitializedCapacity: room) { bytes, count in
                let written = stream.withUnsafeBufferPointer {
                    cdeflate_expand($0.baseAddress, $0.count, bytes.baseAddress, bytes.count)
                }
                isWhole = written >= 0
                count = max(written, 0)
            }
            if isWhole { return bytes }
            if room == limit { return nil }
            room = min(room * 8, limit)
        }
    }
}
