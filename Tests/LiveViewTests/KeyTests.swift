import Datagrams
import Testing

@testable import LiveView

@Suite struct KeyTests {
    /// What the reads bring, each `gap` after the one before.
    private static func keys(_ reads: String..., gap: Nanoseconds = .milliseconds(10)) -> [KeyReader.Key] {
        var reader = KeyReader()
        var now = MonotonicInstant(nanoseconds: 1_000_000_000)
        return reads.flatMap { text in
            now = now + gap
            return reader.keys(in: Array(text.utf8), at: now)
        }
    }

    @Test func keysAreKeys() {
        #expect(
            Self.keys("+=-_pP qQeE") == [
                .faster, .faster, .slower, .slower, .pause, .pause, .pause, .quit, .quit, .failures, .failures,
            ])
        #expect(Self.keys("x\r\n\tzü\u{7F}") == [])
    }

    /// F1 to F4 end in P, Q, R and S; the keypad's digits in p to y.
    @Test(arguments: [
        "\u{1B}OP", "\u{1B}OQ", "\u{1B}Op", "\u{1B}Oq", "\u{1B}[A", "\u{1B}[1;5P", "\u{1B}[1;5Q", "\u{1B}[[E",
        "\u{1B}[15~", "\u{1B}[E", "\u{1B}q", "\u{1B}\u{1B}[A", "\u{1B}[M +e", "\u{1B}[<0;10;20M", "\u{1B}[I",
        "\u{1B}]11;rgb:eeee/eeee/eeee\u{7}", "\u{1B}P>|quiet\u{1B}\\", "\u{1B}[?1;2c",
        "\u{1B}[200~quit -e now\u{1B}[201~",
        "\u{1B}[200~q\u{1B}q\u{1B}[20q\u{1B}[201~",
    ]) func aSequenceIsNoKeyHoweverItIsSplit(sequence: String) {
        #expect(Self.keys(sequence + "p") == [.pause])
        for cut in 1..<sequence.utf8.count {
            let (first, second) = (sequence.utf8.prefix(cut), sequence.utf8.dropFirst(cut))
            let keys = Self.keys(String(Substring(first)), String(Substring(second)), "p")
            #expect(keys == [.pause], "cut at \(cut)")
        }
    }

    @Test func escapeByItselfTakesNoKeyAlong() {
        #expect(Self.keys("\u{1B}", "q", gap: .seconds(1)) == [.quit])
        #expect(Self.keys("\u{1B}[", "q", gap: .seconds(1)) == [.quit])
        #expect(Self.keys("\u{1B}[200~lost", "q", gap: .seconds(1)) == [], "a slow paste")
        #expect(Self.keys("\u{1B}[200~lost", "q", gap: .seconds(3)) == [.quit])
    }

    @Test func textInOnePieceWasPasted() {
        #expect(Self.keys("quit the sipp run", " please, ") == [])
        #expect(Self.keys("+++++++++++++++++") == Array(repeating: .faster, count: 17), "a finger left on it")
        #expect(Self.keys("quit the sipp run", "q", gap: .seconds(1)) == [.quit])
    }

    /// Whatever comes, in whatever pieces, a key pressed a while later is heard.
    @Test func nothingLeavesItDeaf() {
        var generator = SeededGenerator(seed: 3)
        let likely = Array("\u{1B}\u{1B}\u{1B}[O]P0123456789;~MqpeA\u{7}\\".utf8)
        var reader = KeyReader()
        var now = MonotonicInstant(nanoseconds: 0)
        for _ in 0..<3000 {
            let bytes = (0..<Int(generator.unit() * 12)).map { _ in
                likely[Int(generator.unit() * Double(likely.count))]
            }
            now = now + .milliseconds(5)
            _ = reader.keys(in: bytes, at: now)
            var copy = reader
            #expect(copy.keys(in: Array("q".utf8), at: now + .seconds(3)) == [.quit])
        }
    }
}

@Suite struct PaintedBlockTests {
    /// A terminal of `columns` that breaks lines anew when it becomes narrower, as most do; the cursor below them.
    private static func rows(_ lines: [String], _ columns: Int) -> Int {
        lines.reduce(0) { $0 + max(1, ($1.count + columns - 1) / columns) }
    }

    @Test func linesThatNoLongerFitAreSeveral() {
        let lines = [String(repeating: "x", count: 200), "", String(repeating: "y", count: 81), "short"]
        let block = PaintedBlock(lines)
        #expect(block.rows(in: 200) == 4 && block.rows(in: 1000) == 4 && block.rows(in: nil) == 4)
        #expect(block.rows(in: 100) == 5 && block.rows(in: 81) == 6 && block.rows(in: 80) == 7)
        for columns in 1...200 { #expect(block.rows(in: columns) == Self.rows(lines, columns)) }
    }

    @Test func coloursTakeNoColumns() {
        let line = "\u{1B}[1mbold\u{1B}[0m\u{1B}[31mred\u{1B}[0m"
        #expect(PaintedBlock([line]).rows(in: 7) == 1 && PaintedBlock([line]).rows(in: 6) == 2)
    }
}
