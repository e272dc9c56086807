import Datagrams
import Glibc
import LoadRun
import UDPTransport

/// `sipmeter answer` as a process of its own: the built-in target in the form that probes can tell from the caller.
struct BuiltInServer: ~Copyable {
    let address: SocketAddress
    private let process: pid_t

    /// Starts it on a free port of loopback, and waits until it listens.
    init(capacity: String, seed: UInt64) throws(RunFailure) {
        (process, address) = try Self.start(capacity: capacity, seed: seed)
    }

    private static func start(capacity: String, seed: UInt64) throws(RunFailure) -> (pid_t, SocketAddress) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure(errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let started = spawn(
            [
                "sipmeter", "answer", "--listen", "127.0.0.1:0", "--capacity", capacity, "--seed", "\(seed)", "--quiet",
                "--end-with-parent",
            ], output: ends[1])
        close(ends[1])
        let process: pid_t
        switch started {
        case .success(let number): process = number
        case .failure(let error): throw failure(error.errno)
        }
        let line = firstLine(from: ends[0])
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "on"), at + 1 < words.count,
            let address = NameResolution.numeric(String(words[at + 1]), defaultPort: 5060)
        else {
            kill(process, SIGKILL)
            throw RunFailure(.unreachable, "the built-in server did not start: \(line.isEmpty ? "no answer" : line)")
        }
        return (process, address)
    }

    deinit {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    private struct SpawnError: Error { var errno: Int32 }

    private static func spawn(_ words: [String], output: Int32) -> Result<pid_t, SpawnError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // ^C is for the one who measures: the server goes on until it is told to end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let result = posix_spawn(&process, ThisMachine.program, &actions, &attributes, &arguments, environ)
        return result == 0 ? .success(process) : .failure(SpawnError(errno: result))
    }

    /// Its first line, which it prints when it listens.
    private static func firstLine(from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < 4096, read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func failure(_ error: Int32) -> RunFailure {
        RunFailure(.unreachable, "the built-in server did not start: \(SystemError.text(of: error))")
    }
}
