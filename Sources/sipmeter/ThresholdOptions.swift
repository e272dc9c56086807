import ArgumentParser
import Datagrams
import Latency
import LoadRun
import Reports

/// What a result is held against, and who is told.
struct ThresholdOptions: ParsableArguments {
    @Option(
        name: .customLong("threshold"), parsing: .singleValue,
        help: ArgumentHelp(
            "A limit the result has to keep, as in 'rtt.p99<50ms' or 'ser>=99.9%'; exit code 2 where it does not. Several may be given; docs/thresholds.md names what can be asked.",
            valueName: "condition"),
        transform: Self.threshold)
    var thresholds: [Threshold] = []

    @Option(
        help: ArgumentHelp(
            "Write the thresholds and the verdict as JUnit XML to this file. (default: junit.xml among the run's files, where there is a threshold)",
            valueName: "file"), completion: .file())
    var junit: String?

    private static func threshold(_ text: String) throws -> Threshold {
        do throws(ThresholdError) { return try Threshold(text) } catch { throw ValidationError(error.description) }
    }

    /// Where `junit.xml` goes. Nil: nobody asked.
    func path(in directory: String, _ rules: [AbortRule] = []) -> String? {
        junit ?? (thresholds.isEmpty && rules.isEmpty ? nil : directory + "/junit.xml")
    }

    /// Of a command's levels; each has its rate for a name.
    func writeJUnit(
        _ command: String, _ outcomes: [LoadLevel.Outcome], to directory: String, _ session: Session
    ) throws(RunFailure) {
        let rules = outcomes.first?.summary.abortRules ?? []
        guard let path = path(in: directory, rules) else { return }
        let levels = outcomes.map { outcome in
            let failure = outcome.failure ?? session.unreachable(outcome)
            return JUnitFile.Level(
                name: "\(DecimalText.trimmed(outcome.summary.conditions.rate ?? 0)) calls/s", summary: outcome.summary,
                begun: RunDirectory.utc(outcome.begun), failure: failure?.description)
        }
        try Self.write("sipmeter \(command)", levels, to: path)
    }

    static func write(_ name: String, _ levels: [JUnitFile.Level], to path: String) throws(RunFailure) {
        var bytes = ByteBuffer(capacity: 1 << 12)
        JUnitFile.append(name, levels, to: &bytes)
        try OutputFile.create(path, holding: bytes)
    }
}

/// When to stop before the end.
struct AbortOptions: ParsableArguments {
    @Option(
        name: .customLong("abort-on"), parsing: .singleValue,
        help: ArgumentHelp(
            "Stop when this holds, as in 'rtt.p99>2s for 5s', judged once a second; open calls end as after ^C; exit code 4. Several may be given.",
            valueName: "condition"),
        transform: Self.rule)
    var rules: [AbortRule] = []

    private static func rule(_ text: String) throws -> AbortRule {
        do throws(ThresholdError) { return try AbortRule(text) } catch { throw ValidationError(error.description) }
    }

    /// A percentile takes more calls than a second has at this rate: the rule could never strike.
    func notices(rates: [Double]) -> [String] {
        guard let most = rates.max() else { return [] }
        return rules.compactMap { rule in
            guard case .time(let time, let statistic) = rule.condition.metric,
                Double(statistic.leastCount) > most
            else { return nil }
            return
                "--abort-on \"\(rule.text)\" will hardly strike: at \(DecimalText.trimmed(most)) calls/s a second has "
                + "fewer than the \(statistic.leastCount) calls that \(statistic.rawValue) takes; ask for "
                + "\(time.name).p50 or \(time.name).max"
        }
    }
}
