import Datagrams
import Latency
import Observations

/// The rows of a run's tables, column for column as the README has them. Each function appends one whole line, so that
/// what is flushed is always whole rows.
package enum CSV {}

// MARK: rtt.csv

extension CSV {
    package static func appendRTTHeader(to buffer: inout ByteBuffer) {
        buffer.append(
            """
            call,call_id,due_s,sent_s,late_us,trying_us,ringing_us,answer_us,hold_us,bye_us,rtt_us,rtt_from_due_us,\
            retransmissions,clock,outcome

            """)
    }

    package static func appendRTTRow(_ call: CallRecord, to buffer: inout ByteBuffer) {
        buffer.append(decimal: call.number)
        buffer.appendComma()
        buffer.append(callID: call.callID)
        buffer.appendComma()
        buffer.append(seconds: call.due)
        buffer.appendComma()
        buffer.append(seconds: call.sent)
        buffer.appendComma()
        buffer.append(microseconds: call.late)
        buffer.appendComma()
        buffer.append(microseconds: call.trying)
        buffer.appendComma()
        buffer.append(microseconds: call.ringing)
        buffer.appendComma()
        buffer.append(microseconds: call.answer)
        buffer.appendComma()
        buffer.append(microseconds: call.hold)
        buffer.appendComma()
        buffer.append(microseconds: call.bye)
        buffer.appendComma()
        buffer.append(microseconds: call.rtt)
        buffer.appendComma()
        buffer.append(microseconds: call.rttFromDue)
        buffer.appendComma()
        buffer.append(decimal: UInt64(call.retransmissions))
        buffer.appendComma()
        switch call.clock {
        case .app: buffer.append("app")
        case .kernel: buffer.append("kernel")
        }
        buffer.appendComma()
        buffer.append(outcome: call.outcome)
        buffer.endRow()
    }
}

// MARK: intervals.csv

extension CSV {
    /// Counts are of the interval, `open` at its end. The latencies are of the calls that ended in it (`rtt_n` of them
    /// with an RTT), the lateness of all that ended in it after being sent.
    package static func appendIntervalsHeader(to buffer: inout ByteBuffer) {
        buffer.append(
            """
            t_s,length_s,offered,started,answered,ok,failed,unsent,open,\
            rtt_n,rtt_min_us,rtt_mean_us,rtt_p50_us,rtt_p90_us,rtt_p99_us,rtt_max_us,\
            rtt_from_due_p50_us,rtt_from_due_p99_us,rtt_from_due_max_us,late_p50_us,late_p99_us,late_max_us,\
            requests_retransmitted,responses_retransmitted,repeats_received,stray,malformed,\
            datagrams_sent,datagrams_received,receive_queue_drops,send_queue_full,send_errors,icmp_errors,cpu_percent

            """)
    }

    package static func appendIntervalsRow(_ row: IntervalRow, to buffer: inout ByteBuffer) {
        let counts = row.counts
        buffer.append(seconds: row.at)
        buffer.appendComma()
        buffer.append(seconds: row.length)
        buffer.append(
            counts: [
                counts.offered, counts.started, counts.answered, counts.ok, counts.failed, counts.unsent, row.open,
                row.rtt.count,
            ])
        buffer.append(
            lengths: [
                row.rtt.min, row.rtt.mean, row.rtt.p50, row.rtt.p90, row.rtt.p99, row.rtt.max, row.rttFromDue.p50,
                row.rttFromDue.p99, row.rttFromDue.max, row.late.p50, row.late.p99, row.late.max,
            ])
        buffer.append(
            counts: [
                counts.requestsRetransmitted, counts.responsesRetransmitted, counts.repeatsReceived, counts.stray,
                counts.malformed, counts.datagramsSent, counts.datagramsReceived, counts.receiveQueueDrops,
                counts.sendQueueFull, counts.sendErrors, counts.icmpErrors,
            ])
        buffer.appendComma()
        if let percent = row.cpuPercent { buffer.append(text: DecimalText.fixed(percent, decimals: 1)) }
        buffer.endRow()
    }
}

// MARK: retransmissions.csv

