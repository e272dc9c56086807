import CBPF
import Datagrams

/// A process that has the server's socket open.
package struct ServerProcess: Sendable, Equatable {
    package var id: UInt32
    package var command: String

    package init(id: UInt32, command: String) {
        self.id = id
        self.command = command
    }

    /// The process of this number. Nil where there is none.
    package init?(id: UInt32) {
        guard let name = ProcFile.text("/proc/\(id)/comm")?.split(separator: "\n").first else { return nil }
        self.init(id: id, command: String(name))
    }

    package var networkNamespace: UInt32? { LocalServer.namespace(of: "\(id)") }

    /// Its threads, as trace files name them.
    var threads: [(thread: UInt32, process: UInt32, command: String)] {
        ProcFile.numbers(in: "/proc/\(id)/task").map { thread in
            (
                thread, id,
                ProcFile.text("/proc/\(id)/task/\(thread)/comm")?.split(separator: "\n").first.map(String.init) ?? ""
            )
        }
    }

    /// Threads that stand in a receive already: their entering will not be seen, so that the text of the first message they
    /// receive could not be found. Needs the right to trace them (CAP_SYS_PTRACE for other users'); without it the first
    /// message is placed by its order.
    func callsInProgress() -> [(thread: UInt32, call: probe_call)] {
        ProcFile.numbers(in: "/proc/\(id)/task").compactMap { thread in
            guard let text = ProcFile.text("/proc/\(id)/task/\(thread)/syscall") else { return nil }
            return Self.receive(in: text).map { (thread, $0) }
        }
    }

    /// `45 0x3 0x7ffd1c 0x2000 …`: the number of the call, then its arguments.
    static func receive(in text: String) -> probe_call? {
        let fields = text.split(separator: " ")
        guard fields.count > 2, let number = UInt32(fields[0]), fields[2].hasPrefix("0x"),
            let argument = UInt64(fields[2].dropFirst(2), radix: 16)
        else { return nil }
        let calls = SystemCallNumbers.here
        var call = probe_call()
        call.argument = argument
        switch number {
        case calls.recvfrom: call.kind = PROBE_CALL_BUFFER.rawValue
        case calls.recvmsg: call.kind = PROBE_CALL_MESSAGE.rawValue
        case calls.recvmmsg: call.kind = PROBE_CALL_MESSAGES.rawValue
        case _: return nil
        }
        return call
    }
}

