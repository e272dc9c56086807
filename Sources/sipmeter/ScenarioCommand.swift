import ArgumentParser
import Datagrams
import LoadRun
import Scenarios

struct ScenarioCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario", abstract: "Scenario files: list, show or check them.",
        discussion: """
            Examples:
              sipmeter scenario list
              sipmeter scenario show uac
              sipmeter scenario check uac
            """,
        subcommands: [List.self, Show.self, Check.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The standard scenarios.",
            discussion: """
                Examples:
                  sipmeter scenario list
                """)
        func run() {
            let width = ScenarioFiles.standard.map(\.name.count).max() ?? 0
            for scenario in ScenarioFiles.standard {
                let blanks = String(repeating: " ", count: width - scenario.name.count)
                Terminal.print("\(scenario.name)\(blanks)  \(scenario.summary)")
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a scenario file, to be changed and run.",
            discussion: """
                Examples:
                  sipmeter scenario show uac > mine.xml
                """)
        @Argument(help: "Name of a standard scenario.", completion: .list(ScenarioFiles.standard.map(\.name)))
        var name: String
        func run() throws {
            try Session.main {
                Terminal.print(String(decoding: try ScenarioFiles.text(name), as: UTF8.self))
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what is wrong with scenario files, what they use and need, and draws their flow.",
            discussion: """
                Examples:
                  sipmeter scenario check mine.xml
                  sipmeter scenario check mine.xml --svg flow.svg
                """)

        @Argument(help: "Scenario files, or names of standard ones.", completion: .file(extensions: ["xml"])) var files:
            [String]

        @Option(
            help: "Draw the flow into this file; several scenarios need %, which becomes their name.",
            completion: .file(extensions: ["svg"]))
        var svg: String?

        @Flag(name: .shortAndLong, help: "Only what is wrong, and one line a file.") var quiet = false

        func validate() throws {
            if let svg, files.count > 1, !svg.contains("%") {
                throw ValidationError("--svg \(svg): with several scenarios it holds a %, as in flow-%.svg")
            }
        }

        @OptionGroup var settings: ConfigurationOptions

        func run() throws {
            try Session.main {
                var failure: RunFailure?
                for file in files {
                    // One broken file does not hide what is wrong with the next.
                    do throws(RunFailure) { try check(file) } catch {
                        if failure != nil || files.count > 1 { Terminal.complain(error.complaint) }
                        failure = failure ?? error
                    }
                }
                if let failure {
                    if files.count > 1 { throw ExitCode(failure.code.rawValue) }
                    throw failure
                }
            }
        }

        private func check(_ file: String) throws(RunFailure) {
            let scenario = try ScenarioFiles.load(file)
            for media in scenario.mediaFiles where !ScenarioFiles.exists(media.value) {
                Terminal.complain(
                    scenario.warning(
                        "the media file \(media.value) is not there; media is not sent anyway", at: media.place))
            }
            let role = scenario.role == .client ? "places calls" : "answers calls"
            Terminal.print("\(file): \(scenario.steps.count) steps, \(role)")
            if !quiet {
                Terminal.print(text(of: ScenarioFeatures(of: scenario)))
                Terminal.print(Ladder(scenario, name: file).text)
            }
            if let svg { try draw(scenario, file, into: svg) }
        }

        private func text(of features: ScenarioFeatures) -> String {
            var lines = ["  elements    " + features.elements.sorted().joined(separator: ", ")]
            if !features.actions.isEmpty {
                lines.append("  actions     " + features.actions.sorted().joined(separator: ", "))
            }
            if !features.keywords.isEmpty {
                lines.append("  keywords    " + features.keywords.sorted().map { "[\($0)]" }.joined(separator: " "))
            }
            for need in features.needs { lines.append("  needs       \(need)") }
            let idle = features.notCarriedOut.sorted().joined(separator: ", ")
            lines.append(
                idle.isEmpty
                    ? "  everything in it is supported" : "  not carried out: \(idle); everything else is supported")
            return lines.joined(separator: "\n")
        }

        private func draw(_ scenario: Scenario, _ file: String, into path: String) throws(RunFailure) {
            let name = file.split(separator: "/").last.map(String.init) ?? file
            let stem = name.hasSuffix(".xml") ? String(name.dropLast(4)) : name
            let path = path.replacing("%", with: stem)
            var bytes = ByteBuffer(capacity: 1 << 12)
            bytes.append(text: Ladder(scenario, name: name).svg)
            try OutputFile.create(path, holding: bytes)
            Terminal.print("drawn into \(path)")
        }
    }
}
