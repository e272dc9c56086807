import Datagrams
import KernelTrace
import LoadRun

/// The server to be watched, found on this machine by its port.
enum ServerSearch {
    /// - Parameters:
    ///   - address: nil: whatever address it listens on.
    ///   - processes: further ones of the server's; where no process has the port open, these alone.
    static func find(
        port: UInt16, address: SocketAddress?, adding processes: [UInt32]
    ) throws(RunFailure) -> LocalServer {
        let added = try named(processes)
        let search = LocalServer.find(port: port, address: address)
        guard var server = search.servers.first else {
            if let first = added.first, let namespace = first.networkNamespace {
                return LocalServer(processes: added, networkNamespace: namespace)
            }
            throw search.hasHiddenOwner ? hidden(port) : absent(port, address)
        }
        if search.servers.count > 1 { throw ambiguous(port, search.servers) }
        server.processes += added.filter { !server.processes.contains($0) }
        return server
    }

    private static func named(_ processes: [UInt32]) throws(RunFailure) -> [ServerProcess] {
        var found: [ServerProcess] = []
        for id in processes {
            guard let process = ServerProcess(id: id) else {
                throw RunFailure(.usage, "--pid \(id): there is no such process")
            }
            found.append(process)
        }
        return found
    }

    private static func hidden(_ port: UInt16) -> RunFailure {
        RunFailure(
            .missingPrivilege,
            "UDP port \(port) is open on this machine, and whose it is cannot be seen: run as root, or grant "
                + "CAP_SYS_PTRACE with the others: \(ProbeAccess.grant)")
    }

    private static func absent(_ port: UInt16, _ address: SocketAddress?) -> RunFailure {
        let place = address.map { " for \($0.host)" } ?? ""
        return RunFailure(
            .unreachable,
            "no process of this machine has UDP port \(port) open\(place): explain watches a server from inside its own "
                + "kernel. On the server's machine: sipmeter explain --watch \(port) --record guest.trace")
    }

    private static func ambiguous(_ port: UInt16, _ servers: [LocalServer]) -> RunFailure {
        RunFailure(
            .usage,
            "UDP port \(port) is that of \(servers.count) servers on this machine ("
                + servers.map(\.name).joined(separator: "; ")
                + "): name the address too, as in --watch 192.0.2.2:\(port)")
    }
}
