import Foundation
import Testing

extension AgainstPeers {
    /// What `analyze` says of captures made by tcpdump and by sipmeter itself, of sipmeter's own calls and of SIPp's.
    @Suite(.serialized) struct Analyze {
        /// The run says when it sent what again, the capture when it passed: both must say the same.
        @Test(.needs(.tcpdump))
        func theCaptureConfirmsEveryRetransmission() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let file = scratch.path("calls.pcap")
            try await Answer.during("--drop-first", "3", port: port, in: scratch) { _ in
                try await Capture.recording("udp port \(port)", to: file, in: scratch) {
                    let run = Command.sipmeter(
                        "run", "127.0.0.1:\(port)", "--calls", "10", "--rate", "20", "--keep-going", "--out", "run")
                    let finished = try await scratch.run(run)
                    #expect([0, 3].contains(finished.status), "\(finished)")
                }
            }
            let said = Table(try scratch.text("run/retransmissions.csv"))
            let calls = Table(try scratch.text("run/rtt.csv"))
            // How far off its schedule the run was, by its own account: its copies, and its first BYE, which in a debug
            // build may leave tens of milliseconds after the engine set its timer. The capture may add one.
            let late = said.numbers("late_us").max() ?? 0
            let early = calls.numbers("bye_us").map { abs($0 - 3_500_000) }.max() ?? 0
            let tolerance = "\(max(late, early) / 1000 + 1)ms"
            let analyzed = try await analyze([file, "--check-timers", "--tolerance", tolerance], in: scratch)
            #expect(analyzed.status == 0, "\(tolerance)\n\(analyzed)")
            #expect(analyzed.output.contains("rules kept"), "\(analyzed)")
            let seen = Table(try scratch.text("out/retransmissions.csv"))
            #expect(seen.header.hasPrefix(said.header) && said.rows.count == 60)
            #expect(seen.rows.count == said.rows.count)
            #expect(Set(seen.column("check")) == ["ok"])
            // From the first message to its answer, and from the first copy to each later one: whatever the run says, the
            // wire says too, to a millisecond. One process may be put aside between reading the clock and sending.
            let wire = Table(try scratch.text("out/rtt.csv"))
            var differences: [Double] = []
            for column in ["answer_us", "bye_us"] {
                differences += Self.differences(Self.lengths(calls, column), Self.lengths(wire, column))
            }
            #expect(differences.count == 20)
            differences += Self.differences(Self.gaps(said), Self.gaps(seen))
            #expect(differences.count == 80)
            #expect(differences.filter { !(abs($0) < 1000) }.count <= 3, "\(differences)")
        }

        private static func lengths(_ table: Table, _ column: String) -> [String: Double] {
            Dictionary(
                uniqueKeysWithValues: zip(table.column("call_id").map(String.init), table.numbers(column)))
        }

        /// Of each message sent again, how long after its first copy, in us: neither clock's beginning matters.
        private static func gaps(_ table: Table) -> [String: Double] {
            var first: [String: Double] = [:]
            var gaps: [String: Double] = [:]
            for row in table.rows.indices {
                let message = "\(table[row, "call_id"] ?? "") \(table[row, "message"] ?? "")"
                guard let sent = Double(table[row, "sent_s"] ?? "") else { continue }
                if table[row, "nth"] == "1" { first[message] = sent }
                gaps["\(message) \(table[row, "nth"] ?? "")"] = (sent - (first[message] ?? .nan)) * 1e6
            }
            return gaps
        }

        /// NaN where the two do not tell of the same.
        private static func differences(_ a: [String: Double], _ b: [String: Double]) -> [Double] {
            a.map { (b[$0.key] ?? .nan) - $0.value }
        }

