import Authentication
import Datagrams
import Digests
import Foundation
import SIP
import Testing

extension AgainstPeers {
    /// Digest authentication against others: Kamailio asks and checks, SIPp answers.
    @Suite(.serialized) struct DigestAuthentication {
        private static let digests = OpenSSLDigests().function

        private static func register(
            from port: UInt16, user: String, cseq: Int, to server: UInt16, _ lines: [String] = []
        ) -> String {
            let head = [
                "REGISTER sip:127.0.0.1:\(server) SIP/2.0",
                "Via: SIP/2.0/UDP 127.0.0.1:\(port);branch=z9hG4bK-digest-\(user)-\(cseq)", "Max-Forwards: 70",
                "From: <sip:\(user)@127.0.0.1>;tag=1", "To: <sip:\(user)@127.0.0.1>",
                "Call-ID: digest-\(user)@127.0.0.1",
                "CSeq: \(cseq) REGISTER", "Contact: <sip:\(user)@127.0.0.1:\(port)>",
            ]
            return (head + lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n")
        }

        private static func status(_ text: String) -> String { String(text.dropFirst(8).prefix(3)) }

        private static func answer(
            _ text: String, uri: String, password: String, counts: inout NonceCounts
        ) throws -> String {
            let bytes = Array(text.utf8)
            var index = MessageIndex()
            try index.parse(bytes.span)
            var client = DigestClient(digests: digests)
            var line = ByteBuffer(capacity: 512)
            try client.appendAuthorization(
                for: bytes.span, index, method: Array("REGISTER".utf8).span, uri: Array(uri.utf8).span,
                body: [UInt8]().span, username: Array("bob".utf8).span, password: Array(password.utf8).span,
                cnonce: 0x1234, counts: &counts, to: &line)
            return String(decoding: line.storage[..<line.count], as: UTF8.self)
        }

        @Test(.needs(.kamailio), arguments: ["MD5", "SHA-256"])
        func kamailioAcceptsOurCredentialsAndNoOthers(algorithm: String) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let configuration = Kamailio.registrar(realm: "a realm", password: "zanzibar", algorithm: algorithm)
            try await Kamailio.during(configuration, port: port, in: scratch) { _ in
                for (user, challenge, credentials) in [
                    ("plain", "401", "Authorization: "), ("proxied", "407", "Proxy-Authorization: "),
                ] {
                    let socket = try LoopbackSocket()
                    func ask(_ cseq: Int, _ lines: [String] = []) async throws -> String {
                        socket.send(
                            Self.register(from: socket.port, user: user, cseq: cseq, to: port, lines), to: port)
                        return try await socket.receive().text
                    }
                    var counts = NonceCounts()
                    let asked = try await ask(1)
                    #expect(Self.status(asked) == challenge, "\(asked)")
                    #expect(asked.contains("algorithm=\(algorithm)") || algorithm == "MD5", "\(asked)")
                    let uri = "sip:127.0.0.1:\(port)"
                    let wrong = try Self.answer(asked, uri: uri, password: "zanzibaR", counts: &counts)
                    #expect(wrong.hasPrefix(credentials))
                    #expect(Self.status(try await ask(2, [wrong])) == challenge)
                    for cseq in 3...4 {
                        let right = try Self.answer(asked, uri: uri, password: "zanzibar", counts: &counts)
                        #expect(right.contains("nc=0000000\(cseq - 1)") && right.contains("qop=auth"), "\(right)")
                        #expect(Self.status(try await ask(cseq, [right])) == "200")
                    }
                }
            }
        }

        private static let registering = """
            <?xml version="1.0" encoding="UTF-8"?>
            <scenario name="registers">
              <send retrans="500"><![CDATA[
                REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                From: <sip:bob@[remote_ip]>;tag=1
                To: <sip:bob@[remote_ip]>
                Call-ID: [call_id]
                CSeq: 1 REGISTER
                Content-Length: 0

              ]]></send>
              <recv response="401" auth="true"/>
              <send retrans="500"><![CDATA[
                REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                From: <sip:bob@[remote_ip]>;tag=1
                To: <sip:bob@[remote_ip]>
                Call-ID: [call_id]
                CSeq: 2 REGISTER
                [authentication username=bob password=zanzibar]
                Content-Length: 0

              ]]></send>
              <recv response="200"/>
            </scenario>
            """

        @Test(.needs(.sipp), arguments: [(true, false), (false, true), (false, false)])
        func whatSippAnswersToOurChallengeIsVerified(offersAuthentication: Bool, offersIntegrity: Bool) async throws {
            let scratch = try Scratch()
            let file = try scratch.write(Self.registering, to: "registers.xml")
            let socket = try LoopbackSocket()
            let command = Command(
                "sipp", "-sf", file, "127.0.0.1:\(socket.port)", "-i", "127.0.0.1", "-m", "1", "-nostdin")
            try await scratch.during(command) { running in
                var challenge = DigestServer.Challenge(realm: Array("r".utf8), nonce: Array("n0nce".utf8))
                challenge.offersAuthentication = offersAuthentication
                challenge.offersIntegrity = offersIntegrity
                var line = ByteBuffer(capacity: 256)
                DigestServer.append(challenge, isProxy: false, to: &line)
                let first = try await socket.receive()
                socket.send(
                    Self.response(
                        "401 Unauthorized", to: first.text,
                        [String(decoding: line.storage[..<line.count], as: UTF8.self)]),
                    to: first.from)
                let second = try await socket.receive()
                let bytes = Array(second.text.utf8)
                var index = MessageIndex()
                try index.parse(bytes.span)
                var server = DigestServer(digests: Self.digests)
                func verdict(_ password: String) -> DigestServer.Verdict {
                    server.verify(
                        bytes.span, index, username: Array("bob".utf8).span, password: Array(password.utf8).span,
                        realm: Array("r".utf8), nonce: Array("n0nce".utf8))
                }
                #expect(verdict("zanzibar") == .accepted, "\(second.text)")
                #expect(verdict("another") == .wrongResponse)
                socket.send(Self.response("200 OK", to: second.text), to: second.from)
                #expect(try await running.finish().status == 0)
            }
        }

        /// A run's directory is passed on.
        @Test(arguments: [["--auth-password", "sesame"], ["--auth-password=sesame"]])
        func noPasswordIsKeptWithTheRun(_ words: [String]) async throws {
            let scratch = try Scratch()
            let command = Command(
                [Command.sipmeterPath, "run", "--calls", "1", "--quiet", "--out", scratch.path("run")] + words)
            let finished = try await scratch.run(command)
            #expect([0, 3].contains(finished.status), "\(finished)")
            let manifest = try scratch.text("run/manifest.json")
            #expect(manifest.contains("--auth-password") && !manifest.contains("sesame"), "\(manifest)")
        }

        private static func response(_ status: String, to request: String, _ lines: [String] = []) -> String {
            let kept = request.components(separatedBy: "\r\n").filter { line in
                ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].contains { line.hasPrefix($0) }
            }
            return (["SIP/2.0 \(status)"] + kept + lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n")
        }
    }
}
