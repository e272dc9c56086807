import Datagrams
import Observations
import SIP
import Scenarios
import StandardScenarios
import Testing

@testable import SippMode

/// The files and screens, byte for byte.
@Suite struct FileTests {
    /// 2026-11-24 16:51:56.575339 UTC.
    private static let start = WallInstant(nanoseconds: 1_795_539_116_575_339_000)
    private let files = SippFiles(clock: SippClock(offset: .zero))

    private static func later(_ milliseconds: Int64) -> WallInstant {
        WallInstant(nanoseconds: start.nanoseconds + milliseconds * 1_000_000)
    }

    private static func statistics(_ scenario: [UInt8] = StandardScenarios.sippUac, isServer: Bool = false) throws
        -> SippStatistics
    {
        let read = try ScenarioReader.read(scenario, name: "s.xml")
        return SippStatistics(
            isServer: isServer, steps: SippStep.steps(of: read), responseTimeNames: ["1"],
            responseTimeBorders: read.responseTimeBorders, callLengthBorders: read.callLengthBorders, start: start)
    }

    private static func call(
        _ number: UInt64, _ outcome: CallOutcome, length: Nanoseconds, timedOutReceiving: Bool = false
    ) -> CallRecord {
        var call = CallRecord(number: number, callID: CallIDText("\(number)@h"), due: .zero)
        call.sent = .milliseconds(1)
        call.outcome = outcome
        call.ended = .milliseconds(1) + length
        call.timedOutReceiving = timedOutReceiving
        return call
    }

    /// Three calls that ended well, one refused, two that timed out, one still open; a second of it.
    private static func journal() -> Journal {
        var journal = Journal()
        for (n, length) in [8, 40, 12_000].enumerated() {
            journal.calls.append(call(UInt64(n) + 1, .ok, length: .milliseconds(Int64(length))))
        }
        journal.calls.append(call(4, .status(486), length: .milliseconds(3)))
        journal.calls.append(call(5, .timeout, length: .milliseconds(700)))
        journal.calls.append(call(6, .timeout, length: .milliseconds(800), timedOutReceiving: true))
        journal.calls.append(call(7, .unsent, length: .zero))
        for (n, length) in [1_500, 9_999, 10_000, 250_000].enumerated() {
            journal.responseTimes.append(
                NamedResponseTime(
                    call: UInt64(n) + 1, name: 0, stopped: .milliseconds(Int64(n) * 100),
                    length: .microseconds(Int64(length))))
        }
        journal.unexpected.append(
            UnexpectedMessage(
                call: 4, callID: CallIDText("4@h"), step: 1, status: 486, at: .milliseconds(5), start: 0, count: 0))
        var counters = Counters()
        counters.started = 7
        counters.requestsRetransmitted = 9
        counters.stray = 2
        journal.mark = IntervalMark(at: .seconds(1), counters: counters, open: 1, cpu: .zero)
        var counts = (0..<9).map { _ in StepCount() }
        counts[0].passed = 7
        counts[0].repeats = 9
        counts[0].timeouts = 1
        counts[1].unexpected = 1
        counts[6].passed = 3
        journal.steps = counts
        return journal
    }

    private func row(_ statistics: borrowing SippStatistics, at now: WallInstant) -> [Substring] {
        var target = ByteBuffer(capacity: 0)
        files.appendStatisticsRow(statistics, rate: 10, at: now, to: &target)
        return target.text.split(separator: ";", omittingEmptySubsequences: false)
    }

