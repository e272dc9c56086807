import Datagrams
import Latency

/// Messages between two sides, one below the other: a scenario's plan, or what a call really sent and received.
package struct LadderPlot: Sendable {
    package enum Kind: Sendable, Equatable {
        case sent
        case received(isOptional: Bool)
        /// A pause, a step without a message.
        case note
        case label
        /// What went wrong.
        case failure
    }

    package struct Rung: Sendable {
        package var kind: Kind
        package var text: String
        /// To the left of it: when.
        package var time: String
        /// To the right of it.
        package var remark: String

        package init(_ kind: Kind, _ text: String, time: String = "", remark: String = "") {
            self.kind = kind
            self.text = text
            self.time = time
            self.remark = remark
        }
    }

    package var title: String
    package var own: String
    package var peer: String
    package var rungs: [Rung]

    package init(title: String, own: String, peer: String, rungs: [Rung]) {
        self.title = title
        self.own = own
        self.peer = peer
        self.rungs = rungs
    }

    /// More than these are not drawn, and it is said how many.
    package static let mostRungs = 60

    func svg() -> ByteBuffer {
        let shown = rungs.prefix(Self.mostRungs)
        let hasTimes = shown.contains { !$0.time.isEmpty }
        let left = hasTimes ? 150.0 : 90.0
        let right = left + 330
        let top = 58.0
        let leftOut = rungs.count - shown.count
        let bottom = top + Double(shown.count) * Self.rungHeight + (leftOut > 0 ? Self.rungHeight : 0) + 4
        let room = Self.width - right - 18
        var svg = SVGWriter()
        svg.open(
            width: Self.width, height: bottom + 14, title: title,
            description: shown.map(Self.sentence).joined(separator: "; "))
        svg.text(own.cut(to: 150), x: left, y: 24, style: .init(size: 13, anchor: .middle, isBold: true))
        svg.text(peer.cut(to: 200), x: right, y: 24, style: .init(size: 13, anchor: .middle, isBold: true))
        for x in [left, right] { svg.line(x1: x, y1: 34, x2: x, y2: bottom, stroke: "#999", width: 1.5) }
        for (place, rung) in shown.enumerated() {
            let y = top + Double(place) * Self.rungHeight
            draw(rung, y: y, left: left, right: right, to: &svg)
            svg.text(rung.time, x: left - 10, y: y + 4, style: .init(anchor: .end, fill: Ink.frame))
            svg.text(rung.remark.cut(to: room), x: right + 14, y: y + 4, style: .init(fill: Ink.frame))
        }
        if leftOut > 0 {
            svg.text(
                "and \(leftOut) more", x: (left + right) / 2, y: bottom - 8, style: .init(anchor: .middle))
        }
        svg.close()
        return svg.bytes
    }

    private static func sentence(_ rung: Rung) -> String {
        let time = rung.time.isEmpty ? "" : rung.time + " "
        switch rung.kind {
        case .sent: return time + "sent " + rung.text
        case .received: return time + "received " + rung.text
        case .note, .label, .failure: return time + rung.text
        }
    }

    private func draw(_ rung: Rung, y: Double, left: Double, right: Double, to svg: inout SVGWriter) {
        let middle = (left + right) / 2
        let text = rung.text.cut(to: right - left - 40)
        switch rung.kind {
        case .sent:
            arrow(from: left, to: right, y: y, stroke: Ink.ok, dashes: nil, to: &svg)
            svg.text(text, x: middle, y: y - 5, style: .init(anchor: .middle, fill: Ink.ok))
        case .received(let isOptional):
            arrow(from: right, to: left, y: y, stroke: Self.answer, dashes: isOptional ? "5 4" : nil, to: &svg)
            svg.text(text, x: middle, y: y - 5, style: .init(anchor: .middle, fill: Self.answer))
        case .note:
            svg.rectangle(x: left + 30, y: y - 12, width: right - left - 60, height: 20, fill: "#F0F0F0")
            svg.text(text, x: middle, y: y + 2, style: .init(anchor: .middle))
        case .label:
            svg.line(x1: left, y1: y, x2: right, y2: y, stroke: "#CCC")
            svg.text(text, x: middle, y: y - 4, style: .init(anchor: .middle, fill: Ink.frame))
        case .failure:
            svg.rectangle(x: left + 16, y: y - 12, width: right - left - 32, height: 20, fill: "#FBE9E7")
            svg.text(text, x: middle, y: y + 2, style: .init(anchor: .middle, isBold: true, fill: "#A8231A"))
        }
    }

    private func arrow(
        from: Double, to: Double, y: Double, stroke: StaticString, dashes: StaticString?, to svg: inout SVGWriter
    ) {
        let back = to > from ? to - 9 : to + 9
        svg.line(x1: from, y1: y, x2: back, y2: y, stroke: stroke, width: 1.5, dashes: dashes)
        var head = ByteBuffer(capacity: 64)
        head.append("M", to, y)
        head.append("L", back, y - 4)
        head.append("V", y + 4)
        head.append(UInt8(ascii: "z"))
        svg.path(head, fill: stroke, name: "head")
    }

    private static let answer: StaticString = "#B3541E"
    static let width = 960.0
    static let rungHeight = 30.0
}

extension String {
    fileprivate func cut(to room: Double) -> String { Lettering.cut(self, to: room) }
}
