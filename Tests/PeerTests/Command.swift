import Foundation
import Glibc

/// A program and its arguments, as they would be typed.
struct Command: Sendable {
    var words: [String]
    /// The sentence of what it is for, in the words of a failure.
    var name: String { (words.first as NSString?)?.lastPathComponent ?? "" }

    init(_ words: String...) { self.words = words }
    init(_ words: [String]) { self.words = words }

    /// The program under test lies beside the test bundle, whatever the build directory is.
    static func sipmeter(_ arguments: String...) -> Command { Command([sipmeterPath] + arguments) }

    static let sipmeterPath: String = {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("sipmeter").path
    }()

    func adding(_ arguments: String...) -> Command { Command(words + arguments) }
    func adding(_ arguments: [String]) -> Command { Command(words + arguments) }

    /// The same command, run by another: `ip netns exec NAME …`.
    func run(by prefix: [String]) -> Command { Command(prefix + words) }

    /// Without CAP_NET_RAW, even for root.
    var withoutRawSockets: Command { run(by: Requirement.withoutRawSockets) }
}

/// What a finished program left behind.
struct Finished: Sendable, CustomStringConvertible {
    var status: Int32
    /// The signal it died of.
    var signal: Int32?
    var output: String
    var errors: String
    var took: Duration

    /// Standard error from the first line that is no notice: an unprivileged run says first that it goes untagged.
    var complaint: String {
        errors.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("notice: ") }
            .joined(separator: "\n")
    }

    var description: String {
        "status \(status)\(signal.map { ", signal \($0)" } ?? "") after \(took)\n--- stdout\n\(output)\n--- stderr\n\(errors)"
    }
}

/// A started program. Its output goes to files, so that it never waits for a reader, and can be read while it runs.
final class Running {
    let command: Command
    private let process = Process()
    private let outputPath: String
    private let errorPath: String
    private let begun = ContinuousClock.now

    var pid: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorPath) }

    fileprivate init(_ command: Command, in directory: Scratch, on terminal: ScreenTerminal? = nil) throws {
        self.command = command
        outputPath = directory.fresh("stdout")
        errorPath = directory.fresh("stderr")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command.words
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.standardInput = FileHandle.nullDevice
        let (outputHandle, errorHandle) = (try Self.fileHandle(outputPath), try Self.fileHandle(errorPath))
        process.standardOutput = outputHandle
        process.standardError = errorHandle
        if let terminal { terminal.attach(process) }
        // The program has its own copies; Foundation keeps these, and once a thousand are open, its `Process.run` reads
        // beyond the entries of the directory it finds them in.
        defer {
            try? outputHandle.close()
            try? errorHandle.close()
        }
        try Self.withSignalsDelivered { try process.run() }
    }

    /// Dispatch's threads hold all signals back, a child inherits that, and would never hear of a ^C.
    private static func withSignalsDelivered(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for its end; a program that does not end within `limit` is killed, and that is a failure.
    func finish(within limit: Duration = .seconds(20)) async throws -> Finished {
        try await until("\(command.name) ends", within: limit) { !self.process.isRunning }
        let isSignal = process.terminationReason == .uncaughtSignal
        return Finished(
            status: isSignal ? -1 : process.terminationStatus, signal: isSignal ? process.terminationStatus : nil,
            output: output, errors: errors, took: ContinuousClock.now - begun)
    }

    /// Waits for a condition that this program brings about; it is a failure if it ends before.
    func wait(for what: String, within limit: Duration = .seconds(20), _ condition: () throws -> Bool) async throws {
        try await until("\(command.name): \(what)", within: limit) {
            if try condition() { return true }
            guard self.process.isRunning else {
                throw Unmet("\(self.command.name) ended before \(what)\n\(self.output)\n\(self.errors)")
            }
            return false
        }
    }

    /// Waits until it has `port` open for UDP, in whatever network namespace it lives.
    func waitForPort(_ port: UInt16) async throws {
        try await wait(for: "port \(port)") { UDPPorts.areOpen([port], of: self.pid) }
    }

    /// Waits until somebody listens on `port` for connections.
    func waitForListener(_ port: UInt16) async throws {
        try await wait(for: "a listener on port \(port)") { TCPPorts.isListening(port, of: self.pid) }
    }

    /// Asks for its end, and sees to it. A server takes its children along.
    fileprivate func end() {
        guard process.isRunning else { return }
        send(SIGTERM)
        for _ in 0..<200 where process.isRunning { usleep(10_000) }
        guard process.isRunning else { return }
        // Its own group, made when it was started: nobody else's processes.
        kill(getpgid(pid) == pid ? -pid : pid, SIGKILL)
        process.waitUntilExit()
    }

    private static func fileHandle(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Unmet("cannot write \(path)") }
        return handle
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// Something a test waited for did not come.
struct Unmet: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Looks until `condition` holds.
func until(_ what: String, within limit: Duration, _ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw Unmet("\(limit) went by and not: \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// A directory of one test's own, gone with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/sipmeter-peers-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Unmet("no directory for a test: \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // A program that gave up being root must get in.
        chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { path + "/" + name }

    /// A name nothing has yet.
    func fresh(_ stem: String) -> String { path("\(stem)-\(UUID().uuidString)") }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    // MARK: programs

    /// Runs a program from start to end.
    func run(_ command: Command, within limit: Duration = .seconds(20)) async throws -> Finished {
        try await during(command) { try await $0.finish(within: limit) }
    }

    /// Starts a program, and ends it when `body` is done with it.
    func during<R: Sendable>(
        _ command: Command, on terminal: ScreenTerminal? = nil, _ body: (Running) async throws -> R
    ) async throws -> R {
        let running = try Running(command, in: self, on: terminal)
        defer { running.end() }
        return try await body(running)
    }
}
