import Datagrams
import PosixPatterns
import SIP
import Testing

@testable import Scenarios

/// Files with one fault each: a place, a sentence, no crash and no hang.
@Suite struct BrokenScenarioTests {
    /// What is wrong, from reading and compiling, as `line:column message`.
    private func faults(_ xml: String, constants: (inout RunConstants) -> Void = { _ in }) -> [String] {
        var run = RunConstants(remoteHost: "h", remote: .loopback(port: 5060), local: .loopback(port: 5061))
        constants(&run)
        do throws(ScenarioError) {
            _ = try ScenarioReader.read(Array(xml.utf8), name: "f", patterns: PosixPatterns()).compile(run)
            return []
        } catch {
            return error.errors.map { "\($0.position.line):\($0.position.column) \($0.message)" }
        }
    }

    private static func act(_ action: String) -> String { "<nop><action>\(action)</action></nop>" }

    @Test(arguments: [
        // Nesting and layout
        (
            "<nop><action></nop></action>",
            "2:14 `</nop>` stands where `</action>` is expected (`<action>` is open since line 2)"
        ),
        ("</send>", "2:1 `</send>` stands where `</scenario>` is expected (`<scenario>` is open since line 1)"),
        ("<nop next=\"a/><label id=\"a\"/>", "2:12 there is no label \"a/><label id=\" to go to"),
        ("<send><![CDATA[BYE sip:a", "3:15 this `[` has no `]`; write \\x5b for the character itself"),
        ("<nop a=b/>", "2:8 the value of `a` must stand in quotes"),
        ("< nop/>", "2:1 expected the name of an element right after `<`"),
        (String(repeating: "<nop>", count: 40), "2:6 `nop` cannot stand inside `nop`; is the end of `nop` missing?"),
        // Keywords
        (
            "<send><![CDATA[BYE sip:[sevice] SIP/2.0]]></send>",
            "2:24 `[sevice]` is not a keyword; did you mean `service`?"
        ),
        (
            "<send><![CDATA[BYE sip:[] SIP/2.0]]></send>",
            "2:24 the keyword in these brackets is empty; write \\x5b for a `[` of the text"
        ),
        (
            "<send><![CDATA[BYE sip:[service SIP/2.0]]></send>",
            "2:24 this `[` has no `]`; write \\x5b for the character itself"
        ),
        (
            "<send><![CDATA[BYE sip:[field0] SIP/2.0]]></send>",
            "2:24 `[field0]` is a column of an injection file: give one with --inf FILE"
        ),
        (
            "<send><![CDATA[BYE sip:[field0 file=\"u.csv\"] SIP/2.0]]></send>",
            "2:24 the injection file \"u.csv\" is missing: give it with --inf FILE"
        ),
        (
            "<send><![CDATA[BYE sip:[file name=\"gone\"] SIP/2.0]]></send>",
            "2:24 the file \"gone\" of `[file]` cannot be read"
        ),
        ("<send><![CDATA[BYE sip:[fill text=a] SIP/2.0]]></send>", "2:24 `[fill]` needs `variable=…`"),
        ("<send><![CDATA[BYE sip:[tdmmap] SIP/2.0]]></send>", "2:24 `[tdmmap]` is not supported"),
        // Labels and steps
        ("<nop next=\"nowhere\"/>", "2:12 there is no label \"nowhere\" to go to"),
        ("<label id=\"a\"/><label id=\"a\"/>", "2:27 the label \"a\" stands already at line 2"),
        (
            "<label id=\"a\"/><nop next=\"a\"/>",
            "2:27 from here the scenario goes round for ever without waiting for anything"
        ),
        (
            "<label id=\"a\"/><pause milliseconds=\"0\"/><nop/><nop next=\"a\"/>",
            "2:58 from here the scenario goes round for ever without waiting for anything"
        ),
        (
            "<recv response=\"100\" optional=\"true\"/><nop/>",
            "2:1 an optional `recv` must be followed by another `recv`"
        ),
        (
            "<recv response=\"200\" advance_state=\"false\"/>",
            "2:22 only an optional `recv` can have advance_state=\"false\""
        ),
        ("<timewait/><nop/>", "2:1 `timewait` must be the last step"),
        ("<nop chance=\"1.5\" next=\"e\"/><label id=\"e\"/>", "2:14 `chance` lies between 0 and 1, not at \"1.5\""),
        ("<nop lost=\"x\"/>", "2:12 `lost` is a number, not \"x\""),
        ("<nop counter=\"\"/>", "2:15 `counter` needs the name of a counter"),
        ("<recv request=\"(\" regexp_match=\"true\"/>", "2:16 \"(\" is no regular expression: Unmatched ( or \\("),
        ("<init><send/></init>", "2:7 `send` cannot stand inside `init`: only nop and label can"),
        (
            "<init><nop><action><exec int_cmd=\"stop_call\"/></action></nop></init>",
            "2:7 `init` belongs to no call: it cannot end one or jump in one"
        ),
        (
            "<DefaultMessage id=\"byee\"><![CDATA[BYE a b]]></DefaultMessage>",
            "2:21 `id` of a DefaultMessage is one of 3pcc_abort, ack, ack2, bye, cancel, 200, not \"byee\"; did you mean `bye`?"
        ),
        // Transactions
        (
            "<send start_txn=\"t\"><![CDATA[INVITE sip:a SIP/2.0]]></send><recv response=\"200\" response_txn=\"t\"/>",
            "2:1 no send has ack_txn=\"t\": this INVITE needs its ACK"
        ),
        (
            "<send start_txn=\"t\"><![CDATA[BYE sip:a SIP/2.0]]></send>",
            "2:1 no recv has response_txn=\"t\": nothing answers this"
        ),
        ("<recv response=\"200\" response_txn=\"t\"/>", "2:1 no send has start_txn=\"t\""),
        // Actions
        (act("<ereg regexp=\"a(b\" assign_to=\"x\"/>"), "2:28 \"a(b\" is no regular expression: Unmatched ( or \\("),
        (
            act("<ereg regexp=\"a[\" assign_to=\"x\"/>"),
            "2:28 \"a[\" is no regular expression: Invalid regular expression"
        ),
        (act("<ereg regexp=\"a\"/>"), "2:14 `ereg` needs `assign_to`"),
        (act("<ereg regexp=\"a\" search_in=\"hdr\" assign_to=\"x\"/>"), "2:14 `ereg` needs `header`"),
        (
            act("<ereg regexp=\"a\" search_in=\"head\" assign_to=\"x\"/>"),
            "2:42 `search_in` is msg, hdr, body or var, not \"head\""
        ),
        (
            act("<ereg regexp=\"a\" check_it=\"true\" check_it_inverse=\"true\" assign_to=\"x\"/>"),
            "2:47 `check_it` and `check_it_inverse` exclude each other"
        ),
        (act("<ereg regexp=\"a\" assign_to=\"x,,y\"/>"), "2:44 the name of a variable is empty"),
        (act("<ereg regexp=\"a\" assign_to=\"$x\"/>"), "2:42 the `$` is no part of a variable's name here: \"$x\""),
        (
            act("<ereg regexp=\"a\" assign_to=\"a,b,c,d,e,f,g,h,i,j,k\"/>"),
            "2:42 `assign_to` takes the whole match and up to 9 groups, not 11 names"
        ),
        (act("<assign assign_to=\"x\" value=\"1+1\"/>"), "2:43 `value` is a number, not \"1+1\""),
        (act("<assign assign_to=\"x\"/>"), "2:14 `assign` needs `value` or `variable`"),
        (act("<divide assign_to=\"x\" value=\"0\"/>"), "2:43 a division by 0 has no result"),
        (
            act("<test assign_to=\"x\" variable=\"y\" compare=\"like\" value=\"1\"/>"),
            "2:56 `compare` is one of equal, not_equal, greater_than, less_than, greater_than_equal, less_than_equal, not \"like\""
        ),
        (
            act("<exec int_cmd=\"stop_nwo\"/>"),
            "2:29 `int_cmd` is stop_now, stop_gracefully, stop_call, not \"stop_nwo\"; did you mean `stop_now`?"
        ),
        (act("<exec command=\"rm -r x\"/>"), "2:29 this would run a command on this machine: --allow-exec permits it"),
        (act("<exec/>"), "2:14 `exec` needs `command`, `int_cmd` or something to play"),
        (
            act("<lookup assign_to=\"x\" file=\"u.csv\" key=\"a\"/>"),
            "2:42 the injection file \"u.csv\" is missing: give it with --inf FILE"
        ),
        (
            act("<gettimeofday assign_to=\"s\"/>"),
            "2:39 `gettimeofday` fills two variables, as in assign_to=\"seconds,microseconds\""
        ),
        (
            act("<sample assign_to=\"x\" distribution=\"bell\"/>"),
            "2:50 \"bell\" is no distribution; there are fixed, uniform, normal, lognormal, exponential, weibull, pareto, gpareto, gamma, negbin"
        ),
        ("<pause distribution=\"uniform\" min=\"9\" max=\"1\"/>", "2:44 `max` is below `min`"),
        ("<pause distribution=\"gamma\" k=\"0\" theta=\"1\"/>", "2:32 `k` must be above 0"),
        ("<pause distribution=\"normal\" mean=\"5\"/>", "2:1 `pause` needs `stdev`"),
        (
            "<pause milliseconds=\"5\" variable=\"x\"/>",
            "2:25 `pause` takes milliseconds, a variable or a distribution, not two of them"
        ),
        (act("<setdest host=\"h\"/>"), "2:14 `setdest` is not supported"),
        (
            "<Global variables=\"a\"/><User variables=\"a\"/>",
            "2:41 the variable \"a\" has another scope already: it is global or a user's"
        ),
        ("<sendCmd/>", "2:1 `sendCmd` is not supported"),
    ])
    func aFaultHasItsPlaceAndItsSentence(steps: String, error: String) {
        // Something right around it, so that nothing else is wrong.
        let found = faults("<scenario>\n\(steps)\n\(invite)</scenario>")
        #expect(found.first == error)
    }

