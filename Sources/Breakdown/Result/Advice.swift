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
        steps = []
        let ordered = holding.enumerated().sorted { a, b in
            (a.element.place.rawValue, -Self.weight(a.element, figures), a.offset)
                < (b.element.place.rawValue, -Self.weight(b.element, figures), b.offset)
        }
        for (_, rule) in ordered {
            let step = Step(name: rule.name, text: rule.advice(figures), command: rule.command.map { $0(figures) })
            // The same neighbour may be in the way twice.
            if !steps.contains(where: { $0.text == step.text && $0.command == step.command }) { steps.append(step) }
        }
    }

    private static func verdict(_ holding: [AdviceRule], _ figures: AdviceFigures) -> String {
        var clauses = holding.filter { $0.place == .lead }.compactMap { $0.clause?(figures) }
        if figures.joined == 0 { return clauses.joined(separator: "; ") }
        if let block = blockClause(figures) { clauses.append(block) }
        for (block, _) in figures.outstanding {
            if let clause = causeClause(of: block, holding, figures) { clauses.append(clause) }
        }
        clauses += holding.filter { $0.place == .beside }.compactMap { $0.clause?(figures) }
        return clauses.joined(separator: "; ")
    }

    private static func blockClause(_ figures: AdviceFigures) -> String? {
        guard let largest = figures.largest else { return nil }
        let outstanding = figures.outstanding
        guard let first = outstanding.first else {
            return
                "no block stands out: the largest, \(largest.name), is \(AdviceRule.percent(figures.largestShare)) of "
                + "the \(figures.whole)"
        }
        var clause = "\(AdviceRule.percent(first.share)) of the \(figures.whole) is \(first.block.name)"
        if outstanding.count > 1 {
            clause += ", \(AdviceRule.percent(outstanding[1].share)) is \(outstanding[1].block.name)"
        }
        return clause
    }

    /// `71 % of that is the server thread busy with earlier requests`
    private static func causeClause(
        of block: Breakdown.Block, _ holding: [AdviceRule], _ figures: AdviceFigures
    ) -> String? {
        let place: AdviceRule.Place? =
            switch (block.from, block.to) {
            case (.socketEnqueue, .applicationReceive): .cause
            case (.applicationReceive, .applicationSend): .workCause
            case _: nil
            }
        let rules = holding.filter { $0.place == place }
        guard let rule = rules.max(by: { $0.measure(figures) < $1.measure(figures) }), let clause = rule.clause else {
            return nil
        }
        let whole = figures.outstanding.count == 1 ? "that" : "the \(block.name)"
        return "\(AdviceRule.percent(rule.measure(figures))) of \(whole) is \(clause(figures))"
    }

    /// Only causes compare with each other; elsewhere the table's order is the order.
    private static func weight(_ rule: AdviceRule, _ figures: AdviceFigures) -> Double {
        rule.place == .cause || rule.place == .workCause ? rule.measure(figures) : 0
    }

    private static func sentence(_ clause: String) -> String {
        clause.isEmpty ? clause : clause.prefix(1).uppercased() + clause.dropFirst() + "."
    }
}
