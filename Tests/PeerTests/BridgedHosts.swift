import Glibc

/// Two network namespaces joined by a bridge in a third: a path with three places to listen.
struct BridgedHosts {
    let client = "sm-bclient-\(getpid())"
    let bridge = "sm-bridge-\(getpid())"
    let server = "sm-bserver-\(getpid())"
    /// TEST-NET-2 (RFC 5737).
    let clientAddress = "198.51.100.1"
    let serverAddress = "198.51.100.2"
    let bridgeAddress = "198.51.100.3"
    /// The bridge's end of the server's cable.
    let serverPort = "port2"

    var onClient: [String] { ["ip", "netns", "exec", client] }
    var onBridge: [String] { ["ip", "netns", "exec", bridge] }
    var onServer: [String] { ["ip", "netns", "exec", server] }

    static func during<R: Sendable>(in scratch: Scratch, _ body: (BridgedHosts) async throws -> R) async throws -> R {
        let hosts = BridgedHosts()
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
        var commands = [client, bridge, server].flatMap { ["netns add \($0)", "-n \($0) link set lo up"] }
        commands += [
            "-n \(bridge) link add bridge0 type bridge", "-n \(bridge) link set bridge0 up",
            "-n \(bridge) addr add \(bridgeAddress)/24 dev bridge0",
        ]
        for (host, address, port) in [(client, clientAddress, "port1"), (server, serverAddress, serverPort)] {
            commands += [
                "-n \(host) link add cable0 type veth peer name \(port) netns \(bridge)",
                "-n \(bridge) link set \(port) master bridge0", "-n \(bridge) link set \(port) up",
                "-n \(host) addr add \(address)/24 dev cable0", "-n \(host) link set cable0 up",
            ]
        }
        for command in commands { try await ip(command, in: scratch) }
    }

    /// The cables go with their ends.
    private func remove(in scratch: Scratch) async throws {
        for host in [client, server, bridge] { try await ip("netns del \(host)", in: scratch) }
    }

    private func ip(_ arguments: String, in scratch: Scratch) async throws {
        let finished = try await scratch.run(Command(["ip"] + arguments.split(separator: " ").map(String.init)))
        if finished.status != 0 { throw Unmet("ip \(arguments): \(finished)") }
    }
}
