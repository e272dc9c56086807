import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// TCP and TLS, against servers and callers that others wrote.
    @Suite struct Streams {
        private static let calls = 300

        private static func run(
            _ port: UInt16, _ transport: String, _ options: [String] = [], in scratch: Scratch
        ) async throws -> Finished {
            try await scratch.run(
                Command(
                    Command.sipmeter(
                        "run", "127.0.0.1:\(port)", "--transport", transport, "--rate", "100", "--duration", "3s",
                        "--quiet", "--out", scratch.path("run")
                    ).words + options), within: .seconds(60))
        }

        /// Every call ended well, and none was sent again.
        private static func expectAllWell(
            _ finished: Finished, connections: Int, _ transport: String, in scratch: Scratch
        ) throws {
            #expect([0, 3].contains(finished.status), "\(finished)")
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(rows.rows.count == calls)
            #expect(rows.column("outcome").allSatisfy { $0 == "ok" })
            #expect(rows.column("clock").allSatisfy { $0 == "app" })
            #expect(rows.numbers("rtt_us").allSatisfy { $0 > 0 })
            #expect(rows.numbers("retransmissions").allSatisfy { $0 == 0 })
            #expect(finished.output.contains("\(connections) \(transport) connection"), "\(finished)")
            let manifest = try scratch.text("run/manifest.json")
            #expect(manifest.contains("\"sip_transport_protocol\": \"\(transport)\""), "\(manifest)")
        }

        private static let uses = [
            ["--connections", "shared"], ["--connections", "per-call"], ["--precise"], ["--batch", "5ms"],
        ]

        @Test(.needs(.sipp), arguments: uses) func sippAnswersOverTCP(_ use: [String]) async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            try await SIPp.duringTCP(port: port, in: scratch) { _ in
                let finished = try await Self.run(port, "tcp", use, in: scratch)
                try Self.expectAllWell(
                    finished, connections: use.contains("per-call") ? Self.calls : 1, "TCP", in: scratch)
            }
        }

        /// SIPp's own statistics are the judge.
        @Test(.needs(.sipp), arguments: ["t1", "tn"]) func sippCallsOverTCP(_ mode: String) async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            try await Answer.during(["--transport", "tcp"], port: port, in: scratch) { answer in
                let uac = Command(
                    "sipp", "-sn", "uac", "-t", mode, "127.0.0.1:\(port)", "-i", "127.0.0.1", "-m", "300", "-r", "100",
                    "-max_socket", "500", "-nostdin", "-trace_stat", "-stf", scratch.path("stat.csv"), "-fd", "1")
                let finished = try await scratch.run(uac, within: .seconds(40))
                #expect(finished.status == 0, "\(finished)")
                let statistics = Table(try scratch.text("stat.csv"), separator: ";")
                #expect(statistics.column("SuccessfulCall(C)").last == "300")
                #expect(statistics.column("FailedCall(C)").last == "0")
                answer.send(SIGINT)
                let answered = try await answer.finish()
                #expect(answered.status == 0, "\(answered)")
                #expect(answered.output.contains("calls 300, ended ok "))
                #expect(answered.output.contains(mode == "tn" ? "30" : "1 TCP connection"), "\(answered)")
            }
        }

        @Test(.needs(.kamailio), arguments: uses) func kamailioAnswersOverTCP(_ use: [String]) async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            try await Kamailio.during(Kamailio.streamUAS, port: port, over: "tcp", in: scratch) { _ in
                let finished = try await Self.run(port, "tcp", use, in: scratch)
                try Self.expectAllWell(
                    finished, connections: use.contains("per-call") ? Self.calls : 1, "TCP", in: scratch)
            }
        }

        @Test(.needs(.kamailioTLS), .needs(.openssl), arguments: uses.prefix(2))
        func kamailioAnswersOverTLS(_ use: [String]) async throws {
            let scratch = try Scratch()
            let certificates = try await Certificates(in: scratch)
            let (certificate, key) = try await certificates.make(.good)
            let port = try TCPPorts.free()
            try await Kamailio.during(
                Kamailio.secureUAS(certificate: certificate, key: key), port: port, over: "tls", in: scratch
            ) { _ in
                let finished = try await Self.run(port, "tls", use + ["--tls-ca", certificates.authority], in: scratch)
                try Self.expectAllWell(
                    finished, connections: use.contains("per-call") ? Self.calls : 1, "TLS", in: scratch)
            }
        }

        @Test(.needs(.openssl), arguments: uses) func bothEndsOverTLS(_ use: [String]) async throws {
            let scratch = try Scratch()
            let certificates = try await Certificates(in: scratch)
            let (certificate, key) = try await certificates.make(.good)
            let port = try TCPPorts.free()
            // Each shows a certificate, and each verifies the other's.
            let own = ["--transport", "tls", "--tls-cert", certificate, "--tls-key", key]
            try await Answer.during(own + ["--tls-ca", certificates.authority], port: port, in: scratch) { answer in
                let finished = try await Self.run(
                    port, "tls",
                    use + ["--tls-cert", certificate, "--tls-key", key, "--tls-ca", certificates.authority],
                    in: scratch)
                try Self.expectAllWell(
                    finished, connections: use.contains("per-call") ? Self.calls : 1, "TLS", in: scratch)
                answer.send(SIGINT)
                let answered = try await answer.finish()
                #expect(answered.output.contains("calls 300, ended ok "), "\(answered)")
            }
        }

        /// The certificate for the built-in target is made on the spot, and verified like any other.
        @Test(arguments: ["tcp", "tls"]) func theBuiltInTargetSpeaksIt(_ transport: String) async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter(
                    "run", "--transport", transport, "--rate", "50", "--calls", "20", "--quiet", "--out",
                    scratch.path("run")))
            #expect([0, 3].contains(finished.status), "\(finished)")
            #expect(Table(try scratch.text("run/rtt.csv")).column("outcome") == Array(repeating: "ok", count: 20))
        }

        // MARK: certificates

        @Test(
            .needs(.openssl),
            arguments: [
                (
                    Certificates.Kind.wrongName,
                    "shows a certificate for pbx.example, sip.example, not for 127.0.0.1: if that is "
                        + "the server meant, say so with --tls-server-name"
                ),
                (.expired, "shows a certificate that expired on "),
                (
                    .unknownAuthority,
                    "shows a certificate signed by \"CN=Stranger\", which is not among the authorities trusted "
                        + "here: name that authority's certificate with --tls-ca FILE"
                ),
                (
                    .selfSigned,
                    "shows a certificate that \"CN=selfSigned\" signed for itself: to trust it name it with --tls-ca"
                ),
            ])
        func aCertificateThatIsNoGoodIsRefusedWithItsReason(_ kind: Certificates.Kind, _ sentence: String) async throws
        {
            let scratch = try Scratch()
            let certificates = try await Certificates(in: scratch)
            let (certificate, key) = try await certificates.make(kind)
            let port = try TCPPorts.free()
            try await Self.duringOpenSSL(["-cert", certificate, "-key", key], port: port, in: scratch) {
                for use in ["shared", "per-call"] {
                    let finished = try await Self.run(
                        port, "tls", ["--tls-ca", certificates.authority, "--connections", use], in: scratch)
                    #expect(finished.status == 69, "\(finished)")
                    let complaint = "error: 127.0.0.1:\(port) " + sentence
                    #expect(finished.complaint.hasPrefix(complaint), "\(finished)")
                    #expect(finished.complaint.contains("--tls-insecure goes on without verification"))
                }
            }
        }

        @Test(.needs(.openssl)) func whatTheComplaintAdvisesHelps() async throws {
            let scratch = try Scratch()
            let certificates = try await Certificates(in: scratch)
            for (kind, advice) in [
                (
                    Certificates.Kind.wrongName,
                    ["--tls-ca", certificates.authority, "--tls-server-name", "sip.example"]
                ),
                (.expired, ["--tls-insecure"]),
                (.unknownAuthority, ["--tls-ca", scratch.path("stranger.pem")]),
                (.selfSigned, ["--tls-ca", scratch.path("selfSigned.pem")]),
            ] {
                let (certificate, key) = try await certificates.make(kind)
                let port = try TCPPorts.free()
                try await Answer.during(
                    ["--transport", "tls", "--tls-cert", certificate, "--tls-key", key], port: port, in: scratch
                ) { _ in
                    let finished = try await scratch.run(
                        Command(
                            Command.sipmeter(
                                "run", "127.0.0.1:\(port)", "--transport", "tls", "--rate", "50", "--calls", "5",
                                "--quiet",
                                "--out", scratch.path("run-\(kind)")
                            ).words + advice))
                    #expect([0, 3].contains(finished.status), "\(kind): \(finished)")
                    let says = finished.errors.contains("notice: --tls-insecure: nobody knows")
                    #expect(says == advice.contains("--tls-insecure"))
                }
            }
        }

        @Test(.needs(.openssl)) func aServerThatWantsACertificateIsSaidToWantOne() async throws {
            let scratch = try Scratch()
            let certificates = try await Certificates(in: scratch)
            let (certificate, key) = try await certificates.make(.good)
            let port = try TCPPorts.free()
            try await Self.duringOpenSSL(
                ["-cert", certificate, "-key", key, "-Verify", "1", "-CAfile", certificates.authority], port: port,
                in: scratch
            ) {
                let finished = try await Self.run(port, "tls", ["--tls-ca", certificates.authority], in: scratch)
                #expect(finished.status == 69)
                #expect(
                    finished.complaint.hasPrefix(
                        "error: 127.0.0.1:\(port) wants a certificate of its caller: give it with --tls-cert FILE"),
                    "\(finished)")
            }
        }

        private static func duringOpenSSL<R: Sendable>(
            _ options: [String], port: UInt16, in scratch: Scratch, _ body: () async throws -> R
        ) async throws -> R {
            // `-www` keeps it from reading standard input, which has nothing and ends.
            let command = Command(["openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-www"] + options)
            return try await scratch.during(command) { running in
                try await running.waitForListener(port)
                return try await body()
            }
        }

        // MARK: connections that fail

        @Test(arguments: ["tcp", "tls"], ["shared", "per-call"])
        func nobodyListeningEndsTheRunWith69(_ transport: String, _ use: String) async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            let finished = try await Self.run(port, transport, ["--connections", use], in: scratch)
            #expect(finished.status == 69)
            let kind = transport.uppercased()
            #expect(
                finished.complaint.hasPrefix(
                    "error: 127.0.0.1:\(port) accepts no \(kind) connection (Connection refused). Is the server running, on "
                        + "this port and with \(kind)?"), "\(finished)")
        }

        @Test func aServerThatAcceptsAndSaysNothingIsSilent() async throws {
            let scratch = try Scratch()
            let listener = try LoopbackStream.Listener()
            let finished = try await Self.run(listener.port, "tcp", in: scratch)
            #expect(finished.status == 69)
            #expect(
                finished.complaint.hasPrefix("error: nothing came back from 127.0.0.1:\(listener.port) in 2"),
                "\(finished)")
            #expect(finished.complaint.contains("INVITEs went out over TCP, no message came in"))
        }

        /// The server goes away and comes back: calls that waited are lost, those after it are placed anew.
        @Test func aLostConnectionIsMadeAgain() async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            let run = Command.sipmeter(
                "run", "127.0.0.1:\(port)", "--transport", "tcp", "--rate", "50", "--duration", "5s", "--quiet",
                "--out",
                scratch.path("run"))
            let finished = try await Answer.during(["--transport", "tcp"], port: port, in: scratch) { first in
                try await scratch.during(run) { running in
                    try await running.wait(for: "a second of calls") {
                        ((try? scratch.text("run/intervals.csv")) ?? "").split(separator: "\n").count >= 2
                    }
                    first.send(SIGINT)
                    _ = try await first.finish()
                    return try await Answer.during(["--transport", "tcp"], port: port, in: scratch) { _ in
                        try await running.finish()
                    }
                }
            }
            #expect([0, 3].contains(finished.status), "\(finished)")
            let rows = Table(try scratch.text("run/rtt.csv"))
            let outcomes = rows.column("outcome")
            #expect(outcomes.count == 250)
            #expect(outcomes.allSatisfy { $0 == "ok" || $0 == "refused" })
            #expect(outcomes.filter { $0 == "ok" }.count > 100)
            // By the call's number: the last ones went over the second connection.
            let last = try #require(rows.column("call").firstIndex(of: "250"))
            #expect(outcomes[last] == "ok")
            // More than two where the one that went away still took one in.
            #expect(finished.output.contains(/[2-9] TCP connections set up in [^.]*/), "\(finished)")
            #expect(finished.output.contains(" lost,"))
        }

        /// The peer goes away for good: the run ends, and says why.
        @Test func aServerThatStaysAwayEndsTheRun() async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            let run = Command.sipmeter(
                "run", "127.0.0.1:\(port)", "--transport", "tcp", "--rate", "50", "--duration", "60s", "--quiet",
                "--out",
                scratch.path("run"))
            let finished = try await Answer.during(["--transport", "tcp"], port: port, in: scratch) { first in
                try await scratch.during(run) { running in
                    try await running.wait(for: "a second of calls") {
                        ((try? scratch.text("run/intervals.csv")) ?? "").split(separator: "\n").count >= 2
                    }
                    first.send(SIGINT)
                    _ = try await first.finish()
                    return try await running.finish(within: .seconds(30))
                }
            }
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.contains("accepts no TCP connection"))
            let outcomes = Table(try scratch.text("run/rtt.csv")).column("outcome")
            #expect(outcomes.contains("ok") && outcomes.contains("refused"))
        }

        /// A server that sends a message without its length: closed, counted, said.
        @Test func aMessageWithoutContentLengthEndsItsConnection() async throws {
            let scratch = try Scratch()
            let listener = try LoopbackStream.Listener()
            let finished = try await scratch.during(
                .sipmeter(
                    "run", "127.0.0.1:\(listener.port)", "--transport", "tcp", "--rate", "10", "--calls", "1",
                    "--quiet",
                    "--out", scratch.path("run"))
            ) { running in
                let connection = try await listener.accept()
                _ = try await connection.receive()
                connection.send("SIP/2.0 200 OK\r\nSubject: no length\r\n\r\n")
                #expect(try await connection.receive() == nil)
                return try await running.finish()
            }
            #expect(finished.status == 69, "\(finished)")
            #expect(
                finished.complaint.contains(
                    "127.0.0.1:\(listener.port) sent a message without Content-Length, which every message on a stream must "
                        + "have (RFC 3261, 18.3): the TCP connection was closed"), "\(finished)")
            #expect(Table(try scratch.text("run/rtt.csv")).column("outcome") == ["refused"])
        }

        /// And a caller that does.
        @Test func answerClosesWhatItCannotCut() async throws {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            try await Answer.during(["--transport", "tcp"], port: port, in: scratch) { answer in
                let connection = try LoopbackStream(to: port)
                connection.send("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\n\r\n")
                #expect(try await connection.receive() == nil)
                // Others are none the worse for it; and keep-alives are answered.
                let other = try LoopbackStream(to: port)
                other.send("\r\n\r\n")
                #expect(try await other.receive() == "\r\n")
                other.send(
                    "OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/TCP 192.0.2.9:7;branch=z9hG4bK2\r\nf: <sip:a@b>;tag=1\r\n"
                        + "t: <sip:a@b>\r\ni: 1@x\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n")
                #expect(try await other.receive()?.hasPrefix("SIP/2.0 200 OK\r\n") == true)
                answer.send(SIGINT)
                let finished = try await answer.finish()
                #expect(
                    finished.output.contains(
                        "2 TCP connections, 1 lost, 1 closed because their stream made no messages"))
            }
        }

        @Test func explainFollowsDatagramsOnly() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(.sipmeter("explain", "127.0.0.1:9", "--transport", "tcp"))
            #expect(finished.status == 64, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: explain follows datagrams, and --transport tcp sends none"))
        }

        @Test(arguments: [
            (["--transport", "tcp", "--timestamps", "kernel"], "--timestamps kernel: the kernel stamps datagrams"),
            (["--transport", "tcp", "--tag"], "--tag marks datagrams"),
            (["--transport", "tls", "--tls-ca", "/nonexistent.pem"], "--tls-ca /nonexistent.pem: No such file"),
            (["--transport", "tcp", "--tls-insecure"], "--tls-insecure belongs to --transport tls, and this is tcp"),
            (
                ["--connections", "per-call"],
                "--connections per-call belongs to --transport tcp or tls, and this is udp"
            ),
            (["--transport", "tcp", "--pcap", "x.pcap"], "--pcap and --tap capture datagrams"),
            (["--transport", "tcp", "--reads", "1ms"], "--reads needs the kernel's timestamps"),
            (["--transport", "tls", "--tls-key", "k.pem"], "--tls-key needs the certificate too"),
        ])
        func whatDoesNotGoTogetherIsSaid(_ options: [String], _ sentence: String) async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command(Command.sipmeter("run", "127.0.0.1:9", "--calls", "1", "--quiet").words + options))
            #expect(finished.status == 64, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: " + sentence), "\(finished)")
        }
    }
}
