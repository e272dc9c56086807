import Datagrams
import Latency

/// What one run comes to: a figure for each metric. Where runs were repeated, these are compared, not their calls.
package struct RunFigures: Sendable, Equatable {
    /// Calls with an RTT.
    package var timed: Int
    package var sent: Int
    private var values: [ComparedMetric: Double] = [:]

    /// Nanoseconds, or a share. Nil: no call to tell it from.
    package subscript(_ metric: ComparedMetric) -> Double? { values[metric] }

    package init(_ sample: RunSample) {
        (timed, sent) = (sample.callsTimed, sample.callsSent)
        let blocks = PooledBlocks(sample, RunSample(), calls: max(sample.last, 1))
        for metric in ComparedMetric.allCases where timed >= metric.leastTimed {
            values[metric] = blocks.value(metric, blocks.onceA)
        }
    }
}
