import Testing

@testable import Scenarios

@Suite struct ScenarioXMLTests {
    private func scan(_ text: String) -> (root: ScenarioXML.Element?, findings: Findings) {
        let source = SourceText(name: "test.xml", bytes: Array(text.utf8))
        var findings = Findings(source)
        return (ScenarioXML.scan(source, &findings), findings)
    }

    /// The value of `v` in `<a v=…/>`, which must be read without a finding.
    private func value(_ written: String) -> String? {
        let (root, findings) = scan("<a v=\(written)/>")
        if findings.hasErrors || !findings.warnings.isEmpty { return nil }
        return root?["v"]?.value.string
    }

    @Test func onlyTheQuoteEndsAValue() {
        #expect(value("\"<sip:.*>;tag=\"") == "<sip:.*>;tag=")
        #expect(value("'a \"b\" c'") == "a \"b\" c")
        #expect(value("\"it's\"") == "it's")
    }

    @Test(arguments: [
        (#""a\"b""#, "a\"b"), (#""a\\""#, "a\\"), (#""\n\t\r""#, "\n\t\r"), (#""\d+\.\x5b""#, #"\d+\.\x5b"#),
    ])
    func escapesAreFive(written: String, read: String) { #expect(value(written) == read) }

    @Test(arguments: [
        ("&amp;&lt;&gt;&quot;&apos;", "&<>\"'"), ("&#65;&#x42;&#x20AC;", "AB€"), ("sleep 1 &", "sleep 1 &"),
        ("a&b;c", "a&b;c"), ("&&amp;", "&&"), ("&#0;&#xD800;&#x110000;", "&#0;&#xD800;&#x110000;"), ("&amp", "&amp"),
    ])
    func knownEntitiesAreDecodedAndAnyOtherAmpersandIsItself(written: String, read: String) {
        #expect(value("\"\(written)\"") == read)
    }

    @Test func carriageReturnsAreDroppedAndOtherBytesPassedThrough() {
        #expect(value("\"a\r\nb\"") == "a\nb")
        #expect(value("\"Grüße\"") == "Grüße")
    }

    @Test func byteOrderMarkDoctypeAndInstructionsAreSkipped() {
        let (root, findings) = scan(
            "\u{FEFF}\n<?xml version='1.0' encoding=\"ISO-8859-1\"?>\n"
                + "<!DOCTYPE a SYSTEM \"sipp.dtd\" [ <!ENTITY x \"]>\"> ]>\n<?other <a>?><a>&x; text</a>\n")
        #expect(root?.name == "a")
        #expect(!findings.hasErrors && findings.warnings.isEmpty)
    }

    @Test func aCommentEndsAtTheFirstArrow() {
        let (root, findings) = scan("<a><!-- one -- two ---><b/><!-- <c/> --></a>")
        #expect(root?.children.map(\.name) == ["b"])
        #expect(!findings.hasErrors && findings.warnings.isEmpty)
    }

    @Test func cdataIsKeptVerbatimWithItsPlace() throws {
        let text = "<a>\n  <![CDATA[ <b> & &amp; \\n \r\n]]>\n</a>"
        let root = try #require(scan(text).root)
        #expect(root.texts.map(\.string) == [" <b> & &amp; \\n \n"])
        #expect(root.texts.first?.start == 15)
        #expect(root.strayText == nil)
    }

    @Test func theFirstOfTwoAttributesWins() {
        let xml = "<a start_rtd=\"1\" start_rtd=\"2\"/>"
        let (root, findings) = scan(xml)
        #expect(root?["start_rtd"]?.value.string == "1")
        #expect(findings.warnings.map(\.message) == ["`start_rtd` stands here twice: the first one counts"])
        #expect(findings.warnings.map(\.position.column) == [18])
    }

    @Test(arguments: [
        "<a request=\"PRACK\"crlf=\"true\"/>", "<a request=\"PRACK\": crlf=\"true\"/>",
        "<a request=\"PRACK\",\"A\" crlf=\"true\"/>", "<a request=\"PRACK\"\" crlf=\"true\"></a>",
        "<a request=\"PRACK\" / crlf=\"true\" />", "<a loose request=\"PRACK\" crlf=\"true\"/>",
    ])
    func straysBetweenAttributesAreSkippedWithAWarning(xml: String) {
        let (root, findings) = scan(xml)
        #expect(!findings.hasErrors)
        #expect(findings.warnings.count == 1)
        #expect(root?.attributes.map(\.name) == ["request", "crlf"])
        #expect(root?.attributes.map(\.value.string) == ["PRACK", "true"])
    }

    @Test func aTagEndsAtTheNextOneWhenItsBracketIsMissing() {
        let (root, findings) = scan("<a><recv response=\"200\"</recv><b/></a>")
        #expect(!findings.hasErrors)
        #expect(findings.warnings.map(\.message) == ["`<recv` is not closed by `>` before this"])
        #expect(root?.children.map(\.name) == ["recv", "b"])
        #expect(scan("<a><b></b <c/></a>").root?.children.map(\.name) == ["b", "c"])
    }

    @Test(arguments: [
        "<a><b/>", "<a><b/><!-- never closed </a>", "<a><b></b>\n<?pi", "<a><b", "<a><b>", "<a><b/><!DOCTYPE",
    ])
    func aFileMayEndWithElementsOpen(xml: String) {
        let (root, findings) = scan(xml)
        #expect(!findings.hasErrors)
        #expect(!findings.warnings.isEmpty)
        #expect(root?.children.map(\.name) == ["b"])
    }

    @Test(arguments: ["<a/>\nsome text", "<a></a><b/>", "<a/><b><c/></b> text"])
    func whatFollowsTheRootIsIgnored(xml: String) {
        let (root, findings) = scan(xml)
        #expect(!findings.hasErrors)
        #expect(findings.warnings.map(\.message) == ["what follows the end of the scenario is ignored"])
        #expect(root?.name == "a")
    }

    @Test func aMismatchedEndTagIsAnErrorThatNamesBoth() {
        let (root, findings) = scan("<a>\n<b>\n</c>\n</b></a>")
        #expect(findings.hasErrors)
        #expect(
            errors("<scenario>\n<nop>\n</recv>\n</nop></scenario>").first
                == "3:1 `</recv>` stands where `</nop>` is expected (`<nop>` is open since line 2)")
        #expect(root?.children.map(\.name) == ["b"])
        #expect(scan("</a>").findings.hasErrors)
    }

    @Test(arguments: ["<a v=1/>", "<a v=\"1/>", "<a>< b/></a>", "<a><![CDATA[ x </a>", "<a><5/></a>"])
    func whatCannotBeGuessedIsAnError(xml: String) { #expect(scan(xml).findings.hasErrors) }

    @Test func nestingIsBounded() {
        #expect(!scan(String(repeating: "<a>", count: 32)).findings.hasErrors)
        #expect(scan(String(repeating: "<a>", count: 200_000)).findings.hasErrors)
    }

    @Test func everyElementAndAttributeKnowsItsPlace() throws {
        let text = "<a>\r\n\t<b x='1'\r\n  yy = \"&amp;2\"/></a>"
        let source = SourceText(name: "t", bytes: Array(text.utf8))
        var findings = Findings(source)
        let b = try #require(ScenarioXML.scan(source, &findings)?.children.first)
        func position(_ offset: Int) -> [Int] {
            let position = source.position(of: offset)
            return [position.line, position.column]
        }
        #expect(position(b.place) == [2, 2])
        #expect(position(b.attributes[0].place) == [2, 5])
        #expect(position(b.attributes[1].place) == [3, 3])
        #expect(position(b.attributes[1].value.start) == [3, 9])
        #expect(position(b.attributes[1].value.place(1)) == [3, 14])
    }
}
