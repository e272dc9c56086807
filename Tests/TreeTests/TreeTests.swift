import Foundation
import Testing

/// What is yes or no about the source tree. Length and taste stay with reviewers.
@Suite struct TreeTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func swiftFiles(in folder: String) throws -> [(path: String, text: String)] {
        let base = root.appending(path: folder)
        let found = try #require(FileManager.default.enumerator(atPath: base.path))
        return try found.compactMap { entry in
            guard let name = entry as? String, name.hasSuffix(".swift") else { return nil }
            return (folder + "/" + name, try String(contentsOf: base.appending(path: name), encoding: .utf8))
        }
    }

    @Test(arguments: [
        "Datagrams", "Observations", "SIP", "Scenarios", "UserAgent", "Latency", "MachineReport", "Reports",
        "LiveView",
        "Comparison",
        "Configuration",
        "Captures", "Breakdown", "Authentication", "SippMode", "MaximumSearch",
    ])
    func aPureModuleKnowsNoSocketAndNoClock(module: String) throws {
        let forbidden = [
            "Glibc", "Foundation", "Dispatch", "CLinuxNet", "COpenSSL", "CPcap", "CBPF", "UDPTransport",
            "StreamTransport", "PacketCapture", "KernelTrace", "LoadRun",
        ]
        let files = try Self.swiftFiles(in: "Sources/\(module)")
        #expect(!files.isEmpty)
        for file in files {
            for line in file.text.split(separator: "\n") where line.hasPrefix("import ") || line.contains(" import ") {
                let name = line.split(separator: " ").last.map(String.init) ?? ""
                #expect(!forbidden.contains(name), "\(file.path) imports \(name)")
            }
        }
    }

    @Test func theEngineKnowsNoRecorderAndTheRecorderNoEngine() throws {
        for file in try Self.swiftFiles(in: "Sources/UserAgent") {
            #expect(!file.text.contains("import Latency") && !file.text.contains("import Reports"), "\(file.path)")
        }
        for file in try Self.swiftFiles(in: "Sources/Latency") {
            #expect(!file.text.contains("import UserAgent") && !file.text.contains("import SIP"), "\(file.path)")
        }
    }

    @Test func everyScenarioFileIsEmbeddedAndRunByATest() throws {
        let folder = Self.root.appending(path: "scenarios")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".xml") }
        #expect(!names.isEmpty)
        let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
        let tests = try Self.swiftFiles(in: "Tests/UserAgentTests").map(\.text).joined()
        for name in names {
            #expect(manifest.contains("\"\(name)\""), "\(name) is not embedded")
            // `register-auth.xml` is `StandardScenarios.registerAuth`.
            let words = name.dropLast(4).split(separator: "-")
            let identifier = words.dropFirst().reduce(String(words[0])) { $0 + $1.capitalized }
            #expect(tests.contains("StandardScenarios.\(identifier)"), "no test runs \(name)")
        }
    }

    /// With what a file and the environment add: a record tells how to repeat a run.
    @Test func aRecordTellsTheEffectiveCommandLine() throws {
        for file in try Self.swiftFiles(in: "Sources/sipmeter") where file.text.contains("CommandLine.arguments") {
            let isFirst = file.path.hasSuffix("/EffectiveWords.swift") || file.path.hasSuffix("/Sipmeter.swift")
            #expect(isFirst, "\(file.path): EffectiveWords.all says what was meant")
        }
    }

    @Test func onlyTheUnsafeIsUnchecked() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            #expect(!file.text.contains("@unchecked Sendable"), "\(file.path)")
            #expect(!file.text.contains("nonisolated(unsafe)"), "\(file.path)")
        }
    }
}
