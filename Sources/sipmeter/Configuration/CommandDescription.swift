import ArgumentParser
import Configuration
import Reports
import RunArchive

extension CommandTree {
    /// The program's commands, as ArgumentParser describes them.
    static func ofThisProgram() -> CommandTree {
        // What the library writes about these very types: only a fault of ours could make it unreadable.
        guard let value = try? JSONValue(parsing: Array(Sipmeter._dumpHelp().utf8)), let command = value["command"]
        else { preconditionFailure("the description of the commands cannot be read") }
        return CommandTree(command)
    }

    private init(_ value: JSONValue) {
        self.init(
            value["commandName"]?.text ?? "", options: (value["arguments"]?.items ?? []).map(Option.init),
            commands: (value["subcommands"]?.items ?? []).map { CommandTree($0) }.filter { $0.name != "help" })
        abstract = value["abstract"]?.text ?? ""
        discussion = value["discussion"]?.text ?? ""
        isHidden = value["shouldDisplay"]?.flag == false
    }
}

extension CommandTree.Option {
    fileprivate init(_ value: JSONValue) {
        func names(_ kind: String) -> [String] {
            (value["names"]?.items ?? []).filter { $0["kind"]?.text == kind }.compactMap { $0["name"]?.text }
        }
        self.init(
            Kind(rawValue: value["kind"]?.text ?? "") ?? .option, long: names("long"), short: names("short"),
            valueName: value["valueName"]?.text ?? "", isRepeating: value["isRepeating"]?.flag ?? false)
        let strategy = value["parsingStrategy"]?.text
        takesAllToTheNext = strategy == "upToNextOption"
        takesTheRest = strategy == "allRemainingInput" || strategy == "allUnrecognized"
        abstract = value["abstract"]?.text ?? ""
        values = (value["allValues"]?.items ?? []).compactMap(\.text)
        isHidden = value["shouldDisplay"]?.flag == false
        isOptional = value["isOptional"]?.flag ?? true
        defaultValue = value["defaultValue"]?.text
    }
}
