/// What the words of a command line give, without their meaning: enough to know what not to touch.
struct GivenWords {
    private(set) var options: Set<String> = []
    private(set) var hasPositionals = false
    /// Where words may be added: before `--`, or at the end.
    private(set) var end: Int

    /// `words` are those behind the command's own name.
    init(_ words: [String], of command: CommandTree) {
        end = words.count
        var place = 0
        while place < words.count {
            let word = words[place]
            place += 1
            if word == "--" {
                end = place - 1
                if place < words.count { hasPositionals = true }
                return
            }
            guard word.hasPrefix("-"), word != "-", let (option, hasValue) = Self.option(word, of: command) else {
                if !word.hasPrefix("-") || word == "-" { hasPositionals = true }
                continue
            }
            options.insert(option.name)
            // Of joined short flags (`-qr 5`) the last one may take the next word.
            for letter in Self.joinedFlags(word, of: command) { options.insert(letter.name) }
            guard option.kind == .option, !hasValue else { continue }
            place += 1
            while option.takesAllToTheNext, place < words.count, !words[place].hasPrefix("-") { place += 1 }
        }
    }

    private static func option(_ word: String, of command: CommandTree) -> (CommandTree.Option, hasValue: Bool)? {
        if word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first else { return nil }
            return command.options.first { $0.longNames.contains(String(name)) }.map { ($0, parts.count > 1) }
        }
        let letters = word.dropFirst()
        guard let last = letters.prefix(while: { $0 != "=" }).last else { return nil }
        let hasValue = letters.contains("=")
        if let option = short(letters.first, of: command), option.kind == .option {
            return (option, hasValue || letters.count > 1)
        }
        return short(last, of: command).map { ($0, hasValue) }
    }

    private static func short(_ letter: Character?, of command: CommandTree) -> CommandTree.Option? {
        letter.flatMap { letter in command.options.first { $0.shortNames.contains(String(letter)) } }
    }

    private static func joinedFlags(_ word: String, of command: CommandTree) -> [CommandTree.Option] {
        if word.hasPrefix("--") { return [] }
        return word.dropFirst().compactMap { short($0, of: command) }.filter { $0.kind == .flag }
    }

    func has(_ option: CommandTree.Option, of command: CommandTree) -> Bool {
        if option.kind == .positional { return hasPositionals }
        return options.contains(option.name) || command.inverse(of: option).map { options.contains($0.name) } ?? false
    }
}
