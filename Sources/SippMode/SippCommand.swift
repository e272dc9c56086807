import Datagrams

/// What SIPp's keys and its remote control ask of a run that is on.
package enum SippCommand: Equatable, Sendable {
    /// Relative to the rate scale.
    case changeRate(by: Double)
    case setRate(Double)
    case setRateScale(Double)
    case setOpenCallLimit(Int)
    case togglePause
    case showScreen(Int)
    case dumpScreens
    /// No new calls; the open ones end. Asked for again: they are ended.
    case quit
    case quitNow
    case setTrace(TraceKind, isOn: Bool)
    case resetStatistics

    package enum TraceKind: String, Equatable, Sendable, CaseIterable {
        case errors = "error"
        case logs
        case messages
        case shortMessages = "shortmessages"
    }
}

/// Turns keys, and datagrams to the control port, into commands.
///
/// A key is a command at once; `c` begins one in words, up to the end of the line. A datagram is one or the other whole.
package struct SippCommandReader: Sendable {
    /// The words after `c`, while they are typed.
    private var line: [UInt8]?
    /// Longer ones are none.
    private static let lineLimit = 200

    package init() {}

    /// Nil: nothing to do, or not yet.
    package mutating func read(key: UInt8) -> SippCommand? {
        guard var typed = line else {
            if key == UInt8(ascii: "c") {
                line = []
                return nil
            }
            return Self.command(forKey: key)
        }
        switch key {
        case 10, 13:
            line = nil
            return Self.command(in: String(decoding: typed, as: UTF8.self))
        case 8, 127: _ = typed.popLast()
        case 27: return escape()
        case _: if typed.count < Self.lineLimit { typed.append(key) }
        }
        line = typed
        return nil
    }

    private mutating func escape() -> SippCommand? {
        line = nil
        return nil
    }

    package static func command(in datagram: [UInt8]) -> SippCommand? {
        guard let first = datagram.first else { return nil }
        guard first == UInt8(ascii: "c") else { return command(forKey: first) }
        return command(in: String(decoding: datagram.dropFirst(), as: UTF8.self))
    }

    private static func command(forKey key: UInt8) -> SippCommand? {
        switch key {
        case UInt8(ascii: "+"): .changeRate(by: 1)
        case UInt8(ascii: "-"): .changeRate(by: -1)
        case UInt8(ascii: "*"): .changeRate(by: 10)
        case UInt8(ascii: "/"): .changeRate(by: -10)
        case UInt8(ascii: "p"): .togglePause
        case UInt8(ascii: "s"): .dumpScreens
        case UInt8(ascii: "q"): .quit
        case UInt8(ascii: "Q"): .quitNow
        case UInt8(ascii: "1")...UInt8(ascii: "9"): .showScreen(Int(key) - 48)
        case _: nil
        }
    }

    private static func command(in text: String) -> SippCommand? {
        let words = text.split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\0" }.map(String.init)
        switch words.first {
        case "set": return words.count == 3 ? setting(words[1], words[2]) : nil
        case "trace":
            guard words.count == 3, let kind = SippCommand.TraceKind(rawValue: words[1]) else { return nil }
            switch words[2] {
            case "on", "true": return .setTrace(kind, isOn: true)
            case "off", "false": return .setTrace(kind, isOn: false)
            case _: return nil
            }
        case "reset": return words == ["reset", "stats"] ? .resetStatistics : nil
        case _: return nil
        }
    }

    private static func setting(_ name: String, _ text: String) -> SippCommand? {
        guard let number = Double(text), number.isFinite, number >= 0 else { return nil }
        switch name {
        case "rate": return number <= 1e7 ? .setRate(number) : nil
        case "rate-scale": return .setRateScale(number)
        case "limit": return number >= 1 && number < 1e9 ? .setOpenCallLimit(Int(number)) : nil
        case _: return nil
        }
    }
}
