import Datagrams
import Latency
import LoadRun
import Observations
import Reports
import SIP
import StandardScenarios
import UserAgent

struct ParseWork: Work {
    let bytes: [UInt8]
    var index = MessageIndex()

    mutating func run(_ times: Int) {
        let bytes = bytes
        let span = bytes.span
        for _ in 0..<times {
            do throws(MalformedMessage) { try index.parse(span) } catch { preconditionFailure("\(error)") }
        }
    }
}

struct RenderWork: Work {
    let template: MessageTemplate
    var out = ByteBuffer(capacity: 4096)
    var number: UInt64 = 0

    mutating func run(_ times: Int) {
        let nothing = MessageIndex()
        for _ in 0..<times {
            number += 1
            out.removeAll()
            let values = RenderValues(
                identity: CallIdentity(run: 0xABCD_1234, number: number, slot: UInt32(number & 0xffff)))
            _ = template.render(into: &out, values: values, texts: Span(), last: Span(), lastIndex: nothing)
        }
    }
}

/// The same 180 again and again: each is parsed, finds its call and transaction, and passes up.
struct MatchWork: Work {
    private var uac: UAC
    private let ringing: [UInt8]

    init() throws {
        uac = try Calls.uac()
        uac.advance(to: Calls.start)
        uac.engine.outbox.removeAll()
        ringing = try Calls.record(1)[0].ringing
    }

    mutating func run(_ times: Int) {
        let ringing = ringing
        let span = ringing.span
        for _ in 0..<times { uac.handleDatagram(span, from: Calls.peer, at: Calls.start) }
        precondition(uac.engine.counters.stray == 0 && uac.engine.openCalls == 1, "the 180 found its call")
    }
}

struct TimerWork: Work {
    private var queue = TimerQueue()
    private var now = Calls.start

    init() {
        for _ in 0..<10_000 { push() }
        now = now + .milliseconds(500)
    }

    private mutating func push() {
        now = now + .microseconds(50)
        let entry = TimerQueue.Entry(
            deadline: now + .milliseconds(500), call: 1, generation: 1, stamp: 1, kind: .transaction(0))
        queue.schedule(entry, duration: .milliseconds(500))
    }

    mutating func run(_ times: Int) {
        for _ in 0..<times {
            push()
            _ = queue.popDue(at: now)
        }
    }
}

/// Plays recorded answers to a UAC that has not had them yet: each call is placed, answered, ended and journalled.
struct CallWork: Work {
    private var uac: UAC
    private let exchanges: [Calls.Exchange]
    private var next = 0

    init(calls: Int, _ xml: [UInt8] = StandardScenarios.uac, keepsFailures: Int = 0) throws {
        uac = try Calls.uac(xml, keepsFailures: keepsFailures)
        exchanges = try Calls.record(calls, xml)
    }

    /// A datagram the kernel has just delivered is in the cache; one that was recorded long ago is not.
    func prepare(_ times: Int) {
        var sum = 0
        for exchange in exchanges[next..<next + times] {
            for bytes in [exchange.ringing, exchange.answered, exchange.ended] {
                sum = bytes.reduce(sum) { $0 &+ Int($1) }
            }
        }
        precondition(sum > 0, "recorded answers")
    }

    mutating func run(_ times: Int) {
        for n in next..<next + times {
            let now = Calls.start + Calls.gap * Int64(n)
            let exchange = exchanges[n]
            uac.advance(to: now)
            flush(at: now)
            uac.handleDatagram(exchange.ringing.span, from: Calls.peer, at: now)
            uac.handleDatagram(exchange.answered.span, from: Calls.peer, at: now)
            uac.advance(to: now)
            flush(at: now)
            uac.handleDatagram(exchange.ended.span, from: Calls.peer, at: now)
            uac.engine.journal.removeAll()
        }
        next += times
        precondition(uac.engine.counters.ok == UInt64(next), "every call went well")
    }

    private mutating func flush(at now: MonotonicInstant) {
        for i in uac.engine.outbox.datagrams.indices {
            uac.engine.keepSent(uac.engine.outbox.datagrams[i], at: now)
            uac.engine.didSend(uac.engine.outbox.datagrams[i], at: now)
        }
        uac.engine.outbox.removeAll()
    }
}

struct RecordWork: Work {
    private var recorder = LatencyRecorder(responseTimeNames: 2)
    private var record = CallRecord.sample

    mutating func run(_ times: Int) {
        for _ in 0..<times {
            record.number += 1
            recorder.record(record)
        }
    }
}

struct RowWork: Work {
    private var rows = ByteBuffer(capacity: 1 << 16)
    private var record = CallRecord.sample

    mutating func run(_ times: Int) {
        rows.removeAll()
        for _ in 0..<times {
            if rows.count > 60_000 { rows.removeAll() }
            record.number += 1
            CSV.appendRTTRow(record, to: &rows)
        }
    }
}

/// What the writing thread makes of a second at the lowest rates, where its own cost is what a call costs.
struct SecondWork: Work {
    private static let calls = 50
    private final class Log {
        var file: HistogramLogFile
        init() throws { file = try HistogramLogFile(path: "/dev/null", responseTimeNames: ["invite", "bye"]) }
    }

    private var recorder = LatencyRecorder(responseTimeNames: 2)
    private var journal = Journal()
    private var rows = ByteBuffer(capacity: 1 << 12)
    private let log: Log
    private var generator = SeededGenerator(seed: 1)
    private var record = CallRecord.sample
    private var counters = Counters()
    private var second: Int64 = 0

    init() throws {
        log = try Log()
        record.clock = .kernel
    }

    mutating func run(_ times: Int) {
        for _ in 0..<times {
            end()
            if journal.calls.count == Self.calls { close() }
        }
    }

    private mutating func end() {
        func about(_ microseconds: Double) -> Nanoseconds {
            Nanoseconds(Int64(1000 * microseconds * (1 + 0.3 * generator.unit())))
        }
        record.number += 1
        record.answer = about(500)
        record.bye = about(400)
        record.rtt = record.answer! + record.bye!
        record.rttFromDue = record.rtt! + about(30)
        record.split = CallSplit(egress: about(10), reaction: about(40), ingress: about(15), matching: about(5))
        journal.calls.append(record)
        for (name, length) in [record.answer!, record.bye!].enumerated() {
            journal.responseTimes.append(
                NamedResponseTime(call: record.number, name: UInt16(name), stopped: record.ended, length: length))
        }
        counters.ok += 1
    }

    private mutating func close() {
        second += 1
        journal.mark = IntervalMark(at: .seconds(second), counters: counters, open: 3, cpu: .milliseconds(second))
        guard let interval = recorder.record(journal) else { preconditionFailure("a mark closes a second") }
        journal.removeAll()
        rows.removeAll()
        CSV.appendIntervalsRow(interval.row, to: &rows)
        log.file.append(interval, of: WallInstant(nanoseconds: 1_795_549_831_000_000_000))
        do throws(RunFailure) { try log.file.flush() } catch { preconditionFailure(error.description) }
    }
}

extension CallRecord {
    fileprivate static var sample: CallRecord {
        var record = CallRecord(
            number: 123_456, callID: CallIDText("abcd1234.123456.1024"), due: .microseconds(176_365_714))
        record.sent = record.due + .microseconds(31)
        record.ringing = .microseconds(84)
        record.answer = .microseconds(97)
        record.bye = .microseconds(61)
        record.rtt = .microseconds(164)
        record.rttFromDue = .microseconds(195)
        record.outcome = .ok
        record.ended = record.due + .microseconds(195)
        record.inviteStatus = 200
        return record
    }
}
