import Datagrams
import PosixPatterns
import Testing

@testable import Scenarios

/// Expressions followed byte by byte find what the C library finds.
@Suite struct PatternTests {
    private static let plain = [
        "abc", "a", ".", "a*", "a+b", "[ab]*c", "([ab]*)c", "x([^;]*)", "(a)(b)(c)", "((a)b)", "a(b*)", "^a", "^a*",
        "a$",
        "^[ab]+$", "a?b", "([^@]*)@(.*)", "[[:digit:]]+", "[^[:space:]]+", "[]a]+",
        "[^]a]+b?]?".replacing("]?", with: ""),
        "a[b-d]*e", "\\.", "sip:([^>;]*)", "[0-9]+", ".*", "(.*)", "tag=([^;]*)", "[a-]+b", "a\\+b", "(a+)(b+)",
        "^(a*)b",
    ]
    private static let others = [
        "a|b", "(a)*", "a{2}", ".*a", "(a*)(ab)*", "a**", "\\<a", "a*ab", "(a|ab)(c|bcd)", "x*", "(a?)a",
    ]

    private func spans(_ pattern: any Pattern, _ subject: [UInt8]) -> [Range<Int>?]? {
        var groups = PatternGroups()
        guard pattern.matches(subject.span, &groups) else { return nil }
        return (0..<PatternGroups.limit).map { groups[$0] }
    }

    @Test(arguments: plain + others, [false, true])
    func theShorterWayAgreesWithTheCLibrary(text: String, ignoresCase: Bool) throws {
        let pattern = try PosixPatterns().compile(Array(text.utf8), ignoringCase: ignoresCase)
        let library = try PosixPatterns().compileByLibrary(Array(text.utf8), ignoringCase: ignoresCase)
        let letters = Array("aAbBcde;@>]-.+ 0\n".utf8) + Array("tag=sip:x".utf8)
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let length = Int.random(in: 0...14, using: &random)
            let subject = (0..<length).map { _ in letters.randomElement(using: &random)! }
            let (ours, theirs) = (spans(pattern, subject), spans(library, subject))
            if ours != theirs {
                Issue.record(
                    "\(text) on \(String(decoding: subject, as: UTF8.self)): \(String(describing: ours)), the library \(String(describing: theirs))"
                )
                return
            }
        }
    }

    @Test func mostExpressionsOfScenariosAreFollowedByteByByte() {
        let common = [
            ".*", "sip:([^>;]*)", "[0-9]+", "tag=([^;]*)", "([^@>]*)@([^:>;]*)", "^SIP/2.0 ([0-9]{3})", "<sip:(.*)>",
        ]
        #expect(common.map { PosixPatterns().isPlain(Array($0.utf8)) } == [true, true, true, true, true, false, false])
        for text in Self.others where text != "x*" { #expect(!PosixPatterns().isPlain(Array(text.utf8)), "\(text)") }
    }

    @Test func aLongSubjectTakesNoLongTime() throws {
        let pattern = try PosixPatterns().compile(Array("[^;]*;".utf8), ignoringCase: false)
        let subject = [UInt8](repeating: 97, count: 60_000)
        var groups = PatternGroups()
        #expect(!pattern.matches(subject.span, &groups))
    }
}
