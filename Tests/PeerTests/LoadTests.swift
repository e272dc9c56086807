import Glibc
import Testing

extension AgainstPeers {
    /// Loads on real servers: what was offered is what was placed, answered and written.
    @Suite struct Load {
        static let rates = [100, 400, 500, 700]
        static let seconds = 10

        @Test(.needs(.sipp), .needs(.kamailio), .timeLimit(.minutes(3)))
        func sippAndKamailioAnswerEveryCallOfASweep() async throws {
            // Side by side, to be done in half the time: 1,400 calls a second in all are far from what two cores carry.
            async let sipp = Self.sweepSIPp()
            async let kamailio = Self.sweepKamailio()
            try await sipp.check()
            try await kamailio.check()
        }

        private static func sweepSIPp() async throws -> Sweep {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            return try await SIPp.during(port: port, in: scratch) { _ in
                try await Sweep(server: "sipp", port: port, in: scratch)
            }
        }

        private static func sweepKamailio() async throws -> Sweep {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            return try await Kamailio.during(Kamailio.statelessUAS, port: port, in: scratch) { _ in
                try await Sweep(server: "kamailio", port: port, in: scratch)
            }
        }

        /// SIPp's own statistics are the judge.
        @Test(.needs(.sipp)) func sippHasNoFailedCallWithSipmeterAnswering() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { answer in
                let uac = Command(
                    "sipp", "-sn", "uac", "127.0.0.1:\(port)", "-i", "127.0.0.1", "-p", "\(try UDPPorts.free())", "-m",
                    "500", "-r", "100", "-nostdin", "-trace_stat", "-stf", scratch.path("stat.csv"), "-fd", "1")
                let finished = try await scratch.run(uac, within: .seconds(40))
                #expect(finished.status == 0, "\(finished)")
                let statistics = Table(try scratch.text("stat.csv"), separator: ";")
                #expect(statistics.column("SuccessfulCall(C)").last == "500")
                #expect(statistics.column("FailedCall(C)").last == "0")
                #expect(statistics.column("Retransmissions(C)").last == "0")

                answer.send(SIGINT)
                let answered = try await answer.finish()
                #expect(answered.status == 0, "\(answered)")
                #expect(answered.output.contains("calls 500, ended ok "))
            }
        }

        /// Whatever the way of sending, the schedule is the same to the nanosecond and every call has its row.
        @Test(arguments: [
            ["--precise"], ["--batch", "5ms", "--no-tag"], ["--workers", "2", "--cpu", "0"],
            ["--workers", "2", "--batch", "2ms", "--cpu", "0"], ["--workers", "64"],
        ])
        func everyWayOfSendingKeepsTheSchedule(_ options: [String]) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let run = Command(
                    Command.sipmeter(
                        "run", "127.0.0.1:\(port)", "--rate", "300", "--duration", "1500ms", "--quiet", "--out",
                        scratch.path("run")
                    ).words + options)
                let finished = try await scratch.run(run)
                #expect([0, 3].contains(finished.status), "\(finished)")
                let rows = Table(try scratch.text("run/rtt.csv"))
                #expect(rows.rows.count == 450)
                #expect(rows.column("outcome").allSatisfy { $0 == "ok" })
                let due = Dictionary(uniqueKeysWithValues: zip(rows.column("call"), rows.column("due_s")))
                for call in 1...450 {
                    let nanoseconds = (call - 1) * 1_000_000_000 / 300
                    let text = String("\(nanoseconds + 10_000_000_000)".dropFirst())
                    #expect(due["\(call)"].map(String.init) == "\(text.prefix(1)).\(text.dropFirst())")
                }
                #expect(rows.numbers("late_us").allSatisfy { $0 >= 0 })
                // One row a second whatever the number of threads: 1.5 s and the end.
                let intervals = Table(try scratch.text("run/intervals.csv"))
                #expect(intervals.numbers("started").reduce(0, +) == 450)
            }
        }

        /// The one call of this seed is due 2.4 s after the start: later than a silent target would be given up, and with
        /// nothing sent before it there is no silence.
        @Test func aFirstCallDueLateIsNeitherSilenceNorFallingBehind() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let finished = try await scratch.run(
                    .sipmeter(
                        "run", "127.0.0.1:\(port)", "--poisson", "--rate", "0.5", "--seed", "1", "--calls", "1",
                        "--duration", "30s", "--quiet", "--out", scratch.path("run")))
                #expect([0, 3].contains(finished.status), "\(finished)")
                #expect(!finished.output.contains("fell behind") && !finished.output.contains("fell short"))
                let rows = Table(try scratch.text("run/rtt.csv"))
                #expect(rows.column("outcome") == ["ok"])
                let due = try #require(rows.numbers("due_s").first)
                #expect(due > 2)
            }
        }

        /// The recorder on a workload known beforehand: 23 calls, 7 ms each.
        @Test func twentyThreeCallsOfSevenMillisecondsReadAsThat() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--delay", "INVITE=7ms", port: port, in: scratch) { _ in
                let run = Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--calls", "23", "--rate", "10", "--out", scratch.path("run"))
                let finished = try await scratch.run(run)
                #expect([0, 3].contains(finished.status), "\(finished)")
            }
            let summary = try Summary(scratch.text("run/summary.json"))
            #expect(summary.number("calls", "started") == 23)
            #expect(summary.number("calls", "ok") == 23)
            for metric in ["answer", "rtt"] {
                #expect(summary.number("response_times_us", metric, "count") == 23)
                let shortest = try #require(summary.number("response_times_us", metric, "min"))
                let middle = try #require(summary.number("response_times_us", metric, "p50"))
                #expect(shortest >= 7000)
                // The path and two processes' waking up; tails belong to the machine.
                #expect(middle < 9000, "\(metric): median \(middle) us")
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(rows.rows.count == 23)
            #expect(rows.numbers("answer_us").allSatisfy { $0 >= 7000 })
        }

        /// In-dialog requests must carry the proxy's Route: it passes on nothing else. (SIPp's own answering side returns no
        /// Record-Route, so ours stands behind the proxy.)
        @Test(.needs(.kamailio), .needs(.tcpdump), .needs(.rawSockets))
        func callsPassAProxyThatRecordsItsRoute() async throws {
            let scratch = try Scratch()
            let (proxy, server) = (try UDPPorts.free(), try UDPPorts.free())
            let capture = try await Answer.during(port: server, in: scratch) { _ in
                try await Kamailio.during(Kamailio.statefulProxy(to: server), port: proxy, in: scratch) { _ in
                    try await Capture.during("udp port \(proxy) or udp port \(server)", in: scratch) {
                        let run = Command.sipmeter(
                            "run", "127.0.0.1:\(proxy)", "--calls", "100", "--rate", "50", "--out", scratch.path("run"))
                        let finished = try await scratch.run(run)
                        #expect([0, 3].contains(finished.status), "\(finished)")
                    }
                }
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(rows.column("outcome") == Array(repeating: "ok", count: 100))
            for method in ["ACK", "BYE"] {
                let toProxy = capture.requests(method, toPort: proxy)
                #expect(Set(toProxy.compactMap(\.callID)).count == 100)
                #expect(toProxy.allSatisfy { $0.header("Route")?.hasPrefix("<sip:127.0.0.1:\(proxy);lr") == true })
                #expect(toProxy.allSatisfy { $0.requestURI?.contains(":\(server)") == true }, "the Contact of the 200")
                #expect(Set(capture.requests(method, toPort: server).compactMap(\.callID)).count == 100)
            }
        }
    }
}

