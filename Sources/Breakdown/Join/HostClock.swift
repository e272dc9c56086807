import Captures
import Datagrams

/// How one host's clock is brought to that of the first host on the way.
struct HostClock: Sendable {
    /// How far a clock is ahead of the one before it: a line, because two clocks drift apart.
    struct Line: Sendable {
        var origin: Int64
        var offset: Int64
        /// Nanoseconds a nanosecond.
        var drift: Double

        func ahead(at time: Int64) -> Int64 { offset + Int64((Double(time - origin) * drift).rounded()) }
    }

    /// From this host's clock to the first one's, in the order in which they are taken off.
    var lines: [Line] = []
    /// Of all of them together.
    var uncertainty = Nanoseconds.zero

    func corrected(_ instant: MonotonicInstant) -> MonotonicInstant {
        if lines.isEmpty { return instant }
        var time = instant.nanoseconds
        for line in lines { time -= line.ahead(at: time) }
        return MonotonicInstant(nanoseconds: time)
    }
}

/// What the traffic between two neighbouring hosts says of their clocks.
///
/// Each request that went from one to the other, and whose response came back, bounds the offset on both sides. Where the
/// bounds of the whole run contradict each other the clocks drifted, and a line through the bounds of its parts serves.
struct ClockEstimate {
    struct Crossing {
        /// By the near host's clock; by the far one's.
        var out: MonotonicInstant
        var arrived: MonotonicInstant
        var returned: (left: MonotonicInstant, back: MonotonicInstant)?
    }

    private(set) var line: HostClock.Line
    private(set) var offset: ClockOffset
    private(set) var crossings: Int

    init(_ crossings: [Crossing], isSameClock: Bool) {
        self.crossings = crossings.count
        let origin = crossings.first?.arrived.nanoseconds ?? 0
        line = HostClock.Line(origin: origin, offset: 0, drift: 0)
        offset = Self.offset(crossings, isSameClock: isSameClock)
        line.offset = offset.value.rawValue
        guard offset.basis == .contradictory, let drifting = Self.drift(crossings, origin: origin) else { return }
        let straight = crossings.map { crossing in
            var crossing = crossing
            crossing.arrived = crossing.arrived - Nanoseconds(drifting.ahead(at: crossing.arrived.nanoseconds))
            crossing.returned = crossing.returned.map { returned in
                (returned.left - Nanoseconds(drifting.ahead(at: returned.left.nanoseconds)), returned.back)
            }
            return crossing
        }
        let rest = Self.offset(straight, isSameClock: false)
        guard let before = offset.uncertainty, let after = rest.uncertainty, after < before else { return }
        line = drifting
        line.offset += rest.value.rawValue
        offset = rest
    }

    private static func offset(_ crossings: some Sequence<Crossing>, isSameClock: Bool) -> ClockOffset {
        var forth: Nanoseconds?
        var back: Nanoseconds?
        for crossing in crossings {
            let length = crossing.arrived - crossing.out
            forth = min(forth ?? length, length)
            guard let returned = crossing.returned else { continue }
            let home = returned.back - returned.left
            back = min(back ?? home, home)
        }
        return ClockOffset(forth: forth, back: back, isSameClock: isSameClock)
    }

    /// Least squares through the middles of the bounds of equal parts of the run.
    private static func drift(_ crossings: [Crossing], origin: Int64) -> HostClock.Line? {
        let size = max(crossings.count / mostParts, leastInPart)
        var points: [(x: Double, y: Double)] = []
        var start = 0
        while start + size <= crossings.count {
            let part = crossings[start..<start + size]
            let bounds = offset(part, isSameClock: false)
            if let lower = bounds.lower, let upper = bounds.upper {
                let middle = part[start + size / 2].arrived.nanoseconds - origin
                points.append((Double(middle), Double(lower.rawValue + (upper.rawValue - lower.rawValue) / 2)))
            }
            start += size
        }
        guard points.count >= 2 else { return nil }
        let n = Double(points.count)
        let meanX = points.reduce(0) { $0 + $1.x } / n
        let meanY = points.reduce(0) { $0 + $1.y } / n
        let spread = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        guard spread > 0 else { return nil }
        let drift = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / spread
        guard abs(drift) <= steepest else { return nil }
        return HostClock.Line(origin: origin, offset: Int64((meanY - drift * meanX).rounded()), drift: drift)
    }

    /// Enough parts to see a drift, and in each enough requests for one of them to have met no queue.
    private static let mostParts = 32
    private static let leastInPart = 8
    /// No clock gains a thousandth: what seems to was set.
    private static let steepest = 1e-3
}

extension ClockEstimate {
    /// How much `far` is ahead of `near`, or behind it.
    func sentence(far: String, near: String) -> String {
        let isAhead = line.offset >= 0
        let value = DecimalMicroseconds.textWithUnit(Nanoseconds(isAhead ? line.offset : -line.offset))
        switch offset.basis {
        case .asserted: return "\(near) and \(far) have one clock."
        case .unbounded:
            return
                "The clocks of \(near) and \(far) could not be compared: too few requests were seen going and coming "
                + "back. Blocks between them mean nothing."
        case .compatible, .estimated, .contradictory:
            let uncertainty = DecimalMicroseconds.text(offset.uncertainty ?? .zero)
            var text =
                "\(far)'s clock is \(value) \(isAhead ? "ahead of" : "behind") \(near)'s, give or take \(uncertainty) us"
            if line.drift != 0 {
                text +=
                    ", and \(line.drift > 0 ? "gains" : "loses") "
                    + "\(DecimalMicroseconds.partsPerMillion(abs(line.drift))) us a second"
            }
            text += " (from \(crossings) request\(crossings == 1 ? "" : "s"))."
            if offset.basis == .contradictory {
                text += " Some requests contradict this: one of the clocks was set, or drifts unevenly."
            }
            return text
        }
    }
}
