import Datagrams
import Observations

/// What is wrong with the text of a threshold, in one sentence that begins with the place.
package struct ThresholdError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ text: String, column: Int) { description = "column \(column): \(text)" }
    /// Of the whole text.
    init(_ text: String) { description = text }
}

/// Reads `METRIC OP VALUE` and `METRIC OP VALUE for LENGTH`; blanks may stand between the parts.
struct ThresholdParser {
    private let text: [UInt8]
    private var place = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    /// From 1, in characters.
    private func column(_ place: Int) -> Int { String(decoding: text[..<place], as: UTF8.self).count + 1 }

    private mutating func skipBlanks() { while place < text.count, Self.isBlank(text[place]) { place += 1 } }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Up to where `ends`, without the blanks before it.
    private mutating func word(until ends: (UInt8) -> Bool) -> String {
        let start = place
        while place < text.count, !ends(text[place]) { place += 1 }
        return String(decoding: text[start..<place], as: UTF8.self)
    }

    mutating func condition() throws(ThresholdError) -> Condition {
        skipBlanks()
        let start = place
        let name = word { Self.isBlank($0) || Self.signs.contains($0) }
        if name.isEmpty {
            throw ThresholdError(
                place < text.count ? "a metric's name comes first, as in rtt.p99<50ms" : Self.form,
                column: column(place)
            )
        }
        var metric = try MetricName(name, at: column(start)).metric()
        skipBlanks()
        let comparison = try comparison(after: name)
        skipBlanks()
        let valueStart = place
        let value = word(until: Self.isBlank)
        if value.isEmpty {
            throw ThresholdError(
                "a value comes after \(comparison.rawValue), as in \(metric.example)", column: column(place))
        }
        // `calls.failed<1%` is the share, whatever the name says.
        if case .figure(.calls(let kind)) = metric, value.hasSuffix("%") { metric = .share(.calls(kind)) }
        let limit = try limit(value, for: metric, at: column(valueStart))
        return Condition(metric: metric, comparison: comparison, limit: limit)
    }

    private mutating func comparison(after name: String) throws(ThresholdError) -> Comparison {
        let start = place
        while place < text.count, Self.signs.contains(text[place]) { place += 1 }
        let sign = String(decoding: text[start..<place], as: UTF8.self)
        if let comparison = Comparison(rawValue: sign) { return comparison }
        let list = "<, <=, >, >=, == or !="
        if sign.isEmpty {
            throw ThresholdError("after \(name) one of \(list) has to follow", column: column(start))
        }
        let near = ["=": "==", "=<": "<=", "=>": ">=", "<>": "!=", "!": "!="][sign]
        throw ThresholdError(
            "\(sign) is no comparison" + (near.map { "; did you mean `\($0)`?" } ?? "; there are \(list)"),
            column: column(start))
    }

    private func limit(_ value: String, for metric: Metric, at column: Int) throws(ThresholdError) -> Measured {
        let split = value.utf8.firstIndex { !Self.digits.contains($0) } ?? value.endIndex
        let (digits, unit) = (String(value[..<split]), String(value[split...]))
        guard let number = Double(digits), number.isFinite else {
            throw ThresholdError("\"\(value)\" is no number, as in \(metric.example)", column: column)
        }
        switch metric.kind {
        case .length:
            guard let factor = Self.lengths[unit] else {
                throw ThresholdError(
                    unit.isEmpty
                        ? "\(metric.name) is a length of time: \(value) needs a unit, us, ms or s"
                        : "\(metric.name) is a length of time, and \(unit) is none of its units, us, ms and s",
                    column: column
                )
            }
            guard number * factor <= 8.64e15 else { throw ThresholdError("100 days are the most", column: column) }
            return .length(Nanoseconds(Int64((number * factor).rounded())))
        case .percent:
            guard unit == "%" else {
                throw ThresholdError(
                    "\(metric.name) is a share: its limit is given in %, as in \(metric.example)", column: column)
            }
            return .percent(number)
        case .rate, .count:
            guard
                let factor = Self.multiples[
                    metric.kind == .rate && unit.hasSuffix("/s") ? String(unit.dropLast(2)) : unit]
            else {
                throw ThresholdError(
                    "\(metric.name) is a plain number, and \(unit) no unit of it (k and M are thousands and millions)",
                    column: column)
            }
            return .number(number * factor)
        }
    }

    /// `for 5s`; nil where the text ends without it.
    mutating func span() throws(ThresholdError) -> Nanoseconds? {
        skipBlanks()
        if place == text.count { return nil }
        let start = place
        let word = word(until: Self.isBlank)
        guard word == "for" else {
            throw ThresholdError(
                "\"\(word)\" is too much; only `for` with a length of time may follow", column: column(start))
        }
        skipBlanks()
        let lengthStart = place
        let length = self.word(until: Self.isBlank)
        let split = length.utf8.firstIndex { !Self.digits.contains($0) } ?? length.endIndex
        guard let number = Double(length[..<split]), let factor = Self.lengths[String(length[split...])] else {
            throw ThresholdError(
                "after `for` a length of time comes, with its unit, as in for 5s", column: column(lengthStart))
        }
        let nanoseconds = number * factor
        guard nanoseconds >= 1e9, nanoseconds <= 3600e9 else {
            throw ThresholdError(
                "rules are judged once a second: `for` takes from 1s to 1h", column: column(lengthStart))
        }
        try end()
        return Nanoseconds(Int64(nanoseconds.rounded()))
    }

