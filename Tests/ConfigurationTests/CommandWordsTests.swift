import Testing

@testable import Configuration

@Suite struct CommandWordsTests {
    typealias Option = CommandTree.Option

    static let tree: CommandTree = {
        var join = Option(.option, long: ["join"], isRepeating: true)
        join.takesAllToTheNext = true
        var rest = Option(.positional, valueName: "words", isRepeating: true)
        rest.takesTheRest = true
        let common = [
            Option(.option, long: ["duration"]), Option(.option, long: ["max-concurrent"]),
            Option(.flag, long: ["poisson"]), Option(.flag, long: ["tag"]), Option(.flag, long: ["no-tag"]),
            Option(.option, long: ["threshold"], isRepeating: true),
            Option(.flag, long: ["quiet"], short: ["q"]), Option(.positional, valueName: "target"),
            Option(.flag, long: ["help"], short: ["h"]),
        ]
        return CommandTree(
            "sipmeter",
            commands: [
                CommandTree("run", options: [Option(.option, long: ["rate"], short: ["r"])] + common),
                CommandTree(
                    "sweep", options: [Option(.option, long: ["rates"]), Option(.option, long: ["scenario"])] + common),
                CommandTree("explain", options: [join, Option(.option, long: ["rate"], short: ["r"])] + common),
                CommandTree(
                    "scenario",
                    commands: [
                        CommandTree(
                            "check",
                            options: [
                                Option(.positional, valueName: "files", isRepeating: true),
                                Option(.option, long: ["svg"]),
                            ])
                    ]),
                CommandTree("sipp", options: [rest]),
            ])
    }()

    static func words(
        _ line: String, _ file: String? = nil, _ variables: [String: String] = [:]
    ) throws(ConfigurationError) -> CommandWords {
        let read = try file.map { text throws(ConfigurationError) in
            try ConfigurationFile("run.json5", Array(text.utf8), of: tree)
        }
        return try CommandWords(
            ["sipmeter"] + line.split(separator: " ").map(String.init), of: tree, file: read,
            environment: EnvironmentSettings(variables, of: tree))
    }

    static func line(_ line: String, _ file: String? = nil, _ variables: [String: String] = [:]) throws -> String {
        try words(line, file, variables).words.dropFirst().joined(separator: " ")
    }

    @Test(arguments: [
        ("run", "{ rate: 400 }", "run --rate=400"),
        ("run", "{ rate: 1, run: { rate: 2 } }", "run --rate=2"),
        ("sweep", "{ rate: 1, run: { rate: 2 } }", "sweep"),
        ("sweep", "{ sweep: { rates: [100, 2e2, '300'] } }", "sweep --rates=100,2e2,300"),
        ("run", "{ maxConcurrent: 5 }", "run --max-concurrent=5"),
        ("run", "{ max_concurrent: 5 }", "run --max-concurrent=5"),
        ("run", "{ threshold: ['a', 'b'] }", "run --threshold=a --threshold=b"),
        ("run --threshold c", "{ threshold: ['a', 'b'] }", "run --threshold c"),
        ("run", "{ poisson: true, quiet: false, tag: false }", "run --poisson --no-tag"),
        ("run --tag", "{ tag: false }", "run --tag"),
        ("run --no-tag", "{ tag: true }", "run --no-tag"),
        ("run", "{ noTag: true }", "run --no-tag"),
        ("run", "{ noTag: false, run: { tag: false } }", "run --no-tag"),
        ("run", "{ rate: null }", "run"),
        ("run", "{ target: '192.0.2.5' }", "run 192.0.2.5"),
        ("run 192.0.2.6", "{ target: '192.0.2.5' }", "run 192.0.2.6"),
        ("run -r 5 -q", "{ rate: 1, quiet: true, target: 'a' }", "run a -r 5 -q"),
        ("run -r5", "{ rate: 1 }", "run -r5"),
        ("run -r=5", "{ rate: 1 }", "run -r=5"),
        ("run --rate=5", "{ rate: 1 }", "run --rate=5"),
        ("run --duration 5s -- host", "{ rate: 1, target: 'a' }", "run --duration 5s --rate=1 -- host"),
        ("explain --join a b --rate 3", "{ target: 'x' }", "explain x --join a b --rate 3"),
        ("explain --join a b", "{ rate: 3 }", "explain --join a b --rate=3"),
        ("explain", "{ explain: { join: ['a', 'b'] }, rate: 3 }", "explain --join=a --join=b --rate=3"),
        ("sweep", "{ scenario: 'uas' }", "sweep --scenario=uas"),
        (
            "scenario check", "{ scenario: { check: { svg: 'a.svg', files: ['b', 'c'] } } }",
            "scenario check b c --svg=a.svg"
        ),
        (
            "scenario check d", "{ svg: 'a.svg', scenario: { check: { files: ['b', 'c'] } } }",
            "scenario check d --svg=a.svg"
        ),
        ("sipp -r 5", "{ rate: 1 }", "sipp -r 5"),
        ("help run", "{ rate: 1 }", "help run"),
        ("--version", "{ rate: 1 }", "--version"),
    ])
    func aFileAddsWhatTheCommandLineLeavesOpen(given: String, file: String, effective: String) throws {
        #expect(try Self.line(given, file) == effective)
    }

