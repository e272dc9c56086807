import Datagrams
import Observations

/// Registrations found in a capture (RFC 6076, 4.1 and 4.2). A run's own are its calls: `rtt` is their delay.
package struct Registrations: Sendable {
    package var rrd: LatencyFigures
    package var ira: Ratio

    package init(rrd: LatencyFigures, ira: Ratio) {
        self.rrd = rrd
        self.ira = ira
    }
}

extension Metric {
    /// Of a whole run.
    package func value(in summary: RunSummary, registrations: Registrations? = nil) -> Measurement {
        if summary.conditions.isCapture, isTheCallersOwn {
            return .undefined("a capture does not tell it, only the caller knows")
        }
        return switch self {
        case .time(.rrd, let statistic):
            registrations.map { statistic.value(in: $0.rrd, of: .rrd) } ?? .undefined(Self.noRegistrations)
        case .time(let time, let statistic):
            time.figures(in: summary).map { statistic.value(in: $0, of: time) }
                ?? .undefined(Self.noSuchTime(time, summary.named.map(\.name)))
        case .share(.ira): registrations.map { Self.percent(of: $0.ira, .ira) } ?? .undefined(Self.noRegistrations)
        case .share(let share): share.value(in: summary)
        case .figure(let figure): figure.value(in: summary)
        }
    }

    private static let noRegistrations = "registrations are told apart only in captures; a run's delay is rtt"

    private static func noSuchTime(_ time: ResponseTime, _ known: [String]) -> String {
        let list = known.isEmpty ? "" : ", only " + known.joined(separator: ", ")
        return "the scenario has no response time \(time.name.dropFirst(4))\(list)"
    }

    /// Of the schedule and of the sending thread.
    private var isTheCallersOwn: Bool {
        switch self {
        case .time(.rttFromDue, _), .time(.late, _), .share(.rate), .share(.cpuMean), .share(.cpuPeak),
            .share(.calls(.unsent)), .figure(.offered), .figure(.offeredRate), .figure(.calls(.unsent)),
            .figure(.drops):
            true
        case .time, .share, .figure: false
        }
    }

    fileprivate static func percent(of ratio: Ratio, _ share: Share) -> Measurement {
        .percent(ratio.percent, else: share.whatIsMissing)
    }
}

extension Metric.Statistic {
    func value(in figures: LatencyFigures, of time: Metric.ResponseTime) -> Measurement {
        let value: Nanoseconds?
        switch self {
        case .count: return .count(figures.count)
        case .min: value = figures.min
        case .mean: value = figures.mean
        case .sd: value = figures.sd
        case .p50: value = figures.p50
        case .p90: value = figures.p90
        case .p95: value = figures.p95
        case .p99: value = figures.p99
        case .p999: value = figures.p999
        case .max: value = figures.max
        }
        let n = figures.count
        return .length(
            value,
            else: n == 0
                ? time.whatIsMissing
                : "\(n) \(VerdictRules.plural(n, "value")) \(n == 1 ? "is" : "are") too few (\(leastCount))")
    }

    /// Below so many values it is undefined.
    package var leastCount: UInt64 {
        switch self {
        case .count: 0
        case .min, .mean, .max: 1
        case .sd: 2
        case .p50: 1
        case .p90: Percentile.p90.leastCount
        case .p95: Percentile.p95.leastCount
        case .p99: Percentile.p99.leastCount
        case .p999: Percentile.p999.leastCount
        }
    }
}

extension Metric.ResponseTime {
    /// Nil: the scenario has no response time of this name.
    fileprivate func figures(in summary: RunSummary) -> LatencyFigures? {
        switch self {
        case .rtt: summary.rtt
        case .rttFromDue: summary.rttFromDue
        case .rttWithoutRetransmission: summary.rttWithoutRetransmission
        case .trying: summary.trying
        case .ringing: summary.ringing
        case .answer: summary.answer
        case .bye: summary.bye
        case .late: summary.late
        case .srd: summary.srd
        case .srdFailed: summary.srdFailed
        case .sdd: summary.sdd
        case .sddFailed: summary.sddFailed
        case .sdt: summary.sdt
        case .rrd: nil
        case .named(let name): summary.named.first { $0.name == name }?.figures
        }
    }
}

