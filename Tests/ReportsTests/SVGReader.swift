import Datagrams
import Foundation
import FoundationXML

/// What a picture holds, read back by a conforming XML parser.
final class SVGReader: NSObject, XMLParserDelegate {
    var failure: String?
    var paths: [String: [String]] = [:]
    var circles: [(x: Double, y: Double)] = []
    var texts: [(x: Double, y: Double, anchor: String, size: Double, text: String)] = []
    /// Of each of `texts`.
    var areTurned: [Bool] = []
    var rectangles: [(x: Double, y: Double, width: Double, height: Double, fill: String)] = []
    var fills: [String: [String]] = [:]
    var size = (width: 0.0, height: 0.0)
    private var isText = false

    init(_ svg: ByteBuffer) {
        super.init()
        let parser = XMLParser(data: Data(svg.storage[0..<svg.count]))
        parser.delegate = self
        if !parser.parse() { failure = failure ?? "not well formed" }
    }

    func parser(_: XMLParser, parseErrorOccurred error: any Error) { failure = "\(error)" }

    func parser(
        _: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        func number(_ name: String) -> Double { Double(attributes[name] ?? "") ?? .nan }
        isText = name == "text"
        switch name {
        case "svg": size = (number("width"), number("height"))
        case "rect":
            rectangles.append(
                (number("x"), number("y"), number("width"), number("height"), attributes["fill"] ?? ""))
        case "path":
            paths[attributes["class"] ?? "", default: []].append(attributes["d"] ?? "")
            fills[attributes["class"] ?? "", default: []].append(attributes["fill"] ?? "")
        case "circle": circles.append((number("cx"), number("cy")))
        case "text":
            texts.append((number("x"), number("y"), attributes["text-anchor"] ?? "start", number("font-size"), ""))
            areTurned.append(attributes["transform"] != nil)
        default: break
        }
    }

    func parser(_: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
        isText = false
    }

    func parser(_: XMLParser, foundCharacters text: String) {
        if isText { texts[texts.count - 1].text += text }
    }

    /// Every point covered by strokes `Mx yvLENGTH`, at whole pixels of the column.
    func columns(of name: String) -> [Double: [ClosedRange<Double>]] {
        var result: [Double: [ClosedRange<Double>]] = [:]
        for stroke in (paths[name] ?? []).joined().split(separator: "M") {
            let parts = stroke.split(whereSeparator: { $0 == " " || $0 == "v" }).map { Double($0)! }
            result[parts[0], default: []].append(parts[1]...(parts[1] + parts[2]))
        }
        return result
    }
}
