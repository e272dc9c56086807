import ArgumentParser
import Captures
import Datagrams
import Latency
import LoadRun
import Observations
import Reports
import SIP
import UDPTransport

struct AnalyzeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze", abstract: "Response times, retransmissions and hops, from captures of any tool.",
        discussion: """
            Reads pcap and pcapng, also .gz, and writes the files of a run. Every UDP
            payload that begins as SIP does is SIP, whatever its port.

            Examples:
              sipmeter analyze day.pcap                    calls, RTT, RFC 6076
              sipmeter analyze uac.pcap --check-timers     are retransmissions on time?
              sipmeter analyze day.pcap --threshold 'srd.p99<200ms'
                                                           exit code 2 where it is not kept
              sipmeter analyze --hops client.pcap bridge.pcap guest.pcap
                                                           one-way delay, hop by hop
              tcpdump -i eth0 -w - udp | sipmeter analyze -
            """)

    @Argument(
        help: "Capture files; - is standard input. Several are one capture, unless --hops.",
        completion: .file(extensions: ["pcap", "pcapng", "gz"]))
    var captures: [String]

    @Flag(help: "The captures are points of one path, from the caller's side to the callee's.")
    var hops = false

    @Flag(help: "With --hops: all captures were stamped by one clock.")
    var sameClock = false

    @Option(help: "Only datagrams from or to this port.", transform: Arguments.port)
    var port: UInt16?

    @Flag(help: "Hold every retransmission against RFC 3261; exit code 2 where a rule is broken.")
    var checkTimers = false

    @Option(
        name: .customLong("t1"), help: "T1 of the sender. (default: 500ms)", transform: Arguments.positiveDuration)
    var t1 = Nanoseconds.milliseconds(500)

    @Option(name: .customLong("t2"), help: "T2 of the sender. (default: 4s)", transform: Arguments.positiveDuration)
    var t2: Nanoseconds?

    @Option(help: "How far off its instant a retransmission may be. (default: 10ms)", transform: Arguments.duration)
    var tolerance = Nanoseconds.milliseconds(10)

    @Option(
        help: "The same datagram within this is one, captured twice. (default: 5ms)", transform: Arguments.duration)
    var duplicateWindow = Nanoseconds.milliseconds(5)

    @Option(
        name: [.customLong("out"), .customShort("o")], help: "Directory for the files. Default: runs/<UTC>-analyze.",
        completion: .directory)
    var out: String?

    @OptionGroup var gate: ThresholdOptions
    @OptionGroup var settings: ConfigurationOptions

    func validate() throws {
        if hops, captures.count < 2 {
            throw ValidationError("--hops: it takes two captures or more, in the path's order")
        }
        if sameClock, !hops { throw ValidationError("--same-clock says something of --hops") }
        if hops, captures.count > 8 { throw ValidationError("--hops: eight captures are the most") }
    }

    func run() throws {
        try Session.main {
            let (traffic, files) = try CaptureReading.read(captures, settings: trafficSettings)
            if traffic.messages.isEmpty { throw Self.nothing(in: files, traffic) }
            let directory = out ?? RunDirectory.defaultPath("analyze", at: SystemClock.wall())
            // The calls are those of the first point: its clock is the one all times are given by.
            let path = hops ? HopsAnalysis(traffic, files, isSameClock: sameClock) : nil
            let analysis = CaptureAnalysis(
                hops ? traffic.only(file: 0) : traffic, files, hops: path, timerSettings: timerSettings,
                thresholds: gate.thresholds)
            try RunDirectory.create(directory)
            try analysis.write(to: directory, checksTimers: checkTimers)
            try PlainManifest.write(
                to: directory, commandLine: EffectiveWords.all, version: Sipmeter.version, begun: SystemClock.wall(),
                adding: [("captures", .array(files.map { .string($0.name) }))])
            if let path = gate.path(in: directory) {
                let level = JUnitFile.Level(
                    name: "capture", summary: analysis.summary, begun: RunDirectory.utc(SystemClock.wall()))
                try ThresholdOptions.write("sipmeter analyze", [level], to: path)
            }
            try ReportHook.write(directory)
            Terminal.print(analysis.text(checksTimers: checkTimers))
            Session.listFiles(
                directory, ["report.html"] + CaptureAnalysis.fileNames + HopsAnalysis.fileNames + ["junit.xml"])
            if checkTimers && analysis.timers.isViolated || analysis.summary.thresholds?.passed == false {
                throw ExitCode(LoadRun.ExitCode.thresholdFailed.rawValue)
            }
        }
    }

    /// What was there instead is the best hint.
    private static func nothing(in files: [CaptureFile], _ traffic: SIPTraffic) -> RunFailure {
        let table = TransactionTable(traffic)
        let seen = CaptureFigures.contents(traffic.counts, table, [], begunBefore: 0).filter { $0.count > 0 }
        let text = seen.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        return RunFailure(
            .badScenario,
            "no SIP over UDP in \(files.map(\.name).joined(separator: ", ")); frames: \(text.isEmpty ? "none" : text)")
    }

    private var trafficSettings: SIPTraffic.Settings {
        var settings = SIPTraffic.Settings()
        settings.port = port
        settings.duplicateWindow = duplicateWindow
        settings.separatesFiles = hops
        return settings
    }

    private var timerSettings: TimerCheck.Settings {
        var settings = TimerCheck.Settings()
        settings.timers = TimerValues(t1: t1, t2: t2 ?? max(.seconds(4), t1))
        settings.tolerance = tolerance
        return settings
    }
}
