import Datagrams
import Observations

extension Metric {
    /// Whether one second of a run can answer it: an abort rule takes no other.
    package var isKnownEachSecond: Bool {
        switch self {
        case .time(.rtt, _), .time(.rttFromDue, _), .time(.late, _): true
        case .time: false
        case .share(.ira), .share(.rate), .share(.calls(.timeout)), .share(.cpuPeak): false
        case .share: true
        case .figure(.calls(.timeout)), .figure(.callsWithRetransmission), .figure(.offeredRate): false
        case .figure: true
        }
    }

    /// Of one second: of the calls that ended in it (`late`: that were sent), of what was counted in it.
    package func value(in row: IntervalRow) -> Measurement {
        switch self {
        case .time(.rtt, let statistic): statistic.value(in: row.rtt, of: .rtt)
        case .time(.rttFromDue, let statistic): statistic.value(in: row.rttFromDue, of: .rttFromDue)
        case .time(.late, let statistic): statistic.value(in: row.late, of: .late)
        case .time: .undefined(Self.notKnown)
        case .share(let share): share.value(in: row)
        case .figure(.achievedRate):
            row.length > .zero
                ? .value(.number(Double(row.counts.started) / row.length.seconds)) : .undefined("no time went by")
        case .figure(.open): .count(row.open)
        case .figure(let figure): figure.count(in: row.counts)
        }
    }

    fileprivate static let notKnown = "a second's row does not tell it"
}

extension Metric.Share {
    fileprivate func value(in row: IntervalRow) -> Measurement {
        func percent(_ ratio: Ratio) -> Measurement { .percent(ratio.percent, else: whatIsMissing) }
        return switch self {
        case .ser: percent(row.sessions.ser)
        case .seer: percent(row.sessions.seer)
        case .isa: percent(row.sessions.isa)
        case .scr: percent(row.sessions.scr)
        case .calls(.timeout), .ira, .rate, .cpuPeak: .undefined(Metric.notKnown)
        case .calls(let kind): percent(kind.ratio(row.counts, timeouts: 0))
        case .retransmissions:
            percent(Ratio(numerator: row.counts.requestsRetransmitted, denominator: row.counts.started))
        case .cpuMean: .percent(row.cpuPercent, else: whatIsMissing)
        }
    }
}
