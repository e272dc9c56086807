/// What a scenario file uses of SIPp's language, and what it needs from the run: for `sipmeter scenario check`.
package struct ScenarioFeatures: Sendable {
    /// Elements, attributes and actions, in the order of their names.
    package private(set) var elements: Set<String> = []
    package private(set) var attributes: Set<String> = []
    package private(set) var actions: Set<String> = []
    package private(set) var keywords: Set<String> = []
    /// Accepted and not carried out.
    package private(set) var notCarriedOut: Set<String> = []
    /// `[name]` that only `--key name=…` can fill.
    package private(set) var keys: Set<String> = []
    package private(set) var needsInjection = false
    package private(set) var injectionFiles: Set<String> = []
    package private(set) var needsCommands = false
    package private(set) var needsCredentials = false

    /// Of a file that was read without an error.
    package init(of scenario: Scenario) {
        var findings = Findings(scenario.source)
        if let root = ScenarioXML.scan(scenario.source, &findings) {
            for element in root.children { note(element, depth: 1) }
        }
        for step in scenario.steps { if let text = step.text { note(text) } }
        for text in scenario.texts + scenario.defaultMessages.values { note(text) }
        for file in scenario.actionFiles {
            needsInjection = true
            injectionFiles.insert(file.value)
        }
        needsCommands = !scenario.commandPlaces.isEmpty
    }

    private mutating func note(_ element: ScenarioXML.Element, depth: Int) {
        if depth == 3 || depth == 4 && element.name != "action" && element.name != "nop" {
            actions.insert(element.name)
            noteAction(element)
        } else if element.name != "action" {
            elements.insert(element.name)
            for attribute in element.attributes {
                attributes.insert("\(element.name) \(attribute.name)")
                if attribute.name == "ignoresdp" || attribute.name == "timeout" && element.name == "send" {
                    notCarriedOut.insert("\(element.name) \(attribute.name)")
                }
            }
        }
        for child in element.children { note(child, depth: depth + 1) }
    }

    private mutating func noteAction(_ action: ScenarioXML.Element) {
        for attribute in action.attributes { attributes.insert("\(action.name) \(attribute.name)") }
        let media = action.attributes.first { $0.name.hasPrefix("play_") || $0.name.hasPrefix("rtp_") }
        if action.name == "rtp_echo" { notCarriedOut.insert("rtp_echo") }
        if let media { notCarriedOut.insert("\(action.name) \(media.name)") }
        if action.name == "verifyauth" { needsCredentials = true }
    }

    private mutating func note(_ text: MessageText) {
        for use in text.keywords {
            switch use.keyword {
            case .named(let name):
                keywords.insert(name.rawValue)
                if name == .authentication { needsCredentials = true }
            case .lastHeader: keywords.insert("last_*")
            case .variable: keywords.insert("$variable")
            case .field:
                keywords.insert("fieldN")
                needsInjection = true
                if let file = use["file"]?.constant { injectionFiles.insert(String(decoding: file, as: UTF8.self)) }
            case .mediaSecurity: keywords.insert(use.name)
            case .key(let name): keys.insert(name)
            }
        }
    }

    /// What the run must be given, one line each.
    package var needs: [String] {
        var needs: [String] = []
        for key in keys.sorted() { needs.append("--key \(key)=VALUE (or this is a keyword misspelt)") }
        if injectionFiles.isEmpty, needsInjection { needs.append("--inf FILE") }
        for file in injectionFiles.sorted() { needs.append("--inf \(file)") }
        if actions.contains("lookup") { needs.append("--infindex FILE,COLUMN") }
        if needsCommands { needs.append("--allow-exec: it runs commands on this machine") }
        if needsCredentials { needs.append("--auth-user, --auth-password where the file names none") }
        return needs
    }
}