        @Test(.needs(.tcpdump), .needs(.sipp))
        func siPpsTimersGetAVerdictForEachRule() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let file = scratch.path("sipp.pcap")
            try await Answer.during("--drop-first", "2", port: port, in: scratch) { _ in
                try await Capture.recording("udp port \(port)", to: file, in: scratch) {
                    let sipp = Command(
                        "sipp", "-sn", "uac", "127.0.0.1:\(port)", "-i", "127.0.0.1", "-m", "10", "-r", "10",
                        "-nostdin")
                    let finished = try await scratch.run(sipp)
                    #expect(finished.status == 0, "\(finished)")
                }
            }
            let finished = try await analyze([file, "--check-timers", "--tolerance", "50ms"], in: scratch)
            #expect([0, 2].contains(finished.status), "\(finished)")
            #expect(finished.output.contains("started 10   answered 10   ok 10"), "\(finished)")
            for rule in ["first copy after T1", "intervals double", "no copy left out", "none after any response"] {
                let line = finished.output.split(separator: "\n").first { $0.contains("    " + rule) }
                #expect(line.map { $0.contains("ok (") || $0.contains("VIOLATED") } == true, "\(rule)\n\(finished)")
            }
            let copies = Table(try scratch.text("out/retransmissions.csv"))
            #expect(copies.column("message").filter { $0 == "INVITE" }.count == 20)
            // A T1 that SIPp does not have: the first rule is broken by all ten calls.
            let wrong = try await analyze(
                [file, "--check-timers", "--t1", "300ms", "--tolerance", "50ms"], to: "wrong", in: scratch)
            #expect(wrong.status == 2, "\(wrong)")
            #expect(wrong.output.contains("VIOLATED 10 of 10"), "\(wrong)")
        }

        /// The wire lies within what the program sees of it, and by the kernel's clock beside it.
        @Test(.needs(.rawSockets)) func aRunsOwnCaptureHoldsItsCalls() async throws {
            let scratch = try Scratch()
            let run = try await scratch.run(
                .sipmeter(
                    "run", "--rate", "100", "--duration", "2s", "--capacity", "unlimited", "--pcap", "calls.pcap",
                    "--out",
                    "run"))
            #expect([0, 3].contains(run.status), "\(run)")
            #expect(run.output.contains("captured "), "\(run)")
            let analyzed = try await analyze([scratch.path("calls.pcap")], in: scratch)
            #expect(analyzed.status == 0, "\(analyzed)")
            let (said, seen) = (Table(try scratch.text("run/rtt.csv")), Table(try scratch.text("out/rtt.csv")))
            #expect(seen.header == Table.rttHeader && seen.isWhole)
            #expect(said.rows.count == 200)
            #expect(seen.column("call_id").sorted() == said.column("call_id").sorted())
            #expect(Set(seen.column("outcome")) == ["ok"] && Set(seen.column("clock")) == ["kernel"])
            let program = Dictionary(
                uniqueKeysWithValues: zip(said.column("call_id"), said.numbers("rtt_us")))
            for (call, wire) in zip(seen.column("call_id"), seen.numbers("rtt_us")) {
                // By the app's clock a batch's instants are estimates: up to a millisecond.
                #expect(wire <= (program[call] ?? .nan) + 1000, "\(call)")
            }
            #expect(try Summary(scratch.text("out/summary.json")).number("calls", "ok") == 200)
        }

        @Test(.needs(.networkNamespaces), .needs(.tcpdump), .needs(.rawSockets))
        func theHopsOfABridgedPathAddUp() async throws {
            let scratch = try Scratch()
            let files = ["client.pcap", "bridge.pcap", "server.pcap"].map { scratch.path($0) }
            try await BridgedHosts.during(in: scratch) { hosts in
                try await Answer.during(
                    address: hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch
                ) { _ in
                    try await hosts.listen(to: files, in: scratch) {
                        let run = Command.sipmeter(
                            "run", hosts.serverAddress, "--calls", "1000", "--rate", "250", "--tag", "--out", "run")
                        let finished = try await scratch.run(run.run(by: hosts.onClient))
                        #expect([0, 3].contains(finished.status), "\(finished)")
                    }
                }
            }
            let analyzed = try await analyze(["--hops"] + files, in: scratch)
            #expect(analyzed.status == 0, "\(analyzed)")
            #expect(!analyzed.output.contains("lost on the way"), "\(analyzed)")
            let hops = Table(try scratch.text("out/hops.csv"))
            let rows = hops.rows.indices.filter { hops[$0, "message"] == "INVITE" }
            #expect(rows.count == 1000)
            let truth = try Self.endToEnd(Capture(of: files[0]), Capture(of: files[2]))
            let parts = ["resent_us", "forth_1_2_us", "forth_2_3_us", "beyond_us", "back_3_2_us", "back_2_1_us"]
            for row in rows {
                func us(_ column: String) -> Double { Double(hops[row, column] ?? "") ?? .nan }
                let call = String(hops[row, "call_id"] ?? "")
                // One machine, one clock: nothing is estimated, and the parts are exact to the nanosecond.
                #expect(abs(parts.map(us).reduce(0, +) - us("total_us")) < 0.01, "\(call)")
                #expect(abs(us("forth_1_2_us") + us("forth_2_3_us") - (truth[call] ?? .nan)) < 0.01, "\(call)")
            }
            #expect(
                analyzed.output.contains("1-2: taken as one clock") && analyzed.output.contains("2-3: taken as one"))
            // The first point's calls are the run's.
            let calls = Table(try scratch.text("out/rtt.csv"))
            #expect(calls.rows.count == 1000 && Set(calls.column("outcome")) == ["ok"])
        }

        /// From the bridge's own address: what leaves `bridge0` next passes the port of the server's cable.
        @Test(.needs(.networkNamespaces), .needs(.rawSockets)) func aRunTapsItsOwnPath() async throws {
            let scratch = try Scratch()
            let run = try await BridgedHosts.during(in: scratch) { hosts in
                try await Answer.during(
                    address: hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch
                ) { _ in
                    let run = Command.sipmeter(
                        "run", hosts.serverAddress, "--calls", "50", "--rate", "50", "--tap", "bridge0", "--tap",
                        hosts.serverPort, "--out", "run")
                    return try await scratch.run(run.run(by: hosts.onBridge))
                }
            }
            #expect([0, 3].contains(run.status), "\(run)")
            #expect(run.output.contains("Points      1 tap-bridge0.pcap, 2 tap-port2.pcap"), "\(run)")
            let hops = Table(try scratch.text("run/hops.csv"))
            #expect(hops.rows.count == 100)
            for column in ["forth_1_2_us", "back_2_1_us"] {
                #expect(hops.numbers(column).allSatisfy { $0 >= 0 }, "\(column)")
            }
        }

        // MARK: bad input

        @Test func whatIsNoCaptureSaysSo() async throws {
            let scratch = try Scratch()
            _ = try scratch.write("no capture", to: "text.pcap")
            let text = try await scratch.run(.sipmeter("analyze", "text.pcap"))
            #expect(text.status == 65, "\(text)")
            #expect(text.complaint.hasPrefix("error: text.pcap is no capture: "))
            let missing = try await scratch.run(.sipmeter("analyze", "nowhere.pcap"))
            #expect(missing.status == 65, "\(missing)")
            #expect(missing.complaint == "error: cannot read nowhere.pcap: No such file or directory\n")
            let alone = try await scratch.run(.sipmeter("analyze", "--hops", "text.pcap"))
            #expect(alone.status == 64, "\(alone)")
            #expect(alone.complaint.hasPrefix("error: --hops: it takes two captures or more"))
            #expect(!scratch.has("runs"))
        }

        // MARK: running it

        private func analyze(
            _ arguments: [String], to directory: String = "out", in scratch: Scratch
        ) async throws -> Finished {
            try await scratch.run(Command([Command.sipmeterPath, "analyze"] + arguments + ["--out", directory]))
        }

        /// From each INVITE at the client's end to the same INVITE at the server's, in us.
        private static func endToEnd(_ client: Capture, _ server: Capture) -> [String: Double] {
            func instants(_ capture: Capture) -> [String: Int64] {
                var found: [String: Int64] = [:]
                for packet in capture.packets where packet.method == "INVITE" {
                    if let call = packet.callID, found[call] == nil { found[call] = packet.at }
                }
                return found
            }
            let (sent, arrived) = (instants(client), instants(server))
            return sent.reduce(into: [:]) { lengths, entry in
                if let at = arrived[entry.key] { lengths[entry.key] = Double(at - entry.value) / 1000 }
            }
        }
    }
}

extension BridgedHosts {
    /// Captures at the client, on the bridge and at the server.
    fileprivate func listen(to files: [String], in scratch: Scratch, _ body: () async throws -> Void) async throws {
        func record(_ file: String, _ interface: String, _ place: [String], _ body: () async throws -> Void)
            async throws
        {
            try await Capture.recording(
                "udp port 5060", to: file, on: interface, by: place, in: scratch, body)
        }
        try await record(files[0], "cable0", onClient) {
            try await record(files[1], "bridge0", onBridge) {
                try await record(files[2], "cable0", onServer, body)
            }
        }
    }
}
