import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// `sipmeter sipp` beside `sipp` itself: the same command line against the same peer.
    @Suite(.serialized) struct SippMode {
        private static let caller = ["sipp"]
        private static let ours = [Command.sipmeterPath, "sipp"]

        /// What a run left behind, by the kind of file: `.csv`, `counts.csv`, `rtt.csv`, …
        private struct Left {
            var finished: Finished
            var files: [String: String] = [:]

            func table(_ kind: String) throws -> Table {
                Table(try #require(files[kind], "\(kind) is there\n\(finished)"), separator: ";")
            }

            /// A cell of the last row, as a number.
            func last(_ kind: String, _ column: String) throws -> Int {
                let table = try table(kind)
                return try #require(table.column(column).last.flatMap { Int($0) }, "\(column) of \(kind)")
            }
        }

        /// Runs a command in a directory of its own and collects its files.
        private static func run(_ program: [String], _ line: String, scenario: String? = nil) async throws -> Left {
            let scratch = try Scratch()
            if let scenario { _ = try scratch.write(scenario, to: "flow.xml") }
            let words = program + line.split(separator: " ").map(String.init)
            var left = Left(finished: try await scratch.run(Command(words), within: .seconds(60)))
            for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path) {
                // uac_4711_counts.csv
                let parts = name.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
                if parts.count == 3 { left.files[String(parts[2])] = try scratch.text(name) }
            }
            return left
        }

        /// Whatever answers, from before until after `body`.
        private static func against<R: Sendable>(
            _ server: [String], _ arguments: String = "-sn uas", scenario: String? = nil,
            _ body: (UInt16) async throws -> R
        ) async throws -> R {
            let scratch = try Scratch()
            if let scenario { _ = try scratch.write(scenario, to: "flow.xml") }
            let port = try UDPPorts.free()
            let words = server + "\(arguments) -i 127.0.0.1 -p \(port) -nostdin".split(separator: " ").map(String.init)
            return try await scratch.during(Command(words)) { running in
                try await running.waitForPort(port)
                return try await body(port)
            }
        }

        private static let traces =
            "-trace_stat -trace_rtt -rtt_freq 1 -trace_counts -trace_msg -trace_shortmsg -trace_err -trace_error_codes "
            + "-trace_screen -fd 1"

        private static let refusing = """
            <?xml version="1.0" encoding="UTF-8"?>
            <scenario name="refuses">
              <recv request="INVITE"/>
              <send retrans="500"><![CDATA[
                SIP/2.0 486 Busy Here
                [last_Via:]
                [last_From:]
                [last_To:];tag=s[call_number]
                [last_Call-ID:]
                [last_CSeq:]
                Content-Length: 0

              ]]></send>
              <recv request="ACK"/>
            </scenario>
            """

        @Test(.needs(.sipp)) func theSameCommandLineGivesFilesOfTheSameShapeAndTheSameCounts() async throws {
            let (theirs, ours) = try await Self.against(Self.caller) { port in
                let line = "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 12 -r 20 -d 100 -nostdin \(Self.traces)"
                return (try await Self.run(Self.caller, line), try await Self.run(Self.ours, line))
            }
            #expect(theirs.finished.status == 0 && ours.finished.status == 0, "\(theirs.finished)\n\(ours.finished)")
            for kind in [".csv", "counts.csv", "rtt.csv"] {
                #expect(try ours.table(kind).header == theirs.table(kind).header, "\(kind)")
                #expect(try ours.table(kind).isWhole)
            }
            #expect(Set(ours.files.keys) == Set(theirs.files.keys))
            for column in [
                "TotalCallCreated", "OutgoingCall(C)", "IncomingCall(C)", "CurrentCall", "SuccessfulCall(C)",
                "FailedCall(C)", "FailedUnexpectedMessage(C)", "Retransmissions(C)", "OutOfCallMsgs(C)",
            ] { #expect(try ours.last(".csv", column) == theirs.last(".csv", column), "\(column)") }
            let counts = try theirs.table("counts.csv").header.split(separator: ";").map(String.init).dropFirst(2)
            for column in counts {
                #expect(try ours.last("counts.csv", column) == theirs.last("counts.csv", column), "\(column)")
            }
            #expect(try ours.table("rtt.csv").rows.count == 12 && theirs.table("rtt.csv").rows.count == 12)
            // SIPp's clock ticks in milliseconds at best; ours does not.
            #expect(try ours.table("rtt.csv").numbers("response_time_ms").allSatisfy { $0 > 0 && $0 < 100 })
            try checkMessages(ours, theirs)
            try checkScreens(ours, theirs)
        }

        /// Every message of every call, in the same words around it.
        private func checkMessages(_ ours: Left, _ theirs: Left) throws {
            func heads(_ left: Left) throws -> [String] {
                let text = try #require(left.files["messages.log"])
                return text.split(separator: "\r\n").joined(separator: "\n").split(separator: "\n").filter {
                    $0.hasPrefix("UDP message ")
                }.map { String($0).replacing(/\d+/, with: "N") }
            }
            let (mine, other) = (try heads(ours), try heads(theirs))
            #expect(mine.count == 12 * 6 && Set(mine) == Set(other) && mine.count == other.count)
            func lines(_ left: Left) throws -> [[Substring]] {
                try #require(left.files["shortmessages.log"]).split(separator: "\n").map {
                    $0.split(separator: "\t", omittingEmptySubsequences: false)
                }
            }
            let (short, otherShort) = (try lines(ours), try lines(theirs))
            #expect(short.allSatisfy { $0.count == 7 } && otherShort.allSatisfy { $0.count == 7 })
            func flow(_ lines: [[Substring]]) -> [String: Int] {
                lines.reduce(into: [:]) { $0["\($1[3]) \($1[5]) \($1[6].prefix(11))", default: 0] += 1 }
            }
            #expect(flow(short) == flow(otherShort))
        }

        private func checkScreens(_ ours: Left, _ theirs: Left) throws {
            for text in [ours.finished.output, theirs.finished.output] {
                #expect(text.contains("  Successful call        |        0                  |       12"))
                #expect(text.contains("         ACK ---------->         12        0"))
            }
            let screens = try #require(ours.files["screen.log"])
            for title in [" Scenario Screen ", " Statistics Screen ", " Repartition Screen "] {
                #expect(screens.contains(title) && theirs.files["screen.log"]?.contains(title) == true)
            }
        }

        @Test(.needs(.sipp)) func failingCallsAreCountedToldAndExitedWithAsSippDoes() async throws {
            let (theirs, ours) = try await Self.against(Self.caller, "-sf flow.xml", scenario: Self.refusing) { port in
                let line = "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 3 -r 10 -nostdin \(Self.traces)"
                return (try await Self.run(Self.caller, line), try await Self.run(Self.ours, line))
            }
            #expect(theirs.finished.status == 1 && ours.finished.status == 1, "\(theirs.finished)\n\(ours.finished)")
            for column in ["FailedCall(C)", "FailedUnexpectedMessage(C)", "SuccessfulCall(C)", "TotalCallCreated"] {
                #expect(try ours.last(".csv", column) == theirs.last(".csv", column), "\(column)")
            }
            #expect(try ours.last("counts.csv", "1_100_Unexp") == 3 && theirs.last("counts.csv", "1_100_Unexp") == 3)
            func event(_ left: Left) throws -> [String] {
                let text = try #require(left.files["errors.log"]).replacing("\r\n", with: "\n")
                let lines = text.split(separator: "\n")
                return [String(lines[0])]
                    + lines.filter { $0.contains("Aborting call") }.map {
                        String($0).replacing(/^'?[\d\-]+\t[\d:.]+\t[\d.]+/, with: "TIME").replacing(
                            /Call-Id '[^']*'/, with: "ID"
                        )
                        .replacing(/received '.*/, with: "received")
                    }
            }
            #expect(try event(ours) == event(theirs))
            func codes(_ left: Left) throws -> [String] {
                try #require(left.files["error_codes.csv"]).split(separator: "\n").flatMap {
                    $0.split(separator: ";").dropFirst(2).flatMap { $0.split(separator: ",").map(String.init) }
                }
            }
            #expect(try codes(ours) == ["486", "486", "486"] && codes(theirs) == codes(ours))
        }

        @Test(.needs(.sipp)) func theAnsweringSideIsTakenForSippsOwn() async throws {
            func answered(by server: [String]) async throws -> (server: Left, caller: Left) {
                let port = try UDPPorts.free()
                let line = "-sn uas -i 127.0.0.1 -p \(port) -m 5 -nostdin \(Self.traces)"
                async let left = Self.run(server, line)
                let call = "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 5 -r 20 -nostdin -trace_counts"
                let caller = try await Self.run(Self.caller, call)
                return (try await left, caller)
            }
            let theirs = try await answered(by: Self.caller)
            let ours = try await answered(by: Self.ours)
            #expect(ours.caller.finished.status == 0 && ours.server.finished.status == 0, "\(ours.server.finished)")
            for kind in [".csv", "counts.csv", "rtt.csv"] {
                #expect(try ours.server.table(kind).header == theirs.server.table(kind).header, "\(kind)")
            }
            for column in ["IncomingCall(C)", "OutgoingCall(C)", "SuccessfulCall(C)", "FailedCall(C)"] {
                #expect(try ours.server.last(".csv", column) == theirs.server.last(".csv", column), "\(column)")
            }
            for column in try theirs.server.table("counts.csv").header.split(separator: ";").dropFirst(2) {
                #expect(
                    try ours.server.last("counts.csv", String(column))
                        == theirs.server.last("counts.csv", String(column)),
                    "\(column)")
            }
        }

        /// (line, exit code): what ends before a call is placed, and what ends without an answer.
        @Test(
            .needs(.sipp),
            arguments: [
                ("", 255), ("-sn uac", 255), ("-sn nosuch 127.0.0.1", 1), ("-sf nosuch.xml 127.0.0.1", 1), ("-v", 99),
                ("-sd uac", 99), ("-m five 127.0.0.1", 1), ("-d 1q 127.0.0.1", 1), ("-sf nosuch.xml 127.0.0.1 -bg", 1),
                ("-nosuchoption 127.0.0.1", 1),
            ])
        func wrongCommandLinesHaveSippsExitCodes(line: String, status: Int32) async throws {
            for program in [Self.caller, Self.ours] {
                let left = try await Self.run(program, "\(line) -nostdin")
                #expect(left.finished.status == status, "\(program) \(left.finished)")
            }
        }

        @Test func timeoutsWithoutAnAnswerHaveSippsExitCodes() async throws {
            let silent = try LoopbackSocket()
            let line = "-sn uac 127.0.0.1:\(silent.port) -i 127.0.0.1 -m 1 -nostdin -trace_stat"
            let first = try await Self.run(Self.ours, "\(line) -timeout 1")
            #expect(first.finished.status == 97, "\(first.finished)")
            #expect(try first.last(".csv", "FailedCall(C)") == 1)
            let second = try await Self.run(Self.ours, "\(line) -timeout 1 -timeout_error -trace_err")
            #expect(second.finished.status == 255, "\(second.finished)")
            #expect(second.files["errors.log"]?.hasPrefix("The following events occurred:\n") == true)
            // SIPp ends a call by its own timer as well.
            let third = try await Self.run(Self.ours, "\(line) -recv_timeout 300")
            #expect(third.finished.status == 1, "\(third.finished)")
            #expect(try third.last(".csv", "FailedTimeoutOnRecv(C)") == 1)
        }

        @Test func aCallLimitAndAnOpenCallLimitHoldAsInSipp() async throws {
            let left = try await Self.against(Self.ours) { port in
                try await Self.run(
                    Self.ours,
                    "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 6 -r 500 -l 2 -d 50 -nostdin -trace_stat -trace_counts")
            }
            #expect(left.finished.status == 0, "\(left.finished)")
            #expect(try left.last(".csv", "TotalCallCreated") == 6)
            #expect(try left.last("counts.csv", "0_INVITE_Sent") == 6)
        }

        private static let saying = """
            <?xml version="1.0" encoding="UTF-8"?>
            <scenario name="says">
              <send retrans="500"><![CDATA[
                OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                From: <sip:a@[local_ip]>;tag=1
                To: <sip:b@[remote_ip]>
                Call-ID: [call_id]
                CSeq: 1 OPTIONS
                Content-Length: 0

              ]]></send>
              <recv response="200">
                <action>
                  <log message="call [call_number] has [last_CSeq:]"/>
                  <warning message="beware of [call_number]"/>
                </action>
              </recv>
            </scenario>
            """

        @Test(.needs(.sipp)) func whatAScenarioLogsAndWarnsOfIsWrittenAsBySipp() async throws {
            let callee = try String(contentsOfFile: try await Flows.file("options-uas", in: Scratch()), encoding: .utf8)
            let (theirs, ours) = try await Self.against(Self.ours, "-sf flow.xml", scenario: callee) { port in
                let line = "-sf flow.xml 127.0.0.1:\(port) -i 127.0.0.1 -m 3 -r 50 -nostdin -trace_logs -trace_err"
                return (
                    try await Self.run(Self.caller, line, scenario: Self.saying),
                    try await Self.run(Self.ours, line, scenario: Self.saying)
                )
            }
            for left in [theirs, ours] {
                #expect(left.finished.status == 0, "\(left.finished)")
                let lines = left.files["logs.log"]?.split(separator: "\n").sorted() ?? []
                #expect(lines.count == 3 && lines.first?.hasPrefix("call 1 has ") == true, "\(lines)")
                for call in 1...3 {
                    #expect(left.files["errors.log"]?.contains(": beware of \(call)") == true, "\(left.files)")
                }
            }
            #expect(ours.files["logs.log"] == theirs.files["logs.log"])
        }

        @Test func aTakenPortEndsWith254() async throws {
            try await Self.against(Self.ours) { port in
                let left = try await Self.run(Self.ours, "-sn uas -i 127.0.0.1 -p \(port) -nostdin")
                #expect(left.finished.status == 254, "\(left.finished)")
                let caller = try await Self.run(Self.ours, "127.0.0.1:\(port) -i 127.0.0.1 -p \(port) -nostdin -m 1")
                #expect(caller.finished.status == 254, "\(caller.finished)")
            }
        }

        @Test func inTheBackgroundThePrintedProcessWritesTheFiles() async throws {
            let scratch = try Scratch()
            try await Self.against(Self.ours) { port in
                let line = "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 3 -r 10 -bg -trace_stat -trace_screen"
                let parent = try await scratch.run(
                    Command(Self.ours + line.split(separator: " ").map(String.init)))
                #expect(parent.status == 99, "\(parent)")
                let match = try #require(parent.output.firstMatch(of: /^Background mode - PID=\[(\d+)\]\n$/))
                let pid = String(match.1)
                try await until("the files of \(pid)", within: .seconds(20)) {
                    scratch.has("uac_\(pid)_screen.log")
                        && (try? scratch.text("uac_\(pid)_screen.log"))?.contains("Repartition Screen") == true
                }
                let table = Table(try scratch.text("uac_\(pid)_.csv"), separator: ";")
                #expect(table.column("SuccessfulCall(C)").last == "3")
                try await until("\(pid) ends", within: .seconds(10)) { kill(pid_t(pid) ?? 0, 0) != 0 }
            }
        }

        @Test func remoteControlChangesTheRatePausesAndEndsTheRun() async throws {
            let scratch = try Scratch()
            let (port, control) = (try UDPPorts.free(), try UDPPorts.free())
            let sender = try LoopbackSocket()
            try await Self.against(Self.ours) { target in
                let line =
                    "-sn uac 127.0.0.1:\(target) -i 127.0.0.1 -p \(port) -r 2 -nostdin -cp \(control) -trace_stat -fd 1 "
                    + "-stf s.csv"
                func rows() -> Table { Table((try? scratch.text("s.csv")) ?? "", separator: ";") }
                func created() -> Double { rows().numbers("OutgoingCall(C)").last ?? 0 }
                let finished = try await scratch.during(
                    Command(Self.ours + line.split(separator: " ").map(String.init))
                ) { running in
                    try await running.wait(for: "calls") { created() >= 1 }
                    sender.send("cset rate 50\n", to: control)
                    try await running.wait(for: "the new rate") { rows().column("TargetRate").last == "50" }
                    sender.send("*", to: control)
                    try await running.wait(for: "ten more") { rows().column("TargetRate").last == "60" }
                    try await running.wait(for: "more calls") { created() >= 60 }
                    sender.send("p", to: control)
                    // Two intervals without a call.
                    try await running.wait(for: "a pause") {
                        rows().numbers("OutgoingCall(P)").suffix(2) == [0, 0]
                    }
                    sender.send("p", to: control)
                    let before = created()
                    try await running.wait(for: "calls after it") { created() > before }
                    sender.send("q", to: control)
                    return try await running.finish()
                }
                #expect(finished.status == 0, "\(finished)")
                #expect(rows().column("FailedCall(C)").last == "0")
            }
        }

        @Test func withoutBeingAskedNoControlPortIsOpened() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let line = "-sn uas -i 127.0.0.1 -p \(port) -nostdin"
            try await scratch.during(Command(Self.ours + line.split(separator: " ").map(String.init))) { running in
                try await running.waitForPort(port)
                let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(running.pid)/fd").compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(running.pid)/fd/\($0)")
                }
                let table = try String(contentsOfFile: "/proc/\(running.pid)/net/udp", encoding: .utf8)
                let inodes = table.split(separator: "\n").dropFirst().map { $0.split(separator: " ")[9] }
                #expect(inodes.filter { open.contains("socket:[\($0)]") }.count == 1)
            }
        }

        @Test func signalsEndARunAsTheyEndSipp() async throws {
            for (signal, isGraceful) in [(SIGTERM, false), (SIGINT, false), (SIGUSR1, true)] {
                let scratch = try Scratch()
                let finished = try await Self.against(Self.ours) { port in
                    let line =
                        "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -r 10 -d 700 -nostdin -trace_stat -fd 1 -stf s.csv"
                    return try await scratch.during(
                        Command(Self.ours + line.split(separator: " ").map(String.init))
                    ) { running in
                        try await running.wait(for: "a second") {
                            Table((try? scratch.text("s.csv")) ?? "", separator: ";").rows.count >= 2
                        }
                        running.send(signal)
                        return try await running.finish(within: .seconds(10))
                    }
                }
                #expect(finished.status == 0 && finished.signal == nil, "\(finished)")
                let table = Table(try scratch.text("s.csv"), separator: ";")
                #expect(table.column("FailedCall(C)").last == "0", "calls that were ended are no failures")
                #expect((table.column("CurrentCall").last == "0") == isGraceful)
            }
        }

        @Test func onATerminalKeysChangeTheRateAndEndTheRun() async throws {
            let scratch = try Scratch()
            let terminal = try PseudoTerminal()
            try await Self.against(Self.ours) { port in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: Command.sipmeterPath)
                process.arguments =
                    ["sipp"]
                    + "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -r 5 -trace_stat -fd 1 -stf s.csv".split(separator: " ")
                    .map(
                        String.init)
                process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
                process.standardInput = terminal.inner
                process.standardOutput = terminal.inner
                process.standardError = FileHandle.nullDevice
                try process.run()
                defer { if process.isRunning { process.terminate() } }
                func rows() -> Table { Table((try? scratch.text("s.csv")) ?? "", separator: ";") }
                func wait(_ what: String, _ condition: () -> Bool) async throws {
                    try await until(what, within: .seconds(20)) {
                        terminal.read()
                        return condition()
                    }
                }
                try await wait("the scenario's screen") { terminal.output.contains("Scenario Screen") }
                terminal.type("*+-")
                try await wait("ten more") { rows().column("TargetRate").last == "15" }
                terminal.type("2")
                try await wait("the statistics") { terminal.output.contains("Statistics Screen") }
                terminal.type("cset rate 7\n")
                try await wait("seven") { rows().column("TargetRate").last == "7" }
                terminal.type("q")
                try await wait("the end") { !process.isRunning }
                #expect(process.terminationStatus == 0 && process.terminationReason == .exit)
            }
        }

        @Test func aLinkNamedSippIsSippsMode() async throws {
            let scratch = try Scratch()
            try FileManager.default.createSymbolicLink(
                atPath: scratch.path("sipp"), withDestinationPath: Command.sipmeterPath)
            let version = try await scratch.run(Command([scratch.path("sipp"), "-v"]))
            #expect(version.status == 99 && version.output.hasPrefix("sipmeter "), "\(version)")
            let unknown = try await scratch.run(Command([scratch.path("sipp"), "-cid_str", "x.csv", "127.0.0.1"]))
            #expect(unknown.status == 255 && unknown.errors.contains("-cid_str"), "\(unknown)")
        }

        @Test func helpNamesEveryOption() async throws {
            let left = try await Self.run(Self.ours, "-h")
            #expect(left.finished.status == 99)
            for name in ["-sf TEXT", "-trace_stat", "-timer_resol", "-3pcc", "Not supported"] {
                #expect(left.finished.output.contains(name), "\(name)")
            }
            for line in left.finished.output.split(separator: "\n") { #expect(line.count <= 90, "\(line)") }
        }

        @Test func whatAScenarioLacksIsShownWithItsPlace() async throws {
            let broken = Self.refusing.replacing("<recv request=\"ACK\"/>", with: "<recieve request=\"ACK\"/>")
            let left = try await Self.run(Self.ours, "-sf flow.xml -nostdin", scenario: broken)
            #expect(left.finished.status == 1)
            #expect(left.finished.errors.contains("flow.xml:14:"), "\(left.finished)")
        }
    }
}

/// A terminal nobody sits at.
private final class PseudoTerminal {
    private let outer: Int32
    let inner: FileHandle
    private(set) var output = ""

    init() throws {
        outer = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (unlocked, number) = (Int32(0), Int32(0))
        guard outer >= 0, ioctl(outer, Self.setLock, &unlocked) == 0, ioctl(outer, Self.number, &number) == 0 else {
            throw Unmet("no pseudo terminal: \(String(cString: strerror(errno)))")
        }
        let descriptor = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        guard descriptor >= 0 else { throw Unmet("no pseudo terminal: \(String(cString: strerror(errno)))") }
        inner = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        _ = fcntl(outer, F_SETFL, O_NONBLOCK)
    }

    deinit { close(outer) }

    /// TIOCSPTLCK and TIOCGPTN, which are made by macros.
    private static let (setLock, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

    func type(_ keys: String) { _ = keys.withCString { write(outer, $0, strlen($0)) } }

    /// Takes what was written to it.
    func read() {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(outer, &bytes, bytes.count)
            if count <= 0 { return }
            output += String(decoding: bytes[..<count], as: UTF8.self)
        }
    }
}
