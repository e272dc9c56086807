import Datagrams

/// Variables: where they are declared, and that each name stands in two places at least.
extension ScenarioReader {
    /// `<Global variables="a,b">` and `<User …>`: before the steps, wherever they stand.
    mutating func declareVariables(_ root: ScenarioXML.Element) {
        for element in root.children {
            let scope: Variable.Scope
            switch element.name {
            case "Global": scope = .global
            case "User": scope = .user
            case _: continue
            }
            guard let names = required("variables", of: element) else { continue }
            for name in split(names) where isName(name) {
                let text = name.string
                if let earlier = scenario.variables[text], earlier.scope != scope {
                    findings.error(
                        "the variable \(text.quoted) has another scope already: it is global or a user's",
                        at: name.start)
                }
                _ = scenario.variables.declare(text, scope)
                declared.insert(text)
            }
        }
    }

    /// A use of a variable by an attribute.
    mutating func variable(named name: PlacedText) -> Variable? {
        guard isName(name) else { return nil }
        let text = name.string
        noteUse(of: text, at: name.start)
        if scenario.variables.isFull {
            findings.error("a scenario has at most \(Variable.limit) variables of a scope", at: name.start)
            return nil
        }
        return scenario.variables.declare(text, .call)
    }

    private mutating func isName(_ name: PlacedText) -> Bool {
        if name.isEmpty {
            findings.error("the name of a variable is empty", at: name.start)
            return false
        }
        if name.bytes.contains(UInt8(ascii: "$")) {
            findings.error("the `$` is no part of a variable's name here: \(name.string.quoted)", at: name.start)
            return false
        }
        return true
    }

    /// The variables a text shows.
    mutating func note(_ text: MessageText) {
        for use in text.keywords {
            switch use.keyword {
            case .variable(let name):
                noteUse(of: name, at: use.place)
                _ = scenario.variables.declare(name, .call)
            case .named(.fill):
                if let name = use["variable"]?.constant {
                    let text = String(decoding: name, as: UTF8.self)
                    noteUse(of: text, at: use.place)
                    _ = scenario.variables.declare(text, .call)
                }
            case .named, .lastHeader, .field, .mediaSecurity, .key: break
            }
        }
    }

    private mutating func noteUse(of name: String, at place: Int) {
        uses[name, default: Uses(first: place, count: 0)].count += 1
    }

    /// SIPp refuses such files; nothing is wrong with running them.
    mutating func checkVariables() {
        let references = Set(scenario.references)
        for (name, use) in uses.sorted(by: { $0.value.first < $1.value.first })
        where use.count == 1 && !declared.contains(name) && !references.contains(name) && !name.hasPrefix("_") {
            let others = uses.filter { $0.value.count > 1 || declared.contains($0.key) }.keys.sorted()
            findings.warning(
                "the variable \(name.quoted) stands nowhere else in the file"
                    + Suggestion.ending(for: name, among: others), at: use.first)
        }
    }

    struct Uses {
        var first: Int
        var count: Int
    }
}
