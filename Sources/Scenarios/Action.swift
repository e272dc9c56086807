/// What a step does besides its message: one element below `<action>`.
///
/// A value without references: texts, patterns and files are indices into the scenario's lists.
package enum Action: Sendable, BitwiseCopyable {
    case match(Match)
    /// `log`, `warning`, `error`: a text for the files of that name; an error ends the run.
    case note(Note, text: UInt16)
    /// `assign`, `add`, `subtract`, `multiply`, `divide`.
    case compute(Arithmetic, into: Variable, Operand)
    case assignText(into: Variable, text: UInt16)
    case toNumber(into: Variable, from: Variable)
    /// `trim`, `urlencode`, `urldecode`: in place.
    case rewrite(Rewriting, Variable)
    case test(Test)
    case compareText(TextComparison)
    /// `gettimeofday`: seconds and microseconds.
    case timeOfDay(seconds: Variable, microseconds: Variable)
    /// The number of this step.
    case stepIndex(into: Variable)
    case jump(Operand)
    case restorePause(Operand)
    case sample(into: Variable, Distribution)
    /// The line of a file whose key column holds this text, or -1.
    case lookup(into: Variable, file: UInt16, key: UInt16)
    case insertLine(file: UInt16, text: UInt16)
    case replaceLine(file: UInt16, line: UInt16, text: UInt16)
    case verifyCredentials(into: Variable, username: UInt16, password: UInt16)
    /// `exec command`: only with `--allow-exec`.
    case command(text: UInt16)
    case interrupt(Interruption)
    /// Media: accepted, and not carried out.
    case media

    package enum Note: UInt8, Sendable, BitwiseCopyable { case log, warning, error }

    package enum Arithmetic: Sendable, BitwiseCopyable { case assign, add, subtract, multiply, divide }

    package enum Rewriting: Sendable, BitwiseCopyable { case trim, encodeURL, decodeURL }

    package enum Comparison: String, CaseIterable, Sendable, BitwiseCopyable {
        case equal
        case notEqual = "not_equal"
        case greaterThan = "greater_than"
        case lessThan = "less_than"
        case greaterThanEqual = "greater_than_equal"
        case lessThanEqual = "less_than_equal"

        package func holds(_ a: Double, _ b: Double) -> Bool {
            switch self {
            case .equal: a == b
            case .notEqual: a != b
            case .greaterThan: a > b
            case .lessThan: a < b
            case .greaterThanEqual: a >= b
            case .lessThanEqual: a <= b
            }
        }
    }

    /// Whether the call fails by the result: `check_it`, `check_it_inverse`.
    package enum Check: Sendable, BitwiseCopyable { case none, mustHold, mustNotHold }

    package struct Test: Sendable, BitwiseCopyable {
        package var variable: Variable
        package var comparison: Comparison
        package var other: Operand
        package var into: Variable?
        package var check: Check
    }

    package struct TextComparison: Sendable, BitwiseCopyable {
        package enum Other: Sendable, BitwiseCopyable {
            case text(UInt16)
            case variable(Variable)
        }
        package var variable: Variable
        package var other: Other
        package var into: Variable?
        package var check: Check
    }

    /// `ereg`.
    package struct Match: Sendable, BitwiseCopyable {
        package enum Subject: Sendable, BitwiseCopyable {
            case message
            /// All after the first empty line.
            case body
            /// The rest of a line after this text, wherever it stands.
            case header(Header)
            case variable(Variable)
        }

        package struct Header: Sendable, BitwiseCopyable {
            /// Plain text, not a template.
            package var name: UInt16
            /// From 1.
            package var occurrence: UInt16
            package var ignoresCase: Bool
            /// Only at the beginning of a line.
            package var atLineStart: Bool
        }

        package var pattern: UInt16
        package var subject: Subject
        /// Of the whole match and the groups, in `Program.assignments`.
        package var firstAssignment: UInt16
        package var assignmentCount: UInt16
        package var check: Check
    }

    /// `exec int_cmd`.
    package enum Interruption: UInt8, Sendable, BitwiseCopyable { case stopNow, stopGracefully, stopCall }
}

extension Action {
    /// Ends a call or moves it about: nothing for `init`.
    var needsCall: Bool {
        switch self {
        case .interrupt(.stopCall), .note(.error, _), .jump, .restorePause: true
        case .interrupt, .note, .match, .compute, .assignText, .toNumber, .rewrite, .test, .compareText, .timeOfDay,
            .stepIndex, .sample, .lookup, .insertLine, .replaceLine, .verifyCredentials, .command, .media:
            false
        }
    }
}
