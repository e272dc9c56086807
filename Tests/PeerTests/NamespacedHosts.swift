/// Network namespaces joined by cables: as good as several machines for what IP and UDP do.
protocol NamespacedHosts: Sendable {
    init()
    /// The namespaces. The cables go with their ends.
    var names: [String] { get }
    /// `ip` commands that make them and join them.
    var commands: [String] { get }
}

extension NamespacedHosts {
    static func during<R: Sendable>(in scratch: Scratch, _ body: (Self) async throws -> R) async throws -> R {
        let hosts = Self()
        do {
            for command in hosts.commands { try await ip(command, in: scratch) }
            let result = try await body(hosts)
            try await hosts.remove(in: scratch)
            return result
        } catch {
            try? await hosts.remove(in: scratch)
            throw error
        }
    }

    private func remove(in scratch: Scratch) async throws {
        for name in names { try await Self.ip("netns del \(name)", in: scratch) }
    }

    private static func ip(_ arguments: String, in scratch: Scratch) async throws {
        let finished = try await scratch.run(Command(["ip"] + arguments.split(separator: " ").map(String.init)))
        if finished.status != 0 { throw Unmet("ip \(arguments): \(finished)") }
    }

    static func inside(_ name: String) -> [String] { ["ip", "netns", "exec", name] }
}
