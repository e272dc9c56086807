import Datagrams
import Testing

@testable import Latency

@Suite struct HistogramLogTests {
    private static func counts(_ values: [(UInt64, UInt64)], _ layout: HistogramLayout = .latency) -> HistogramCounts {
        var byIndex: [Int: UInt64] = [:]
        for (value, count) in values { byIndex[layout.index(of: value), default: 0] += count }
        var counts = HistogramCounts(layout: layout)
        for (index, count) in byIndex.sorted(by: { $0.key < $1.key }) { counts.append(count, at: index) }
        return counts
    }

    /// Nil where the layouts differ.
    private static func sum(_ parts: [HistogramCounts]) -> HistogramCounts? {
        var sum = parts[0]
        for part in parts.dropFirst() { if !sum.add(part) { return nil } }
        return sum
    }

    /// Few or many, near each other or hours apart, and counts of any size.
    private static func randomCounts(_ generator: inout SeededGenerator, _ layout: HistogramLayout) -> HistogramCounts {
        let n = Int(generator.next() % 300)
        return counts(
            (0..<n).map { _ in
                let value = min(generator.next() >> UInt64(22 + generator.next() % 42), layout.highest)
                return (value, generator.next() >> UInt64(12 + generator.next() % 52) + 1)
            }, layout)
    }

    private static let layouts: [HistogramLayout] = [
        .latency, HistogramLayout(lowest: 1, highest: 2, significantDigits: 0)!,
        HistogramLayout(lowest: 1000, highest: 3_600_000_000_000, significantDigits: 2)!,
        HistogramLayout(lowest: 7, highest: 1 << 40, significantDigits: 5)!,
        HistogramLayout(lowest: 1, highest: UInt64(Int64.max), significantDigits: 1)!,
    ]

    // MARK: layout

    @Test(arguments: layouts) func everyValueLiesInTheBucketItIsCountedIn(layout: HistogramLayout) {
        var generator = SeededGenerator(seed: 11)
        for i in 0..<2500 {
            let value = i < 1500 ? UInt64(i) : min(generator.next() >> (generator.next() % 60), layout.highest)
            guard value <= layout.highest else { continue }
            let index = layout.index(of: value)
            #expect(layout.values(at: index).contains(value) && index < layout.length, "\(value)")
        }
    }

    @Test(arguments: layouts) func bucketsFollowOneAnotherWithoutAGap(layout: HistogramLayout) {
        for index in 1..<min(layout.length, 12_000) {
            #expect(layout.values(at: index).lowerBound == layout.values(at: index - 1).upperBound + 1)
            if layout.values(at: index).upperBound > layout.highest { return }
        }
    }

    @Test func aHistogramThatCannotBeIsNone() {
        #expect(HistogramLayout(lowest: 0, highest: 10, significantDigits: 3) == nil)
        #expect(HistogramLayout(lowest: 10, highest: 19, significantDigits: 3) == nil)
        #expect(HistogramLayout(lowest: 1, highest: 100, significantDigits: 6) == nil)
        #expect(HistogramLayout(lowest: 1, highest: .max, significantDigits: 3) == nil)
        #expect(HistogramLayout(lowest: 1 << 60, highest: 1 << 62, significantDigits: 5) == nil)
    }

