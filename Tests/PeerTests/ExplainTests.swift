import Foundation
import Testing

extension AgainstPeers {
    /// Where the time went: against real servers under probes, with causes that were planted.
    @Suite(.serialized) struct Explain {
        enum Server: String, CaseIterable { case answer, kamailio, sipp }

        // MARK: joining

        /// 1,000 requests at 500/s, evenly and in bursts of eight, between two network namespaces.
        @Test(
            .needs(.probes), .needs(.networkNamespaces), .needs(.tcpdump), .needs(.kamailio), .needs(.sipp),
            arguments: Server.allCases, ["0s", "32ms"])
        func everyRequestIsJoinedAndItsBlocksAddUpToTheWiresDelay(_ server: Server, batch: String) async throws {
            let scratch = try Scratch()
            let (asked, answered) = try await TwoHosts.during(in: scratch) { hosts in
                try await Self.during(server, hosts, in: scratch) {
                    try await Self.captured(hosts, in: scratch) {
                        let explain = Command.sipmeter(
                            "explain", hosts.serverAddress, "--rate", "250", "--calls", "500", "--batch", batch,
                            "--out",
                            scratch.path("out"), "--quiet")
                        let finished = try await scratch.run(explain.run(by: hosts.onClient))
                        #expect([0, 3].contains(finished.status), "\(finished)")
                    }
                }
            }
            let blocks = Table(try scratch.text("out/blocks.csv"))
            #expect(blocks.rows.count >= 998 && blocks.rows.count <= 1000)
            #expect(try Report(scratch).number("requests", "seen") == 1000)
            let names = ["driver_us", "softirq_us", "protocol_us", "socket_wait_us", "application_us", "reply_us"]
            var apart: [Double] = []
            for i in blocks.rows.indices {
                let total = try #require(blocks[i, "total_us"].flatMap { Double($0) })
                let sum = names.reduce(0.0) { $0 + (blocks[i, $1].flatMap { Double($0) } ?? .nan) }
                #expect(abs(total - sum) < 0.01, "row \(i)")
                let key = "\(blocks[i, "call_id"] ?? "") \(blocks[i, "method"] ?? "")"
                let from = try #require(asked[key])
                let to = try #require(answered[key])
                apart.append(abs(total - Double(to - from) / 1000))
            }
            apart.sort()
            let median = try #require(apart.dropFirst(apart.count / 2).first)
            print(
                "|total - capture|, \(server), batch \(batch): p50 \(median) us, p99 \(apart[apart.count * 99 / 100]) us"
            )
            // Microseconds on an idle machine; here only that the two speak of the same thing.
            #expect(median < 100)
        }

        /// When each request was put on the cable, and when its final response was, by Call-ID and method.
        private static func captured(
            _ hosts: TwoHosts, in scratch: Scratch, _ body: () async throws -> Void
        ) async throws -> ([String: Int64], [String: Int64]) {
            var onServer: Capture?
            let onClient = try await Capture.during(
                "udp port 5060", on: hosts.clientInterface, by: hosts.onClient, in: scratch
            ) {
                onServer = try await Capture.during(
                    "udp port 5060", on: hosts.serverInterface, by: hosts.onServer, in: scratch, body)
            }
            var (asked, answered): ([String: Int64], [String: Int64]) = ([:], [:])
            for packet in onClient.packets {
                guard let method = packet.method, method != "ACK", let call = packet.callID else { continue }
                asked["\(call) \(method)"] = asked["\(call) \(method)"] ?? packet.at
            }
            for packet in onServer?.packets ?? [] {
                guard let status = packet.status, status >= 200, let call = packet.callID,
                    let method = packet.cseqMethod
                else { continue }
                answered["\(call) \(method)"] = answered["\(call) \(method)"] ?? packet.at
            }
            return (asked, answered)
        }

        private static func during<R: Sendable>(
            _ server: Server, _ hosts: TwoHosts, in scratch: Scratch, _ body: () async throws -> R
        ) async throws -> R {
            switch server {
            case .answer:
                try await Answer.during(
                    "--capacity", "fixed:0.1ms", address: hosts.serverAddress, port: 5060, by: hosts.onServer,
                    in: scratch
                ) { _ in try await body() }
            case .kamailio:
                try await Kamailio.during(
                    Kamailio.statelessUAS, address: hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch
                ) { _ in try await body() }
            case .sipp:
                try await SIPp.during(hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch) { _ in
                    try await body()
                }
            }
        }

        // MARK: planted causes

