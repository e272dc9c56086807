import Datagrams

/// What the rules of `AdviceRule.table` look at, computed once.
package struct AdviceFigures: Sendable {
    package var requests = 0
    package var joined = 0
    package var receiveDrops = 0
    package var requestsDropped = 0
    package var lost: UInt64 = 0
    package var unkept = 0
    /// Requests that were seen arriving more than once.
    package var sentAgain = 0
    /// Requests were followed into the server, and no response was seen to any.
    package var isUnanswered = false
    /// CPU time over time, where the hypervisor tells: the worst host. Of several CPUs it may be above 1.
    package var stolenShare = 0.0
    /// The response time swings: shares are of its variance, else of its mean.
    package var isSwinging = false
    /// The block with the largest share; nil: there are no blocks.
    package var largest: Breakdown.Block?
    package var largestShare = 0.0
    /// The next one.
    package var second: Breakdown.Block?
    package var secondShare = 0.0
    /// The block with the largest share of the mean, where it is none of the two that swing most.
    package var steady: Breakdown.Block?
    package var steadyShare = 0.0
    /// Of the block from the socket's queue to the application.
    package var waitShare = 0.0
    /// By `WaitCause.rawValue`, of the socket wait.
    package var causeShares = InlineArray<5, Double>(repeating: 0)
    /// The task the server's threads waited behind longest, all waits together.
    package var behind = ""
    /// Of the block from receive to send, and what the thread did in it, likewise.
    package var workShare = 0.0
    package var workShares = InlineArray<5, Double>(repeating: 0)
    package var workBehind = ""
    /// Half of all requests came in bursts of at least so many.
    package var burstSize = 1
    /// Threads that received requests.
    package var receivers = 0
    /// Of the server, the one that received the most requests; 0: not known.
    package var process: UInt32 = 0
    /// How far the clocks may be off, against the length of the largest block.
    package var clockShare = 0.0

    package init() {}

    package init(_ breakdown: Breakdown) {
        requests = breakdown.tally.requests
        joined = breakdown.tally.joined
        receiveDrops = breakdown.tally.receiveDrops
        requestsDropped = breakdown.tally.requestsDropped
        lost = breakdown.recordings.reduce(0) { $0 &+ $1.lost }
        unkept = breakdown.tally.unkept
        sentAgain = breakdown.tally.sentAgain
        isUnanswered = joined > 0 && breakdown.blocks.last?.to.isOfRequest == true
        for recording in breakdown.recordings where recording.lasted > .zero {
            guard let stolen = recording.stolen else { continue }
            stolenShare = max(stolenShare, Double(stolen.rawValue) / Double(recording.lasted.rawValue))
        }
        let totals = Spread(breakdown.requests.map(\.total))
        isSwinging =
            totals.sd >= Self.leastSwing * totals.mean && breakdown.shares.contains { $0.ofVariance != nil }
        readBlocks(breakdown)
        readSteady(breakdown)
        (causeShares, behind) = causes(of: breakdown.waits)
        (workShares, workBehind) = causes(of: breakdown.work)
        burstSize = Self.typicalBurst(breakdown.requests)
        receivers = Set(breakdown.requests.map(\.receiver)).subtracting([0]).count
        process = Self.busiest(breakdown)
    }

    private mutating func readBlocks(_ breakdown: Breakdown) {
        for share in breakdown.shares {
            let block = breakdown.blocks[share.block]
            let value = isSwinging ? share.ofVariance ?? 0 : share.ofMean
            if block.from == .socketEnqueue, block.to == .applicationReceive { waitShare = value }
            if block.from == .applicationReceive, block.to.place <= ProbePoint.responseTransmit.place {
                workShare = value
            }
            guard largest == nil || value > largestShare else {
                if second == nil || value > secondShare { (second, secondShare) = (block, value) }
                continue
            }
            (second, secondShare) = (largest, largestShare)
            largest = block
            largestShare = value
            let uncertainty = Double(block.clockUncertainty?.rawValue ?? 0)
            clockShare = uncertainty == 0 ? 0 : share.mean > .zero ? uncertainty / Double(share.mean.rawValue) : 1
        }
    }

    private mutating func readSteady(_ breakdown: Breakdown) {
        guard isSwinging, let share = breakdown.shares.max(by: { $0.ofMean < $1.ofMean }) else { return }
        let block = breakdown.blocks[share.block]
        guard !outstanding.contains(where: { $0.block == block }) else { return }
        (steady, steadyShare) = (block, share.ofMean)
    }

    /// Of each cause its share, and the task that was waited behind longest.
    private func causes(of waits: [SocketWait]) -> (InlineArray<5, Double>, String) {
        var shares = InlineArray<5, Double>(repeating: 0)
        let totals = Spread(waits.map(\.total))
        let variance = totals.covariance(totals)
        for cause in WaitCause.allCases {
            let lengths = Spread(waits.map { $0.causes[cause.rawValue] })
            if isSwinging, variance > 0 {
                shares[cause.rawValue] = lengths.covariance(totals) / variance
            } else if totals.mean > 0 {
                shares[cause.rawValue] = lengths.mean / totals.mean
            }
        }
        var lengths: [String: Double] = [:]
        for wait in waits where !wait.behind.isEmpty {
            lengths[wait.behind, default: 0] += Double(wait.causes[WaitCause.behindAnotherTask.rawValue].rawValue)
        }
        // Of two equally long ones always the same.
        return (shares, lengths.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "")
    }

    /// A server's first process often only started the others.
    private static func busiest(_ breakdown: Breakdown) -> UInt32 {
        var counts: [UInt32: Int] = [:]
        for request in breakdown.requests { counts[request.receiver, default: 0] += 1 }
        // Of two that received as many always the same.
        let busiest = breakdown.threads.max { counts[$0.thread, default: 0] < counts[$1.thread, default: 0] }
        return busiest?.process ?? 0
    }

    private static func typicalBurst(_ requests: [Breakdown.Request]) -> Int {
        let sizes = requests.map(\.burstSize).sorted()
        return sizes.isEmpty ? 1 : Int(sizes[sizes.count / 2])
    }

    /// A standard deviation below a fifth of the mean is no swing: there the question is what the time is made of.
    package static let leastSwing = 0.2

    /// The words for what shares are of.
    var whole: String { isUnanswered ? "way to the application" : isSwinging ? "swing" : "response time" }

    func causeShare(_ cause: WaitCause) -> Double { causeShares[cause.rawValue] }

    func workShare(_ cause: WaitCause) -> Double { workShares[cause.rawValue] }

    /// Something of the block from receive to send could be cut.
    var workIsSeen: Bool { WaitCause.allCases.contains { workShares[$0.rawValue] != 0 && $0 != .unknown } }

    /// The share of the block of which this is true, where it is one of the two largest.
    func share(where isIt: (Breakdown.Block) -> Bool) -> Double {
        if let largest, isIt(largest) { return largestShare }
        if let second, isIt(second) { return secondShare }
        return 0
    }

    /// The blocks that stand out, the largest first.
    var outstanding: [(block: Breakdown.Block, share: Double)] {
        [(largest, largestShare), (second, secondShare)].compactMap { block, share in
            block.flatMap { share >= AdviceRule.worthwhile ? ($0, share) : nil }
        }
    }
}
