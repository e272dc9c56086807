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
                    timeout: timeout == .zero ? nil : timeout, recordsRouteSet: recordsRouteSet)), element)
    }

    private mutating func match(_ element: ScenarioXML.Element) -> Instruction.Receive.Match? {
        switch (element["response"], element["request"]) {
        case (nil, nil):
            findings.error("`recv` needs `response` or `request`: what does it wait for?", at: element.place)
            return nil
        case (.some, .some(let request)):
            findings.error("`recv` waits for a `response` or for a `request`, not for both", at: request.place)
            return nil
        case (.some(let response), nil):
            let text = response.value.string
            guard let status = Self.status(text) else {
                findings.error(
                    "`response` is a status from 100 to 699, not \(text.quoted)", at: response.value.start)
                return nil
            }
            return .status(status)
        case (nil, .some(let request)):
            return requestMatch(request)
        }
    }

    private mutating func requestMatch(_ request: ScenarioXML.Attribute) -> Instruction.Receive.Match? {
        let name = request.value.string
        guard !name.isEmpty, request.value.bytes.allSatisfy(\.isToken) else {
            findings.error("`request` is a method, not \(name.quoted)", at: request.value.start)
            return nil
        }
        let method = Method(name: name)
        if method == .other {
            let near = Suggestion.ending(for: name, among: Method.names)
            findings.warning(
                "\(name) is not a method sipmeter knows by name: any such method will match\(near)",
                at: request.value.start)
        }
        return .method(method)
    }

    mutating func readPause(_ element: ScenarioXML.Element) -> Instruction.Pause {
        guard let attribute = element["milliseconds"] else { return Instruction.Pause(length: .runDefault) }
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
        if id.string == "_unexp.main" {
            findings.error("the label `_unexp.main` is not supported yet", at: id.start)
            return
        }
        scenario.steps.append(Scenario.Step(kind: .label(id.string), place: id.start))
    }

    /// Adds the step with what every step may have: jumps, response times, actions.
    mutating func appendStep(_ kind: Scenario.Step.Kind, _ element: ScenarioXML.Element) {
        var step = Scenario.Step(kind: kind, place: element.place)
        step.next = element["next"].map { Scenario.Placed(value: $0.value.string, place: $0.value.start) }
        step.onTimeout = element["ontimeout"].map { Scenario.Placed(value: $0.value.string, place: $0.value.start) }
        step.startsResponseTime = element["start_rtd"].flatMap { responseTimeName($0) }
        step.stopsResponseTime = element["rtd"].flatMap { responseTimeName($0) }
        step.actions = actions(of: element)
        scenario.steps.append(step)
    }

    private mutating func actions(of element: ScenarioXML.Element) -> [ScenarioXML.Element] {
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
                for action in actions { checkAction(action) }
            }
        }
        return actions
    }

    private mutating func checkAction(_ action: ScenarioXML.Element) {
        if ScenarioVocabulary.actions.contains(action.name) {
            findings.error("`\(action.name)` is not supported yet", at: action.place)
        } else {
            let near = Suggestion.ending(for: action.name, among: ScenarioVocabulary.actions.sorted())
            findings.error("`\(action.name)` is not an action\(near)", at: action.place)
        }
    }
}
