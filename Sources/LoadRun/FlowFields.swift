import Reports
import Scenarios

/// The scenario's flow in a manifest, so that a run's page can draw its ladder without the scenario's file: no message,
/// and with it no secret of one, is in it.
enum FlowFields {
    /// A longer scenario is cut here: nobody reads a ladder of hundreds of rungs.
    private static let mostSteps = 200

    static func json(_ scenario: Scenario, name: String) -> JSONValue {
        let ladder = Ladder(scenario, name: name)
        return .object([
            ("title", .string(ladder.title)), ("own", .string(ladder.own)), ("peer", .string(ladder.peer)),
            ("steps", .array(ladder.rungs.prefix(mostSteps).map(json))),
        ])
    }

    private static func json(_ rung: Ladder.Rung) -> JSONValue {
        .object([
            ("kind", .string(name(rung.kind))), ("text", .string(rung.text)), ("remark", .string(rung.remark)),
        ])
    }

    private static func name(_ kind: Ladder.Kind) -> String {
        switch kind {
        case .sent: "send"
        case .received(isOptional: false): "receive"
        case .received(isOptional: true): "receive_optional"
        case .note: "pause"
        case .label: "label"
        }
    }
}
