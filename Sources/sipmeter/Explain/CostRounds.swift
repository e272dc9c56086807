import Comparison
import Datagrams
import KernelTrace
import Latency
import LoadRun
import Reports
import UDPTransport

/// What the probes cost the server: the same load with and without them, in turn, so that what else the machine does falls
/// on both alike.
struct CostRounds {
    let session: Session
    let rate: Double
    let rounds: Int

    /// Nil where a round had no response times.
    func measure(_ probes: Probes, in directory: String) throws -> ProbeCost.Difference? {
        defer { probes.setAttached(true) }
        var differences: [Double] = []
        var rows = "round,probes,rtt_mean_us,rtt_p50_us\n"
        for round in 1...rounds {
            // Who goes first alternates, too.
            let order = round % 2 == 1 ? [false, true] : [true, false]
            var p50: [Bool: Double] = [:]
            for isAttached in order where !session.wasInterrupted {
                probes.setAttached(isAttached)
                let name = "\(directory)/cost/\(round)-\(isAttached ? "with" : "without")"
                let rtt = try session.level(rate, in: name).summary.rtt
                guard let mean = rtt.mean, let median = rtt.p50 else { return nil }
                p50[isAttached] = Double(median.rawValue) / 1000
                rows +=
                    "\(round),\(isAttached ? "with" : "without"),\(Double(mean.rawValue) / 1000),"
                    + "\(Double(median.rawValue) / 1000)\n"
            }
            if let with = p50[true], let without = p50[false] { differences.append(with - without) }
        }
        var file = ByteBuffer(capacity: 1 << 12)
        file.append(text: rows)
        try OutputFile.create(directory + "/cost.csv", holding: file)
        // A call's RTT is that of two requests, the INVITE and the BYE.
        return Self.difference(differences.map { $0 / 2 })
    }

    /// Mean and 95 % interval (Student's t) of paired differences in microseconds. Nil of fewer than two.
    static func difference(_ values: [Double]) -> ProbeCost.Difference? {
        let n = Double(values.count)
        guard n >= 2 else { return nil }
        let mean = values.reduce(0, +) / n
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let half = StudentT.quantile95(freedom: n - 1) * (squares / (n - 1) / n).squareRoot()
        func length(_ us: Double) -> Nanoseconds { Nanoseconds(Int64((us * 1000).rounded())) }
        return ProbeCost.Difference(
            value: length(mean), low: length(mean - half), high: length(mean + half), rounds: values.count)
    }
}
