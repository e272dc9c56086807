import Datagrams
import Testing

@testable import Scenarios

@Suite struct ScenarioReaderTests {
    @Test func stepsCarryTypedValues() throws {
        let read = try read(
            scenario(
                """
                <send retrans="400" start_rtd="setup" next="end"><![CDATA[INVITE sip:a SIP/2.0]]></send>
                <recv response="180" optional="global" timeout="2000" ontimeout="end"/>
                <recv response="200" rtd="true" rrs="true" crlf="true" hide="false" display="x"/>
                <pause milliseconds="1500.7"/><pause milliseconds="-3"/><pause/><nop/>
                <label id="end"/><timewait milliseconds=" 4000 "/>
                <ResponseTimeRepartition value="20, 10,10"/><CallLengthRepartition value="5"/>
                <Reference variables="a, b"/>
                """))
        #expect(read.steps.count == 9)
        guard case .send(let send) = read.steps[0].kind, case .receive(let optional) = read.steps[1].kind,
            case .receive(let final) = read.steps[2].kind
        else {
            Issue.record("unexpected kinds of steps")
            return
        }
        #expect(send.kind == .request(method: "INVITE"))
        #expect(send.retransmission == .milliseconds(400))
        #expect(read.steps[0].startsResponseTime?.value == "setup")
        #expect(read.steps[0].next?.value == "end")
        #expect(optional.match == .status(180))
        #expect(optional.presence == .globallyOptional)
        #expect(optional.timeout == .seconds(2))
        #expect(read.steps[1].onTimeout?.value == "end")
        #expect(final.presence == .mandatory)
        #expect(final.recordsRouteSet)
        #expect(read.steps[2].stopsResponseTime?.value == "1")
        let pauses = read.steps.compactMap { step -> Instruction.Pause.Length? in
            switch step.kind {
            case .pause(let pause), .timewait(let pause): pause.length
            case .send, .receive, .nop, .label: nil
            }
        }
        #expect(pauses == [.fixed(.milliseconds(1500)), .fixed(.zero), .runDefault, .fixed(.seconds(4))])
        #expect(read.responseTimeBorders == [10, 20])
        #expect(read.callLengthBorders == [5])
        #expect(read.references == ["a", " b"])
    }

    @Test(arguments: [
        ("<pause/><nop/>\(invite)", Program.Role.client), ("<recv request=\"INVITE\"/>", .server),
        ("<label id=\"x\"/><nop/><recv response=\"200\"/>", .server),
    ])
    func theFirstStepThatIsNoPauseDecidesTheRole(steps: String, role: Program.Role) throws {
        #expect(try read(scenario(steps)).role == role)
    }

    @Test(arguments: ["sendCmd", "recvCmd"])
    func thirdPartyCallControlIsRefusedByName(element: String) {
        #expect(errors(scenario("<\(element) x=\"1\"/>\(invite)")) == ["2:1 `\(element)` is not supported"])
    }

