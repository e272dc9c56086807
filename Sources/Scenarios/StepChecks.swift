/// What can only be said once all steps are known.
extension ScenarioReader {
    mutating func checkSteps(_ root: ScenarioXML.Element) {
        checkRole(root)
        checkLabels()
        checkOptionalReceives()
        checkTimewait()
        checkResponseTimes()
        checkRouteSet()
        if scenario.steps.count > Program.instructionLimit {
            findings.error(
                "a scenario has at most \(Program.instructionLimit) steps",
                at: scenario.steps[Program.instructionLimit].place)
        }
    }

    /// The first step that is not a pause or a nop decides.
    private mutating func checkRole(_ root: ScenarioXML.Element) {
        for step in scenario.steps {
            switch step.kind {
            case .send:
                scenario.role = .client
                return
            case .receive:
                scenario.role = .server
                return
            case .pause, .timewait, .nop, .label: break
            }
        }
        if !findings.hasErrors {
            findings.error("the scenario neither sends nor receives anything", at: root.place)
        }
    }

    private mutating func checkLabels() {
        var labels: [String: Int] = [:]
        for step in scenario.steps {
            guard case .label(let id) = step.kind else { continue }
            if let first = labels[id] {
                let line = findings.source.position(of: first).line
                findings.error("the label \(id.quoted) stands already at line \(line)", at: step.place)
            } else {
                labels[id] = step.place
            }
        }
        for index in scenario.steps.indices {
            if let next = scenario.steps[index].next, labels[next.value] == nil {
                let near = Suggestion.ending(for: next.value, among: labels.keys.sorted())
                findings.error("there is no label \(next.value.quoted) to go to\(near)", at: next.place)
            }
            if let onTimeout = scenario.steps[index].onTimeout, labels[onTimeout.value] == nil {
                let near = Suggestion.ending(for: onTimeout.value, among: labels.keys.sorted())
                findings.warning(
                    "there is no label \(onTimeout.value.quoted): a timeout here fails the call\(near)",
                    at: onTimeout.place)
                scenario.steps[index].onTimeout = nil
            }
        }
    }

    /// Nothing would ever decide that the optional message does not come.
    private mutating func checkOptionalReceives() {
        for (step, following) in zip(scenario.steps, scenario.steps.dropFirst()) {
            guard case .receive(let receive) = step.kind, receive.presence != .mandatory else { continue }
            switch following.kind {
            case .receive, .label: break
            case .send, .pause, .timewait, .nop:
                findings.error("an optional `recv` must be followed by another `recv`", at: step.place)
            }
        }
    }

    private mutating func checkTimewait() {
        let lastStep = scenario.steps.lastIndex { if case .label = $0.kind { false } else { true } }
        for (index, step) in scenario.steps.enumerated() {
            guard case .timewait = step.kind else { continue }
            if index != lastStep { findings.error("`timewait` must be the last step", at: step.place) }
            if let jump = step.next ?? step.onTimeout {
                findings.error("`timewait` ends the call and cannot go to a label", at: jump.place)
            }
        }
    }

    private mutating func checkResponseTimes() {
        let stopped = Set(scenario.steps.compactMap { $0.stopsResponseTime?.value })
        var names = stopped
        for step in scenario.steps {
            guard let start = step.startsResponseTime else { continue }
            if !stopped.contains(start.value), names.insert(start.value).inserted {
                let near = Suggestion.ending(for: start.value, among: stopped.sorted())
                findings.warning(
                    "the response time \(start.value.quoted) is started and never stopped\(near)", at: start.place)
            }
        }
        if names.count > Program.responseTimeLimit, let first = scenario.steps.first {
            findings.error(
                "a scenario has at most \(Program.responseTimeLimit) response times, not \(names.count)",
                at: first.place)
        }
    }

    /// SIPp then leaves `[routes]` empty without a word.
    private mutating func checkRouteSet() {
        let records = scenario.steps.contains {
            if case .receive(let receive) = $0.kind { receive.recordsRouteSet } else { false }
        }
        if records { return }
        for step in scenario.steps {
            guard case .send(let send) = step.kind else { continue }
            for piece in send.text.pieces {
                guard case .keyword(let use) = piece, use.keyword == .named(.routes) || use.keyword == .named(.nextURL)
                else { continue }
                findings.warning(
                    "`[\(use.name)]` needs a `recv` with rrs=\"true\" before it: nothing has recorded the route",
                    at: use.place)
            }
        }
    }
}
