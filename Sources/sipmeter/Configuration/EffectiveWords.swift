import ArgumentParser
import Configuration
import Glibc
import LoadRun
import Synchronization

/// The words this program goes by: the command line with what `--config` and the environment add.
enum EffectiveWords {
    struct Source: Sendable {
        var tree: CommandTree
        var file: ConfigurationFile?
        var environment: EnvironmentSettings
    }

    private struct Current: Sendable {
        var words: [String]
        var added: CommandWords?
        var source: Source?
    }

    private static let current = Mutex<Current?>(nil)

    /// What a record of the run tells of how it was called.
    static var all: [String] { current.withLock { $0?.words } ?? CommandLine.arguments }

    /// Nil where there is neither a file nor a variable.
    static var source: Source? { current.withLock { $0?.source } }

    /// Puts them together; to be called once, first of all.
    static func prepare() throws(ConfigurationError) {
        var words = CommandLine.arguments
        let environment = variables()
        let path = try CommandWords.takeFile(from: &words) ?? environment[EnvironmentSettings.file]
        guard path != nil || !environment.isEmpty else { return }
        let tree = CommandTree.ofThisProgram()
        let settings = EnvironmentSettings(environment, of: tree)
        for slip in settings.slips {
            Terminal.complain("notice: \(slip.name) sets nothing; did you mean \(slip.meant)?")
        }
        let file = try path.map { path throws(ConfigurationError) in try read(path, tree) }
        let added = try CommandWords(words, of: tree, file: file, environment: settings)
        let source = Source(tree: tree, file: file, environment: settings)
        current.withLock { $0 = Current(words: added.words, added: added, source: source) }
    }

    /// A complaint begins with where what it is about was set, if that was not the command line.
    static func placed(_ complaint: String) -> (text: String, isInFile: Bool) {
        let added = current.withLock { $0?.added }
        guard let culprit = added?.culprit(of: complaint) else { return (complaint, false) }
        return ("\(culprit.origin): \(complaint)", culprit.origin.isFile)
    }

    private static func read(_ path: String, _ tree: CommandTree) throws(ConfigurationError) -> ConfigurationFile {
        guard let bytes = ScenarioFiles.contents(path) else {
            throw ConfigurationError(
                "error: cannot read the configuration \(path): \(String(cString: strerror(errno)))", isInFile: true)
        }
        return try ConfigurationFile(path, bytes, of: tree)
    }

    /// Those of ours that are set.
    private static func variables() -> [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if text.hasPrefix(EnvironmentSettings.prefix), let equals = text.firstIndex(of: "=") {
                let value = String(text[text.index(after: equals)...])
                if !value.isEmpty { variables[String(text[..<equals])] = value }
            }
            next += 1
        }
        return variables
    }
}

/// Of every command. It is taken out before the rest is parsed: see `EffectiveWords`.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take options from this JSON5 file, as in { rate: 400, run: { hold: \"3s\" } }; the command line wins. The environment sets options too, as in SIPMETER_RATE=400.",
            valueName: "file"), completion: .file(extensions: ["json5", "json"]))
    var config: String?
}