        @Test(.needs(.probes)) func aServerThatSleepsBeforeItAnswersIsTheApplication() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--delay", "5ms", port: port, in: scratch) { _ in
                try await Self.explain(port, "--rate", "50", "--calls", "50", in: scratch)
            }
            let blocks = Table(try scratch.text("out/blocks.csv"))
            #expect(blocks.rows.count == 100)
            #expect(blocks.numbers("application_us").allSatisfy { $0 >= 5000 })
            let verdict = try Report(scratch).verdict
            #expect(verdict.contains("application"), "\(verdict)")
        }

        @Test(.needs(.probes), .needs(.realtimePriority)) func aNeighbourOnTheServersCPUIsNamed() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let pinned = ["taskset", "-c", "\(CPUs.last)"]
            // A name no other task has.
            let neighbour = scratch.path("sm-neighbour")
            // Often a link, and a copy of a relative one leads nowhere.
            let shell = URL(filePath: "/bin/sh").resolvingSymlinksInPath().path
            try FileManager.default.copyItem(atPath: shell, toPath: neighbour)
            // Ahead of whatever else there is to do on that CPU.
            let busy = Command(
                "taskset", "-c", "\(CPUs.last)", "nice", "-n", "-5", neighbour, "-c", "while :; do :; done")
            try await Answer.during(port: port, by: pinned, in: scratch) { _ in
                try await scratch.during(busy) { running in
                    try await Self.explain(port, "--rate", "100", "--calls", "200", in: scratch)
                    #expect(running.isRunning, "the neighbour ended: \(running.errors)")
                }
            }
            let report = try Report(scratch)
            #expect(report.behindWhom.first == "sm-neighbour", "\(report.behindWhom)")
            let waits = Table(try scratch.text("out/waits.csv"))
            let behind = waits.numbers("behind_us").reduce(0, +)
            #expect(behind > waits.numbers("busy_us").reduce(0, +))
            #expect(behind > waits.numbers("cpu_waking_us").reduce(0, +))
        }

        /// One worker that computes for 2 ms over each INVITE, and eight INVITEs at a time; at a priority at which nobody else
        /// can be what it waits for, and not on the caller's CPU, where each INVITE would stop the caller from sending the next.
        @Test(.needs(.probes), .needs(.kamailio), .needs(.realtimePriority))
        func aThreadBusyWithEarlierRequestsIsFoundUnderBursts() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let first = ["taskset", "-c", "\(CPUs.last)", "chrt", "--rr", "5"]
            let elsewhere = ["taskset", "-c", "\(CPUs.first)"]
            try await Kamailio.during(Kamailio.busyUAS(loops: 200), port: port, by: first, in: scratch) { _ in
                try await Self.explain(
                    port, "--rate", "50", "--calls", "100", "--batch", "160ms", by: elsewhere, in: scratch)
            }
            let report = try Report(scratch)
            #expect(report.verdict.contains("socket wait"), "\(report.verdict)")
            #expect(report.verdict.contains("earlier requests"), "\(report.verdict)")
            let waits = Table(try scratch.text("out/waits.csv"))
            #expect(waits.numbers("busy_us").reduce(0, +) > waits.numbers("wait_us").reduce(0, +) / 2)
        }

        /// The receive buffer holds a few requests, and a hundred come at once: drops, which are no latency.
        @Test(.needs(.probes), .needs(.sipp)) func aFullReceiveBufferIsToldAsDrops() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let sipp = Command(
                "sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", "\(port)", "-nostdin", "-buff_size", "4096")
            try await scratch.during(sipp) { running in
                try await running.waitForPort(port)
                try await Self.explain(port, "--rate", "500", "--calls", "40", "--batch", "80ms", in: scratch)
            }
            let report = try Report(scratch)
            #expect(report.number("requests", "receive_drops") ?? 0 > 0)
            #expect(report.number("requests", "dropped_and_sent_again") ?? 0 > 0)
            #expect(report.verdict.contains("receive buffer"), "\(report.verdict)")
        }

        // MARK: under others' load, and with less than all

        /// SIPp's requests carry no tag.
        @Test(.needs(.probes), .needs(.sipp)) func aServerUnderOthersLoadIsWatchedByTheSIPText() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let watch = Command.sipmeter(
                    "explain", "--watch", "\(port)", "--duration", "60s", "--record", scratch.path("server.trace"),
                    "--out", scratch.path("out"), "--quiet")
                let finished = try await scratch.during(watch) { running in
                    try await running.wait(for: "that it watches") { running.output.contains("watching") }
                    let load = Command(
                        "sipp", "-sn", "uac", "127.0.0.1:\(port)", "-m", "50", "-r", "100", "-nostdin", "-d", "1")
                    #expect(try await scratch.run(load).status == 0)
                    running.send(SIGINT)
                    return try await running.finish()
                }
                #expect(finished.status == 130, "\(finished)")
            }
            let blocks = Table(try scratch.text("out/blocks.csv"))
            #expect(blocks.rows.count == 100)
            #expect(blocks.columns["socket_wait_us"] != nil)
            // What was recorded gives the same again.
            let joined = try await scratch.run(
                .sipmeter("explain", "--join", scratch.path("server.trace"), "--out", scratch.path("again")))
            #expect(joined.status == 0, "\(joined)")
            #expect(try scratch.text("again/blocks.csv") == scratch.text("out/blocks.csv"))
        }

        @Test(.needs(.probes)) func aServersRecordingAndTheCallersRunAreJoined() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let watch = Command.sipmeter(
                    "explain", "--watch", "127.0.0.1:\(port)", "--duration", "60s", "--record",
                    scratch.path("server.trace"), "--out", scratch.path("out"), "--quiet")
                try await scratch.during(watch) { running in
                    try await running.wait(for: "that it watches") { running.output.contains("watching") }
                    let run = try await scratch.run(
                        .sipmeter(
                            "run", "127.0.0.1:\(port)", "--rate", "100", "--calls", "100", "--out", scratch.path("run"))
                    )
                    #expect([0, 3].contains(run.status), "\(run)")
                    running.send(SIGINT)
                    _ = try await running.finish()
                }
            }
            let joined = try await scratch.run(
                .sipmeter(
                    "explain", "--join", scratch.path("server.trace"), scratch.path("run"), "--out",
                    scratch.path("both")))
            #expect(joined.status == 0, "\(joined)")
            let blocks = Table(try scratch.text("both/blocks.csv"))
            #expect(blocks.rows.count == 200)
            #expect(blocks.header.contains("network_to_server_us") && blocks.header.contains("network_to_client_us"))
            #expect(joined.output.contains("Clocks"), "\(joined)")
        }

        @Test(.needs(.droppingPrivileges), .needs(.rawSockets))
        func withoutTheProbesPrivilegesTheInterfaceAloneIsMeasured() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let explain = Command.sipmeter(
                    "explain", "127.0.0.1:\(port)", "--rate", "100", "--calls", "100", "--out", scratch.path("out"))
                let finished = try await scratch.run(explain.run(by: Requirement.withoutProbes))
                #expect([0, 3].contains(finished.status), "\(finished)")
                #expect(finished.output.contains("CAP_BPF and CAP_PERFMON are missing"), "\(finished)")
            }
            let blocks = Table(try scratch.text("out/blocks.csv"))
            #expect(blocks.rows.count == 200)
            #expect(blocks.columns["server_us"] != nil, "\(blocks.header)")
        }

        @Test(.needs(.droppingPrivileges)) func withNoPrivilegeAtAllItSaysWhatGrantsIt() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let none = [
                "setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin,-net_raw",
                "--inh-caps=-bpf,-perfmon,-sys_admin,-net_raw",
            ]
            try await Answer.during(port: port, in: scratch) { _ in
                let explain = Command.sipmeter("explain", "127.0.0.1:\(port)", "--out", scratch.path("out"))
                let finished = try await scratch.run(explain.run(by: none))
                #expect(finished.status == 77, "\(finished)")
                #expect(finished.complaint.contains("CAP_BPF and CAP_PERFMON are missing"), "\(finished)")
                #expect(finished.complaint.contains("setcap cap_bpf,cap_perfmon"), "\(finished)")
            }
        }

        @Test(.needs(.probes)) func whoeverKillsItsParentEndsTheProbesToo() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let shell = Command(
                    "sh", "-c",
                    "'\(Command.sipmeterPath)' explain --watch \(port) --duration 60s --out '\(scratch.path("out"))' & echo $!; wait"
                )
                try await scratch.during(shell) { parent in
                    try await parent.wait(for: "that it watches") { parent.output.contains("watching") }
                    let child = try #require(parent.output.split(separator: "\n").lazy.compactMap { pid_t($0) }.first)
                    #expect(Self.holdsPrograms(child))
                    parent.send(SIGKILL)
                    try await until("the probes are gone", within: .seconds(20)) { !Self.holdsPrograms(child) }
                    // Ended in order: what it saw is there.
                    try await until("it ended", within: .seconds(20)) { kill(child, 0) != 0 }
                }
            }
            #expect(scratch.has("out/explain.txt"))
        }

        /// A process has BPF programs or links open.
        private static func holdsPrograms(_ process: pid_t) -> Bool {
            let folder = "/proc/\(process)/fd"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.contains {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + $0)
                return target?.contains("bpf") == true
            }
        }

        @Test func aTargetThatIsNotOnThisMachineIsSaidSo() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let finished = try await scratch.run(.sipmeter("explain", "127.0.0.1:\(port)"))
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.contains("no process of this machine has UDP port \(port) open"), "\(finished)")
        }

        // MARK: helpers

        private static func explain(
            _ port: UInt16, _ arguments: String..., by prefix: [String] = [], in scratch: Scratch
        ) async throws {
            let command = Command(
                [Command.sipmeterPath, "explain", "127.0.0.1:\(port)", "--out", scratch.path("out"), "--quiet"]
                    + arguments)
            let finished = try await scratch.run(command.run(by: prefix), within: .seconds(60))
            #expect([0, 3].contains(finished.status), "\(finished)")
        }

        /// `explain.json`, as any JSON reader has it.
        struct Report {
            private let root: [String: Any]

            init(_ scratch: Scratch) throws {
                let text = try scratch.text("out/explain.json")
                root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            }

            var verdict: String { root["verdict"] as? String ?? "" }

            var behindWhom: [String] {
                let wait = root["socket_wait"] as? [String: Any]
                return (wait?["behind_whom"] as? [[String: Any]] ?? []).compactMap { $0["command"] as? String }
            }

            func number(_ path: String...) -> Double? {
                var value: Any? = root
                for name in path { value = (value as? [String: Any])?[name] }
                return (value as? NSNumber)?.doubleValue
            }
        }
    }
}
