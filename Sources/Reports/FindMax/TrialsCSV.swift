import Datagrams
import Latency
import MaximumSearch

// MARK: trials.csv

extension CSV {
    /// `decision` is a sentence, `next_rate_cps` empty where the search ended; `outcome` is the decision in a word, for
    /// programs, and `doubt` what the generator did to the trial: `load`, `timing`, or nothing. `srd` is the time to the
    /// final response where the scenario has no session.
    package static func appendTrialsHeader(to buffer: inout ByteBuffer) {
        buffer.append(
            """
            trial,phase,rate_cps,n,established,failed,fail_ratio,srd_p50_us,srd_p99_us,retrans_ratio,lag_p99_us,verdict,\
            decision,next_rate_cps,resent,outcome,doubt,took_s

            """)
    }

    package static func appendTrialsRow(_ row: SearchReport.Row, to buffer: inout ByteBuffer) {
        let (trial, result) = (row.trial, row.result)
        buffer.append(decimal: UInt64(trial.number))
        buffer.appendComma()
        buffer.append(text: trial.phase.rawValue)
        buffer.appendComma()
        buffer.append(text: RateText.text(trial.rate))
        for count in [result.attempts, result.established, result.failed] {
            buffer.appendComma()
            buffer.append(decimal: count)
        }
        buffer.appendComma()
        buffer.append(text: ratio(result.failed, result.attempts))
        buffer.appendComma()
        buffer.append(microseconds: result.responseP50)
        buffer.appendComma()
        buffer.append(microseconds: result.responseP99)
        buffer.appendComma()
        buffer.append(text: ratio(result.resent, result.attempts))
        buffer.appendComma()
        buffer.append(microseconds: result.lateP99)
        buffer.appendComma()
        buffer.append(text: result.generator.text)
        buffer.appendComma()
        buffer.append(field: row.decision.sentence)
        buffer.appendComma()
        if let next = row.decision.nextRate { buffer.append(text: RateText.text(next)) }
        buffer.appendComma()
        buffer.append(decimal: result.resent)
        buffer.appendComma()
        buffer.append(text: row.decision.kind.rawValue)
        buffer.appendComma()
        if let doubt = result.doubt { buffer.append(text: doubt.name) }
        buffer.appendComma()
        buffer.append(seconds: result.took)
        buffer.endRow()
    }

    /// Nothing of nothing is undefined.
    private static func ratio(_ count: UInt64, _ of: UInt64) -> String {
        of == 0 ? "" : DecimalText.trimmed(Double(count) / Double(of), decimals: 6)
    }
}
