import Datagrams

/// When to stop a run early: `rtt.p99>2s for 5s`. The condition is judged of each second by itself.
package struct AbortRule: Sendable, Equatable {
    /// As the user typed it.
    package let text: String
    package let condition: Condition
    /// For how long it has to hold. Nil: the first second is enough.
    package let span: Nanoseconds?

    package init(_ text: String) throws(ThresholdError) {
        var parser = ThresholdParser(text)
        condition = try parser.condition()
        span = try parser.span()
        self.text = text
        guard condition.metric.isKnownEachSecond else {
            throw ThresholdError(
                "\(condition.metric.name) is known only at the end: an abort rule asks for rtt, rtt_from_due, late, "
                    + "ser, seer, isa, scr, calls.failed.ratio, retrans.ratio, rate.achieved, open, drops, cpu.mean or a count"
            )
        }
    }
}

/// Looks at each second of a run, and says when a rule strikes.
///
///     second   1    2    3    4    5    6
///     holds    no   yes  -    yes  yes        for 3s: strikes at the end of 4, for 4s of 5
///
/// A second that holds no value (`-`: no call ended in it) leaves the rule where it was: a server that hangs must not
/// reset it, nor can nothing strike.
package struct AbortWatch: Sendable {
    package struct Strike: Sendable, Equatable {
        package var rule: AbortRule
        /// From the run's start.
        package var at: Nanoseconds
        /// Of the second in which it struck.
        package var value: Measured

        package init(rule: AbortRule, at: Nanoseconds, value: Measured) {
            self.rule = rule
            self.at = at
            self.value = value
        }

        /// What it was told, when it struck, and at which value.
        package var sentence: String {
            "--abort-on \"\(rule.text)\" struck \(DecimalText.fixed(at, unit: 1_000_000_000, decimals: 1)) s into "
                + "the run: \(rule.condition.metric.name) was \(value.text) in the last second."
        }
    }

    private var rules: [(rule: AbortRule, since: Nanoseconds?)]
    package private(set) var strike: Strike?

    package init(_ rules: [AbortRule]) { self.rules = rules.map { ($0, nil) } }

    /// Seconds in order, one by one. A second cut short is not judged: its rates are of a part.
    /// - Returns: the strike, once.
    package mutating func observe(_ row: IntervalRow) -> Strike? {
        guard strike == nil, row.length >= WorkerLoad.shortest else { return nil }
        for i in rules.indices {
            let rule = rules[i].rule
            guard case .value(let value) = rule.condition.metric.value(in: row) else { continue }
            guard rule.condition.holds(value) else {
                rules[i].since = nil
                continue
            }
            let since = rules[i].since ?? row.at - row.length
            rules[i].since = since
            // A second is one to the nearest.
            guard row.at - since + WorkerLoad.shortest > rule.span ?? .zero else { continue }
            let struck = Strike(rule: rule, at: row.at, value: value)
            strike = struck
            return struck
        }
        return nil
    }
}
