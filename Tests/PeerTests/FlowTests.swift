import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// Each standard scenario and its mirror image: the one run by us and the other by SIPp, then the other way round.
    @Suite(.serialized) struct Flows {
        /// A standard scenario, and the file in `Scenarios` for its other end.
        struct Flow: CustomTestStringConvertible {
            var standard: String
            var mirror: String
            /// The standard scenario answers; the mirror calls.
            var answers = false

            var testDescription: String { "\(standard), \(mirror)" }

            var caller: String { answers ? mirror : standard }
            var callee: String { answers ? standard : mirror }
        }

        private static let flows =
            [
                "register", "register-auth", "options", "message", "invite-auth", "cancel", "reinvite", "redirect",
                "busy",
            ].map { Flow(standard: $0, mirror: "\($0)-uas") } + [
                Flow(standard: "uas-early", mirror: "uas-early-uac", answers: true),
                Flow(standard: "b-leg", mirror: "b-leg-uac", answers: true),
            ]

        static let calls = 5

        /// The mirror's file, or the standard scenario written out.
        static func file(_ name: String, in scratch: Scratch) async throws -> String {
            let own = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios/\(name).xml").path
            if FileManager.default.fileExists(atPath: own) { return own }
            let shown = try await scratch.run(.sipmeter("scenario", "show", name))
            guard shown.status == 0 else { throw Unmet("scenario show \(name): \(shown)") }
            return try scratch.write(shown.output, to: "\(name).xml")
        }

        // MARK: callers

        /// Every call went through its scenario to the end.
        static func callWithSipmeter(
            _ scenario: String, to port: UInt16, password: String = "sesame", in scratch: Scratch
        ) async throws -> (finished: Finished, outcomes: [String]) {
            let directory = scratch.fresh("run")
            let finished = try await scratch.run(
                .sipmeter(
                    "run", "bob@127.0.0.1:\(port)", "--scenario", scenario, "--rate", "50", "--calls", "\(calls)",
                    "--auth-user", "alice", "--auth-password", password, "--quiet", "--out", directory))
            let rows = Table(try String(contentsOfFile: directory + "/rtt.csv", encoding: .utf8))
            return (finished, rows.column("outcome").map { String($0) })
        }

        static func sippCaller(
            _ file: String, to port: UInt16, password: String = "sesame"
        ) throws -> Command {
            Command(
                "sipp", "-sf", file, "127.0.0.1:\(port)", "-i", "127.0.0.1", "-p", "\(try UDPPorts.free())", "-m",
                "\(calls)", "-r", "50", "-s", "bob", "-au", "alice", "-ap", password, "-timeout", "15", "-nostdin",
                "-trace_err", "-error_file", "/dev/stderr")
        }

        /// Ends when its calls have.
        static func sippAnswering<R: Sendable>(
            _ file: String, in scratch: Scratch, endsItself: Bool = true, _ body: (UInt16) async throws -> R
        ) async throws -> R {
            let port = try UDPPorts.free()
            let command = Command(
                "sipp", "-sf", file, "-i", "127.0.0.1", "-p", "\(port)", "-m", "\(calls)", "-timeout", "15", "-nostdin",
                "-trace_err", "-error_file", "/dev/stderr")
            return try await scratch.during(command) { running in
                try await running.waitForPort(port)
                let result = try await body(port)
                if endsItself {
                    let finished = try await running.finish()
                    #expect(finished.status == 0, "\(finished)")
                }
                return result
            }
        }

        // MARK: flows

        @Test(.needs(.sipp), arguments: flows) func weCallAndSippAnswers(flow: Flow) async throws {
            let scratch = try Scratch()
            let callee = try await Self.file(flow.callee, in: scratch)
            let caller = flow.answers ? try await Self.file(flow.caller, in: scratch) : flow.caller
            // Our own answering scenarios stay for repeats, which SIPp waits for.
            try await Self.sippAnswering(callee, in: scratch, endsItself: !flow.answers) { port in
                let (finished, outcomes) = try await Self.callWithSipmeter(caller, to: port, in: scratch)
                #expect(outcomes == Array(repeating: "ok", count: Self.calls), "\(finished)")
            }
        }

        @Test(.needs(.sipp), arguments: flows) func sippCallsAndWeAnswer(flow: Flow) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let callee = flow.answers ? flow.callee : try await Self.file(flow.callee, in: scratch)
            let caller = try Self.sippCaller(try await Self.file(flow.caller, in: scratch), to: port)
            try await Answer.during("--scenario", callee, port: port, in: scratch) { answer in
                let finished = try await scratch.run(caller, within: .seconds(30))
                #expect(finished.status == 0, "\(finished)")
                answer.send(SIGINT)
                let answered = try await answer.finish()
                #expect(
                    answered.output.contains("calls \(Self.calls), ended ok \(Self.calls), failed 0"), "\(answered)")
            }
        }

        // MARK: authentication

        /// What checks credentials, and the scenario that brings them.
        private static let checks = [
            Flow(standard: "register-auth", mirror: "register-auth-uas"),
            Flow(standard: "invite-auth", mirror: "invite-auth-checking-uas"),
        ]

        /// SIPp 3.6.1 looks for `Authorization` only: its callee asks with 401 where the scenario has 407.
        private static func asked(by status: String, _ path: String, in scratch: Scratch) throws -> String {
            let text = try String(contentsOfFile: path, encoding: .utf8)
                .replacing("407 Proxy Authentication Required", with: "\(status) Unauthorized")
                .replacing("Proxy-Authenticate:", with: "WWW-Authenticate:")
                .replacing("\"407\"", with: "\"\(status)\"")
            return try scratch.write(text, to: "asked-\((path as NSString).lastPathComponent)")
        }

        @Test(.needs(.sipp), arguments: checks, [("sesame", "ok"), ("sesamE", "403")])
        func sippChecksOurCredentials(flow: Flow, expected: (password: String, outcome: String)) async throws {
            let scratch = try Scratch()
            let callee = try Self.asked(by: "401", try await Self.file(flow.callee, in: scratch), in: scratch)
            let caller = try Self.asked(by: "401", try await Self.file(flow.caller, in: scratch), in: scratch)
            try await Self.sippAnswering(callee, in: scratch) { port in
                let (finished, outcomes) = try await Self.callWithSipmeter(
                    caller, to: port, password: expected.password, in: scratch)
                #expect(outcomes == Array(repeating: expected.outcome, count: Self.calls), "\(finished)")
            }
        }

        @Test(.needs(.sipp), arguments: checks, ["sesame", "sesamE"])
        func weCheckSippsCredentials(flow: Flow, password: String) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let callee = try await Self.file(flow.callee, in: scratch)
            let caller = try Self.sippCaller(
                try await Self.file(flow.caller, in: scratch), to: port, password: password)
            try await Answer.during("--scenario", callee, port: port, in: scratch) { _ in
                let finished = try await scratch.run(caller, within: .seconds(30))
                if password == "sesame" {
                    #expect(finished.status == 0, "\(finished)")
                } else {
                    #expect(finished.status == 1 && finished.errors.contains("403 Forbidden"), "\(finished)")
                }
            }
        }

        @Test(.needs(.kamailio), arguments: ["MD5", "SHA-256"])
        func kamailioRegistersWhoKnowsThePassword(algorithm: String) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let configuration = Kamailio.registrar(realm: "a realm", password: "sesame", algorithm: algorithm)
            try await Kamailio.during(configuration, port: port, in: scratch) { _ in
                let (finished, outcomes) = try await Self.callWithSipmeter("register-auth", to: port, in: scratch)
                #expect(outcomes == Array(repeating: "ok", count: Self.calls), "\(finished)")
                let (refused, others) = try await Self.callWithSipmeter(
                    "register-auth", to: port, password: "sesamE", in: scratch)
                #expect(others.allSatisfy { $0 == "401" } && others.count == Self.calls, "\(refused)")
            }
        }

        @Test(.needs(.kamailio), arguments: ["MD5", "SHA-256"])
        func kamailioPutsThroughWhoKnowsThePassword(algorithm: String) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let configuration = Kamailio.authenticatingUAS(
                realm: "a realm", password: "sesame", algorithm: algorithm)
            try await Kamailio.during(configuration, port: port, in: scratch) { _ in
                let (finished, outcomes) = try await Self.callWithSipmeter("invite-auth", to: port, in: scratch)
                #expect(outcomes == Array(repeating: "ok", count: Self.calls), "\(finished)")
                let (refused, others) = try await Self.callWithSipmeter(
                    "invite-auth", to: port, password: "sesamE", in: scratch)
                #expect(others.allSatisfy { $0 == "407" } && others.count == Self.calls, "\(refused)")
            }
        }

        /// `-au`, `-ap`, `-auth_uri`, `-trace_logs` as SIPp has them.
        @Test(.needs(.kamailio)) func underSippsOptionsKamailioRegistersUs() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let configuration = Kamailio.registrar(realm: "a realm", password: "sesame", algorithm: "MD5")
            let file = try await Self.file("register-auth", in: scratch)
            try await Kamailio.during(configuration, port: port, in: scratch) { _ in
                func run(_ password: String, _ more: String...) async throws -> Finished {
                    try await scratch.run(
                        Command(
                            [Command.sipmeterPath, "sipp"]
                                + Self.sippCaller(file, to: port, password: password).words
                                .dropFirst() + more))
                }
                let right = try await run("sesame")
                #expect(right.status == 0, "\(right)")
                let wrong = try await run("sesamE")
                #expect(wrong.status == 1, "\(wrong)")
                let chosen = try await run(
                    "sesame", "-auth_uri", "elsewhere.example", "-trace_msg", "-message_file", scratch.path("m.log"))
                #expect(chosen.status == 0, "\(chosen)")
                #expect(try scratch.text("m.log").contains(",uri=\"sip:elsewhere.example\","))
            }
        }

        @Test func whyAChallengeIsNotAnsweredIsSaidWithTheResult() async throws {
            let scratch = try Scratch()
            let text = try String(
                contentsOfFile: try await Self.file("register-auth-uas", in: scratch), encoding: .utf8)
            let server = try scratch.write(
                text.replacing("algorithm=MD5", with: "algorithm=AKAv1-MD5"), to: "aka.xml")
            let port = try UDPPorts.free()
            try await Answer.during("--scenario", server, port: port, in: scratch) { _ in
                let (finished, outcomes) = try await Self.callWithSipmeter("register-auth", to: port, in: scratch)
                #expect(outcomes == Array(repeating: "check", count: Self.calls), "\(finished)")
                #expect(
                    finished.output.components(separatedBy: "A challenge could not be answered:").count == 2
                        && finished.output.contains("AKAv1-MD5"), "\(finished)")
            }
        }
    }
}
