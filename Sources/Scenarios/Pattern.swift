import Datagrams

/// A compiled regular expression.
///
/// POSIX extended expressions are the C library's to understand, and a pure module has no C library: whoever reads
/// scenarios hands in a `PatternCompiler`.
package protocol Pattern: Sendable {
    /// The leftmost longest match in `subject`; false leaves `groups` as they were.
    func matches(_ subject: borrowing Span<UInt8>, _ groups: inout PatternGroups) -> Bool

    /// An own copy for another thread: the C library's expressions have a lock inside.
    func copied() -> any Pattern
}

/// What makes patterns of the texts of a scenario.
package protocol PatternCompiler: Sendable {
    func compile(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) -> any Pattern
}

/// Why a text is no regular expression, in the words of whoever compiled it.
package struct PatternError: Error, Hashable, Sendable {
    package var reason: String
    package init(reason: String) { self.reason = reason }
}

/// Where a match and its groups stand in the subject: 0 is the whole match.
package struct PatternGroups: Sendable, BitwiseCopyable {
    /// The whole and nine groups, as SIPp has it.
    package static let limit = 10

    private var starts = InlineArray<10, Int32>(repeating: -1)
    private var ends = InlineArray<10, Int32>(repeating: -1)

    package init() {}

    /// Nil: the group took no part in the match.
    package subscript(group: Int) -> Range<Int>? {
        get { starts[group] < 0 ? nil : Int(starts[group])..<Int(ends[group]) }
        set {
            starts[group] = Int32(newValue?.lowerBound ?? -1)
            ends[group] = Int32(newValue?.upperBound ?? -1)
        }
    }
}

/// For scenarios without regular expressions.
package struct NoPatterns: PatternCompiler {
    package init() {}

    package func compile(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) -> any Pattern {
        throw PatternError(reason: "this reader knows no regular expressions")
    }
}
