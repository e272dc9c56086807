import Datagrams
import Latency
import Observations

/// One second of a command, or several in one when it has lasted long.
package struct LivePoint: Sendable, Equatable {
    /// Its end, from the first level's start.
    package var at: Nanoseconds
    package var length: Nanoseconds
    /// Number of the level, from 1.
    package var level: Int
    package var offered: UInt64
    package var started: UInt64
    package var answered: UInt64
    package var ok: UInt64
    package var failed: UInt64
    package var resent: UInt64
    /// At the end of a second; of several the most.
    package var open: UInt64
    /// Of the calls that ended in a second. Of several seconds the worst: percentiles cannot be averaged.
    package var p50: Nanoseconds?
    package var p90: Nanoseconds?
    package var p99: Nanoseconds?
    package var max: Nanoseconds?
    package var p99FromDue: Nanoseconds?
    package var lateP99: Nanoseconds?
    package var lateMax: Nanoseconds?
    package var cpuPercent: Double?

    package init(_ row: IntervalRow, after offset: Nanoseconds, level: Int) {
        at = offset + row.at
        length = row.length
        self.level = level
        offered = row.counts.offered
        started = row.counts.started
        answered = row.counts.answered
        ok = row.counts.ok
        failed = row.counts.failed
        resent = row.counts.requestsRetransmitted
        open = row.open
        (p50, p90, p99, max) = (row.rtt.p50, row.rtt.p90, row.rtt.p99, row.rtt.max)
        p99FromDue = row.rttFromDue.p99
        (lateP99, lateMax) = (row.late.p99, row.late.max)
        cpuPercent = row.cpuPercent
    }

    package mutating func merge(_ next: LivePoint) {
        at = next.at
        length += next.length
        offered += next.offered
        started += next.started
        answered += next.answered
        ok += next.ok
        failed += next.failed
        resent += next.resent
        open = Swift.max(open, next.open)
        p50 = Self.worst(p50, next.p50)
        p90 = Self.worst(p90, next.p90)
        p99 = Self.worst(p99, next.p99)
        max = Self.worst(max, next.max)
        p99FromDue = Self.worst(p99FromDue, next.p99FromDue)
        lateP99 = Self.worst(lateP99, next.lateP99)
        lateMax = Self.worst(lateMax, next.lateMax)
        cpuPercent = Self.worst(cpuPercent, next.cpuPercent)
    }

    private static func worst<T: Comparable>(_ a: T?, _ b: T?) -> T? {
        guard let a, let b else { return a ?? b }
        return Swift.max(a, b)
    }
}

/// Every second of a command, however long it runs, in bounded memory: when it is full, neighbours become one point, and
/// from then on a point holds twice as many seconds. Levels are never mixed.
package struct LiveHistory: Sendable {
    /// Ten minutes second by second; a chart has not many more columns.
    package static let capacity = 600
    /// For the sparkline, second by second.
    package static let recentCount = 60

    package private(set) var points: [LivePoint] = []
    package private(set) var recent: [LivePoint] = []
    /// Seconds a point holds, but for the last one and those at the end of a level.
    package private(set) var grain = 1
    private var inLast = 0

    package init() {}

    package mutating func append(_ point: LivePoint) {
        recent.append(point)
        if recent.count > Self.recentCount { recent.removeFirst() }
        if let last = points.last, last.level == point.level, inLast < grain {
            points[points.count - 1].merge(point)
            inLast += 1
            return
        }
        if points.count >= Self.capacity { thin() }
        points.append(point)
        inLast = 1
    }

    private mutating func thin() {
        var thinned: [LivePoint] = []
        thinned.reserveCapacity(Self.capacity)
        var i = 0
        while i < points.count {
            var point = points[i]
            i += 1
            if i < points.count, points[i].level == point.level {
                point.merge(points[i])
                i += 1
            }
            thinned.append(point)
        }
        // As many levels as points: the first ones go.
        if thinned.count >= Self.capacity { thinned.removeFirst(thinned.count / 2) }
        points = thinned
        grain *= 2
    }
}
