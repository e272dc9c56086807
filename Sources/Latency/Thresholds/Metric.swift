import Datagrams
import Observations

/// What a threshold or an abort rule can ask for, by the name users type. A test holds the list against what the
/// documentation names.
package enum Metric: Hashable, Sendable {
    /// `rtt.p99`
    case time(ResponseTime, Statistic)
    /// In per cent: `ser`, `calls.failed.ratio`.
    case share(Share)
    /// `calls.failed`, `rate.achieved`, `drops`
    case figure(Figure)

    /// Of one latency. Only a call that reached the point concerned is in it.
    package enum ResponseTime: Hashable, Sendable {
        case rtt, rttFromDue, rttWithoutRetransmission, trying, ringing, answer, bye, late
        case srd, srdFailed, sdd, sddFailed, sdt, rrd
        /// One that the scenario itself names (`start_rtd`, `rtd`).
        case named(String)
    }

    package enum Statistic: String, Hashable, Sendable, CaseIterable {
        case min, mean, sd, p50, p90, p95, p99, p999, max, count
    }

    package enum Share: Hashable, Sendable {
        case ser, seer, isa, scr, ira
        /// Of the calls that ended; of `unsent`, of those that fell due.
        case calls(CallKind)
        /// Requests sent again for each call started.
        case retransmissions
        /// The rate achieved of the rate asked for.
        case rate
        /// Of one CPU, averaged over the sending threads, or in their busiest second.
        case cpuMean, cpuPeak
    }

    package enum CallKind: String, Hashable, Sendable, CaseIterable { case ok, failed, timeout, unsent }

    package enum Figure: Hashable, Sendable {
        /// Calls by the schedule, placed, and so on.
        case offered, started, answered
        case calls(CallKind)
        /// Calls per second: asked for, and started.
        case offeredRate, achievedRate
        case requestsSentAgain, responsesSentAgain, callsWithRetransmission
        /// Datagrams the kernel dropped from our full receive queue.
        case drops
        /// Calls open at a second's end.
        case open
        /// One of `Counters.list`.
        case counter(String)
    }

    // MARK: names

    /// What its limit is given in.
    package var kind: Measured.Kind {
        switch self {
        case .time(_, .count): .count
        case .time: .length
        case .share: .percent
        case .figure(.offeredRate), .figure(.achievedRate): .rate
        case .figure: .count
        }
    }

    package var name: String {
        switch self {
        case .time(let time, let statistic): "\(time.name).\(statistic.rawValue)"
        case .share(let share): share.name
        case .figure(let figure): figure.name
        }
    }

    /// Every name there is, but for the scenario's own response times and the counters.
    package static let all: [Metric] =
        ResponseTime.listed.flatMap { time in Statistic.allCases.map { .time(time, $0) } }
        + Share.listed.map { .share($0) } + Figure.listed.map { .figure($0) }
}

extension Metric.ResponseTime {
    static let listed: [Self] = [
        .rtt, .rttFromDue, .rttWithoutRetransmission, .trying, .ringing, .answer, .bye, .late, .srd, .srdFailed, .sdd,
        .sddFailed, .sdt, .rrd,
    ]

    package var name: String {
        switch self {
        case .rtt: "rtt"
        case .rttFromDue: "rtt_from_due"
        case .rttWithoutRetransmission: "rtt_never_resent"
        case .trying: "trying"
        case .ringing: "ringing"
        case .answer: "answer"
        case .bye: "bye"
        case .late: "late"
        case .srd: "srd"
        case .srdFailed: "srd_failed"
        case .sdd: "sdd"
        case .sddFailed: "sdd_failed"
        case .sdt: "sdt"
        case .rrd: "rrd"
        case .named(let name): "rtd." + name
        }
    }

    /// Why there is no value of it.
    var whatIsMissing: String {
        switch self {
        case .rtt, .rttFromDue, .rttWithoutRetransmission: "no call ended well"
        case .trying: "no 100 came"
        case .ringing: "no provisional response but 100 came"
        case .answer: "no call was answered"
        case .bye: "no BYE was answered"
        case .late: "no call was started"
        case .srd: "no call was established"
        case .srdFailed: "no session attempt failed"
        case .sdd, .sdt: "no call was established and ended"
        case .sddFailed: "no BYE failed"
        case .rrd: "no registration was seen to succeed"
        case .named(let name): "no call stopped the response time \(name)"
        }
    }
}

extension Metric.Share {
    static let listed: [Self] =
        [.ser, .seer, .isa, .scr, .ira] + Metric.CallKind.allCases.map { .calls($0) }
        + [.retransmissions, .rate, .cpuMean, .cpuPeak]

    package var name: String {
        switch self {
        case .ser: "ser"
        case .seer: "seer"
        case .isa: "isa"
        case .scr: "scr"
        case .ira: "ira"
        case .calls(let kind): "calls.\(kind.rawValue).ratio"
        case .retransmissions: "retrans.ratio"
        case .rate: "rate.ratio"
        case .cpuMean: "cpu.mean"
        case .cpuPeak: "cpu.peak"
        }
    }
}

extension Metric.Figure {
    static let listed: [Self] =
        [.offered, .started, .answered] + Metric.CallKind.allCases.map { .calls($0) }
        + [
            .offeredRate, .achievedRate, .requestsSentAgain, .responsesSentAgain, .callsWithRetransmission, .drops,
            .open,
        ]

    package var name: String {
        switch self {
        case .offered: "calls.offered"
        case .started: "calls.started"
        case .answered: "calls.answered"
        case .calls(let kind): "calls.\(kind.rawValue)"
        case .offeredRate: "rate.offered"
        case .achievedRate: "rate.achieved"
        case .requestsSentAgain: "retrans.requests"
        case .responsesSentAgain: "retrans.responses"
        case .callsWithRetransmission: "retrans.calls"
        case .drops: "drops"
        case .open: "open"
        case .counter(let name): "counters.\(name)"
        }
    }
}
