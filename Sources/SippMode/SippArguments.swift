import Datagrams

/// What a command line in SIPp's own options asks for. Lengths of time, rates and counts have the defaults SIPp gives them.
package struct SippArguments: Equatable, Sendable {
    package struct Target: Equatable, Sendable {
        package var host: String
        /// SIP's own where none is given.
        package var port: UInt16 = 5060

        package init(host: String, port: UInt16 = 5060) {
            self.host = host
            self.port = port
        }
    }

    package enum Scenario: Equatable, Sendable {
        case file(String)
        case standard(String)
    }

    /// A file SIPp writes when asked for: `-trace_…` switches it on, another option only renames it.
    package struct Trace: Equatable, Sendable {
        package var isOn = false
        package var path: String?
        package var overwrites = true

        package init(isOn: Bool = false, path: String? = nil, overwrites: Bool = true) {
            self.isOn = isOn
            self.path = path
            self.overwrites = overwrites
        }
    }

    /// What is done instead of a run.
    package enum Instead: Equatable, Sendable {
        case version, help
        case showScenario(String)
    }

    package struct Setting: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// `-t`: what messages go over, and whether each call has a connection of its own.
    package enum Transport: String, Equatable, Sendable, CaseIterable {
        case u1, un, t1, tn, l1, ln
    }

    package var instead: Instead?
    package var remote: Target?
    package var scenario = Scenario.standard("uac")
    package var transport = Transport.u1
    /// Files in PEM.
    package var certificate: String?
    package var key: String?
    package var authorities: String?
    package var localHost: String?
    package var localPort: UInt16?
    package var sendTo: Target?
    package var mediaHost: String?
    package var mediaPort: UInt16 = 6000

    package var callLimit: UInt64?
    /// Calls a period.
    package var rate = 10.0
    package var ratePeriod = Nanoseconds.seconds(1)
    package var rateScale = 1.0
    package var rateIncrease = 0.0
    package var rateInterval: Nanoseconds?
    package var rateMaximum: Double?
    package var quitsAtRateMaximum = true
    package var openCallLimit: Int?
    package var pause = Nanoseconds.zero
    package var service = "service"
    package var keys: [Setting] = []
    /// `-set`: of global variables.
    package var globals: [Setting] = []
    /// `-inf`, the first one the default.
    package var injections: [String] = []
    /// `-infindex`: a file, and a column as it was typed.
    package var indices: [Setting] = []
    /// `-users`: so many in place of a rate.
    package var users: Int?
    /// `-allow_exec`, sipmeter's own: the scenario may run commands.
    package var allowsCommands = false
    /// `-lost`: share of the messages, in each direction.
    package var loss = 0.0
    package var authenticationUser: String?
    package var authenticationPassword = "password"
    package var authenticationURI: String?
    package var firstCSeq: UInt32 = 1

    package var autoAnswers = false
    package var hasDefaultBehaviours = true
    /// Of the list SIPp takes: `all` or `none`.
    package var defaultBehaviours = "all"
    package var retransmits = true
    package var t2: Nanoseconds?
    package var receiveTimeout: Nanoseconds?
    package var timeout: Nanoseconds?
    package var timeoutIsError = false
    package var sleep = Nanoseconds.zero
    package var receiveBuffer: Int?

    package var readsKeys = true
    package var isInBackground = false
    /// `-cp`: the first port tried for remote control. Nil: none is opened.
    package var controlPort: UInt16?
    package var controlHost: String?

    package var screenInterval = Nanoseconds.seconds(1)
    package var statisticsInterval = Nanoseconds.seconds(60)
    package var delimiter = ";"
    package var hasPeriodicRepartition = false
    package var responseTimeBatch = 200
    package var statistics = Trace()
    package var responseTimes = Trace()
    package var counts = Trace()
    package var messages = Trace()
    package var shortMessages = Trace()
    package var errors = Trace()
    package var errorCodes = Trace()
    package var logs = Trace()
    package var screens = Trace()
    /// Options accepted that change nothing, to be told once.
    package var ignored: [String] = []

    package init() {}

    /// Calls a second.
    package var callsPerSecond: Double { rate / ratePeriod.seconds }

    /// As the statistics have it: calls a second, or with `-users` how many there are.
    package var targetRate: Double { users.map(Double.init) ?? callsPerSecond }

    /// What the files are called after: the scenario's name without directories and `.xml`.
    package var baseName: String {
        switch scenario {
        case .standard(let name): return name
        case .file(let path):
            let name = String(path.split(separator: "/").last ?? "scenario")
            return name.hasSuffix(".xml") ? String(name.dropLast(4)) : name
        }
    }

    /// `-l`, or what SIPp takes without it: three times the calls that begin while one lasts, at least 1.
    /// - Parameter length: of a call, its pauses together.
    package func openCalls(at callsPerSecond: Double, length: Nanoseconds) -> Int {
        if let openCallLimit { return openCallLimit }
        if let users { return users }
        let calls = 3 * callsPerSecond * max(length.seconds, 1)
        return calls < 1 ? 1 : calls < 1e9 ? Int(calls) : 1_000_000_000
    }
}

/// Why a command line cannot be run: one sentence, and SIPp's exit code for it.
package struct SippComplaint: Error, Equatable, Sendable {
    package let text: String
    package let exitCode: Int32

    package init(_ text: String, exitCode: Int32) {
        self.text = text
        self.exitCode = exitCode
    }

    /// An option SIPp does not know either, a wrong value, a scenario that cannot be loaded.
    package static func usage(_ text: String) -> SippComplaint { SippComplaint(text, exitCode: SippExit.failed) }
    /// Whatever ends SIPp for good.
    package static func fatal(_ text: String) -> SippComplaint { SippComplaint(text, exitCode: SippExit.fatal) }
}

/// SIPp's exit codes.
package enum SippExit {
    package static let ok: Int32 = 0
    /// At least one call failed; or the command line or the scenario is wrong.
    package static let failed: Int32 = 1
    /// `-timeout` came before any call had ended.
    package static let noCalls: Int32 = 97
    /// It did what was asked and there was nothing to run: `-v`, `-h`, `-sd`, the parent of `-bg`.
    package static let noRun: Int32 = 99
    package static let addressInUse: Int32 = 254
    package static let fatal: Int32 = 255
}
