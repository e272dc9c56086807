import ArgumentParser
import Datagrams
import LoadRun
import SIP
import Scenarios
import UDPTransport
import UserAgent

/// The options `run` and `sweep` share.
struct LoadOptions: ParsableArguments {
    @Argument(help: "host[:port] or a SIP URI. Without it sipmeter answers itself on loopback.")
    var target: String?

    @Option(
        name: .long, parsing: .unconditional, help: "How long calls fall due at each rate; us ms s m h. (default: 15s)",
        transform: Arguments.positiveDuration)
    var duration = Self.defaultDuration
    static let defaultDuration = Nanoseconds.seconds(15)

    @Option(help: "At most this many calls at each rate.", transform: Arguments.count)
    var calls: Int?

    @Option(
        help: "A scenario file (SIPp's XML), or the name of a standard one.", completion: .file(extensions: ["xml"]))
    var scenario = "uac"

    @Option(
        name: .long, parsing: .unconditional,
        help: "How long an answered call is held before its BYE: the scenario's pause without a length. (default: 0s)",
        transform: Arguments.duration)
    var hold = Nanoseconds.zero

    @Flag(help: "Calls arrive at random (exponential gaps from the seed) instead of evenly.")
    var poisson = false

    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 1

    @Option(
        help: "Most calls open at once. A call due above it is not placed and gets a row `unsent`. (default: 1000000)",
        transform: Arguments.count)
    var maxConcurrent = 1_000_000

    @Option(
        name: .customLong("t1"), help: "T1 of RFC 3261; wins over the scenario's retrans. (default: 500ms)",
        transform: Arguments.positiveDuration)
    var t1: Nanoseconds?

    @Option(name: .customLong("t2"), help: "T2 of RFC 3261. (default: 4s)", transform: Arguments.positiveDuration)
    var t2: Nanoseconds?

    @Option(name: .customLong("t4"), help: "T4 of RFC 3261. (default: 5s)", transform: Arguments.positiveDuration)
    var t4: Nanoseconds?

    @Option(
        help: "How long a call may ring before it is cancelled. (default: 180s)", transform: Arguments.positiveDuration)
    var ringTimeout = Nanoseconds.seconds(180)

    @Option(
        help: "How long to wait for open calls at the end; else until their timers end them.",
        transform: Arguments.duration)
    var drainTimeout: Nanoseconds?

    @Option(
        help:
            "udp: an ordinary socket. raw: sipmeter writes IPv4 and UDP headers itself. tcp, tls: over connections, which are set up again when they are lost."
    )
    var transport = RunOptions.Transport.udp

    @Option(
        help:
            "Over tcp and tls. shared: one connection for all calls of a sending thread; per-call: one for each call.")
    var connections = ConnectionUse.shared

    @OptionGroup var tls: TLSOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Send the call tag, an IP option, with every request. Default: only towards loopback.")
    var tag: Bool?

    @Option(help: "Option type of the tag on IPv4: 94, 30, 158 or 222.", completion: .list(["94", "30", "158", "222"]))
    var tagType: UInt8 = 94

    @Option(
        help:
            "Leave this share of the calls, chosen by the seed, without the call tag, and set both kinds side by side. Asks for the tag as --tag does.",
        transform: Arguments.share)
    var tagControl: Double?

    @Option(
        name: .customLong("source-ip"),
        help: "Address to call from; with --transport raw also a range A-B, used in turn.")
    var sourceIP: String?

    @Option(help: "Port to call from. (default: any free one)", transform: Arguments.port)
    var localPort: UInt16 = 0

    @Flag(name: [.customShort("4"), .customLong("ipv4")], help: "Use the target's IPv4 address.")
    var ipv4 = false

    @Flag(name: [.customShort("6"), .customLong("ipv6")], help: "Use the target's IPv6 address.")
    var ipv6 = false

    @Option(
        help:
            "Clock of the times: kernel, by its stamps on each datagram; app, by the sending thread's own; auto, the kernel's where it grants stamps."
    )
    var timestamps = RunOptions.Timestamps.auto

    @Flag(
        help:
            "Watch the clock shortly before a call is due, at real-time priority where permitted: exact sending for a few percent of a CPU."
    )
    var precise = false

    @Option(
        name: .long,
        help: "Let due calls wait up to this long and send them together: late calls for less CPU. (default: 0s)",
        transform: Arguments.duration)
    var batch = Nanoseconds.zero

    @Option(
        name: .long,
        help:
            "Let arrivals wait up to this long and read them together: less CPU, and the kernel's timestamps keep the times true. (default: 0s)",
        transform: Arguments.duration)
    var reads = Nanoseconds.zero

    @Option(
        help:
            "Receive buffer of each sending thread's socket; bytes, or with k or M. The kernel may grant less. (default: 4M)",
        transform: Arguments.size)
    var receiveBuffer: Int?

    @Option(help: "Sending threads, each with a socket of its own. (default: 1)", transform: Arguments.count)
    var workers = 1

    @Option(help: "Pin the first sending thread to this CPU, the others to those after it.")
    var cpu: Int?

    @Flag(help: "Go on when nothing comes back from the target.")
    var keepGoing = false

    @Option(
        help:
            "Capacity of the built-in target: asterisk-2014, unlimited, or fixed: with the time an INVITE takes, as in fixed:1.4ms. (default: asterisk-2014)",
        completion: Arguments.capacities,
        transform: Arguments.capacity)
    var capacity = Arguments.Capacity(name: "asterisk-2014", profile: .asterisk2014)

