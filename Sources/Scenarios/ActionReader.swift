import Datagrams

/// The elements below `<action>`.
extension ScenarioReader {
    /// `place` is the element's, for what it lacks.
    mutating func readActions(_ elements: [ScenarioXML.Element]) -> [Action] {
        var actions: [Action] = []
        for element in elements {
            guard let allowed = ScenarioVocabulary.actionAttributes[element.name] else {
                refuseAction(element)
                continue
            }
            warnOfUnknown(element, among: allowed)
            if let action = readAction(element) { actions.append(action) }
        }
        return actions
    }

    private mutating func refuseAction(_ element: ScenarioXML.Element) {
        if ScenarioVocabulary.unsupportedActions.contains(element.name) {
            findings.error("`\(element.name)` is not supported", at: element.place)
        } else {
            let near = Suggestion.ending(for: element.name, among: ScenarioVocabulary.actionAttributes.keys.sorted())
            findings.error("`\(element.name)` is not an action\(near)", at: element.place)
        }
    }

    private mutating func warnOfUnknown(_ element: ScenarioXML.Element, among allowed: [String]) {
        for attribute in element.attributes where !allowed.contains(attribute.name) {
            let near = Suggestion.ending(for: attribute.name, among: allowed)
            findings.warning(
                "`\(attribute.name)` is not an attribute of `\(element.name)` and is ignored\(near)",
                at: attribute.place)
        }
    }

    private mutating func readAction(_ element: ScenarioXML.Element) -> Action? {
        switch element.name {
        case "ereg": return readMatch(element)
        case "log": return readNote(.log, element)
        case "warning": return readNote(.warning, element)
        case "error": return readNote(.error, element)
        case "assign": return readArithmetic(.assign, element)
        case "add": return readArithmetic(.add, element)
        case "subtract": return readArithmetic(.subtract, element)
        case "multiply": return readArithmetic(.multiply, element)
        case "divide": return readArithmetic(.divide, element)
        case "assignstr":
            guard let into = variable("assign_to", of: element), let text = text("value", of: element) else {
                return nil
            }
            return .assignText(into: into, text: text)
        case "todouble":
            guard let into = variable("assign_to", of: element), let from = variable("variable", of: element) else {
                return nil
            }
            return .toNumber(into: into, from: from)
        case "trim": return variable("assign_to", of: element).map { .rewrite(.trim, $0) }
        case "urlencode": return variable("variable", of: element).map { .rewrite(.encodeURL, $0) }
        case "urldecode": return variable("variable", of: element).map { .rewrite(.decodeURL, $0) }
        case "test": return readTest(element)
        case "strcmp": return readTextComparison(element)
        case "gettimeofday": return readTimeOfDay(element)
        case "index": return variable("assign_to", of: element).map { .stepIndex(into: $0) }
        case "jump": return operand(of: element).map { .jump($0) }
        case "pauserestore": return operand(of: element).map { .restorePause($0) }
        case "sample":
            guard let into = variable("assign_to", of: element), let distribution = readDistribution(element) else {
                return nil
            }
            return .sample(into: into, distribution)
        case "lookup":
            guard let into = variable("assign_to", of: element), let file = file(of: element),
                let key = text("key", of: element)
            else { return nil }
            return .lookup(into: into, file: file, key: key)
        case "insert":
            guard let file = file(of: element), let text = text("value", of: element) else { return nil }
            return .insertLine(file: file, text: text)
        case "replace":
            guard let file = file(of: element), let line = text("line", of: element),
                let text = text("value", of: element)
            else { return nil }
            return .replaceLine(file: file, line: line, text: text)
        case "verifyauth":
            guard let into = variable("assign_to", of: element), let username = text("username", of: element),
                let password = text("password", of: element)
            else { return nil }
            return .verifyCredentials(into: into, username: username, password: password)
        case "exec": return readExecution(element)
        case "rtp_echo": return media(element)
        case _: preconditionFailure("`\(element.name)` has attributes and does not run")
        }
    }

    // MARK: parts

    /// The variable this attribute names.
    private mutating func variable(_ attribute: String, of element: ScenarioXML.Element) -> Variable? {
        required(attribute, of: element).flatMap { variable(named: $0) }
    }

    /// A text with keywords; it may be empty.
    private mutating func text(_ attribute: String, of element: ScenarioXML.Element) -> UInt16? {
        guard let value = element[attribute]?.value else {
            findings.error("`\(element.name)` needs `\(attribute)`", at: element.place)
            return nil
        }
        return keep(MessageText(attribute: value, &findings))
    }

