import Captures
import Datagrams
import Latency
import LoadRun
import Observations
import Reports

/// A capture's calls through the recorder of live runs, second by second, and into the same files.
struct CaptureRecording {
    private(set) var recorder = LatencyRecorder()
    private(set) var seconds: [Interval] = []
    private(set) var points: [PlotPoint] = []
    let calls: [CapturedCall]
    let retransmissions: [CapturedRetransmission]
    private let start: Nanoseconds

    /// `start` is what the records' instants count from.
    init(
        _ traffic: SIPTraffic, _ calls: [CapturedCall], _ retransmissions: [CapturedRetransmission],
        start: Nanoseconds
    ) {
        self.start = start
        self.calls = calls
        self.retransmissions = retransmissions
        points = calls.compactMap { PlotPoint($0.record) }
        var playback = Playback(traffic, calls, retransmissions.map(\.record), start: start)
        while let journal = playback.journal() {
            if let second = recorder.record(journal) { seconds.append(second) }
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
        for second in seconds { CSV.appendIntervalsRow(second.row, to: &intervals.rows) }
        try intervals.flush()
        var histograms = try HistogramLogFile(in: directory)
        let start = WallInstant(nanoseconds: start.rawValue)
        histograms.begin(at: start)
        for second in seconds { histograms.append(second, of: start) }
        try histograms.flush()
    }
}