/// A sweep that has been run, and the directory it left.
struct Sweep: Sendable {
    let server: String
    let scratch: Scratch
    let finished: Finished

    init(server: String, port: UInt16, in scratch: Scratch) async throws {
        self.server = server
        self.scratch = scratch
        let rates = AgainstPeers.Load.rates.map(String.init).joined(separator: ",")
        let command = Command.sipmeter(
            "sweep", "127.0.0.1:\(port)", "--rates", rates, "--duration", "\(AgainstPeers.Load.seconds)s", "--settle",
            "0s",
            "--quiet", "--out", scratch.path("sweep"))
        finished = try await scratch.run(command, within: .seconds(120))
    }

    func check() throws {
        // 3: the machine was busy with something else, and the program says so.
        #expect([0, 3].contains(finished.status), "\(server): \(finished)")
        let sweep = Table(try scratch.text("sweep/sweep.csv"))
        #expect(sweep.header == Table.sweepHeader)
        #expect(sweep.isWhole)
        #expect(sweep.column("rate").map(String.init) == AgainstPeers.Load.rates.map(String.init))
        for (level, rate) in AgainstPeers.Load.rates.enumerated() {
            let count = rate * AgainstPeers.Load.seconds
            for column in ["offered", "started", "ok"] {
                #expect(sweep[level, column] == "\(count)", "\(server) at \(rate)/s: \(column)")
            }
            try check(rate, holds: count)
        }
    }

    private func check(_ rate: Int, holds count: Int) throws {
        let table = Table(try scratch.text("sweep/\(rate)cps/rtt.csv"))
        #expect(table.header == Table.rttHeader)
        #expect(table.isWhole)
        #expect(table.rows.count == count, "\(server) at \(rate)/s")
        #expect(table.rows.allSatisfy { $0.count == 15 })
        #expect(table.column("call").compactMap { Int($0) }.sorted() == Array(1...count))
        let outcomes = Dictionary(table.column("outcome").map { ($0, 1) }, uniquingKeysWith: +)
        #expect(outcomes == ["ok": count], "\(server) at \(rate)/s")
        // An undefined figure is an empty field; a call that went well has them all but those of responses not sent.
        for column in ["due_s", "sent_s", "late_us", "answer_us", "hold_us", "bye_us", "rtt_us", "rtt_from_due_us"] {
            #expect(table.numbers(column).count == count, "\(server) at \(rate)/s: \(column)")
        }
    }
}