    @Test(arguments: [
        ("run", ["SIPMETER_RATE": "400"], "run --rate=400"),
        ("run", ["SIPMETER_RATE": "400", "SIPMETER_RUN_RATE": "5"], "run --rate=5"),
        ("explain", ["SIPMETER_RATE": "400", "SIPMETER_RUN_RATE": "5"], "explain --rate=400"),
        ("run --rate 3", ["SIPMETER_RATE": "400"], "run --rate 3"),
        ("run", ["SIPMETER_RATE": "", "RATE": "3"], "run"),
        (
            "run", ["SIPMETER_MAX_CONCURRENT": "9", "SIPMETER_POISSON": "1", "SIPMETER_QUIET": "no"],
            "run --max-concurrent=9 --poisson"
        ),
        ("run", ["SIPMETER_TAG": "off"], "run --no-tag"),
        ("run", ["SIPMETER_TARGET": "a"], "run a"),
        ("run", ["SIPMETER_THRESHOLD": "['a b', \"c\"]"], "run --threshold=a b --threshold=c"),
        ("run", ["SIPMETER_THRESHOLD": "a\nb"], "run --threshold=a --threshold=b"),
        ("scenario check x", ["SIPMETER_SCENARIO_CHECK_SVG": "y"], "scenario check x --svg=y"),
    ])
    func theEnvironmentAddsIt(given: String, variables: [String: String], effective: String) throws {
        #expect(try Self.line(given, nil, variables) == effective)
    }

    @Test func theEnvironmentWinsOverTheFile() throws {
        let file = "{ run: { rate: 1, threshold: ['x'], poisson: true, tag: true, target: 'a' }, duration: '9s' }"
        let variables = [
            "SIPMETER_RATE": "2", "SIPMETER_THRESHOLD": "y", "SIPMETER_POISSON": "0", "SIPMETER_TAG": "0",
            "SIPMETER_TARGET": "b",
        ]
        #expect(try Self.line("run", file, variables) == "run b --rate=2 --no-tag --threshold=y --duration=9s")
    }

