import Datagrams
import Latency

/// What `analyze --check-timers` says: one line a rule, and of a broken rule the worst case.
package struct TimerRulesReport: Sendable {
    package struct Rule: Sendable {
        package var text: String
        package var checked: UInt64
        package var violated: UInt64
        /// The worst case as a sentence.
        package var example: String?

        package init(text: String, checked: UInt64, violated: UInt64, example: String?) {
            self.text = text
            self.checked = checked
            self.violated = violated
            self.example = example
        }
    }

    package struct Group: Sendable {
        package var title: String
        package var rules: [Rule]

        package init(title: String, rules: [Rule]) {
            self.title = title
            self.rules = rules
        }
    }

    /// What was assumed: T1, T2, the tolerance.
    package var settings: String
    package var groups: [Group]

    package init(settings: String, groups: [Group]) {
        self.settings = settings
        self.groups = groups
    }

    package var isViolated: Bool { groups.contains { $0.rules.contains { $0.violated > 0 } } }
}

extension TimerRulesReport {
    package func append(to buffer: inout ByteBuffer) {
        for line in lines {
            buffer.append(text: line)
            buffer.append("\n")
        }
    }

    var lines: [String] {
        let all = groups.flatMap(\.rules)
        let checked = all.filter { $0.checked > 0 }.count
        let violated = all.filter { $0.violated > 0 }.count
        let verdict =
            checked == 0
            ? "nothing to check"
            : violated == 0 ? "all \(checked) rules kept" : "\(violated) of \(checked) rules VIOLATED"
        var lines = ["", "RFC 3261 timers: \(verdict)  (\(settings))"]
        for group in groups {
            guard group.rules.contains(where: { $0.checked > 0 }) else { continue }
            lines.append("  " + group.title)
            for rule in group.rules {
                lines.append("    " + rule.text.padded(to: 46) + Self.verdict(rule))
                if let example = rule.example { lines += wrapped(example, first: "      worst: ", rest: "        ") }
            }
        }
        return lines
    }

    private static func verdict(_ rule: Rule) -> String {
        if rule.checked == 0 { return "not seen" }
        if rule.violated == 0 { return "ok (\(rule.checked))" }
        return "VIOLATED \(rule.violated) of \(rule.checked)"
    }
}
