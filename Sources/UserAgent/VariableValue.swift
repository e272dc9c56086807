import Datagrams
import Observations
import SIP
import Scenarios

/// What a variable holds. Texts stand in the engine's `TextStore`.
enum VariableValue: Sendable, BitwiseCopyable {
    case unset
    case text(TextRange)
    case number(Double)
    case flag(Bool)

    /// For `test` and `condexec`: a number counts as set where it is not 0.
    var isSet: Bool {
        switch self {
        case .unset: false
        case .text: true
        case .number(let number): number != 0
        case .flag(let flag): flag
        }
    }
}

/// What only some scenarios need of a call; beside `Call`, so that the others do not pay for it.
struct CallExtras: Sendable, BitwiseCopyable {
    /// The 401 or 407 that `[authentication]` answers.
    var challenge = TextRange.empty
    /// How often the call has answered with each nonce.
    var nonceCounts = NonceCounts()
    /// From 1; 0 in a run without users.
    var user: UInt32 = 0
    /// The first check that failed: the call goes on and is counted failed at its end.
    var failure: FailedCheck = .none
    /// `pauserestore`: the next pause ends then.
    var restoredPause = Moment.never
    /// When the pause the call is in ends.
    var pauseEnd = Moment.never
}

/// An optional check in one byte.
struct FailedCheck: Sendable, BitwiseCopyable {
    private var raw: UInt8
    static let none = FailedCheck(raw: .max)

    private init(raw: UInt8) { self.raw = raw }
    init(_ check: ScenarioCheck) { raw = check.rawValue }
    var check: ScenarioCheck? { ScenarioCheck(rawValue: raw) }
}

extension CallEngine {
    mutating func value(_ variable: Variable, _ i: Int) -> VariableValue {
        switch variable.scope {
        case .call: callVariables[i * program.variables.call.count + Int(variable.index)]
        case .user: userVariables[userPlace(variable, i)]
        case .global: globalVariables[Int(variable.index)]
        }
    }

    /// The old value's text is given back.
    mutating func set(_ variable: Variable, _ i: Int, to value: VariableValue) {
        if case .text(var text) = self.value(variable, i) { texts.discard(&text) }
        switch variable.scope {
        case .call: callVariables[i * program.variables.call.count + Int(variable.index)] = value
        case .user: userVariables[userPlace(variable, i)] = value
        case .global: globalVariables[Int(variable.index)] = value
        }
    }

    mutating func setText(_ variable: Variable, _ i: Int, to text: ByteBuffer) {
        set(variable, i, to: .text(texts.keep(text, 0..<min(text.count, Self.longestText))))
    }

    /// No message could show more of it; and a loop that doubles a text ends here.
    private static let longestText = MessageIndex.datagramLimit

    /// A run without users has one for all calls.
    private mutating func userPlace(_ variable: Variable, _ i: Int) -> Int {
        let count = program.variables.user.count
        let place = Int(callExtras[i].user) * count
        while userVariables.count < place + count { userVariables.append(.unset) }
        return place + Int(variable.index)
    }

    mutating func forgetVariables(_ i: Int) {
        let count = program.variables.call.count
        for n in i * count..<(i + 1) * count {
            if case .text(var text) = callVariables[n] { texts.discard(&text) }
            callVariables[n] = .unset
        }
        texts.discard(&callExtras[i].challenge)
    }

    mutating func number(_ operand: Operand, _ i: Int) -> Double {
        switch operand {
        case .constant(let value): value
        case .variable(let variable): number(of: variable, i) ?? 0
        }
    }

    /// Nil where the variable holds no number and no text of one.
    mutating func number(of variable: Variable, _ i: Int) -> Double? {
        switch value(variable, i) {
        case .unset: nil
        case .number(let number): number
        case .flag(let flag): flag ? 1 : 0
        case .text(let text): Self.number(texts, text)
        }
    }

    /// Blanks around it are allowed, anything else is not a number.
    private static func number(_ texts: TextStore, _ range: TextRange) -> Double? {
        var start = range.bounds.lowerBound
        var end = range.bounds.upperBound
        while start < end, texts.bytes[start] <= 32 { start += 1 }
        while end > start, texts.bytes[end - 1] <= 32 { end -= 1 }
        if end - start > longestNumber { return nil }
        return Double(String(decoding: texts.bytes[start..<end], as: UTF8.self))
    }

    private static let longestNumber = 400
}

extension ByteBuffer {
    /// As `[$name]` shows it: a number with six decimals, nothing where it is unset. To SIPp a number that is 0 is unset,
    /// here too (measured).
    mutating func append(_ value: VariableValue, in texts: TextStore) {
        switch value {
        case .unset: break
        case .text(let text): append(texts, text)
        case .flag(let flag): if flag { append("true") } else { append("false") }
        case .number(let number): if number != 0 { append(sixDecimals: number) }
        }
    }

    mutating func append(array: [UInt8]) { append(array.span) }

    /// As C's `%f` writes it.
    mutating func append(sixDecimals value: Double) {
        guard value.isFinite else {
            return append(text: value.isNaN ? "nan" : value < 0 ? "-inf" : "inf")
        }
        if value.sign == .minus { append(UInt8(ascii: "-")) }
        var whole = value.magnitude.rounded(.towardZero)
        var millionths = ((value.magnitude - whole) * 1e6).rounded(.toNearestOrEven)
        if millionths >= 1e6 {
            millionths -= 1e6
            whole += 1
        }
        // Above 2^53 there are no fractions, and every double up to 2^127 is exact here.
        if whole < 0x1p63 {
            append(decimal: UInt64(whole))
        } else if whole < 0x1p127 {
            append(text: String(UInt128(whole)))
        } else {
            append(text: "\(whole)")
        }
        append(UInt8(ascii: "."))
        let digits = UInt64(millionths)
        var place: UInt64 = 100_000
        while place > digits, place > 1 {
            append(UInt8(ascii: "0"))
            place /= 10
        }
        append(decimal: digits)
    }
}