    private mutating func keep(_ text: MessageText) -> UInt16 {
        note(text)
        if scenario.texts.count == Self.listLimit {
            findings.error("a scenario has at most \(Self.listLimit) texts in its actions", at: text.place)
        } else {
            scenario.texts.append(text)
        }
        return UInt16(scenario.texts.count - 1)
    }

    /// `value="1.5"` or `variable="x"`.
    private mutating func operand(
        _ valueName: String = "value", _ variableName: String = "variable", of element: ScenarioXML.Element
    ) -> Operand? {
        if let value = element[valueName] {
            if element[variableName] != nil {
                findings.error(
                    "`\(element.name)` takes `\(valueName)` or `\(variableName)`, not both", at: value.place)
                return nil
            }
            return number(value).map { .constant($0) }
        }
        guard element[variableName] != nil else {
            findings.error("`\(element.name)` needs `\(valueName)` or `\(variableName)`", at: element.place)
            return nil
        }
        return variable(variableName, of: element).map { .variable($0) }
    }

    mutating func number(_ attribute: ScenarioXML.Attribute) -> Double? {
        guard let value = Double(attribute.value.string.trimmed), value.isFinite else {
            findings.error(
                "`\(attribute.name)` is a number, not \(attribute.value.string.quoted)", at: attribute.value.start)
            return nil
        }
        return value
    }

    private mutating func file(of element: ScenarioXML.Element) -> UInt16? {
        guard let name = required("file", of: element) else { return nil }
        if let known = scenario.actionFiles.firstIndex(where: { $0.value == name.string }) { return UInt16(known) }
        scenario.actionFiles.append(Scenario.Placed(value: name.string, place: name.start))
        return UInt16(scenario.actionFiles.count - 1)
    }

    private mutating func check(of element: ScenarioXML.Element) -> Action.Check {
        let mustHold = element["check_it"].map { flag($0) } ?? false
        let mustNotHold = element["check_it_inverse"].map { flag($0) } ?? false
        if mustHold, mustNotHold, let place = element["check_it_inverse"]?.place {
            findings.error("`check_it` and `check_it_inverse` exclude each other", at: place)
        }
        return mustHold ? .mustHold : mustNotHold ? .mustNotHold : .none
    }

    // MARK: actions

    private mutating func readNote(_ note: Action.Note, _ element: ScenarioXML.Element) -> Action? {
        text("message", of: element).map { .note(note, text: $0) }
    }

    private mutating func readArithmetic(_ kind: Action.Arithmetic, _ element: ScenarioXML.Element) -> Action? {
        guard let into = variable("assign_to", of: element), let operand = operand(of: element) else { return nil }
        if kind == .divide, operand == .constant(0), let value = element["value"] {
            findings.error("a division by 0 has no result", at: value.value.start)
        }
        return .compute(kind, into: into, operand)
    }

    private mutating func readMatch(_ element: ScenarioXML.Element) -> Action? {
        guard let regexp = required("regexp", of: element) else { return nil }
        let ignoresCase = element["case_indep"].map { flag($0) } ?? false
        // As in SIPp `case_indep` is about the header's name too.
        guard let pattern = pattern(regexp, ignoringCase: ignoresCase),
            let subject = subject(of: element, ignoringCase: ignoresCase),
            let names = required("assign_to", of: element)
        else { return nil }
        let first = UInt16(clamping: scenario.assignments.count)
        for name in split(names) {
            guard let variable = variable(named: name) else { return nil }
            scenario.assignments.append(variable)
        }
        let count = scenario.assignments.count - Int(first)
        if count > PatternGroups.limit {
            findings.error(
                "`assign_to` takes the whole match and up to \(PatternGroups.limit - 1) groups, not \(count) names",
                at: names.start)
            return nil
        }
        return .match(
            Action.Match(
                pattern: pattern, subject: subject, firstAssignment: first, assignmentCount: UInt16(count),
                check: check(of: element)))
    }

    mutating func pattern(_ text: PlacedText, ignoringCase: Bool = false) -> UInt16? {
        do throws(PatternError) {
            scenario.patterns.append(try patterns.compile(text.bytes, ignoringCase: ignoringCase))
            return UInt16(scenario.patterns.count - 1)
        } catch {
            findings.error("\(text.string.quoted) is no regular expression: \(error.reason)", at: text.start)
            return nil
        }
    }

