import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct CSVTests {
    private static func columns(_ line: String) -> Int {
        line.split(separator: ",", omittingEmptySubsequences: false).count
    }

    private static func rttRow(_ call: CallRecord) -> String { text { CSV.appendRTTRow(call, to: &$0) } }

    @Test func theHeadersAreTheContracts() {
        #expect(
            text { CSV.appendRTTHeader(to: &$0) }
                == "call,call_id,due_s,sent_s,late_us,trying_us,ringing_us,answer_us,hold_us,bye_us,rtt_us,rtt_from_due_us,"
                + "retransmissions,clock,outcome\n")
        #expect(
            text { CSV.appendSweepHeader(to: &$0) }
                == "rate,offered,started,ok,failed,timeout,unsent,retransmissions,rtt_min_us,rtt_mean_us,rtt_sd_us,"
                + "rtt_p50_us,rtt_p90_us,rtt_p99_us,rtt_p999_us,rtt_max_us,late_p99_us,verdict\n")
    }

    @Test func aCallThatWentWell() {
        var call = CallRecord(number: 7, callID: CallIDText("7-abc@10.0.0.1"), due: Nanoseconds(1_015_000_000))
        call.sent = Nanoseconds(1_015_012_345)
        call.trying = Nanoseconds(300_001)
        call.ringing = Nanoseconds(1_000_000)
        call.answer = Nanoseconds(1_234_567)
        call.hold = .seconds(2)
        call.bye = Nanoseconds(999)
        call.rtt = Nanoseconds(2_345_678)
        call.rttFromDue = Nanoseconds(2_358_023)
        call.retransmissions = 2
        call.clock = .kernel
        call.outcome = .ok
        #expect(
            Self.rttRow(call)
                == "7,7-abc@10.0.0.1,1.015000000,1.015012345,12.345,300.001,1000.000,1234.567,2000000.000,0.999,2345.678,"
                + "2358.023,2,kernel,ok\n")
    }

    @Test func whatDidNotHappenIsEmpty() {
        let call = CallRecord(number: 1, callID: CallIDText("x"), due: Nanoseconds(5))
        #expect(Self.rttRow(call) == "1,x,0.000000005,,,,,,0.000,,,,0,app,unsent\n")
    }

    @Test func aFailedCheckIsOneWordInTheTableAndSaysItsKindInTheSummary() {
        var out = ByteBuffer(capacity: 16)
        out.append(outcome: .check(.testFails))
        #expect(String(decoding: out.storage[..<out.count], as: UTF8.self) == "check")
        #expect(CallOutcome.check(.testFails).text == "check: test does not hold")
    }

    @Test(
        arguments: [
            (.ok, "ok"), (.status(486), "486"), (.timeout, "timeout"), (.unexpected, "unexpected"),
            (.refused, "refused"), (.unsent, "unsent"), (.interrupted, "interrupted"),
        ] as [(CallOutcome, String)])
    func outcomesAreSpelledAsTheContractHasThem(outcome: CallOutcome, spelling: String) {
        var call = CallRecord(number: 1, callID: CallIDText("x"), due: .zero)
        call.outcome = outcome
        #expect(Self.rttRow(call).hasSuffix(",app,\(spelling)\n"))
        #expect(outcome.text == spelling)
    }

    @Test func aCallIDWithACommaIsQuoted() {
        let call = CallRecord(number: 1, callID: CallIDText("a,\"b\""), due: .zero)
        #expect(Self.rttRow(call).hasPrefix("1,\"a,\"\"b\"\"\",0.000000000,"))
    }

    @Test func aNegativeLengthKeepsItsSign() {
        var call = CallRecord(number: 1, callID: CallIDText("x"), due: .microseconds(2))
        call.sent = Nanoseconds(1500)
        #expect(Self.rttRow(call).hasPrefix("1,x,0.000002000,0.000001500,-0.500,"))
    }

    @Test func aSecondOfTheRun() throws {
        var recorder = LatencyRecorder()
        var journal = Journal()
        journal.calls = [call(1, rtt: .milliseconds(2)), call(2, rtt: .milliseconds(4))]
        var counters = Counters()
        counters.offered = 4
        counters.started = 3
        counters.answered = 2
        counters.ok = 2
        counters.unsent = 1
        counters.datagramsSent = 9
        counters.datagramsReceived = 8
        counters.receiveQueueDrops = 1
        journal.mark = IntervalMark(at: .seconds(1), counters: counters, open: 1, cpu: .milliseconds(123))
        let recorded = recorder.record(journal)
        let row = try #require(recorded).row
        let line = text { CSV.appendIntervalsRow(row, to: &$0) }
        #expect(
            line
                == "1.000000000,1.000000000,4,3,2,2,0,1,1,2,2000.000,3000.000,2000.895,,,4000.000,"
                + "2020.351,,4020.000,20.000,,20.000,0,0,0,0,0,9,8,1,0,0,0,12.3\n")
        #expect(Self.columns(line) == Self.columns(text { CSV.appendIntervalsHeader(to: &$0) }))
    }

    @Test func aSecondWithoutCallsIsEmptyWhereNothingIsKnown() throws {
        var recorder = LatencyRecorder()
        var journal = Journal()
        journal.mark = IntervalMark(at: .zero, counters: Counters(), open: 0, cpu: .zero)
        let recorded = recorder.record(journal)
        let row = try #require(recorded).row
        let line = text { CSV.appendIntervalsRow(row, to: &$0) }
        #expect(
            line == "0.000000000,0.000000000,0,0,0,0,0,0,0,0,,,,,,,,,,,,,0,0,0,0,0,0,0,0,0,0,0,\n")
    }

    @Test func retransmissionsNameTheMessageAndTheTimer() {
        var record = RetransmissionRecord(
            call: 12, callID: CallIDText("12@x"), method: .invite, status: 0, nth: 1, due: .milliseconds(1500),
            sent: Nanoseconds(1_500_021_000), timer: .a)
        #expect(
            text { CSV.appendRetransmissionsRow(record, to: &$0) }
                == "12,12@x,INVITE,1,1.500000000,1.500021000,21.000,A\n")
        record.status = 200
        record.timer = .twoHundred
        #expect(
            text { CSV.appendRetransmissionsRow(record, to: &$0) }
                == "12,12@x,200 INVITE,1,1.500000000,1.500021000,21.000,2xx\n")
        #expect(
            text { CSV.appendRetransmissionsHeader(to: &$0) } == "call,call_id,message,nth,due_s,sent_s,late_us,timer\n"
        )
    }

    @Test func aLevelOfASweep() {
        let line = text { CSV.appendSweepRow(summary(of: mixedCalls()), to: &$0) }
        #expect(
            line
                == "400,404,403,400,3,1,1,16,1000.000,20950.000,11561.430,20905.983,36929.535,40501.247,,"
                + "40900.000,20.000,SUSPECT\n")
        #expect(text { CSV.appendSweepRow(summary(of: []), to: &$0) } == "400,0,0,0,0,0,0,0,,,,,,,,,,INVALID\n")
    }
}

