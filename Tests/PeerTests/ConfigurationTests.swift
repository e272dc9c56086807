import Foundation
import Testing

extension AgainstPeers {
    /// Options from a file and from the environment, as a user gives them.
    @Suite(.serialized) struct Configuration {
        private struct Option: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var kind: String
            var names: [Name]?
            var valueName: String?
            var isRepeating: Bool
            var parsingStrategy: String

            var long: String? { names?.first { $0.kind == "long" }?.name }
            var isSettable: Bool {
                !["help", "version", "config"].contains(long ?? "") && parsingStrategy != "allRemainingInput"
            }
        }

        private struct Described: Decodable {
            var commandName: String
            var subcommands: [Described]?
            var arguments: [Option]?

            var leaves: [(path: [String], command: Described)] {
                guard let subcommands else { return [] }
                return subcommands.filter { $0.commandName != "help" && $0.commandName != "sipp" }.flatMap { command in
                    let inner = command.leaves
                    return inner.isEmpty
                        ? [([command.commandName], command)]
                        : inner.map { ([command.commandName] + $0.path, $0.command) }
                }
            }
        }

        private struct Tool: Decodable { var command: Described }

        private static func tool(_ scratch: Scratch) async throws -> Described {
            let dump = try await scratch.run(.sipmeter("--experimental-dump-help"))
            return try JSONDecoder().decode(Tool.self, from: Data(dump.output.utf8)).command
        }

        /// The first line: the command as it would be run.
        private static func effective(
            _ words: [String], _ scratch: Scratch, by prefix: [String] = []
        ) async throws -> String {
            let command = Command(prefix + [Command.sipmeterPath, "config", "show"] + words)
            let finished = try await scratch.run(command)
            // What values mean is the commands' business, and made-up ones are wrong.
            return finished.output.split(separator: "\n").first.map(String.init) ?? "\(finished)"
        }

