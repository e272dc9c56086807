import Datagrams
import Latency
import Observations

/// What a page draws of a run's calls, filled as they stream by. Its memory depends on the pictures alone, whatever the
/// number of calls.
package struct CallPictures {
    private var panel: RTTPanel
    private(set) var heat = HeatMap()
    private(set) var rtt = LatencyHistogram()
    private(set) var fromDue = LatencyHistogram()
    private(set) var outcomes: [String: Outcome] = [:]
    private(set) var count: UInt64 = 0
    /// The first failed calls, in the order they ended.
    private(set) var failures: [CallRecord] = []

    package struct Outcome: Sendable {
        var count: UInt64 = 0
        var firstCall: UInt64 = 0
        var first = Nanoseconds.zero
        var last = Nanoseconds.zero
    }

    static let mostFailures = 20
    private static let height = 440.0
    /// A panel has room for titles, which the page has of its own.
    private static let above = 44.0

    /// The extent of the picture over the call number has to be known before: from a summary, or from a pass before.
    package init(calls: UInt64, longest: Nanoseconds, t1: Nanoseconds) {
        panel = RTTPanel(
            frame: .init(x: 0, y: -Self.above, width: TimePlot.width, height: Self.height), calls: calls,
            longest: longest, t1: t1)
    }

    package mutating func insert(_ call: CallRecord) {
        count += 1
        if let point = PlotPoint(call) { panel.insert(point) }
        var outcome = outcomes[call.outcome.text] ?? Outcome(firstCall: call.number, first: call.ended)
        outcome.count += 1
        outcome.last = max(outcome.last, call.ended)
        outcomes[call.outcome.text] = outcome
        switch call.outcome {
        case .ok:
            guard let length = call.rtt else { return }
            rtt.record(length)
            heat.insert(length, at: call.ended)
            if let length = call.rttFromDue { fromDue.record(length) }
        case .status, .timeout, .unexpected, .refused, .check:
            if failures.count < Self.mostFailures { failures.append(call) }
        case .unsent, .interrupted: break
        }
    }

    /// RTT over the call number.
    func overNumber(title: String, limit: Int) -> ByteBuffer {
        var svg = SVGWriter()
        svg.open(
            width: TimePlot.width, height: Self.height - Self.above, title: title,
            description: "A point for each call: its number to the right, its response time upwards.")
        panel.draw(title: "", subtitle: "", limit: limit, to: &svg)
        svg.close()
        return svg.bytes
    }
}
