/// What so many events in so many attempts say of their share. Exact binomial tails where those can be summed, the normal
/// approximation where the counts are too large for it to matter.
package enum ShareTest {
    /// Above this expectation the exact sum would begin below the smallest number there is.
    private static let largestExact = 300.0

    /// The probability of `count` events or more in `attempts`, were their share `share`.
    package static func tail(_ count: UInt64, of attempts: UInt64, at share: Double) -> Double {
        if count == 0 { return 1 }
        if count > attempts || share <= 0 { return 0 }
        if share >= 1 { return 1 }
        let expected = Double(attempts) * share
        if expected > largestExact {
            let deviation = (expected * (1 - share)).squareRoot()
            return normalTail((Double(count) - 0.5 - expected) / deviation)
        }
        return max(0, 1 - below(count, of: attempts, at: share))
    }

    /// The share that `count` events in `attempts` leave possible at most, with a confidence of 95 %.
    package static func upperBound(_ count: UInt64, of attempts: UInt64) -> Double {
        if count >= attempts { return 1 }
        var (low, high) = (Double(count) / Double(attempts), 1.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            // P(so few or fewer) = 1 - P(more).
            if 1 - tail(count + 1, of: attempts, at: middle) > 0.05 { low = middle } else { high = middle }
        }
        return high
    }

    /// Fewer than `count`.
    private static func below(_ count: UInt64, of attempts: UInt64, at share: Double) -> Double {
        var term = power(1 - share, attempts)
        var sum = term
        let odds = share / (1 - share)
        var i: UInt64 = 0
        while i + 1 < count {
            term *= Double(attempts - i) / Double(i + 1) * odds
            sum += term
            i += 1
            if Double(i) > Double(attempts) * share, term < 1e-18 { break }
        }
        return min(sum, 1)
    }

    private static func power(_ base: Double, _ exponent: UInt64) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }

    /// Beyond `z` standard deviations, from a table: decisions are made at 1 % and 5 %, and between its rows it is
    /// interpolated.
    private static func normalTail(_ z: Double) -> Double {
        let table = [0.5, 0.3085, 0.1587, 0.0668, 0.02275, 0.00621, 0.00135, 0.000233, 0.0000317]
        let place = z.magnitude * 2
        guard place < Double(table.count - 1) else { return z > 0 ? 0 : 1 }
        let row = Int(place)
        let upper = table[row] + (table[row + 1] - table[row]) * (place - Double(row))
        return z > 0 ? upper : 1 - upper
    }
}
