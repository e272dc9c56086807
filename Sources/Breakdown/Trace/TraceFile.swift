import Datagrams

/// A recording in a file: magic, header, then items of eight bytes (kind, length) and their content, padded to eight; last
/// the tally. Little endian throughout.
///
/// Writing and reading are separate: the recorder appends as it drains, so what a killed one leaves is whole up to its
/// last record.
package struct TraceFile: Sendable {
    package enum Ending: Sendable, Equatable {
        case complete
        /// The recorder did not come to the tally: it was killed, or the disk was full.
        case cutShort
        /// What stands at this byte is no item: the rest was not read.
        case damaged(at: Int)
    }

    package var source: TraceSource
    package var log: TraceLog
    package var tally: TraceTally
    package var ending: Ending

    /// For the user, where the file did not end as it should.
    package var complaint: String? {
        switch ending {
        case .complete: nil
        case .cutShort:
            "It ends without the recorder's counts, because the recorder was stopped hard: its "
                + "\(log.events.count) whole records are used, and lost ones are not known."
        case .damaged(let place):
            "It is damaged at byte \(place): the \(log.events.count) records before it are used, the rest is not."
        }
    }
}

package enum TraceFileError: Error, Equatable {
    case noTraceFile
    case otherVersion(UInt8)
    case damagedHeader

    package var sentence: String {
        switch self {
        case .noTraceFile: "It is not a trace file of sipmeter's."
        case .otherVersion(let version):
            "It is a trace file of version \(version), and this sipmeter reads version \(TraceFile.version): join it with "
                + "the sipmeter that recorded it."
        case .damagedHeader: "Its header is cut short or damaged, so nothing of it can be used: record again."
        }
    }
}

// MARK: writing

extension TraceFile {
    package static func appendHeader(_ source: TraceSource, to bytes: inout ByteBuffer) {
        bytes.append(magic)
        bytes.append(48 + version)
        bytes.append(10)
        let length = bytes.count
        bytes.append(little: UInt32(0))
        let start = bytes.count
        bytes.append(text: source.host, limit: longestText)
        bytes.append(source.rung.rawValue)
        bytes.append(source.tagType)
        bytes.append(little: source.port)
        bytes.append(little: source.share.bitPattern)
        bytes.append(little: source.clocks.wall.nanoseconds)
        bytes.append(little: source.clocks.monotonic.nanoseconds)
        bytes.append(little: source.clocks.uncertainty.rawValue)
        bytes.append(little: UInt16(min(source.coverage.count, mostCoverage)))
        for coverage in source.coverage.prefix(mostCoverage) {
            bytes.append(coverage.point.rawValue)
            bytes.append(coverage.quality.rawValue)
            bytes.append(text: coverage.reason, limit: longestText)
        }
        bytes.append(little: UInt32(min(source.threads.count, mostThreads)))
        for thread in source.threads.prefix(mostThreads) {
            bytes.append(little: thread.thread)
            bytes.append(little: thread.process)
            bytes.append(text: thread.command, limit: longestCommand)
        }
        bytes.overwrite(little: UInt32(bytes.count - start), at: length)
        bytes.pad()
    }

    /// As the ring handed it over; what is no record is not written.
    package static func appendRecord(_ record: borrowing Span<UInt8>, to bytes: inout ByteBuffer) {
        guard let parsed = TraceRecord(record) else { return }
        let count = TraceRecord.byteCount + Int(parsed.textCount)
        guard count <= longestRecord else { return }
        appendItem(.record, count: count, to: &bytes)
        bytes.append(record.extracting(0..<count))
        bytes.pad()
    }

    package static func appendTally(_ tally: TraceTally, to bytes: inout ByteBuffer) {
        appendItem(.tally, count: tallyCount, to: &bytes)
        for count in [tally.lost, tally.slotMisses, tally.probeRuns] { bytes.append(little: count) }
        bytes.append(little: tally.probeTime.rawValue)
        bytes.append(little: UInt64(tally.stolen == nil ? 0 : 1))
        bytes.append(little: tally.stolen?.rawValue ?? 0)
        bytes.append(little: tally.lasted.rawValue)
    }

