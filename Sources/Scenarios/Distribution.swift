import Datagrams

/// A distribution of pauses (in milliseconds) or of sampled values.
package enum Distribution: Sendable, BitwiseCopyable, Equatable {
    case fixed(Double)
    case uniform(Double, Double)
    case normal(mean: Double, deviation: Double)
    case lognormal(mean: Double, deviation: Double)
    case exponential(mean: Double)
    case weibull(scale: Double, shape: Double)
    case pareto(shape: Double, scale: Double)
    case generalisedPareto(shape: Double, scale: Double, location: Double)
    case gamma(shape: Double, scale: Double)
    case negativeBinomial(failures: Double, probability: Double)

    package func sample(_ random: inout SeededGenerator) -> Double {
        switch self {
        case .fixed(let value): return value
        case .uniform(let low, let high): return low + (high - low) * random.unit()
        case .normal(let mean, let deviation): return mean + deviation * random.standardNormal()
        case .lognormal(let mean, let deviation):
            return Elementary.exponential(mean + deviation * random.standardNormal())
        case .exponential(let mean): return mean * random.standardExponential()
        case .weibull(let scale, let shape):
            return scale * Elementary.power(random.standardExponential(), 1 / shape)
        case .pareto(let shape, let scale):
            return scale * Elementary.exponential(random.standardExponential() / shape)
        case .generalisedPareto(let shape, let scale, let location):
            let e = random.standardExponential()
            if shape == 0 { return location + scale * e }
            return location + scale * (Elementary.exponential(shape * e) - 1) / shape
        case .gamma(let shape, let scale): return scale * random.standardGamma(shape)
        case .negativeBinomial(let failures, let probability):
            // A Poisson draw whose mean is gamma distributed.
            let mean = random.standardGamma(failures) * (1 - probability) / probability
            return random.poisson(mean)
        }
    }

    /// What a pause is expected to last, for the ladder.
    package var text: String {
        switch self {
        case .fixed(let value): "\(value) ms"
        case .uniform(let low, let high): "\(low)-\(high) ms, uniform"
        case .normal(let mean, let deviation): "\(mean) ms, normal, sd \(deviation)"
        case .lognormal(let mean, let deviation): "log-normal (\(mean), \(deviation))"
        case .exponential(let mean): "\(mean) ms, exponential"
        case .weibull(let scale, let shape): "Weibull (\(scale), \(shape))"
        case .pareto(let shape, let scale): "Pareto (\(shape), \(scale))"
        case .generalisedPareto(let shape, let scale, let location): "Pareto (\(shape), \(scale), \(location))"
        case .gamma(let shape, let scale): "gamma (\(shape), \(scale))"
        case .negativeBinomial(let n, let p): "negative binomial (\(n), \(p))"
        }
    }
}

extension SeededGenerator {
    mutating func standardExponential() -> Double { -Elementary.logarithm(1 - unit()) }

    /// Marsaglia's polar method.
    mutating func standardNormal() -> Double {
        while true {
            let x = 2 * unit() - 1
            let y = 2 * unit() - 1
            let square = x * x + y * y
            if square > 0, square < 1 { return x * (-2 * Elementary.logarithm(square) / square).squareRoot() }
        }
    }

    /// Marsaglia and Tsang.
    mutating func standardGamma(_ shape: Double) -> Double {
        if shape < 1 { return standardGamma(shape + 1) * Elementary.power(1 - unit(), 1 / shape) }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = standardNormal()
            let root = 1 + c * x
            if root <= 0 { continue }
            let v = root * root * root
            if Elementary.logarithm(1 - unit()) < 0.5 * x * x + d - d * v + d * Elementary.logarithm(v) {
                return d * v
            }
        }
    }

    /// By counting arrivals; above a thousand the normal distribution is as good and bounded in time.
    mutating func poisson(_ mean: Double) -> Double {
        if mean > 1000 { return max(0, (mean + mean.squareRoot() * standardNormal()).rounded()) }
        var count = 0.0
        var left = mean - standardExponential()
        while left > 0 {
            count += 1
            left -= standardExponential()
        }
        return count
    }
}
