import Datagrams
import Latency

/// What a rate has to hold to pass.
package struct Criteria: Sendable {
    /// Share of the attempts that may fail, 0...1.
    package var failures = 0.001
    /// Requests sent again for each attempt. Nil: any.
    package var resent: Double? = 0.01
    /// By how much response times may grow, in seconds a second. A server offered 1 % more than it can do makes each call wait
    /// 10 ms longer than the one a second before. Nil: by any.
    package var growth: Double? = 0.005

    package init(failures: Double = 0.001, resent: Double? = 0.01, growth: Double? = 0.005) {
        self.failures = failures
        self.resent = resent
        self.growth = growth
    }

    /// RFC 7501: not one attempt fails, and nothing else is asked.
    package static var rfc7502: Criteria { Criteria(failures: 0, resent: nil, growth: nil) }

    /// So unlikely must the events seen be, were their share just the one allowed, for a rate to fail by them.
    static let significance = 0.01
    /// So many trials at one rate are added up; then it fails by what is unlikely enough at `significanceAtLast`, and has
    /// the benefit of the doubt else: of 450 attempts one failure is above 0.1 %, and is no sign of a share above it.
    /// Confirmations, which are longer, know better.
    static let mostRuns = 3
    static let significanceAtLast = 0.1

    /// It cannot pass any more, whatever the rest of `planned` attempts do.
    package func isHopeless(failed: UInt64, resent: UInt64, of planned: UInt64) -> Bool {
        if isTooMany(failed, of: planned, allowed: failures) { return true }
        return self.resent.map { isTooMany(resent, of: planned, allowed: $0) } ?? false
    }

    private func isTooMany(_ count: UInt64, of attempts: UInt64, allowed: Double) -> Bool {
        isAbove(count, of: attempts, allowed: allowed)
            && ShareTest.tail(count, of: attempts, at: allowed) < Self.significance
    }

    private func isAbove(_ count: UInt64, of attempts: UInt64, allowed: Double) -> Bool {
        Double(count) > allowed * Double(attempts) + 1e-9
    }

    // MARK: judging

    /// `pooled`: this result and those of the trials at the same rate that left it undecided.
    func judge(_ result: TrialResult, pooled: Tally) -> Judgement {
        if case .load(let why) = result.doubt { return .void(why) }
        if result.attempts == 0 { return .void("no attempt was made") }
        var (reasons, doubts): ([String], [String]) = ([], [])
        let growing = grows(result)
        for share in [
            (pooled.failed, failures, failureText(result, pooled)),
            resent.map { (pooled.resent, $0, resentText(pooled)) },
        ].compactMap({ $0 }) {
            let (count, allowed, text) = share
            guard isAbove(count, of: pooled.attempts, allowed: allowed) else { continue }
            let chance = ShareTest.tail(count, of: pooled.attempts, at: allowed)
            let isLast = pooled.runs >= Self.mostRuns
            if result.isCutShort || chance < (isLast ? Self.significanceAtLast : Self.significance) {
                reasons.append(text)
            } else if !isLast {
                doubts.append(text)
            }
        }
        if let growing { reasons.append(Self.text(growing)) }
        reasons += result.broken
        if reasons.isEmpty, doubts.isEmpty { return .passes }
        // Nothing the sending thread does to some calls makes the medians of eight parts rise one after another.
        if growing == nil, case .timing(let why) = result.doubt { return .void(why) }
        return reasons.isEmpty ? .undecided(doubts) : .fails(reasons)
    }

    private func grows(_ result: TrialResult) -> ResponseTrend? {
        guard let growth, let trend = result.trend, trend.isCertain, trend.slope > growth else { return nil }
        return trend
    }

    private func failureText(_ result: TrialResult, _ pooled: Tally) -> String {
        let causes = pooled.causes.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
            .map { "\($0.key) \($0.value)" }
        return "\(pooled.failed) of \(pooled.attempts) failed (\(causes.joined(separator: ", ")))"
    }

    private func resentText(_ pooled: Tally) -> String {
        "\(pooled.resent) requests sent again in \(pooled.attempts) attempts"
    }

    private static func text(_ trend: ResponseTrend) -> String {
        "response times grew by \(DecimalText.milliseconds(Nanoseconds(Int64(trend.slope * 1e9)))) ms in each second: "
            + "it falls behind"
    }
}

/// What a result means for the rate it was got at.
enum Judgement: Equatable {
    case passes
    case fails([String])
    /// More failures than allowed, and too few attempts to call it the server's share.
    case undecided([String])
    /// The generator was in the way: this says nothing of the target.
    case void(String)
}

/// Trials at one rate, added up.
struct Tally: Sendable {
    var runs = 0
    var attempts: UInt64 = 0
    var failed: UInt64 = 0
    var resent: UInt64 = 0
    var causes: [String: UInt64] = [:]

    mutating func add(_ result: TrialResult) {
        runs += 1
        attempts += result.attempts
        failed += result.failed
        resent += result.resent
        for failure in result.failures { causes[failure.cause, default: 0] += failure.count }
    }
}
