import Datagrams

/// Runs of one kind against runs of another, a figure each: Welch's t test (1947), which does not take both kinds to
/// differ equally much among themselves.
struct RepeatedRuns {
    let a: [RunFigures]
    let b: [RunFigures]

    /// Below two runs there is nothing to tell how much runs of a kind differ.
    static let least = 2

    func row(_ metric: ComparedMetric) -> RunComparison.Row {
        let (left, right) = (a.compactMap { $0[metric] }, b.compactMap { $0[metric] })
        // A run without the figure cannot be left out: it may lack it because it was the worst.
        let (knowsA, knowsB) = (left.count == a.count, right.count == b.count)
        var row = RunComparison.Row(
            metric: metric, a: knowsA ? Self.mean(left) : nil, b: knowsB ? Self.mean(right) : nil)
        guard let meanA = row.a, let meanB = row.b else { return row }
        let difference = meanB - meanA
        row.difference = RunComparison.Estimate(value: difference)
        if meanA > 0 { row.ratio = RunComparison.Estimate(value: meanB / meanA) }
        if meanB > 0 { row.inverse = RunComparison.Estimate(value: meanA / meanB) }
        guard left.count >= Self.least, right.count >= Self.least else { return row }
        let (errorA, errorB) = (Self.squaredError(left, meanA), Self.squaredError(right, meanB))
        let squared = errorA + errorB
        // What adding up and dividing leave of equal values is no spread.
        let rounding = 1e-12 * max(meanA, meanB)
        guard squared > rounding * rounding else {
            // Runs of a kind agree to the last digit: what is left is how seldom a deal of the runs sorts them so. Of an
            // interval there is nothing to tell.
            row.chance = difference == 0 ? 1 : Self.dealtApart(left.count, right.count)
            return row
        }
        let freedom =
            squared * squared
            / (errorA * errorA / Double(left.count - 1) + errorB * errorB / Double(right.count - 1))
        row.chance = StudentT.twoSided(difference / squared.squareRoot(), freedom: freedom)
        let t = StudentT.quantile95(freedom: freedom)
        let half = t * squared.squareRoot()
        row.difference?.half = half
        // Of a quotient to first order; where the difference may be none, the quotient may be 1.
        if let ratio = row.ratio?.value {
            row.ratio?.half = max(
                t * (errorB + ratio * ratio * errorA).squareRoot() / meanA, half >= abs(difference) ? half / meanA : 0)
        }
        if let inverse = row.inverse?.value {
            row.inverse?.half = max(
                t * (errorA + inverse * inverse * errorB).squareRoot() / meanB,
                half >= abs(difference) ? half / meanB : 0)
        }
        return row
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// Of the mean: the variance over the number of runs.
    private static func squaredError(_ values: [Double], _ mean: Double) -> Double {
        let n = Double(values.count)
        return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1) / n
    }

    /// Of all ways to deal the runs into two kinds, the share that keeps these apart: this one and, of kinds of one size,
    /// its mirror.
    private static func dealtApart(_ a: Int, _ b: Int) -> Double {
        var ways = 1.0
        for i in 0..<a { ways = ways * Double(b + i + 1) / Double(i + 1) }
        return min(1, (a == b ? 2 : 1) / ways)
    }
}
