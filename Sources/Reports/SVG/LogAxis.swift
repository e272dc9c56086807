import Datagrams
import Latency

/// A logarithmic axis of times: ticks at 1, 2 and 5 times powers of ten, where they would be too many at the powers
/// alone, and where they would be too few to read a value off, closer.
struct LogAxis {
    /// Both above zero.
    let lowest: Nanoseconds
    let highest: Nanoseconds
    /// Pixels of `lowest` and `highest`.
    let start: Double
    let end: Double

    /// A little room on either side of what is to be shown.
    init(showing lengths: ClosedRange<Nanoseconds>, from start: Double, to end: Double) {
        lowest = max(Nanoseconds(Int64(Double(lengths.lowerBound.rawValue) / 1.15)), Nanoseconds(1))
        highest = max(Nanoseconds(Int64(Double(lengths.upperBound.rawValue) * 1.15)), lowest * 2)
        self.start = start
        self.end = end
    }

    func position(_ length: Nanoseconds) -> Double {
        let (low, high) = (Logarithm.ten(lowest.rawValue), Logarithm.ten(highest.rawValue))
        let at = Logarithm.ten(max(length.rawValue, 1))
        return start + (at - low) / (high - low) * (end - start)
    }

    var ticks: [Nanoseconds] {
        let room = Int((end - start).magnitude / 26)
        for factors in [[10, 20, 50], [10, 30], [10]] as [[Int64]] {
            let found = ticks(factors)
            guard found.count <= room || factors.count == 1 else { continue }
            if found.count > 2 { return found }
            let more = ticks([10, 12, 15, 18, 20, 25, 30, 40, 50, 60, 80])
            return more.count <= room ? more : found
        }
        return []
    }

    /// `factors`: tenths of a power of ten.
    private func ticks(_ factors: [Int64]) -> [Nanoseconds] {
        var found: [Nanoseconds] = []
        var power: Int64 = 1
        while power <= highest.rawValue, power < Int64.max / 100 {
            // A tick is whole nanoseconds.
            for factor in factors where power * factor % 10 == 0 {
                let tick = Nanoseconds(power * factor / 10)
                if (lowest...highest).contains(tick) { found.append(tick) }
            }
            power *= 10
        }
        return found
    }

    /// In the unit a person would say it in: `500 us`, `20 ms`, `2 s`.
    static func label(_ length: Nanoseconds) -> String {
        switch length.rawValue {
        case ..<1_000: "\(length.rawValue) ns"
        case ..<1_000_000: DecimalText.trimmed(Double(length.rawValue) / 1e3) + " us"
        case ..<1_000_000_000: DecimalText.trimmed(Double(length.rawValue) / 1e6) + " ms"
        default: DecimalText.trimmed(Double(length.rawValue) / 1e9) + " s"
        }
    }
}

/// Decades.
enum Logarithm {
    /// Of 10; `value` above zero.
    static func ten(_ value: Int64) -> Double { ten(Double(value)) }

    static func ten(_ value: Double) -> Double {
        precondition(value > 0 && value.isFinite, "a logarithm of \(value)")
        return Elementary.logarithm(value) / ln10
    }

    private static let ln10 = 2.302_585_092_994_045_7
}
