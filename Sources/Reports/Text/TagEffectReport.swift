import Datagrams
import Latency

/// Calls with and without the call tag side by side: a section of `summary.txt`, a member of `summary.json`.
enum TagEffectReport {
    private static let labelWidth = 6
    private static let columnWidth = 22
    private static let differenceWidth = 30

    static func lines(_ effect: TagEffect) -> [String] {
        var lines = [
            row("Tag", "tagged, ms", "untagged, ms", "difference, us"),
            count("calls", effect, \.calls), count("ok", effect, \.ok), count("failed", effect, \.failed),
            count("resent", effect, \.retransmissions),
            time("mean", effect, \.mean), time("p50", effect, \.p50), time("p99", effect, \.p99),
        ]
        for sentence in effect.sentences { lines += wrapped(sentence, first: "  ", rest: "  ") }
        lines += wrapped(
            "In brackets 95 % intervals (a bootstrap over blocks of neighbouring calls): by chance one in 20 misses.",
            first: "  ", rest: "  ")
        return lines
    }

    private static func row(_ label: String, _ tagged: String, _ untagged: String, _ difference: String) -> String {
        let line =
            label.padded(to: labelWidth) + tagged.paddedLeft(to: columnWidth) + untagged.paddedLeft(to: columnWidth)
        return difference.isEmpty ? line : line + difference.paddedLeft(to: differenceWidth)
    }

    private static func count(
        _ label: String, _ effect: TagEffect, _ path: KeyPath<TagEffect.Population, UInt64>
    ) -> String {
        row(label, "\(effect.tagged[keyPath: path])", "\(effect.untagged[keyPath: path])", "")
    }

    private static func time(
        _ label: String, _ effect: TagEffect, _ path: KeyPath<TagEffect.Figures, TagEffect.Estimate?>
    ) -> String {
        func text(_ estimate: TagEffect.Estimate?, _ number: (Nanoseconds) -> String) -> String {
            guard let estimate else { return "n/a" }
            guard let interval = estimate.interval else { return number(estimate.value) + " (n/a)" }
            return "\(number(estimate.value)) (\(number(interval.lowerBound))..\(number(interval.upperBound)))"
        }
        return row(
            label, text(effect.tagged.rtt[keyPath: path], DecimalText.milliseconds),
            text(effect.untagged.rtt[keyPath: path], DecimalText.milliseconds),
            text(effect.difference[keyPath: path], TagEffect.microseconds))
    }

    // MARK: JSON

    static func json(_ effect: TagEffect) -> JSONValue {
        .object([
            ("tagged", population(effect.tagged)),
            ("untagged", population(effect.untagged)),
            ("difference_us", figures(effect.difference)),
            ("interval_percent", .count(95)),
            ("failure_chance", .number(effect.failureChance, decimals: 6)),
            ("retransmission_chance", .number(effect.retransmissionChance, decimals: 6)),
            ("sentences", .array(effect.sentences.map { .string($0) })),
        ])
    }

    private static func population(_ population: TagEffect.Population) -> JSONValue {
        .object([
            ("calls", .count(population.calls)), ("ok", .count(population.ok)), ("failed", .count(population.failed)),
            ("retransmissions", .count(population.retransmissions)),
            ("calls_with_retransmission", .count(population.callsWithRetransmission)),
            ("rtt_us", figures(population.rtt)),
        ])
    }

    private static func figures(_ figures: TagEffect.Figures) -> JSONValue {
        .object([
            ("mean", estimate(figures.mean)), ("p50", estimate(figures.p50)), ("p99", estimate(figures.p99)),
        ])
    }

    private static func estimate(_ estimate: TagEffect.Estimate?) -> JSONValue {
        guard let estimate else { return .null }
        return .object([
            ("value", .microseconds(estimate.value)), ("from", .microseconds(estimate.interval?.lowerBound)),
            ("to", .microseconds(estimate.interval?.upperBound)),
        ])
    }
}
