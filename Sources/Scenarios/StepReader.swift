import Datagrams
import SIP

/// One element of the scenario to one step.
extension ScenarioReader {
    mutating func readSend(_ element: ScenarioXML.Element) {
        let retransmission = element["retrans"].flatMap { milliseconds($0) }
        guard let cdata = element.texts.first else {
            let place = element.strayText ?? element.place
            findings.error("the message of `send` must stand between `<![CDATA[` and `]]>`", at: place)
            return
        }
        if element.texts.count > 1 {
            findings.warning("only the first text of a `send` is sent", at: element.texts[1].start)
        }
        guard let text = MessageText(cdata, &findings) else {
            findings.error("there is no message between `<![CDATA[` and `]]>`", at: cdata.start)
            return
        }
        note(text)
        guard let kind = sendKind(text) else { return }
        let isAcknowledgement = kind == .request(method: "ACK")
        if isAcknowledgement, let retrans = element["retrans"] {
            findings.warning(
                "`retrans` is ignored: an ACK is sent again only when the response is repeated (RFC 3261, 17.1.1.3)",
                at: retrans.place)
        }
        appendStep(
            .send(Scenario.Send(kind: kind, text: text, retransmission: isAcknowledgement ? nil : retransmission)),
            element)
    }

    /// What the first words say: they must be in the file, since the transaction depends on them.
    private mutating func sendKind(_ text: MessageText) -> Scenario.Send.Kind? {
        guard case .literal(let bytes) = text.pieces.first else {
            let expected = "a message begins with a method or with SIP/2.0 and a status, not with a keyword"
            if !text.pieces.isEmpty { findings.error(expected, at: text.place) }
            return nil
        }
        let words = bytes.split(maxSplits: 2, omittingEmptySubsequences: false) { $0.isBlankOrLineEnd }
        let first = String(decoding: words[0], as: UTF8.self)
        if first == "SIP/2.0" {
            let second = words.count > 1 ? String(decoding: words[1], as: UTF8.self) : ""
            guard let status = Self.status(second) else {
                findings.error(
                    "SIP/2.0 is followed by a status from 100 to 699, not \(second.quoted)", at: text.place)
                return nil
            }
            return .response(status: status)
        }
        guard words.count > 1, !first.isEmpty, words[0].allSatisfy(\.isToken) else {
            findings.error(
                "a message begins with a method and a blank, or with SIP/2.0 and a status, not \(first.quoted)",
                at: text.place)
            return nil
        }
        if Method(name: first) == .other, let near = Suggestion.nearest(to: first, among: Method.names) {
            findings.warning("\(first) is sent as it stands; did you mean \(near)?", at: text.place)
        }
        return .request(method: first)
    }

    mutating func readReceive(_ element: ScenarioXML.Element) {
        let presence = element["optional"].map { self.presence($0) } ?? .mandatory
        let timeout = element["timeout"].flatMap { milliseconds($0) }
        let recordsRouteSet = element["rrs"].map { flag($0) } ?? false
        guard let match = match(element) else { return }
        appendStep(
            .receive(
                Scenario.Receive(
                    match: match, presence: presence,
                    // SIPp: 0 is no timeout.
                    timeout: timeout == .zero ? nil : timeout, recordsRouteSet: recordsRouteSet,
                    text: (element["response"] ?? element["request"])?.value.string ?? "")), element)
    }

    private mutating func match(_ element: ScenarioXML.Element) -> Instruction.Receive.Match? {
        let isPattern = element["regexp_match"].map { flag($0) } ?? false
        switch (element["response"], element["request"]) {
        case (nil, nil):
            findings.error("`recv` needs `response` or `request`: what does it wait for?", at: element.place)
            return nil
        case (.some, .some(let request)):
            findings.error("`recv` waits for a `response` or for a `request`, not for both", at: request.place)
            return nil
        case (.some(let response), nil):
            if isPattern { return pattern(response.value).map { .statusPattern($0) } }
            let text = response.value.string
            guard let status = Self.status(text) else {
                findings.error(
                    "`response` is a status from 100 to 699, not \(text.quoted)", at: response.value.start)
                return nil
            }
            return .status(status)
        case (nil, .some(let request)):
            return isPattern ? pattern(request.value).map { .methodPattern($0) } : requestMatch(request)
        }
    }

    private mutating func requestMatch(_ request: ScenarioXML.Attribute) -> Instruction.Receive.Match? {
        let name = request.value.string
        guard !name.isEmpty, request.value.bytes.allSatisfy(\.isToken) else {
            findings.error("`request` is a method, not \(name.quoted)", at: request.value.start)
            return nil
        }
        let method = Method(name: name)
        if method != .other { return .method(method) }
        if let near = Suggestion.nearest(to: name, among: Method.names) {
            findings.warning("\(name) is awaited as it stands; did you mean \(near)?", at: request.value.start)
        }
        return .otherMethod(keepHeader(request.value.bytes))
    }

    mutating func readPause(_ element: ScenarioXML.Element) -> Instruction.Pause {
        let given = ["milliseconds", "variable", "distribution"].compactMap { element[$0] }
        if given.count > 1 {
            findings.error(
                "`\(element.name)` takes milliseconds, a variable or a distribution, not two of them",
                at: given[1].place)
        }
        guard let attribute = given.first else { return Instruction.Pause(length: .runDefault) }
        switch attribute.name {
        case "variable":
            guard let variable = variable(named: attribute.value) else { break }
            return Instruction.Pause(length: .variable(variable))
        case "distribution":
            guard let distribution = readDistribution(element) else { break }
            scenario.distributions.append(distribution)
            return Instruction.Pause(length: .sampled(UInt16(clamping: scenario.distributions.count - 1)))
        case _:
            return fixedPause(attribute)
        }
        return Instruction.Pause(length: .fixed(.zero))
    }

