import Glibc

/// Two network namespaces with a cable between them: as good as two machines for what IP and UDP do.
struct TwoHosts {
    let client = "sm-client-\(getpid())"
    let server = "sm-server-\(getpid())"
    /// TEST-NET-1 (RFC 5737).
    let clientAddress = "192.0.2.1"
    let serverAddress = "192.0.2.2"
    let clientInterface = "cable0"

    var onClient: [String] { ["ip", "netns", "exec", client] }
    var onServer: [String] { ["ip", "netns", "exec", server] }

    static func during<R: Sendable>(in scratch: Scratch, _ body: (TwoHosts) async throws -> R) async throws -> R {
        let hosts = TwoHosts()
        do {
            try await hosts.make(in: scratch)
            let result = try await body(hosts)
            try await hosts.remove(in: scratch)
            return result
        } catch {
            try? await hosts.remove(in: scratch)
            throw error
        }
    }

    private func make(in scratch: Scratch) async throws {
        let commands = [
            "netns add \(client)", "netns add \(server)",
            "-n \(client) link add \(clientInterface) type veth peer name cable1 netns \(server)",
            "-n \(client) addr add \(clientAddress)/24 dev \(clientInterface)",
            "-n \(server) addr add \(serverAddress)/24 dev cable1",
            "-n \(client) link set lo up", "-n \(server) link set lo up",
            "-n \(client) link set \(clientInterface) up", "-n \(server) link set cable1 up",
        ]
        for command in commands { try await ip(command, in: scratch) }
    }

    /// The cable goes with its ends.
    private func remove(in scratch: Scratch) async throws {
        try await ip("netns del \(client)", in: scratch)
        try await ip("netns del \(server)", in: scratch)
    }

    private func ip(_ arguments: String, in scratch: Scratch) async throws {
        let finished = try await scratch.run(Command(["ip"] + arguments.split(separator: " ").map(String.init)))
        if finished.status != 0 { throw Unmet("ip \(arguments): \(finished)") }
    }
}
