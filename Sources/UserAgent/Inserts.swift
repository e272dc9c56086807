import Datagrams
import SIP
import Scenarios

/// Keywords whose text only the call knows: variables, fields of injection files, times, credentials.
extension CallEngine {
    /// A message with inserts. Nil where its credentials cannot be made: nothing was rendered then.
    mutating func renderInserting(
        _ i: Int, template: MessageTemplate, _ values: RenderValues, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) -> Rendered? {
        var inserted = InsertedTexts()
        swap(&inserted, &insertLevels[0])
        defer { swap(&inserted, &insertLevels[0]) }
        inserted.removeAll()
        credentialPlaces.removeAll(keepingCapacity: true)
        for (position, number) in template.inserts.enumerated() {
            append(
                program.inserts[Int(number)], number, position, i, level: 0, at: now, bytes, index, to: &inserted.bytes)
            inserted.endText()
        }
        let rendered = template.render(
            into: &outbox.bytes, values: values, texts: texts, last: bytes, lastIndex: index, inserts: inserted)
        if credentialPlaces.isEmpty { return rendered }
        let isAuthenticated = authenticate(i, rendered, &inserted, at: credentialPlaces)
        outbox.bytes.truncate(to: rendered.start)
        if !isAuthenticated { return nil }
        return template.render(
            into: &outbox.bytes, values: values, texts: texts, last: bytes, lastIndex: index, inserts: inserted)
    }

    /// The text of an action or of a keyword's parameter.
    mutating func appendText(
        _ number: UInt16, _ i: Int, level: Int = 0, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex, to out: inout ByteBuffer
    ) {
        let template = program.texts[Int(number)]
        let step = Int(calls[i].step)
        let values = renderValues(i, step, cseq: calls[i].cseq, branchSequence(i, step))
        if template.inserts.isEmpty {
            _ = template.render(into: &out, values: values, texts: texts, last: bytes, lastIndex: index)
            return
        }
        // A parameter's own parameters cannot hold keywords: quotes do not nest.
        guard level < insertLevels.count else { return }
        var inserted = InsertedTexts()
        swap(&inserted, &insertLevels[level])
        defer { swap(&inserted, &insertLevels[level]) }
        inserted.removeAll()
        for (position, number) in template.inserts.enumerated() {
            append(
                program.inserts[Int(number)], number, position, i, level: level, at: now, bytes, index,
                to: &inserted.bytes)
            inserted.endText()
        }
        _ = template.render(
            into: &out, values: values, texts: texts, last: bytes, lastIndex: index, inserts: inserted)
    }

    private mutating func append(
        _ insert: Insert, _ number: UInt16, _ position: Int, _ i: Int, level: Int, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, to out: inout ByteBuffer
    ) {
        switch insert {
        case .variable(let variable):
            let shown = value(variable, i)
            out.append(shown, in: texts)
        case .field(let file, let column, let line):
            let start = out.count
            appendField(Int(file), Int(column), line, i, level: level, at: now, bytes, index, to: &out)
            if level == 0, takeCredentials(in: &out, from: start, i) { credentialPlaces.append((position, number)) }
        case .authentication(let which):
            prepareCredentials(program.credentials[Int(which)], i, level: level, at: now, bytes, index)
            credentialPlaces.append((position, number))
        case .clockTick: out.append(decimal: UInt64(max(0, (now - configuration.start).rawValue / 1_000_000)))
        case .timestamp: out.append(timestamp: wallTime(now), offset: configuration.utcOffset)
        case .date: out.append(date: wallTime(now))
        case .userID: out.append(decimal: UInt64(callExtras[i].user))
        case .dynamicID:
            out.append(decimal: UInt64(dynamicID))
            dynamicID =
                dynamicID + Self.dynamicStep > Self.dynamicEnd ? Self.dynamicStart : dynamicID + Self.dynamicStep
        case .fill(let variable, let text): fill(variable, text, i, level: level, at: now, bytes, index, to: &out)
        case .autoMediaPort(let offset):
            let port = Int64(program.mediaPort) + Int64((calls[i].number &- 1) % 2500 * 4) + Int64(offset)
            out.append(decimal: UInt64(max(0, port)))
        }
    }

    /// Nanoseconds since 1970.
    private mutating func wallTime(_ now: MonotonicInstant) -> Int64 {
        configuration.wallStart.nanoseconds + (now - configuration.start).rawValue
    }

    private mutating func appendField(
        _ file: Int, _ column: Int, _ line: UInt16?, _ i: Int, level: Int, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, to out: inout ByteBuffer
    ) {
        let number: Int
        if let line {
            var text = ByteBuffer(capacity: 0)
            swap(&text, &parameterText)
            text.removeAll()
            appendText(line, i, level: level + 1, at: now, bytes, index, to: &text)
            number = Self.lineNumber(text)
            swap(&text, &parameterText)
        } else {
            number = injections[file].line(
                ofCall: calls[i].number, user: callExtras[i].user, seed: configuration.seed)
        }
        injections[file].append(column: column, line: number, to: &out)
    }

    /// Whole part of `3` or `3.000000`; -1 where it is none.
    static func lineNumber(_ text: ByteBuffer) -> Int {
        var value = 0
        var count = 0
        while count < min(text.count, 9), case let byte = text.storage[count], (48...57).contains(byte) {
            value = value * 10 + Int(byte - 48)
            count += 1
        }
        return count == 0 ? -1 : value
    }

    private mutating func fill(
        _ variable: Variable, _ text: UInt16, _ i: Int, level: Int, at now: MonotonicInstant,
        _ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex, to out: inout ByteBuffer
    ) {
        let wanted = min(Int(max(0, number(of: variable, i) ?? 0)), MessageIndex.datagramLimit)
        let start = out.count
        appendText(text, i, level: level + 1, at: now, bytes, index, to: &out)
        let unit = out.count - start
        if unit == 0 { return }
        while out.count - start < wanted { out.append(out.storage[out.count - unit]) }
        out.truncate(to: start + wanted)
    }