    @Test func theCountsOfALatencyHaveItsPercentiles() throws {
        var generator = SeededGenerator(seed: 3)
        for round in 1...20 {
            var histogram = LatencyHistogram()
            for _ in 0..<(round * 100) {
                histogram.record(Nanoseconds(Int64(generator.next() >> (24 + generator.next() % 30))))
            }
            let counts = histogram.bucketCounts
            let (least, most) = (try #require(histogram.minimum), try #require(histogram.maximum))
            #expect(counts.total == histogram.count)
            for percentile in [Percentile.p50, .p90, .p99, .p999, Percentile(thousandths: 100_000)] {
                let value = Nanoseconds(Int64(try #require(counts.value(at: percentile))))
                #expect(min(max(value, least), most) == histogram.value(at: percentile))
            }
            #expect(
                counts.layout.values(at: counts.layout.index(of: UInt64(most.rawValue))).upperBound == counts.maximum)
        }
    }

    // MARK: encoding

    @Test(arguments: layouts) func whatWasEncodedIsDecoded(layout: HistogramLayout) throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<50 {
            let counts = Self.randomCounts(&generator, layout)
            #expect(try HistogramEncoding.decode(HistogramEncoding.encode(counts)) == counts)
        }
    }

    /// Made with the Python package `hdrhistogram` of these values, and of them the zlib stream expanded.
    @Test func theEncodingIsThatOfAnotherImplementation() throws {
        let theirs = Self.bytes(
            "1c84931300000014000000000000000300000000000000010000034630b8a0003ff0000000000000"
                + "0204f91f060abf8e010a8f88010e8f6702af6c04")
        let ours = Self.counts([
            (0, 1), (1, 2), (2047, 3), (2048, 1), (2049, 4), (1_000_000, 5), (380_123_456, 7), (32_000_000_000, 1),
            (3_600_000_000_000, 2),
        ])
        #expect(HistogramEncoding.encode(ours) == theirs)
        #expect(try HistogramEncoding.decode(theirs) == ours)
        #expect(ours.total == 26)
        #expect(ours.value(at: .p50) == 1_000_447)
        #expect(ours.maximum == 3_601_330_077_695)
        #expect(ours.minimum == 0)
        #expect(Self.sum([ours, ours])?.total == 52)
    }

    @Test(arguments: [
        (0, "00"), (-1, "01"), (1, "02"), (63, "7e"), (-64, "7f"), (64, "8001"), (-65, "8101"), (8191, "fe7f"),
        (8192, "808001"), (Int64.max, "feffffffffffffffff"), (Int64.min, "ffffffffffffffffff"),
    ]) func numbersAreZigZagInAtMostNineBytes(number: Int64, hex: String) {
        var bytes: [UInt8] = []
        HistogramEncoding.append(number, to: &bytes)
        #expect(bytes == Self.bytes(hex))
    }

    /// A damaged one is an error, or another histogram, and never anything worse.
    @Test func aDamagedEncodingIsRefusedOrRead() {
        var generator = SeededGenerator(seed: 99)
        let layout = HistogramLayout.latency
        for _ in 0..<400 {
            var bytes = HistogramEncoding.encode(Self.randomCounts(&generator, layout))
            for _ in 0...Int(generator.next() % 3) {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            if generator.next() % 4 == 0 { bytes.removeLast(Int(generator.next() % UInt64(bytes.count))) }
            guard let counts = try? HistogramEncoding.decode(bytes) else { continue }
            #expect(counts.counts.allSatisfy { $0.index < counts.layout.length && $0.count > 0 })
        }
    }

    // MARK: adding

    @Test func addingIsBucketByBucketWhateverTheOrder() throws {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<50 {
            let parts = (0..<5).map { _ in Self.randomCounts(&generator, .latency) }
            let forth = try #require(Self.sum(parts))
            #expect(Self.sum(parts.reversed()) == forth)
            var oracle: [Int: UInt64] = [:]
            for part in parts { for count in part.counts { oracle[count.index, default: 0] &+= count.count } }
            #expect(forth.counts.map(\.index) == oracle.keys.sorted())
            #expect(forth.counts.allSatisfy { oracle[$0.index] == $0.count })
        }
    }

    @Test func otherRangesAreNotAdded() {
        #expect(Self.sum([Self.counts([(5, 1)]), Self.counts([(5, 1)], Self.layouts[2])]) == nil)
    }

    // MARK: base64

    /// RFC 4648, 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]) func base64IsThatOfRFC4648(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8).span) == Array(text.utf8))
        #expect(Base64.decode(text.utf8) == Array(plain.utf8))
    }

    @Test func everyByteGoesThroughBase64() {
        var generator = SeededGenerator(seed: 1)
        for count in 0..<300 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            #expect(Base64.decode(Base64.encode(bytes.span)) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm=v", "Zg==Zg==", "Zm9 ", "Zm9v\n", "Zm-_"])
    func whatIsNoBase64IsRefused(text: String) { #expect(Base64.decode(text.utf8) == nil) }

    // MARK: the log

    /// Uncompressed here: what compresses is the caller's.
    private static func line(_ tag: String, _ at: Int64, _ counts: HistogramCounts) -> String {
        var buffer = ByteBuffer(capacity: 256)
        HistogramLog.appendLine(
            tag: tag, start: .milliseconds(at), length: .seconds(1), maximum: Nanoseconds(41_171_233),
            stream: HistogramEncoding.encode(counts), to: &buffer)
        return String(decoding: buffer.storage[..<buffer.count], as: UTF8.self)
    }

    private static func read(_ text: String) throws -> HistogramLog {
        try HistogramLog(reading: Array(text.utf8)) { Array($0) }
    }

    @Test func aLogIsReadAsItWasWritten() throws {
        var buffer = ByteBuffer(capacity: 256)
        HistogramLog.appendHead(
            startTime: Nanoseconds(1_795_549_831_452_224_196), startUTC: "2026-11-24T19:50:31Z", to: &buffer)
        var text = String(decoding: buffer.storage[..<buffer.count], as: UTF8.self)
        #expect(text.contains("#[StartTime: 1795549831.452 (seconds since epoch), 2026-11-24T19:50:31Z]\n"))
        let (a, b) = (Self.counts([(1000, 3)]), Self.counts([(2000, 1), (9000, 4)]))
        text += Self.line("rtt", 0, a) + Self.line("late", 0, b) + Self.line("rtt", 1000, b)
        #expect(Self.line("rtt", 1500, a).hasPrefix("Tag=rtt,1.500,1.000,41.171,HISTF"))
        let log = try Self.read(text)
        #expect(
            log.startTime == Nanoseconds(1_795_549_831_452_000_000)
                || log.startTime == Nanoseconds(1_795_549_831_452_000_128))
        #expect(log.baseTime == log.startTime)
        #expect(log.tags == ["rtt", "late"])
        #expect(log.intervals.count == 3 && log.intervals[2].start == .seconds(1))
        #expect(log.intervals[2].maximum == Nanoseconds(41_171_000))
        #expect(try log.sum(of: "rtt") == Self.sum([a, b]))
        #expect(try log.sum(of: "late") == b)
        #expect(try log.sum(of: "bye") == nil)
        #expect(!log.isCutShort)
    }

    @Test func aLineCutShortIsLeftOutAndSaid() throws {
        let whole = Self.line("rtt", 0, Self.counts([(7, 1)]))
        let log = try Self.read(whole + whole.dropLast(3))
        #expect(log.intervals.count == 1 && log.isCutShort)
    }

    @Test(arguments: [
        ("Tag=rtt,0.0,1.0,2.0\n", "line 1: a line has a start"),
        ("#\nTag=rtt,0.0,1.0,2.0,%%%%\n", "line 2: the histogram is not in base64"),
        ("x,1.0,2.0,HISTFAAAAAA=\n", "line 1: x is no number"),
        ("0,1.0,2.0,AAAA\n", "line 1: the histogram is cut short"),
    ]) func whatIsWrongIsSaidWithItsLine(text: String, sentence: String) {
        let error = #expect(throws: HistogramLogError.self) { try Self.read(text) }
        #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "")")
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
    }
}
