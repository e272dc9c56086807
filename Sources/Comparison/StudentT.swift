import Datagrams

/// Student's t distribution: how far the mean of a few values may lie from the truth.
package enum StudentT {
    /// How often a t of as many degrees of freedom lies at least this far from 0, either way: 0...1.
    ///
    /// The regularised incomplete beta function I_x(f/2, 1/2) at x = f / (f + t^2).
    static func twoSided(_ t: Double, freedom: Double) -> Double {
        if !t.isFinite { return 0 }
        return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
    }

    /// The t that is exceeded, either way, with a probability of 5 %.
    package static func quantile95(freedom: Double) -> Double {
        var (low, high) = (1.9, 13.0)
        // Of one degree of freedom it is 12.7, of infinitely many 1.96.
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if twoSided(middle, freedom: freedom) > 0.05 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// By its continued fraction, evaluated by Lentz's method; it converges quickly below (a + 1) / (a + b + 2), and
    /// beyond that the other tail is taken.
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
        let front = Elementary.exponential(
            logGamma(a + b) - logGamma(a) - logGamma(b) + a * Elementary.logarithm(x)
                + b * Elementary.logarithm(1 - x))
        let least = 1e-300
        var c = 1.0
        var d = 1 / nonzero(1 - (a + b) * x / (a + 1))
        var fraction = d
        for step in 1...300 {
            let m = Double(step)
            for factor in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                d = 1 / nonzero(1 + factor * d)
                c = nonzero(1 + factor / c)
                fraction *= c * d
            }
            if abs(c * d - 1) < 1e-15 { break }
        }
        func nonzero(_ value: Double) -> Double { abs(value) < least ? least : value }
        return front * fraction / a
    }

    /// ln of the gamma function: Stirling's series, from 10 on good to 15 digits, and the recurrence down to what is asked.
    static func logGamma(_ x: Double) -> Double {
        var (shifted, product) = (x, 1.0)
        while shifted < 10 {
            product *= shifted
            shifted += 1
        }
        let inverse = 1 / shifted
        let square = inverse * inverse
        let series =
            inverse
            * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))))
        let halfLogTwoPi = 0.918_938_533_204_672_7
        return (shifted - 0.5) * Elementary.logarithm(shifted) - shifted + halfLogTwoPi + series
            - Elementary.logarithm(product)
    }
}
