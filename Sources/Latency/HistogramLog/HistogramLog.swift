import Datagrams

/// HdrHistogram's log format 1.3: a line for each second and tag, each with the histogram of that second alone, so that
/// adding up the lines of a tag is the histogram of the whole run.
///
///     Tag=rtt,<seconds since the base time>,<seconds long>,<maximum in ms>,<base64 of the compressed histogram>
///
/// Values are nanoseconds; the maximum is in milliseconds, since readers divide by a million. It compresses nothing
/// itself: that is the caller's.
package struct HistogramLog: Sendable {
    package struct Interval: Sendable, Equatable {
        /// Empty: none.
        package var tag: String
        /// From the base time.
        package var start: Nanoseconds
        package var length: Nanoseconds
        package var maximum: Nanoseconds
        package var counts: HistogramCounts

        package init(
            tag: String, start: Nanoseconds, length: Nanoseconds, maximum: Nanoseconds, counts: HistogramCounts
        ) {
            self.tag = tag
            self.start = start
            self.length = length
            self.maximum = maximum
            self.counts = counts
        }
    }

    /// Since 1970, to the millisecond.
    package private(set) var startTime: Nanoseconds?
    package private(set) var baseTime: Nanoseconds?
    package private(set) var intervals: [Interval] = []
    /// The file ended within a line, which was left out: whoever wrote it was killed.
    package private(set) var isCutShort = false

    // MARK: writing

    /// `startUTC`: the same instant for people.
    package static func appendHead(startTime: Nanoseconds, startUTC: String, to buffer: inout ByteBuffer) {
        let seconds = DecimalText.fixed(startTime / 1_000_000, unit: 1_000, decimals: 3)
        buffer.append(
            text: """
                #[Values in nanoseconds, Interval_Max in milliseconds; one line a second and tag, none where there is no value]
                #[Histogram log format version 1.3]
                #[BaseTime: \(seconds) (seconds since epoch)]
                #[StartTime: \(seconds) (seconds since epoch), \(startUTC)]
                "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

                """)
    }

    /// `stream` is the zlib stream of `HistogramEncoding.encode`.
    package static func appendLine(
        tag: String, start: Nanoseconds, length: Nanoseconds, maximum: Nanoseconds, stream: [UInt8],
        to buffer: inout ByteBuffer
    ) {
        buffer.append("Tag=")
        buffer.append(text: tag)
        for (value, unit) in [(start, UInt64(1_000_000_000)), (length, 1_000_000_000), (maximum, 1_000_000)] {
            buffer.append(",")
            buffer.append(text: DecimalText.fixed(value, unit: unit, decimals: 3))
        }
        buffer.append(",")
        buffer.append(Base64.encode(HistogramEncoding.wrap(stream).span).span)
        buffer.append("\n")
    }

    package static func tag(ofResponseTime name: String) -> String {
        "rtd." + String(name.map { $0 == "," || $0.isWhitespace ? "_" : $0 })
    }

    // MARK: reading

    /// - Parameter inflate: expands a zlib stream to at most `HistogramEncoding.longest` bytes; nil where it is none.
    /// - Throws: what is wrong, with the number of the line.
    package init(
        reading bytes: [UInt8], inflate: (ArraySlice<UInt8>) -> [UInt8]?
    ) throws(HistogramLogError) {
        var number = 0
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: 10) else {
                isCutShort = true
                return
            }
            number += 1
            var line = rest[..<end]
            if line.last == 13 { line.removeLast() }
            rest = rest[(end + 1)...]
            do throws(HistogramLogError) { try read(line, inflate) } catch {
                throw HistogramLogError("line \(number): \(error.description)")
            }
        }
    }

    private mutating func read(
        _ line: ArraySlice<UInt8>, _ inflate: (ArraySlice<UInt8>) -> [UInt8]?
    ) throws(HistogramLogError) {
        switch line.first {
        case nil, UInt8(ascii: "\""): return
        case UInt8(ascii: "#"):
            startTime = try Self.time(after: "#[StartTime: ", line) ?? startTime
            baseTime = try Self.time(after: "#[BaseTime: ", line) ?? baseTime
            return
        case _: break
        }
        var fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        var tag = ""
        if let first = fields.first, first.starts(with: "Tag=".utf8) {
            tag = String(decoding: first.dropFirst(4), as: UTF8.self)
            fields.removeFirst()
        }
        guard fields.count == 4 else {
            throw HistogramLogError("a line has a start, a length, a maximum and a histogram, with commas")
        }
        guard let compressed = Base64.decode(fields[3]) else {
            throw HistogramLogError("the histogram is not in base64")
        }
        let stream = try HistogramEncoding.unwrap(compressed)
        guard let expanded = inflate(stream) else {
            throw HistogramLogError("the histogram is not compressed by zlib, or damaged")
        }
        intervals.append(
            Interval(
                tag: tag, start: try Self.decimal(fields[0], unit: 1_000_000_000),
                length: try Self.decimal(fields[1], unit: 1_000_000_000),
                maximum: try Self.decimal(fields[2], unit: 1_000_000),
                counts: try HistogramEncoding.decode(expanded)))
    }

    private static func time(
        after words: StaticString, _ line: ArraySlice<UInt8>
    ) throws(HistogramLogError) -> Nanoseconds? {
        let text = "\(words)"
        guard line.starts(with: text.utf8) else { return nil }
        let number = line.dropFirst(text.utf8.count).prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "]") }
        return try decimal(number, unit: 1_000_000_000)
    }

    private static func decimal(_ text: ArraySlice<UInt8>, unit: Double) throws(HistogramLogError) -> Nanoseconds {
        let text = String(decoding: text, as: UTF8.self)
        guard let number = Double(text), number.isFinite, (number * unit).magnitude < 9e18 else {
            throw HistogramLogError("\(text) is no number")
        }
        return Nanoseconds(Int64((number * unit).rounded()))
    }

    /// The whole of what a tag counts, in the layout of its first line. Nil: it has no line.
    /// - Throws: where the lines have different layouts.
    package func sum(of tag: String) throws(HistogramLogError) -> HistogramCounts? {
        var sum: HistogramCounts?
        for interval in intervals where interval.tag == tag {
            if sum == nil {
                sum = interval.counts
            } else if !sum!.add(interval.counts) {
                throw HistogramLogError("the histograms tagged \(tag) have different ranges")
            }
        }
        return sum
    }

    /// In the order they first stand in.
    package var tags: [String] {
        var tags: [String] = []
        for interval in intervals where !tags.contains(interval.tag) { tags.append(interval.tag) }
        return tags
    }
}
