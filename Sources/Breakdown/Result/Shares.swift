import Datagrams

extension BlockShare {
    static func shares(of requests: [Breakdown.Request], blocks: Int) -> [BlockShare] {
        if requests.isEmpty { return [] }
        let totals = Spread(requests.map(\.total))
        return (0..<blocks).map { block in
            let lengths = Spread(requests.map { $0.lengths[block] })
            let variance = totals.covariance(totals)
            return BlockShare(
                block: block, mean: Nanoseconds(Int64(lengths.mean.rounded())),
                sd: Nanoseconds(Int64(lengths.sd.rounded())), p50: lengths.percentile(0.5),
                p99: lengths.percentile(0.99), maximum: lengths.percentile(1),
                ofMean: totals.mean == 0 ? 0 : lengths.mean / totals.mean,
                ofVariance: variance > 0 ? lengths.covariance(totals) / variance : nil)
        }
    }
}

/// Mean, deviation and percentiles of one length in all requests.
struct Spread {
    let values: [Nanoseconds]
    let mean: Double

    init(_ values: [Nanoseconds]) {
        self.values = values
        // In integers first: a mean of differences from the first value keeps every nanosecond.
        let base = values.first?.rawValue ?? 0
        let sum = values.reduce(0.0) { $0 + Double($1.rawValue - base) }
        mean = values.isEmpty ? 0 : Double(base) + sum / Double(values.count)
    }

    /// Of these requests, not of a population they stand for.
    func covariance(_ other: Spread) -> Double {
        if values.isEmpty { return 0 }
        var sum = 0.0
        for (a, b) in zip(values, other.values) {
            sum += (Double(a.rawValue) - mean) * (Double(b.rawValue) - other.mean)
        }
        return sum / Double(values.count)
    }

    var sd: Double { covariance(self).squareRoot() }

    /// Nearest rank.
    func percentile(_ share: Double) -> Nanoseconds {
        if values.isEmpty { return .zero }
        let rank = Int((share * Double(values.count)).rounded(.up))
        return values.sorted()[min(max(rank, 1), values.count) - 1]
    }
}
