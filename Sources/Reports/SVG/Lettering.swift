/// How wide text is, before anything draws it: by DejaVu Sans, the widest of the fonts a picture may be shown in, so that
/// what fits by this never overlaps.
enum Lettering {
    /// In pixels.
    static func width(_ text: String, size: Double = 12, isBold: Bool = false) -> Double {
        text.unicodeScalars.reduce(0) { $0 + advance($1) } * size * (isBold ? 1.12 : 1)
    }

    /// At most `room` pixels; what is cut ends in an ellipsis. Empty where not even that fits.
    static func cut(_ text: String, to room: Double, size: Double = 12, isBold: Bool = false)
        -> String
    {
        if width(text, size: size, isBold: isBold) <= room { return text }
        var scalars = Array(text.unicodeScalars)
        while !scalars.isEmpty {
            scalars.removeLast()
            let shorter = String(String.UnicodeScalarView(scalars)) + "…"
            if width(shorter, size: size, isBold: isBold) <= room { return shorter }
        }
        return ""
    }

    /// Of one em.
    private static func advance(_ scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "j", "l", "'", "|": 0.3
        case " ", ".", ",", ":", ";", "I", "!", "/", "\\": 0.35
        case "f", "t", "r", "-", "(", ")", "[", "]": 0.42
        case "m", "M", "W", "%", "@", "…": 1.0
        case "w", "G", "O", "Q", "D", "H", "N", "+", "=", "<", ">", "~", "_": 0.84
        case "A"..."Z": 0.72
        default: scalar.value < 0x2E80 ? 0.64 : 1.05
        }
    }
}

/// Squares of colour with what they stand for, side by side in as many lines as they need.
struct Legend {
    struct Item {
        var fill: StaticString
        var text: String
    }

    static let lineHeight = 19.0

    private var lines: [[(x: Double, item: Item)]] = []

    init(_ items: [Item], width: Double) {
        var x = width
        for item in items {
            let own = 16 + Lettering.width(item.text)
            if x + own > width {
                lines.append([])
                x = 0
            }
            lines[lines.count - 1].append((x, item))
            x += own + 18
        }
    }

    var height: Double { Double(lines.count) * Self.lineHeight }

    /// `y`: the base of its first line.
    func draw(x: Double, y: Double, to svg: inout SVGWriter) {
        for (i, line) in lines.enumerated() {
            let y = y + Double(i) * Self.lineHeight
            for (place, item) in line {
                svg.rectangle(x: x + place, y: y - 10, width: 11, height: 11, fill: item.fill)
                svg.text(item.text, x: x + place + 16, y: y)
            }
        }
    }
}
