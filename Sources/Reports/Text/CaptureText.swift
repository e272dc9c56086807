import Datagrams
import Latency

/// What a capture held, beside its calls.
package struct CaptureReport: Sendable {
    package struct Method: Sendable {
        package var name: String
        package var transactions: UInt64 = 0
        package var unanswered: UInt64 = 0
        /// Requests sent again, and transactions with any.
        package var copies: UInt64 = 0
        package var resent: UInt64 = 0
        /// From the request first sent to its final response.
        package var times = LatencyHistogram()

        package init(name: String) { self.name = name }
    }

    /// The calls one host places to another.
    package struct Direction: Sendable {
        package var name: String
        package var calls: UInt64
        package var sessions: SessionMetrics
        package var srd: LatencyFigures
        package var sdd: LatencyFigures
        package var sdt: LatencyFigures

        package init(name: String, calls: UInt64, _ recorder: borrowing LatencyRecorder) {
            self.name = name
            self.calls = calls
            sessions = recorder.sessions
            srd = recorder.srd.figures
            sdd = recorder.sdd.figures
            sdt = recorder.sdt.figures
        }
    }

    /// Counts with their names; those of nothing are not printed.
    package var contents: [(name: String, count: UInt64)] = []
    package var methods: [Method] = []
    package var directions: [Direction] = []
    /// Registration Request Delay and Ineffective Registration Attempts (RFC 6076, 4.1, 4.2).
    package var rrd = LatencyHistogram()
    package var ira = Ratio()

    package init() {}
}

package enum CaptureText {
    package static func append(_ report: CaptureReport, to buffer: inout ByteBuffer) {
        for line in lines(report) {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    static func lines(_ report: CaptureReport) -> [String] {
        let sections = [contents(report), methods(report), directions(report)]
        return sections.filter { !$0.isEmpty }.flatMap { [""] + $0 }
    }

    private static func contents(_ report: CaptureReport) -> [String] {
        let seen = report.contents.filter { $0.count > 0 }.map { "\($0.name) \($0.count)" }
        return SummaryText.block("Frames", seen)
    }

    private static func methods(_ report: CaptureReport) -> [String] {
        if report.methods.isEmpty { return [] }
        var lines = [LatencyTable.header("To final, ms")]
        for method in report.methods {
            lines.append(LatencyTable.row(method.name, method.times.figures))
            let remarks = [
                (method.unanswered, "without a final response"), (method.copies, "sent again"),
            ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            if !remarks.isEmpty { lines.append("  " + remarks.joined(separator: ", ")) }
        }
        if report.ira.denominator > 0 {
            lines.append(LatencyTable.row("RRD", report.rrd.figures))
            lines.append("  " + ratio("IRA", report.ira))
        }
        return lines
    }

    private static func directions(_ report: CaptureReport) -> [String] {
        // Of one direction the summary has said it all.
        if report.directions.count < 2 { return [] }
        var lines: [String] = [LatencyTable.header("RFC 6076, ms")]
        for direction in report.directions {
            lines.append("\(direction.name): \(direction.calls) \(direction.calls == 1 ? "call" : "calls")")
            lines.append(LatencyTable.row("  SRD", direction.srd))
            lines.append(LatencyTable.row("  SDD", direction.sdd))
            lines.append(LatencyTable.row("  SDT", direction.sdt))
            let sessions = direction.sessions
            lines.append("  " + ratio("SER", sessions.ser) + "   " + ratio("SEER", sessions.seer))
            lines.append("  " + ratio("ISA", sessions.isa) + "   " + ratio("SCR", sessions.scr))
        }
        return lines
    }

    private static func ratio(_ name: String, _ ratio: Ratio) -> String {
        let percent = ratio.percent.map { DecimalText.fixed($0, decimals: 2) + " %" } ?? "n/a"
        return "\(name) \(percent) = \(ratio.numerator) / \(ratio.denominator)"
    }
}
