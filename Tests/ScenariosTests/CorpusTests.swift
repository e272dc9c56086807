import Datagrams
import Foundation
import PosixPatterns
import SIP
import Testing

@testable import Scenarios

/// Every construct of SIPp's language that runs stands in a file of `Corpus`, and every file of it loads.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    static let names: [String] = {
        let found = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (found ?? []).filter { $0.hasSuffix(".xml") }.sorted()
    }()

    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    private static func scenario(_ name: String) throws -> Scenario {
        try ScenarioReader.read(try bytes(name), name: name, patterns: PosixPatterns())
    }

    @Test(arguments: names)
    func aFileOfTheCorpusLoadsAndCompiles(name: String) throws {
        let scenario = try Self.scenario(name)
        var users = try Injection.read(Array("SEQUENTIAL\nann;one;a;\nbob;two;b;\n".utf8), name: "users.csv")
        users.index(column: 0)
        var run = RunConstants(
            remoteHost: "peer.example", remote: .loopback(port: 5060), local: .loopback(port: 5061),
            keys: ["colour": "red"])
        run.injections = [users]
        run.files = ["note.txt": Array("a note".utf8)]
        run.allowsCommands = true
        let program = try scenario.compile(run)
        #expect(!program.instructions.isEmpty)
        #expect(!Ladder(scenario, name: name).rungs.isEmpty)
    }

    /// `element attribute`, `action attribute`, `[keyword]`, and values that are constructs of their own.
    private static var constructs: Set<String> {
        var all: Set<String> = []
        for element in ScenarioVocabulary.TopElement.allCases {
            guard let attributes = element.attributes else { continue }
            all.insert(element.rawValue)
            for name in attributes.keys where ScenarioVocabulary.common[name] == nil {
                // Parameters of distributions are the pause's; a timewait has the same.
                if element != .timewait { all.insert("\(element.rawValue) \(name)") }
            }
        }
        for name in ScenarioVocabulary.common.keys { all.insert("any \(name)") }
        for (action, attributes) in ScenarioVocabulary.actionAttributes {
            all.insert(action)
            for attribute in attributes { all.insert("\(action) \(attribute)") }
        }
        for name in Keyword.Name.allCases where name != .circuit { all.insert("[\(name.rawValue)]") }
        for name in ["last_*", "$variable", "fieldN"] { all.insert("[\(name)]") }
        all.insert("[key]")
        for value in values { all.insert(value) }
        return all
    }

    private static let values =
        [
            "fixed", "uniform", "normal", "lognormal", "exponential", "weibull", "pareto", "gpareto", "gamma", "negbin",
        ].map { "distribution=\"\($0)\"" }
        + Action.Comparison.allCases.map { "compare=\"\($0.rawValue)\"" }
        + DefaultMessage.allCases.map { "id=\"\($0.rawValue)\"" }
        + ["msg", "hdr", "body", "var"].map { "search_in=\"\($0)\"" }
        + ["stop_now", "stop_gracefully", "stop_call"].map { "int_cmd=\"\($0)\"" }
        + ["true", "global"].map { "optional=\"\($0)\"" }
        + [
            "\\x5b", "_unexp.main", "_unexp.retaddr", "_unexp.pausedaddr", "x///[call_id]", "[last_From.value]",
            "retrans=",
        ]

    @Test func everyConstructStandsInAFile() throws {
        var used: Set<String> = []
        for name in Self.names {
            let scenario = try Self.scenario(name)
            let features = ScenarioFeatures(of: scenario)
            used.formUnion(features.elements)
            used.formUnion(features.actions)
            used.formUnion(features.attributes)
            for attribute in features.attributes {
                used.insert("any \(attribute.split(separator: " ").last ?? "")")
            }
            for keyword in features.keywords { used.insert("[\(keyword)]") }
            if !features.keys.isEmpty { used.insert("[key]") }
            let text = String(decoding: try Self.bytes(name), as: UTF8.self)
            for value in Self.values where text.contains(value) { used.insert(value) }
        }
        let missing = Self.constructs.subtracting(used).sorted()
        #expect(missing == [])
        print("corpus: \(Self.constructs.count) constructs of SIPp's scenario language in \(Self.names.count) files")
    }
}
