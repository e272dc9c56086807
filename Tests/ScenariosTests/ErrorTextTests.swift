import Testing

@testable import Scenarios

/// What the terminal shows, to the character.
@Suite struct ErrorTextTests {
    private func text(_ xml: String, name: String = "uac.xml") -> String {
        do {
            return try ScenarioReader.read(Array(xml.utf8), name: name).warnings.map(\.description).joined(
                separator: "\n")
        } catch {
            return error.description
        }
    }

    @Test func aValue() {
        let file = "<scenario>\n\n  <send retrans=\"abc\"><![CDATA[BYE sip:a SIP/2.0]]></send>\n</scenario>"
        #expect(
            text(file) == """
                uac.xml:3:18: error: `retrans` is a time in milliseconds, not "abc"
                     3 |   <send retrans="abc"><![CDATA[BYE sip:a SIP/2.0]]></send>
                       |                  ^
                """)
    }

    @Test func tabsAndWideLettersKeepTheCaretInPlace() {
        #expect(
            text("<scenario name=\"x\">\r\n\t<nop/>\t<!-- é --><rcv/>\r\n</scenario>") == """
                uac.xml:2:19: error: `rcv` is not an element of a scenario; did you mean `recv`?
                     2 |     <nop/>  <!-- é --><rcv/>
                       |                       ^
                """)
    }

    @Test func aLongLineIsCutAroundTheCaret() {
        let nops = String(repeating: "<nop/>", count: 40)
        #expect(
            text("<scenario>\(nops)<nop x=\"1\"/>\(nops)</scenario>") == """
                uac.xml:1:1: error: the scenario neither sends nor receives anything
                     1 | <scenario><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/><nop/>…
                       | ^
                uac.xml:1:256: warning: `x` is not an attribute of `nop` and is ignored
                     1 | …p/><nop/><nop/><nop/><nop/><nop/><nop/><nop x="1"/><nop/><nop/><nop/><nop/><nop/><nop/><…
                       |                                              ^
                """)
    }

    @Test func controlCharactersNeverReachTheTerminal() {
        let shown = text("<scenario><recv response=\"\u{1B}[2J\u{9B}\"/></scenario>")
        #expect(
            shown == """
                uac.xml:1:27: error: `response` is a status from 100 to 699, not "?[2J?"
                     1 | <scenario><recv response="?[2J?"/></scenario>
                       |                           ^
                """)
    }

    @Test func lettersOfAnotherEncodingTakeOneColumn() {
        let bytes = Array("<scenario name=\"".utf8) + [0xE9, 0xE8] + Array("\"><rcv/></scenario>".utf8)
        let thrown = #expect(throws: ScenarioError.self) { _ = try ScenarioReader.read(bytes, name: "a.xml") }
        #expect(
            thrown?.errors.first?.description == """
                a.xml:1:21: error: `rcv` is not an element of a scenario; did you mean `recv`?
                     1 | <scenario name="\u{FFFD}\u{FFFD}"><rcv/></scenario>
                       |                     ^
                """)
    }

    @Test func aNameAsLongAsTheFileDoesNotFillTheScreen() {
        let name = String(repeating: "x", count: 5_000)
        #expect(errors("<scenario><\(name)/></scenario>").first?.count == 246)
    }

    @Test func aKeywordInItsMessage() {
        #expect(
            text(
                """
                <scenario>
                  <send>
                    <![CDATA[
                      INVITE sip:[tdmmap]@[remote_ip] SIP/2.0
                      Call-ID: [call_id]
                    ]]>
                  </send>
                </scenario>
                """) == """
                    uac.xml:4:18: error: `[tdmmap]` is not supported
                         4 |       INVITE sip:[tdmmap]@[remote_ip] SIP/2.0
                           |                  ^
                    """)
    }

    @Test func aMismatchedTag() {
        #expect(
            text("<scenario>\n<nop>\n</scenario>", name: "a/b.xml") == """
                a/b.xml:3:1: error: `</scenario>` stands where `</nop>` is expected (`<nop>` is open since line 2)
                     3 | </scenario>
                       | ^
                """)
    }

    @Test func warningsOfAScenarioThatRuns() {
        #expect(
            text("<scenario><recv request=\"BYE\" optinal=\"true\"/>") == """
                uac.xml:1:1: warning: `<scenario>` is still open at the end of the file
                     1 | <scenario><recv request="BYE" optinal="true"/>
                       | ^
                uac.xml:1:31: warning: `optinal` is not an attribute of `recv` and is ignored; did you mean `optional`?
                     1 | <scenario><recv request="BYE" optinal="true"/>
                       |                               ^
                """)
    }

    @Test func allErrorsAreShownUpToTwenty() throws {
        let file = "<scenario>\n" + String(repeating: "<recv/>\n", count: 23) + "</scenario>"
        let lines = text(file).split(separator: "\n")
        #expect(lines.count == 20 * 3 + 1)
        #expect(lines.last == "and 3 more errors")
        #expect(errors("<scenario><recv/><recv response=\"x\"/><foo/></scenario>").count == 3)
    }
}
