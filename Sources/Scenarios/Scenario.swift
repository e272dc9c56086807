import Datagrams

/// A scenario file that has been read and checked: its steps in order, with typed attributes and their places.
///
/// What depends on the run (addresses, `-key` values) is still open; `compile` settles it.
package struct Scenario: Sendable {
    package let source: SourceText
    /// `<scenario name="…">`, empty without.
    package internal(set) var title = ""
    package internal(set) var role = Program.Role.client
    package internal(set) var steps: [Step] = []
    /// Upper borders in milliseconds, ascending; empty where the file has none.
    package internal(set) var responseTimeBorders: [Int] = []
    package internal(set) var callLengthBorders: [Int] = []
    /// `<Reference variables="…">`: variables that may stand unused.
    package internal(set) var references: [String] = []
    package internal(set) var warnings: [ScenarioWarning] = []

    init(source: SourceText) { self.source = source }

    /// A value that may turn out wrong later, with its place in the file.
    package struct Placed<Value: Sendable>: Sendable {
        package let value: Value
        package let place: Int
    }

    package struct Step: Sendable {
        package enum Kind: Sendable {
            case send(Send)
            case receive(Receive)
            case pause(Instruction.Pause)
            case timewait(Instruction.Pause)
            case nop
            case label(String)
        }

        package let kind: Kind
        /// Of the element, in the file.
        package let place: Int
        package internal(set) var next: Placed<String>?
        package internal(set) var onTimeout: Placed<String>?
        package internal(set) var startsResponseTime: Placed<String>?
        package internal(set) var stopsResponseTime: Placed<String>?
        /// The children of `<action>`, none of which runs yet.
        package internal(set) var actions: [ScenarioXML.Element] = []

        init(kind: Kind, place: Int) {
            self.kind = kind
            self.place = place
        }
    }

    package struct Send: Sendable {
        package enum Kind: Sendable, Hashable {
            case request(method: String)
            case response(status: UInt16)
        }

        package let kind: Kind
        package let text: MessageText
        package let retransmission: Nanoseconds?
    }

    package struct Receive: Sendable {
        package let match: Instruction.Receive.Match
        package let presence: Instruction.Receive.Presence
        package let timeout: Nanoseconds?
        package let recordsRouteSet: Bool
    }
}