    @Test(arguments: [
        ("{ rat: 1 }", "run.json5:1:3: error: no command has an option \"rat\"; did you mean `rate`?"),
        (
            "{\n  run: {\n    durration: '3s' } }",
            "run.json5:3:5: error: run has no option \"durration\"; did you mean `duration`?"
        ),
        ("{ run: { rates: [1] } }", "run.json5:1:10: error: run has no option \"rates\"; did you mean `rate`?"),
        ("{ runn: { rate: 1 } }", "run.json5:1:3: error: there is no command \"runn\"; did you mean `run`?"),
        ("{ rate: { a: 1 } }", "run.json5:1:3: error: rate is an option: it takes a value, not an object"),
        ("{ run: 5 }", "run.json5:1:8: error: run is a command: its options stand in an object, as in run: { … }"),
        ("{ rate: true }", "run.json5:1:9: error: rate takes a value, and true is none"),
        ("{ poisson: 'yes' }", "run.json5:1:12: error: poisson is a flag: it takes true or false, without quotes"),
        ("{ threshold: [['a']] }", "run.json5:1:15: error: a list holds texts and numbers, no other things"),
        (
            "{ maxConcurrent: 1, max_concurrent: 2 }",
            "run.json5:1:21: error: \"max_concurrent\" stands here twice, in two ways of writing it"
        ),
        ("{ help: true }", "run.json5:1:3: error: no command has an option \"help\""),
        ("[1]", "run.json5:1:1: error: a configuration is an object: { rate: 400, run: { … } }"),
        ("{ rate: 30s }", "run.json5:1:9: error: 30s is no number; text with a unit stands in quotes: \"30s\""),
    ])
    func whatIsWrongInAFileIsSaidWithItsPlace(file: String, complaint: String) {
        do throws(ConfigurationError) {
            let words = try Self.words("run", file)
            Issue.record("taken as \(words.words)")
        } catch { #expect(error.description == complaint) }
    }

    @Test(arguments: [
        ("SIPMETER_POISSON", "maybe", "maybe is neither on nor off: a flag takes 1 or 0"),
        ("SIPMETER_THRESHOLD", "[a", "[a is no list of texts: text stands in quotes: write \"a\""),
    ])
    func whatIsWrongInTheEnvironmentNamesTheVariable(name: String, value: String, sentence: String) {
        #expect(throws: ConfigurationError("\(name): error: \(sentence)", isInFile: false)) {
            try Self.words("run", nil, [name: value])
        }
    }

    @Test func aSlipOfTheEnvironmentIsNoticed() {
        let variables = [
            "SIPMETER_RAET": "1", "SIPMETER_REQUIRE_ALL": "1", "SIPMETER_RATE": "1", "SIPMETER_RUN_DURATON": "1",
            "SIPMETER_CONFIG": "x",
        ]
        let slips = EnvironmentSettings(variables, of: Self.tree).slips
        #expect(slips.map(\.name) == ["SIPMETER_RAET", "SIPMETER_RUN_DURATON"])
        #expect(slips.map(\.meant) == ["SIPMETER_RATE", "SIPMETER_RUN_DURATION"])
    }

    @Test(
        arguments: [
            (["sipmeter", "run", "--config", "a", "-q"], "a", ["sipmeter", "run", "-q"]),
            (["sipmeter", "--config=a", "run"], "a", ["sipmeter", "run"]),
            (["sipmeter", "run", "--config", "a", "--config", "b"], "b", ["sipmeter", "run"]),
            (["sipmeter", "run", "--", "--config", "a"], nil, ["sipmeter", "run", "--", "--config", "a"]),
        ] as [([String], String?, [String])])
    func theFilesNameIsTakenOut(words: [String], file: String?, rest: [String]) throws {
        var left = words
        #expect(try CommandWords.takeFile(from: &left) == file)
        #expect(left == rest)
    }

    @Test func aFileWithoutANameIsAnError() {
        for words in [["sipmeter", "run", "--config"], ["sipmeter", "run", "--config", "-q"]] {
            var words = words
            #expect(throws: ConfigurationError.self) { try CommandWords.takeFile(from: &words) }
        }
    }

    @Test func aComplaintFindsItsSetting() throws {
        let words = try Self.words("run --duration 3s", "{\n rate: 'x', maxConcurrent: 7 }", ["SIPMETER_TARGET": "a:b"])
        #expect(
            words.culprit(of: "The value 'x' is invalid for '--rate <rate>': a rate")?.origin.description
                == "run.json5:2:8")
        #expect(
            words.culprit(of: "--users 9 are more than --max-concurrent allows")?.origin.description == "run.json5:2:28"
        )
        #expect(words.culprit(of: "a:b is no target")?.origin.description == "SIPMETER_TARGET")
        #expect(words.culprit(of: "The value '3s' is invalid for '--duration <duration>'") == nil)
    }
}
