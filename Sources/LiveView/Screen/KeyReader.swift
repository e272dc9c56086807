import Datagrams

/// What the keys that a terminal sends ask for.
///
/// A key of its own is a byte; arrows, function keys and the mouse are sequences that begin with ESC, and their bytes are
/// no keys: F2 is `ESC O Q`, and must not quit a run. Nor is text that was pasted.
///
///     plain ─ESC─► escape ─[─► sequence ─final byte─► plain         ESC [ A, ESC [ 15 ~
///                    ├──O──► shifted ─any byte─────► plain          ESC O Q
///                    ├─P X ] ^ _─► string ─BEL, ESC \─► plain       answers of the terminal
///                    └─any other byte──────────────► plain          Alt and a key
///     sequence ─"200~"─► pasted ─"ESC [ 201 ~"─► plain
package struct KeyReader: Sendable {
    package enum Key: Sendable, Equatable { case faster, slower, pause, quit, failures }

    private enum State: Sendable, Equatable {
        case plain, escape
        /// Of a sequence's parameter the digits so far, as a number.
        case sequence(Int)
        /// `ESC [ [`: the Linux console's function keys have one more byte.
        case consoleKey
        case shifted
        /// Of a report of the mouse, as X10 has it, so many bytes are to come.
        case mouse(Int)
        case string
        /// So many bytes of what ends it have come.
        case pasted(Int)
    }

    private var state = State.plain
    private var last = MonotonicInstant(nanoseconds: 0)
    /// The last read brought unmarked text; what follows at once is the rest of it.
    private var wasText = false

    /// The bytes of a sequence come together. What has not gone on for so long is no sequence: ESC was pressed by itself.
    static let longestGap = Nanoseconds.milliseconds(250)
    /// The end of pasted text may have been lost; nobody is to be without keys for that.
    static let longestPasteGap = Nanoseconds.seconds(2)
    /// A terminal that does not mark pasted text sends it in one piece. That many keys at once nobody presses, but by
    /// leaving a finger on one.
    static let mostAtOnce = 8

    private static let pasteEnd = Array("\u{1B}[201~".utf8)

    package init() {}

    /// What one read brought.
    package mutating func keys(in bytes: [UInt8], at now: MonotonicInstant) -> [Key] {
        if case .pasted = state {
            if now - last > Self.longestPasteGap { state = .plain }
        } else if now - last > Self.longestGap {
            state = .plain
        }
        let goesOn = wasText && now - last <= Self.longestGap
        last = now
        var plain: [UInt8] = []
        for byte in bytes where take(byte) { plain.append(byte) }
        let keys = plain.map(Self.key)
        wasText = goesOn || plain.count > Self.mostAtOnce && keys.contains(nil)
        return wasText ? [] : keys.compactMap { $0 }
    }

    /// Whether it is a key of its own.
    private mutating func take(_ byte: UInt8) -> Bool {
        let isEscape = byte == 0x1B
        switch state {
        case .plain:
            if isEscape { state = .escape }
            return !isEscape
        case .escape: state = Self.afterEscape(byte)
        case .sequence(let number): state = Self.inSequence(byte, number)
        case .consoleKey, .shifted: state = isEscape ? .escape : .plain
        case .mouse(let left): state = left > 1 ? .mouse(left - 1) : .plain
        case .string: if byte == 0x07 { state = .plain } else if isEscape { state = .escape }
        case .pasted(let matched):
            if byte == Self.pasteEnd[matched] {
                state = matched + 1 == Self.pasteEnd.count ? .plain : .pasted(matched + 1)
            } else {
                state = .pasted(isEscape ? 1 : 0)
            }
        }
        return false
    }

    private static func afterEscape(_ byte: UInt8) -> State {
        switch byte {
        case 0x1B: .escape
        case UInt8(ascii: "["): .sequence(-1)
        case UInt8(ascii: "O"): .shifted
        case UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "]"), UInt8(ascii: "^"), UInt8(ascii: "_"): .string
        case _: .plain
        }
    }

    /// - Parameter number: -1: nothing has come yet.
    private static func inSequence(_ byte: UInt8, _ number: Int) -> State {
        switch byte {
        case 0x1B: .escape
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            .sequence(min(max(number, 0) * 10 + Int(byte - UInt8(ascii: "0")), 100_000))
        case UInt8(ascii: "[") where number < 0: .consoleKey
        case UInt8(ascii: "M") where number < 0: .mouse(3)
        case UInt8(ascii: "~") where number == 200: .pasted(0)
        // Further parameters, and intermediate bytes.
        case 0x20...0x3F: .sequence(100_000)
        case _: .plain
        }
    }

    private static func key(_ byte: UInt8) -> Key? {
        switch UnicodeScalar(byte) {
        case "+", "=": .faster
        case "-", "_": .slower
        case "p", "P", " ": .pause
        case "q", "Q": .quit
        case "e", "E": .failures
        case _: nil
        }
    }
}
