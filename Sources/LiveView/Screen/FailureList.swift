import Datagrams
import Latency

/// The latest calls that did not end well, the newest first.
enum FailureList {
    static func lines(_ state: LiveState, width: Int, height: Int) -> [ScreenLine] {
        var lines = [ScreenLine(title(state), .faint)]
        guard !state.failures.isEmpty else { return lines }
        lines.append(ScreenLine("at s".right(9) + "call".right(9) + "  outcome      what happened", .faint))
        for failure in state.failures.reversed().prefix(max(height - 2, 0)) {
            let at = DecimalText.fixed(max(failure.at, .zero), unit: 1_000_000_000, decimals: 3)
            var line = ScreenLine(at.right(9) + LiveScreen.count(failure.call).right(9) + "  ")
            line.add(failure.outcome.left(12), .bad)
            line.add(" " + failure.sentence)
            lines.append(line)
        }
        return lines
    }

    private static func title(_ state: LiveState) -> String {
        if state.failures.isEmpty { return "no call has failed yet" }
        return "the latest failures; every call is in rtt.csv"
    }
}
