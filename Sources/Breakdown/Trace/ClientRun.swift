import Datagrams

package enum ClientRunError: Error, Equatable {
    case missingColumn(String)

    package var sentence: String {
        switch self {
        case .missingColumn(let name):
            "Its first line names no column `\(name)`: give the `rtt.csv` of a run of sipmeter's, or its directory."
        }
    }
}

extension TraceLog {
    /// What a client saw of its own calls, from the rows of its `rtt.csv`: of each INVITE and each BYE when it was sent and
    /// when its responses came.
    ///
    /// The rows do not say CSeq numbers; Call-ID and method tell the requests, so a call has one INVITE here.
    /// - Parameter start: the run's beginning, from which the rows count, by the clock of the client's host.
    package static func ofClient(
        rows: borrowing Span<UInt8>, start: MonotonicInstant, digest: Digest? = nil
    ) throws(ClientRunError) -> TraceLog {
        var log = TraceLog(digest: digest)
        var table = CSVRows()
        let columns = try ClientColumns(table.next(rows) ?? [], rows)
        while let fields = table.next(rows) {
            if fields.count == 1, fields[0].isEmpty { continue }
            log.appendCall(fields, columns, rows, start)
        }
        return log
    }

    private mutating func appendCall(
        _ fields: [Range<Int>], _ columns: ClientColumns, _ rows: borrowing Span<UInt8>, _ start: MonotonicInstant
    ) {
        func length(_ column: Int, _ unit: Int64) -> Nanoseconds? {
            column < fields.count ? rows.decimal(fields[column], unit: unit) : nil
        }
        guard columns.callID < fields.count, !fields[columns.callID].isEmpty else {
            countUnreadable()
            return
        }
        // A call that never left has no instant; that is no fault of the row.
        guard let sent = length(columns.sent, 1_000_000_000) else { return }
        // `sent_s` is when the kernel was given the request; by its own stamps the times begin when it left for the device.
        var invite = start + sent
        if let due = length(columns.due, 1_000_000_000), let rtt = length(columns.rtt, 1000),
            let fromDue = length(columns.rttFromDue, 1000)
        {
            invite = start + due + (fromDue - rtt)
        }
        let callID = fields[columns.callID]
        func add(
            _ log: inout TraceLog, _ point: ProbePoint, _ at: MonotonicInstant, _ key: (CallTag.Method, UInt32),
            _ status: UInt16
        ) {
            var event = TraceEvent(at: at, point: point)
            (event.method, event.cseq) = key
            event.status = status
            event.flags = status == 0 ? .anyCSeq : [.anyCSeq, .isResponse]
            log.append(event, callID: rows.extracting(callID))
        }
        let first = (CallTag.Method.invite, UInt32(1))
        add(&self, .requestSent, invite, first, 0)
        if let trying = length(columns.trying, 1000) { add(&self, .responseArrived, invite + trying, first, 100) }
        if let ringing = length(columns.ringing, 1000) { add(&self, .responseArrived, invite + ringing, first, 180) }
        guard let answer = length(columns.answer, 1000) else { return }
        add(&self, .responseArrived, invite + answer, first, 200)
        guard let bye = length(columns.bye, 1000) else { return }
        let second = (CallTag.Method.bye, UInt32(2))
        let sentBye = invite + answer + (length(columns.hold, 1000) ?? .zero)
        add(&self, .requestSent, sentBye, second, 0)
        add(&self, .responseArrived, sentBye + bye, second, 200)
    }
}

private struct ClientColumns {
    let callID, due, sent, trying, ringing, answer, hold, bye, rtt, rttFromDue: Int

    init(_ names: [Range<Int>], _ rows: borrowing Span<UInt8>) throws(ClientRunError) {
        func place(_ name: StaticString) -> Int? {
            for (i, range) in names.enumerated() where rows.isEqual(range, name) { return i }
            return nil
        }
        guard let callID = place("call_id") else { throw .missingColumn("call_id") }
        guard let sent = place("sent_s") else { throw .missingColumn("sent_s") }
        guard let answer = place("answer_us") else { throw .missingColumn("answer_us") }
        guard let bye = place("bye_us") else { throw .missingColumn("bye_us") }
        self.callID = callID
        self.sent = sent
        self.answer = answer
        self.bye = bye
        trying = place("trying_us") ?? .max
        ringing = place("ringing_us") ?? .max
        hold = place("hold_us") ?? .max
        due = place("due_s") ?? .max
        rtt = place("rtt_us") ?? .max
        rttFromDue = place("rtt_from_due_us") ?? .max
    }
}

/// Lines of comma-separated fields; a field in quotes may hold commas, and its doubled quotes stay doubled.
private struct CSVRows {
    private var at = 0

    /// The fields of the next line; nil at the end.
    mutating func next(_ bytes: borrowing Span<UInt8>) -> [Range<Int>]? {
        guard at < bytes.count else { return nil }
        var fields: [Range<Int>] = []
        while true {
            let field = field(bytes)
            fields.append(field)
            guard at < bytes.count, bytes[at] == UInt8(ascii: ",") else { break }
            at += 1
        }
        while at < bytes.count, bytes[at] != 10 { at += 1 }
        at += 1
        return fields
    }

    private mutating func field(_ bytes: borrowing Span<UInt8>) -> Range<Int> {
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            let start = at + 1
            at = start
            while at < bytes.count,
                bytes[at] != UInt8(ascii: "\"") || (at + 1 < bytes.count && bytes[at + 1] == bytes[at])
            {
                at += bytes[at] == UInt8(ascii: "\"") ? 2 : 1
            }
            let end = min(at, bytes.count)
            at = min(at + 1, bytes.count)
            return start..<end
        }
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: ","), bytes[at] != 10, bytes[at] != 13 { at += 1 }
        return start..<at
    }
}

extension Span<UInt8> {
    /// `12.345` of a unit (in nanoseconds, a power of ten), exactly; what is smaller than a nanosecond is cut off. Nil where
    /// the field is empty or no number, or longer than a hundred days.
    fileprivate func decimal(_ field: Range<Int>, unit: Int64) -> Nanoseconds? {
        if field.isEmpty { return nil }
        var whole: Int64 = 0
        var fraction: Int64 = 0
        var scale = unit
        var isFraction = false
        var digits = 0
        for i in field {
            let byte = self[i]
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
                continue
            }
            guard byte >= 48, byte <= 57, digits < Self.mostDigits else { return nil }
            digits += 1
            if isFraction {
                scale /= 10
                fraction += Int64(byte - 48) * scale
            } else {
                whole = whole * 10 + Int64(byte - 48)
            }
        }
        guard digits > 0, whole <= 8_640_000 * 1_000_000_000 / unit else { return nil }
        return Nanoseconds(whole * unit + fraction)
    }

    fileprivate func isEqual(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for i in 0..<range.count where unsafe self[range.lowerBound + i] != text.utf8Start[i] { return false }
        return true
    }

    /// So many fit into 64 bits.
    private static var mostDigits: Int { 18 }
}
