import Datagrams
import Latency

/// Figures for sentences.
enum DecimalMicroseconds {
    /// One decimal below 100 us.
    static func text(_ length: Nanoseconds) -> String {
        DecimalText.fixed(length, unit: 1000, decimals: length.rawValue.magnitude < 99_950 ? 1 : 0)
    }

    /// Two machines' clocks may be days apart.
    static func textWithUnit(_ length: Nanoseconds) -> String {
        length.rawValue.magnitude < 1_000_000_000
            ? text(length) + " us" : DecimalText.fixed(length, unit: 1_000_000_000, decimals: 6) + " s"
    }

    static func partsPerMillion(_ drift: Double) -> String { DecimalText.fixed(drift * 1e6, decimals: 2) }
}
