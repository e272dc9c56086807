import Datagrams

package enum Comparison: String, Sendable, CaseIterable {
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "=="
    case notEqual = "!="

    /// To the nanosecond; shares as they are, unrounded.
    func holds(_ a: Measured, _ b: Measured) -> Bool {
        switch (a, b) {
        case (.length(let a), .length(let b)): holds(a, b)
        case (.percent(let a), .percent(let b)), (.number(let a), .number(let b)): holds(a, b)
        case (.length, _), (.percent, _), (.number, _): preconditionFailure("\(a) is compared with \(b)")
        }
    }

    private func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
        switch self {
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        case .equal: a == b
        case .notEqual: a != b
        }
    }
}

/// `rtt.p99<50ms`
package struct Condition: Sendable, Equatable {
    package var metric: Metric
    package var comparison: Comparison
    package var limit: Measured

    func holds(_ value: Measured) -> Bool { comparison.holds(value, limit) }
}

/// What a run has to keep to: it fails where this does not hold, and where the metric has no value.
package struct Threshold: Sendable, Equatable {
    /// As the user typed it.
    package let text: String
    package let condition: Condition

    package init(_ text: String) throws(ThresholdError) {
        var parser = ThresholdParser(text)
        condition = try parser.condition()
        try parser.end()
        self.text = text
    }

    package struct Result: Sendable, Equatable {
        package var threshold: Threshold
        package var value: Measurement
        package var passed: Bool

        /// `12.31 ms`, or why there is no value.
        package var reason: String {
            switch value {
            case .value(let value): value.text
            case .undefined(let reason): "undefined: \(reason)"
            }
        }
    }

    package func judge(_ value: Measurement) -> Result {
        switch value {
        case .value(let measured): Result(threshold: self, value: value, passed: condition.holds(measured))
        case .undefined: Result(threshold: self, value: value, passed: false)
        }
    }
}

/// The thresholds of a run, judged. Judge a merged run after the merge: percentiles of parts do not add up.
package struct ThresholdReport: Sendable, Equatable {
    package var results: [Threshold.Result]

    package init(_ thresholds: [Threshold], of summary: RunSummary, registrations: Registrations? = nil) {
        results = thresholds.map {
            $0.judge($0.condition.metric.value(in: summary, registrations: registrations))
        }
    }

    package var failures: Int { results.count { !$0.passed } }
    package var passed: Bool { failures == 0 }
}
