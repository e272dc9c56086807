import Datagrams
import Glibc
import Reports
import SIP
import StreamTransport
import UDPTransport
import UserAgent

/// `manifest.json`: what was run, on what, and with which rights, so that a run can be repeated and compared.
struct Manifest {
    let setup: RunSetup
    let rate: Double
    let target: SocketAddress
    let sources: [SocketAddress]
    let receiveBuffer: Int
    let start: RunStart
    let stamps: StampGrant

    var fields: [(String, JSONValue)] {
        let options = setup.options
        return [
            ("sipmeter_version", .string(options.version)),
            ("command_line", .array(options.commandLine.map { .string($0) })),
            ("begun_utc", .string(RunDirectory.utc(start.wall))),
            ("start", .object(startFields)),
            ("shard", shardFields),
            ("seed", .count(options.seed)),
            ("scenario", .string(options.scenarioName)),
            ("flow", FlowFields.json(options.scenario, name: options.scenarioName)),
            ("target", .object(targetFields)),
            ("load", .object(loadFields)),
            ("timers_ms", .object(timerFields)),
            ("call_tag", .object(tagFields)),
            ("timestamps", .object(timestampFields)),
            ("host", .object(Self.hostFields)),
            ("rfc7502", .object(rfc7502Fields)),
        ]
    }

    /// Null: the whole schedule is this process's.
    private var shardFields: JSONValue {
        let shard = setup.options.shard
        if shard == .whole { return .null }
        return .object([
            ("index", .count(UInt64(shard.index))), ("of", .count(UInt64(shard.count))),
            ("number_from", .string(setup.options.shardOrigin.isEmpty ? "--shard" : setup.options.shardOrigin)),
        ])
    }

    /// T0: what `due_s` and all else counts from.
    private var startFields: [(String, JSONValue)] {
        let clock = ClockState.read()
        return [
            ("is_asked", .bool(start.isAsked)), ("joined_late_ns", .integer(start.lateness.rawValue)),
            ("unix_ns", .integer(start.wall.nanoseconds)), ("monotonic_ns", .integer(start.monotonic.nanoseconds)),
            ("uncertainty_ns", .integer(start.uncertainty.rawValue)),
            ("clock_is_synchronised", clock.map { .bool($0.isSynchronised) } ?? .null),
            ("clock_most_error_us", clock.map { .integer($0.mostError) } ?? .null),
            ("clock_estimated_error_us", clock.map { .integer($0.estimatedError) } ?? .null),
        ]
    }

    private var targetFields: [(String, JSONValue)] {
        [
            ("asked", .string(setup.targetName)), ("address", .string(target.description)),
            ("is_model", .bool(setup.isBuiltIn)),
            ("transport", .string(setup.options.transport.rawValue)),
            (
                "connections",
                setup.options.transport.sip.isReliable ? .string(setup.options.connections.rawValue) : .null
            ),
            (
                "tls_verified",
                setup.options.transport == .tls ? .bool(setup.options.tls.verifies) : .null
            ),
            ("source_addresses", .string(sourceText)),
            ("receive_buffer_bytes", .count(UInt64(max(receiveBuffer, 0)))),
        ]
    }

    private var timestampFields: [(String, JSONValue)] {
        [
            ("asked", .string(setup.options.timestamps.rawValue)),
            ("source", .string(stamps.areOn ? "kernel" : "app")),
            ("clock", .string(stamps.areOn ? "CLOCK_REALTIME, by clock pairs on CLOCK_MONOTONIC" : "CLOCK_MONOTONIC")),
            ("hardware_offered", .bool(sources.first.map(KernelStamps.hardwareIsOffered) ?? false)),
            ("hardware_used", .bool(false)),
            ("why_not_kernel", stamps.refusal.map { .string($0) } ?? .null),
        ]
    }

    private var sourceText: String {
        guard let first = sources.first, let last = sources.last, sources.count > 1 else {
            return sources.first?.description ?? ""
        }
        return "\(first.host)-\(last.host):\(first.port)"
    }

    private var loadFields: [(String, JSONValue)] {
        let options = setup.options
        return [
            ("rate_per_s", .number(rate, decimals: 6)),
            ("users", options.users.map { .count(UInt64($0)) } ?? .null),
            ("duration_s", .number(options.duration.seconds, decimals: 9)),
            ("call_limit", options.callLimit.map { .count($0) } ?? .null),
            ("arrivals", .string(options.isPoisson ? "poisson" : "constant")),
            ("hold_ms", .number(options.hold.seconds * 1000, decimals: 3)),
            ("max_concurrent", .count(UInt64(options.maxConcurrent))),
            ("workers", .count(UInt64(options.workers))),
            ("wait", .string(options.isPrecise ? "precise" : "default")),
            ("reads_us", .number(options.reads.seconds * 1e6, decimals: 3)),
            ("batch_us", .number(options.batch.seconds * 1e6, decimals: 3)),
        ]
    }

    private var timerFields: [(String, JSONValue)] {
        let timers = setup.options.timers
        return [
            ("t1", .number(timers.t1.seconds * 1000, decimals: 3)),
            ("t2", .number(timers.t2.seconds * 1000, decimals: 3)),
            ("t4", .number(timers.t4.seconds * 1000, decimals: 3)),
            ("override_scenario", .bool(setup.options.overridesScenarioTimers)),
        ]
    }

    private var tagFields: [(String, JSONValue)] {
        guard let tag = setup.tag else { return [("sent", .bool(false))] }
        return [
            ("sent", .bool(true)),
            ("option_type", .count(UInt64(target.family == .ipv6 ? 0x1E : tag.type.rawValue))),
            ("untagged_share", .number(setup.options.untaggedShare ?? 0, decimals: 6)),
        ]
    }

    /// RFC 7502, 5: the parameters every benchmark report states.
    private var rfc7502Fields: [(String, JSONValue)] {
        let options = setup.options
        return [
            ("sip_transport_protocol", .string("\(options.transport.sip.viaName)")),
            ("is_media", .bool(false)),
            ("session_attempt_rate_per_s", .number(rate, decimals: 6)),
            ("session_duration_s", .number(options.hold.seconds, decimals: 9)),
            (
                "establishment_threshold_time_s",
                .number(options.timers.transactionTimeout.seconds, decimals: 3)
            ),
        ]
    }

    static var hostFields: [(String, JSONValue)] {
        var name = utsname()
        uname(&name)
        return [
            ("name", .string(text(name.nodename))), ("system", .string(text(name.sysname))),
            ("kernel", .string(text(name.release))), ("machine", .string(text(name.machine))),
            ("cpu", .string(line(of: "/proc/cpuinfo", after: "model name") ?? "unknown")),
            ("cpus", .count(UInt64(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)))),
            (
                "clock_source",
                .string(
                    KernelText.contents("/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? "unknown"
                )
            ),
            ("hypervisor", .bool(line(of: "/proc/cpuinfo", after: "flags")?.contains(" hypervisor") ?? false)),
            ("privileges", .object(privileges)),
        ]
    }

    private static var privileges: [(String, JSONValue)] {
        [
            ("effective_capabilities", .string(line(of: "/proc/self/status", after: "CapEff") ?? "unknown")),
            ("call_tag", .bool(Privileges.canTag(family: .ipv4))),
            ("raw_socket", .bool(Privileges.canSendRaw)),
        ]
    }

    private static func text<T>(_ characters: T) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// What stands after the colon in the first line that begins so.
    private static func line(of path: String, after name: String) -> String? {
        guard let text = KernelText.contents(path) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        }
        return nil
    }
}
