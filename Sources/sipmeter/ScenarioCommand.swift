import ArgumentParser
import LoadRun
import Scenarios

struct ScenarioCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario", abstract: "Scenario files: list, show or check them.",
        subcommands: [List.self, Show.self, Check.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The standard scenarios.")
        func run() {
            for scenario in ScenarioFiles.standard { Terminal.print("\(scenario.name)  \(scenario.summary)") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints a scenario file, to be changed and run.")
        @Argument(help: "Name of a standard scenario.") var name: String
        func run() throws {
            try Session.main {
                Terminal.print(String(decoding: try ScenarioFiles.text(name), as: UTF8.self))
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads scenario files and says what is wrong with them.")
        @Argument(help: "Scenario files.") var files: [String]
        func run() throws {
            try Session.main {
                for file in files {
                    let scenario = try ScenarioFiles.load(file)
                    let role = scenario.role == .client ? "places calls" : "answers calls"
                    Terminal.print("\(file): \(scenario.steps.count) steps, \(role)")
                }
            }
        }
    }
}
