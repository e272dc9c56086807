import Datagrams

/// Options in the environment: `SIPMETER_RATE=400`, for one command `SIPMETER_RUN_RATE=400`.
package struct EnvironmentSettings: Sendable {
    package static let prefix = "SIPMETER_"
    /// Names the configuration file.
    package static let file = "SIPMETER_CONFIG"

    private let variables: [(name: String, value: String)]
    private let tree: CommandTree

    /// An empty variable is none.
    package init(_ variables: [String: String], of tree: CommandTree) {
        self.variables = variables.filter { $0.key.hasPrefix(Self.prefix) && !$0.value.isEmpty }
            .map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
        self.tree = tree
    }

    /// `SIPMETER_RUN_MAX_CONCURRENT`
    package static func variable(_ path: [String], _ option: CommandTree.Option) -> String {
        let words = path + [option.kind == .positional ? option.valueName : option.name]
        return prefix + words.joined(separator: "_").uppercased().split(separator: "-").joined(separator: "_")
    }

    /// Every name that means something: of each option, with and without its command.
    private var known: Set<String> {
        var known: Set<String> = [Self.file]
        for (path, command) in tree.leaves {
            for option in command.settable {
                known.insert(Self.variable([], option))
                known.insert(Self.variable(path, option))
            }
        }
        return known
    }

    /// Names nobody knows that look like one somebody does, with that one.
    package var slips: [(name: String, meant: String)] {
        let known = known.sorted()
        return variables.compactMap { name, _ in
            if known.contains(name) { return nil }
            // The prefix is right, or it would not be looked at: it must not make up for the rest.
            let stem = String(name.dropFirst(Self.prefix.count))
            let near = Suggestion.nearest(to: stem, among: known.map { String($0.dropFirst(Self.prefix.count)) })
            return near.map { (name, Self.prefix + $0) }
        }
    }

    /// A variable with the command's name wins over one without.
    func settings(of path: [String], _ command: CommandTree) throws(ConfigurationError) -> [Setting] {
        var settings: [Setting] = []
        for option in command.settable {
            for name in [Self.variable(path, option), Self.variable([], option)] {
                guard let value = variables.first(where: { $0.name == name })?.value else { continue }
                if let setting = try Self.setting(option, name, value, command) { settings.append(setting) }
                break
            }
        }
        return settings
    }

    private static func setting(
        _ option: CommandTree.Option, _ name: String, _ value: String, _ command: CommandTree
    ) throws(ConfigurationError) -> Setting? {
        let origin = SettingOrigin.environment(name)
        if option.kind == .flag {
            switch value.lowercased() {
            case "1", "true", "yes", "on": return Setting.flag(option, true, origin, command)
            case "0", "false", "no", "off": return Setting.flag(option, false, origin, command)
            case _: throw ConfigurationError(origin, "\(value) is neither on nor off: a flag takes 1 or 0")
            }
        }
        if option.isRepeating { return Setting(option, try list(value, origin), origin) }
        return Setting(option, [value], origin)
    }

    /// `["a", "b"]`, or a value a line.
    private static func list(_ value: String, _ origin: SettingOrigin) throws(ConfigurationError) -> [String] {
        guard value.hasPrefix("[") else { return value.split(separator: "\n").map(String.init) }
        do throws(JSON5Error) {
            guard case .list(let items) = try JSON5Reader.read(Array(value.utf8)).content else { return [value] }
            return items.compactMap { item in
                switch item.content {
                case .number(let text), .text(let text): text
                case .null, .flag, .list, .members: nil
                }
            }
        } catch { throw ConfigurationError(origin, "\(value) is no list of texts: \(error.sentence)") }
    }
}
