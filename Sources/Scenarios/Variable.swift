/// A variable of a scenario: its scope and its place among those of that scope.
package struct Variable: Hashable, Sendable, BitwiseCopyable {
    package enum Scope: UInt8, Sendable, BitwiseCopyable {
        /// One for each call.
        case call
        /// One for each user (`--users`).
        case user
        /// One for the run.
        case global
    }

    package var scope: Scope
    package var index: UInt16

    /// Of each scope.
    package static let limit = 4096
}

/// The names of a scenario's variables. A name that is not declared is a call's.
package struct VariableNames: Sendable {
    /// Index is `Variable.index`.
    package private(set) var call: [String] = []
    package private(set) var user: [String] = []
    package private(set) var global: [String] = []
    private var known: [String: Variable] = [:]

    init() {}

    package subscript(name: String) -> Variable? { known[name] }

    /// Where all places are taken, the last one stands for all further names; the reader has said so.
    mutating func declare(_ name: String, _ scope: Variable.Scope) -> Variable {
        if let variable = known[name] { return variable }
        let variable: Variable
        switch scope {
        case .call: variable = Self.append(name, to: &call, scope)
        case .user: variable = Self.append(name, to: &user, scope)
        case .global: variable = Self.append(name, to: &global, scope)
        }
        known[name] = variable
        return variable
    }

    private static func append(_ name: String, to names: inout [String], _ scope: Variable.Scope) -> Variable {
        if names.count < Variable.limit { names.append(name) }
        return Variable(scope: scope, index: UInt16(names.count - 1))
    }

    var isFull: Bool { max(call.count, user.count, global.count) >= Variable.limit }
}

/// A number an action computes with.
package enum Operand: Sendable, BitwiseCopyable, Equatable {
    case constant(Double)
    case variable(Variable)
}
