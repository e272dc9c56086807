import Breakdown
import Datagrams
import KernelTrace
import LoadRun

struct ProbeCost {
    struct Difference { init(perRequest: [Double]) { print(perRequest) } }
    var difference: Difference?
}
struct ExplainOutput {
    static let fileNames = ["blocks.csv"]
    static func coverage(_ s: TraceSource, reason: String) -> String {
        s.coverage.map { "\($0.point) \($0.quality) \($0.reason)" }.joined(separator: "\n") + "\n" + reason
    }
    var text = ""
    init(
        _ r: [ServerWatch.Recording], command: ExplainCommand, cost: ProbeCost, counted: Probes.Cost?,
        generator: String?
    ) {
        var counts: [String: Int] = [:]
        for e in r[0].log.events { counts["\(e.point) key \(e.callID != 0)", default: 0] += 1 }
        let b = Breakdown(r.map { ($0.source, $0.log, $0.tally) }, options: command.joining)
        text += "\(b.tally) \(b.clocks)\n"
        for s in b.shares {
            let k = b.blocks[s.block];
            text +=
                "\(k.name) \(k.quality) \(s.mean.rawValue) \(s.p50.rawValue) \(s.p99.rawValue) \(s.ofMean) \(s.ofVariance ?? 0)\n"
        }
        var sum = [Int64](repeating: 0, count: 5); var behind: [String: Int] = [:]
        for w in b.waits { for i in 0..<5 { sum[i] += w.causes[i].rawValue }; behind[w.behind, default: 0] += 1 }
        text += "\(sum.map { $0 / Int64(max(b.waits.count, 1)) }) \(behind) \(b.bursts.prefix(10))"
    }
    func write(to: String) throws {}
}
