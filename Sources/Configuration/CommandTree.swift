/// The program's commands and their options, as the parser of the command line itself describes them: a new option has its
/// place in the configuration and in the environment without a line of code.
package struct CommandTree: Sendable {
    package struct Option: Sendable, Equatable {
        package enum Kind: String, Sendable { case positional, option, flag }

        package var kind: Kind
        /// Without dashes: `rate`. Empty for a positional.
        package var longNames: [String]
        package var shortNames: [String]
        package var valueName: String
        package var isRepeating: Bool
        /// Its values go on to the next option.
        package var takesAllToTheNext = false
        /// Every word that follows is its, whatever it is.
        package var takesTheRest = false

        package var abstract = ""
        package var values: [String] = []
        package var isHidden = false
        package var isOptional = true
        package var defaultValue: String?

        package init(
            _ kind: Kind, long: [String] = [], short: [String] = [], valueName: String = "", isRepeating: Bool = false
        ) {
            self.kind = kind
            longNames = long
            shortNames = short
            self.valueName = valueName
            self.isRepeating = isRepeating
        }

        /// What it is called in a configuration file.
        package var name: String { longNames.first ?? valueName }
    }

    package var name: String
    package var abstract = ""
    package var discussion = ""
    package var options: [Option]
    package var commands: [CommandTree]
    package var isHidden = false

    package init(_ name: String, options: [Option] = [], commands: [CommandTree] = []) {
        self.name = name
        self.options = options
        self.commands = commands
    }

    /// Every command that does something, with the words that name it.
    package var leaves: [(path: [String], command: CommandTree)] {
        commands.flatMap { command in
            command.commands.isEmpty
                ? [([command.name], command)] : command.leaves.map { ([command.name] + $0.path, $0.command) }
        }
    }

    /// The same flag the other way round: `tag` and `no-tag`.
    func inverse(of option: Option) -> Option? {
        guard option.kind == .flag else { return nil }
        let other = option.name.hasPrefix("no-") ? String(option.name.dropFirst(3)) : "no-" + option.name
        return options.first { $0.kind == .flag && $0.longNames.contains(other) }
    }

    /// Not of the parser's own that end the program, and not the file's own name.
    package static let unsettable: Set<String> = ["help", "version", "config"]

    package var settable: [Option] {
        options.filter { !Self.unsettable.contains($0.name) && !$0.takesTheRest }
    }

    /// `max-concurrent`, `maxConcurrent`, `max_concurrent` and `MAX_CONCURRENT` are one.
    package static func key(_ name: String) -> String {
        String(name.unicodeScalars.filter { $0 != "-" && $0 != "_" }.map { Character($0) }).lowercased()
    }

    package func option(named name: String) -> Option? {
        let key = Self.key(name)
        return settable.first { option in
            option.kind == .positional
                ? Self.key(option.valueName) == key : option.longNames.contains { Self.key($0) == key }
        }
    }
}
