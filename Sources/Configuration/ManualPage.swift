/// One page of the manual, in man(7)'s macros, from what the parser of the command line says of a command: what stands in
/// `--help` stands here, and nothing has to be kept in step.
package struct ManualPage {
    /// What is the program's and not a command's.
    package struct Program: Sendable {
        package var version: String
        /// `2026-11-24`
        package var date: String
        package var exitStatus: [(code: Int32, meaning: String)]
        package var files: [(name: String, meaning: String)]

        package init(
            version: String, date: String, exitStatus: [(code: Int32, meaning: String)],
            files: [(name: String, meaning: String)]
        ) {
            self.version = version
            self.date = date
            self.exitStatus = exitStatus
            self.files = files
        }
    }

    private let program: Program
    private let tree: CommandTree
    private let path: [String]
    private let command: CommandTree
    private var text = ""

    /// `path`: the words of the command, none for the program's own page.
    package init(_ path: [String], _ command: CommandTree, of tree: CommandTree, _ program: Program) {
        self.program = program
        self.tree = tree
        self.path = path
        self.command = command
    }

    /// Every page there is: its file's name and its text.
    package static func all(of tree: CommandTree, _ program: Program) -> [(file: String, text: String)] {
        func pages(_ path: [String], _ command: CommandTree) -> [(String, String)] {
            if command.isHidden { return [] }
            var page = ManualPage(path, command, of: tree, program)
            return [(fileName(path, tree), page.written())] + command.commands.flatMap { pages(path + [$0.name], $0) }
        }
        return pages([], tree)
    }

    private static func fileName(_ path: [String], _ tree: CommandTree) -> String {
        ([tree.name] + path).joined(separator: "-") + ".1"
    }

    private var name: String { ([tree.name] + path).joined(separator: "-") }
    private var call: String { ([tree.name] + path).joined(separator: " ") }

    private mutating func written() -> String {
        text = ".TH \(name.uppercased()) 1 \(program.date) \"\(tree.name) \(program.version)\" \"User Commands\"\n"
        section("NAME")
        line("\(Self.escaped(name)) \\-")
        prose(Self.withoutStop(command.abstract))
        synopsis()
        let (paragraphs, examples) = Self.divided(command.discussion)
        section("DESCRIPTION")
        prose(command.abstract)
        // They have a section of their own.
        for paragraph in paragraphs where paragraph.first?.hasPrefix("Exit codes:") != true {
            self.paragraph(paragraph)
        }
        commands()
        options()
        // What takes all words for itself has its own rules for them.
        if !command.options.contains(where: \.takesTheRest) {
            environment()
            files()
            exitStatus()
        }
        if !examples.isEmpty {
            section("EXAMPLES")
            verbatim(examples)
        }
        seeAlso()
        return text
    }

    // MARK: sections

    private mutating func synopsis() {
        section("SYNOPSIS")
        line(".B \(Self.escaped(call))")
        if !command.commands.isEmpty {
            line(".I command")
            line(".RI [ options ]")
            return
        }
        if command.options.contains(where: { $0.kind != .positional }) { line(".RI [ options ]") }
        for option in command.options where option.kind == .positional {
            let name = Self.escaped(option.valueName) + (option.isRepeating ? "\\~.\\|.\\|." : "")
            line(option.isOptional ? ".RI [ \(name) ]" : ".I \(name)")
        }
    }

    private mutating func commands() {
        let shown = command.commands.filter { !$0.isHidden }
        if shown.isEmpty { return }
        section("COMMANDS")
        for each in shown {
            line(".TP")
            line(".BR \(Self.escaped(([tree.name] + path + [each.name]).joined(separator: "-"))) (1)")
            prose(each.abstract)
        }
    }

    private mutating func options() {
        let shown = command.options.filter { !$0.isHidden }
        if shown.isEmpty { return }
        section("OPTIONS")
        for option in shown {
            line(".TP")
            line(Self.heading(option))
            var meaning = option.abstract.isEmpty ? "Of this command." : option.abstract
            if !option.values.isEmpty { meaning += " One of: \(option.values.joined(separator: ", "))." }
            if let value = option.defaultValue, option.kind != .flag, !meaning.contains("efault:") {
                meaning += " (default: \(value))"
            }
            prose(meaning)
        }
    }

    private static func heading(_ option: CommandTree.Option) -> String {
        if option.kind == .positional { return ".I \(escaped(option.valueName))" }
        let names = option.shortNames.map { "-" + $0 } + option.longNames.map { "--" + $0 }
        let shown = names.map { "\\fB" + escaped($0) + "\\fR" }.joined(separator: ", ")
        return shown + (option.kind == .flag ? "" : " \\fI" + escaped(option.valueName) + "\\fR")
    }

    private mutating func environment() {
        section("ENVIRONMENT")
        if let option = command.settable.first(where: { $0.kind == .option }), command.commands.isEmpty {
            line("Every option can be set by a variable named like it, as")
            line("\\fB\(Self.escaped(EnvironmentSettings.variable([], option)))\\fR, or for this command alone")
            line("\\fB\(Self.escaped(EnvironmentSettings.variable(path, option)))\\fR.")
        } else {
            line("Every option of every command can be set by a variable named like it, as")
            line("\\fBSIPMETER_RATE\\fR,")
            line("or for one command alone \\fBSIPMETER_RUN_RATE\\fR.")
        }
        line("A flag takes 1 or 0, an option that may be given several times a value a line.")
        line("The command line wins over the environment, and that over a configuration file.")
        line(".TP")
        line(".B SIPMETER_CONFIG")
        line("The configuration file, where \\fB\\-\\-config\\fR names none.")
    }

    private mutating func files() {
        if !path.isEmpty, command.option(named: "out") == nil { return }
        section("FILES")
        for (name, meaning) in program.files {
            line(".TP")
            line(".I \(Self.escaped(name))")
            prose(meaning)
        }
    }

    private mutating func exitStatus() {
        section("EXIT STATUS")
        for (code, meaning) in program.exitStatus {
            line(".TP")
            line(".B \(code)")
            prose(meaning)
        }
    }

    private mutating func seeAlso() {
        let parent = path.dropLast()
        let pages =
            (path.isEmpty ? [] : [[tree.name] + parent])
            + (path.isEmpty ? tree : Self.find(Array(parent), in: tree)).commands
            .filter { !$0.isHidden && $0.name != path.last }.map { [tree.name] + parent + [$0.name] }
        if pages.isEmpty { return }
        section("SEE ALSO")
        for (n, page) in pages.enumerated() {
            line(".BR \(Self.escaped(page.joined(separator: "-"))) (1)" + (n < pages.count - 1 ? "," : ""))
        }
    }

    private static func find(_ path: [String], in tree: CommandTree) -> CommandTree {
        path.reduce(tree) { found, word in found.commands.first { $0.name == word } ?? found }
    }

    // MARK: the discussion

    /// Paragraphs, and the lines under `Examples:`.
    package static func divided(_ discussion: String) -> (paragraphs: [[String]], examples: [String]) {
        var (paragraphs, examples): ([[String]], [String]) = ([[]], [])
        var isExample = false
        for line in discussion.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line == "Examples:" {
                isExample = true
            } else if isExample, line.hasPrefix("  ") {
                examples.append(String(line.dropFirst(2)))
            } else if line.isEmpty {
                isExample = false
                paragraphs.append([])
            } else {
                isExample = false
                paragraphs[paragraphs.count - 1].append(line)
            }
        }
        return (paragraphs.filter { !$0.isEmpty }, examples)
    }

    private mutating func paragraph(_ lines: [String]) {
        // What is set in is a list or a picture.
        if lines.contains(where: { $0.hasPrefix("  ") }) {
            line(".PP")
            return verbatim(lines)
        }
        line(".PP")
        prose(lines.joined(separator: " "))
    }

    private mutating func verbatim(_ lines: [String]) {
        line(".nf")
        for each in lines { line(Self.escaped(each)) }
        line(".fi")
    }

    // MARK: roff

    private mutating func section(_ title: String) { line(".SH \(title)") }

    private mutating func line(_ line: String) { text += line + "\n" }

    /// Text that roff fills, in lines of a length for people who read the source.
    private mutating func prose(_ sentence: String) {
        var line = ""
        for word in sentence.split(separator: " ").map({ Self.escaped(String($0)) }) {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > Self.width {
                self.line(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        self.line(line)
    }

    private static let width = 78

    /// What roff would take for its own is said so that it prints: backslashes, hyphens of options, a dot or a quote that
    /// begins a line.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case "~": escaped += "\\(ti"
            case "^": escaped += "\\(ha"
            case "`": escaped += "\\(ga"
            case "'": escaped += "\\(aq"
            case _: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
    }

    private static func withoutStop(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}
