import ArgumentParser
import Datagrams
import Latency
import Reports
import SIP
import UserAgent

/// What the command line's words mean. Each says in one sentence what it takes when it is given something else.
enum Arguments {
    /// `300ms`, `1.4ms`, `15s`; us ms s m h.
    static func duration(_ text: String) throws -> Nanoseconds {
        let units: [(String, Double)] = [("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)]
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number.isFinite else { continue }
            guard number >= 0 else { throw ValidationError("a length of time is not negative") }
            guard number * factor <= 8.64e15 else { throw ValidationError("100 days are the most") }
            return Nanoseconds(Int64((number * factor).rounded()))
        }
        throw ValidationError("a length of time is a number with its unit: us, ms, s, m or h, as in 15s or 1.4ms")
    }

    /// As it would be typed: `15s`, `1.4ms`.
    static func text(_ length: Nanoseconds) -> String {
        length < .seconds(1)
            ? DecimalText.trimmed(length.seconds * 1000) + "ms" : DecimalText.trimmed(length.seconds) + "s"
    }

    static func positiveDuration(_ text: String) throws -> Nanoseconds {
        let length = try duration(text)
        guard length > .zero else { throw ValidationError("it must be longer than 0") }
        return length
    }

    // What a shell completes.
    static let capacities = CompletionKind.list(["asterisk-2014", "unlimited", "fixed:"])
    static let interfaces = CompletionKind.shellCommand("ls /sys/class/net")

    /// Calls per second.
    static func rate(_ text: String) throws -> Double {
        guard let rate = Double(text), rate.isFinite else {
            throw ValidationError("a rate is a number of calls per second, as in 400 or 0.5")
        }
        guard rate >= 0.001, rate <= 1_000_000 else {
            throw ValidationError("a rate lies between 0.001 and 1000000 calls per second")
        }
        return rate
    }

    static func rates(_ text: String) throws -> [Double] {
        let rates = try text.split(separator: ",", omittingEmptySubsequences: false).map { try rate(String($0)) }
        guard Set(rates).count == rates.count else { throw ValidationError("the same rate stands there twice") }
        return rates
    }

    /// `5%` or `0.05`, as a share 0...1.
    static func share(_ text: String) throws -> Double {
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite else {
            throw ValidationError("a share is a percentage, as in 5%")
        }
        let share = isPercent ? number / 100 : number
        guard (0...1).contains(share) else { throw ValidationError("a share lies between 0% and 100%") }
        return share
    }

    static func count(_ text: String) throws -> Int {
        guard let count = Int(text), count > 0 else { throw ValidationError("it takes a whole number above 0") }
        return count
    }

    /// Bytes: `4096`, `4k`, `4M` (1024 each).
    static func size(_ text: String) throws -> Int {
        let units: [(Character, Int)] = [("k", 1 << 10), ("M", 1 << 20)]
        let unit = units.first { $0.0 == text.last }
        guard let number = Int(unit == nil ? text : String(text.dropLast())), number > 0 else {
            throw ValidationError("a size is a whole number of bytes above 0, or of k or M, as in 64k")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        guard !overflow, bytes <= 1 << 30 else { throw ValidationError("1024M are the most") }
        return bytes
    }

    static func port(_ text: String) throws -> UInt16 {
        guard let port = UInt16(text) else {
            throw ValidationError("a port lies between 0 and 65535; 0 is any free one")
        }
        return port
    }

    static func changeRule(_ text: String) throws -> ChangeRule {
        do throws(ChangeRule.ParseError) { return try ChangeRule(text) } catch {
            throw ValidationError(error.description)
        }
    }

    static func capacity(_ text: String) throws -> Capacity {
        switch text {
        case "unlimited": return Capacity(name: text, profile: .unlimited)
        case "asterisk-2014": return Capacity(name: text, profile: .asterisk2014)
        case _ where text.hasPrefix("fixed:"):
            return Capacity(name: text, profile: .fixed(try positiveDuration(String(text.dropFirst(6)))))
        case _:
            throw ValidationError(
                "a capacity is unlimited, asterisk-2014, or fixed: with the time an INVITE takes, as in fixed:1.4ms")
        }
    }

    struct Capacity: Sendable {
        var name: String
        var profile: CapacityProfile
    }

    /// `486=10%`
    static func refusal(_ text: String) throws -> AnswerFaults.Refusal {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let status = UInt16(parts[0]), (300...699).contains(status) else {
            throw ValidationError("it takes a final status from 300 to 699 and its share, as in 486=10%")
        }
        return AnswerFaults.Refusal(status: status, share: try share(String(parts[1])))
    }

    /// `300ms` for every request, `INVITE=300ms` for one method.
    static func delay(_ text: String) throws -> Delay {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return Delay(method: nil, length: try duration(text)) }
        let method = Method(text: String(parts[0]))
        guard method != .other, method != .ack else {
            throw ValidationError("\(parts[0]) is no request that is answered; INVITE or BYE are, as in INVITE=300ms")
        }
        return Delay(method: method, length: try duration(String(parts[1])))
    }

    struct Delay: Sendable {
        var method: Method?
        var length: Nanoseconds
    }
}

extension Method {
    init(text: String) { self.init(bytes: Array(text.utf8).span) }
}
