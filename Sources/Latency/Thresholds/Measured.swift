import Datagrams

/// A value of a metric, or a limit for it.
package enum Measured: Sendable, Equatable {
    case length(Nanoseconds)
    case percent(Double)
    /// A count, or a rate in calls per second.
    case number(Double)

    package enum Kind: Sendable { case length, percent, rate, count }

    /// In microseconds, per cent, or as it is: what `summary.json` says.
    package var number: Double {
        switch self {
        case .length(let length): Double(length.rawValue) / 1000
        case .percent(let percent): percent
        case .number(let number): number
        }
    }

    /// `12.31 ms`, `99.95 %`, `1200`.
    package var text: String {
        switch self {
        case .length(let length) where length.rawValue.magnitude >= 10_000_000_000:
            DecimalText.trimmed(length.seconds) + " s"
        case .length(let length): DecimalText.milliseconds(length) + " ms"
        case .percent(let percent): DecimalText.trimmed(percent, decimals: 4) + " %"
        case .number(let number): DecimalText.trimmed(number)
        }
    }
}

extension Measured.Kind {
    /// The `unit` in `summary.json`.
    package var unit: String {
        switch self {
        case .length: "us"
        case .percent: "%"
        case .rate: "calls/s"
        case .count: ""
        }
    }
}

/// What a metric came to.
package enum Measurement: Sendable, Equatable {
    case value(Measured)
    /// There is none, and why: "no call was established".
    case undefined(String)

    static func length(_ length: Nanoseconds?, else reason: String) -> Measurement {
        length.map { .value(.length($0)) } ?? .undefined(reason)
    }

    static func percent(_ percent: Double?, else reason: String) -> Measurement {
        percent.map { .value(.percent($0)) } ?? .undefined(reason)
    }

    static func count(_ count: UInt64) -> Measurement { .value(.number(Double(count))) }
}