    @Test(arguments: ["setdest", "closecon"])
    func anActionThatIsNotSupportedIsRefusedByName(action: String) {
        #expect(
            errors(scenario("<nop><action><\(action) x=\"1\"/></action></nop>\(invite)")) == [
                "2:14 `\(action)` is not supported"
            ])
    }

    @Test(arguments: [
        (
            "<recv response=\"200\" rss=\"true\"/>",
            "2:22 `rss` is not an attribute of `recv` and is ignored; did you mean `rrs`?"
        ),
        (
            "<recv response=\"200\" td=\"1\"/>",
            "2:22 `td` is not an attribute of `recv` and is ignored; did you mean `rtd`?"
        ),
        ("<recv response=\"200\" retrans=\"5\"/>", "2:22 `retrans` is not an attribute of `recv` and is ignored"),
    ])
    func anUnknownAttributeIsAWarning(steps: String, warning: String) {
        #expect(errors(scenario(steps)).isEmpty)
        #expect(warnings(scenario(steps)) == [warning])
    }

    @Test(arguments: [
        ("<global variables=\"x\"/>", "2:1 `global` is not an element of a scenario; did you mean `Global`?"),
        ("<rcv response=\"200\"/>", "2:1 `rcv` is not an element of a scenario; did you mean `recv`?"),
        ("<frobnicate/>", "2:1 `frobnicate` is not an element of a scenario"),
        ("<nop><action><erge/></action></nop>", "2:14 `erge` is not an action; did you mean `ereg`?"),
        (
            "<nop><recv response=\"200\"/></nop>",
            "2:6 `recv` cannot stand inside `nop`; is the end of `nop` missing?"
        ),
    ])
    func anUnknownElementIsAnError(steps: String, error: String) {
        #expect(errors(scenario(steps + invite)) == [error])
    }

    @Test func onlyTheFirstChildOfAStepIsItsAction() {
        let steps = "\(invite)\n<nop><action/><action><ereg/></action></nop>"
        #expect(errors(scenario(steps)).isEmpty)
        #expect(
            warnings(scenario(steps)) == ["3:15 `action` counts only as the first element of a step: this is ignored"])
    }

    @Test(arguments: [
        ("<send retrans=\"abc\"><![CDATA[A b]]></send>", "2:16 `retrans` is a time in milliseconds, not \"abc\""),
        ("<send retrans=\"-5\"><![CDATA[A b]]></send>", "2:16 `retrans` is a time in milliseconds, not \"-5\""),
        ("<send retrans=\"\"><![CDATA[A b]]></send>", "2:16 `retrans` is a time in milliseconds, not \"\""),
        ("<recv response=\"1xx\"/>", "2:17 `response` is a status from 100 to 699, not \"1xx\""),
        ("<recv response=\"99\"/>", "2:17 `response` is a status from 100 to 699, not \"99\""),
        ("<recv request=\"\"/>", "2:16 `request` is a method, not \"\""),
        ("<recv/>", "2:1 `recv` needs `response` or `request`: what does it wait for?"),
        (
            "<recv response=\"200\" request=\"BYE\"/>",
            "2:22 `recv` waits for a `response` or for a `request`, not for both"
        ),
        (
            "<recv response=\"180\" optional=\"yes\"/>",
            "2:32 `optional` is true, false or global, not \"yes\""
        ),
        ("<recv response=\"200\" timeout=\"2s\"/>", "2:31 `timeout` is a time in milliseconds, not \"2s\""),
        ("<recv response=\"200\" rrs=\"maybe\"/>", "2:27 `rrs` is true or false, not \"maybe\""),
        ("<recv response=\"200\" rtd=\"\"/>", "2:27 `rtd` needs the name of a response time"),
        ("<pause milliseconds=\"1s\"/>", "2:22 `milliseconds` is a time in milliseconds, not \"1s\""),
        ("<pause milliseconds=\"[field0]\"/>", "2:22 `milliseconds` is a time in milliseconds, not \"[field0]\""),
        ("<pause milliseconds=\"nan\"/>", "2:22 `milliseconds` is a time in milliseconds, not \"nan\""),
        ("<pause milliseconds=\"1e300\"/>", "2:22 `milliseconds` is a time in milliseconds, not \"1e300\""),
        ("<label/>", "2:1 `label` needs `id`"),
        (
            "<ResponseTimeRepartition value=\"10, 2x, 30\"/>",
            "2:37 `ResponseTimeRepartition` is a list of milliseconds such as \"10, 20\", not \"2x\""
        ),
        ("<send>INVITE x</send>", "2:7 the message of `send` must stand between `<![CDATA[` and `]]>`"),
        ("<send/>", "2:1 the message of `send` must stand between `<![CDATA[` and `]]>`"),
        ("<send><![CDATA[ \n ]]></send>", "2:16 there is no message between `<![CDATA[` and `]]>`"),
        (
            "<send><![CDATA[[service] x]]></send>",
            "2:16 a message begins with a method or with SIP/2.0 and a status, not with a keyword"
        ),
        (
            "<send><![CDATA[SIP/2.0 99 Low]]></send>",
            "2:16 SIP/2.0 is followed by a status from 100 to 699, not \"99\""
        ),
        (
            "<send><![CDATA[In(vite sip:x]]></send>",
            "2:16 a message begins with a method and a blank, or with SIP/2.0 and a status, not \"In(vite\""
        ),
    ])
    func aValueThatDoesNotFitIsAnErrorAtTheValue(steps: String, error: String) {
        // The right send comes first, so that nothing else is wrong with the file.
        #expect(errors("<scenario>\n\(steps)\n\(invite)</scenario>") == [error])
    }

    @Test func zeroIsNoTimeoutAndNoT1() throws {
        let read = try read(
            scenario("<send retrans=\"0\"><![CDATA[BYE a]]></send><recv response=\"200\" timeout=\"0\"/>"))
        guard case .send(let send) = read.steps[0].kind, case .receive(let receive) = read.steps[1].kind else {
            Issue.record("unexpected kinds of steps")
            return
        }
        #expect(send.retransmission == .zero)
        #expect(receive.timeout == nil)
    }

    @Test(arguments: [
        (
            "<recv request=\"INVTE\"/>",
            "2:16 INVTE is awaited as it stands; did you mean INVITE?"
        ),
        ("<send><![CDATA[invite sip:a]]></send>", "2:16 invite is sent as it stands; did you mean INVITE?"),
        (
            "<send retrans=\"500\"><![CDATA[ACK sip:a]]></send>",
            "2:7 `retrans` is ignored: an ACK is sent again only when the response is repeated (RFC 3261, 17.1.1.3)"
        ),
        (
            "<send><![CDATA[ACK [next_url] SIP/2.0]]></send>",
            "2:20 `[next_url]` needs a `recv` with rrs=\"true\" before it: nothing has recorded the route"
        ),
    ])
    func whatRunsAndIsProbablyAMistakeIsAWarning(steps: String, warning: String) {
        #expect(errors(scenario(steps)).isEmpty)
        #expect(warnings(scenario(steps)) == [warning])
    }

    @Test(arguments: [
        ("<label id=\"a\"/>\n<label id=\"a\"/>\(invite)", "3:12 the label \"a\" stands already at line 2"),
        (
            "<nop next=\"ende\"/>\(invite)<label id=\"end\"/>",
            "2:12 there is no label \"ende\" to go to; did you mean `end`?"
        ),
        (
            "<recv response=\"100\" optional=\"true\"/><pause/>",
            "2:1 an optional `recv` must be followed by another `recv`"
        ),
        ("\(invite)\n<timewait/><pause/>", "3:1 `timewait` must be the last step"),
        (
            "\(invite)<label id=\"a\"/>\n<timewait next=\"a\"/>",
            "3:17 `timewait` ends the call and cannot go to a label"
        ),
        ("<pause/><nop/>", "1:1 the scenario neither sends nor receives anything"),
    ])
    func stepsMustFitTogether(steps: String, error: String) { #expect(errors(scenario(steps)) == [error]) }

    @Test func theLastReceiveMayBeOptionalAndALabelMayFollowIt() {
        #expect(errors(scenario("\(invite)<recv response=\"200\" optional=\"true\"/>")).isEmpty)
        let labelled = "\(invite)<recv response=\"100\" optional=\"true\"/><label id=\"a\"/><recv response=\"200\"/>"
        #expect(errors(scenario(labelled)).isEmpty)
        #expect(errors(scenario("\(invite)<timewait/><label id=\"end\"/>")).isEmpty)
    }

    @Test(arguments: [
        (
            "\(invite)\n<recv response=\"200\" ontimeout=\"gone\"/>",
            "3:33 there is no label \"gone\": a timeout here fails the call"
        ),
        (
            "<nop start_rtd=\"setup\"/>\(invite)<nop rtd=\"setub\"/>",
            "2:17 the response time \"setup\" is started and never stopped; did you mean `setub`?"
        ),
    ])
    func whatSIPpRefusesAndCanRunIsAWarning(steps: String, warning: String) throws {
        #expect(warnings(scenario(steps)) == [warning])
        #expect(try read(scenario(steps)).steps.allSatisfy { $0.onTimeout == nil })
    }

    @Test func responseTimesFitTheMasks() {
        func steps(_ count: Int) -> String {
            scenario(invite + (0..<count).map { "<nop rtd=\"r\($0)\"/>" }.joined())
        }
        #expect(errors(steps(64)).isEmpty)
        #expect(errors(steps(65)) == ["2:1 a scenario has at most 64 response times, not 65"])
    }

    @Test func instructionsFitTheirIndex() {
        func steps(_ count: Int) -> String { scenario(invite + String(repeating: "<nop/>", count: count - 1)) }
        #expect(errors(steps(4096)).isEmpty)
        #expect(errors(steps(4097)).count == 1)
    }

    @Test func onlyTheFirstTextOfASendIsSent() throws {
        let steps = "<send><![CDATA[BYE a]]><![CDATA[ACK a]]></send>"
        #expect(warnings(scenario(steps)) == ["2:33 only the first text of a `send` is sent"])
        guard case .send(let send) = try read(scenario(steps)).steps[0].kind else {
            Issue.record("expected a send")
            return
        }
        #expect(send.kind == .request(method: "BYE"))
    }

    @Test func aFileOfManyMegabytesIsNoScenario() {
        let bytes = [UInt8](repeating: .space, count: ScenarioReader.sizeLimit + 1)
        let thrown = #expect(throws: ScenarioError.self) { _ = try ScenarioReader.read(bytes, name: "core") }
        #expect(thrown?.errors.map(\.message) == ["the file has more than 4 MiB: this is no scenario"])
    }

    @Test(arguments: [
        ("", "1:1 the file has no `<scenario>`"), ("hello", "1:1 the file has no `<scenario>`"),
        ("<html/>", "1:1 expected `<scenario>`, not `<html>`"),
    ])
    func aFileWithoutAScenarioIsAnError(xml: String, error: String) { #expect(errors(xml) == [error]) }
}
