import Glibc

/// Two network namespaces with a cable between them: as good as two machines for what IP and UDP do.
struct TwoHosts: NamespacedHosts {
    let client = "sm-client-\(getpid())"
    let server = "sm-server-\(getpid())"
    /// TEST-NET-1 (RFC 5737).
    let clientAddress = "192.0.2.1"
    let serverAddress = "192.0.2.2"
    let clientInterface = "cable0"
    let serverInterface = "cable1"

    var onClient: [String] { Self.inside(client) }
    var onServer: [String] { Self.inside(server) }

    var names: [String] { [client, server] }
    var commands: [String] {
        [
            "netns add \(client)", "netns add \(server)",
            "-n \(client) link add \(clientInterface) type veth peer name \(serverInterface) netns \(server)",
            "-n \(client) addr add \(clientAddress)/24 dev \(clientInterface)",
            "-n \(server) addr add \(serverAddress)/24 dev \(serverInterface)",
            "-n \(client) link set lo up", "-n \(server) link set lo up",
            "-n \(client) link set \(clientInterface) up", "-n \(server) link set \(serverInterface) up",
        ]
    }
}
