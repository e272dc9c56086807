import Datagrams

/// What can only be said once all steps are known.
extension ScenarioReader {
    mutating func checkSteps(_ root: ScenarioXML.Element) {
        checkRole(root)
        scenario.initialSteps = checkingLabels(scenario.initialSteps)
        scenario.steps = checkingLabels(scenario.steps)
        checkCircles()
        checkTransactions()
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

    private mutating func checkingLabels(_ given: [Scenario.Step]) -> [Scenario.Step] {
        var steps = given
        var labels: [String: Int] = [:]
        for step in steps {
            guard case .label(let id) = step.kind else { continue }
            if let first = labels[id] {
                let line = findings.source.position(of: first).line
                findings.error("the label \(id.quoted) stands already at line \(line)", at: step.place)
            } else {
                labels[id] = step.place
            }
        }
        for index in steps.indices {
            if let next = steps[index].next, labels[next.value] == nil {
                let near = Suggestion.ending(for: next.value, among: labels.keys.sorted())
                findings.error("there is no label \(next.value.quoted) to go to\(near)", at: next.place)
            }
            if let onTimeout = steps[index].onTimeout, labels[onTimeout.value] == nil {
                let near = Suggestion.ending(for: onTimeout.value, among: labels.keys.sorted())
                findings.warning(
                    "there is no label \(onTimeout.value.quoted): a timeout here fails the call\(near)",
                    at: onTimeout.place)
                steps[index].onTimeout = nil
            }
        }
        return steps
    }

    /// Steps that lead back to themselves with nothing between them that waits or may lead elsewhere.
    private mutating func checkCircles() {
        let steps = scenario.steps
        var labels: [String: Int] = [:]
        for (index, step) in steps.enumerated() {
            if case .label(let id) = step.kind { labels[id] = index }
        }
        var settled = [Bool](repeating: false, count: steps.count)
        for start in steps.indices where !settled[start] {
            var path: Set<Int> = []
            var at = start
            while at < steps.count, !settled[at], goesOnAtOnce(steps[at]) {
                if !path.insert(at).inserted {
                    let place =
                        steps[at].next?.place ?? path.compactMap { steps[$0].next?.place }.max() ?? steps[at].place
                    findings.error("from here the scenario goes round for ever without waiting for anything", at: place)
                    break
                }
                at = steps[at].next.flatMap { labels[$0.value] } ?? at + 1
            }
            for index in path { settled[index] = true }
        }
    }

    /// Neither waits nor decides.
    private func goesOnAtOnce(_ step: Scenario.Step) -> Bool {
        if step.test != nil || step.chance < 1 { return false }
        let mayEndIt = step.actions.contains {
            switch $0 {
            case .interrupt, .jump, .note(.error, _): true
            case .match, .note, .compute, .assignText, .toNumber, .rewrite, .test, .compareText, .timeOfDay, .stepIndex,
                .restorePause, .sample, .lookup, .insertLine, .replaceLine, .verifyCredentials, .command, .media:
                false
            }
        }
        if mayEndIt { return false }
        switch step.kind {
        case .label, .nop, .send: return true
        case .pause(let pause): return pause.length == .fixed(.zero)
        case .receive, .timewait: return false
        }
    }

    /// What a named transaction must have: a request, a response, and an ACK if and only if it is an INVITE.
    private mutating func checkTransactions() {
        for (index, name) in scenario.transactions.enumerated() {
            let n = UInt16(index)
            let start = scenario.steps.first { $0.startsTransaction == n }
            let response = scenario.steps.first { $0.respondsTo == n }
            let acknowledgement = scenario.steps.first { $0.acknowledges == n }
            guard let start else {
                if let place = (response ?? acknowledgement)?.place {
                    let started = scenario.steps.compactMap { $0.startsTransaction }.map {
                        scenario.transactions[Int($0)]
                    }
                    findings.error(
                        "no send has start_txn=\(name.quoted)" + Suggestion.ending(for: name, among: started), at: place
                    )
                }
                continue
            }
            if response == nil {
                findings.error("no recv has response_txn=\(name.quoted): nothing answers this", at: start.place)
            }
            guard case .send(let send) = start.kind else { continue }
            if send.kind == .request(method: "INVITE") {
                if acknowledgement == nil {
                    findings.error("no send has ack_txn=\(name.quoted): this INVITE needs its ACK", at: start.place)
                }
            } else if let acknowledgement {
                findings.error(
                    "`ack_txn` belongs to an INVITE, and \(name.quoted) is none", at: acknowledgement.place)
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
