import Glibc

/// Two network namespaces joined by a bridge in a third: a path with three places to listen.
struct BridgedHosts: NamespacedHosts {
    let client = "sm-bclient-\(getpid())"
    let bridge = "sm-bridge-\(getpid())"
    let server = "sm-bserver-\(getpid())"
    /// TEST-NET-2 (RFC 5737).
    let clientAddress = "198.51.100.1"
    let serverAddress = "198.51.100.2"
    let bridgeAddress = "198.51.100.3"
    /// The bridge's end of the server's cable.
    let serverPort = "port2"

    var onClient: [String] { Self.inside(client) }
    var onBridge: [String] { Self.inside(bridge) }
    var onServer: [String] { Self.inside(server) }

    var names: [String] { [client, server, bridge] }
    var commands: [String] {
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
        return commands
    }
}