/// A server on this machine: whoever has its port open, in whichever network namespace.
package struct LocalServer: Sendable, Equatable {
    package var processes: [ServerProcess]
    /// Inode of its network namespace.
    package var networkNamespace: UInt32
    /// It is not the one sipmeter runs in.
    package var isElsewhere: Bool
    /// Where all its sockets are bound to one address, that address without a port.
    package var address: SocketAddress?

    package init(processes: [ServerProcess], networkNamespace: UInt32, address: SocketAddress? = nil) {
        self.processes = processes
        self.networkNamespace = networkNamespace
        self.address = address
        isElsewhere = networkNamespace != Self.ownNamespace
    }

    /// `kamailio (2 processes: 4711, 4712)`
    package var name: String {
        let names = Set(processes.map(\.command)).sorted().joined(separator: ", ")
        let numbers = processes.prefix(4).map { "\($0.id)" }.joined(separator: ", ")
        let more = processes.count > 4 ? ", ..." : ""
        let what = processes.count == 1 ? "process" : "\(processes.count) processes:"
        return "\(names) (\(what) \(numbers)\(more))\(isElsewhere ? " in another network namespace" : "")"
    }

    package struct Search: Sendable {
        package var servers: [LocalServer] = []
        /// The port is open, and whose it is cannot be seen: other users' descriptors need root or CAP_SYS_PTRACE.
        package var hasHiddenOwner = false
    }

    /// Who on this machine has `port` open, behind `address` where one is given.
    ///
    /// Its own namespace is looked at first, then every other one in which some process lives: a container's or one made by
    /// `ip netns`. Where a socket is bound to all addresses, its namespace must have the address itself.
    package static func find(port: UInt16, address: SocketAddress?) -> Search {
        var seen: Set<UInt32> = []
        var search = Search()
        for process in ["self"] + ProcFile.numbers(in: "/proc").map({ "\($0)" }) {
            guard let namespace = namespace(of: process), seen.insert(namespace).inserted else { continue }
            let sockets = sockets(of: process, port, at: address)
            if sockets.isEmpty { continue }
            let found = servers(with: sockets, namespace)
            if found.isEmpty { search.hasHiddenOwner = true }
            search.servers += found
            // Loopback is each namespace's own.
            if address?.isLoopback == true { break }
        }
        return search
    }

    /// Of those who share no process each is a server of its own: a proxy and its next hop, at two addresses of one machine.
    private static func servers(with sockets: [SocketTable.Entry], _ namespace: UInt32) -> [LocalServer] {
        var groups: [(sockets: [SocketTable.Entry], processes: [ServerProcess])] = []
        for address in Set(sockets.map(\.address)) {
            var own = sockets.filter { $0.address == address }
            var processes = owners(of: Set(own.map(\.inode)))
            if processes.isEmpty { continue }
            for group in groups where group.processes.contains(where: processes.contains) {
                own += group.sockets
                processes += group.processes.filter { !processes.contains($0) }
            }
            groups.removeAll { $0.processes.contains(where: processes.contains) }
            groups.append((own, processes))
        }
        return groups.map { sockets, processes in
            LocalServer(
                processes: processes.sorted { $0.id < $1.id }, networkNamespace: namespace,
                address: SocketTable.commonAddress(sockets))
        }.sorted { $0.processes[0].id < $1.processes[0].id }
    }

    /// `net:[4026531840]`
    static func namespace(of process: String) -> UInt32? {
        guard let link = ProcFile.link("/proc/\(process)/ns/net") else { return nil }
        return UInt32(link.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" })
    }

    package static var ownNamespace: UInt32? { namespace(of: "self") }

    private static func sockets(
        of process: String, _ port: UInt16, at address: SocketAddress?
    ) -> [SocketTable.Entry] {
        let tables = address?.family == .ipv6 ? ["udp6"] : ["udp", "udp6"]
        let sockets = tables.flatMap { SocketTable.parse(ProcFile.text("/proc/\(process)/net/\($0)") ?? "") }
            .filter { $0.port == port }
        guard let address else { return sockets }
        return SocketTable.receiving(at: address, hasAddress(process, address), of: sockets)
    }

    private static func hasAddress(_ process: String, _ address: SocketAddress) -> Bool {
        if address.isLoopback { return true }
        switch address.family {
        case .ipv4:
            return SocketTable.localAddresses(ofTrie: ProcFile.text("/proc/\(process)/net/fib_trie") ?? "")
                .contains(address.host)
        case .ipv6:
            let text = ProcFile.text("/proc/\(process)/net/if_inet6") ?? ""
            return SocketTable.localAddresses(ofInet6: text).contains(address.withPort(0))
        }
    }

    private static func owners(of inodes: Set<UInt64>) -> [ServerProcess] {
        let wanted = Set(inodes.map { "socket:[\($0)]" })
        return ProcFile.numbers(in: "/proc").compactMap { process in
            let has = ProcFile.numbers(in: "/proc/\(process)/fd").contains {
                ProcFile.link("/proc/\(process)/fd/\($0)").map(wanted.contains) ?? false
            }
            guard has else { return nil }
            let name = ProcFile.text("/proc/\(process)/comm")?.split(separator: "\n").first.map(String.init) ?? ""
            return ServerProcess(id: process, command: name)
        }
    }
}

/// The kernel's tables of sockets and addresses, as text.
enum SocketTable {
    struct Entry: Equatable {
        /// Without its port.
        var address: SocketAddress
        var port: UInt16
        var inode: UInt64
        var isAny: Bool
    }

    /// `/proc/net/udp` and `udp6`: `  12: 0100007F:13C4 00000000:0000 07 … 0 0 INODE …`.
    static func parse(_ text: String) -> [Entry] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, let inode = UInt64(fields[9]) else { return nil }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, let port = UInt16(local[1], radix: 16), let address = address(local[0]) else {
                return nil
            }
            return Entry(address: address, port: port, inode: inode, isAny: local[0].allSatisfy { $0 == "0" })
        }
    }

    /// Those a datagram to this address comes to: bound to it, else to all of its family, else to all of both.
    static func receiving(at address: SocketAddress, _ isLocal: Bool, of sockets: [Entry]) -> [Entry] {
        let exact = sockets.filter { $0.address == address.withPort(0) }
        if !exact.isEmpty || !isLocal { return exact }
        let all = sockets.filter(\.isAny)
        let own = all.filter { $0.address.family == address.family }
        return own.isEmpty ? all : own
    }

    /// Nil where one of them is bound to all addresses, or they are bound to several.
    static func commonAddress(_ sockets: [Entry]) -> SocketAddress? {
        guard let first = sockets.first, sockets.allSatisfy({ !$0.isAny && $0.address == first.address }) else {
            return nil
        }
        return first.address
    }

    /// Words of four bytes, each as the processor has it: little endian.
    private static func address(_ digits: Substring) -> SocketAddress? {
        let words = stride(from: 0, to: digits.count, by: 8).map { at in
            UInt32(digits.dropFirst(at).prefix(8), radix: 16)?.byteSwapped
        }
        if words.count == 1, let word = words[0] { return SocketAddress(ipv4: word, port: 0) }
        guard words.count == 4, let a = words[0], let b = words[1], let c = words[2], let d = words[3] else {
            return nil
        }
        return SocketAddress(
            ipv6High: UInt64(a) << 32 | UInt64(b), low: UInt64(c) << 32 | UInt64(d), port: 0)
    }

    /// `/proc/net/fib_trie`: an address of the namespace's own stands in the line before `/32 host LOCAL`.
    static func localAddresses(ofTrie text: String) -> Set<String> {
        var found: Set<String> = []
        var last = ""
        for line in text.split(separator: "\n") {
            if line.contains("/32 host LOCAL") { found.insert(last) }
            if line.contains("|-- ") { last = line.split(separator: " ").last.map(String.init) ?? "" }
        }
        return found
    }

    /// `/proc/net/if_inet6`: 32 hexadecimal digits, then the interface.
    static func localAddresses(ofInet6 text: String) -> Set<SocketAddress> {
        Set(
            text.split(separator: "\n").compactMap { line in
                let digits = line.prefix(32)
                guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.dropFirst(16), radix: 16)
                else { return nil }
                return SocketAddress(ipv6High: high, low: low, port: 0)
            })
    }
}
