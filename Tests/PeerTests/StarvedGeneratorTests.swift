import Glibc
import Testing

extension AgainstPeers {
    /// A generator that is kept from its work says so, by what kept it; one whose server is slow does not complain.
    @Suite(.serialized) struct StarvedGenerator {
        // MARK: not to be believed

        @Test(.needs(.realtimePriority)) func somebodyElseOnItsCPU() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let elsewhere = ["taskset", "-c", "\(CPUs.first)"]
            try await Answer.during(port: port, by: elsewhere, in: scratch) { _ in
                let run = Self.run(port, "--rate", "200", "--duration", "3s", "--cpu", "\(CPUs.last)")
                let finished = try await scratch.during(run) { running in
                    try await Self.waitForTheFirstSecond(running)
                    // Priority over everything ordinary; a twentieth of each second the kernel keeps back for us.
                    let hog = Command(
                        "timeout", "--signal=KILL", "1.5", "taskset", "-c", "\(CPUs.last)", "chrt", "--fifo", "60",
                        "sh", "-c", "while :; do :; done")
                    _ = try await scratch.run(hog.run(by: elsewhere))
                    return try await running.finish()
                }
                #expect(finished.status == 3, "\(finished)")
                let summary = try Summary(scratch.text("run/summary.json"))
                #expect(summary.level == "INVALID")
                #expect(summary.evidence.contains { $0.hasPrefix("Calls were sent late: ") }, "\(summary.evidence)")
                #expect(finished.output.contains("ready to run and waited for a CPU"), "\(finished)")
                #expect(summary.number("generator", "disturbances", "waited_for_cpu_us") ?? 0 > 500_000)
            }
        }

        /// The server answers twenty calls at once, and the queue holds a few datagrams.
        @Test func aReceiveQueueTooSmallForWhatComes() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--batch", "20ms", port: port, in: scratch) { _ in
                let run = Self.run(
                    port, "--rate", "1000", "--duration", "1s", "--receive-buffer", "4k", "--drain-timeout", "1s")
                let finished = try await scratch.run(run)
                #expect(finished.status == 3, "\(finished)")
                let summary = try Summary(scratch.text("run/summary.json"))
                let drops = summary.number("counters", "receive_queue_drops") ?? 0
                #expect(drops > 0)
                #expect(summary.level == "INVALID")
                #expect(
                    summary.evidence.contains {
                        $0.hasPrefix("The kernel dropped \(Int(drops)) datagram")
                            && $0.contains("our full receive queue")
                    }, "\(summary.evidence)")
                let seconds = Table(try scratch.text("run/intervals.csv")).numbers("receive_queue_drops")
                #expect(seconds.reduce(0, +) == drops)
            }
        }

        /// At two calls a second hardly one is late by it.
        @Test(arguments: [2, 100]) func aWorkerThatStoodStill(rate: Int) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let run = Self.run(port, "--rate", "\(rate)", "--duration", "2500ms")
                let finished = try await scratch.during(run) { running in
                    try await Self.waitForTheFirstSecond(running)
                    running.send(SIGSTOP)
                    usleep(200_000)
                    running.send(SIGCONT)
                    return try await running.finish()
                }
                let summary = try Summary(scratch.text("run/summary.json"))
                #expect(summary.level != "VALID", "\(finished)")
                #expect(
                    summary.evidence.contains { $0.hasPrefix("A sending thread stood still for ") },
                    "\(summary.evidence)")
                // Less the sleep it was stopped in, at most 50 ms.
                #expect(summary.number("generator", "disturbances", "longest_stall_us") ?? 0 >= 150_000)
                #expect(finished.status == (summary.level == "INVALID" ? 3 : 0), "\(finished)")
            }
        }

        // MARK: to be believed

        @Test(arguments: [["--capacity", "fixed:20ms"], ["--delay", "300ms"]])
        func aSlowServerIsNoFaultOfOurs(_ server: [String]) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(server[0], server[1], port: port, in: scratch) { _ in
                // What a slow server brings about comes every time; what this machine's neighbours do, does not.
                var doubts: [String] = []
                for attempt in 1...3 {
                    let found = try await Self.doubts(of: port, in: scratch, named: "run\(attempt)")
                    if found.isEmpty { return }
                    doubts += found
                }
                Issue.record("three runs, and each of them doubted: \(doubts)")
            }
        }

        /// The evidence against a run at a slow server, but for what its hypervisor took from it.
        private static func doubts(of port: UInt16, in scratch: Scratch, named name: String) async throws -> [String] {
            // 20 ms a call is a fiftieth of a second; and 300 ms are three times T1.
            let run = Command(
                Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--out", name, "--rate", "100", "--duration", "2s", "--t1", "100ms",
                    "--drain-timeout", "500ms"
                ).words)
            let finished = try await scratch.run(run)
            let summary = try Summary(scratch.text("\(name)/summary.json"))
            #expect(summary.number("retransmissions", "requests") ?? 0 > 100)
            #expect(summary.number("calls", "failed") ?? 0 > 0, "the drain ends before they do\n\(finished)")
            #expect(finished.status == (summary.level == "INVALID" ? 3 : 0), "\(finished)")
            if summary.level == "VALID" { return [] }
            return summary.evidence.filter { !$0.hasPrefix("The hypervisor kept ") }
        }

        private static func run(_ port: UInt16, _ options: String...) -> Command {
            Command(Command.sipmeter("run", "127.0.0.1:\(port)", "--out", "run").words + options)
        }

        private static func waitForTheFirstSecond(_ running: Running) async throws {
            try await running.wait(for: "the first second") { running.output.contains("\n00:01/") }
        }
    }
}
