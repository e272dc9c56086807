import Datagrams
import Latency

/// Response times of the last second beside those of the whole run.
///
///     label 15 | last second 4 x 7 | 2 | whole run 5 x 7          80 columns
enum TimesTable {
    private static let labelWidth = 15
    private static let columnWidth = 7

    static func lines(_ state: LiveState) -> [ScreenLine] {
        let (second, run) = (state.second, state.summary)
        let method = state.level.firstRequest
        return [
            titles(), header(),
            row("RTT from sent", second?.rtt ?? LatencyFigures(), run?.rtt),
            row("RTT from due", second?.rttFromDue ?? LatencyFigures(), run?.rttFromDue),
            row("\(method) to 1xx", nil, run?.ringing), row("  to answer", nil, run?.answer),
            row("BYE to answer", nil, run?.bye), row("sent late", second?.late ?? LatencyFigures(), run?.late),
        ]
    }

    private static func titles() -> ScreenLine {
        var line = ScreenLine()
        line.pad(to: labelWidth)
        line.add("last second".right(4 * columnWidth), .faint)
        line.add("  ")
        line.add("whole run".right(5 * columnWidth), .faint)
        return line
    }

    private static func header() -> ScreenLine {
        var line = ScreenLine("times, ms".left(labelWidth), .faint)
        line.add(["p50", "p90", "p99", "max"].map { $0.right(columnWidth) }.joined(), .faint)
        line.add("  ")
        line.add(["p50", "p90", "p99", "p99.9", "max"].map { $0.right(columnWidth) }.joined(), .faint)
        return line
    }

    /// - Parameter second: nil: not kept by the second, and left blank.
    private static func row(_ label: String, _ second: LatencyFigures?, _ run: LatencyFigures?) -> ScreenLine {
        let name = label.screenColumns > labelWidth ? label.cutOnScreen(to: labelWidth, marked: true) : label
        var line = ScreenLine(name.left(labelWidth), .faint)
        if let second {
            line.add([second.p50, second.p90, second.p99, second.max].map(cell).joined())
        } else {
            line.add(String(repeating: " ", count: 4 * columnWidth))
        }
        line.add("  ")
        let run = run ?? LatencyFigures()
        line.add([run.p50, run.p90, run.p99, run.p999, run.max].map(cell).joined())
        return line
    }

    private static func cell(_ length: Nanoseconds?) -> String {
        (length.map(milliseconds) ?? "n/a").right(columnWidth)
    }

    /// At most six columns; from 1,000 s on in seconds.
    static func milliseconds(_ length: Nanoseconds) -> String {
        if length.rawValue < 999_999_500_000 { return DecimalText.milliseconds(length) }
        return DecimalText.fixed(length, unit: 1_000_000_000, decimals: 0) + "s"
    }
}
