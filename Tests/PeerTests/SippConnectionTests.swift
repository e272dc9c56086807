import Foundation
import Testing

extension AgainstPeers {
    /// `sipmeter sipp` over TCP and TLS, and what a scenario may do to the run.
    @Suite(.serialized) struct SippConnections {
        private static let ours = [Command.sipmeterPath, "sipp"]

        private static func command(_ program: [String], _ line: String) -> Command {
            Command(program + line.split(separator: " ").map(String.init))
        }

        /// A caller against an answering side, both with these words behind `-sn uac` and `-sn uas`.
        private static func calls(
            _ caller: [String], _ callerWords: String, _ server: [String], _ serverWords: String
        ) async throws -> (finished: Finished, scratch: Scratch) {
            let scratch = try Scratch()
            let port = try TCPPorts.free()
            let answering = command(server, "-sn uas -i 127.0.0.1 -p \(port) -nostdin \(serverWords)")
            return try await scratch.during(answering) { running in
                try await running.waitForListener(port)
                let calling = command(
                    caller,
                    "-sn uac 127.0.0.1:\(port) -i 127.0.0.1 -m 20 -r 100 -nostdin -timeout 20 -timeout_error \(callerWords)"
                )
                return (try await scratch.run(calling, within: .seconds(30)), scratch)
            }
        }

        @Test(.needs(.sipp), arguments: ["t1", "tn"]) func callsGoToSippOverTCP(mode: String) async throws {
            let words = "-t \(mode) -trace_msg -message_file m.log -trace_stat -stf s.csv -trace_counts"
            let (finished, scratch) = try await Self.calls(Self.ours, words, ["sipp"], "-t t1")
            #expect(finished.status == 0, "\(finished)")
            let table = Table(try scratch.text("s.csv"), separator: ";")
            #expect(table.column("SuccessfulCall(C)").last == "20" && table.column("FailedCall(C)").last == "0")
            let messages = try scratch.text("m.log")
            #expect(messages.split(separator: "\n").filter { $0.hasPrefix("TCP message sent") }.count == 60)
            #expect(messages.contains("Via: SIP/2.0/TCP 127.0.0.1:") && !messages.contains("UDP message"))
            #expect(finished.output.contains("ACK ---------->         20"), "\(finished.output)")
        }

        @Test(.needs(.sipp), arguments: ["t1", "tn"]) func sippCallsOverTCP(mode: String) async throws {
            let words = "-t t1 -trace_msg -message_file server.log"
            let (finished, scratch) = try await Self.calls(["sipp"], "-t \(mode) -max_socket 100", Self.ours, words)
            #expect(finished.status == 0, "\(finished)")
            #expect(try scratch.text("server.log").contains("TCP message received ["))
        }

        @Test(.needs(.openssl), arguments: ["l1", "ln"]) func tlsIsVerifiedWhereAnAuthorityIsNamed(mode: String)
            async throws
        {
            let certificates = try await Certificates(in: Scratch())
            let good = try await certificates.make(.good)
            let server = "-t l1 -tls_cert \(good.certificate) -tls_key \(good.key)"
            let trusting = try await Self.calls(Self.ours, "-t \(mode)", Self.ours, server)
            #expect(trusting.finished.status == 0, "\(trusting.finished)")
            let verifying = try await Self.calls(
                Self.ours, "-t \(mode) -tls_ca \(certificates.authority)", Self.ours, server)
            #expect(verifying.finished.status == 0, "\(verifying.finished)")
            let stranger = try await Certificates(in: Scratch())
            let refusing = try await Self.calls(
                Self.ours, "-t \(mode) -tls_ca \(stranger.authority)", Self.ours, server)
            #expect(refusing.finished.status == (mode == "l1" ? 255 : 1), "\(refusing.finished)")
        }

        @Test func nobodyListeningEndsTheRunWith255() async throws {
            let scratch = try Scratch()
            let line = "-sn uac 127.0.0.1:\(try TCPPorts.free()) -t t1 -i 127.0.0.1 -m 1 -nostdin"
            let finished = try await scratch.run(Self.command(Self.ours, line))
            #expect(finished.status == 255 && finished.errors.contains("refused"), "\(finished)")
        }

        // MARK: what a scenario may do

        private static func run(_ action: String, _ words: String = "") async throws -> (Finished, Scratch) {
            let scratch = try Scratch()
            let flow = """
                <scenario name="acts">
                  <nop><action>\(action)</action></nop>
                  <send><![CDATA[
                    OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0
                    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                    From: <sip:a@[local_ip]>;tag=1
                    To: <sip:b@[remote_ip]>
                    Call-ID: [call_id]
                    CSeq: 1 OPTIONS
                    Content-Length: 0
                  ]]></send>
                </scenario>
                """
            _ = try scratch.write(flow, to: "flow.xml")
            let silent = try LoopbackSocket()
            let line = "-sf flow.xml 127.0.0.1:\(silent.port) -i 127.0.0.1 -m 1 -nostdin -timeout 10 \(words)"
            return (try await scratch.run(command(ours, line)), scratch)
        }

        @Test func commandsNeedLeave() async throws {
            let action = #"<exec command="touch made"/>"#
            let (refused, first) = try await Self.run(action)
            #expect(refused.status == 1 && !first.has("made"), "\(refused)")
            #expect(refused.errors.contains("-allow_exec or SIPMETER_ALLOW_EXEC=1 permits it"), "\(refused.errors)")
            let (permitted, second) = try await Self.run(action, "-allow_exec")
            #expect(permitted.status == 0, "\(permitted)")
            try await until("the command has run", within: .seconds(10)) { second.has("made") }
        }

        @Test func aScenarioEndsTheRunWithSippsExitCodes() async throws {
            #expect(try await Self.run(#"<exec int_cmd="stop_now"/>"#).0.status == 97)
            let (failed, scratch) = try await Self.run(
                #"<error message="enough of this"/>"#, "-trace_err -error_file e.log")
            #expect(failed.status == 255 && failed.errors.contains("enough of this"), "\(failed)")
            #expect(try scratch.text("e.log").contains("enough of this"))
        }
    }
}
