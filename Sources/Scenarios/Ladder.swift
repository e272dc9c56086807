import Datagrams
import SIP

/// A scenario as a ladder: messages to the right and to the left between this side and its peer.
package struct Ladder: Sendable {
    package enum Kind: Sendable, Equatable {
        /// From this side to the peer.
        case sent
        case received(isOptional: Bool)
        /// A pause, a step without a message, a label.
        case note
        case label
    }

    package struct Rung: Sendable {
        package let kind: Kind
        package let text: String
        /// What is said of it beside the ladder: times, jumps, actions.
        package let remark: String
    }

    package let title: String
    package let own: String
    package let peer: String
    package private(set) var rungs: [Rung] = []

    package init(_ scenario: Scenario, name: String) {
        title = scenario.title.isEmpty ? name : scenario.title
        own = scenario.role == .client ? "caller (this scenario)" : "this scenario"
        peer = scenario.role == .client ? "called" : "caller"
        for step in scenario.steps { rungs.append(Self.rung(of: step, in: scenario)) }
    }

    private static func rung(of step: Scenario.Step, in scenario: Scenario) -> Rung {
        let remark = remark(of: step, in: scenario)
        switch step.kind {
        case .send(let send):
            let text =
                switch send.kind {
                case .request(let method): method
                case .response(let status): "\(status) \(StatusCode.reason(status))"
                }
            return Rung(kind: .sent, text: text, remark: remark)
        case .receive(let receive):
            return Rung(kind: .received(isOptional: receive.presence != .mandatory), text: receive.text, remark: remark)
        case .pause(let pause): return Rung(kind: .note, text: text(of: pause, in: scenario), remark: remark)
        case .timewait(let pause):
            return Rung(kind: .note, text: "wait for repeats, " + text(of: pause, in: scenario), remark: remark)
        case .nop: return Rung(kind: .note, text: step.actions.isEmpty ? "no message" : "actions", remark: remark)
        case .label(let id): return Rung(kind: .label, text: "label \(id)", remark: "")
        }
    }

    private static func text(of pause: Instruction.Pause, in scenario: Scenario) -> String {
        switch pause.length {
        case .fixed(let length): "pause \(length.rawValue / 1_000_000) ms"
        case .runDefault: "pause, --hold"
        case .variable(let variable): "pause $\(name(of: variable, in: scenario)) ms"
        case .sampled(let which): "pause \(scenario.distributions[Int(which)].text)"
        }
    }

    private static func name(of variable: Variable, in scenario: Scenario) -> String {
        switch variable.scope {
        case .call: scenario.variables.call[Int(variable.index)]
        case .user: scenario.variables.user[Int(variable.index)]
        case .global: scenario.variables.global[Int(variable.index)]
        }
    }

    private static func remark(of step: Scenario.Step, in scenario: Scenario) -> String {
        var parts: [String] = []
        if case .send(let send) = step.kind, let t1 = send.retransmission {
            parts.append("again from \(t1.rawValue / 1_000_000) ms")
        }
        if case .receive(let receive) = step.kind {
            if receive.presence == .globallyOptional { parts.append("at any time") }
            if receive.presence == .optional { parts.append("optional") }
            if let timeout = receive.timeout { parts.append("within \(timeout.rawValue / 1_000_000) ms") }
            if receive.recordsRouteSet { parts.append("keeps the route") }
        }
        if step.keepsChallenge { parts.append("keeps the challenge") }
        if let condition = step.condition {
            parts.append(
                "only if $\(name(of: condition, in: scenario)) is \(step.conditionIsInverse ? "not set" : "set")")
        }
        if let name = step.startsResponseTime { parts.append("starts \(name.value)") }
        if let name = step.stopsResponseTime { parts.append("stops \(name.value)") }
        if step.loss > 0 { parts.append("\(Int(step.loss * 100)) % lost") }
        for action in step.actions { parts.append(action.name) }
        if let next = step.next {
            var jump = "then to \(next.value)"
            if let test = step.test { jump += " if $\(name(of: test, in: scenario))" }
            if step.chance < 1 { jump += " for \(Int((step.chance * 100).rounded())) %" }
            parts.append(jump)
        }
        if let label = step.onTimeout { parts.append("on timeout to \(label.value)") }
        return parts.joined(separator: ", ").shown(limit: 160)
    }
}

extension Action {
    /// As the file spells it.
    var name: String {
        switch self {
        case .match: "ereg"
        case .note(.log, _): "log"
        case .note(.warning, _): "warning"
        case .note(.error, _): "error"
        case .compute(let kind, _, _): "\(kind)"
        case .assignText: "assignstr"
        case .toNumber: "todouble"
        case .rewrite(.trim, _): "trim"
        case .rewrite(.encodeURL, _): "urlencode"
        case .rewrite(.decodeURL, _): "urldecode"
        case .test: "test"
        case .compareText: "strcmp"
        case .timeOfDay: "gettimeofday"
        case .stepIndex: "index"
        case .jump: "jump"
        case .restorePause: "pauserestore"
        case .sample: "sample"
        case .lookup: "lookup"
        case .insertLine: "insert"
        case .replaceLine: "replace"
        case .verifyCredentials: "verifyauth"
        case .command: "exec command"
        case .interrupt(.stopNow): "stop_now"
        case .interrupt(.stopGracefully): "stop_gracefully"
        case .interrupt(.stopCall): "stop_call"
        case .media: "media (not sent)"
        }
    }
}

// MARK: text

