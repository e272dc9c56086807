/// The verdict on a breakdown: one sentence, what to be careful about, and what can be done, taken from `AdviceRule.table`.
package struct Advice: Sendable, Equatable {
    package struct Step: Sendable, Equatable {
        /// Of the rule.
        package var name: String
        package var text: String
        package var command: String?
    }

    /// `83 % of the swing is socket wait; 71 % of that is the server thread busy with earlier requests; arrivals come in
    /// bursts of 8`: without a full stop.
    package var verdict: String
    /// Whole sentences.
    package var cautions: [String]
    /// Most important first.
    package var steps: [Step]

    package init(_ breakdown: Breakdown) { self.init(AdviceFigures(breakdown)) }

    package init(_ figures: AdviceFigures) {
        let holding = AdviceRule.table.filter { $0.holds(figures) }
        verdict = Self.verdict(holding, figures)
        cautions = holding.filter { $0.place == .caution }.compactMap { rule in
            rule.clause.map { Self.sentence($0(figures)) }
        }
        let ordered = holding.enumerated().sorted { a, b in
            (a.element.place.rawValue, -Self.weight(a.element, figures), a.offset)
                < (b.element.place.rawValue, -Self.weight(b.element, figures), b.offset)
        }
        steps = ordered.map { rule in
            Step(
                name: rule.element.name, text: rule.element.advice(figures),
                command: rule.element.command.map { $0(figures) })
        }
    }

    private static func verdict(_ holding: [AdviceRule], _ figures: AdviceFigures) -> String {
        var clauses = holding.filter { $0.place == .lead }.compactMap { $0.clause?(figures) }
        if figures.joined > 0, let block = blockClause(figures) { clauses.append(block) }
        let cause = holding.filter { $0.place == .cause }.max { $0.measure(figures) < $1.measure(figures) }
        // "Of that" is the socket wait, so the block named before must be it.
        let isWait = figures.largest?.to == .applicationReceive && figures.largest?.from == .socketEnqueue
        if isWait, let clause = cause?.clause { clauses.append(clause(figures)) }
        if figures.joined > 0 {
            clauses += holding.filter { $0.place == .beside }.compactMap { $0.clause?(figures) }
        }
        return clauses.joined(separator: "; ")
    }

    private static func blockClause(_ figures: AdviceFigures) -> String? {
        guard let block = figures.largest else { return nil }
        let share = AdviceRule.percent(figures.largestShare)
        return figures.largestShare >= leastOutstanding
            ? "\(share) of the \(figures.whole) is \(block.name)"
            : "no block stands out: the largest, \(block.name), is \(share) of the \(figures.whole)"
    }

    /// Only causes compare with each other; elsewhere the table's order is the order.
    private static func weight(_ rule: AdviceRule, _ figures: AdviceFigures) -> Double {
        rule.place == .cause ? rule.measure(figures) : 0
    }

    private static func sentence(_ clause: String) -> String {
        clause.isEmpty ? clause : clause.prefix(1).uppercased() + clause.dropFirst() + "."
    }

    /// Below it a block is one of several.
    private static let leastOutstanding = 0.3
}
