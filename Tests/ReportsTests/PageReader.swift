import Datagrams
import Foundation
import FoundationXML

/// A page read back by a conforming XML parser: what it writes is XML as well as HTML.
final class PageReader: NSObject, XMLParserDelegate {
    var failure: String?
    /// Of everything but pictures and style, a line for each block of text, cells of a row apart by ` | `.
    private(set) var text = ""
    private(set) var elements: [String: Int] = [:]
    /// Values of `href` and `src`.
    private(set) var addresses: [String] = []
    private(set) var titledPictures = 0
    private var path: [String] = []

    init(_ page: ByteBuffer) {
        super.init()
        let parser = XMLParser(data: Data(page.storage[0..<page.count]))
        parser.shouldResolveExternalEntities = false
        parser.delegate = self
        if !parser.parse() { failure = failure ?? "not well formed" }
    }

    func parser(_: XMLParser, parseErrorOccurred error: any Error) { failure = "\(error)" }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        path.append(name)
        elements[name, default: 0] += 1
        addresses += [attributes["href"], attributes["src"]].compactMap { $0 }
        if name == "title", path.dropLast().last == "svg" { titledPictures += 1 }
        if ["tr", "p", "h1", "h2", "h3", "li", "dt", "caption", "summary", "figcaption", "pre", "footer"].contains(name)
        {
            text += "\n"
        }
        if name == "td" || name == "th", text.last != "\n" { text += " | " }
        if name == "dd" { text += ": " }
    }

    func parser(_: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
        path.removeLast()
    }

    func parser(_: XMLParser, foundCharacters found: String) {
        if path.contains("svg") || path.contains("style") { return }
        if path.contains("pre") {
            text += found
            return
        }
        let line = found.split(separator: "\n", omittingEmptySubsequences: true).joined(separator: "\n")
        if !line.isEmpty { text += line }
    }

    var lines: [String] { text.split(separator: "\n").map(String.init) }
}