extension Ladder {
    /// One line a step, for a terminal.
    package var text: String {
        let inner = max(30, min(48, (rungs.map { $0.text.count }.max() ?? 0) + 8))
        var lines = [
            "  " + padded(own.shown(limit: 28), to: inner / 2 + 4)
                + String(repeating: " ", count: max(2, inner / 2 - 6)) + peer,
            "     |" + String(repeating: " ", count: inner) + "|",
        ]
        for rung in rungs {
            let remark = rung.remark.isEmpty ? "" : "  " + rung.remark
            lines.append("     |" + middle(rung, width: inner) + "|" + remark)
        }
        lines.append("     |" + String(repeating: " ", count: inner) + "|")
        return lines.joined(separator: "\n")
    }

    private func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func middle(_ rung: Rung, width: Int) -> String {
        let text = rung.text.shown(limit: width - 8)
        switch rung.kind {
        case .sent: return arrow(text, width: width, dash: "-", start: "", end: ">")
        case .received(let isOptional):
            return arrow(text, width: width, dash: isOptional ? "." : "-", start: "<", end: "")
        case .note: return centred("(\(text))", width: width, fill: " ")
        case .label: return centred("[\(text)]", width: width, fill: "=")
        }
    }

    private func arrow(_ text: String, width: Int, dash: Character, start: String, end: String) -> String {
        start + centred(" \(text) ", width: width - start.count - end.count, fill: dash) + end
    }

    private func centred(_ text: String, width: Int, fill: Character) -> String {
        let free = max(0, width - text.count)
        return String(repeating: fill, count: free / 2) + text + String(repeating: fill, count: free - free / 2)
    }
}

// MARK: SVG

extension Ladder {
    private static let rungHeight = 30
    private static let left = 90
    private static let right = 430
    private static let top = 84

    /// The same drawn: a file for a browser or a document.
    package var svg: String {
        let bottom = Self.top + rungs.count * Self.rungHeight + 10
        let longest = rungs.map { $0.remark.count }.max() ?? 0
        let width = Self.right + 60 + longest * 7
        let height = bottom + 24
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
            font-family="sans-serif" font-size="13">
            <rect width="\(width)" height="\(height)" fill="#ffffff"/>
            <text x="20" y="26" font-size="16" font-weight="bold" fill="#1a1a1a">\(Self.escaped(title))</text>
            <text x="\(Self.left)" y="58" text-anchor="middle" fill="#1a1a1a">\(Self.escaped(own))</text>
            <text x="\(Self.right)" y="58" text-anchor="middle" fill="#1a1a1a">\(Self.escaped(peer))</text>
            <line x1="\(Self.left)" y1="66" x2="\(Self.left)" y2="\(bottom)" stroke="#888888" stroke-width="1.5"/>
            <line x1="\(Self.right)" y1="66" x2="\(Self.right)" y2="\(bottom)" stroke="#888888" stroke-width="1.5"/>

            """
        for (index, rung) in rungs.enumerated() {
            out += drawn(rung, y: Self.top + index * Self.rungHeight + 10)
        }
        return out + "</svg>\n"
    }

    private func drawn(_ rung: Rung, y: Int) -> String {
        let middle = (Self.left + Self.right) / 2
        let text = Self.escaped(rung.text.shown(limit: 44))
        var out = ""
        switch rung.kind {
        case .sent:
            out += arrow(from: Self.left, to: Self.right, y: y, colour: "#1f5fbf", isDashed: false)
            out += label(text, x: middle, y: y - 5, colour: "#1f5fbf")
        case .received(let isOptional):
            out += arrow(from: Self.right, to: Self.left, y: y, colour: "#b3541e", isDashed: isOptional)
            out += label(text, x: middle, y: y - 5, colour: "#b3541e")
        case .note:
            out += box(y: y, fill: "#f2f2f2")
            out += label(text, x: middle, y: y + 1, colour: "#444444")
        case .label:
            out += "<line x1=\"\(Self.left)\" y1=\"\(y)\" x2=\"\(Self.right)\" y2=\"\(y)\" stroke=\"#cccccc\"/>\n"
            out += label(text, x: middle, y: y - 4, colour: "#777777")
        }
        if !rung.remark.isEmpty {
            out +=
                "<text x=\"\(Self.right + 16)\" y=\"\(y + 4)\" font-size=\"12\" fill=\"#555555\">\(Self.escaped(rung.remark))</text>\n"
        }
        return out
    }

    private func box(y: Int, fill: String) -> String {
        let width = Self.right - Self.left - 60
        return
            "<rect x=\"\(Self.left + 30)\" y=\"\(y - 14)\" width=\"\(width)\" height=\"21\" rx=\"4\" fill=\"\(fill)\"/>\n"
    }

    private func arrow(from: Int, to: Int, y: Int, colour: String, isDashed: Bool) -> String {
        let back = to > from ? to - 9 : to + 9
        let dash = isDashed ? " stroke-dasharray=\"5 4\"" : ""
        return
            "<line x1=\"\(from)\" y1=\"\(y)\" x2=\"\(back)\" y2=\"\(y)\" stroke=\"\(colour)\" stroke-width=\"1.5\"\(dash)/>\n"
            + "<path d=\"M \(to) \(y) L \(back) \(y - 4) L \(back) \(y + 4) Z\" fill=\"\(colour)\"/>\n"
    }

    private func label(_ text: String, x: Int, y: Int, colour: String) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"middle\" fill=\"\(colour)\">\(text)</text>\n"
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text.shown(limit: 200) {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case _: out.append(character)
            }
        }
        return out
    }
}
