import Datagrams
import SIP

/// Reads a scenario file in SIPp's XML into a checked `Scenario`.
///
/// It goes on after an error, so that one reading shows what is wrong with the whole file. It never guesses: what it
/// does not know is an error (elements, actions, keywords) or a warning (attributes, which SIPp ignores silently), and
/// what SIPp knows but sipmeter cannot run yet is refused by name.
package struct ScenarioReader {
    var findings: Findings
    var scenario: Scenario
    let patterns: any PatternCompiler
    /// How often each variable's name stands in the file, apart from declarations.
    var uses: [String: Uses] = [:]
    var declared: Set<String> = []

    /// - Parameters:
    ///   - name: stands in messages and in `Program.name`.
    ///   - patterns: makes the file's regular expressions.
    package static func read(
        _ bytes: [UInt8], name: String, patterns: any PatternCompiler = NoPatterns()
    ) throws(ScenarioError) -> Scenario {
        let isTooLarge = bytes.count > sizeLimit
        let source = SourceText(name: name, bytes: isTooLarge ? [] : bytes)
        var reader = ScenarioReader(
            findings: Findings(source), scenario: Scenario(source: source), patterns: patterns)
        if isTooLarge {
            reader.findings.error("the file has more than \(sizeLimit >> 20) MiB: this is no scenario", at: 0)
        } else {
            reader.read(source)
        }
        try reader.findings.throwErrors()
        reader.scenario.warnings = reader.findings.warnings.sorted { $0.position < $1.position }
        return reader.scenario
    }

    private mutating func read(_ source: SourceText) {
        let root = ScenarioXML.scan(source, &findings)
        guard let root else {
            if !findings.hasErrors { findings.error("the file has no `<scenario>`", at: 0) }
            return
        }
        if root.name != "scenario" {
            findings.error("expected `<scenario>`, not `<\(root.name)>`", at: root.place)
            return
        }
        checkAttributes(of: root, allowed: ["name": .ignored])
        scenario.title = root["name"]?.value.string ?? ""
        declareVariables(root)
        for element in root.children { readTopElement(element) }
        checkSteps(root)
        checkVariables()
    }

    private mutating func readTopElement(_ element: ScenarioXML.Element) {
        guard let kind = ScenarioVocabulary.TopElement(rawValue: element.name) else {
            let known = ScenarioVocabulary.TopElement.allCases.map(\.rawValue)
            let near = Suggestion.ending(for: element.name, among: known)
            findings.error("`\(element.name)` is not an element of a scenario\(near)", at: element.place)
            return
        }
        guard let attributes = kind.attributes else {
            findings.error("`\(element.name)` is not supported", at: element.place)
            return
        }
        checkAttributes(of: element, allowed: attributes)
        switch kind {
        case .send: readSend(element)
        case .recv: readReceive(element)
        case .pause: appendStep(.pause(readPause(element)), element)
        case .timewait: appendStep(.timewait(readPause(element)), element)
        case .nop: appendStep(.nop, element)
        case .label: readLabel(element)
        case .reference: readReference(element)
        case .responseTimeRepartition: scenario.responseTimeBorders = borders(of: element)
        case .callLengthRepartition: scenario.callLengthBorders = borders(of: element)
        case .global, .user: break  // declared before
        case .initialisation: readInitialisation(element)
        case .defaultMessage: readDefaultMessage(element)
        case .sendCmd, .recvCmd: preconditionFailure("`\(element.name)` has attributes and does not run")
        }
    }

    /// Its steps are carried out once, before the first call: only those that need no message.
    private mutating func readInitialisation(_ element: ScenarioXML.Element) {
        let steps = scenario.steps
        scenario.steps = scenario.initialSteps
        for child in element.children {
            switch child.name {
            case "nop":
                checkAttributes(of: child, allowed: ScenarioVocabulary.common)
                appendStep(.nop, child)
            case "label":
                readLabel(child)
            case _:
                findings.error("`\(child.name)` cannot stand inside `init`: only nop and label can", at: child.place)
            }
        }
        for step in scenario.steps where step.actions.contains(where: \.needsCall) {
            findings.error("`init` belongs to no call: it cannot end one or jump in one", at: step.place)
        }
        scenario.initialSteps = scenario.steps
        scenario.steps = steps
    }

    private mutating func readDefaultMessage(_ element: ScenarioXML.Element) {
        guard let id = required("id", of: element) else { return }
        guard let which = DefaultMessage(rawValue: id.string) else {
            let names = DefaultMessage.allCases.map(\.rawValue)
            findings.error(
                "`id` of a DefaultMessage is one of \(names.joined(separator: ", ")), not \(id.string.quoted)"
                    + Suggestion.ending(for: id.string, among: names), at: id.start)
            return
        }
        guard let cdata = element.texts.first, let text = MessageText(cdata, &findings) else {
            findings.error("`DefaultMessage` holds a message between `<![CDATA[` and `]]>`", at: element.place)
            return
        }
        note(text)
        if which == .thirdPartyAbort {
            findings.warning("third-party call control is not supported: this message is never sent", at: element.place)
        }
        scenario.defaultMessages[which] = text
    }

    private mutating func checkAttributes(
        of element: ScenarioXML.Element, allowed: [String: ScenarioVocabulary.Support]
    ) {
        for attribute in element.attributes {
            guard let support = allowed[attribute.name] else {
                let near = Suggestion.ending(for: attribute.name, among: allowed.keys.sorted())
                findings.warning(
                    "`\(attribute.name)` is not an attribute of `\(element.name)` and is ignored\(near)",
                    at: attribute.place)
                continue
            }
            switch support {
            case .runs, .ignored: break
            case .notYet: refuse(attribute)
            case .notYetUnlessFalse: if flag(attribute) { refuse(attribute) }
            }
        }
    }

    private mutating func refuse(_ attribute: ScenarioXML.Attribute) {
        findings.error("`\(attribute.name)` is not supported", at: attribute.place)
    }

    private mutating func readReference(_ element: ScenarioXML.Element) {
        guard let variables = required("variables", of: element) else { return }
        // Blanks are part of a name, as in SIPp.
        scenario.references += variables.string.split(separator: ",").map(String.init)
    }

    /// Real scenarios are below 100 KiB; the bound keeps a wrong file from being read for minutes.
    static let sizeLimit = 4 << 20
}
