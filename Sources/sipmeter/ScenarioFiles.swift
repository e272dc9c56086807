import Glibc
import LoadRun
import PosixPatterns
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
            Standard(name: "register", summary: "REGISTER, 200", text: StandardScenarios.register),
            Standard(
                name: "register-auth", summary: "REGISTER, 401, REGISTER with credentials, 200",
                text: StandardScenarios.registerAuth),
            Standard(name: "options", summary: "OPTIONS, 200: is anybody there", text: StandardScenarios.options),
            Standard(name: "message", summary: "MESSAGE, 200 or 202", text: StandardScenarios.message),
            Standard(
                name: "invite-auth", summary: "a call whose INVITE is challenged by 407",
                text: StandardScenarios.inviteAuth),
            Standard(name: "cancel", summary: "a call cancelled while it rings: 487", text: StandardScenarios.cancel),
            Standard(
                name: "reinvite", summary: "a call put on hold by a second INVITE", text: StandardScenarios.reinvite),
            Standard(
                name: "redirect", summary: "a call that 302 sends to another URI", text: StandardScenarios.redirect),
            Standard(
                name: "busy", summary: "a call that is refused: 486 is what it wants", text: StandardScenarios.busy),
            Standard(
                name: "uas-early", summary: "answers: 100, 180, 183 with early media, 200",
                text: StandardScenarios.uasEarly),
            Standard(
                name: "b-leg", summary: "answers behind a server: re-INVITE, UPDATE, INFO, OPTIONS in mid-call",
                text: StandardScenarios.bLeg),
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
            let scenario = try ScenarioReader.read(bytes, name: given, patterns: PosixPatterns())
            for warning in scenario.warnings { Terminal.complain(warning.description) }
            return scenario
        } catch {
            throw RunFailure(error)
        }
    }

    /// An injection file, errors as they are to be shown.
    static func injection(_ path: String) throws(RunFailure) -> Injection {
        guard let bytes = contents(path) else {
            throw RunFailure(
                .badScenario, "cannot read the injection file \(path): \(String(cString: strerror(errno)))")
        }
        do throws(ScenarioError) { return try Injection.read(bytes, name: path) } catch { throw RunFailure(error) }
    }

    /// Injection files in their order, with the columns by which `lookup` finds lines.
    /// - Parameter option: how an index is asked for, in the words of a failure.
    static func injections(
        _ paths: [String], indices: [(file: String, column: Int)], option: String
    ) throws(RunFailure) -> [Injection] {
        var read: [Injection] = []
        for path in paths { read.append(try injection(path)) }
        for (file, column) in indices {
            guard let index = read.firstIndex(where: { $0.name == file }) else {
                throw RunFailure(.usage, "\(option) \(file): no injection file is called so")
            }
            guard column < read[index].columnCount else {
                throw RunFailure(
                    .usage,
                    "\(option) \(file), column \(column): it has \(read[index].columnCount) columns, counted from 0")
            }
            read[index].index(column: column)
        }
        return read
    }

    /// Those of the files that can be read; what is missing is said with its place in the scenario.
    static func contents(of paths: [String]) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for path in paths { found[path] = contents(path) }
        return found
    }

    static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

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