    @Test func aTextOfTenMegabytesIsRefusedAtOnce() {
        let text = String(repeating: "x", count: 10 << 20)
        let found = faults("<scenario><send><![CDATA[INVITE sip:\(text) SIP/2.0]]></send></scenario>")
        #expect(found == ["1:1 the file has more than 4 MiB: this is no scenario"])
    }

    @Test func aMessageLongerThanADatagramIsRefused() {
        let text = String(repeating: "x", count: 70_000)
        let found = faults("<scenario>\n<send><![CDATA[INVITE sip:\(text) SIP/2.0]]></send></scenario>")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("2:16 the message has 700") == true)
    }

    @Test func aVariableThatStandsNowhereElseIsAWarning() {
        let actions = Self.act("<assign assign_to=\"lonely\" value=\"1\"/>")
        #expect(
            warnings(scenario(actions + invite)) == [
                "2:33 the variable \"lonely\" stands nowhere else in the file"
            ])
        #expect(warnings(scenario(actions + "<Reference variables=\"lonely\"/>" + invite)).isEmpty)
        #expect(warnings(scenario(Self.act("<assign assign_to=\"_\" value=\"1\"/>") + invite)).isEmpty)
    }

    @Test func onlyAGlobalCanBeSetFromOutside() {
        let found = faults("<scenario><Global variables=\"name\"/>\(invite)</scenario>") { $0.globals = [("nam", "x")] }
        #expect(found == ["1:1 the file has no global variable \"nam\" to set; did you mean `name`?"])
    }

    @Test(arguments: [
        ("", "1:1 the file is empty: its first line is SEQUENTIAL, RANDOM or USER"),
        ("ann;one\n", "1:1 the first line of an injection file is SEQUENTIAL, RANDOM or USER, not \"ann;one\""),
        ("SEQUENTIAL\n\nann\n", "1:1 the file has no line of values after its first"),
        ("RANDOM,PRINTF=0\na\n", "1:1 PRINTF is a number of lines above 0, not 0"),
        ("USER,PRINTF\na\n", "1:1 \"PRINTF\" is not PRINTF=n, PRINTFOFFSET=n or PRINTFMULTIPLE=n"),
    ])
    func anInjectionFileThatIsNoneSaysSo(text: String, error: String) {
        let thrown = #expect(throws: ScenarioError.self) {
            _ = try Injection.read(Array(text.utf8), name: "u.csv")
        }
        #expect(thrown?.errors.map { "\($0.position.line):\($0.position.column) \($0.message)" } == [error])
    }
}