    private static func appendItem(_ item: Item, count: Int, to bytes: inout ByteBuffer) {
        bytes.append(little: item.rawValue)
        bytes.append(little: UInt32(count))
    }

    private enum Item: UInt32 {
        case record = 0x6472_6365
        case tally = 0x796C_6174
    }

    fileprivate static let magic: StaticString = "sipmtrace"
    fileprivate static let version: UInt8 = 1
    private static let magicCount = 9
    private static let tallyCount = 56
    private static let longestRecord = TraceRecord.byteCount + TraceRecord.textCapacity
    /// Bounds of a header: it says little, and a damaged one must not ask for all the memory.
    private static let longestText = 1024
    private static let longestCommand = 64
    private static let mostCoverage = 256
    private static let mostThreads = 1 << 16
    private static let longestHeader = 8 << 20
    /// The year 2043.
    private static let latestWall: Int64 = 1 << 61
}

// MARK: reading

extension TraceFile {
    /// - Parameter mostEvents: of those in the file so many are kept at most (`TraceLog`).
    package static func read(
        _ bytes: borrowing Span<UInt8>, digest: TraceLog.Digest? = nil, mostEvents: Int = .max
    ) throws(TraceFileError) -> TraceFile {
        var reader = ByteReader()
        try readMagic(bytes, &reader)
        guard let length = reader.uint32(bytes), length <= longestHeader, reader.at + Int(length) <= bytes.count,
            let source = readSource(bytes.extracting(reader.at..<reader.at + Int(length)))
        else { throw .damagedHeader }
        reader.skip(padded(reader.at + Int(length)) - reader.at)
        var file = TraceFile(
            source: source, log: TraceLog(digest: digest, mostEvents: mostEvents), tally: TraceTally(),
            ending: .cutShort)
        file.readItems(bytes, &reader)
        return file
    }

    private static func readMagic(_ bytes: borrowing Span<UInt8>, _ reader: inout ByteReader) throws(TraceFileError) {
        guard bytes.count > magicCount + 1 else { throw .noTraceFile }
        for i in 0..<magicCount where unsafe bytes[i] != magic.utf8Start[i] { throw .noTraceFile }
        let found = bytes[magicCount]
        guard bytes[magicCount + 1] == 10, found >= 48, found <= 57 else { throw .noTraceFile }
        guard found == 48 + version else { throw .otherVersion(found - 48) }
        reader.skip(magicCount + 2)
    }

    private mutating func readItems(_ bytes: borrowing Span<UInt8>, _ reader: inout ByteReader) {
        while let kind = reader.uint32(bytes), let length = reader.uint32(bytes) {
            let start = reader.at
            let item = Item(rawValue: kind)
            guard let item, length <= Self.longestRecord else {
                ending = .damaged(at: start - 8)
                return
            }
            let end = start + Int(length)
            guard end <= bytes.count else { return }
            switch item {
            case .record: log.append(bytes.extracting(start..<end))
            case .tally:
                guard let tally = Self.readTally(bytes, &reader) else {
                    ending = .damaged(at: start - 8)
                    return
                }
                self.tally = tally
                ending = .complete
                return
            }
            reader.skip(Self.padded(end) - start)
        }
    }

    private static func readTally(_ bytes: borrowing Span<UInt8>, _ reader: inout ByteReader) -> TraceTally? {
        var tally = TraceTally()
        guard let lost = reader.uint64(bytes), let misses = reader.uint64(bytes), let runs = reader.uint64(bytes),
            let time = reader.int64(bytes), let hasStolen = reader.uint64(bytes), let stolen = reader.int64(bytes),
            let lasted = reader.int64(bytes)
        else { return nil }
        tally.lost = lost
        tally.slotMisses = misses
        tally.probeRuns = runs
        tally.probeTime = Nanoseconds(time)
        tally.stolen = hasStolen == 0 ? nil : Nanoseconds(stolen)
        tally.lasted = Nanoseconds(lasted)
        return tally
    }