    mutating func end() throws(ThresholdError) {
        skipBlanks()
        guard place < text.count else { return }
        let rest = String(decoding: text[place...], as: UTF8.self)
        if rest.hasPrefix("for ") {
            throw ThresholdError(
                "a threshold judges the whole run: `for` belongs to --abort-on", column: column(place))
        }
        throw ThresholdError("\"\(rest)\" is too much after the value", column: column(place))
    }

    private static let form = "a threshold is a metric, a comparison and a value, as in rtt.p99<50ms"
    private static let signs = Set("<>=!".utf8)
    private static let digits = Set("0123456789.".utf8)
    /// In nanoseconds.
    private static let lengths: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]
    private static let multiples: [String: Double] = ["": 1, "k": 1e3, "M": 1e6]
}

extension Metric {
    /// How one is written.
    fileprivate var example: String {
        switch kind {
        case .length: "\(name)<50ms"
        case .percent: "\(name)>99.9%"
        case .rate: "\(name)>=399"
        case .count: "\(name)<10"
        }
    }
}

/// A name as it was typed.
private struct MetricName {
    let text: String
    let column: Int

    init(_ text: String, at column: Int) {
        self.text = text
        self.column = column
    }

    func metric() throws(ThresholdError) -> Metric {
        if let metric = Self.byName[text] ?? Self.aliases[text] { return metric }
        if text.hasPrefix("counters.") { return try counter(String(text.dropFirst(9))) }
        if text.hasPrefix("rtd.") { return try named(String(text.dropFirst(4))) }
        if let time = Self.times[text] {
            throw ThresholdError(
                "\(text) is a distribution: say which value of it, as in \(time.name).p99 or \(time.name).max",
                column: column)
        }
        try checkStatistic()
        if ["rtt", "invite", "bye", "register"].contains(text.lowercased().split(separator: ".").first ?? "") {
            throw ThresholdError(
                "there is no metric \"\(text)\": rtt is the whole call's, and its parts are trying, ringing, answer and bye",
                column: column)
        }
        throw ThresholdError(
            "there is no metric \"\(text)\"" + Suggestion.ending(for: text, among: Self.known), column: column)
    }

    /// `rtt.p98`: the first half is right.
    private func checkStatistic() throws(ThresholdError) {
        guard let dot = text.lastIndex(of: "."), let time = Self.times[String(text[..<dot])] else { return }
        let statistic = String(text[text.index(after: dot)...])
        let names = Metric.Statistic.allCases.map(\.rawValue)
        throw ThresholdError(
            "\(time.name) has no \"\(statistic)\""
                + (Suggestion.nearest(to: statistic, among: names).map { "; did you mean `\(time.name).\($0)`?" }
                    ?? ": there are \(names.joined(separator: ", "))"),
            column: column + text[...dot].count)
    }

    private func counter(_ name: String) throws(ThresholdError) -> Metric {
        let names = Counters.list.map(\.name)
        guard names.contains(name) else {
            throw ThresholdError(
                "there is no counter \"\(name)\"" + Suggestion.ending(for: name, among: names), column: column + 9)
        }
        return .figure(.counter(name))
    }

    /// A scenario's names may have dots of their own: what comes after the last one is the statistic.
    private func named(_ rest: String) throws(ThresholdError) -> Metric {
        let (name, statistic) = Self.divided(rest)
        guard let statistic, !name.isEmpty else {
            throw ThresholdError(
                "it takes the scenario's name of a response time and which value of it, as in rtd.1.p99",
                column: column)
        }
        return .time(.named(name), statistic)
    }

    private static func divided(_ text: String) -> (name: String, statistic: Metric.Statistic?) {
        let plain = text.hasSuffix(".p99.9") ? String(text.dropLast(6)) + ".p999" : text
        guard let dot = plain.lastIndex(of: ".") else { return (plain, nil) }
        return (String(plain[..<dot]), Metric.Statistic(rawValue: String(plain[plain.index(after: dot)...])))
    }

    private static let byName = Dictionary(Metric.all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    private static let times: [String: Metric.ResponseTime] = {
        var times = Dictionary(uniqueKeysWithValues: Metric.ResponseTime.listed.map { ($0.name, $0) })
        times["rtt_intended"] = .rttFromDue
        times["lag"] = .late
        return times
    }()

    /// Other words for the same.
    private static let aliases: [String: Metric] = {
        var aliases: [String: Metric] = ["failed": .share(.calls(.failed)), "failed.ratio": .share(.calls(.failed))]
        for (name, time) in times {
            for statistic in Metric.Statistic.allCases {
                aliases["\(name).\(statistic.rawValue)"] = .time(time, statistic)
            }
            aliases["\(name).p99.9"] = .time(time, .p999)
        }
        return aliases
    }()

    /// For a suggestion: a name that lacks its statistic is better than none.
    private static let known = (Set(byName.keys).union(aliases.keys).union(times.keys)).sorted()
}
