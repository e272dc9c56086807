/// Logarithm and exponential to some 15 digits: a pure module has no C library.
package enum Elementary {
    /// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), then the series of 2 artanh((m - 1) / (m + 1)). 0 and below: -infinity.
    package static func logarithm(_ x: Double) -> Double {
        if x <= 0 { return -.infinity }
        var mantissa = x.significand
        var exponent = Double(x.exponent)
        if mantissa > 1.4142135623730951 {
            mantissa /= 2
            exponent += 1
        }
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var sum = 0.0
        var power = ratio
        var n = 1.0
        while n <= 27 {
            sum += power / n
            power *= square
            n += 2
        }
        return exponent * 0.6931471805599453 + 2 * sum
    }

    /// x = k ln 2 + r with |r| <= ln 2 / 2, then the series of e^r.
    package static func exponential(_ x: Double) -> Double {
        if x > 709 { return .greatestFiniteMagnitude }
        if x < -745 { return 0 }
        let k = (x / 0.6931471805599453).rounded()
        let r = x - k * 0.6931471805599453
        var sum = 1.0
        var term = 1.0
        for n in 1...18 {
            term *= r / Double(n)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(k), significand: sum)
    }

    package static func power(_ base: Double, _ exponent: Double) -> Double {
        base <= 0 ? 0 : Self.exponential(exponent * logarithm(base))
    }
}
