import Testing

@testable import Configuration

@Suite struct JSON5Tests {
    private static func read(_ text: String) throws(JSON5Error) -> JSON5Value { try JSON5Reader.read(Array(text.utf8)) }

    /// In plain JSON, as it is understood.
    private static func plain(_ value: JSON5Value) -> String {
        switch value.content {
        case .null: "null"
        case .flag(let flag): "\(flag)"
        case .number(let text): text
        case .text(let text): "\"\(text)\""
        case .list(let items): "[" + items.map(plain).joined(separator: ",") + "]"
        case .members(let members):
            "{" + members.map { "\"\($0.name)\":\(plain($0.value))" }.joined(separator: ",") + "}"
        }
    }

    @Test(arguments: [
        ("{}", "{}"), (" [ ] ", "[]"), ("null", "null"),
        ("{ rate: 400, 'a b': .5, \"c\": +1e3, }", "{\"rate\":400,\"a b\":.5,\"c\":1e3}"),
        (
            "// first\n{ /* in\n between */ run: { max-concurrent: 0x10, }, } // last",
            "{\"run\":{\"max-concurrent\":16}}"
        ),
        ("[true, false, -0x0A, 5.]", "[true,false,-10,5.]"),
        ("['it\\'s', \"a\\\nb\", \"\\x41\\u00e9\\ud83d\\ude00\\v\"]", "[\"it's\",\"ab\",\"Aé😀\u{B}\"]"),
        ("\u{FEFF}{größe_1: 'x'}", "{\"größe_1\":\"x\"}"),
    ])
    func whatJSON5AllowsIsRead(text: String, meaning: String) throws {
        #expect(try Self.plain(Self.read(text)) == meaning)
    }

    @Test(arguments: [
        ("", "1:1: error: the file ends where a value was to come"),
        ("{ rate: 400", "1:12: error: the file ends where \"}\" was to come"),
        ("{ rate 400 }", "1:8: error: after the name \"rate\" a colon has to follow"),
        ("{\n  duration: 30s\n}", "2:13: error: 30s is no number; text with a unit stands in quotes: \"30s\""),
        ("{\n  scenario: uac\n}", "2:13: error: text stands in quotes: write \"uac\""),
        ("{ a: 1\n  b: 2 }", "2:3: error: \"b\" does not belong here: a comma or \"}\" was to come"),
        ("{ a: 1, a: 2 }", "1:9: error: \"a\" stands here twice"),
        ("{ a: 'x\n' }", "1:6: error: this text is never closed by its quote"),
        ("{ a: NaN }", "1:6: error: NaN is no value of any option"),
        ("{ /* a: 1 }", "1:3: error: this comment is never closed by */"),
        ("{} {}", "1:4: error: \"{\" does not belong here: the file has to end after its closing brace"),
        ("{ a: '\\u12' }", "1:8: error: 4 hexadecimal digits have to follow"),
        ("{ a: '\\ud800x' }", "1:8: error: half a surrogate pair is no character"),
        ("{ a: 1..2 }", "1:6: error: 1..2 is no number; text with a unit stands in quotes: \"1..2\""),
        ("[1,,2]", "1:4: error: \",\" does not belong here: a value was to come"),
        ("{ =: 1 }", "1:3: error: \"=\" does not belong here: the name of an option was to come, or }"),
        ("\r\n\r\n  ?", "3:3: error: \"?\" does not belong here: a value was to come"),
    ])
    func whatIsNotSaysWhere(text: String, complaint: String) {
        do throws(JSON5Error) {
            let value = try Self.read(text)
            Issue.record("read as \(Self.plain(value))")
        } catch { #expect(error.description == complaint) }
    }

    @Test func depthIsBounded() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSON5Error.self) { try Self.read(text) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: JSON5Error.self) { try JSON5Reader.read([0x7B, 0xFF, 0x7D]) }
    }

    /// Whatever is cut off or changed, it ends, with a value or an error.
    @Test func everyPrefixOfAFileEnds() {
        let text = Array("{ a: [1, 'x\\u0041', { b: 0x1F, }, true], /* c */ d: -1.5e3 } // e".utf8)
        for count in text.indices {
            for byte in [UInt8(ascii: "\\"), UInt8(ascii: "\""), 0, UInt8(ascii: "{")] {
                _ = try? JSON5Reader.read(Array(text[..<count]) + [byte] + text[count...])
                _ = try? JSON5Reader.read(Array(text[..<count]) + [byte])
            }
        }
    }

    @Test func placesAreThoseOfTheValue() throws {
        guard case .members(let members) = try Self.read("{\n  'é': 1,\t b: [2,\n 3] }").content else {
            Issue.record("no object")
            return
        }
        #expect(members[0].place == SourcePlace(line: 2, column: 3))
        #expect(members[0].value.place == SourcePlace(line: 2, column: 8))
        #expect(members[1].value.place == SourcePlace(line: 2, column: 15))
    }
}
