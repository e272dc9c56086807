import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// Each standard scenario, beside the default pair, from its first message to its end on virtual time.
@Suite struct StandardScenarioRuns {
    private func client(_ xml: [UInt8]) throws -> ClientBench { ClientBench(try VirtualEnds.uac(xml, calls: 1)) }
    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
    private func branch(_ bytes: [UInt8]?) -> String {
        var index = MessageIndex()
        let bytes = bytes ?? []
        try? index.parse(bytes.span)
        return String(decoding: bytes[index.viaBranch.bounds], as: UTF8.self)
    }

    @Test func aRegistrationWithoutAChallenge() throws {
        var bench = try client(StandardScenarios.register)
        bench.answer(.register, 200)
        #expect(bench.summaries == ["REGISTER"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    /// The digest itself is another module's; here the seam answers.
    private static let credentials: CredentialsMaker = { exchange in
        var index = MessageIndex()
        guard exchange.challenge.count > 0, exchange.username.count > 0 else { return false }
        index = exchange.requestIndex
        exchange.credentials.append(
            exchange.challengeIndex.startLine == .response(status: 407)
                ? "Proxy-Authorization: Digest uri=\"" : "Authorization: Digest uri=\"")
        let uri = Array(exchange.request.storage[index.requestURI.bounds])
        exchange.credentials.append(uri.span)
        exchange.credentials.append("\"")
        return true
    }

    @Test func aRegistrationWithAChallengeAnswersIt() throws {
        var bench = ClientBench(
            try VirtualEnds.uac(StandardScenarios.registerAuth, calls: 1) { $0.makeCredentials = Self.credentials })
        bench.answer(.register, 401, headers: "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n")
        let second = text(bench.last(.register))
        #expect(second.contains("\r\nAuthorization: Digest uri=\"sip:10.0.0.2:5060\"\r\nContent-Length: 0\r\n\r\n"))
        #expect(second.contains("\r\nCSeq: 2 REGISTER\r\n"))
        bench.answer(.register, 200)
        #expect(bench.summaries == ["REGISTER", "REGISTER"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aChallengeThatCannotBeAnsweredFailsTheCall() throws {
        var bench = try client(StandardScenarios.registerAuth)
        bench.answer(.register, 401)
        #expect(bench.summaries == ["REGISTER"])
        #expect(bench.rows.map(\.outcome) == [.check(.noCredentials)])
        #expect(bench.notes == ["warning: [authentication] has no challenge it can answer"])
    }

    @Test func aPingAndAText() throws {
        var ping = try client(StandardScenarios.options)
        ping.answer(.options, 200)
        #expect(ping.rows.map(\.outcome) == [.ok])
        for status in [UInt16(200), 202] {
            var bench = try client(StandardScenarios.message)
            let sent = text(bench.last(.message))
            #expect(
                sent.hasSuffix("Content-Length:    26\r\n\r\nMessage 1 of sipmeter.\r\n")
                    || sent.contains("Message 1 of sipmeter."))
            bench.answer(.message, status)
            #expect(bench.rows.map(\.outcome) == [.ok])
        }
    }