    private static func readSource(_ bytes: borrowing Span<UInt8>) -> TraceSource? {
        var reader = ByteReader()
        guard let host = reader.text(bytes), let rung = reader.uint8(bytes).flatMap(TraceSource.Rung.init),
            let tagType = reader.uint8(bytes), let port = reader.uint16(bytes), let share = reader.uint64(bytes),
            let wall = reader.int64(bytes), let monotonic = reader.int64(bytes), let uncertainty = reader.int64(bytes),
            let coverage = readCoverage(bytes, &reader), let threads = readThreads(bytes, &reader)
        else { return nil }
        guard (0..<latestWall).contains(wall), (0...Int64(TraceLog.latestTime)).contains(monotonic),
            (0...Int64(TraceLog.latestTime)).contains(uncertainty)
        else { return nil }
        let clocks = ClockPair(
            wall: WallInstant(nanoseconds: wall), monotonic: MonotonicInstant(nanoseconds: monotonic),
            uncertainty: Nanoseconds(uncertainty))
        return TraceSource(
            host: host, rung: rung, coverage: coverage, port: port, tagType: tagType, clocks: clocks, threads: threads,
            share: Double(bitPattern: share))
    }

    private static func readCoverage(
        _ bytes: borrowing Span<UInt8>, _ reader: inout ByteReader
    ) -> [TraceSource.Coverage]? {
        guard let count = reader.uint16(bytes), count <= mostCoverage else { return nil }
        var coverage: [TraceSource.Coverage] = []
        for _ in 0..<count {
            guard let point = reader.uint8(bytes).flatMap(ProbePoint.init),
                let quality = reader.uint8(bytes).flatMap(KeyQuality.init), let reason = reader.text(bytes)
            else { return nil }
            coverage.append(TraceSource.Coverage(point, quality, reason))
        }
        return coverage
    }

    private static func readThreads(
        _ bytes: borrowing Span<UInt8>, _ reader: inout ByteReader
    ) -> [(thread: UInt32, process: UInt32, command: String)]? {
        guard let count = reader.uint32(bytes), count <= mostThreads else { return nil }
        var threads: [(thread: UInt32, process: UInt32, command: String)] = []
        for _ in 0..<count {
            guard let thread = reader.uint32(bytes), let process = reader.uint32(bytes),
                let command = reader.text(bytes)
            else { return nil }
            threads.append((thread, process, command))
        }
        return threads
    }

    private static func padded(_ count: Int) -> Int { (count + 7) & ~7 }
}

/// A place in bytes that only moves forward, and never past the end.
private struct ByteReader {
    private(set) var at = 0

    mutating func skip(_ count: Int) { at += count }

    mutating func uint8(_ bytes: borrowing Span<UInt8>) -> UInt8? {
        guard at < bytes.count else { return nil }
        at += 1
        return bytes[at - 1]
    }

    mutating func uint16(_ bytes: borrowing Span<UInt8>) -> UInt16? {
        guard let low = uint8(bytes), let high = uint8(bytes) else { return nil }
        return UInt16(low) | UInt16(high) << 8
    }

    mutating func uint32(_ bytes: borrowing Span<UInt8>) -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        at += 4
        return bytes.littleEndian32(at: at - 4)
    }

    mutating func uint64(_ bytes: borrowing Span<UInt8>) -> UInt64? {
        guard at + 8 <= bytes.count else { return nil }
        at += 8
        return bytes.littleEndian64(at: at - 8)
    }

    mutating func int64(_ bytes: borrowing Span<UInt8>) -> Int64? { uint64(bytes).map { Int64(bitPattern: $0) } }

    mutating func text(_ bytes: borrowing Span<UInt8>) -> String? {
        guard let count = uint16(bytes), at + Int(count) <= bytes.count else { return nil }
        var text: [UInt8] = []
        for i in at..<at + Int(count) { text.append(bytes[i]) }
        at += Int(count)
        return String(decoding: text, as: UTF8.self)
    }
}

extension ByteBuffer {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    fileprivate mutating func overwrite(little value: UInt32, at start: Int) {
        for i in 0..<4 { set(UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))), at: start + i) }
    }

    fileprivate mutating func append(text: String, limit: Int) {
        let bytes = text.utf8.prefix(limit)
        append(little: UInt16(bytes.count))
        for byte in bytes { append(byte) }
    }

    /// To a whole number of eight bytes from the buffer's start: the writer keeps it aligned by draining whole items.
    fileprivate mutating func pad() { while count & 7 != 0 { append(0) } }
}
