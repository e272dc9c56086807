/// The words of a command line with what a configuration file and the environment add to them.
///
/// The command line wins over the environment, that over the file, and that over the program's own defaults. What is added
/// is said as a user would type it, so that the parser of the command line judges it, and the record of the run tells it.
package struct CommandWords: Sendable {
    /// The program's name, the command's, and all options.
    package let words: [String]
    /// What was added, in the order of the words.
    package let added: [Setting]
    package let path: [String]

    /// - Parameters:
    ///   - words: as the program was called, without `--config`.
    ///   - file: nil: there is none.
    package init(
        _ words: [String], of tree: CommandTree, file: ConfigurationFile?, environment: EnvironmentSettings
    ) throws(ConfigurationError) {
        guard let (path, command) = Self.command(words, of: tree) else {
            (self.words, added, self.path) = (words, [], [])
            return
        }
        let rest = Array(words.dropFirst(1 + path.count))
        let given = GivenWords(rest, of: command)
        var settings = try environment.settings(of: path, command)
        for setting in try file?.settings(of: path, command) ?? []
        where !settings.contains(where: { $0.option.isSame(as: setting.option, in: command) }) {
            settings.append(setting)
        }
        settings.removeAll { given.has($0.option, of: command) || $0.words.isEmpty }
        // Positionals come first, where no option before them can take them for its own.
        let positionals = settings.filter { $0.option.kind == .positional }.sorted { a, b in
            command.options.firstIndex(of: a.option) ?? 0 < command.options.firstIndex(of: b.option) ?? 0
        }
        let options = settings.filter { $0.option.kind != .positional }
        self.words =
            Array(words.prefix(1 + path.count)) + positionals.flatMap(\.words) + rest[..<given.end]
            + options.flatMap(\.words) + rest[given.end...]
        added = positionals + options
        self.path = path
    }

    /// Nil where the words name no command that takes settings: help, and what takes all words for itself.
    private static func command(_ words: [String], of tree: CommandTree) -> (path: [String], CommandTree)? {
        var (path, command): ([String], CommandTree) = ([], tree)
        for word in words.dropFirst() {
            guard let next = command.commands.first(where: { $0.name == word }) else { break }
            path.append(word)
            command = next
        }
        guard !path.isEmpty, command.commands.isEmpty, !command.options.contains(where: \.takesTheRest) else {
            return nil
        }
        return (path, command)
    }

    /// Takes `--config FILE` out of the words, wherever it stands before `--`.
    /// - Throws: for one without a name.
    package static func takeFile(from words: inout [String]) throws(ConfigurationError) -> String? {
        var file: String?
        var place = 1
        while place < words.count, words[place] != "--" {
            if words[place] == "--config" {
                guard place + 1 < words.count, !words[place + 1].hasPrefix("-") else {
                    throw ConfigurationError("error: --config takes the name of a file", isInFile: false)
                }
                file = words[place + 1]
                words.removeSubrange(place...place + 1)
            } else if words[place].hasPrefix("--config=") {
                file = String(words[place].dropFirst(9))
                words.remove(at: place)
            } else {
                place += 1
            }
        }
        return file
    }

    /// Whom a complaint of the parser's is about: the setting that it names.
    package func culprit(of complaint: String) -> Setting? {
        added.first { setting in
            let value = setting.values.first { !$0.isEmpty && complaint.contains("'\($0)'") }
            if setting.option.kind == .positional { return setting.values.contains { complaint.contains($0) } }
            let names = setting.option.longNames.map { "--\($0)" }
            return names.contains {
                complaint.contains($0 + " ") || complaint.contains($0 + ":") || complaint.contains($0 + "'")
            }
                && (value != nil || !complaint.contains("The value '"))
        }
    }
}
