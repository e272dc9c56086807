import Comparison
import Datagrams
import Latency

func decimalText(_ value: Double, _ decimals: Int) -> String {
    value.isFinite ? DecimalText.trimmed(value, decimals: decimals) : "-"
}

/// A difference in words: one sentence for each metric.
struct ComparisonSentences {
    /// What the compared run is called: B, C, ...
    var name: String

    /// Up to here a change is told in per cent, beyond in times.
    private static let leastTimes = 1.5

    func sentence(_ row: RunComparison.Row) -> String {
        let what = Self.subject(row.metric)
        guard let a = row.a, let b = row.b, let difference = row.difference else {
            return "\(what.capitalized): not known of both runs."
        }
        guard row.chance != nil else { return "\(what.capitalized): too few calls to tell chance from a difference." }
        if a == b { return "\(what.capitalized): the same in both." }
        if !row.isShown { return "\(what.capitalized): no difference beyond chance\(among(row)) (\(change(row)))." }
        switch row.metric {
        case .mean, .p50, .p90, .p99, .maximum:
            return "\(name)'s \(what) is " + times(row, "lower", "higher") + values(a, b) + "."
        case .standardDeviation: return "\(name)'s RTT swings " + times(row, "less", "more") + values(a, b) + "."
        case .retransmissions:
            return "In 100 calls \(name) sends \(per100(difference)) requests again" + shares(a, b) + "."
        case .failures: return "In 100 calls \(per100(difference)) of \(name)'s fail" + shares(a, b) + "."
        }
    }

    /// By itself an interval may leave zero out where the chance, raised for all figures, says that it may be nothing.
    private func among(_ row: RunComparison.Row) -> String {
        guard let interval = row.difference?.interval, !interval.contains(0) else { return "" }
        return " where several figures are looked at"
    }

    static func subject(_ metric: ComparedMetric) -> String {
        switch metric {
        case .mean: "mean RTT"
        case .standardDeviation: "swing (SD of the RTT)"
        case .p50: "median RTT"
        case .p90: "90th percentile"
        case .p99: "99th percentile"
        case .maximum: "longest RTT"
        case .retransmissions: "retransmissions"
        case .failures: "failures"
        }
    }

    /// `B -1.2 +- 3.4 %`.
    private func change(_ row: RunComparison.Row) -> String {
        "\(name) " + Self.change(row)
    }

    /// `-12.0 +- 3.1 %`, or for shares `+0.52 +- 0.20 points`.
    static func change(_ row: RunComparison.Row) -> String {
        guard row.metric.isTime else { return difference(row) }
        guard let ratio = row.ratio else { return row.difference == nil ? "n/a" : difference(row) }
        if needed(row) != nil { return difference(row) }
        return signed(100 * (ratio.value - 1), 1) + half(ratio.half.map { 100 * $0 }, 1) + " %"
    }

    /// `-0.886 +- 0.006 ms`, or for shares `+0.52 +- 0.20 points`.
    static func difference(_ row: RunComparison.Row) -> String {
        guard let difference = row.difference else { return "n/a" }
        if row.metric.isTime {
            return signed(difference.value / 1e6, 3) + half(difference.half.map { $0 / 1e6 }, 3) + " ms"
        }
        return signed(100 * difference.value, 2) + half(difference.half.map { 100 * $0 }, 2) + " points"
    }

    /// A difference that is shown and whose quotient tells nothing, because the first value is itself hardly known: it is
    /// told in milliseconds.
    private static func needed(_ row: RunComparison.Row) -> RunComparison.Estimate? {
        guard row.isShown, let ratio = row.ratio, let half = ratio.half, half >= abs(ratio.value - 1) else {
            return nil
        }
        return row.difference
    }

    /// `107.9 +- 45.10`.
    private static func magnitude(_ difference: RunComparison.Estimate) -> String {
        ms(abs(difference.value)) + (difference.half.map { " +- " + ms($0) } ?? "")
    }

    static func signed(_ value: Double, _ decimals: Int) -> String {
        let text = DecimalText.fixed(value, decimals: decimals)
        return text.hasPrefix("-") ? text : "+" + text
    }

    private static func half(_ value: Double?, _ decimals: Int) -> String {
        value.map { " +- " + DecimalText.fixed($0, decimals: decimals) } ?? ""
    }

    /// `3.1 +- 0.4 times less`, `12.0 +- 3.1 % more`.
    private func times(_ row: RunComparison.Row, _ less: String, _ more: String) -> String {
        // Of nothing there is neither a factor nor a percentage.
        guard let ratio = row.ratio, let inverse = row.inverse else {
            return (row.difference?.value ?? 0) < 0 ? less : more
        }
        let isLess = ratio.value < 1
        if let difference = Self.needed(row) { return Self.magnitude(difference) + " ms \(isLess ? less : more)" }
        let factor = isLess ? inverse : ratio
        // An interval that reaches down to 1 tells nothing as a factor.
        if factor.value >= Self.leastTimes, factor.half.map({ factor.value - $0 > 1 }) ?? true {
            let decimals = (factor.half ?? 1) < 0.05 ? 2 : factor.value < 10 ? 1 : 0
            return DecimalText.fixed(factor.value, decimals: decimals) + Self.half(factor.half, decimals)
                + " times \(isLess ? less : more)"
        }
        return DecimalText.fixed(100 * abs(ratio.value - 1), decimals: 1) + Self.half(ratio.half.map { 100 * $0 }, 1)
            + " % \(isLess ? less : more)"
    }

    private func per100(_ difference: RunComparison.Estimate) -> String {
        DecimalText.fixed(100 * abs(difference.value), decimals: 2) + Self.half(difference.half.map { 100 * $0 }, 2)
            + (difference.value < 0 ? " fewer" : " more")
    }

    private func values(_ a: Double, _ b: Double) -> String { " (\(Self.ms(a)) to \(Self.ms(b)) ms)" }

    private func shares(_ a: Double, _ b: Double) -> String {
        " (\(DecimalText.fixed(100 * a, decimals: 2)) to \(DecimalText.fixed(100 * b, decimals: 2)))"
    }

    static func ms(_ nanoseconds: Double) -> String {
        DecimalText.milliseconds(Nanoseconds(Int64(nanoseconds.rounded())))
    }

    static func value(_ metric: ComparedMetric, _ value: Double?) -> String {
        guard let value else { return "n/a" }
        return metric.isTime ? ms(value) : DecimalText.fixed(100 * value, decimals: 2)
    }
}

extension String {
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
