import Captures
import Datagrams
import Latency
import LoadRun
import Observations
import Reports

/// A capture's calls through the recorder of live runs, second by second, and into the same files.
struct CaptureRecording {
    private(set) var recorder = LatencyRecorder()
    private(set) var rows: [IntervalRow] = []
    private(set) var points: [PlotPoint] = []
    let calls: [CapturedCall]
    let retransmissions: [CapturedRetransmission]

    /// `start` is what the records' instants count from.
    init(
        _ traffic: SIPTraffic, _ calls: [CapturedCall], _ retransmissions: [CapturedRetransmission],
        start: Nanoseconds
    ) {
        self.calls = calls
        self.retransmissions = retransmissions
        points = calls.compactMap { PlotPoint($0.record) }
        play(traffic, start: start)
    }

    private mutating func play(_ traffic: SIPTraffic, start: Nanoseconds) {
        let ended = calls.map(\.record).sorted { $0.ended < $1.ended }
        let begun = calls.compactMap(\.record.sent)
        let answered = calls.filter { (200..<300).contains($0.record.inviteStatus) }
            .map { $0.record.due + ($0.record.answer ?? .zero) }.sorted()
        let callers = Set(calls.map(\.caller))
        let length = max((traffic.messages.last?.at ?? start) - start, ended.last?.ended ?? .zero)
        var counters = Counters()
        var next = (ended: 0, begun: 0, answered: 0, message: 0, copy: 0)
        var at = Nanoseconds.zero
        while at < length || next.ended < ended.count {
            at = min(at + .seconds(1), max(length, at + Nanoseconds(1)))
            var journal = Journal()
            while next.ended < ended.count, ended[next.ended].ended <= at {
                let record = ended[next.ended]
                journal.calls.append(record)
                if record.outcome == .ok { counters.ok += 1 } else { counters.failed += 1 }
                next.ended += 1
            }
            while next.begun < begun.count, begun[next.begun] <= at { next.begun += 1 }
            while next.answered < answered.count, answered[next.answered] <= at { next.answered += 1 }
            while next.message < traffic.messages.count, traffic.messages[next.message].at - start <= at {
                let message = traffic.messages[next.message]
                // A response goes the other way: the caller is where it arrives.
                if callers.contains(message.isRequest ? message.source : message.destination), message.isRequest {
                    counters.datagramsSent += 1
                } else {
                    counters.datagramsReceived += 1
                }
                next.message += 1
            }
            while next.copy < retransmissions.count, retransmissions[next.copy].record.sent <= at {
                let record = retransmissions[next.copy].record
                journal.retransmissions.append(record)
                if record.status == 0 {
                    counters.requestsRetransmitted += 1
                } else {
                    counters.responsesRetransmitted += 1
                }
                next.copy += 1
            }
            counters.started = UInt64(next.begun)
            counters.offered = counters.started
            counters.answered = UInt64(next.answered)
            journal.mark = IntervalMark(
                at: at, counters: counters, open: UInt64(next.begun - next.ended), cpu: .zero)
            if let row = recorder.record(journal) { rows.append(row) }
        }
    }

    func write(to directory: String) throws(RunFailure) {
        var rtt = try OutputFile(directory + "/rtt.csv")
        CSV.appendRTTHeader(to: &rtt.rows)
        for call in calls {
            CSV.appendRTTRow(call.record, to: &rtt.rows)
            if rtt.isLarge { try rtt.flush() }
        }
        try rtt.flush()
        var copies = try OutputFile(directory + "/retransmissions.csv")
        CSV.appendCapturedRetransmissionsHeader(to: &copies.rows)
        for row in retransmissions {
            CSV.appendCapturedRetransmissionsRow(row, to: &copies.rows)
            if copies.isLarge { try copies.flush() }
        }
        try copies.flush()
        var intervals = try OutputFile(directory + "/intervals.csv")
        CSV.appendIntervalsHeader(to: &intervals.rows)
        for row in rows { CSV.appendIntervalsRow(row, to: &intervals.rows) }
        try intervals.flush()
    }
}
