import Glibc
import LoadRun
import Scenarios
import StandardScenarios

/// Scenario files by path, or by the name of a standard one.
enum ScenarioFiles {
    struct Standard {
        let name: String
        let summary: String
        let text: [UInt8]
    }

    static var standard: [Standard] {
        [
            Standard(
                name: "uac", summary: "calls: INVITE, 100, 180, 200, ACK, hold, BYE, 200", text: StandardScenarios.uac),
            Standard(name: "uas", summary: "answers: 180, 200, then 200 to the BYE", text: StandardScenarios.uas),
        ]
    }

    static func name(_ given: String) -> String { given }

    static func text(_ given: String) throws(RunFailure) -> [UInt8] {
        if let found = standard.first(where: { $0.name == given }) { return found.text }
        guard let bytes = contents(given) else {
            let error = String(cString: strerror(errno))
            let names = standard.map(\.name).joined(separator: ", ")
            throw RunFailure(
                .badScenario, "cannot read the scenario \(given): \(error); a file is wanted, or one of: \(names)")
        }
        return bytes
    }

    /// Warnings go to standard error, errors are thrown as they are to be shown.
    static func load(_ given: String) throws(RunFailure) -> Scenario {
        let bytes = try text(given)
        do throws(ScenarioError) {
            let scenario = try ScenarioReader.read(bytes, name: given)
            for warning in scenario.warnings { Terminal.complain(warning.description) }
            return scenario
        } catch {
            throw RunFailure(error)
        }
    }

    /// Nil, with errno set, where it cannot be read.
    static func contents(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        // A directory opens and cannot be read.
        return ferror(file) == 0 ? bytes : nil
    }
}