        /// Grows with the commands by itself.
        @Test func everyOptionOfEveryCommandCanBeSetByFileAndEnvironment() async throws {
            let scratch = try Scratch()
            let commands = try await Self.tool(scratch).leaves
            #expect(commands.count >= 8)
            for (path, command) in commands {
                let options = (command.arguments ?? []).filter(\.isSettable)
                if options.isEmpty { continue }
                var file = ""
                var variables: [String] = []
                var expected: [String] = []
                for (n, option) in options.enumerated() {
                    let name = option.long ?? option.valueName ?? ""
                    let isFlag = option.kind == "flag"
                    // One of a pair says it all.
                    if isFlag, name.hasPrefix("no-") { continue }
                    file += "\"\(name)\": \(isFlag ? "true" : option.isRepeating ? "[\"v\(n)\"]" : "\"v\(n)\""),\n"
                    let variable = (["SIPMETER"] + path + [name]).joined(separator: "_").uppercased()
                        .replacingOccurrences(of: "-", with: "_")
                    variables.append("\(variable)=\(isFlag ? "1" : "v\(n)")")
                    let isSecret = name == "auth-password"
                    expected.append(
                        isSecret
                            ? "'--auth-password=***'"
                            : option.kind == "positional" ? "v\(n)" : isFlag ? "--\(name)" : "--\(name)=v\(n)")
                }
                for word in path.reversed() { file = "\"\(word)\": {\n\(file)}\n" }
                let name = "\(path.joined(separator: "-")).json5"
                _ = try scratch.write("{ \(file) }", to: name)
                let byFile = try await Self.effective(path + ["--config", name], scratch)
                let byVariable = try await Self.effective(path, scratch, by: ["env"] + variables)
                for line in [byFile, byVariable] {
                    let words = Set(line.split(separator: " ").map(String.init))
                    for word in expected { #expect(words.contains(word), "\(path): \(word) is not in: \(line)") }
                }
            }
        }

        @Test func theCommandLineWinsAndTheRecordTellsWhatWasMeant() async throws {
            let scratch = try Scratch()
            _ = try scratch.write(
                """
                // The lab's own.
                {
                  capacity: 'unlimited', duration: "9s", quiet: true,
                  run: { rate: 7, out: "run", authPassword: "sesame", threshold: ["calls.started>=1"] },
                }
                """, to: "lab.json5")
            let command = Command.sipmeter("run", "--config", "lab.json5", "--duration", "1s")
                .run(by: ["env", "SIPMETER_RATE=20", "SIPMETER_RAET=1"])
            let finished = try await scratch.run(command)
            #expect(finished.status == 0 || finished.status == 3, "\(finished)")
            #expect(
                finished.errors.hasPrefix("notice: SIPMETER_RAET sets nothing; did you mean SIPMETER_RATE?\n"),
                "\(finished)")
            #expect(finished.output.contains("model unlimited, udp"), "\(finished)")
            #expect(finished.output.contains("; 20 calls/s, 1 s;"), "\(finished)")
            #expect(finished.output.contains("ok      calls.started>=1  20"), "\(finished)")
            let manifest = try JSONSerialization.jsonObject(with: Data(scratch.text("run/manifest.json").utf8))
            let words = try #require((manifest as? [String: Any])?["command_line"] as? [String])
            #expect(
                words.dropFirst() == [
                    "run", "--duration", "1s", "--rate=20", "--out=run", "--auth-password=***",
                    "--threshold=calls.started>=1", "--capacity=unlimited", "--quiet",
                ])
            #expect(try !scratch.text("run/manifest.json").contains("sesame"))
        }

        struct Mistake: Sendable, CustomTestStringConvertible {
            var file: String
            var variables: [String] = []
            var status: Int32 = 65
            var complaint: String
            var testDescription: String { (variables + [file]).joined(separator: " ") }
        }

        static let mistakes = [
            Mistake(
                file: "{ run: { rat: 4 } }",
                complaint: "c.json5:1:10: error: run has no option \"rat\"; did you mean `rate`?\n"),
            Mistake(
                file: "{\n  rate: 'fast' }",
                complaint: "c.json5:2:9: error: The value 'fast' is invalid for '--rate <rate>': a rate is a number"),
            Mistake(
                file: "{ workers: 65 }", complaint: "c.json5:1:12: error: --workers 65: 64 are the most"),
            Mistake(file: "{ rate: 4", complaint: "c.json5:1:10: error: the file ends where \"}\" was to come\n"),
            Mistake(
                file: "{}", variables: ["SIPMETER_RUN_HOLD=x"], status: 64,
                complaint: "SIPMETER_RUN_HOLD: error: The value 'x' is invalid for '--hold <hold>': a length of time"),
            Mistake(
                file: "{}", variables: ["SIPMETER_POISSON=maybe"], status: 64,
                complaint: "SIPMETER_POISSON: error: maybe is neither on nor off: a flag takes 1 or 0\n"),
        ]

        @Test(arguments: mistakes) func aMistakeIsToldWithItsPlace(_ mistake: Mistake) async throws {
            let scratch = try Scratch()
            _ = try scratch.write(mistake.file, to: "c.json5")
            let finished = try await scratch.run(
                Command.sipmeter("run", "--config", "c.json5").run(by: ["env"] + mistake.variables))
            #expect(finished.status == mistake.status, "\(finished)")
            #expect(finished.errors.hasPrefix(mistake.complaint), "\(finished)")
            #expect(!scratch.has("runs"))
        }

        @Test func aFileThatIsNotThereIsTold() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command.sipmeter("run").run(by: ["env", "SIPMETER_CONFIG=none.json5"]))
            #expect(finished.status == 65, "\(finished)")
            #expect(
                finished.errors == "error: cannot read the configuration none.json5: No such file or directory\n")
        }

        // MARK: help, completions, manual

        private static func examples(_ help: String) -> [String] {
            var lines: [String] = []
            for line in help.split(separator: "\n", omittingEmptySubsequences: false) {
                let text = line.drop { $0 == " " }
                guard text.count < line.count, text.hasPrefix("sipmeter ") || text.contains("| sipmeter ") else {
                    continue
                }
                if text.hasPrefix("sipmeter: ") { continue }
                let call = text[(text.range(of: "| ")?.upperBound ?? text.startIndex)...]
                // What stands after two blanks says what it does.
                lines.append(String(call.range(of: "  ").map { call[..<$0.lowerBound] } ?? call[...]))
            }
            return lines
        }

        /// Each by the parser it is meant for. (`sipp` has its own.)
        @Test func everyExampleOfEveryHelpIsUnderstood() async throws {
            let scratch = try Scratch()
            _ = try scratch.write("{}", to: "lab.json5")
            var paths = try await Self.tool(scratch).leaves.map(\.path) + [[], ["scenario"], ["config"]]
            paths.sort { $0.joined() < $1.joined() }
            for path in paths {
                let help = try await scratch.run(Command([Command.sipmeterPath] + path + ["--help"]))
                let examples = Self.examples(help.output)
                #expect(!examples.isEmpty, "no example in the help of \(path.joined(separator: " "))")
                #expect(help.output.contains("Examples:") || path.isEmpty, "\(path)")
                for example in examples where !example.hasPrefix("sipmeter sipp ") {
                    let call = example.replacingOccurrences(of: "sipmeter ", with: "\"$0\" config show ")
                    let finished = try await scratch.run(Command("sh", "-c", call, Command.sipmeterPath))
                    #expect(finished.status == 0, "\(example)\n\(finished)")
                }
            }
        }

        /// Words of a line, the last of them unfinished; what a shell offers for it, and what not.
        private static let completions: [([String], has: [String], hasNot: [String])] = [
            (["sw"], ["sweep"], ["run", "manual"]),
            (["run", "--thr"], ["--threshold"], ["--rate"]),
            (["run", "--rate", "4", "--poi"], ["--poisson"], ["--rate"]),
            (["run", "--transport", ""], ["udp", "raw", "tcp", "tls"], []),
            (["run", "--scenario", ""], ["flow.xml"], ["lab.json5", "other"]),
            (["run", "--config", ""], ["lab.json5"], ["flow.xml"]),
            (["run", "--out", ""], ["results"], ["flow.xml", "other"]),
            (["merge", "--for"], ["--force"], ["--out"]),
            (["merge", ""], ["results"], ["flow.xml", "other"]),
            (["scenario", "ch"], ["check"], ["show"]),
            (["scenario", "show", "b"], ["busy", "b-leg"], ["uac"]),
            (["scenario", "check", "--sv"], ["--svg"], ["--quiet"]),
            (["doctor", "--require", "p"], ["precise", "probes"], ["tag"]),
        ]

        /// A directory with a shell's script, and files to complete.
        private static func completing(_ shell: String) async throws -> Scratch {
            let scratch = try Scratch()
            _ = try scratch.write(
                try await scratch.run(.sipmeter("--generate-completion-script", shell)).output, to: "completion")
            for name in ["flow.xml", "lab.json5", "other"] { _ = try scratch.write("", to: name) }
            try FileManager.default.createDirectory(atPath: scratch.path("results"), withIntermediateDirectories: true)
            return scratch
        }

        /// `offered` is a word a line; a directory may have its slash.
        private static func check(
            _ line: (words: [String], has: [String], hasNot: [String]), _ offered: [Substring], _ finished: Finished
        ) {
            let found = Set(offered.map { String($0.hasSuffix("/") ? $0.dropLast() : $0) })
            for word in line.has { #expect(found.contains(word), "\(line.words): \(finished)") }
            for word in line.hasNot { #expect(!found.contains(word), "\(line.words): \(finished)") }
        }

        @Test(.needs(.bash)) func bashCompletesCommandsOptionsAndValues() async throws {
            let scratch = try await Self.completing("bash")
            let script = """
                source completion
                complete -p sipmeter >/dev/null || exit 9
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
                COMP_POINT=${#COMP_LINE}
                _sipmeter sipmeter "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            for line in Self.completions {
                let finished = try await scratch.run(Command(["bash", "-c", script, "bash", "sipmeter"] + line.0))
                Self.check(line, finished.output.split(separator: "\n"), finished)
            }
        }

        @Test(.needs(.fish)) func fishCompletesCommandsOptionsAndValues() async throws {
            let scratch = try await Self.completing("fish")
            for line in Self.completions {
                let finished = try await scratch.run(
                    Command(
                        "fish", "--no-config", "-c", "source completion; and complete -C $argv[1]",
                        (["sipmeter"] + line.0).joined(separator: " ")
                    ).run(by: ["env", "HOME=\(scratch.path)"]))
                // What it is stands behind a tab.
                Self.check(
                    line, finished.output.split(separator: "\n").map { $0.prefix { $0 != "\t" } }, finished)
                #expect(finished.errors.isEmpty, "\(finished)")
            }
        }

        /// Completion is a widget of the line editor: it takes a shell at a terminal, which types what is asked.
        private static let zshAtATerminal = """
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell '
                PROMPT= RPROMPT=
                stty -echo
                fpath=($PWD/functions $fpath)
                autoload -Uz compinit
                compinit -u -D
                compadd() {
                    local -a options hits
                    options=(${@[1,(i)(-|--)]})
                    if [[ -n ${(M)options:#-[OAD]} ]]; then builtin compadd "$@"; return; fi
                    builtin compadd -A hits "$@"
                    if (( $#hits )) { print; print -rl -- "OFF""ERED "$^hits }
                    builtin compadd "$@"
                }
                finish() { comppostfuncs=(finish); print "END""ED" }
                comppostfuncs=(finish)
                bindkey "^I" complete-word
                bindkey "^U" kill-whole-line
                print "REA""DY"
            '
            zpty -r shell output '*READY*'
            for line; do
                zpty -w -n shell "$line"$'\\t'
                zpty -r shell output '*ENDED*'
                print -r -- "LINE $line"
                print -r -- "$output"
                zpty -w -n shell $'\\x15'
            done
            zpty -d shell
            """

        @Test(.needs(.zsh)) func zshCompletesCommandsOptionsAndValues() async throws {
            let scratch = try await Self.completing("zsh")
            let functions = scratch.path("functions")
            try FileManager.default.createDirectory(atPath: functions, withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: scratch.path("completion"), toPath: functions + "/_sipmeter")
            let lines = Self.completions.map { (["sipmeter"] + $0.0).joined(separator: " ") }
            let finished = try await scratch.run(
                Command(["zsh", "-f", "-c", Self.zshAtATerminal, "zsh"] + lines), within: .seconds(60))
            let answers = finished.output.split(separator: "LINE sipmeter ", omittingEmptySubsequences: true)
            try #require(answers.count == lines.count, "\(finished)")
            for (line, answer) in zip(Self.completions, answers) {
                let offered = answer.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("OFFERED ") }
                Self.check(line, offered.map { $0.dropFirst(8) }, finished)
            }
        }

        @Test func everyShellHasAScript() async throws {
            let scratch = try Scratch()
            for (shell, start) in [
                ("bash", "#!/bin/bash"), ("zsh", "#compdef sipmeter"), ("fish", "function __sipmeter"),
            ] {
                let finished = try await scratch.run(.sipmeter("--generate-completion-script", shell))
                #expect(finished.output.hasPrefix(start), "\(finished.output.prefix(80))")
            }
        }

        @Test(.needs(.man)) func theManualIsWhole() async throws {
            let scratch = try Scratch()
            let written = try await scratch.run(.sipmeter("manual", "--out", "man", "--date", "2026-11-24"))
            #expect(written.status == 0, "\(written)")
            let pages = try FileManager.default.contentsOfDirectory(atPath: scratch.path("man")).sorted()
            #expect(pages.contains("sipmeter.1") && pages.contains("sipmeter-scenario-check.1"))
            #expect(!pages.contains("sipmeter-manual.1"))
            for page in pages {
                let shown = try await scratch.run(
                    Command("sh", "-c", "man --warnings -l \"$0\" | col -bx", "man/\(page)").run(by: [
                        "env", "LC_ALL=C.UTF-8", "MANWIDTH=200",
                    ]))
                #expect(shown.errors.isEmpty, "\(page)\n\(shown.errors)")
                #expect(shown.output.contains("NAME") && shown.output.contains("DESCRIPTION"), "\(page)\n\(shown)")
            }
            let run = try await scratch.run(
                Command("sh", "-c", "man -l man/sipmeter-run.1 | col -bx").run(by: [
                    "env", "LC_ALL=C.UTF-8", "MANWIDTH=200",
                ]))
            for line in [
                "sipmeter run [options] [target]", "-r, --rate rate", "or for this command alone SIPMETER_RUN_RATE.",
                "sipmeter run 192.0.2.5 --rate 400 --abort-on 'rtt.p99>2s for 5s'", "sipmeter-sweep(1)",
                "       3      The generator was the bottleneck: the figures are not the target's.",
            ] { #expect(run.output.contains(line), "\(line) is not in\n\(run.output)") }
        }
    }
}
