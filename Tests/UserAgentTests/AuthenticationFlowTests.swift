import Authentication
import Datagrams
import Digests
import LoadRun
import Observations
import SIP
import Scenarios
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// The authenticated scenarios on virtual time, with the digests of a real run, against a server that checks them.
@Suite struct AuthenticationFlowTests {
    /// Challenges, and judges what comes back.
    private struct CheckingServer {
        var challenge = DigestServer.Challenge(realm: Array("sip.example".utf8), nonce: Array("n\"0nce".utf8))
        private var server = DigestServer(digests: OpenSSLDigests().function)

        func lines(isProxy: Bool) -> String {
            var lines = ByteBuffer(capacity: 256)
            DigestServer.append(challenge, isProxy: isProxy, to: &lines)
            return String(decoding: lines.storage[..<lines.count], as: UTF8.self) + "\r\n"
        }

        mutating func verdict(on request: [UInt8]?, user: String, password: String) throws -> DigestServer.Verdict {
            let request = try #require(request)
            var index = MessageIndex()
            try index.parse(request.span)
            return server.verify(
                request.span, index, username: Array(user.utf8).span, password: Array(password.utf8).span,
                realm: challenge.realm, nonce: challenge.nonce)
        }
    }

    private static func client(
        _ xml: [UInt8], calls: UInt64 = 1, user: String? = nil, password: String = "password",
        noting failures: DigestCredentials.FailureList = DigestCredentials.FailureList()
    ) throws -> ClientBench {
        ClientBench(
            try VirtualEnds.uac(xml, calls: calls) {
                DigestCredentials(noting: failures).join(&$0)
            } constants: {
                $0.username = user
                $0.password = password
            })
    }

    private static func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    private static let algorithms = DigestHash.allCases.flatMap {
        [DigestAlgorithm($0), DigestAlgorithm($0, isSession: true)]
    }
    private static let protections = [(true, false), (false, true), (true, true), (false, false)]

