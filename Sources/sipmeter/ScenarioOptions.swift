import ArgumentParser
import LoadRun
import Scenarios

/// What a scenario is given from outside: values, files, permission. `run`, `sweep` and `answer` share them.
struct ScenarioOptions: ParsableArguments {
    @Option(
        name: .customLong("key"), parsing: .singleValue,
        help: "NAME=VALUE for a keyword [NAME] of the scenario; may be given several times.")
    var keys: [String] = []

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "NAME=VALUE for a global variable of the scenario; may be given several times.")
    var globals: [String] = []

    @Option(
        name: .customLong("inf"), parsing: .singleValue,
        help:
            "A file of values for the calls, as SIPp's -inf; may be given several times, the first is the default of [field0].",
        completion: .file(extensions: ["csv"])
    )
    var injections: [String] = []

    @Option(
        name: .customLong("infindex"), parsing: .singleValue,
        help: "FILE,COLUMN: the action lookup finds lines of FILE by this column, counted from 0.")
    var indices: [String] = []

    @Option(help: "User of [authentication]. (default: the target's user)")
    var authUser: String?

    @Option(help: "Password of [authentication].")
    var authPassword = "password"

    @Option(
        name: .customLong("auth-uri"),
        help: "URI that [authentication] hashes and shows. (default: sip: with the target's address and port)")
    var authURI: String?

    @Flag(help: "Let the scenario run commands on this machine (exec command). Read the scenario first.")
    var allowExec = false

    func validate() throws {
        for key in keys where !key.contains("=") { throw ValidationError("--key \(key): it takes NAME=VALUE") }
        for global in globals where !global.contains("=") {
            throw ValidationError("--set \(global): it takes NAME=VALUE")
        }
    }

    var keyValues: [String: String] {
        var values: [String: String] = [:]
        for (name, value) in keys.map(Self.pair) { values[name] = value }
        return values
    }

    var globalValues: [(name: String, text: String)] { globals.map(Self.pair) }

    private static func pair(_ text: String) -> (name: String, text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
    }

    func readInjections() throws(RunFailure) -> [Injection] {
        var columns: [(file: String, column: Int)] = []
        for text in indices {
            let parts = text.split(separator: ",")
            guard parts.count == 2, let column = Int(parts[1]), column >= 0, injections.contains(String(parts[0]))
            else {
                throw RunFailure(
                    .usage, "--infindex \(text): it takes FILE,COLUMN with a FILE that --inf names, as in users.csv,0")
            }
            columns.append((String(parts[0]), column))
        }
        return try ScenarioFiles.injections(injections, indices: columns, option: "--infindex")
    }

    /// What the scenario is compiled with.
    func fill(_ constants: inout RunConstants, for scenario: Scenario) throws(RunFailure) {
        constants.keys = keyValues
        constants.globals = globalValues
        constants.injections = try readInjections()
        constants.files = ScenarioFiles.contents(of: scenario.shownFiles)
        constants.allowsCommands = allowExec
        constants.username = authUser
        constants.password = authPassword
        constants.digestURI = authURI
    }

    /// A command line as it may be kept: a run's directory is passed on, and no password with it.
    static func withoutPassword(_ words: [String]) -> [String] {
        let option = "--auth-password"
        return words.enumerated().map { place, word in
            if place > 0, words[place - 1] == option { return "***" }
            return word.hasPrefix(option + "=") ? option + "=***" : word
        }
    }
}
