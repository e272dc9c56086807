import Datagrams
import Latency

/// The blocks of both runs in one row, A's before B's. A drawing says how often each block was drawn; a run as it was
/// measured is the drawing with its own blocks once.
struct PooledBlocks {
    private let times: BlockedSample
    let countA: Int
    let countB: Int
    private var sent: [Double]
    private var failed: [Double]
    private var sentAgain: [Double]

    var count: Int { countA + countB }
    var onceA: [Int] { (0..<count).map { $0 < countA ? 1 : 0 } }
    var onceB: [Int] { (0..<count).map { $0 < countA ? 0 : 1 } }

    /// - Parameter calls: how many a block has; a rest of less than half a block belongs to the last one.
    init(_ a: RunSample, _ b: RunSample, calls: UInt64) {
        func blocks(_ sample: RunSample) -> Int { max(1, Int((Double(sample.last) / Double(calls)).rounded())) }
        let (countA, countB) = (blocks(a), blocks(b))
        func block(_ number: UInt64, _ count: Int) -> Int { min(Int((number - 1) / calls), count - 1) }
        self.countA = countA
        self.countB = countB
        // B's calls are numbered on after A's, so that a number says whose it is.
        let offset = a.last
        let pooled =
            a.times + b.times.map { BlockedSample.Timed(number: $0.number + offset, length: $0.length) }
        times = BlockedSample(pooled, blocks: countA + countB) {
            $0 <= offset ? block($0, countA) : countA + block($0 - offset, countB)
        }
        sent = Array(repeating: 0, count: countA + countB)
        failed = sent
        sentAgain = sent
        for call in a.sent { add(call, to: block(call.number, countA)) }
        for call in b.sent { add(call, to: countA + block(call.number, countB)) }
    }

    private mutating func add(_ call: RunSample.Sent, to block: Int) {
        sent[block] += 1
        if call.hasFailed { failed[block] += 1 }
        sentAgain[block] += Double(call.retransmissions)
    }

    /// Nanoseconds, or a share. Nil where the drawing holds nothing to tell it from.
    func value(_ metric: ComparedMetric, _ drawing: [Int]) -> Double? {
        switch metric {
        case .mean: times.mean(drawing).map { Double($0.rawValue) }
        case .standardDeviation: times.standardDeviation(drawing)
        case .p50: times.value(at: .p50, drawing).map { Double($0.rawValue) }
        case .p90: times.value(at: .p90, drawing).map { Double($0.rawValue) }
        case .p99: times.value(at: .p99, drawing).map { Double($0.rawValue) }
        case .maximum: times.maximum(drawing).map { Double($0.rawValue) }
        case .retransmissions: share(of: sentAgain, drawing)
        case .failures: share(of: failed, drawing)
        }
    }

    private func share(of counts: [Double], _ drawing: [Int]) -> Double? {
        var (n, calls) = (0.0, 0.0)
        for i in 0..<count where drawing[i] > 0 {
            n += Double(drawing[i]) * counts[i]
            calls += Double(drawing[i]) * sent[i]
        }
        return calls == 0 ? nil : n / calls
    }
}
