import Datagrams

/// Where a setting comes from, as it is said in a complaint about it.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case file(String, SourcePlace)
    /// The variable.
    case environment(String)

    package var isFile: Bool {
        switch self {
        case .file: true
        case .environment: false
        }
    }

    package var description: String {
        switch self {
        case .file(let name, let place): "\(name):\(place.line):\(place.column)"
        case .environment(let name): name
        }
    }
}

/// What is wrong with a configuration.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// In a file, and not in how the program was called.
    package let isInFile: Bool

    package init(_ description: String, isInFile: Bool) {
        self.description = description
        self.isInFile = isInFile
    }

    init(_ origin: SettingOrigin, _ sentence: String) {
        self.init("\(origin): error: \(sentence)", isInFile: origin.isFile)
    }
}

/// An option that a file or the environment sets.
package struct Setting: Sendable, Equatable {
    package var option: CommandTree.Option
    package var origin: SettingOrigin
    /// As the command line would have it: of a flag none, of a positional the value alone.
    package var values: [String]
    /// The words that say it.
    package var words: [String]
}

/// A configuration file that was read and found to name only what there is.
///
///     {
///       duration: "30s",                       // of every command that has it
///       run: { rate: 400, threshold: ["rtt.p99<50ms", "ser>99.9%"] },
///       scenario: { check: { quiet: true } },  // a command's command
///     }
package struct ConfigurationFile: Sendable {
    let name: String
    private let root: [JSON5Member]

    package init(_ name: String, _ bytes: [UInt8], of tree: CommandTree) throws(ConfigurationError) {
        self.name = name
        let value: JSON5Value
        do throws(JSON5Error) { value = try JSON5Reader.read(bytes) } catch {
            throw ConfigurationError("\(name):\(error.description)", isInFile: true)
        }
        guard case .members(let members) = value.content else {
            throw ConfigurationError(
                .file(name, value.place), "a configuration is an object: { rate: 400, run: { … } }")
        }
        root = members
        try Self.check(members, of: tree, name, isRoot: true)
    }

    private static func check(
        _ members: [JSON5Member], of tree: CommandTree, _ file: String, isRoot: Bool
    ) throws(ConfigurationError) {
        // At the top stands what any command has.
        let all = isRoot ? tree.leaves.map(\.command) : [tree]
        var seen: Set<String> = []
        for member in members {
            let isOption = all.contains { $0.option(named: member.name) != nil }
            if case .members(let inner) = member.value.content {
                if let command = command(named: member.name, in: tree) {
                    try check(inner, of: command, file, isRoot: !command.commands.isEmpty)
                    continue
                }
                let names = tree.commands.map(\.name)
                throw ConfigurationError(
                    .file(file, member.place),
                    isOption
                        ? "\(member.name) is an option: it takes a value, not an object"
                        : "there is no command \"\(member.name)\"" + Suggestion.ending(for: member.name, among: names))
            }
            if !isOption, command(named: member.name, in: tree) != nil {
                throw ConfigurationError(
                    .file(file, member.value.place),
                    "\(member.name) is a command: its options stand in an object, as in \(member.name): { … }")
            }
            guard isOption else {
                let names = Set(all.flatMap { $0.settable.map(\.name) } + (isRoot ? tree.commands.map(\.name) : []))
                let place = isRoot ? "no command has an option" : "\(tree.name) has no option"
                throw ConfigurationError(
                    .file(file, member.place),
                    "\(place) \"\(member.name)\"" + Suggestion.ending(for: member.name, among: names.sorted()))
            }
            guard seen.insert(CommandTree.key(member.name)).inserted else {
                throw ConfigurationError(
                    .file(file, member.place), "\"\(member.name)\" stands here twice, in two ways of writing it")
            }
        }
    }

    private static func command(named name: String, in tree: CommandTree) -> CommandTree? {
        tree.commands.first { CommandTree.key($0.name) == CommandTree.key(name) }
    }

    /// What it sets of a command: an inner section wins over an outer one.
    func settings(of path: [String], _ command: CommandTree) throws(ConfigurationError) -> [Setting] {
        var sections = [root]
        for word in path {
            for member in sections[sections.count - 1] where CommandTree.key(member.name) == CommandTree.key(word) {
                if case .members(let inner) = member.value.content { sections.append(inner) }
            }
        }
        var settings: [Setting] = []
        for section in sections.reversed() {
            for member in section {
                if case .members = member.value.content { continue }
                guard let option = command.option(named: member.name) else { continue }
                if settings.contains(where: { $0.option.isSame(as: option, in: command) }) { continue }
                if let setting = try setting(option, member, command) { settings.append(setting) }
            }
        }
        return settings
    }

    private func setting(
        _ option: CommandTree.Option, _ member: JSON5Member, _ command: CommandTree
    ) throws(ConfigurationError) -> Setting? {
        let origin = SettingOrigin.file(name, member.value.place)
        let texts: [String]
        switch member.value.content {
        case .null: return nil
        case .flag(let isOn):
            guard option.kind == .flag else {
                throw ConfigurationError(origin, "\(member.name) takes a value, and \(isOn) is none")
            }
            return Setting.flag(option, isOn, origin, command)
        case .members: preconditionFailure("a section was taken for an option")
        case .number(let text), .text(let text): texts = [text]
        case .list(let items):
            texts = try items.map { item throws(ConfigurationError) in
                switch item.content {
                case .number(let text), .text(let text): return text
                case .null, .flag, .list, .members:
                    throw ConfigurationError(.file(name, item.place), "a list holds texts and numbers, no other things")
                }
            }
        }
        if option.kind == .flag {
            throw ConfigurationError(origin, "\(member.name) is a flag: it takes true or false, without quotes")
        }
        return Setting(option, texts, origin)
    }
}

extension CommandTree.Option {
    /// The same setting, maybe the other way round.
    func isSame(as other: CommandTree.Option, in command: CommandTree) -> Bool {
        self == other || command.inverse(of: self) == other
    }
}

extension Setting {
    /// Several values of an option that takes one are a list with commas: `rates: [100, 200]`.
    init(_ option: CommandTree.Option, _ texts: [String], _ origin: SettingOrigin) {
        let values = option.isRepeating ? texts : [texts.joined(separator: ",")]
        self.init(
            option: option, origin: origin, values: values,
            words: option.kind == .positional ? values : values.map { "--\(option.name)=\($0)" })
    }

    /// Nil: it is off, and that is how it is without.
    static func flag(
        _ option: CommandTree.Option, _ isOn: Bool, _ origin: SettingOrigin, _ command: CommandTree
    ) -> Setting? {
        if isOn { return Setting(option: option, origin: origin, values: [], words: ["--\(option.name)"]) }
        let inverse = command.inverse(of: option)
        return Setting(
            option: inverse ?? option, origin: origin, values: [], words: inverse.map { ["--\($0.name)"] } ?? [])
    }
}
