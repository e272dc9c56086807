import Datagrams
import Latency

/// `thresholds` and `stopped_by` of `summary.json`.
enum ThresholdFile {
    static func members(of summary: RunSummary) -> [(String, JSONValue)] {
        [
            ("thresholds", .array(summary.thresholds?.results.map(json) ?? [])),
            ("stopped_by", summary.strike.map(json) ?? .null),
        ]
    }

    private static func json(_ result: Threshold.Result) -> JSONValue {
        let condition = result.threshold.condition
        var value = JSONValue.null
        if case .value(let measured) = result.value { value = number(measured) }
        return .object([
            ("threshold", .string(result.threshold.text)),
            ("metric", .string(condition.metric.name)),
            ("operator", .string(condition.comparison.rawValue)),
            ("limit", number(condition.limit)),
            ("value", value),
            ("unit", .string(condition.metric.kind.unit)),
            ("passed", .bool(result.passed)),
            ("reason", .string(result.reason)),
        ])
    }

    private static func json(_ strike: AbortWatch.Strike) -> JSONValue {
        .object([
            ("rule", .string(strike.rule.text)),
            ("metric", .string(strike.rule.condition.metric.name)),
            ("at_s", .seconds(strike.at)),
            ("value", number(strike.value)),
            ("unit", .string(strike.rule.condition.metric.kind.unit)),
            ("reason", .string(strike.sentence)),
        ])
    }

    private static func number(_ measured: Measured) -> JSONValue {
        switch measured {
        case .length(let length): .microseconds(length)
        case .percent(let percent): .number(percent, decimals: 6)
        case .number(let number): .number(number, decimals: 6)
        }
    }
}
