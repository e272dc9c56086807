import Datagrams

/// One request's way over all capture points and its answer's way back. Lengths in the order of the points: `forth[i]` is
/// from point i to i + 1, `back[i]` from i + 1 to i, whichever of them the request took.
///
///     resent + forth + beyond + back = total      (for a request of the caller's)
package struct RequestPath: Sendable {
    package var callID: UInt32
    package var method: CallTag.Method
    package var methodText: UInt32
    package var status: UInt16
    /// The caller's side is where the first point is.
    package var isFromCaller: Bool
    /// First copy, at the point next to who sent it; by the first point's clock.
    package var first: Nanoseconds
    /// Until the copy went out that passed all points.
    package var resent: Nanoseconds
    package var forth: [Nanoseconds]
    package var back: [Nanoseconds]
    /// Spent behind the last point the request passed.
    package var beyond: Nanoseconds
    /// First copy to final response, at the point next to the sender: one clock's reading, without any offset.
    package var total: Nanoseconds
}

/// Finds the same datagrams at several points of one path and says how long each stretch between two points took.
///
/// The points are the files of a `SIPTraffic` that keeps files apart, in the order of the path from caller to callee.
/// Datagrams are told by Call-ID (of the call tag where the text was cut), CSeq, method, status and direction; of several
/// copies each is joined with the last one that can have caused it.
package struct HopJoin {
    package private(set) var offsets: [ClockOffset] = []
    package private(set) var paths: [RequestPath] = []
    /// Datagrams seen at the near point of each stretch and not at the far one, and the other way round.
    package private(set) var lost: [UInt64]
    package private(set) var unexplained: [UInt64]
    /// Requests with an answer that were not seen at every point.
    package private(set) var incomplete: UInt64 = 0

    private let messages: [CapturedMessage]
    private let points: Int

    private struct Key: Hashable {
        var callID: UInt32
        var cseq: UInt32
        var method: CallTag.Method
        var methodText: UInt32
        var status: UInt16
        /// Towards the callee.
        var isForth: Bool
    }

    /// Of one key, the places of its messages at each point.
    private typealias Sightings = [[Int]]

    /// - Parameter isSameClock: all points stamp by one clock, as taps of one machine do.
    package init(_ traffic: SIPTraffic, points: Int, isSameClock: Bool) {
        precondition(points >= 2, "a hop lies between two points")
        messages = traffic.messages
        self.points = points
        lost = Array(repeating: 0, count: points - 1)
        unexplained = lost
        let (sightings, order) = Self.sight(traffic, points: points)
        offsets = (0..<points - 1).map { offset($0, sightings, isSameClock: isSameClock) }
        follow(sightings, order)
    }

    // MARK: who travels where

    private static func sight(_ traffic: SIPTraffic, points: Int) -> ([Key: Sightings], [Key]) {
        var callers: [UInt64: UInt32] = [:]
        var sightings: [Key: Sightings] = [:]
        var order: [Key] = []
        for (place, message) in traffic.messages.enumerated() {
            let point = Int(message.file)
            guard point < points else { continue }
            let call = UInt64(message.callID) << 16 | UInt64(message.file)
            // Who sends the first request of a Call-ID, at this point: translators on the path do no harm.
            if callers[call] == nil { callers[call] = message.isRequest ? message.source : message.destination }
            let caller = callers[call] ?? message.source
            let key = Key(
                callID: message.callID, cseq: message.cseq, method: message.method, methodText: message.methodText,
                status: message.status, isForth: isSame(message.source, caller, message.destination, traffic.addresses))
            if sightings[key] == nil {
                sightings[key] = Array(repeating: [], count: points)
                order.append(key)
            }
            sightings[key]?[point].append(place)
        }
        return (sightings, order)
    }

    /// Whether `source` is the caller; a port of its own for every request is no other caller.
    private static func isSame(
        _ source: UInt32, _ caller: UInt32, _ destination: UInt32, _ addresses: AddressTable
    ) -> Bool {
        if source == caller { return true }
        if destination == caller { return false }
        return addresses[source].withPort(0) == addresses[caller].withPort(0)
    }

    // MARK: clocks

    private func offset(_ stretch: Int, _ sightings: [Key: Sightings], isSameClock: Bool) -> ClockOffset {
        var forth: Nanoseconds?
        var back: Nanoseconds?
        for (key, seen) in sightings {
            // Only where there is no doubt which is which.
            guard seen[stretch].count == 1, seen[stretch + 1].count == 1 else { continue }
            let length = messages[seen[stretch + 1][0]].at - messages[seen[stretch][0]].at
            if key.isForth { forth = min(forth ?? length, length) } else { back = min(back ?? -length, -length) }
        }
        return ClockOffset(forth: forth, back: back, isSameClock: isSameClock)
    }

    /// By the first point's clock.
    private func instant(_ place: Int) -> Nanoseconds {
        var at = messages[place].at
        for stretch in 0..<Int(messages[place].file) { at -= offsets[stretch].value }
        return at
    }

    // MARK: following

    /// Datagrams that passed all points: at each, the place of its message.
    private typealias Passage = [Int]

    private mutating func follow(_ sightings: [Key: Sightings], _ order: [Key]) {
        var passages: [Key: [Passage]] = [:]
        for key in order { if let seen = sightings[key] { passages[key] = join(seen, isForth: key.isForth) } }
        var finals: [Key: [Key]] = [:]
        for key in order where key.status >= 200 {
            var request = key
            request.status = 0
            request.isForth = !key.isForth
            finals[request, default: []].append(key)
        }
        for key in order where key.status == 0 && key.method != .ack {
            guard let answers = finals[key], let seen = sightings[key] else { continue }
            let near = key.isForth ? 0 : points - 1
            guard let first = seen[near].first, let out = passages[key]?.first,
                let answer = answers.lazy.compactMap({ passages[$0]?.first }).first
            else {
                incomplete += 1
                continue
            }
            paths.append(path(key, first: first, out: out, answer: answer))
        }
    }

    private func path(_ key: Key, first: Int, out: Passage, answer: Passage) -> RequestPath {
        let (near, far) = key.isForth ? (0, points - 1) : (points - 1, 0)
        func stretches(_ passage: Passage, isForth: Bool) -> [Nanoseconds] {
            (0..<points - 1).map { stretch in
                let length = instant(passage[stretch + 1]) - instant(passage[stretch])
                return isForth ? length : -length
            }
        }
        let outward = stretches(out, isForth: key.isForth)
        let homeward = stretches(answer, isForth: !key.isForth)
        return RequestPath(
            callID: key.callID, method: key.method, methodText: key.methodText,
            status: messages[answer[near]].status, isFromCaller: key.isForth, first: instant(first),
            resent: instant(out[near]) - instant(first), forth: key.isForth ? outward : homeward,
            back: key.isForth ? homeward : outward, beyond: messages[answer[far]].at - messages[out[far]].at,
            total: messages[answer[near]].at - messages[first].at)
    }

    /// Joins copies stretch by stretch along the way they travel, and counts those that end or begin in between.
    private mutating func join(_ seen: Sightings, isForth: Bool) -> [Passage] {
        let way = isForth ? Array(0..<points) : Array((0..<points).reversed())
        var open: [[Int]] = seen[way[0]].map { [$0] }
        for step in 1..<points {
            let stretch = min(way[step - 1], way[step])
            let arrivals = seen[way[step]]
            let departures = seen[way[step - 1]]
            let causes = cause(arrivals, departures, stretch)
            let explained = causes.compactMap { $0 }.count
            lost[stretch] += UInt64(departures.count - explained)
            unexplained[stretch] += UInt64(arrivals.count - explained)
            var continued: [[Int]] = []
            for (arrival, cause) in zip(arrivals, causes) {
                guard let cause, let passage = open.first(where: { $0.last == cause }) else { continue }
                continued.append(passage + [arrival])
            }
            open = continued
        }
        return isForth ? open : open.map { $0.reversed() }
    }

    /// For each arrival the departure that caused it: the last one before it that has not caused another.
    private func cause(_ arrivals: [Int], _ departures: [Int], _ stretch: Int) -> [Int?] {
        if arrivals.count == departures.count { return departures }
        // A departure may seem to lie after its arrival by as much as the clocks are uncertain.
        let slack = offsets[stretch].uncertainty ?? .milliseconds(1)
        var free = departures
        return arrivals.map { arrival in
            guard let found = free.lastIndex(where: { instant($0) <= instant(arrival) + slack }) else { return nil }
            let cause = free[found]
            free.removeSubrange(...found)
            return cause
        }
    }
}
