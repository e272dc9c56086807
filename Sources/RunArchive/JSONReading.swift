import Reports

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONValue {
    /// Parses RFC 8259 text. Members come in the order of their names: the order in the file is lost.
    /// - Throws: what the parser says, without the place.
    package init(parsing text: some Collection<UInt8>) throws {
        self = try JSONDecoder().decode(Parsed.self, from: Data(text)).value
    }
}

private struct Parsed: Decodable {
    var value: JSONValue

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Name.self) {
            let names = object.allKeys.sorted { $0.stringValue < $1.stringValue }
            value = .object(try names.map { ($0.stringValue, try object.decode(Parsed.self, forKey: $0).value) })
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var items: [JSONValue] = []
            while !list.isAtEnd { items.append(try list.decode(Parsed.self).value) }
            value = .array(items)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            value = .null
        } else if let flag = try? single.decode(Bool.self) {
            value = .bool(flag)
        } else if let count = try? single.decode(UInt64.self) {
            value = .count(count)
        } else if let whole = try? single.decode(Int64.self) {
            value = .integer(whole)
        } else if let number = try? single.decode(Double.self) {
            value = .number(number, decimals: 9)
        } else {
            value = .string(try single.decode(String.self))
        }
    }
}