    private static let dynamicStart = 10_000
    private static let dynamicEnd = 12_000
    private static let dynamicStep = 4

    // MARK: credentials

    private mutating func prepareCredentials(
        _ credentials: Credentials, _ i: Int, level: Int, at now: MonotonicInstant, _ bytes: borrowing Span<UInt8>,
        _ index: borrowing MessageIndex
    ) {
        var exchange = AuthenticationExchange()
        swap(&exchange, &authentication)
        exchange.removeAll()
        if let username = credentials.username {
            appendText(username, i, level: level + 1, at: now, bytes, index, to: &exchange.username)
        } else {
            exchange.username.append(array: program.username)
        }
        if let password = credentials.password {
            appendText(password, i, level: level + 1, at: now, bytes, index, to: &exchange.password)
        } else {
            exchange.password.append(array: program.password)
        }
        if let text = credentials.akaK {
            appendText(text, i, level: level + 1, at: now, bytes, index, to: &exchange.akaK)
        }
        if let text = credentials.akaOP {
            appendText(text, i, level: level + 1, at: now, bytes, index, to: &exchange.akaOP)
        }
        if let text = credentials.akaAMF {
            appendText(text, i, level: level + 1, at: now, bytes, index, to: &exchange.akaAMF)
        }
        swap(&exchange, &authentication)
    }

    /// A cell may be `[authentication username=… password=…]`, alone of all keywords: then it is taken out of `out`, and
    /// its credentials are made ready.
    private mutating func takeCredentials(in out: inout ByteBuffer, from start: Int, _ i: Int) -> Bool {
        guard Self.begins(out, at: start, with: "[authentication") else { return false }
        authentication.removeAll()
        var at = start + 15
        while at < out.count {
            let byte = out.storage[at]
            if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "]") {
                at += 1
                continue
            }
            let name = at
            while at < out.count, out.storage[at] != UInt8(ascii: "="), out.storage[at] != UInt8(ascii: " ") { at += 1 }
            at = min(at + 1, out.count)
            let value = at
            while at < out.count, out.storage[at] != UInt8(ascii: " "), out.storage[at] != UInt8(ascii: "]") { at += 1 }
            let range = value..<at
            if Self.begins(out, at: name, with: "username=") { authentication.username.append(out, range) }
            if Self.begins(out, at: name, with: "password=") { authentication.password.append(out, range) }
            if Self.begins(out, at: name, with: "aka_K=") { authentication.akaK.append(out, range) }
            if Self.begins(out, at: name, with: "aka_OP=") { authentication.akaOP.append(out, range) }
            if Self.begins(out, at: name, with: "aka_AMF=") { authentication.akaAMF.append(out, range) }
        }
        if authentication.username.count == 0 { authentication.username.append(array: program.username) }
        if authentication.password.count == 0 { authentication.password.append(array: program.password) }
        out.truncate(to: start)
        return true
    }

    private static func begins(_ buffer: ByteBuffer, at start: Int, with text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard buffer.count - start >= count else { return false }
        var i = start
        for byte in text.description.utf8 {
            if buffer.storage[i] != byte { return false }
            i += 1
        }
        return true
    }
}

/// A wall time taken apart, in UTC or with an offset.
struct CalendarTime {
    var year: Int64
    var month: Int64
    var day: Int64
    /// 0 is Sunday.
    var weekday: Int64
    var hour: Int64
    var minute: Int64
    var second: Int64
    var microsecond: Int64

    /// Proleptic Gregorian calendar, by counting from 1 March of year 0.
    init(nanoseconds: Int64, offset: Int64 = 0) {
        let microseconds = nanoseconds / 1000
        var seconds = microseconds / 1_000_000
        microsecond = microseconds % 1_000_000
        seconds += offset
        let days = seconds / 86_400
        let rest = seconds % 86_400
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = (days + 4) % 7
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension ByteBuffer {
    private mutating func append(_ value: Int64, width: Int) {
        var digits = 1
        var limit: Int64 = 10
        while value >= limit, digits < 18 {
            digits += 1
            limit *= 10
        }
        for _ in 0..<max(0, width - digits) { append(UInt8(ascii: "0")) }
        append(decimal: UInt64(max(0, value)))
    }

    /// Local time as SIPp has it: date, tab, time with microseconds, tab, seconds since 1970.
    mutating func append(timestamp nanoseconds: Int64, offset: Int64) {
        let time = CalendarTime(nanoseconds: nanoseconds, offset: offset)
        append(time.year, width: 4)
        append("-")
        append(time.month, width: 2)
        append("-")
        append(time.day, width: 2)
        append("\t")
        append(time.hour, width: 2)
        append(":")
        append(time.minute, width: 2)
        append(":")
        append(time.second, width: 2)
        append(".")
        append(time.microsecond, width: 6)
        append("\t")
        append(nanoseconds / 1_000_000_000, width: 1)
        append(".")
        append(time.microsecond, width: 6)
    }

    /// The value of a Date header (RFC 3261, 20.17).
    mutating func append(date nanoseconds: Int64) {
        let time = CalendarTime(nanoseconds: nanoseconds)
        let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        append(days[Int(time.weekday)])
        append(", ")
        append(time.day, width: 2)
        append(" ")
        append(months[Int(time.month) - 1])
        append(" ")
        append(time.year, width: 4)
        append(" ")
        append(time.hour, width: 2)
        append(":")
        append(time.minute, width: 2)
        append(":")
        append(time.second, width: 2)
        append(" GMT")
    }
}
