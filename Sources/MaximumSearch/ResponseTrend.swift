import Datagrams

/// Whether response times grow from a trial's beginning to its end.
///
/// A server that is offered 1 % more than it can do loses nothing at first: it falls 10 ms behind in every second, and the
/// first call fails half an hour later. Its response times say so at once. The trial's calls are cut into eight parts in
/// the order they fell due, and the parts' medians compared in pairs: Kendall's count says whether they rise (a sawtooth,
/// a warm-up or one bad moment do not make eight medians rise), Theil and Sen's slope how fast.
package struct ResponseTrend: Sendable, Equatable {
    static let parts = 8
    /// A median of fewer calls is a call.
    static let leastCallsAPart = 3
    /// Pairs that rise less pairs that fall, of 28: by chance 22 or more come about in 3 of 1,000 trials.
    static let certainScore = 22

    /// By how many seconds response times grow in each second. Of a call that waits once, it is the share of the rate that the
    /// server falls behind by; where a call's requests all wait in the queue, so many times that.
    package var slope: Double
    package var score: Int

    package init(slope: Double, score: Int) {
        self.slope = slope
        self.score = score
    }

    package var isCertain: Bool { score >= Self.certainScore }

    /// Response times over when their calls were due.
    package struct Sample: Sendable, BitwiseCopyable {
        package var due: Nanoseconds
        package var response: Nanoseconds

        package init(due: Nanoseconds, response: Nanoseconds) {
            self.due = due
            self.response = response
        }
    }

    /// Nil: too few to tell.
    package init?(_ samples: [Sample]) {
        guard samples.count >= Self.parts * Self.leastCallsAPart else { return nil }
        let ordered = samples.sorted { $0.due < $1.due }
        var medians: [(due: Double, response: Double)] = []
        for part in 0..<Self.parts {
            let from = ordered.count * part / Self.parts
            let to = ordered.count * (part + 1) / Self.parts
            let responses = ordered[from..<to].map(\.response).sorted()
            medians.append((ordered[(from + to) / 2].due.seconds, responses[responses.count / 2].seconds))
        }
        var slopes: [Double] = []
        score = 0
        for later in 1..<Self.parts {
            for earlier in 0..<later {
                let rise = medians[later].response - medians[earlier].response
                score += rise > 0 ? 1 : rise < 0 ? -1 : 0
                let time = medians[later].due - medians[earlier].due
                if time > 0 { slopes.append(rise / time) }
            }
        }
        guard !slopes.isEmpty else { return nil }
        slopes.sort()
        slope = slopes[slopes.count / 2]
    }
}
