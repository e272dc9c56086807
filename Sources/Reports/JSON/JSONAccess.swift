import Datagrams

/// Reading a value that was parsed: every step is nil where the file has something else than expected.
extension JSONValue {
    /// A member of an object.
    package subscript(_ name: String) -> JSONValue? { members?.first { $0.0 == name }?.1 }

    package var members: [(String, JSONValue)]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    package var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    package var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    package var flag: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// A whole number of 0 or more.
    package var whole: UInt64? {
        switch self {
        case .count(let value): value
        case .integer(let value): UInt64(exactly: value)
        case .number(let value, _): UInt64(exactly: value)
        case .null, .bool, .string, .microseconds, .seconds, .array, .object: nil
        }
    }

    package var double: Double? {
        switch self {
        case .count(let value): Double(value)
        case .integer(let value): Double(value)
        case .number(let value, _): value
        case .microseconds(let length): length.map { Double($0.rawValue) / 1e3 }
        case .seconds(let length): length.map { Double($0.rawValue) / 1e9 }
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
