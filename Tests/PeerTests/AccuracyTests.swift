import Foundation
import Testing

extension AgainstPeers {
    /// What sipmeter says of a call beside what a capture of the same call says.
    @Suite(.serialized) struct Accuracy {
        enum Clock: String, CaseIterable { case kernel, app }
        static let calls = 200

        /// A call's four instants on the wire, in nanoseconds.
        private struct OnTheWire {
            var invite: Int64?
            var answer: Int64?
            var bye: Int64?
            var byeAnswer: Int64?

            /// The server's time alone, in microseconds: what `rtt_us` is by the kernel's clock.
            var legs: Double? {
                guard let invite, let answer, let bye, let byeAnswer else { return nil }
                return Double(answer - invite + byeAnswer - bye) / 1000
            }

            /// From first to last: what it is by the sending thread's clock, which cannot take its own reaction off.
            var span: Double? {
                guard let invite, let byeAnswer else { return nil }
                return Double(byeAnswer - invite) / 1000
            }
        }

        @Test(
            .needs(.networkNamespaces), .needs(.tcpdump), .needs(.rawSockets),
            arguments: [
                (transport: "udp", reads: "0s"), (transport: "raw", reads: "0s"), (transport: "udp", reads: "5ms"),
            ])
        func theRTTIsWhatACaptureShows(_ transport: String, reads: String) async throws {
            for clock in Clock.allCases where clock == .kernel || reads == "0s" {
                let (rows, wire) = try await measured(transport, clock, reads)
                #expect(Set(rows.column("clock")) == [Substring(clock.rawValue)])
                var apart: [Double] = []
                for i in rows.rows.indices {
                    let callID = try #require(rows[i, "call_id"].map(String.init))
                    let call = try #require(wire[callID])
                    let shown = try #require(clock == .kernel ? call.legs : call.span)
                    let rtt = try #require(rows[i, "rtt_us"].flatMap { Double($0) })
                    apart.append(abs(rtt - shown))
                    if clock == .kernel {
                        let hold = try #require(rows[i, "hold_us"].flatMap { Double($0) })
                        #expect(abs(rtt + hold - (call.span ?? 0)) < 1_000_000)
                    }
                }
                #expect(apart.count == Self.calls)
                apart.sort()
                let (median, p99) = (apart[apart.count / 2], apart[apart.count * 99 / 100])
                print(
                    "|rtt_us - capture|, \(transport), reads \(reads), clock \(clock): p50 \(median) us, p99 \(p99) us")
                // Microseconds, on a machine with nothing else to do; here only that the two speak of the same thing.
                if clock == .kernel { #expect(median <= 100) }
            }
        }

        private func measured(
            _ transport: String, _ clock: Clock, _ reads: String
        ) async throws -> (Table, [String: OnTheWire]) {
            let scratch = try Scratch()
            let capture = try await TwoHosts.during(in: scratch) { hosts in
                try await Answer.during(
                    address: hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch
                ) { _ in
                    try await Capture.during(
                        "udp port 5060", on: hosts.clientInterface, by: hosts.onClient, in: scratch
                    ) {
                        let run = Command.sipmeter(
                            "run", hosts.serverAddress, "--calls", "\(Self.calls)", "--rate", "100", "--tag",
                            "--transport", transport, "--timestamps", clock.rawValue, "--reads", reads, "--out",
                            scratch.path("run"))
                        let finished = try await scratch.run(run.run(by: hosts.onClient))
                        #expect([0, 3].contains(finished.status), "\(finished)")
                    }
                }
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(rows.column("outcome") == Array(repeating: "ok", count: Self.calls))
            return (rows, Self.joined(capture))
        }

        private static func joined(_ capture: Capture) -> [String: OnTheWire] {
            var calls: [String: OnTheWire] = [:]
            for packet in capture.packets {
                guard let callID = packet.callID else { continue }
                var call = calls[callID] ?? OnTheWire()
                switch (packet.method, packet.status, packet.cseqMethod) {
                case ("INVITE", _, _): call.invite = call.invite ?? packet.at
                case ("BYE", _, _): call.bye = call.bye ?? packet.at
                case (_, 200, "INVITE"): call.answer = call.answer ?? packet.at
                case (_, 200, "BYE"): call.byeAnswer = call.byeAnswer ?? packet.at
                case (_, _, _): break
                }
                calls[callID] = call
            }
            return calls
        }

        /// The instrument on a known workload: 23 calls to a server that takes 7 ms for each.
        @Test(arguments: Clock.allCases) func twentyThreeCallsOfSevenMillisecondsReadAsThat(_ clock: Clock) async throws
        {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--capacity", "fixed:7ms", port: port, in: scratch) { _ in
                let finished = try await scratch.run(
                    .sipmeter(
                        "run", "127.0.0.1:\(port)", "--calls", "23", "--rate", "50", "--timestamps", clock.rawValue,
                        "--out", scratch.path("run")))
                #expect([0, 3].contains(finished.status), "\(finished)")
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            let rtts = rows.numbers("rtt_us").sorted()
            try #require(rtts.count == 23)
            #expect(Set(rows.column("clock")) == [Substring(clock.rawValue)])
            print("23 calls x 7 ms, clock \(clock): min \(rtts[0]), p50 \(rtts[11]), max \(rtts[22]) us")
            #expect(rtts[0] >= 7_000, "no clock may make a server faster than it is")
            #expect(rtts[11] < 20_000)
        }
    }
}
