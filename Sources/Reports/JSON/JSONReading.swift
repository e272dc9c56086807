import Datagrams

/// Reading a value back: nil where it is of another kind, so that a file from another version leaves a gap and no crash.
extension JSONValue {
    package subscript(_ key: String) -> JSONValue? {
        members?.first { $0.0 == key }?.1
    }

    package var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .count(let value): Double(value)
        case .number(let value, _): value
        case .microseconds(let length?): Double(length.rawValue) / 1e3
        case .seconds(let length?): Double(length.rawValue) / 1e9
        case .null, .bool, .string, .microseconds(nil), .seconds(nil), .array, .object: nil
        }
    }

    package var whole: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .count(let value): value
        case .number(let value, _): UInt64(exactly: value)
        case .null, .bool, .string, .microseconds, .seconds, .array, .object: nil
        }
    }

    package var items: [JSONValue]? {
        if case .array(let items) = self { items } else { nil }
    }

    package var members: [(String, JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }

    package var flag: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }
}
