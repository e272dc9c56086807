import Datagrams
import Latency

extension String {
    /// Columns on a terminal. Every character sipmeter itself prints is one column wide.
    var columns: Int { unicodeScalars.count }

    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }

    func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }

    /// At most `width` columns; what is cut ends in `~`.
    func cut(to width: Int) -> String {
        columns <= width ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(width - 1))) + "~"
    }
}

/// Text broken between words, later lines indented.
func wrapped(_ text: String, first: String, rest: String, width: Int = SummaryText.width) -> [String] {
    var lines: [String] = []
    var line = first
    var isFresh = true
    for word in text.split(separator: " ") {
        if !isFresh, line.columns + 1 + word.unicodeScalars.count > width {
            lines.append(line)
            line = rest
            isFresh = true
        }
        line += (isFresh ? "" : " ") + word
        isFresh = false
    }
    lines.append(line)
    return lines
}

/// Latencies in milliseconds, one population a row, its count always beside it.
struct LatencyTable {
    static let labelWidth = 16
    static let columnWidth = 7

    static func header(_ title: String) -> String {
        var line = title.cut(to: labelWidth).padded(to: labelWidth)
        for name in ["min", "mean", "sd", "p50", "p90", "p99", "p99.9", "max"] {
            line += name.paddedLeft(to: columnWidth)
        }
        return line + "n".paddedLeft(to: columnWidth + 1)
    }

    /// `scale`: 1000 prints microseconds.
    static func row(_ label: String, _ figures: LatencyFigures, scale: Int64 = 1) -> String {
        var line = label.cut(to: labelWidth).padded(to: labelWidth)
        let values = [
            figures.min, figures.mean, figures.sd, figures.p50, figures.p90, figures.p99, figures.p999, figures.max,
        ]
        for value in values {
            line += (value.map { DecimalText.milliseconds($0 * scale) } ?? "n/a").paddedLeft(to: columnWidth)
        }
        return line + " " + shortened(figures.count, to: columnWidth).paddedLeft(to: columnWidth)
    }
}

/// A count in at most `width` (5 or more) columns: whole where it fits, else in thousands, millions, ...
func shortened(_ count: UInt64, to width: Int) -> String {
    var text = "\(count)"
    var rest = count
    for unit in ["k", "M", "G", "T", "P"] {
        if text.columns <= width { return text }
        rest /= 1000
        text = "\(rest)\(unit)"
    }
    return text
}
