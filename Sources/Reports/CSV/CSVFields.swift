import Datagrams
import Latency
import Observations

/// The notation of every CSV file: comma, `.` decimal, no quotes unless RFC 4180 needs them, nothing for undefined.
/// Written straight into the buffer: one row of `rtt.csv` is one call, at whatever rate.
extension ByteBuffer {
    /// Nine decimals.
    mutating func append(seconds length: Nanoseconds) { append(length, fractionDigits: 9) }

    /// Three decimals.
    mutating func append(microseconds length: Nanoseconds) { append(length, fractionDigits: 3) }

    mutating func append(microseconds length: Nanoseconds?) { if let length { append(microseconds: length) } }

    mutating func append(seconds length: Nanoseconds?) { if let length { append(seconds: length) } }

    mutating func appendComma() { append(UInt8(ascii: ",")) }

    mutating func endRow() { append(UInt8(ascii: "\n")) }

    mutating func append(outcome: CallOutcome) {
        switch outcome {
        case .ok: append("ok")
        case .status(let status): append(decimal: UInt64(status))
        case .timeout: append("timeout")
        case .unexpected: append("unexpected")
        case .refused: append("refused")
        case .unsent: append("unsent")
        case .interrupted: append("interrupted")
        }
    }

    /// A Call-ID comes from the scenario and may hold anything: a comma, a quote.
    mutating func append(callID: CallIDText) {
        var needsQuotes = false
        callID.forEachByte { if Self.isSpecial($0) { needsQuotes = true } }
        if !needsQuotes {
            callID.forEachByte { append($0) }
            return
        }
        let quote = UInt8(ascii: "\"")
        append(quote)
        callID.forEachByte {
            if $0 == quote { append(quote) }
            append($0)
        }
        append(quote)
    }

    /// Whole, whatever it holds: the name of a thread may be any bytes.
    mutating func append(field text: String) {
        let quote = UInt8(ascii: "\"")
        let needsQuotes = text.utf8.contains(where: Self.isSpecial)
        if needsQuotes { append(quote) }
        for byte in text.utf8 {
            if byte == quote { append(quote) }
            append(byte)
        }
        if needsQuotes { append(quote) }
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n")
            || byte == UInt8(ascii: "\r")
    }

    /// Backwards into a scratch value, then appended in one piece: byte by byte, or with a divisor that is not a
    /// constant, a row of `rtt.csv` costs twice as much.
    private mutating func append(_ length: Nanoseconds, fractionDigits: Int) {
        // A sign, 19 digits, a point, and a leading zero.
        var scratch = InlineArray<24, UInt8>(repeating: 48)
        var at = 24
        var rest = length.rawValue.magnitude
        for _ in 0..<fractionDigits {
            at -= 1
            scratch[at] = 48 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        at -= 1
        scratch[at] = UInt8(ascii: ".")
        repeat {
            at -= 1
            scratch[at] = 48 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if length.rawValue < 0 {
            at -= 1
            scratch[at] = UInt8(ascii: "-")
        }
        append(scratch.span.extracting(at..<24))
    }
}