    @Test func theHeaderHasSippsColumnsInItsOrder() throws {
        var target = ByteBuffer(capacity: 0)
        files.appendStatisticsHeader(try Self.statistics(), to: &target)
        let columns = target.text.split(separator: ";", omittingEmptySubsequences: false)
        #expect(columns[11] == "OutgoingCall(C)" && columns[17] == "FailedCall(C)", "scripts read columns 12 and 18")
        #expect(columns[18] == "FailedCannotSendMessage(P)" && columns[67] == "WatchdogMinor(C)")
        #expect(
            columns[68..<76].joined(separator: ";")
                == "ResponseTime1(P);ResponseTime1(C);ResponseTime1StDev(P);ResponseTime1StDev(C);CallLength(P);CallLength(C);"
                + "CallLengthStDev(P);CallLengthStDev(C)")
        #expect(columns[76] == "ResponseTimeRepartition1" && columns[77] == "ResponseTimeRepartition1_<10")
        #expect(columns[85] == "ResponseTimeRepartition1_>=200" && columns[86] == "CallLengthRepartition")
        #expect(columns[94] == "CallLengthRepartition_>=10000" && columns[95] == "\n" && columns.count == 96)
    }

    @Test func aRowSaysWhatHappenedSinceTheLastAndSinceTheStart() throws {
        var statistics = try Self.statistics()
        statistics.record(Self.journal())
        let first = row(statistics, at: Self.later(1000))
        #expect(first[0] == "2026-11-24\t16:51:56.575339\t1795539116.575339")
        #expect(first[2] == "2026-11-24\t16:51:57.575339\t1795539117.575339")
        #expect(first[3..<8].joined(separator: " ") == "00:00:01 00:00:01 10 7 7")
        // Incoming, outgoing, total, current, successful, failed.
        #expect(first[8..<18].joined(separator: " ") == "0 0 7 7 7 1 3 3 3 3")
        #expect(first[20] == "1", "retransmissions ran out once")
        #expect(first[26] == "1", "one unexpected message")
        #expect(first[40] == "1", "one receive timeout")
        #expect(first[52] == "2" && first[56] == "9")
        #expect(first[58...60].joined(separator: " ") == "0 0 1", "one warning")
        #expect(first[68] == "00:00:00:067875", "the mean of 1.5, 9.999, 10 and 250 ms")
        #expect(first[70] == "00:00:00:105207", "their deviation")
        #expect(first[76...85].joined(separator: " ") == " 2 1 0 0 0 0 0 0 1", "10 ms is not below 10")
        statistics.endPeriod(at: Self.later(1000))
        let second = row(statistics, at: Self.later(3500))
        #expect(second[1] == first[2])
        #expect(second[3..<8].joined(separator: " ") == "00:00:02 00:00:03 10 0 2")
        #expect(second[14..<18].joined(separator: " ") == "0 3 0 3")
        #expect(second[68] == "00:00:00:000000" && second[69] == first[69])
        #expect(second[76...85] == first[76...85], "cumulative")
        #expect(first.count == 96 && second.count == 96)
    }

    @Test func aServersCallsAreIncoming() throws {
        var statistics = try Self.statistics(StandardScenarios.sippUas, isServer: true)
        statistics.record(Self.journal())
        #expect(row(statistics, at: Self.later(1000))[8..<13].joined(separator: " ") == "7 7 0 0 7")
    }

    @Test func callsOpenAtTheEndFailOnlyWhereTheTimeWasOver() throws {
        var statistics = try Self.statistics()
        var journal = Journal()
        journal.calls = [Self.call(1, .interrupted, length: .seconds(1)), Self.call(2, .ok, length: .seconds(1))]
        journal.mark = IntervalMark(at: .seconds(1), counters: Counters(), open: 0, cpu: .zero)
        statistics.record(journal)
        #expect(statistics.totals.current == 1 && statistics.totals.failed == 0)
        statistics.failInterrupted()
        #expect(statistics.totals.current == 0 && statistics.totals.failed == 1)
    }

    @Test func periodicRepartitionsBeginAnew() throws {
        var statistics = try Self.statistics()
        statistics.hasPeriodicRepartition = true
        statistics.record(Self.journal())
        statistics.endPeriod(at: Self.later(1000))
        #expect(row(statistics, at: Self.later(2000))[77...85].allSatisfy { $0 == "0" })
    }

    @Test func countsAreThoseOfTheSteps() throws {
        var statistics = try Self.statistics()
        statistics.record(Self.journal())
        var target = ByteBuffer(capacity: 0)
        files.appendCountsHeader(statistics.steps, to: &target)
        #expect(
            target.text
                == "CurrentTime;ElapsedTime;0_INVITE_Sent;0_INVITE_Retrans;0_INVITE_Timeout;"
                + "1_100_Recv;1_100_Retrans;1_100_Timeout;1_100_Unexp;2_180_Recv;2_180_Retrans;2_180_Timeout;2_180_Unexp;"
                + "3_183_Recv;3_183_Retrans;3_183_Timeout;3_183_Unexp;4_200_Recv;4_200_Retrans;4_200_Timeout;4_200_Unexp;"
                + "5_ACK_Sent;5_ACK_Retrans;6_Pause_Sessions;6_Pause_Unexp;7_BYE_Sent;7_BYE_Retrans;7_BYE_Timeout;"
                + "8_200_Recv;8_200_Retrans;8_200_Timeout;8_200_Unexp;\n")
        target.removeAll()
        files.appendCountsRow(statistics, at: Self.later(65_250), to: &target)
        #expect(
            target.text
                == "2026-11-24\t16:53:01.825339\t1795539181.825339;00:01:05:250000;7;9;1;0;0;0;1;0;0;0;0;0;0;0;0;0;0;0;0;0;0;"
                + "3;0;0;0;0;0;0;0;0;\n")
    }

    @Test func responseTimesHaveMicroseconds() {
        var target = ByteBuffer(capacity: 0)
        files.appendResponseTimesHeader(to: &target)
        let time = NamedResponseTime(
            call: 1, name: 0, stopped: .seconds(3661) + .microseconds(4_567), length: Nanoseconds(1_234_567))
        files.appendResponseTime(time, name: "invite", to: &target)
        #expect(target.text == "Date_ms;response_time_ms;rtd_no\n3661004.567;1.235;invite\n")
    }

    @Test func anotherDelimiterIsUsedEverywhere() throws {
        var other = files
        other.delimiter = ","
        var target = ByteBuffer(capacity: 0)
        other.appendCountsHeader([SippStep(kind: .pause(nil))], to: &target)
        other.appendErrorCodes([503, 486], since: Self.start, at: Self.later(1), to: &target)
        #expect(
            target.text
                == "CurrentTime,ElapsedTime,0_Pause_Sessions,0_Pause_Unexp,\n"
                + "2026-11-24\t16:51:56.576339\t1795539116.576339,00:00:00:001000,503,486,\n")
    }

    @Test func errorCodesAreTakenOnceNewestFirst() throws {
        var statistics = try Self.statistics()
        for status in [486, 503, 0] as [UInt16] {
            var journal = Journal()
            journal.unexpected.append(
                UnexpectedMessage(
                    call: 1, callID: CallIDText("1"), step: 1, status: status, at: .zero, start: 0, count: 0))
            statistics.record(journal)
        }
        #expect(statistics.takeErrorCodes() == [503, 486])
        #expect(statistics.takeErrorCodes() == [])
    }

    private static let message =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
        + "Call-ID: x///1-2@h\r\nCSeq: 4  INVITE\r\nContent-Length: 0\r\n\r\n"

    @Test func messagesAreWholeAndShort() {
        let bytes = Array(Self.message.utf8)
        var target = ByteBuffer(capacity: 0)
        let entry = MessageLog.Entry(direction: .received, at: Self.start, start: 0, count: bytes.count)
        files.appendMessage(entry, bytes.span, to: &target)
        let dashes = String(repeating: "-", count: 47)
        #expect(
            target.text
                == "\(dashes) 2026-11-24 16:51:56.575339\nUDP message received [\(bytes.count)] bytes :\n\n\(Self.message)\n"
        )
        target.removeAll()
        files.appendMessage(
            MessageLog.Entry(direction: .sent, at: Self.start, start: 0, count: bytes.count), bytes.span, to: &target)
        #expect(target.text.contains("\nUDP message sent (\(bytes.count) bytes):\n\nSIP/2.0 200 OK\r\n"))
        target.removeAll()
        var index = MessageIndex()
        files.appendShortMessage(entry, bytes.span, &index, to: &target)
        #expect(
            target.text
                == "2026-11-24\t16:51:56.575339\t1795539116.575339\tR\t1-2@h\tCSeq:4 INVITE\tSIP/2.0 200 OK\n")
        target.removeAll()
        files.appendShortMessage(entry, Array("not SIP".utf8).span, &index, to: &target)
        #expect(target.text == "")
    }

    @Test func anUnexpectedMessageIsToldWithWhatWasWaitedFor() throws {
        let steps = try Self.statistics().steps
        func text(step: UInt16, isAborted: Bool = true) -> String {
            var target = ByteBuffer(capacity: 0)
            let message = UnexpectedMessage(
                call: 1, callID: CallIDText("1-2@h"), step: step, status: 200, at: .zero, start: 0, count: 2)
            files.appendUnexpected(
                message, Array("ab".utf8).span, steps: steps, isAborted: isAborted, at: Self.start, to: &target)
            return target.text
        }
        #expect(
            text(step: 1)
                == "2026-11-24\t16:51:56.575339\t1795539116.575339: Aborting call on unexpected message for Call-Id "
                + "'1-2@h': while expecting '100' (index 1), received 'ab'\n")
        #expect(text(step: 6).contains("while pausing (index 6)"))
        #expect(text(step: 0).contains("while sending 'INVITE' (index 0)"))
        #expect(text(step: 1, isAborted: false).contains(": Continuing call on"))
        #expect(text(step: 99).contains("(index 99)"))
    }

    @Test func localTimeIsUTCPlusItsOffset() {
        var target = ByteBuffer(capacity: 0)
        SippClock(offset: .seconds(-6 * 3600)).appendTimeCell(
            WallInstant(nanoseconds: 951_800_400_000_001_999), to: &target)
        #expect(target.text == "2000-02-28\t23:00:00.000001\t951800400.000001")
    }

    @Test(arguments: [
        (0, 1970, 1, 1), (59, 1970, 3, 1), (10_957, 2000, 1, 1), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1),
        (20_781, 2026, 11, 24), (47_540, 2100, 2, 28), (47_541, 2100, 3, 1),
    ])
    func datesOfDays(day: Int64, year: Int64, month: Int64, date: Int64) {
        let civil = SippClock.civil(day: day)
        #expect(civil.year == year && civil.month == month && civil.day == date)
    }

    @Test(arguments: [
        (0, "0"), (10, "10"), (8.96414, "8.96414"), (9.353306, "9.35331"), (0.05, "0.05"), (0.123456789, "0.123457"),
        (123456.7, "123457"), (99999.95, "100000"), (1234.5, "1234.5"), (0.000123456, "0.000123456"),
    ])
    func sixSignificantDigits(value: Double, text: String) {
        var target = ByteBuffer(capacity: 0)
        target.append(significant: value)
        #expect(target.text == text)
    }

    @Test func theScreensAreThoseScriptsRead() throws {
        var statistics = try Self.statistics()
        statistics.record(Self.journal())
        let screens = SippScreens(clock: SippClock(offset: .zero))
        var situation = SippScreens.Situation(now: Self.later(2500), rate: 10, openCallLimit: 30)
        situation.pause = .milliseconds(200)
        situation.localPort = 15072
        situation.remote = "127.0.0.1:5060"
        var target = ByteBuffer(capacity: 0)
        screens.appendScenario(statistics, situation, to: &target)
        let scenario = target.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            scenario[0] == "------------------------------ Scenario Screen -------- [1-9]: Change Screen --")
        #expect(scenario[2] == "  10.0(200 ms)/1.000s   15072      2.50 s            7  127.0.0.1:5060(UDP)")
        #expect(scenario[4] == "  1 calls (limit 30)                      Peak was 1 calls, after 1 s")
        #expect(scenario[8] == "      INVITE ---------->         7         9         1         ")
        #expect(scenario[9] == "         100 <----------         0         0         0         1         ")
        #expect(scenario[12].hasPrefix("         200 <----------  E-RTD1 0"))
        #expect(scenario[14].hasPrefix("       Pause [    200ms]         3"))
        #expect(scenario.dropLast().last?.contains(" Test Terminated ") == true)
        target.removeAll()
        screens.appendStatistics(statistics, situation, to: &target)
        #expect(
            target.text.contains("\n  Successful call        |        3                  |        3                 \n")
        )
        #expect(
            target.text.contains("\n  Failed call            |        3                  |        3                 \n")
        )
        #expect(target.text.contains("\n  Response Time 1        | 00:00:00:067875           | 00:00:00:067875"))
        #expect(target.text.contains("\n  Call Rate              |    2.800 cps              |    2.800 cps"))
        target.removeAll()
        screens.appendRepartitions(statistics, situation, to: &target)
        #expect(target.text.contains("             0 ms <= n <         10 ms :          2\n"))
        #expect(target.text.contains("                   n >=        200 ms :          1\n"))
        for line in target.text.split(separator: "\n") { #expect(line.utf8.count <= 80) }
    }
}
