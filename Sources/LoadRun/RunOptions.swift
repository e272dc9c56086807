import Datagrams
import Latency
import SIP
import Scenarios
import StreamTransport
import UDPTransport
import UserAgent

/// Everything a run is told, parsed once and never changed.
package struct RunOptions: Sendable {
    package enum Transport: String, Sendable, CaseIterable {
        case udp, raw, tcp, tls

        /// What SIP calls it: raw is UDP, too.
        package var sip: TransportProtocol {
            switch self {
            case .udp, .raw: .udp
            case .tcp: .tcp
            case .tls: .tls
            }
        }
    }
    /// Which clock times are read from.
    package enum Timestamps: String, Sendable, CaseIterable {
        /// The kernel's where it stamps, else the sending thread's.
        case auto
        case kernel, app
    }
    package enum Tagging: Sendable, Equatable {
        /// On towards loopback where the privilege is there, else off.
        case automatic
        case on, off
    }

    package struct Target: Sendable {
        /// As the user typed it.
        package var text: String
        package var host: String
        package var port: UInt16
        package var user: String

        package init(text: String, host: String, port: UInt16, user: String) {
            self.text = text
            self.host = host
            self.port = port
            self.user = user
        }
    }

    /// Nil: the built-in one.
    package var target: Target?
    package var scenario: Scenario
    package var scenarioName: String
    package var rates: [Double] = []
    package var duration = Nanoseconds.seconds(15)
    package var callLimit: UInt64?
    /// As SIPp: `callLimit` counts calls placed, and what `maxConcurrent` holds back is forgotten but for its count.
    package var forgetsUnsent = false
    package var isPoisson = false
    package var seed: UInt64 = 1
    package var hold = Nanoseconds.zero
    package var maxConcurrent = 1_000_000
    package var timers = TimerValues()
    package var overridesScenarioTimers = false
    package var ringTimeout = Nanoseconds.seconds(180)
    /// After the last call is due, how long to wait for open ones. Nil: as long as their timers run.
    package var drainTimeout: Nanoseconds?
    /// Between two levels of a sweep of a real target.
    package var settle = Nanoseconds.seconds(2)
    package var transport = Transport.udp
    /// Over TCP and TLS.
    package var connections = ConnectionUse.shared
    package var tls = TLSSettings()
    package var timestamps = Timestamps.auto
    package var tagging = Tagging.automatic
    package var tagType = TagOptions.OptionType.measurement
    /// Share of the calls left without the tag, chosen by the seed. Nil: none.
    package var untaggedShare: Double?
    /// Text of `--source-ip`: an address, or A-B.
    package var sources: String?
    package var localPort: UInt16 = 0
    /// Where that one is taken, so many after it are tried, then any.
    package var localPortSpan: UInt16 = 0
    /// Where datagrams are sent instead of to the target. Nil: to the target.
    package var nextHop: Target?
    package var family = NameResolution.Family.any
    /// Go on though nothing comes back.
    package var keepsGoing = false
    /// But over TCP and TLS, the first connection must come about.
    package var needsConnection = false
    /// What ICMP says ends no call: SIPp does not hear it.
    package var ignoresICMP = false
    package var output: String?
    /// Whole datagrams are kept for whoever is handed the journals.
    package var logsMessages = false
    /// Counts of each step, and unexpected messages, likewise.
    package var keepsMessages = false
    package var autoAnswers = false
    /// No default behaviours: what the scenario does not mention is left alone.
    package var isBare = false
    package var firstCSeq: UInt32 = 1
    package var mediaPort: UInt16 = 6000
    package var mediaHost: String?
    /// For every receive without a timeout of its own.
    package var receiveTimeout: Nanoseconds?
    /// Requests go out once only.
    package var sendsOnce = false
    /// Where the datagrams to and from the target are captured to. With several rates each has a file of its own.
    package var capturePath: String?
    /// Interfaces on the path to capture on, from here to the target; each has a file in the run's directory.
    package var taps: [String] = []
    /// Sending threads; each has a socket, a share of the schedule and of the limits.
    package var workers = 1
    /// Which part of the schedule and of the limits is this process's. Rates and limits here are the whole run's.
    package var shard = Shard.whole
    /// The variables its number is from. Empty: it was given.
    package var shardOrigin = ""
    /// When calls begin to fall due, of the first level. Nil: as soon as all is ready.
    package var startAt: WallInstant?
    /// However late: what was due before is left out. Else a second is the most.
    package var joinsLate = false
    /// CPU of the first sending thread; the others follow on the next ones. Nil: wherever the kernel puts them.
    package var cpu: Int?
    package var isPrecise = false
    /// Due calls wait up to this long to be sent together.
    package var batch = Nanoseconds.zero
    /// Arrivals wait up to this long to be read together. Needs the kernel's timestamps.
    package var reads = Nanoseconds.zero
    /// Bytes asked for each sending thread's socket. Nil: `UDPSocket.Options` knows.
    package var receiveBuffer: Int?
    package var keys: [String: String] = [:]
    /// Closed loop: so many users with one call each at a time, in place of a rate.
    package var users: Int?
    package var injections: [Injection] = []
    package var globals: [(name: String, text: String)] = []
    /// Contents of the files that `[file name=…]` names.
    package var files: [String: [UInt8]] = [:]
    package var allowsCommands = false
    /// For `[authentication]` where the scenario names none.
    package var authenticationUser: String?
    package var authenticationPassword = "password"
    /// The digest URI. Nil: the target's.
    package var authenticationURI: String?
    /// Share of the messages that are lost, in each direction, where a step has no loss of its own.
    package var loss = 0.0
    /// What the result has to keep to, and when to stop before its end.
    package var thresholds: [Threshold] = []
    package var abortRules: [AbortRule] = []
    /// Of the built-in target.
    package var capacity = CapacityProfile.asterisk2014
    package var capacityName = "asterisk-2014"
    package var serverScenario: Scenario
    /// For the manifest.
    package var commandLine: [String] = []
    package var version = "0"

    package init(scenario: Scenario, scenarioName: String, serverScenario: Scenario) {
        self.scenario = scenario
        self.scenarioName = scenarioName
        self.serverScenario = serverScenario
    }
}

extension RunOptions {
    /// How long open calls are waited for: every one that is open when the last one is due ends by its own timers within
    /// this.
    var longestDrain: Nanoseconds { drainTimeout ?? hold + timers.transactionTimeout * 2 + .seconds(1) }

    /// Of the levels of a sweep that was told when to start, each begins when the one before has ended whatever its calls
    /// did: so all shards begin it together. Nil: none was told.
    package func start(ofLevel number: Int) -> WallInstant? {
        startAt.map { first in
            let apart = duration + longestDrain + settle
            return WallInstant(nanoseconds: first.nanoseconds + apart.rawValue * Int64(number))
        }
    }
}
