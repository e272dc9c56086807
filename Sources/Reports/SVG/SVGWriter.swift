import Datagrams

/// Writes SVG elements into a buffer. It knows nothing of what they mean; text is always escaped.
struct SVGWriter {
    var bytes = ByteBuffer(capacity: 64 << 10)

    enum Anchor { case start, middle, end }

    struct TextStyle {
        var size = 12.0
        var anchor = Anchor.start
        var isBold = false
        var fill: StaticString = Ink.text
        /// A white rim, for labels that may lie on points.
        var hasHalo = false
        var rotation: Double?
    }

    /// `title` is what a screen reader and a tooltip say; `description` what can be read off the picture.
    mutating func open(width: Double, height: Double, title: String, description: String = "") {
        raw("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"")
        number(width)
        raw("\" height=\"")
        number(height)
        raw("\" viewBox=\"0 0 ")
        number(width)
        raw(" ")
        number(height)
        raw("\" role=\"img\" font-family=\"")
        raw(Ink.fonts)
        raw("\">\n<title>")
        escaped(title)
        raw("</title>\n")
        if !description.isEmpty {
            raw("<desc>")
            escaped(description)
            raw("</desc>\n")
        }
        rectangle(x: 0, y: 0, width: width, height: height, fill: "#fff")
    }

    mutating func close() { raw("</svg>\n") }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: StaticString) {
        raw("<rect")
        attribute("x", x)
        attribute("y", y)
        attribute("width", width)
        attribute("height", height)
        attribute("fill", fill)
        raw("/>\n")
    }

    mutating func line(
        x1: Double, y1: Double, x2: Double, y2: Double, stroke: StaticString, width: Double = 1,
        dashes: StaticString? = nil
    ) {
        raw("<line")
        attribute("x1", x1)
        attribute("y1", y1)
        attribute("x2", x2)
        attribute("y2", y2)
        attribute("stroke", stroke)
        attribute("stroke-width", width)
        if let dashes { attribute("stroke-dasharray", dashes) }
        raw("/>\n")
    }

    mutating func circle(x: Double, y: Double, radius: Double, stroke: StaticString, fill: StaticString = "none") {
        raw("<circle")
        attribute("cx", x)
        attribute("cy", y)
        attribute("r", radius)
        attribute("fill", fill)
        attribute("stroke", stroke)
        attribute("stroke-width", 1.5)
        raw("/>\n")
    }

    mutating func text(_ text: String, x: Double, y: Double, style: TextStyle = TextStyle()) {
        raw("<text")
        attribute("x", x)
        attribute("y", y)
        attribute("font-size", style.size)
        attribute("fill", style.fill)
        switch style.anchor {
        case .start: break
        case .middle: attribute("text-anchor", "middle")
        case .end: attribute("text-anchor", "end")
        }
        if style.isBold { attribute("font-weight", "bold") }
        if style.hasHalo { raw(" stroke=\"#fff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\"") }
        if let rotation = style.rotation {
            raw(" transform=\"rotate(")
            number(rotation)
            raw(" ")
            number(x)
            raw(" ")
            number(y)
            raw(")\"")
        }
        raw(">")
        escaped(text)
        raw("</text>\n")
    }

    /// `data` is path syntax.
    mutating func path(
        _ data: borrowing ByteBuffer, stroke: StaticString = "none", width: Double = 1, fill: StaticString = "none",
        hasRoundEnds: Bool = false, dashes: StaticString? = nil, name: StaticString
    ) {
        if data.count == 0 { return }
        raw("<path")
        attribute("class", name)
        attribute("fill", fill)
        attribute("stroke", stroke)
        attribute("stroke-width", width)
        if hasRoundEnds { attribute("stroke-linecap", "round") }
        if let dashes { attribute("stroke-dasharray", dashes) }
        raw(" d=\"")
        bytes.append(data.storage.span.extracting(0..<data.count))
        raw("\"/>\n")
    }

    // MARK: Pieces

    mutating func raw(_ text: StaticString) { bytes.append(text) }

    mutating func attribute(_ name: StaticString, _ value: Double) {
        open(name)
        number(value)
        raw("\"")
    }

    mutating func attribute(_ name: StaticString, _ value: StaticString) {
        open(name)
        raw(value)
        raw("\"")
    }

    private mutating func open(_ name: StaticString) {
        raw(" ")
        raw(name)
        raw("=\"")
    }

    private mutating func number(_ value: Double) { bytes.append(coordinate: value) }

    /// XML 1.0: also drops the control characters that no escape makes legal.
    private mutating func escaped(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": raw("&amp;")
            case "<": raw("&lt;")
            case ">": raw("&gt;")
            case "\"": raw("&quot;")
            case "\u{FFFE}", "\u{FFFF}": break
            default: if scalar.value >= 0x20 { bytes.append(text: String(scalar)) }
            }
        }
    }
}

extension ByteBuffer {
    /// One decimal at most: a tenth of a pixel is finer than any print of it.
    mutating func append(coordinate value: Double) {
        let tenths = Int64((value * 10).rounded())
        if tenths < 0 { append(UInt8(ascii: "-")) }
        let (whole, tenth) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
        append(decimal: whole)
        if tenth != 0 {
            append(UInt8(ascii: "."))
            append(48 + UInt8(truncatingIfNeeded: tenth))
        }
    }

    mutating func append(_ command: Unicode.Scalar, _ x: Double, _ y: Double) {
        append(UInt8(ascii: command))
        append(coordinate: x)
        append(UInt8(ascii: " "))
        append(coordinate: y)
    }

    mutating func append(_ command: Unicode.Scalar, _ value: Double) {
        append(UInt8(ascii: command))
        append(coordinate: value)
    }
}

/// Colours of Okabe and Ito's palette, told apart by every kind of colour vision; in black and white the marks' shapes
/// tell them apart.
enum Ink {
    static let ok: StaticString = "#0072B2"
    static let retransmitted: StaticString = "#D55E00"
    static let failed: StaticString = "#000"
    static let unsent: StaticString = "#777"
    static let limit: StaticString = "#A0446F"
    static let frame: StaticString = "#555"
    static let grid: StaticString = "#E4E4E4"
    static let text: StaticString = "#222"
    static let fonts: StaticString =
        "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',Arial,sans-serif"
}