    @Test func anInviteWithAuthentication() throws {
        var bench = ClientBench(
            try VirtualEnds.uac(StandardScenarios.inviteAuth, calls: 1) { $0.makeCredentials = Self.credentials })
        let first = bench.last(.invite)
        bench.answer(.invite, 407, headers: "Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n")
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE"])
        #expect(branch(bench.last(.ack)) == branch(first))
        #expect(text(bench.last(.ack)).contains("CSeq: 1 ACK\r\n"))
        #expect(text(bench.last(.invite)).contains("\r\nProxy-Authorization: Digest uri="))
        #expect(branch(bench.last(.invite)) != branch(first))
        bench.answer(.invite, 200, headers: "Contact: <sip:b@10.0.0.2>\r\n")
        bench.answer(.bye, 200)
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aCallThatIsCancelled() throws {
        var bench = try client(StandardScenarios.cancel)
        let invite = bench.last(.invite)
        bench.answer(.invite, 180)
        #expect(bench.summaries == ["INVITE", "CANCEL"])
        #expect(branch(bench.last(.cancel)) == branch(invite))
        #expect(text(bench.last(.cancel)).contains("CSeq: 1 CANCEL\r\n"))
        bench.answer(.cancel, 200)
        bench.answer(.invite, 487)
        #expect(bench.summaries == ["INVITE", "CANCEL", "ACK"])
        #expect(branch(bench.last(.ack)) == branch(invite))
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aCallPutOnHold() throws {
        var bench = try client(StandardScenarios.reinvite)
        bench.answer(.invite, 200, headers: "Contact: <sip:b@10.0.0.2>\r\n")
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE"])
        #expect(text(bench.last(.invite)).contains("CSeq: 2 INVITE\r\n"))
        bench.answer(.invite, 200, headers: "Contact: <sip:b@10.0.0.2>\r\n")
        bench.answer(.bye, 200)
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aCallThatIsRedirected() throws {
        var bench = try client(StandardScenarios.redirect)
        bench.answer(.invite, 302, headers: "Contact: <sip:other@192.0.2.9:5070;transport=udp>;q=0.5\r\n")
        #expect(bench.summaries == ["INVITE", "ACK", "INVITE"])
        #expect(text(bench.last(.invite)).hasPrefix("INVITE sip:other@192.0.2.9:5070 SIP/2.0\r\n"))
        bench.answer(.invite, 200, headers: "Contact: <sip:b@10.0.0.2>\r\n")
        bench.answer(.bye, 200)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aCalleeThatIsBusy() throws {
        var bench = try client(StandardScenarios.busy)
        bench.answer(.invite, 180)
        bench.answer(.invite, 486)
        #expect(bench.summaries == ["INVITE", "ACK"])
        #expect(branch(bench.last(.ack)) == branch(bench.last(.invite)))
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aServerThatGoesThroughEveryStage() throws {
        var run = VirtualRun(
            uac: try VirtualEnds.uac(StandardScenarios.uac, calls: 3),
            peer: .server(try VirtualEnds.server(StandardScenarios.uasEarly)))
        run.keepsTrace = true
        run.run()
        #expect(run.calls.map(\.outcome) == [.ok, .ok, .ok])
        let first = try #require(run.calls.first)
        #expect(first.answer.map { $0 >= .milliseconds(300) } == true)
        let answers = run.trace.filter { $0.from == .server }.prefix(4).map(\.summary)
        #expect(answers.contains("183 INVITE"))
    }

    @Test func theFarEndOfACallTakesRequestsInMidCall() throws {
        var bench = ServerBench(try VirtualEnds.server(StandardScenarios.bLeg))
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .ack, branch: "z9hG4bKa", toTag: "t"))
        bench.receive(SampleRequest(method: .info, cseq: 2, branch: "z9hG4bKb", toTag: "t"))
        bench.receive(SampleRequest(method: .update, cseq: 3, branch: "z9hG4bKc", toTag: "t"))
        bench.receive(SampleRequest(method: .invite, cseq: 4, branch: "z9hG4bKd", toTag: "t"))
        bench.receive(SampleRequest(method: .ack, cseq: 4, branch: "z9hG4bKe", toTag: "t"))
        bench.receive(SampleRequest(method: .options, cseq: 5, branch: "z9hG4bKf", toTag: "t"))
        bench.receive(SampleRequest(method: .bye, cseq: 6, branch: "z9hG4bKg", toTag: "t"))
        #expect(
            bench.summaries == [
                "180 INVITE", "200 INVITE", "200 INFO", "200 UPDATE", "200 INVITE", "200 OPTIONS", "200 BYE",
            ])
        #expect(bench.server.uas.engine.counters.ok == 1)
    }
}