    @Test(arguments: algorithms, protections)
    func aRegistrationIsAcceptedByAServerThatChecksIt(
        algorithm: DigestAlgorithm, protection: (auth: Bool, integrity: Bool)
    ) throws {
        var server = CheckingServer()
        server.challenge.algorithms = [algorithm]
        (server.challenge.offersAuthentication, server.challenge.offersIntegrity) = protection
        server.challenge.opaque = Array("kept".utf8)
        var bench = try Self.client(StandardScenarios.registerAuth, password: "zan\\zi\"bar")
        #expect(try server.verdict(on: bench.last(.register), user: "service", password: "") == .noCredentials)
        bench.answer(.register, 401, headers: server.lines(isProxy: false))
        let answer = bench.last(.register)
        // Without a user of its own: the one called.
        #expect(try server.verdict(on: answer, user: "service", password: "zan\\zi\"bar") == .accepted)
        #expect(try server.verdict(on: answer, user: "service", password: "zanzibar") == .wrongResponse)
        let text = Self.text(answer)
        #expect(text.contains("uri=\"sip:10.0.0.2:5060\"") && text.contains("opaque=\"kept\""), "\(text)")
        #expect(text.contains("nc=00000001") == (protection.auth || protection.integrity))
        bench.answer(.register, 200)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test(arguments: algorithms, protections)
    func anInviteIsAcceptedByAProxyThatChecksIt(
        algorithm: DigestAlgorithm, protection: (auth: Bool, integrity: Bool)
    ) throws {
        var server = CheckingServer()
        server.challenge.algorithms = [algorithm]
        (server.challenge.offersAuthentication, server.challenge.offersIntegrity) = protection
        var bench = try Self.client(StandardScenarios.inviteAuth, user: "alice", password: "secret")
        bench.answer(.invite, 407, headers: server.lines(isProxy: true))
        let answer = bench.last(.invite)
        #expect(try server.verdict(on: answer, user: "alice", password: "secret") == .accepted)
        #expect(Self.text(answer).contains("\r\nProxy-Authorization: Digest username=\"alice\""))
        // Of auth-int the body is part, Content-Length counts it, and what is sent again is the same.
        #expect(Self.text(answer).hasSuffix("a=rtpmap:0 PCMU/8000\r\n"))
        bench.advance(by: .milliseconds(500))
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE", "INVITE"] && bench.last(.invite) == answer)
        bench.answer(.invite, 200, headers: "Contact: <sip:b@10.0.0.2>\r\n")
        bench.answer(.bye, 200)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func ofSeveralChallengesTheStrongestIsAnsweredAndEachRealm() throws {
        var server = CheckingServer()
        server.challenge.algorithms = [DigestAlgorithm(.md5), DigestAlgorithm(.sha256)]
        let second = "WWW-Authenticate: Digest realm=\"other\", nonce=\"x\", qop=\"auth\"\r\n"
        var bench = try Self.client(StandardScenarios.registerAuth)
        bench.answer(.register, 401, headers: server.lines(isProxy: false) + second)
        let text = Self.text(bench.last(.register))
        let lines = text.components("\r\n").filter { $0.hasPrefix("Authorization:") }
        #expect(lines.count == 2, "\(text)")
        #expect(lines.first?.contains("algorithm=SHA-256,") == true && lines.last?.contains("realm=\"other\"") == true)
        #expect(try server.verdict(on: bench.last(.register), user: "service", password: "password") == .accepted)
    }

    /// Three registrations, each challenged.
    private static let rounds = Array(
        ("<scenario name=\"rounds\">"
            + (1...3).map { n in
                """
                <send><![CDATA[
                  REGISTER sip:[remote_ip] SIP/2.0
                  Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                  From: <sip:a@[local_ip]>;tag=[call_number]
                  To: <sip:a@[remote_ip]>
                  Call-ID: [call_id]
                  CSeq: \(n) REGISTER
                  \(n == 1 ? "Max-Forwards: 70" : "[authentication username=a password=b]")
                  Content-Length: 0

                ]]></send>
                <recv response="401" auth="true"/>
                """
            }.joined() + "</scenario>").utf8)

    @Test func theCountGoesOnForANonceUsedAgainAndBeginsAnewForANewOne() throws {
        var server = CheckingServer()
        var bench = try Self.client(Self.rounds)
        bench.answer(.register, 401, headers: server.lines(isProxy: false))
        #expect(Self.text(bench.last(.register)).contains("nc=00000001"))
        #expect(try server.verdict(on: bench.last(.register), user: "a", password: "b") == .accepted)
        bench.answer(.register, 401, headers: server.lines(isProxy: false))
        #expect(Self.text(bench.last(.register)).contains("nc=00000002"))
        #expect(try server.verdict(on: bench.last(.register), user: "a", password: "b") == .accepted)
        server.challenge.nonce = Array("another".utf8)
        var other = try Self.client(Self.rounds)
        other.answer(.register, 401, headers: CheckingServer().lines(isProxy: false))
        other.answer(.register, 401, headers: server.lines(isProxy: false))
        #expect(Self.text(other.last(.register)).contains("nc=00000001"))
    }

    @Test func twoCallsHaveNonceCountsAndNoncesOfTheirOwn() throws {
        let server = CheckingServer()
        var bench = try Self.client(StandardScenarios.registerAuth, calls: 2)
        bench.answer(.register, 401, headers: server.lines(isProxy: false))
        let first = Self.text(bench.last(.register))
        bench.answer(.register, 200)
        bench.advance(by: .milliseconds(100))
        bench.answer(.register, 401, headers: server.lines(isProxy: false))
        let second = Self.text(bench.last(.register))
        #expect(first.contains("nc=00000001") && second.contains("nc=00000001"))
        let nonces = [first, second].map { $0.firstMatch(of: /cnonce="(\w+)"/).map { String($0.1) } }
        #expect(nonces[0] != nil && nonces[0] != nonces[1])
    }

    @Test func whatCannotBeAnsweredEndsTheCallAndIsSaidOnce() throws {
        let failures = DigestCredentials.FailureList()
        var bench = try Self.client(StandardScenarios.registerAuth, calls: 3, noting: failures)
        for _ in 1...3 {
            bench.answer(
                .register, 401, headers: "WWW-Authenticate: Digest realm=\"r\",nonce=\"n\",algorithm=AKAv1-MD5\r\n")
            bench.advance(by: .milliseconds(100))
        }
        #expect(bench.summaries == ["REGISTER", "REGISTER", "REGISTER"])
        #expect(bench.rows.map(\.outcome) == Array(repeating: .check(.noCredentials), count: 3))
        let reason =
            "the server asks for the digest algorithm AKAv1-MD5; supported are MD5, SHA-256 and SHA-512-256, each also -sess"
        #expect(bench.notes == ["warning: [authentication] has no challenge it can answer: \(reason)"])
        #expect(failures.all == ["A challenge could not be answered: \(reason)."])
    }

    /// Challenges a REGISTER and checks the credentials of the next one.
    private static let checking = Array(
        """
        <scenario name="checks">
          <recv request="REGISTER"/>
          <send><![CDATA[
            SIP/2.0 401 Unauthorized
            [last_Via:]
            [last_From:]
            [last_To:];tag=s[call_number]
            [last_Call-ID:]
            [last_CSeq:]
            WWW-Authenticate: Digest realm="here", nonce="47110815", qop="auth", algorithm=SHA-256
            Content-Length: 0

          ]]></send>
          <recv request="REGISTER">
            <action>
              <verifyauth assign_to="right" username="alice" password="[$secret]"/>
            </action>
          </recv>
          <nop next="yes" test="right"/>
          <send next="end"><![CDATA[
            SIP/2.0 403 Forbidden
            [last_Via:]
            [last_From:]
            [last_To:];tag=s[call_number]
            [last_Call-ID:]
            [last_CSeq:]
            Content-Length: 0

          ]]></send>
          <label id="yes"/>
          <send><![CDATA[
            SIP/2.0 200 OK
            [last_Via:]
            [last_From:]
            [last_To:];tag=s[call_number]
            [last_Call-ID:]
            [last_CSeq:]
            Content-Length: 0

          ]]></send>
          <label id="end"/>
          <Global variables="secret"/>
        </scenario>
        """.utf8)

    @Test(arguments: [("opensesame", true), ("opensesam", false)])
    func anAnsweringSideChecksWhatItIsGiven(password: String, isRight: Bool) throws {
        let server = try VirtualEnds.server(Self.checking) {
            DigestCredentials().join(&$0)
        } constants: {
            $0.globals = [("secret", "opensesame")]
        }
        let client = try VirtualEnds.uac(StandardScenarios.registerAuth, calls: 2) {
            DigestCredentials().join(&$0)
        } constants: {
            ($0.username, $0.password) = ("alice", password)
        }
        var run = VirtualRun(uac: client, peer: .server(server))
        run.keepsTrace = true
        run.run()
        let answers = run.trace.filter { $0.from == .server }.map(\.summary)
        #expect(answers.filter { $0 == "401 REGISTER" }.count == 2)
        #expect(answers.filter { $0 == "200 REGISTER" }.count == (isRight ? 2 : 0))
        #expect(answers.filter { $0 == "403 REGISTER" }.count == (isRight ? 0 : 2))
        #expect(run.calls.map { $0.outcome == .ok } == [isRight, isRight])
    }
}

extension String {
    /// Foundation's name is longer, and so is what it brings along.
    fileprivate func components(_ separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
