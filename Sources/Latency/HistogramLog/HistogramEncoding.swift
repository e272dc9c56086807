import Datagrams

/// HdrHistogram's V2 encoding, before compression: a head of fixed fields, big endian, then the counts by ascending index
/// as ZigZag LEB128 of at most 9 bytes, the ninth of which holds eight bits. A negative number stands for so many counts of
/// zero. What follows the last count above zero is left out.
package enum HistogramEncoding {
    /// Of the encoding, and of its compressed form: the cookie, then a length, then a zlib stream.
    static let cookie: UInt32 = 0x1C84_9313
    static let compressedCookie: UInt32 = 0x1C84_9314
    private static let headLength = 40
    /// Of what an expanded histogram may be long: nine bytes a count.
    package static let longest = HistogramLayout.mostCounts * 9 + headLength

    // MARK: encoding

    package static func encode(_ counts: HistogramCounts) -> [UInt8] {
        var payload: [UInt8] = []
        var next = 0
        for count in counts.counts {
            let zeros = count.index - next
            if zeros == 1 { payload.append(0) }
            if zeros > 1 { append(-Int64(zeros), to: &payload) }
            append(Int64(clamping: count.count), to: &payload)
            next = count.index + 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headLength + payload.count)
        append(bigEndian: cookie, to: &bytes)
        append(bigEndian: UInt32(payload.count), to: &bytes)
        append(bigEndian: UInt32(0), to: &bytes)  // the normalising index: nothing was shifted
        append(bigEndian: UInt32(counts.layout.significantDigits), to: &bytes)
        append(bigEndian: counts.layout.lowest, to: &bytes)
        append(bigEndian: counts.layout.highest, to: &bytes)
        append(bigEndian: (1.0).bitPattern, to: &bytes)
        return bytes + payload
    }

    /// The compressed form around a zlib stream of the encoding.
    package static func wrap(_ stream: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(bigEndian: compressedCookie, to: &bytes)
        append(bigEndian: UInt32(stream.count), to: &bytes)
        return bytes + stream
    }

    private static func append<N: FixedWidthInteger>(bigEndian number: N, to bytes: inout [UInt8]) {
        for shift in stride(from: N.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> N(shift)))
        }
    }

    static func append(_ number: Int64, to bytes: inout [UInt8]) {
        var rest = UInt64(bitPattern: number << 1 ^ number >> 63)
        for _ in 0..<8 {
            if rest < 0x80 { return bytes.append(UInt8(rest)) }
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    // MARK: decoding

    /// The zlib stream within the compressed form.
    package static func unwrap(_ bytes: [UInt8]) throws(HistogramLogError) -> ArraySlice<UInt8> {
        var reader = Reader(bytes: bytes[...])
        guard try reader.bigEndian(UInt32.self) == compressedCookie else {
            throw HistogramLogError("it is no histogram of the compressed V2 format")
        }
        let length = Int(try reader.bigEndian(UInt32.self))
        guard length <= reader.bytes.count else { throw .cutShort }
        return reader.bytes.prefix(length)
    }

    package static func decode(_ bytes: [UInt8]) throws(HistogramLogError) -> HistogramCounts {
        var reader = Reader(bytes: bytes[...])
        guard try reader.bigEndian(UInt32.self) == cookie else {
            throw HistogramLogError("it is no histogram of the V2 format")
        }
        let length = Int(try reader.bigEndian(UInt32.self))
        guard try reader.bigEndian(UInt32.self) == 0 else {
            throw HistogramLogError("its counts are shifted, which is not supported")
        }
        let digits = Int(try reader.bigEndian(UInt32.self))
        let lowest = try reader.bigEndian(UInt64.self)
        let highest = try reader.bigEndian(UInt64.self)
        _ = try reader.bigEndian(UInt64.self)  // the ratio of whole to floating values, which are none of ours
        guard let layout = HistogramLayout(lowest: lowest, highest: highest, significantDigits: digits) else {
            throw HistogramLogError("it has \(digits) digits from \(lowest) to \(highest): there is no such histogram")
        }
        guard length <= reader.bytes.count else { throw .cutShort }
        reader.bytes = reader.bytes.prefix(length)
        var counts = HistogramCounts(layout: layout)
        var index = 0
        while !reader.bytes.isEmpty {
            let number = try reader.zigZag()
            if number < 0 {
                guard number.magnitude <= UInt64(layout.length - index) else { throw .tooLong }
                index += Int(number.magnitude)
            } else {
                guard index < layout.length else { throw .tooLong }
                counts.append(UInt64(number), at: index)
                index += 1
            }
        }
        return counts
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func bigEndian<N: FixedWidthInteger & UnsignedInteger>(_: N.Type) throws(HistogramLogError) -> N {
            guard bytes.count >= N.bitWidth / 8 else { throw .cutShort }
            var number: N = 0
            for _ in 0..<N.bitWidth / 8 { number = number << 8 | N(bytes.removeFirst()) }
            return number
        }

        mutating func zigZag() throws(HistogramLogError) -> Int64 {
            var number: UInt64 = 0
            for place in 0..<9 {
                guard let byte = bytes.popFirst() else { throw .cutShort }
                let isLast = place == 8 || byte < 0x80
                number |= UInt64(place == 8 ? byte : byte & 0x7F) << UInt64(7 * place)
                if isLast { break }
            }
            return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
        }
    }
}

/// What is wrong with a histogram log, to follow its place.
package struct HistogramLogError: Error, Equatable, Sendable {
    package let description: String
    package init(_ description: String) { self.description = description }

    static let cutShort = HistogramLogError("the histogram is cut short")
    static let tooLong = HistogramLogError("the histogram has more counts than its range holds")
}