    @OptionGroup var values: ScenarioOptions

    @OptionGroup var live: LiveOptions

    @Option(
        name: [.customLong("out"), .customShort("o")],
        help: "Directory for the run's files. Default: runs/<UTC>-<what>.", completion: .directory)
    var out: String?

    @Option(
        help: "Capture the datagrams of the run into this pcap file, for `sipmeter analyze`; of a sweep one a rate.",
        completion: .file(extensions: ["pcap"]))
    var pcap: String?

    @Option(
        name: .customLong("tap"), parsing: .singleValue,
        help:
            "Capture on this interface of the path too; several, from here to the target, give the time of each hop.",
        completion: Arguments.interfaces)
    var taps: [String] = []

    @Flag(name: .shortAndLong, help: "No progress lines.")
    var quiet = false

    @OptionGroup var settings: ConfigurationOptions

    private static let longestReads = Nanoseconds.milliseconds(50)

    func validate() throws {
        if workers > 64 { throw ValidationError("--workers \(workers): 64 are the most") }
        if precise, batch > .zero { throw ValidationError("--precise and --batch want opposite things: choose one") }
        if reads > .zero, timestamps == .app {
            throw ValidationError("--reads needs the kernel's timestamps: leave out --timestamps app")
        }
        if reads > Self.longestReads {
            throw ValidationError(
                "--reads: 50ms are the most, a tenth of T1; a response read later looks like a lost one")
        }
        if let cpu, cpu < 0 { throw ValidationError("--cpu \(cpu): CPUs are counted from 0") }
        if transport != .tls { try tls.checkUnused(transport.rawValue) }
        if connections == .perCall, !transport.sip.isReliable {
            throw ValidationError(
                "--connections per-call belongs to --transport tcp or tls, and this is \(transport.rawValue)")
        }
        if ipv4, ipv6 { throw ValidationError("-4 and -6 exclude each other") }
        if TagOptions.OptionType(rawValue: tagType) == nil {
            throw ValidationError(
                "--tag-type \(tagType): the experimental option types are 30, 94, 158 and 222 (RFC 4727)")
        }
        if Set(taps).count < taps.count { throw ValidationError("--tap: the same interface stands there twice") }
        if taps.count > 8 { throw ValidationError("--tap: eight interfaces are the most") }
        for tap in taps where tap.isEmpty || tap.contains("/") {
            throw ValidationError("--tap \(tap): it takes the name of an interface, as in eth0")
        }
        if let tagControl, tagControl <= 0 || tagControl >= 1 {
            throw ValidationError("--tag-control: of 0% or 100% nothing is left to compare with; 50% tells the most")
        }
        if tagControl != nil, tag == false {
            throw ValidationError("--tag-control compares calls with and without the tag; leave out --no-tag")
        }
    }

    func runOptions(rates: [Double]) throws -> RunOptions {
        var options = RunOptions(
            scenario: try ScenarioFiles.load(scenario), scenarioName: ScenarioFiles.name(scenario),
            serverScenario: try ScenarioFiles.load("uas"))
        options.target = try target.map { try Self.parseTarget($0, transport.sip) }
        options.rates = rates
        options.duration = duration
        options.callLimit = calls.map(UInt64.init)
        options.isPoisson = poisson
        options.seed = seed
        options.hold = hold
        options.maxConcurrent = maxConcurrent
        options.timers = TimerValues(
            t1: t1 ?? .milliseconds(500), t2: t2 ?? max(.seconds(4), t1 ?? .zero), t4: t4 ?? .seconds(5))
        options.overridesScenarioTimers = t1 != nil
        options.ringTimeout = ringTimeout
        options.drainTimeout = drainTimeout
        options.transport = transport
        options.connections = connections
        options.tls = tls.settings
        options.timestamps = timestamps
        options.tagging = tagControl != nil ? .on : tag.map { $0 ? .on : .off } ?? .automatic
        options.untaggedShare = tagControl
        if let type = TagOptions.OptionType(rawValue: tagType) { options.tagType = type }
        options.sources = sourceIP
        options.localPort = localPort
        options.family = ipv4 ? .ipv4 : ipv6 ? .ipv6 : .any
        options.keepsGoing = keepGoing
        options.isPrecise = precise
        options.batch = batch
        options.reads = reads
        options.receiveBuffer = receiveBuffer
        options.workers = workers
        options.cpu = cpu
        options.output = out
        options.capturePath = pcap
        options.taps = taps
        options.capacity = capacity.profile
        options.capacityName = capacity.name
        options.keys = values.keyValues
        options.globals = values.globalValues
        options.injections = try values.readInjections()
        options.files = ScenarioFiles.contents(of: options.scenario.shownFiles)
        options.allowsCommands = values.allowExec
        options.authenticationUser = values.authUser
        options.authenticationPassword = values.authPassword
        options.authenticationURI = values.authURI
        options.commandLine = ScenarioOptions.withoutPassword(EffectiveWords.all)
        options.version = Sipmeter.version
        return options
    }

    private static func parseTarget(_ text: String, _ transport: TransportProtocol) throws -> RunOptions.Target {
        do throws(SIPURIError) {
            let uri = try SIPURI.parse(text)
            return RunOptions.Target(
                text: text, host: uri.host, port: uri.port ?? transport.defaultPort, user: uri.user ?? "service")
        } catch {
            throw RunFailure(.usage, "\(text) is no target: \(error.description)")
        }
    }
}

extension RunOptions.Timestamps: ExpressibleByArgument {}
