import Datagrams
import Latency

/// A linear axis: values to pixels, and ticks at 1, 2 or 5 times a power of ten.
struct Axis {
    var lowest: Double
    var highest: Double
    /// Pixels of `lowest` and `highest`; the second may be the smaller (y grows downwards in SVG).
    var start: Double
    var end: Double
    var step: Double

    func position(_ value: Double) -> Double {
        start + (value - lowest) / (highest - lowest) * (end - start)
    }

    var ticks: [Double] {
        var result: [Double] = []
        // By index and not by adding up, so that the last tick is not lost to rounding.
        var i = (lowest / step).rounded(.up)
        while i * step <= highest + step * 1e-9 {
            result.append(i * step)
            i += 1
        }
        return result
    }

    /// Just as many decimals as the step has.
    func label(_ tick: Double) -> String {
        var decimals = 0
        var scaled = step
        while decimals < 6, (scaled - scaled.rounded()).magnitude > 1e-6 {
            scaled *= 10
            decimals += 1
        }
        if decimals > 0 { return DecimalText.fixed(tick, decimals: decimals) }
        let whole = UInt64(tick.magnitude.rounded())
        return (tick < 0 && whole > 0 ? "-" : "") + DecimalText.grouped(whole)
    }

    /// The smallest of 1, 2, 5 x 10^n that is at least `least`.
    static func niceStep(atLeast least: Double) -> Double {
        precondition(least > 0 && least.isFinite, "a step must be positive")
        var power = 1.0
        while power > least { power /= 10 }
        while power * 10 <= least { power *= 10 }
        for factor in [1.0, 2, 5] where power * factor >= least * (1 - 1e-9) { return power * factor }
        return power * 10
    }

    /// Call numbers. A few calls stand off the frame; many start at 0.
    static func calls(_ count: UInt64, from start: Double, to end: Double) -> Axis {
        let n = Double(max(count, 1))
        let isFew = count <= 20
        // A tick every 85 px leaves room for `2,000,000`.
        let step = max(1, niceStep(atLeast: n / ((end - start) / 85)))
        return Axis(lowest: isFew ? 0.5 : 0, highest: isFew ? n + 0.5 : n, start: start, end: end, step: step)
    }

    /// From 0 to a little above `longest`, which is in the unit the ticks are to have.
    static func lengths(upTo longest: Double, from start: Double, to end: Double, spacing: Double = 50) -> Axis {
        let highest = max(longest, 1e-6) * 1.07
        return Axis(
            lowest: 0, highest: highest, start: start, end: end,
            step: niceStep(atLeast: highest / ((start - end) / spacing))
        )
    }
}

/// Unit of an axis of time: milliseconds, as the field prints RTT, unless they would be five digits long.
enum LengthUnit {
    case microseconds, milliseconds, seconds

    /// Of what happens within a host: microseconds up to ten milliseconds.
    static func fine(for longest: Nanoseconds) -> LengthUnit {
        longest < .milliseconds(10) ? .microseconds : LengthUnit(for: longest)
    }

    init(for longest: Nanoseconds) { self = longest >= .seconds(10) ? .seconds : .milliseconds }

    var text: String {
        switch self {
        case .microseconds: "us"
        case .milliseconds: "ms"
        case .seconds: "s"
        }
    }

    func label(_ length: Nanoseconds) -> String {
        switch self {
        case .microseconds:
            DecimalText.fixed(length, unit: 1000, decimals: length < .microseconds(100) ? 1 : 0) + " us"
        case .milliseconds: DecimalText.milliseconds(length) + " ms"
        case .seconds: DecimalText.fixed(length, unit: 1_000_000_000, decimals: 2) + " s"
        }
    }

    func value(_ length: Nanoseconds) -> Double {
        switch self {
        case .microseconds: Double(length.rawValue) / 1e3
        case .milliseconds: Double(length.rawValue) / 1e6
        case .seconds: Double(length.rawValue) / 1e9
        }
    }
}
