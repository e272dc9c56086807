import Datagrams
import Glibc
import SIP
import Scenarios
import StreamTransport
import UDPTransport
import UserAgent

/// What a run needs to know of the network before the first call: where to send, from where, tagged or not. Made once,
/// also for all levels of a sweep.
package struct RunSetup: Sendable {
    package internal(set) var options: RunOptions
    package let target: SocketAddress
    /// Where datagrams go instead of there.
    let nextHop: SocketAddress?
    /// How the target is called in what is printed.
    package let targetName: String
    /// The address of every call's source; several only in raw mode. The port is chosen when the socket is bound.
    package let sources: [SocketAddress]
    package let tag: TagOptions?
    /// To be said once, before the run.
    package let notices: [String]
    /// To be said with every result.
    package let notes: [String]

    package var isBuiltIn: Bool { options.target == nil }

    /// Which calls are tagged.
    var tagging: EngineConfiguration.Tagging {
        if tag == nil { return .none }
        return options.untaggedShare.map { .allBut(TagControl(untaggedShare: $0, seed: options.seed)) } ?? .all
    }

    /// Calls with and without the tag are to be compared.
    var comparesTags: Bool { tag != nil && options.untaggedShare != nil }

    package init(_ asked: RunOptions) throws(RunFailure) {
        var options = asked
        if let wanted = options.target {
            target = try Self.resolve(wanted, options.family)
            targetName = wanted.text
            notes = []
        } else {
            target = .loopback(port: 0)
            targetName = "model \(options.capacityName)"
            notes = [Self.modelNote(options.capacityName)]
        }
        var notices: [String]
        if let hop = options.nextHop { nextHop = try Self.resolve(hop, options.family) } else { nextHop = nil }
        sources = try Self.sources(options, towards: nextHop ?? target)
        (tag, notices) = try Self.tagging(options, towards: target)
        if options.transport.sip.isReliable { notices += try Self.checkStream(&options, towards: target) }
        let usable = Self.usableWorkers(options, towards: target)
        if usable < options.workers {
            notices.append(
                "\(usable) of \(options.workers) sending threads: the target is on this host, and with more of them than "
                    + "that it would be left no CPU; --cpu N insists.")
            options.workers = usable
        }
        self.notices = notices
        self.options = options
        if options.transport == .raw { try Self.checkRaw(target) }
    }

    package static func modelNote(_ capacity: String) -> String {
        "This target is a model of a server (\(capacity)), not a server: name one to measure it."
    }

    /// As many sending threads as there are CPUs share each of them with a target on this host, which then answers so late
    /// that all of them together place a quarter fewer calls than one alone. The schedule does not depend on their number.
    private static func usableWorkers(_ options: RunOptions, towards target: SocketAddress) -> Int {
        guard options.cpu == nil, target.isLoopback, let cpus = HostWatch.allowedCPUs() else { return options.workers }
        return min(options.workers, max(cpus.count - 1, 1))
    }

    private static func resolve(
        _ target: RunOptions.Target, _ family: NameResolution.Family
    ) throws(RunFailure) -> SocketAddress {
        do throws(ResolutionError) {
            let found = try NameResolution.resolve(host: target.host, port: target.port, family: family)
            // An empty answer would have been an error of the resolver's.
            return found[0]
        } catch {
            throw RunFailure(.unreachable, "\(error.description); check the name, or give the address itself")
        }
    }

    private static func sources(
        _ options: RunOptions, towards target: SocketAddress
    ) throws(RunFailure) -> [SocketAddress] {
        guard let text = options.sources else {
            do throws(SystemError) {
                return [
                    try NameResolution.localAddress(towards: target.withPort(max(target.port, 9))).withPort(
                        options.localPort)
                ]
            } catch {
                throw RunFailure(.unreachable, "no way to \(target.host): \(error.description)")
            }
        }
        let found: [SocketAddress]
        do throws(ResolutionError) { found = try NameResolution.sourceAddresses(text, port: options.localPort) } catch {
            throw RunFailure(.usage, "--source-ip \(text): \(error.description)")
        }
        if found.count > 1, options.transport != .raw {
            throw RunFailure(
                .usage, "--source-ip \(text) is a range, and only --transport raw sends from more than one address")
        }
        if let first = found.first, first.family != target.family {
            throw RunFailure(
                .usage, "--source-ip \(text) and the target \(target.host) are of different IP versions")
        }
        return found
    }

    /// What datagrams have and streams have not.
    private static func checkStream(
        _ options: inout RunOptions, towards target: SocketAddress
    ) throws(RunFailure) -> [String] {
        let kind = options.transport.rawValue
        if options.timestamps == .kernel {
            throw RunFailure(
                .usage,
                "--timestamps kernel: the kernel stamps datagrams, and --transport \(kind) sends none; leave it out")
        }
        if options.reads > .zero {
            throw RunFailure(
                .usage, "--reads needs the kernel's timestamps, which --transport \(kind) has not; leave it out")
        }
        if options.capturePath != nil || !options.taps.isEmpty {
            throw RunFailure(
                .usage, "--pcap and --tap capture datagrams, and --transport \(kind) sends none; use tcpdump for that")
        }
        if options.connections == .perCall, options.localPort != 0 {
            throw RunFailure(
                .usage,
                "--local-port \(options.localPort) is one port, and --connections per-call needs one for each call")
        }
        options.timestamps = .app
        var notices: [String] = []
        let constants = RunConstants(
            remoteHost: target.host, remote: target, local: target, keys: options.keys)
        // What is wrong with the scenario is said when it is compiled for the run.
        if let program = try? options.scenario.compile(constants) {
            notices += StreamNotices.lengths(program, of: options.scenarioName, options.transport.sip)
        }
        guard options.transport == .tls else { return notices }
        if options.target == nil {
            do { options.tls.builtIn = try LoopbackCertificate() } catch { throw RunFailure(.unreachable, "\(error)") }
        }
        if !options.tls.verifies {
            notices.append(
                "--tls-insecure: nobody knows whether \(options.target?.text ?? "the target") is who answers.")
        }
        return notices
    }

    private static func checkRaw(_ target: SocketAddress) throws(RunFailure) {
        if target.family == .ipv6 {
            throw RunFailure(.usage, "--transport raw writes IPv4 headers and cannot reach \(target.host)")
        }
        if let refusal = Privileges.rawRefusal() {
            throw RunFailure(
                .missingPrivilege, "--transport raw needs CAP_NET_RAW\(reason(refusal)): \(grant)")
        }
    }

    /// The tag is on by default only towards loopback: RFC 4727 forbids shipping experimental options switched on.
    private static func tagging(
        _ options: RunOptions, towards target: SocketAddress
    ) throws(RunFailure) -> (TagOptions?, [String]) {
        let tag = TagOptions(type: options.tagType)
        if options.transport.sip.isReliable {
            if options.tagging != .on { return (nil, []) }
            throw RunFailure(
                .usage,
                "\(options.untaggedShare == nil ? "--tag" : "--tag-control") marks datagrams, and --transport "
                    + "\(options.transport.rawValue) sends none; leave it out")
        }
        switch options.tagging {
        case .off: return (nil, [])
        case .on:
            if let refusal = Privileges.tagRefusal(family: target.family) {
                throw RunFailure(
                    .missingPrivilege,
                    "\(options.untaggedShare == nil ? "--tag" : "--tag-control") needs CAP_NET_RAW\(reason(refusal)): \(grant)"
                )
            }
            return (tag, [])
        case .automatic:
            guard target.isLoopback else { return (nil, []) }
            if Privileges.canTag(family: target.family) { return (tag, []) }
            return (nil, ["No CAP_NET_RAW: datagrams go out without the call tag. To tag them: \(grant)"])
        }
    }

    /// EINVAL and EPERM are how the kernel says that the privilege is missing; anything else is worth reading.
    private static func reason(_ refusal: SystemError) -> String {
        refusal.errno == EINVAL || refusal.errno == EPERM ? "" : " (\(refusal.description))"
    }

    /// The command that grants the privilege to this very program.
    static var grant: String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let program =
            count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "sipmeter"
        return "sudo setcap cap_net_raw+ep \(program)"
    }
}
