import Datagrams
import Observations
import SIP

/// The rows of SIPp's files, in its formats. Where the format has room for microseconds they are true ones.
package struct SippFiles: Sendable {
    package var clock: SippClock
    package var delimiter = ";"
    /// As messages are headed: UDP, TCP, TLS.
    package var transport = "UDP"

    package init(clock: SippClock) { self.clock = clock }

    private func end(_ target: inout ByteBuffer) { target.append(text: delimiter) }

    private func append(cell value: UInt64, to target: inout ByteBuffer) {
        target.append(decimal: value)
        end(&target)
    }

    private func append(cell text: String, to target: inout ByteBuffer) {
        target.append(text: text)
        end(&target)
    }

    // MARK: -trace_stat

    package func appendStatisticsHeader(_ statistics: borrowing SippStatistics, to target: inout ByteBuffer) {
        for name in [
            "StartTime", "LastResetTime", "CurrentTime", "ElapsedTime(P)", "ElapsedTime(C)", "TargetRate",
            "CallRate(P)",
            "CallRate(C)", "IncomingCall(P)", "IncomingCall(C)", "OutgoingCall(P)", "OutgoingCall(C)",
            "TotalCallCreated", "CurrentCall", "SuccessfulCall(P)", "SuccessfulCall(C)", "FailedCall(P)",
            "FailedCall(C)",
        ] { append(cell: name, to: &target) }
        for counter in SippCounter.allCases { appendPair("\(counter.column)", to: &target) }
        for name in statistics.responseTimeNames {
            appendPair("ResponseTime\(name)", to: &target)
            appendPair("ResponseTime\(name)StDev", to: &target)
        }
        appendPair("CallLength", to: &target)
        appendPair("CallLengthStDev", to: &target)
        for (i, name) in statistics.responseTimeNames.enumerated() {
            appendHeader(
                of: statistics.responseTimes[i].repartition, "ResponseTimeRepartition\(name)", to: &target)
        }
        appendHeader(of: statistics.callLength.repartition, "CallLengthRepartition", to: &target)
        target.append(UInt8(ascii: "\n"))
    }

    private func appendPair(_ name: String, to target: inout ByteBuffer) {
        append(cell: name + "(P)", to: &target)
        append(cell: name + "(C)", to: &target)
    }

    private func appendHeader(of repartition: Repartition, _ name: String, to target: inout ByteBuffer) {
        guard let last = repartition.borders.last else { return }
        append(cell: name, to: &target)
        for border in repartition.borders { append(cell: "\(name)_<\(border)", to: &target) }
        append(cell: "\(name)_>=\(last)", to: &target)
    }

    /// - Parameter rate: calls a second asked for at this time.
    package func appendStatisticsRow(
        _ statistics: borrowing SippStatistics, rate: Double, at now: WallInstant, to target: inout ByteBuffer
    ) {
        for instant in [statistics.start, statistics.earlierAt, now] {
            clock.appendTimeCell(instant, to: &target)
            end(&target)
        }
        let period = Self.seconds(from: statistics.earlierAt, to: now)
        let total = Self.seconds(from: statistics.start, to: now)
        for seconds in [period, total] {
            target.append(hoursOf: UInt64(seconds))
            end(&target)
        }
        target.append(significant: rate)
        end(&target)
        appendCalls(statistics, period, total, to: &target)
        for counter in SippCounter.allCases {
            append(cell: statistics.totals[counter] - statistics.earlier[counter], to: &target)
            append(cell: statistics.totals[counter], to: &target)
        }
        for measured in statistics.responseTimes { append(measured, to: &target) }
        append(statistics.callLength, to: &target)
        for measured in statistics.responseTimes { append(measured.repartition, to: &target) }
        append(statistics.callLength.repartition, to: &target)
        target.append(UInt8(ascii: "\n"))
    }

    private func appendCalls(
        _ statistics: borrowing SippStatistics, _ period: Double, _ total: Double, to target: inout ByteBuffer
    ) {
        let now = statistics.totals
        let earlier = statistics.earlier
        let created = now.created - earlier.created
        target.append(significant: period > 0 ? Double(created) / period : 0)
        end(&target)
        target.append(significant: total > 0 ? Double(now.created) / total : 0)
        end(&target)
        for isIncoming in [true, false] {
            let counts = isIncoming == statistics.isServer
            append(cell: counts ? created : 0, to: &target)
            append(cell: counts ? now.created : 0, to: &target)
        }
        append(cell: now.created, to: &target)
        append(cell: now.current, to: &target)
        append(cell: now.successful - earlier.successful, to: &target)
        append(cell: now.successful, to: &target)
        append(cell: now.failed - earlier.failed, to: &target)
        append(cell: now.failed, to: &target)
    }

    private func append(_ measured: Measured, to target: inout ByteBuffer) {
        for length in [
            measured.period.average, measured.total.average, measured.period.deviation, measured.total.deviation,
        ] {
            target.append(durationCell: length)
            end(&target)
        }
    }

    private func append(_ repartition: Repartition, to target: inout ByteBuffer) {
        if repartition.borders.isEmpty { return }
        end(&target)
        for count in repartition.counts { append(cell: count, to: &target) }
    }

    static func seconds(from start: WallInstant, to end: WallInstant) -> Double {
        Double(max(end.nanoseconds - start.nanoseconds, 0)) / 1e9
    }

    // MARK: -trace_counts

    package func appendCountsHeader(_ steps: [SippStep], to target: inout ByteBuffer) {
        append(cell: "CurrentTime", to: &target)
        append(cell: "ElapsedTime", to: &target)
        for (i, step) in steps.enumerated() {
            switch step.kind {
            case .send(let text, let isRetransmitted):
                append(cell: "\(i)_\(text)_Sent", to: &target)
                append(cell: "\(i)_\(text)_Retrans", to: &target)
                if isRetransmitted { append(cell: "\(i)_\(text)_Timeout", to: &target) }
            case .receive(let text, _):
                for what in ["Recv", "Retrans", "Timeout", "Unexp"] {
                    append(cell: "\(i)_\(text)_\(what)", to: &target)
                }
            case .pause, .nop:
                append(cell: "\(i)_Pause_Sessions", to: &target)
                append(cell: "\(i)_Pause_Unexp", to: &target)
            }
        }
        target.append(UInt8(ascii: "\n"))
    }

    package func appendCountsRow(
        _ statistics: borrowing SippStatistics, at now: WallInstant, to target: inout ByteBuffer
    ) {
        clock.appendTimeCell(now, to: &target)
        end(&target)
        target.append(durationCell: Nanoseconds(now.nanoseconds - statistics.start.nanoseconds))
        end(&target)
        for (step, count) in zip(statistics.steps, statistics.stepCounts) {
            append(cell: count.passed, to: &target)
            switch step.kind {
            case .send(_, let isRetransmitted):
                append(cell: count.repeats, to: &target)
                if isRetransmitted { append(cell: count.timeouts, to: &target) }
            case .receive:
                append(cell: count.repeats, to: &target)
                append(cell: count.timeouts, to: &target)
                append(cell: count.unexpected, to: &target)
            case .pause, .nop: append(cell: count.unexpected, to: &target)
            }
        }
        target.append(UInt8(ascii: "\n"))
    }

    // MARK: -trace_rtt

    package func appendResponseTimesHeader(to target: inout ByteBuffer) {
        for name in ["Date_ms", "response_time_ms"] { append(cell: name, to: &target) }
        target.append("rtd_no\n")
    }

    /// Milliseconds with three decimals, where SIPp has six digits of the date and whole milliseconds of the time.
    package func appendResponseTime(_ time: NamedResponseTime, name: String, to target: inout ByteBuffer) {
        target.append(milliseconds: time.stopped)
        end(&target)
        target.append(milliseconds: time.length)
        end(&target)
        target.append(text: name)
        target.append(UInt8(ascii: "\n"))
    }

    // MARK: -trace_error_codes

    package func appendErrorCodes(
        _ codes: [UInt16], since start: WallInstant, at now: WallInstant, to target: inout ByteBuffer
    ) {
        clock.appendTimeCell(now, to: &target)
        end(&target)
        target.append(durationCell: Nanoseconds(now.nanoseconds - start.nanoseconds))
        end(&target)
        for code in codes {
            target.append(decimal: UInt64(code))
            target.append(UInt8(ascii: ","))
        }
        target.append(UInt8(ascii: "\n"))
    }

    // MARK: -trace_msg, -trace_shortmsg

    package func appendMessage(
        _ entry: MessageLog.Entry, _ bytes: borrowing Span<UInt8>, to target: inout ByteBuffer
    ) {
        for _ in 0..<47 { target.append(UInt8(ascii: "-")) }
        target.append(UInt8(ascii: " "))
        clock.appendDate(entry.at, separator: UInt8(ascii: " "), to: &target)
        switch entry.direction {
        case .sent:
            target.append(text: "\n\(transport) message sent (")
            target.append(decimal: UInt64(entry.count))
            target.append(" bytes):\n\n")
        case .received:
            target.append(text: "\n\(transport) message received [")
            target.append(decimal: UInt64(entry.count))
            target.append("] bytes :\n\n")
        }
        target.append(bytes)
        target.append(UInt8(ascii: "\n"))
    }

    /// One line. `index` is scratch.
    package func appendShortMessage(
        _ entry: MessageLog.Entry, _ bytes: borrowing Span<UInt8>, _ index: inout MessageIndex,
        to target: inout ByteBuffer
    ) {
        do throws(MalformedMessage) { try index.parse(bytes) } catch { return }
        clock.appendTimeCell(entry.at, to: &target)
        target.append(entry.direction == .sent ? "\tS\t" : "\tR\t")
        let callID = bytes.extracting(index.callID.bounds)
        target.append(callID.extracting(Self.startOfCallID(callID)..<callID.count))
        target.append("\tCSeq:")
        target.append(decimal: UInt64(index.cseq))
        target.append(UInt8(ascii: " "))
        target.append(bytes.extracting(index.cseqMethodText.bounds))
        target.append(UInt8(ascii: "\t"))
        for i in 0..<bytes.count {
            if bytes[i] == 13 || bytes[i] == 10 { break }
            target.append(bytes[i])
        }
        target.append(UInt8(ascii: "\n"))
    }

    /// Behind the last `///`.
    private static func startOfCallID(_ callID: borrowing Span<UInt8>) -> Int {
        var start = 0
        var slashes = 0
        for i in 0..<callID.count {
            slashes = callID[i] == UInt8(ascii: "/") ? slashes + 1 : 0
            if slashes == 3 { start = i + 1 }
        }
        return start
    }

    // MARK: -trace_err

    package func appendErrorsHeader(to target: inout ByteBuffer) { target.append("The following events occurred:\n") }

    /// - Parameter isAborted: false: the call goes on (`-nd`).
    package func appendUnexpected(
        _ message: UnexpectedMessage, _ bytes: borrowing Span<UInt8>, steps: [SippStep], isAborted: Bool,
        at instant: WallInstant, to target: inout ByteBuffer
    ) {
        clock.appendTimeCell(instant, to: &target)
        target.append(isAborted ? ": Aborting" : ": Continuing")
        target.append(" call on unexpected message for Call-Id '")
        target.append(text: message.callID.text)
        target.append("': while ")
        if Int(message.step) < steps.count {
            let (verb, what) = steps[Int(message.step)].expectation
            target.append(text: verb)
            if !what.isEmpty { target.append(text: " '\(what)'") }
        } else {
            target.append("ending")
        }
        target.append(" (index ")
        target.append(decimal: UInt64(message.step))
        target.append("), received '")
        target.append(bytes)
        target.append("'\n")
    }

    // MARK: -trace_logs

    /// What `log` says, a line each.
    package func appendLog(_ text: String, to target: inout ByteBuffer) { target.append(text: text + "\n") }

    package func appendEvent(_ text: String, at instant: WallInstant, to target: inout ByteBuffer) {
        clock.appendTimeCell(instant, to: &target)
        target.append(text: ": \(text)\n")
    }
}

extension ByteBuffer {
    /// `104.001`: three decimals.
    mutating func append(milliseconds length: Nanoseconds) {
        let microseconds = UInt64(max(length.rawValue, 0) + 500) / 1000
        append(decimal: microseconds / 1000)
        append(UInt8(ascii: "."))
        append(padded: microseconds % 1000, width: 3)
    }
}