    private mutating func subject(of element: ScenarioXML.Element, ignoringCase: Bool) -> Action.Match.Subject? {
        let place = element["search_in"]
        switch place?.value.string ?? "msg" {
        case "msg": return .message
        case "body": return .body
        case "var": return variable("variable", of: element).map { .variable($0) }
        case "hdr":
            guard let header = required("header", of: element) else { return nil }
            var occurrence = 1
            if let attribute = element["occurrence"] ?? element["occurence"] {
                guard let value = Self.wholeNumber(attribute.value.string), (1...Int(UInt16.max)).contains(value) else {
                    findings.error(
                        "`\(attribute.name)` counts from 1, it cannot be \(attribute.value.string.quoted)",
                        at: attribute.value.start)
                    return nil
                }
                occurrence = value
            }
            return .header(
                Action.Match.Header(
                    name: keepHeader(header.bytes), occurrence: UInt16(occurrence), ignoresCase: ignoringCase,
                    atLineStart: element["start_line"].map { flag($0) } ?? false))
        case let other:
            findings.error("`search_in` is msg, hdr, body or var, not \(other.quoted)", at: place?.value.start ?? 0)
            return nil
        }
    }

    mutating func keepHeader(_ bytes: [UInt8]) -> UInt16 {
        if let known = scenario.headerNames.firstIndex(of: bytes) { return UInt16(known) }
        scenario.headerNames.append(bytes)
        return UInt16(scenario.headerNames.count - 1)
    }

    private mutating func readTest(_ element: ScenarioXML.Element) -> Action? {
        guard let variable = variable("variable", of: element), let compare = required("compare", of: element) else {
            return nil
        }
        guard let comparison = Action.Comparison(rawValue: compare.string) else {
            let names = Action.Comparison.allCases.map(\.rawValue).joined(separator: ", ")
            findings.error("`compare` is one of \(names), not \(compare.string.quoted)", at: compare.start)
            return nil
        }
        guard let other = operand("value", "variable2", of: element) else { return nil }
        let into = element["assign_to"].flatMap { self.variable(named: $0.value) }
        let check = check(of: element)
        if into == nil, check == .none { warnOfNoEffect(element) }
        return .test(
            Action.Test(variable: variable, comparison: comparison, other: other, into: into, check: check))
    }

    private mutating func readTextComparison(_ element: ScenarioXML.Element) -> Action? {
        guard let variable = variable("variable", of: element) else { return nil }
        let other: Action.TextComparison.Other
        if element["variable2"] != nil {
            if let value = element["value"] {
                findings.error("`strcmp` takes `value` or `variable2`, not both", at: value.place)
                return nil
            }
            guard let second = self.variable("variable2", of: element) else { return nil }
            other = .variable(second)
        } else {
            guard let text = text("value", of: element) else { return nil }
            other = .text(text)
        }
        let into = element["assign_to"].flatMap { self.variable(named: $0.value) }
        let check = check(of: element)
        if into == nil, check == .none { warnOfNoEffect(element) }
        return .compareText(Action.TextComparison(variable: variable, other: other, into: into, check: check))
    }

    private mutating func warnOfNoEffect(_ element: ScenarioXML.Element) {
        findings.warning(
            "`\(element.name)` has neither `assign_to` nor a check: nobody learns its result", at: element.place)
    }

    private mutating func readTimeOfDay(_ element: ScenarioXML.Element) -> Action? {
        guard let names = required("assign_to", of: element) else { return nil }
        let parts = split(names)
        guard parts.count == 2, let seconds = variable(named: parts[0]), let microseconds = variable(named: parts[1])
        else {
            findings.error(
                "`gettimeofday` fills two variables, as in assign_to=\"seconds,microseconds\"", at: names.start)
            return nil
        }
        return .timeOfDay(seconds: seconds, microseconds: microseconds)
    }

    private mutating func readExecution(_ element: ScenarioXML.Element) -> Action? {
        guard
            let what = element.attributes.first(where: {
                ScenarioVocabulary.actionAttributes["exec"]!.contains($0.name)
            })
        else {
            findings.error("`exec` needs `command`, `int_cmd` or something to play", at: element.place)
            return nil
        }
        switch what.name {
        case "command":
            scenario.commandPlaces.append(what.value.start)
            return text("command", of: element).map { .command(text: $0) }
        case "int_cmd":
            switch what.value.string {
            case "stop_now": return .interrupt(.stopNow)
            case "stop_gracefully": return .interrupt(.stopGracefully)
            case "stop_call": return .interrupt(.stopCall)
            case let other:
                let names = ["stop_now", "stop_gracefully", "stop_call"]
                findings.error(
                    "`int_cmd` is \(names.joined(separator: ", ")), not \(other.quoted)"
                        + Suggestion.ending(for: other, among: names), at: what.value.start)
                return nil
            }
        case _: return media(element)
        }
    }

