import Breakdown
import Datagrams
import Glibc
import LoadRun
import Reports
import UDPTransport

/// Recordings of several hosts, and the caller's run, put together by the call tag.
struct ExplainJoin {
    let command: ExplainCommand

    func run() throws {
        let recordings = try command.join.map(recording)
        if recordings.allSatisfy({ $0.log.events.isEmpty }) {
            throw RunFailure(.badScenario, "there is no event in \(command.join.joined(separator: ", "))")
        }
        let directory = command.load.out ?? RunDirectory.defaultPath("explain", at: SystemClock.wall())
        let output = ExplainOutput(recordings, command: command, cost: .init(), counted: nil, generator: nil)
        Terminal.print(output.text)
        try RunDirectory.create(directory)
        try output.write(to: directory)
        try ReportHook.finish(directory, from: command.join)
        Session.listFiles(directory, ["report.html"] + ExplainOutput.fileNames)
    }

    private func recording(_ path: String) throws(RunFailure) -> ServerWatch.Recording {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return try callersRun(path) }
        let bytes = try contents(path)
        do throws(TraceFileError) {
            let file = try TraceFile.read(
                bytes.span, digest: { CallIDDigest.hexadecimal($0) }, mostEvents: EventMemory.mostEvents)
            if let complaint = file.complaint { Terminal.complain("notice: \(path): \(complaint)") }
            return ServerWatch.Recording(source: file.source, log: file.log, tally: file.tally)
        } catch {
            throw RunFailure(.badScenario, "\(path): \(error.sentence)")
        }
    }

    private func callersRun(_ directory: String) throws(RunFailure) -> ServerWatch.Recording {
        let path = directory + (directory.hasSuffix("/") ? "" : "/") + "rtt.csv"
        let bytes = try contents(path)
        do throws(ClientRunError) {
            // The rows count from the run's beginning: a clock of its own, which the traffic brings onto the others'.
            let clocks = ClockPair(
                wall: WallInstant(nanoseconds: 0), monotonic: MonotonicInstant(nanoseconds: 0), uncertainty: .zero)
            let log = try TraceLog.ofClient(
                rows: bytes.span, start: MonotonicInstant(nanoseconds: 0), digest: { CallIDDigest.hexadecimal($0) })
            let seen = "rtt.csv of the caller's run"
            let source = TraceSource(
                host: directory, rung: .client,
                coverage: [.init(.requestSent, .exact, seen), .init(.responseArrived, .exact, seen)], port: 0,
                tagType: 0, clocks: clocks)
            return ServerWatch.Recording(source: source, log: log, tally: TraceTally())
        } catch {
            throw RunFailure(.badScenario, "\(path): \(error.sentence)")
        }
    }

    private func contents(_ path: String) throws(RunFailure) -> [UInt8] {
        guard let bytes = ScenarioFiles.contents(path) else {
            throw RunFailure(.badScenario, "cannot read \(path): \(SystemError.text(of: errno))")
        }
        return bytes
    }
}
