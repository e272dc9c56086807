import Comparison
import Datagrams
import Latency

/// `--fail-if 'rtt.p99>+10%'`: the most that may change from the first run to another.
package struct ChangeRule: Sendable, Equatable {
    package enum Limit: Sendable, Equatable {
        /// Of the first run's value: 0.1 is +10 %.
        case relative(Double)
        /// Nanoseconds.
        case length(Double)
        /// Of the calls: 0.005 is half a call in a hundred.
        case share(Double)
    }

    package enum Outcome: Sendable, Equatable { case passed, failed }

    package struct Result: Sendable, Equatable {
        package var rule: ChangeRule
        package var outcome: Outcome
        package var sentence: String
    }

    package struct ParseError: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    package var text: String
    package var metric: ComparedMetric
    /// Above the limit fails; else below.
    package var failsAbove: Bool
    package var limit: Limit

    /// - Throws: one sentence.
    package init(_ text: String) throws(ParseError) {
        self.text = text
        let plain = text.filter { $0 != " " }
        guard let at = plain.firstIndex(where: { $0 == ">" || $0 == "<" }) else {
            throw ParseError(description: "\(text) has no > or <; write it as in rtt.p99>+10%")
        }
        let name = String(plain[..<at])
        guard let metric = ComparedMetric.allCases.first(where: { $0.name == name }) else {
            let names = ComparedMetric.allCases.map(\.name).joined(separator: ", ")
            let found = name.isEmpty ? "nothing stands before \(plain[at])" : "\(name) is no metric"
            throw ParseError(description: "\(text): \(found); compare knows \(names)")
        }
        self.metric = metric
        failsAbove = plain[at] == ">"
        limit = try Self.limit(String(plain[plain.index(after: at)...]), metric, text)
    }

    private static func limit(_ value: String, _ metric: ComparedMetric, _ text: String) throws(ParseError) -> Limit {
        guard value.hasPrefix("+") || value.hasPrefix("-") else {
            throw ParseError(
                description:
                    "\(text): a change begins with + or -, as in +10% or -2ms; --threshold takes a value itself")
        }
        for (unit, limit) in units(metric) where value.hasSuffix(unit) {
            if let number = Double(value.dropLast(unit.count)), number.isFinite { return limit(number) }
        }
        throw ParseError(
            description: metric.isTime
                ? "\(text): \(value) is no change of a time; write +10% or +5ms"
                : "\(text): \(value) is no change of a share; write +0.5%, in calls of a hundred")
    }

    private static func units(_ metric: ComparedMetric) -> [(String, (Double) -> Limit)] {
        guard metric.isTime else { return [("%", { Limit.share($0 / 100) })] }
        return [
            ("%", { Limit.relative($0 / 100) }), ("us", { Limit.length($0 * 1e3) }),
            ("ms", { Limit.length($0 * 1e6) }), ("s", { Limit.length($0 * 1e9) }),
        ]
    }

    /// It fails where the change is beyond the limit and more than chance (its 95 % interval leaves 0 out), and where
    /// that cannot be told: a gate that saw nothing must not say that all is well.
    package func judge(_ comparison: RunComparison) -> Result {
        guard let row = comparison[metric], let a = row.a, let difference = row.difference else {
            return Result(rule: self, outcome: .failed, sentence: "\(text): not known of both runs")
        }
        let change: Double
        switch limit {
        case .relative(let share):
            guard a > 0 else {
                return Result(rule: self, outcome: .failed, sentence: "\(text): of 0 there is no percentage")
            }
            change = difference.value / a - share
        case .length(let length): change = difference.value - length
        case .share(let share): change = difference.value - share
        }
        let isLength = if case .length = limit { true } else { false }
        let measured = isLength ? ComparisonSentences.difference(row) : ComparisonSentences.change(row)
        if row.chance == nil {
            return Result(
                rule: self, outcome: .failed,
                sentence:
                    "\(text): \(measured), of fewer than \(RunComparison.leastCalls) calls: nothing can be told of "
                    + "chance; run longer")
        }
        let isBeyond = failsAbove ? change > 0 : change < 0
        if !isBeyond { return Result(rule: self, outcome: .passed, sentence: "\(text): \(measured)") }
        if !row.isShown {
            let more =
                switch comparison.basis {
                case .blocks, .values: "longer runs"
                case .runs: "more runs"
                }
            return Result(
                rule: self, outcome: .passed,
                sentence: "\(text): \(measured), beyond the limit but no more than chance; \(more) would tell")
        }
        return Result(rule: self, outcome: .failed, sentence: "\(text): \(measured)")
    }
}