    private mutating func media(_ element: ScenarioXML.Element) -> Action? {
        findings.warning("media is not sent: this is accepted and not carried out", at: element.place)
        if let played = element.attributes.first, played.name.hasPrefix("play_pcap") || played.name == "rtp_stream" {
            let file = played.value.string.split(separator: ",").first.map { String($0).trimmed } ?? ""
            let isFile = file.contains(".") && !file.hasPrefix("[")
            if isFile, !scenario.mediaFiles.contains(where: { $0.value == file }) {
                scenario.mediaFiles.append(Scenario.Placed(value: file, place: played.value.start))
            }
        }
        return .media
    }

    // MARK: distributions

    /// Of a pause or a `sample`: `distribution` and its parameters.
    mutating func readDistribution(_ element: ScenarioXML.Element) -> Distribution? {
        guard let name = required("distribution", of: element) else { return nil }
        switch name.string {
        case "fixed": return parameters(element, "value").map { .fixed($0[0]) }
        case "uniform":
            guard let p = parameters(element, "min", "max") else { return nil }
            if p[1] < p[0], let place = element["max"]?.value.start {
                findings.error("`max` is below `min`", at: place)
                return nil
            }
            return .uniform(p[0], p[1])
        case "normal": return parameters(element, "mean", "stdev").map { .normal(mean: $0[0], deviation: $0[1]) }
        case "lognormal": return parameters(element, "mean", "stdev").map { .lognormal(mean: $0[0], deviation: $0[1]) }
        case "exponential": return parameters(element, "mean").map { .exponential(mean: $0[0]) }
        case "weibull":
            return positive(element, "lambda", "k").map { .weibull(scale: $0[0], shape: $0[1]) }
        case "pareto": return positive(element, "k", "x_m").map { .pareto(shape: $0[0], scale: $0[1]) }
        case "gpareto":
            return parameters(element, "shape", "scale", "location").map {
                .generalisedPareto(shape: $0[0], scale: $0[1], location: $0[2])
            }
        case "gamma": return positive(element, "k", "theta").map { .gamma(shape: $0[0], scale: $0[1]) }
        case "negbin":
            guard let p = positive(element, "n", "p") else { return nil }
            if p[1] > 1, let place = element["p"]?.value.start {
                findings.error("`p` is a probability, above 0 and up to 1", at: place)
                return nil
            }
            return .negativeBinomial(failures: p[0], probability: p[1])
        case let other:
            let near = Suggestion.ending(for: other, among: Self.distributionNames)
            findings.error(
                "\(other.quoted) is no distribution; there are \(Self.distributionNames.joined(separator: ", "))\(near)",
                at: name.start)
            return nil
        }
    }

    private static let distributionNames = [
        "fixed", "uniform", "normal", "lognormal", "exponential", "weibull", "pareto", "gpareto", "gamma", "negbin",
    ]

    private mutating func parameters(_ element: ScenarioXML.Element, _ names: String...) -> [Double]? {
        values(of: names, element)
    }

    /// What must lie above 0.
    private mutating func positive(_ element: ScenarioXML.Element, _ names: String...) -> [Double]? {
        guard let values = values(of: names, element) else { return nil }
        for (name, value) in zip(names, values) where value <= 0 {
            findings.error("`\(name)` must be above 0", at: element[name]?.value.start ?? element.place)
            return nil
        }
        return values
    }

    private mutating func values(of names: [String], _ element: ScenarioXML.Element) -> [Double]? {
        var values: [Double] = []
        for name in names {
            guard required(name, of: element) != nil, let attribute = element[name], let value = number(attribute)
            else { return nil }
            values.append(value)
        }
        return values
    }

    /// A text split at its commas; blanks belong to the parts.
    func split(_ text: PlacedText) -> [PlacedText] {
        var parts: [PlacedText] = []
        var start = 0
        for index in text.bytes.indices where text.bytes[index] == UInt8(ascii: ",") {
            parts.append(text[start..<index])
            start = index + 1
        }
        parts.append(text[start..<text.bytes.count])
        return parts
    }

    static let listLimit = 60_000
}
