import Testing

@testable import Scenarios

@Suite struct MessageTextTests {
    private struct Parsed {
        var pieces: [MessageText.Piece]
        var errors: [String]
        var warnings: [String]

        /// Literals as they stand, keywords as `{name+n}`.
        var text: String {
            pieces.map { piece in
                switch piece {
                case .literal(let bytes): String(decoding: bytes, as: UTF8.self)
                case .keyword(let use):
                    "{\(use.name)\(use.offset == 0 ? "" : use.offset > 0 ? "+\(use.offset)" : "\(use.offset)")}"
                }
            }.joined()
        }
    }

    private func placed(_ text: String) -> (PlacedText, Findings) {
        let source = SourceText(name: "t", bytes: Array(text.utf8))
        return (PlacedText(source, 0..<source.bytes.count), Findings(source))
    }

    private func parse(_ text: String) -> Parsed {
        let (text, collected) = placed(text)
        var findings = collected
        var parser = KeywordParser(text: text)
        let pieces = parser.parse(&findings)
        var errors: [String] = []
        do throws(ScenarioError) { try findings.throwErrors() } catch { errors = error.errors.map(\.message) }
        return Parsed(pieces: pieces, errors: errors, warnings: findings.warnings.map(\.message))
    }

    private func cleaned(_ text: String) -> String? { MessageText.cleaned(placed(text).0)?.string }

    @Test(arguments: [
        ("a[service]b", "a{service}b"), ("[cseq+1] [branch-2] [len+10]", "{cseq+1} {branch-2} {len+10}"),
        // A `[` before the `]` makes the first one literal.
        ("[[call_id]", "[{call_id}"), ("a[b [pid]", "a[b {pid}"),
        (#"\x5bpid] \x41\x4a"#, "[pid] AJ"), (#"\x \xg0 \n"#, #"\x \xg0 \n"#),
        ("[last_P-Asserted-Identity:]", "{last_P-Asserted-Identity:}"),
        // A sign and a digit are always cut off, with what follows them.
        ("[my-key] [my-1key]", "{my-key} {my-1}"),
        ("a]b", "a]b"), ("", ""),
    ])
    func bracketsHoldKeywords(written: String, read: String) {
        let parsed = parse(written)
        #expect(parsed.errors == [])
        #expect(parsed.text == read)
    }

    @Test(arguments: [
        ("[]", "the keyword in these brackets is empty; write \\x5b for a `[` of the text"),
        ("a [b", "this `[` has no `]`; write \\x5b for the character itself"),
        ("[a\"b]", "this `[` has no `]`; write \\x5b for the character itself"),
        ("[file]", "`[file]` needs `name=…`"), ("[fill text=x]", "`[fill]` needs `variable=…`"),
        ("[tdmmap]", "`[tdmmap]` is not supported"),
        ("[cryptokeyparams1audio-1]", "`[cryptokeyparams1audio]` is not supported"),
        ("[service foo]", "`[service]` takes no parameters"),
    ])
    func aKeywordThatCannotBeUsedIsAnError(written: String, error: String) {
        #expect(parse(written).errors == [error])
    }

    @Test func keywordsAreAtMost256CharactersLong() {
        #expect(parse("[" + String(repeating: "k", count: 256) + "]").errors.isEmpty)
        #expect(parse("[" + String(repeating: "k", count: 257) + "]").errors.count == 1)
    }

    @Test func everyKeywordOfSIPpIsEitherRunOrRefused() {
        for name in Keyword.Name.allCases {
            let parameters = [Keyword.Name.file: " name=a", .fill: " variable=a"][name] ?? ""
            let refusal = ["`[\(name.rawValue)]` is not supported"]
            #expect(parse("[\(name.rawValue)\(parameters)]").errors == (name == .circuit ? refusal : []))
        }
    }

    @Test func anOffsetOnWhatIsNoNumberIsIgnoredWithAWarning() {
        let parsed = parse("[call_id-1]")
        #expect(parsed.errors.isEmpty)
        #expect(parsed.warnings == ["`[call_id]` is not a number: `-1` is ignored"])
    }

    @Test func aHeaderWithAnUnderscoreIsProbablyAKeywordMisspelt() {
        #expect(
            parse("[last_request_uri]").warnings == [
                "no SIP header is called `request_uri`: `[last_request_uri]` will be empty; "
                    + "did you mean `last_Request_URI`?"
            ])
    }

    @Test(arguments: [
        ("last_Via:", Keyword.lastHeader(name: "Via", withName: true)),
        ("last_Via", .lastHeader(name: "Via", withName: true)),
        ("last_Via.value", .lastHeader(name: "Via", withName: false)),
        ("last_Request_URI", .named(.lastRequestURI)), ("field3", .field(3)), ("fieldx", .key("fieldx")),
        ("$1", .variable("1")), ("users", .named(.users)), ("ue_number", .key("ue_number")),
        ("ueaescm128sha1801audio", .mediaSecurity("ueaescm128sha1801audio")),
    ])
    func keywordsAreRecognisedByTheirSpelling(name: String, keyword: Keyword) {
        #expect(Keyword(name: name) == keyword)
    }

    @Test(arguments: [
        // Blanks around every line end go, an empty line after the headers is made where there is none.
        ("\n   A sip:b  \t\n\t Via: x\n", "A sip:b\r\nVia: x\r\n\r\n"),
        ("A", "A\r\n\r\n"),
        // The body keeps one line end, unless the text runs up to its end.
        ("A\n\nv=0\n  \n\n ", "A\r\n\r\nv=0\r\n"), ("A\n\nv=0", "A\r\n\r\nv=0"), ("A\n\nv=0  ", "A\r\n\r\nv=0"),
        // A line of blanks is empty and separates headers and body.
        ("A\n \t \nv=0\n", "A\r\n\r\nv=0\r\n"), ("A\n\n\nb\n", "A\r\n\r\n\r\nb\r\n"),
        // Headers that end with an empty line: it goes with the tail and is made again.
        ("A\nB\n\n", "A\r\nB\r\n\r\n"), ("A\r\nB\r\n", "A\r\nB\r\n\r\n"),
    ])
    func layoutIsRemoved(written: String, sent: String) { #expect(cleaned(written) == sent) }

    @Test func nothingButBlanksIsNoMessage() {
        #expect(cleaned("") == nil)
        #expect(cleaned(" \n\t\r\n ") == nil)
    }

    @Test func placesSurviveTheCleanUp() throws {
        let (text, collected) = placed("\r\n  A x\r\n   [nope]\r\n")
        var findings = collected
        let message = try #require(MessageText(text, &findings))
        guard case .keyword(let use) = message.pieces[1] else {
            Issue.record("expected a keyword")
            return
        }
        #expect(use.place == 12)
        #expect(message.place == 4)
    }
}
