import Glibc
import Scenarios
import Synchronization

/// POSIX extended regular expressions, by the C library: what SIPp's scenarios are written for.
package struct PosixPatterns: PatternCompiler {
    package init() {}

    package func compile(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) -> any Pattern {
        // Whether it is an expression at all is the C library's word.
        let pattern = try PosixPattern(text, ignoringCase: ignoringCase)
        return PlainPattern(text, ignoringCase: ignoringCase) ?? pattern
    }

    /// By the C library alone: what the shorter way is compared with.
    package func compileByLibrary(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) -> any Pattern {
        try PosixPattern(text, ignoringCase: ignoringCase)
    }

    package func isPlain(_ text: [UInt8]) -> Bool { PlainPattern(text, ignoringCase: false) != nil }
}

private final class PosixPattern: Pattern {
    private let text: [UInt8]
    private let ignoresCase: Bool
    private let expression: Mutex<Expression>

    init(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) {
        self.text = text
        ignoresCase = ignoringCase
        if text.count > Self.lengthLimit {
            throw PatternError(reason: "it has more than \(Self.lengthLimit) characters")
        }
        if text.contains(0) { throw PatternError(reason: "it has a zero byte") }
        expression = Mutex(try Expression(text, ignoringCase: ignoringCase))
    }

    func matches(_ subject: borrowing Span<UInt8>, _ groups: inout PatternGroups) -> Bool {
        var found = PatternGroups()
        let isFound = expression.withLock { expression in
            subject.withUnsafeBytes { expression.matches($0, &found) }
        }
        if isFound { groups = found }
        return isFound
    }

    func copied() -> any Pattern {
        do throws(PatternError) { return try PosixPattern(text, ignoringCase: ignoresCase) } catch {
            // It compiled before.
            preconditionFailure("\(error.reason)")
        }
    }

    /// A bound on what the C library's compiler is given: it may take much memory for repetitions.
    private static let lengthLimit = 4096
}

/// The C library's own form of it.
private struct Expression: ~Copyable {
    private let compiled: UnsafeMutablePointer<regex_t>
    private let places: UnsafeMutablePointer<regmatch_t>

    init(_ text: [UInt8], ignoringCase: Bool) throws(PatternError) {
        compiled = try Self.compile(text + [0], REG_EXTENDED | (ignoringCase ? REG_ICASE : 0))
        places = .allocate(capacity: PatternGroups.limit)
        places.initialize(repeating: regmatch_t(), count: PatternGroups.limit)
    }

    private static func compile(
        _ text: [UInt8], _ flags: Int32
    ) throws(PatternError) -> UnsafeMutablePointer<regex_t> {
        let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        compiled.initialize(to: regex_t())
        let result = text.withUnsafeBytes {
            regcomp(compiled, $0.baseAddress!.assumingMemoryBound(to: CChar.self), flags)
        }
        if result == 0 { return compiled }
        var reason = [CChar](repeating: 0, count: 128)
        _ = regerror(result, compiled, &reason, reason.count)
        compiled.deallocate()
        let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        throw PatternError(reason: String(decoding: bytes, as: UTF8.self))
    }

    deinit {
        regfree(compiled)
        places.deallocate()
        compiled.deallocate()
    }

    func matches(_ subject: UnsafeRawBufferPointer, _ groups: inout PatternGroups) -> Bool {
        places[0].rm_so = 0
        places[0].rm_eo = regoff_t(subject.count)
        // Both ends are given: the subject has no zero byte after it, and may have some inside.
        let result: Int32
        if let base = subject.baseAddress {
            result = regexec(
                compiled, base.assumingMemoryBound(to: CChar.self), PatternGroups.limit, places, REG_STARTEND)
        } else {
            result = regexec(compiled, "", PatternGroups.limit, places, REG_STARTEND)
        }
        guard result == 0 else { return false }
        for group in 0..<PatternGroups.limit where places[group].rm_so >= 0 {
            groups[group] = Int(places[group].rm_so)..<Int(places[group].rm_eo)
        }
        return true
    }
}
