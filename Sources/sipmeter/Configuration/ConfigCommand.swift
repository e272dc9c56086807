import ArgumentParser
import Configuration
import Reports

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What a configuration file and the environment come to.",
        discussion: """
            Examples:
              sipmeter config show run --rate 5
              sipmeter config show sweep --config lab.json5
            """,
        subcommands: [Show.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "The command line in full, and where each option was set.",
            discussion: """
                Runs nothing. Prints the command as it would be run with --config, SIPMETER_CONFIG
                and the environment, checks it, and names the place of each option that the
                command line does not give.

                Examples:
                  sipmeter config show run --rate 5
                  SIPMETER_HOLD=3s sipmeter config show run
                """)

        @Argument(parsing: .captureForPassthrough, help: "The command and its options.")
        var words: [String] = []

        func run() throws {
            if ["--help", "-h"].contains(words.first) { throw CleanExit.helpRequest(self) }
            guard let source = EffectiveWords.source, !words.isEmpty else {
                if words.isEmpty { throw ValidationError("name a command, as in: sipmeter config show run") }
                _ = try Sipmeter.parseAsRoot(words)
                return Terminal.print(Self.line(["sipmeter"] + words))
            }
            let effective = try CommandWords(
                ["sipmeter"] + words, of: source.tree, file: source.file, environment: source.environment)
            Terminal.print(Self.line(effective.words))
            let rows = effective.added.map { setting in
                (Self.line(ScenarioOptions.withoutPassword(setting.words)), setting.origin.description)
            }
            let width = rows.map(\.0.count).max() ?? 0
            for (words, origin) in rows {
                Terminal.print("  " + words + String(repeating: " ", count: width - words.count) + "  " + origin)
            }
            _ = try Sipmeter.parseAsRoot(Array(effective.words.dropFirst()))
        }

        private static func line(_ words: [String]) -> String {
            ScenarioOptions.withoutPassword(words).map(quoted).joined(separator: " ")
        }

        /// As a shell takes it.
        private static func quoted(_ word: String) -> String {
            let plain = word.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || "-_=:.,/@%+".utf8.contains($0)
            }
            return plain && !word.isEmpty
                ? word
                : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
    }
}
