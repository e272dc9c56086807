import Datagrams
import Latency

/// A logarithmic axis of times.
struct LogAxis {
    var lowest: Double
    var highest: Double
    var start: Double
    var end: Double

    /// From the decade-fraction below `shortest` to that above `longest`, both above 0 and in the unit of the ticks.
    init(from shortest: Double, to longest: Double, start: Double, end: Double) {
        lowest = Self.nice(below: shortest)
        highest = max(Self.nice(above: longest), lowest * 2)
        self.start = start
        self.end = end
    }

    func position(_ value: Double) -> Double {
        let share = Decades.of(max(value, lowest) / lowest) / Decades.of(highest / lowest)
        return start + share * (end - start)
    }

    /// 1, 2 and 5 times each power of ten; of more than four decades only the powers.
    var ticks: [Double] {
        let factors = Decades.of(highest / lowest) > 4 ? [1.0] : [1.0, 2, 5]
        var (found, power): ([Double], Double) = ([], Self.power(below: lowest))
        while power <= highest * 1.0001 {
            for factor in factors where power * factor >= lowest * 0.9999 && power * factor <= highest * 1.0001 {
                found.append(power * factor)
            }
            power *= 10
        }
        return found
    }

    func label(_ tick: Double) -> String { DecimalTick.text(tick) }

    private static func power(below value: Double) -> Double {
        var power = 1.0
        while power > value * 1.0001 { power /= 10 }
        while power * 10 <= value * 1.0001 { power *= 10 }
        return power
    }

    private static func nice(below value: Double) -> Double {
        let power = power(below: value)
        for factor in [5.0, 2] where power * factor <= value * 1.0001 { return power * factor }
        return power
    }

    private static func nice(above value: Double) -> Double {
        let power = power(below: value)
        for factor in [1.0, 2, 5] where power * factor >= value * 0.9999 { return power * factor }
        return power * 10
    }
}

/// log10, which the standard library has only with the C library's help.
enum Decades {
    /// `value` above 0 and finite. To 12 digits.
    static func of(_ value: Double) -> Double {
        precondition(value > 0 && value.isFinite, "a logarithm of \(value)")
        // ln(m) = 2 artanh((m - 1) / (m + 1)) for the significand m in 1 ..< 2: the series converges by 1/9 a step.
        let x = (value.significand - 1) / (value.significand + 1)
        var (sum, power, n) = (0.0, x, 1.0)
        while n < 40 {
            sum += power / n
            power *= x * x
            n += 2
        }
        return (Double(value.exponent) * 0.693147180559945309 + 2 * sum) / 2.302585092994045684
    }
}

enum DecimalTick {
    /// `0.02`, `5`, `2,000`.
    static func text(_ value: Double) -> String {
        var decimals = 0
        var scaled = value
        while scaled < 0.9999, decimals < 9 {
            scaled *= 10
            decimals += 1
        }
        if decimals > 0 { return DecimalText.trimmed(value, decimals: decimals) }
        return DecimalText.grouped(UInt64(value.rounded()))
    }
}
