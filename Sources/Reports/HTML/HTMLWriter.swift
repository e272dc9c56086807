import Datagrams

/// Writes HTML elements into a buffer. Markup can only be a `StaticString`, and every `String` is escaped: what comes
/// from outside (a scenario's name, a header's text) cannot become markup. What it writes is well-formed XML, too.
package struct HTMLWriter {
    package private(set) var bytes = ByteBuffer(capacity: 4 << 10)

    package init() {}

    package var count: Int { bytes.count }

    // MARK: Elements

    /// An element with other elements in it.
    package mutating func element(
        _ tag: StaticString, class name: StaticString? = nil, id: String? = nil, _ body: (inout HTMLWriter) -> Void
    ) {
        open(tag, class: name, id: id)
        body(&self)
        close(tag)
    }

    /// An element with nothing but text in it.
    package mutating func element(
        _ tag: StaticString, class name: StaticString? = nil, id: String? = nil, _ text: String
    ) {
        open(tag, class: name, id: id, isInline: true)
        self.text(text)
        raw("</")
        raw(tag)
        raw(">\n")
    }

    package mutating func paragraph(_ text: String, class name: StaticString? = nil) {
        element("p", class: name, text)
    }

    package mutating func list(_ items: [String], class name: StaticString? = nil) {
        if items.isEmpty { return }
        element("ul", class: name) { html in
            for item in items { html.element("li", item) }
        }
    }

    /// To a file beside the report, or to a place in it (`#verdict`): never to another host.
    package mutating func link(to path: String, _ text: String) {
        raw("<a href=\"")
        appendPath(path)
        raw("\">")
        self.text(text)
        raw("</a>")
    }

    /// What a reader opens to see; open from the start where `isOpen`.
    package mutating func details(_ summary: String, isOpen: Bool = false, _ body: (inout HTMLWriter) -> Void) {
        raw(isOpen ? "<details open=\"open\">\n" : "<details>\n")
        element("summary", summary)
        body(&self)
        raw("</details>\n")
    }

    /// Terms and what they are.
    package mutating func definitions(_ items: [(term: String, text: String)]) {
        if items.isEmpty { return }
        element("dl") { html in
            for item in items {
                html.element("dt", item.term)
                html.element("dd", item.text)
            }
        }
    }

    /// A picture of our own making, drawn in place.
    mutating func figure(_ svg: borrowing ByteBuffer, caption: String) {
        raw("<figure>\n")
        append(svg)
        caption.isEmpty ? () : element("figcaption", caption)
        raw("</figure>\n")
    }

    /// A picture out of a file: as an image, so that no script in it could run.
    package mutating func figure(imageOf svg: borrowing Span<UInt8>, alternative: String, caption: String) {
        raw("<figure>\n<img alt=\"")
        text(alternative)
        raw("\" src=\"data:image/svg+xml;base64,")
        bytes.append(Base64.encode(svg).span)
        raw("\"/>\n")
        if !caption.isEmpty { element("figcaption", caption) }
        raw("</figure>\n")
    }

    // MARK: Pieces

    package mutating func open(
        _ tag: StaticString, class name: StaticString? = nil, id: String? = nil, isInline: Bool = false
    ) {
        raw("<")
        raw(tag)
        if let id {
            raw(" id=\"")
            text(id)
            raw("\"")
        }
        if let name {
            raw(" class=\"")
            raw(name)
            raw("\"")
        }
        raw(isInline ? ">" : ">\n")
    }

    package mutating func close(_ tag: StaticString) {
        raw("</")
        raw(tag)
        raw(">\n")
    }

    package mutating func raw(_ markup: StaticString) { bytes.append(markup) }

    /// Of another writer, as it stands.
    package mutating func append(_ other: HTMLWriter) { append(other.bytes) }

    /// Of an SVG writer or another HTML writer, as it stands.
    mutating func append(_ markup: borrowing ByteBuffer) {
        bytes.append(markup.storage.span.extracting(0..<markup.count))
    }

    /// Escaped for text and for attributes. Controls that XML forbids are shown as U+FFFD.
    package mutating func text(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": raw("&amp;")
            case "<": raw("&lt;")
            case ">": raw("&gt;")
            case "\"": raw("&quot;")
            case "'": raw("&#39;")
            case "\n", "\t": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            // Of CR LF, the LF is shown.
            case "\r": break
            case "\u{FFFE}", "\u{FFFF}", "\u{7F}": raw("\u{FFFD}")
            default:
                if scalar.value < 0x20 || (0x80..<0xA0).contains(scalar.value) || Self.turnsText(scalar) {
                    raw("\u{FFFD}")
                } else {
                    bytes.append(text: String(scalar))
                }
            }
        }
    }

    /// Marks that make text run another way than its bytes do: a message could hide behind them.
    private static func turnsText(_ scalar: Unicode.Scalar) -> Bool {
        (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }

    /// Percent-encoded except for what a path or a fragment may hold, so that no scheme and no host can come of it.
    private mutating func appendPath(_ path: String) {
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "/"), UInt8(ascii: "#"):
                bytes.append(byte)
            default:
                raw("%")
                bytes.append(hex: UInt64(byte), width: 2)
            }
        }
    }
}
