import Datagrams
import SIP

/// Call-ID, CSeq and status of a SIP message of which only the beginning may be there.
///
/// Lenient: it looks at the start line and at the lines of two headers and believes the rest. A header whose line the text
/// does not end is cut short and counts as not there, because half a Call-ID is another call's.
struct MessageKey {
    /// In the text.
    var callID: Range<Int>
    var cseq: UInt32
    var method: CallTag.Method
    /// 0: it is a request.
    var status: UInt16

    var isResponse: Bool { status != 0 }

    /// Nil where it is no SIP message, or where the key lies behind the cut.
    init?(_ text: borrowing Span<UInt8>) {
        var at = 0
        // RFC 3261, 7.5: line ends before the start line mean nothing.
        while at < text.count, text[at].isLineEnd { at += 1 }
        guard let first = text.line(from: at), let status = text.status(of: first) else { return nil }
        self.status = status
        var callID: Range<Int>?
        var sequence: (UInt32, CallTag.Method)?
        at = text.afterLine(first)
        while callID == nil || sequence == nil {
            guard let line = text.header(from: at), !line.isEmpty else { return nil }
            at = text.afterLine(line)
            guard let colon = text.first(UInt8(ascii: ":"), in: line) else { continue }
            let name = text.trimmed(line.lowerBound..<colon)
            let value = text.trimmed(colon + 1..<line.upperBound)
            if callID == nil, text.matches(name, "call-id") || text.matches(name, "i") {
                if value.isEmpty { return nil }
                callID = value
            } else if sequence == nil, text.matches(name, "cseq") {
                sequence = text.sequence(in: value)
                if sequence == nil { return nil }
            }
        }
        guard let callID, let sequence else { return nil }
        self.callID = callID
        (cseq, method) = sequence
    }
}

extension UInt8 {
    fileprivate var isLineEnd: Bool { self == 10 || self == 13 }
    fileprivate var isBlank: Bool { self == 32 || self == 9 || isLineEnd }
    fileprivate var lowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}

extension Span<UInt8> {
    /// The line that begins here, without its end; nil where the text ends first.
    fileprivate func line(from start: Int) -> Range<Int>? {
        var end = start
        while end < count, !self[end].isLineEnd { end += 1 }
        return end < count ? start..<end : nil
    }

    /// A header with the lines it is folded over (RFC 3261, 7.3.1). The last line of a text that is cut behind its end may
    /// go on; that is not believed.
    fileprivate func header(from start: Int) -> Range<Int>? {
        guard var line = line(from: start) else { return nil }
        if line.isEmpty { return line }
        while true {
            let next = afterLine(line)
            guard next < count, self[next] == 32 || self[next] == 9 else { return line }
            guard let more = self.line(from: next) else { return nil }
            line = start..<more.upperBound
        }
    }

    /// Where the next line begins: after CR LF, or one of them alone.
    fileprivate func afterLine(_ line: Range<Int>) -> Int {
        let end = line.upperBound
        if end + 1 < count, self[end] == 13, self[end + 1] == 10 { return end + 2 }
        return Swift.min(end + 1, count)
    }

    /// Of a start line: 0 of a request; nil where it is neither.
    fileprivate func status(of line: Range<Int>) -> UInt16? {
        guard let blank = first(32, in: line), blank > line.lowerBound else { return nil }
        if matches(line.lowerBound..<blank, "sip/2.0") {
            let code = trimmed(blank..<line.upperBound)
            guard code.count >= 3, let status = decimal(code.lowerBound..<code.lowerBound + 3), status >= 100 else {
                return nil
            }
            return UInt16(status)
        }
        guard line.count > 8 else { return nil }
        return matches(line.upperBound - 7..<line.upperBound, "sip/2.0") ? 0 : nil
    }

    fileprivate func sequence(in value: Range<Int>) -> (UInt32, CallTag.Method)? {
        var end = value.lowerBound
        while end < value.upperBound, !self[end].isBlank { end += 1 }
        let token = trimmed(end..<value.upperBound)
        guard let number = decimal(value.lowerBound..<end), !token.isEmpty else { return nil }
        return (number, CallTag.Method(bytes: extracting(token)))
    }

    fileprivate func decimal(_ range: Range<Int>) -> UInt32? {
        if range.isEmpty { return nil }
        var value: UInt32 = 0
        for i in range {
            guard self[i] >= 48, self[i] <= 57 else { return nil }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt32(self[i] - 48))
            if tooLarge || overflow { return nil }
            value = sum
        }
        return value
    }

    fileprivate func first(_ byte: UInt8, in range: Range<Int>) -> Int? {
        for i in range where self[i] == byte { return i }
        return nil
    }

    fileprivate func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// Equal but for the case of ASCII letters.
    fileprivate func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for i in 0..<range.count where unsafe self[range.lowerBound + i].lowercased != text.utf8Start[i].lowercased {
            return false
        }
        return true
    }
}