    private mutating func fixedPause(_ attribute: ScenarioXML.Attribute) -> Instruction.Pause {
        let text = attribute.value.string
        guard let value = Double(text.trimmed), value.isFinite, value <= Double(Int32.max) else {
            expectedMilliseconds(attribute)
            return Instruction.Pause(length: .fixed(.zero))
        }
        // As SIPp: cut to whole milliseconds, never negative.
        return Instruction.Pause(length: .fixed(.milliseconds(Int64(max(0, value)))))
    }

    mutating func readLabel(_ element: ScenarioXML.Element) {
        guard let id = required("id", of: element) else { return }
        scenario.steps.append(Scenario.Step(kind: .label(id.string), place: id.start))
    }

    /// Adds the step with what every step may have: jumps, conditions, response times, actions.
    mutating func appendStep(_ kind: Scenario.Step.Kind, _ element: ScenarioXML.Element) {
        var step = Scenario.Step(kind: kind, place: element.place)
        step.next = element["next"].map { Scenario.Placed(value: $0.value.string, place: $0.value.start) }
        step.onTimeout = element["ontimeout"].map { Scenario.Placed(value: $0.value.string, place: $0.value.start) }
        step.startsResponseTime = element["start_rtd"].flatMap { responseTimeName($0) }
        step.stopsResponseTime = element["rtd"].flatMap { responseTimeName($0) }
        step.repeatsResponseTimes = element["repeat_rtd"].map { flag($0) } ?? false
        readConditions(&step, element)
        step.counter = element["counter"].flatMap { counter($0) }
        step.loss = element["lost"].flatMap { share($0, of: 100) } ?? 0
        readTransactions(&step, element)
        step.keepsChallenge = element["auth"].map { flag($0) } ?? false
        step.advancesState = element["advance_state"].map { flag($0) } ?? true
        if !step.advancesState, case .receive(let receive) = kind, receive.presence == .mandatory,
            let place = element["advance_state"]?.place
        {
            findings.error("only an optional `recv` can have advance_state=\"false\"", at: place)
        }
        step.actions = readActions(actionElements(of: element))
        scenario.steps.append(step)
    }

    private mutating func readConditions(_ step: inout Scenario.Step, _ element: ScenarioXML.Element) {
        step.test = element["test"].flatMap { variable(named: $0.value) }
        step.chance = element["chance"].flatMap { share($0, of: 1) } ?? 1
        if step.next == nil, let idle = element["test"] ?? element["chance"] {
            findings.warning("`\(idle.name)` says when to go to a label, and there is no `next`", at: idle.place)
        }
        if let condition = element["condexec"] {
            step.condition = variable(named: condition.value)
            step.conditionIsInverse = element["condexec_inverse"].map { flag($0) } ?? false
        } else if let inverse = element["condexec_inverse"] {
            findings.warning("`condexec_inverse` turns a `condexec` round, and there is none", at: inverse.place)
        }
    }

    private mutating func counter(_ attribute: ScenarioXML.Attribute) -> UInt16? {
        let name = attribute.value.string
        if name.isEmpty {
            findings.error("`counter` needs the name of a counter", at: attribute.value.start)
            return nil
        }
        return Self.index(of: name, in: &scenario.counters)
    }

    private mutating func readTransactions(_ step: inout Scenario.Step, _ element: ScenarioXML.Element) {
        for name in ["start_txn", "response_txn", "ack_txn"] {
            guard let attribute = element[name] else { continue }
            if attribute.value.isEmpty {
                findings.error("`\(name)` needs the name of a transaction", at: attribute.value.start)
                continue
            }
            let index = Self.index(of: attribute.value.string, in: &scenario.transactions)
            switch name {
            case "start_txn": step.startsTransaction = index
            case "response_txn": step.respondsTo = index
            case _: step.acknowledges = index
            }
        }
    }

    private static func index(of name: String, in names: inout [String]) -> UInt16 {
        if let known = names.firstIndex(of: name) { return UInt16(known) }
        names.append(name)
        return UInt16(clamping: names.count - 1)
    }

    /// 0 ... `whole`, given back as 0 ... 1.
    private mutating func share(_ attribute: ScenarioXML.Attribute, of whole: Double) -> Double? {
        guard let value = number(attribute) else { return nil }
        guard (0...whole).contains(value) else {
            findings.error(
                "`\(attribute.name)` lies between 0 and \(Int(whole)), not at \(attribute.value.string.quoted)",
                at: attribute.value.start)
            return nil
        }
        return value / whole
    }

    private mutating func actionElements(of element: ScenarioXML.Element) -> [ScenarioXML.Element] {
        var actions: [ScenarioXML.Element] = []
        for (index, child) in element.children.enumerated() {
            if child.name != "action" {
                findings.error(
                    "`\(child.name)` cannot stand inside `\(element.name)`; is the end of `\(element.name)` missing?",
                    at: child.place)
            } else if index > 0 {
                // SIPp looks at the first child only.
                findings.warning(
                    "`action` counts only as the first element of a step: this is ignored", at: child.place)
            } else {
                actions = child.children
            }
        }
        return actions
    }
}
