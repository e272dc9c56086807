/// What follows a keyword's name in its brackets: `file="users.csv" line=3`.
package struct KeywordParameters: Sendable {
    package private(set) var values: [(name: String, value: PlacedText)] = []

    package subscript(name: String) -> PlacedText? { values.first { $0.name == name }?.value }

    init(_ text: PlacedText?) {
        guard let text else { return }
        let bytes = text.bytes
        var at = 0
        while at < bytes.count {
            if bytes[at].isBlankOrLineEnd {
                at += 1
                continue
            }
            let start = at
            while at < bytes.count, bytes[at] != UInt8(ascii: "="), !bytes[at].isBlankOrLineEnd { at += 1 }
            let name = text[start..<at].string
            guard at < bytes.count, bytes[at] == UInt8(ascii: "=") else {
                values.append((name, PlacedText(start: text.place(start))))
                continue
            }
            at += 1
            let value: Range<Int>
            if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
                let end = bytes[(at + 1)...].firstIndex(of: UInt8(ascii: "\"")) ?? bytes.count
                value = at + 1..<end
                at = end + 1
            } else {
                let end = bytes[at...].firstIndex { $0.isBlankOrLineEnd } ?? bytes.count
                value = at..<end
                at = end
            }
            values.append((name, value.isEmpty ? PlacedText(start: text.place(start)) : text[value]))
        }
    }
}