@Suite struct SplitTests {
    /// 100 calls of 2 ms, kept waiting by us 1 to 100 us here and there.
    private static var stamped: [CallRecord] {
        (1...100).map { n in
            var row = call(UInt64(n))
            row.clock = .kernel
            row.split = CallSplit(
                egress: .microseconds(Int64(n)), reaction: .microseconds(2 * Int64(n)), ingress: .microseconds(7),
                matching: .microseconds(3))
            return row
        }
    }

    @Test func aRowForEachPart() {
        let summary = summary(of: Self.stamped)
        #expect(
            text { CSV.appendSplit(summary.split, to: &$0) } == """
                part,n,min_us,mean_us,sd_us,p50_us,p90_us,p95_us,p99_us,p999_us,max_us
                scheduling,100,20.000,20.000,0.000,20.000,20.000,20.000,20.000,,20.000
                egress,100,1.000,50.500,29.011,50.015,90.047,95.039,99.007,,100.000
                network_and_server,100,2000.000,2000.000,0.000,2000.000,2000.000,2000.000,2000.000,,2000.000
                reaction,100,2.000,101.000,58.023,100.031,180.095,190.079,198.015,,200.000
                ingress,100,7.000,7.000,0.000,7.000,7.000,7.000,7.000,,7.000
                matching,100,3.000,3.000,0.000,3.000,3.000,3.000,3.000,,3.000

                """)
    }

    @Test func theSummaryShowsItWhereTheKernelStamped() {
        let lines = text { SummaryText.append(summary(of: Self.stamped), to: &$0) }.split(separator: "\n")
        let start = lines.firstIndex { $0.hasPrefix("Split, ms ") } ?? lines.endIndex
        #expect(
            lines[start...].dropFirst().prefix(6).map { $0.split(separator: " ")[0] } == [
                "scheduling", "egress", "network+server", "reaction", "ingress", "matching",
            ])
        let unstamped = text { SummaryText.append(summary(of: [call(1)]), to: &$0) }
        #expect(!unstamped.contains("Split, ms"))
    }

    @Test func onlyStampedCallsCount() {
        let summary = summary(of: Self.stamped + [call(101, rtt: .seconds(3))])
        #expect(summary.split.network.count == 100)
        #expect(summary.split.network.max == .milliseconds(2))
        #expect(summary.notes.contains("1 of 101 calls lack a kernel timestamp (clock app in rtt.csv)."))
    }
}
