import Datagrams
import Observations
import SIP
import Scenarios
import Simulation
import Testing
import UserAgent

/// Actions, variables and keywords of the call's own, each in a small scenario.
@Suite struct ScenarioLanguage {
    private static let ok = "<recv response=\"200\"/>"

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    /// Logs what the actions leave in variables: `<log>` of each keyword text.
    private func logged(
        _ actions: String, showing message: String, before: String = "",
        constants: (inout RunConstants) -> Void = { _ in }, configure: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> [String] {
        let bench = try Steps.client(
            before + "<nop><action>\(actions)<log message=\"\(message)\"/></action></nop>" + Steps.request("OPTIONS")
                + Self.ok, configure: configure, constants: constants)
        return bench.notes
    }

    // MARK: numbers and texts

    @Test(arguments: [
        ("<assign assign_to=\"a\" value=\"3\"/>", "3.000000"),
        ("<assign assign_to=\"a\" value=\"-0.25\"/>", "-0.250000"),
        ("<assign assign_to=\"a\" value=\"2\"/><add assign_to=\"a\" value=\"1.5\"/>", "3.500000"),
        ("<assign assign_to=\"a\" value=\"2\"/><subtract assign_to=\"a\" value=\"3\"/>", "-1.000000"),
        ("<assign assign_to=\"a\" value=\"6\"/><multiply assign_to=\"a\" value=\"7\"/>", "42.000000"),
        ("<assign assign_to=\"a\" value=\"7\"/><divide assign_to=\"a\" value=\"2\"/>", "3.500000"),
        ("<assign assign_to=\"b\" value=\"5\"/><assign assign_to=\"a\" variable=\"b\"/>", "5.000000"),
        ("<assignstr assign_to=\"b\" value=\" 12.5 \"/><todouble assign_to=\"a\" variable=\"b\"/>", "12.500000"),
        ("<assignstr assign_to=\"a\" value=\"x[$none]y\"/>", "xy"),
        ("<assignstr assign_to=\"a\" value=\"  x y \"/><trim assign_to=\"a\"/>", "x y"),
        ("<assignstr assign_to=\"a\" value=\"a b&amp;c\"/><urlencode variable=\"a\"/>", "a%20b%26c"),
        ("<assignstr assign_to=\"a\" value=\"a%20b%2\"/><urldecode variable=\"a\"/>", "a b%2"),
        ("<assign assign_to=\"a\" value=\"9007199254740993\"/>", "9007199254740992.000000"),
        ("<assign assign_to=\"a\" value=\"1e21\"/>", "1000000000000000000000.000000"),
        ("<assign assign_to=\"a\" value=\"0.9999999\"/>", "1.000000"),
        ("<index assign_to=\"a\"/>", ""), ("<lookup assign_to=\"a\" file=\"u.csv\" key=\"bob\"/>", "1.000000"),
        ("<lookup assign_to=\"a\" file=\"u.csv\" key=\"nobody\"/>", "-1.000000"),
        ("<sample assign_to=\"a\" distribution=\"fixed\" value=\"8\"/>", "8.000000"),
        ("<test assign_to=\"a\" variable=\"none\" compare=\"equal\" value=\"0\"/>", "true"),
        (
            "<assign assign_to=\"b\" value=\"2\"/><test assign_to=\"a\" variable=\"b\" compare=\"less_than\" value=\"2\"/>",
            "false"
        ),
        ("<assignstr assign_to=\"b\" value=\"x\"/><strcmp assign_to=\"a\" variable=\"b\" value=\"x\"/>", ""),
        ("<assignstr assign_to=\"b\" value=\"x\"/><strcmp assign_to=\"a\" variable=\"b\" value=\"y\"/>", "-1.000000"),
    ])
    func anActionLeavesItsResultInItsVariable(actions: String, shown: String) throws {
        var users = try Injection.read(Array("SEQUENTIAL\nalice;1\nbob;2\n".utf8), name: "dir/u.csv")
        users.index(column: 0)
        #expect(try logged(actions, showing: "[$a]") { $0.injections = [users] } == ["log: \(shown)"])
    }

    @Test func aDivisionByNothingAndATextThatIsNoNumberLeaveTheOldValue() throws {
        let notes = try logged(
            "<assign assign_to=\"a\" value=\"4\"/><divide assign_to=\"a\" variable=\"none\"/>"
                + "<assignstr assign_to=\"s\" value=\"4x\"/><todouble assign_to=\"a\" variable=\"s\"/>", showing: "[$a]"
        )
        #expect(notes.last == "log: 4.000000")
        #expect(notes.count == 3)
        #expect(notes.dropLast().allSatisfy { $0.hasPrefix("warning: ") })
    }

    @Test(arguments: Action.Comparison.allCases)
    func everyComparisonComparesTwoNumbers(comparison: Action.Comparison) throws {
        for (a, b) in [(1.0, 2.0), (2, 2), (3, 2)] {
            let notes = try logged(
                "<assign assign_to=\"x\" value=\"\(a)\"/><assign assign_to=\"y\" value=\"\(b)\"/>"
                    + "<test assign_to=\"r\" variable=\"x\" compare=\"\(comparison.rawValue)\" variable2=\"y\"/>",
                showing: "[$r]")
            #expect(notes == ["log: \(comparison.holds(a, b))"])
        }
    }

    // MARK: ereg

    private static let received = """
        X-Token: alpha-17;beta\r
        X-token: second\r
        Contact: <sip:callee@10.0.0.7:5070;transport=udp>\r

        """

    @Test(arguments: [
        ("regexp=\"alpha-([0-9]+)\" search_in=\"msg\" assign_to=\"a,b\"", "alpha-17|17"),
        ("regexp=\".*\" search_in=\"hdr\" header=\"X-Token:\" assign_to=\"a,b\"", " alpha-17;beta|"),
        (
            "regexp=\".*\" search_in=\"hdr\" header=\"x-token:\" case_indep=\"true\" occurrence=\"2\" assign_to=\"a,b\"",
            " second|"
        ),
        (
            "regexp=\".*\" search_in=\"hdr\" header=\"x-token:\" case_indep=\"true\" occurence=\"2\" assign_to=\"a,b\"",
            " second|"
        ),
        (
            "regexp=\"s.*\" search_in=\"hdr\" header=\"Token:\" occurrence=\"1\" start_line=\"true\" assign_to=\"a,b\"",
            "|"
        ),
        (
            "regexp=\"sip:([^@]*)@(.*)>\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"a,b,c\"",
            "sip:callee@10.0.0.7:5070;transport=udp>|callee"
        ),
        ("regexp=\"(a)|(b)\" search_in=\"hdr\" header=\"X-Token:\" assign_to=\"a,b,c\"", "a|a"),
        ("regexp=\"BETA\" case_indep=\"true\" search_in=\"msg\" assign_to=\"a,b\"", "beta|"),
        ("regexp=\"nothing\" search_in=\"msg\" assign_to=\"a,b\"", "|"),
        ("regexp=\"v=(.)\" search_in=\"body\" assign_to=\"a,b\"", "|"),
        ("regexp=\"^SIP/2.0 ([0-9]{3})\" search_in=\"msg\" assign_to=\"a,b\"", "SIP/2.0 200|200"),
    ])
    func anExpressionPutsItsMatchAndGroupsIntoVariables(attributes: String, shown: String) throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS") + "<recv response=\"200\"><action><ereg \(attributes)/>"
                + "<log message=\"[$a]|[$b]\"/></action></recv><Reference variables=\"c\"/>")
        bench.answer(.options, 200, headers: Self.received)
        #expect(bench.notes == ["log: \(shown)"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test(arguments: [
        ("<ereg regexp=\"zzz\" check_it=\"true\" assign_to=\"a\"/>", CallOutcome.check(.regexpDoesNotMatch)),
        ("<ereg regexp=\"200\" check_it_inverse=\"true\" assign_to=\"a\"/>", .check(.regexpMatches)),
        (
            "<ereg regexp=\"x\" search_in=\"hdr\" header=\"No-Such:\" check_it=\"true\" assign_to=\"a\"/>",
            .check(.headerNotFound)
        ),
        ("<test variable=\"a\" compare=\"equal\" value=\"1\" check_it=\"true\"/>", .check(.testFails)),
        ("<test variable=\"a\" compare=\"equal\" value=\"0\" check_it_inverse=\"true\"/>", .check(.testHolds)),
        ("<strcmp variable=\"a\" value=\"x\" check_it=\"true\"/>", .check(.textsDiffer)),
        ("<strcmp variable=\"a\" value=\"\" check_it_inverse=\"true\"/>", .check(.textsAreEqual)),
        ("<ereg regexp=\"200\" check_it=\"true\" assign_to=\"a\"/>", .ok),
    ])
    func aFailedCheckLetsTheCallRunToItsEndAndFailsIt(action: String, outcome: CallOutcome) throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS")
                + "<recv response=\"200\"><action>\(action)<log message=\"after [$a]\"/></action></recv>"
                + Steps.request("MESSAGE") + Self.ok)
        bench.answer(.options, 200)
        bench.answer(.message, 200)
        #expect(bench.summaries == ["OPTIONS", "MESSAGE"])
        #expect(bench.rows.map(\.outcome) == [outcome])
        // The rest of the step's actions is left out.
        #expect(bench.notes.count == (outcome == .ok ? 1 : 0))
    }

    @Test func theActionsOfAReceiveSeeTheMessageBeforeInLast() throws {
        var bench = try Steps.client(
            Steps.request("OPTIONS") + Self.ok + Steps.request("MESSAGE")
                + "<recv response=\"200\"><action><log message=\"[last_X-N:]\"/></action></recv>"
                + "<nop><action><log message=\"[last_X-N:]\"/></action></nop>")
        bench.answer(.options, 200, headers: "X-N: one\r\n")
        bench.answer(.message, 200, headers: "X-N: two\r\n")
        #expect(bench.notes == ["log: X-N: one", "log: X-N: two"])
    }

    // MARK: scopes

    @Test func aGlobalOutlivesTheCallAndACallsOwnVariableDoesNot() throws {
        var bench = try Steps.client(
            "<Global variables=\"g\"/><nop><action><add assign_to=\"g\" value=\"1\"/><add assign_to=\"c\" value=\"1\"/>"
                + "<log message=\"[$g] [$c]\"/></action></nop>" + Steps.request("OPTIONS") + Self.ok, calls: 3)
        for _ in 0..<3 {
            bench.advance(by: .milliseconds(100))
            bench.answer(.options, 200)
        }
        #expect(bench.notes == ["log: 1.000000 1.000000", "log: 2.000000 1.000000", "log: 3.000000 1.000000"])
        bench.advance(by: .seconds(40))
        #expect(bench.uac.engine.textBlocksInUse == 0)
    }

    @Test func usersHaveVariablesOfTheirOwnAndOneCallAtATime() throws {
        var bench = try Steps.client(
            "<User variables=\"n\"/><nop><action><add assign_to=\"n\" value=\"1\"/>"
                + "<log message=\"[userid] of [users]: [$n]\"/></action></nop>" + Steps.request("OPTIONS") + Self.ok,
            calls: 5, users: 2, constants: { $0.users = 2 })
        #expect(bench.notes == ["log: 1 of 2: 1.000000", "log: 2 of 2: 1.000000"])
        #expect(bench.uac.engine.openCalls == 2)
        bench.advance(by: .milliseconds(100))
        #expect(bench.sent.count == 2)
        for _ in 0..<3 {
            bench.answer(.options, 200)
            bench.advance(by: .milliseconds(10))
        }
        #expect(bench.uac.engine.openCalls == 2)
        #expect(bench.notes.suffix(3) == ["log: 2 of 2: 2.000000", "log: 2 of 2: 3.000000", "log: 2 of 2: 4.000000"])
        #expect(bench.uac.engine.counters.started == 5)
        #expect(!bench.uac.isOffering)
    }

    @Test func usersStopAtTheEndOfTheRun() throws {
        var bench = try Steps.client(Steps.request("OPTIONS") + Self.ok, calls: .max, users: 1)
        bench.advance(by: .milliseconds(999))
        bench.answer(.options, 200)
        bench.advance(by: .milliseconds(2))
        bench.answer(.options, 200)
        bench.advance(by: .seconds(40))
        #expect(bench.uac.engine.counters.started == 2)
        #expect(bench.uac.isFinished)
    }

    @Test func initRunsOnceBeforeTheCallsAndSetGivesAGlobalItsText() throws {
        let bench = try Steps.client(
            "<Global variables=\"g,name\"/><init><nop><action><assign assign_to=\"g\" value=\"7\"/></action></nop></init>"
                + "<nop><action><add assign_to=\"g\" value=\"1\"/><log message=\"[$g] [$name]\"/></action></nop>"
                + Steps.request("OPTIONS") + Self.ok, calls: 1, constants: { $0.globals = [("name", "Ann")] })
        #expect(bench.notes == ["log: 8.000000 Ann"])
    }

    // MARK: jumps

    @Test(arguments: [("1", ["OPTIONS"]), ("0", ["MESSAGE", "OPTIONS"])])
    func nextIsFollowedWhereItsTestIsSet(value: String, sent: [String]) throws {
        var bench = try Steps.client(
            "<nop next=\"end\" test=\"t\"><action><assign assign_to=\"t\" value=\"\(value)\"/></action></nop>"
                + Steps.request("MESSAGE") + Self.ok + "<label id=\"end\"/>" + Steps.request("OPTIONS") + Self.ok)
        bench.answer(.message, 200)
        #expect(bench.summaries == sent)
    }

    @Test func aVariableThatIsNeverSetDoesNotBranch() throws {
        let bench = try Steps.client(
            "<Reference variables=\"t\"/><nop next=\"end\" test=\"t\"/>" + Steps.request("MESSAGE") + Self.ok
                + "<label id=\"end\"/>" + Steps.request("OPTIONS") + Self.ok)
        #expect(bench.summaries == ["MESSAGE"])
    }

    @Test func chanceIsAShareOfTheCalls() throws {
        var taken = 0
        var all = 0
        for seed in 0..<200 {
            let bench = try Steps.client(
                "<nop next=\"b\" chance=\"0.25\"/>" + Steps.request("MESSAGE", attributes: "") + "<label id=\"b\"/>"
                    + Steps.request("OPTIONS", attributes: "") + Self.ok, configure: { $0.seed = UInt64(seed) })
            all += 1
            if bench.summaries == ["OPTIONS"] { taken += 1 }
        }
        #expect((30...70).contains(taken), "\(taken) of \(all)")
    }

    @Test(arguments: [("condexec=\"t\"", false), ("condexec=\"t\" condexec_inverse=\"true\"", true)])
    func aConditionLeavesAStepOut(condition: String, isSent: Bool) throws {
        let bench = try Steps.client(
            Steps.request("MESSAGE", attributes: condition) + "<Reference variables=\"t\"/>"
                + Steps.request("OPTIONS", attributes: "") + Self.ok)
        #expect(bench.summaries == (isSent ? ["MESSAGE", "OPTIONS"] : ["OPTIONS"]))
    }

    @Test func anOptionalReceiveWhoseTestIsUnsetStaysWhereItIs() throws {
        var bench = try Steps.client(
            Steps.request("INVITE")
                + "<recv response=\"180\" optional=\"true\" next=\"out\" test=\"t\"><action><log message=\"ring\"/></action></recv>"
                + "<recv response=\"200\"/>" + Steps.request("ACK", attributes: "") + "<label id=\"out\"/>"
                + "<Reference variables=\"t\"/>")
        bench.answer(.invite, 180)
        bench.answer(.invite, 180)
        #expect(bench.notes.count == 2)
        bench.answer(.invite, 200)
        #expect(bench.summaries == ["INVITE", "ACK"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func jumpGoesToAStepByItsNumber() throws {
        let bench = try Steps.client(
            "<nop><action><jump value=\"2\"/></action></nop>" + Steps.request("MESSAGE", attributes: "")
                + Steps.request("OPTIONS", attributes: "") + Self.ok)
        #expect(bench.summaries == ["OPTIONS"])
    }

    @Test func anUnexpectedMessageGoesToItsLabel() throws {
        var bench = try Steps.client(
            Steps.request("INVITE") + "<recv response=\"200\"/>" + Steps.request("ACK", attributes: "")
                + "<label id=\"_unexp.main\"/><recv response=\"486\"><action><log message=\"from [$_unexp.retaddr]\"/></action></recv>"
                + Steps.request("ACK", attributes: ""))
        bench.answer(.invite, 486)
        #expect(bench.summaries == ["INVITE", "ACK"])
        #expect(bench.notes == ["log: from 1.000000"])
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    // MARK: receives

    @Test(arguments: [("NOTIFY|INFO", Method.info, true), ("^(NOTIFY)$", .info, false)])
    func aMethodMayBeAnExpression(pattern: String, method: Method, isTaken: Bool) throws {
        var bench = try Steps.server(
            "<recv request=\"\(pattern)\" regexp_match=\"true\"/>" + Steps.response("200 OK", tag: ";tag=t"))
        bench.receive(SampleRequest(method: method))
        #expect(bench.summaries == [isTaken ? "200 INFO" : "481 INFO"])
    }

    @Test func aStatusMayBeAnExpression() throws {
        var bench = try Steps.client(Steps.request("OPTIONS") + "<recv response=\"[45]..\" regexp_match=\"true\"/>")
        bench.answer(.options, 503)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func namedTransactionsTellResponsesApart() throws {
        var bench = try Steps.client(
            Steps.request("INVITE", attributes: "retrans=\"500\" start_txn=\"call\"")
                + Steps.request("OPTIONS", attributes: "retrans=\"500\" start_txn=\"ask\"")
                + "<recv response=\"200\" response_txn=\"call\"/>"
                + Steps.request("ACK", attributes: "ack_txn=\"call\"")
                + "<recv response=\"200\" response_txn=\"ask\"/>")
        bench.answer(.invite, 200)
        #expect(bench.summaries == ["INVITE", "OPTIONS", "ACK"])
        bench.answer(.options, 200)
        #expect(bench.rows.map(\.outcome) == [.ok])
    }

    @Test func aRequestMayRepeatTheOptionalReceiveBefore() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("200 OK", tag: ";tag=t")
                + "<recv request=\"ACK\"/><recv request=\"INFO\" optional=\"true\" next=\"again\"/>"
                + "<recv request=\"BYE\" next=\"bye\"/><label id=\"again\"/>" + Steps.response("200 OK")
                + "<recv request=\"BYE\"/><label id=\"bye\"/>" + Steps.response("200 OK"))
        bench.receive(SampleRequest(method: .invite))
        bench.receive(SampleRequest(method: .ack, branch: "z9hG4bKa", toTag: "t"))
        bench.receive(SampleRequest(method: .info, cseq: 2, branch: "z9hG4bKb", toTag: "t"))
        bench.receive(SampleRequest(method: .bye, cseq: 3, branch: "z9hG4bKc", toTag: "t"))
        #expect(bench.summaries == ["200 INVITE", "200 INFO", "200 BYE"])
        #expect(bench.server.uas.engine.counters.ok == 1)
    }

    @Test func theCSeqCounterFollowsThePeers() throws {
        var bench = try Steps.server(
            "<recv request=\"INVITE\"/>" + Steps.response("200 OK", tag: ";tag=t") + "<recv request=\"ACK\"/>"
                + Steps.request("BYE") + Self.ok)
        bench.receive(SampleRequest(method: .invite, cseq: 40))
        bench.receive(SampleRequest(method: .ack, cseq: 40, branch: "z9hG4bKa", toTag: "t"))
        let bye = text(bench.sent.last?.bytes)
        #expect(bye.contains("CSeq: 41 BYE\r\n"))
    }

    @Test func aLostMessageIsSentAgainByItsTimer() throws {
        var bench = try Steps.client(Steps.request("OPTIONS", attributes: "retrans=\"500\" lost=\"100\"") + Self.ok)
        #expect(bench.sent.isEmpty)
        bench.advance(by: .milliseconds(500))
        #expect(bench.summaries == ["OPTIONS"])
    }

    @Test func aLostResponseNeverCame() throws {
        var bench = try Steps.client(Steps.request("OPTIONS") + "<recv response=\"200\" lost=\"100\"/>")
        bench.answer(.options, 200)
        #expect(bench.uac.engine.openCalls == 1)
    }

    // MARK: automatic messages

    private static func ownMessage(_ id: String, _ method: String, headers: String = "") -> String {
        """
        <DefaultMessage id="\(id)"><![CDATA[
        \(method) sip:own@[remote_ip] SIP/2.0
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
        X-Own: \(id)
        [last_From:]
        [last_To:]
        [last_Call-ID:]
        CSeq: \(headers.isEmpty ? "[cseq]" : headers) \(method)
        Content-Length: 0

        ]]></DefaultMessage>
        """
    }

    @Test func theScenariosOwnMessagesStandInForTheAutomaticOnes() throws {
        let own =
            Self.ownMessage("bye", "BYE", headers: "[last_cseq_number+1]") + Self.ownMessage("cancel", "CANCEL")
            + Self.ownMessage("ack", "ACK") + Self.ownMessage("ack2", "ACK")
        let invite = Steps.request("INVITE") + "<recv response=\"180\" optional=\"true\"/><recv response=\"183\"/>"
        var bench = try Steps.client(own + invite)
        bench.answer(.invite, 180)
        bench.giveUp()
        let cancel = text(bench.last(.cancel))
        #expect(cancel.contains("X-Own: cancel\r\n") && cancel.contains("CSeq: 1 CANCEL\r\n"))
        bench.answer(.cancel, 200)
        bench.answer(.invite, 487)
        #expect(text(bench.last(.ack)).contains("X-Own: ack\r\n"))

        var second = try Steps.client(own + invite)
        second.answer(.invite, 180)
        second.answer(.invite, 200)
        #expect(second.summaries == ["INVITE", "ACK", "BYE"])
        #expect(text(second.last(.ack)).contains("X-Own: ack2\r\n"))
        let bye = text(second.last(.bye))
        #expect(bye.contains("X-Own: bye\r\n") && bye.contains("CSeq: 2 BYE\r\n"))
        second.answer(.bye, 200)
        #expect(second.uac.engine.openCalls == 0)
    }

    @Test func aTextThatDoublesWithoutEndHarmsNothing() throws {
        let doubling = "<assignstr assign_to=\"t\" value=\"[$t][$t]x\"/>"
        let bench = try Steps.client(
            "<nop><action>\(String(repeating: doubling, count: 20))</action></nop>"
                + Steps.request("OPTIONS", extra: "X-T: [$t][$t][$t]\n") + Self.ok)
        #expect(bench.sent.isEmpty)
        #expect(bench.notes == ["warning: a message grew longer than a datagram and was not sent"])
        #expect(bench.rows.map(\.outcome) == [.unexpected])
    }

    // MARK: ends

    @Test func intCommandsStopTheRunOrTheCall() throws {
        func stopped(_ command: String) throws -> ClientBench {
            try Steps.client(
                Steps.request("OPTIONS")
                    + "<recv response=\"200\"><action><exec int_cmd=\"\(command)\"/></action></recv>"
                    + Steps.request("MESSAGE") + Self.ok)
        }
        var now = try stopped("stop_now")
        #expect(now.uac.engine.stopRequest == .none)
        now.answer(.options, 200)
        #expect(now.uac.engine.stopRequest == .now)
        var gracefully = try stopped("stop_gracefully")
        gracefully.answer(.options, 200)
        #expect(gracefully.uac.engine.stopRequest == .gracefully)
        var call = try stopped("stop_call")
        call.answer(.options, 200)
        #expect(call.summaries == ["OPTIONS"])
        #expect(call.rows.map(\.outcome) == [.check(.rejected)])
    }

    @Test func anErrorEndsTheRunWithItsMessage() throws {
        let bench = try Steps.client(
            "<nop><action><error message=\"call [call_number] is wrong\"/></action></nop>" + Steps.request("OPTIONS"))
        #expect(bench.notes == ["error: call 1 is wrong"])
        #expect(bench.uac.engine.stopRequest == .failed)
        #expect(bench.sent.isEmpty)
    }

    @Test func aCommandIsHandedToTheOwnerOfTheEngine() throws {
        let bench = try Steps.client(
            "<nop><action><exec command=\"echo [call_number]\"/></action></nop>" + Steps.request("OPTIONS"),
            constants: { $0.allowsCommands = true })
        #expect(bench.notes == ["command: echo 1"])
    }

    @Test func credentialsAreVerifiedByTheOwner() throws {
        let steps =
            "<recv request=\"REGISTER\"><action><verifyauth assign_to=\"ok\" username=\"ann\" password=\"[$none]x\"/>"
            + "</action></recv><Reference variables=\"none\"/><nop next=\"in\" test=\"ok\"/>"
            + Steps.response("401 Unauthorized", attributes: "next=\"end\"") + "<label id=\"in\"/>"
            + Steps.response("200 OK")
            + "<label id=\"end\"/>"
        for isGood in [true, false] {
            var bench = try Steps.server(
                steps,
                configure: { configuration in
                    configuration.verifyCredentials = { exchange in
                        isGood && exchange.username.count == 3 && exchange.password.count == 1
                            && exchange.request.count > 0
                    }
                })
            bench.receive(SampleRequest(method: .register))
            #expect(bench.summaries == [isGood ? "200 REGISTER" : "401 REGISTER"])
        }
    }

    @Test func aCellMayHoldCredentials() throws {
        let users = try Injection.read(
            Array("SEQUENTIAL\nann;[authentication username=ann password=s3cret];\n".utf8), name: "u.csv")
        var bench = try Steps.client(
            Steps.request("REGISTER") + "<recv response=\"401\" auth=\"true\"/>"
                + Steps.request("REGISTER", extra: "[field1]\n") + Self.ok,
            configure: {
                $0.makeCredentials = { exchange in
                    let (username, password) = (exchange.username, exchange.password)
                    exchange.credentials.append("Authorization: Digest ")
                    exchange.credentials.append(username.storage.span.extracting(0..<username.count))
                    exchange.credentials.append("/")
                    exchange.credentials.append(password.storage.span.extracting(0..<password.count))
                    return true
                }
            }, constants: { $0.injections = [users] })
        bench.answer(.register, 401)
        #expect(text(bench.last(.register)).contains("\r\nAuthorization: Digest ann/s3cret\r\nFrom:"))
    }

    @Test func aServersAnswerWithAVariableIsRepeatedAfterItsCall() throws {
        var bench = try Steps.server(
            "<recv request=\"OPTIONS\"><action><assignstr assign_to=\"v\" value=\"kept\"/></action></recv>"
                + Steps.response("200 OK", tag: ";tag=t", extra: "X-V: [$v]\n"))
        let request = SampleRequest(method: .options)
        bench.receive(request)
        bench.receive(request)
        #expect(bench.summaries == ["200 OPTIONS", "200 OPTIONS"])
        #expect(Set(bench.sent.map(\.bytes)).count == 1)
        #expect(text(bench.sent[1].bytes).contains("X-V: kept\r\n"))
        bench.advance(by: .seconds(40))
        #expect(bench.server.uas.engine.textBlocksInUse == 0)
    }

    @Test(arguments: ["variable=\"v\"", "distribution=\"fixed\" value=\"250\""])
    func aPauseMayBeAVariableOrDrawn(pause: String) throws {
        var bench = try Steps.client(
            "<nop><action><assign assign_to=\"v\" value=\"250.9\"/><log message=\"[$v]\"/></action></nop><pause \(pause)/>"
                + Steps.request("OPTIONS") + Self.ok)
        bench.advance(by: .milliseconds(249))
        #expect(bench.sent.isEmpty)
        bench.advance(by: .milliseconds(1))
        #expect(bench.summaries == ["OPTIONS"])
    }

    // MARK: keywords

    @Test func keywordsOfTheCallAreWrittenIntoMessages() throws {
        let users = try Injection.read(
            Array("SEQUENTIAL\n# who\nann;secret;\nbob;word;x\n\nnever;read;\n".utf8), name: "users.csv")
        let phones = try Injection.read(Array("SEQUENTIAL,PRINTF=3,PRINTFOFFSET=100\n%04d;a%%\n".utf8), name: "p.csv")
        let global = "<Global variables=\"n\"/>"
        let bench = try Steps.client(
            global
                + Steps.request(
                    "OPTIONS", attributes: "",
                    extra: "X-A: [field0];[field1];[field2 line=1];[field9];[field0 file=\"p.csv\" line=\"[$n]\"]\n"
                        + "X-B: [clock_tick] [date] [timestamp]\n"
                        + "X-C: [dynamic_id] [dynamic_id] [auto_media_port] [users] [userid] [msg_index]\n"
                        + "X-D: [fill variable=n text=abc] [fill variable=n]\nX-E: [file name=f.txt]\n[$none]\n[field2]\n"
                )
                + Self.ok + "<Reference variables=\"none\"/>",
            configure: {
                $0.wallStart = WallInstant(nanoseconds: 1_700_000_000_123_456_789)
                $0.utcOffset = 3600
            },
            constants: {
                $0.injections = [users, phones]
                $0.files = ["f.txt": Array("inside".utf8)]
                $0.globals = [("n", "2")]
            })
        let sent = text(bench.last(.options))
        #expect(sent.contains("X-A: ann;secret;x;;0102\r\n"))
        #expect(
            sent.contains(
                "X-B: 0 Tue, 14 Nov 2023 22:13:20 GMT 2023-11-14\t23:13:20.123456\t1700000000.123456\r\n"))
        #expect(sent.contains("X-C: 10000 10004 6000 -1 0 0\r\n"))
        #expect(sent.contains("X-D: ab XX\r\nX-E: inside\r\nFrom:"))
    }
}