extension Metric.Share {
    fileprivate func value(in summary: RunSummary) -> Measurement {
        let (sessions, counters) = (summary.sessions, summary.counters)
        return switch self {
        case .ser: Metric.percent(of: sessions.ser, self)
        case .seer: Metric.percent(of: sessions.seer, self)
        case .isa: Metric.percent(of: sessions.isa, self)
        case .scr: Metric.percent(of: sessions.scr, self)
        case .ira: .undefined(whatIsMissing)
        case .calls(let kind):
            Metric.percent(of: kind.ratio(counters, timeouts: summary.count(of: .timeout)), self)
        case .retransmissions:
            Metric.percent(of: Ratio(numerator: counters.requestsRetransmitted, denominator: counters.started), self)
        case .rate: .percent(Self.achieved(summary), else: "no rate was asked for")
        case .cpuMean: .percent(summary.load.meanPercent, else: whatIsMissing)
        case .cpuPeak: .percent(summary.load.peakPercent, else: whatIsMissing)
        }
    }

    private static func achieved(_ summary: RunSummary) -> Double? {
        guard let asked = summary.conditions.rate, asked > 0, let achieved = summary.achievedRate else { return nil }
        return 100 * achieved / asked
    }

    var whatIsMissing: String {
        switch self {
        case .ser, .seer, .isa: "no INVITE had a result"
        case .scr: "no session ended"
        case .ira: "no registration was tried"
        case .calls(.unsent): "no call fell due"
        case .calls: "no call ended"
        case .retransmissions: "no call was started"
        case .rate: "no rate was asked for"
        case .cpuMean, .cpuPeak: "the run was too short to tell"
        }
    }
}

extension Metric.CallKind {
    func ratio(_ counters: Counters, timeouts: UInt64) -> Ratio {
        let ended = counters.ok + counters.failed
        return switch self {
        case .ok: Ratio(numerator: counters.ok, denominator: ended)
        case .failed: Ratio(numerator: counters.failed, denominator: ended)
        case .timeout: Ratio(numerator: timeouts, denominator: ended)
        case .unsent: Ratio(numerator: counters.unsent, denominator: counters.offered)
        }
    }
}

extension Metric.Figure {
    fileprivate func value(in summary: RunSummary) -> Measurement {
        switch self {
        case .calls(.timeout): .count(summary.count(of: .timeout))
        case .offeredRate:
            summary.conditions.rate.map { .value(.number($0)) } ?? .undefined("no rate was asked for")
        case .achievedRate:
            summary.achievedRate.map { .value(.number($0)) } ?? .undefined("no call was started")
        case .callsWithRetransmission: .count(summary.callsWithRetransmission)
        case .open: .undefined("open calls are known second by second: it is for --abort-on")
        case .offered, .started, .answered, .calls, .requestsSentAgain, .responsesSentAgain, .drops, .counter:
            count(in: summary.counters)
        }
    }

    /// Of those that are plain counters.
    func count(in counters: Counters) -> Measurement {
        switch self {
        case .offered: .count(counters.offered)
        case .started: .count(counters.started)
        case .answered: .count(counters.answered)
        case .calls(.ok): .count(counters.ok)
        case .calls(.failed): .count(counters.failed)
        case .calls(.unsent): .count(counters.unsent)
        case .requestsSentAgain: .count(counters.requestsRetransmitted)
        case .responsesSentAgain: .count(counters.responsesRetransmitted)
        case .drops: .count(counters.receiveQueueDrops)
        case .counter(let name):
            Counters.list.first { $0.name == name }.map { .count(counters[keyPath: $0.path]) }
                ?? .undefined("there is no such counter")
        case .calls(.timeout), .offeredRate, .achievedRate, .callsWithRetransmission, .open:
            .undefined("it is no counter")
        }
    }
}