extension CSV {
    /// `message` is the method of a request, or for a response sent again its status and the method it answers
    /// (`200 INVITE`); `late_us` is what this host added to the standard's schedule.
    package static func appendRetransmissionsHeader(to buffer: inout ByteBuffer) {
        buffer.append("call,call_id,message,nth,due_s,sent_s,late_us,timer\n")
    }

    package static func appendRetransmissionsRow(_ record: RetransmissionRecord, to buffer: inout ByteBuffer) {
        buffer.append(decimal: record.call)
        buffer.appendComma()
        buffer.append(callID: record.callID)
        buffer.appendComma()
        if record.status != 0 {
            buffer.append(decimal: UInt64(record.status))
            buffer.append(UInt8(ascii: " "))
        }
        buffer.append(record.method == .other ? "other" : record.method.text)
        buffer.appendComma()
        buffer.append(decimal: UInt64(record.nth))
        buffer.appendComma()
        buffer.append(seconds: record.due)
        buffer.appendComma()
        buffer.append(seconds: record.sent)
        buffer.appendComma()
        buffer.append(microseconds: record.sent - record.due)
        buffer.appendComma()
        buffer.append(record.timer.text)
        buffer.endRow()
    }
}

// MARK: split.csv

extension CSV {
    /// A part of the waiting a row, in the order a call goes through them.
    package static func appendSplit(_ split: LatencySplit, to buffer: inout ByteBuffer) {
        buffer.append("part,n,min_us,mean_us,sd_us,p50_us,p90_us,p95_us,p99_us,p999_us,max_us\n")
        for (name, part) in split.parts {
            buffer.append(text: name)
            buffer.append(counts: [part.count])
            buffer.append(
                lengths: [
                    part.min, part.mean, part.sd, part.p50, part.p90, part.p95, part.p99, part.p999, part.max,
                ])
            buffer.endRow()
        }
    }
}

// MARK: tag_control.csv

extension CSV {
    /// Which of the calls of `rtt.csv` that were sent carried the call tag.
    package static func appendTagControlHeader(to buffer: inout ByteBuffer) { buffer.append("call,tagged\n") }

    package static func appendTagControlRow(_ call: CallRecord, to buffer: inout ByteBuffer) {
        buffer.append(decimal: call.number)
        buffer.append(call.isTagged ? ",yes" : ",no")
        buffer.endRow()
    }
}

// MARK: sweep.csv

extension CSV {
    package static func appendSweepHeader(to buffer: inout ByteBuffer) {
        buffer.append(
            """
            rate,offered,started,ok,failed,timeout,unsent,retransmissions,rtt_min_us,rtt_mean_us,rtt_sd_us,rtt_p50_us,\
            rtt_p90_us,rtt_p99_us,rtt_p999_us,rtt_max_us,late_p99_us,verdict

            """)
    }

    /// One level. `timeout` is a part of `failed`; `retransmissions` counts requests.
    package static func appendSweepRow(_ summary: RunSummary, to buffer: inout ByteBuffer) {
        let counters = summary.counters
        let rtt = summary.rtt
        if let rate = summary.conditions.rate { buffer.append(text: DecimalText.trimmed(rate)) }
        buffer.append(
            counts: [
                counters.offered, counters.started, counters.ok, counters.failed, summary.count(of: .timeout),
                counters.unsent, counters.requestsRetransmitted,
            ])
        buffer.append(
            lengths: [
                rtt.min, rtt.mean, rtt.sd, rtt.p50, rtt.p90, rtt.p99, rtt.p999, rtt.max, summary.late.p99,
            ])
        buffer.appendComma()
        buffer.append(text: summary.verdict.level.text)
        buffer.endRow()
    }
}

extension CSV {
    /// A row read from a table, as it stands there.
    package static func append(fields: [String], to buffer: inout ByteBuffer) {
        for (i, field) in fields.enumerated() {
            if i > 0 { buffer.appendComma() }
            buffer.append(field: field)
        }
        buffer.endRow()
    }
}

/// For the tables of one row a second or a level, where an array costs nothing.
extension ByteBuffer {
    fileprivate mutating func append(counts: [UInt64]) {
        for n in counts {
            appendComma()
            append(decimal: n)
        }
    }

    fileprivate mutating func append(lengths: [Nanoseconds?]) {
        for length in lengths {
            appendComma()
            append(microseconds: length)
        }
    }
}
