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
    package internal(set) var variables = VariableNames()
    /// Steps of `<init>`: carried out once, before the first call.
    package internal(set) var initialSteps: [Step] = []
    /// Messages that stand in for those the engine makes itself.
    package internal(set) var defaultMessages: [DefaultMessage: MessageText] = [:]
    /// What actions and conditions refer to by index.
    package internal(set) var texts: [MessageText] = []
    package internal(set) var patterns: [any Pattern] = []
    package internal(set) var assignments: [Variable] = []
    /// Header names of `ereg` and methods that are not known by name, as plain bytes.
    package internal(set) var headerNames: [[UInt8]] = []
    package internal(set) var distributions: [Distribution] = []
    /// Injection files that actions name.
    package internal(set) var actionFiles: [Placed<String>] = []
    package internal(set) var counters: [String] = []
    package internal(set) var transactions: [String] = []
    /// Where it runs a shell command.
    package internal(set) var commandPlaces: [Int] = []
    /// Media files it names, each once.
    package internal(set) var mediaFiles: [Placed<String>] = []
    package internal(set) var warnings: [ScenarioWarning] = []

    init(source: SourceText) { self.source = source }

    /// Some step logs, warns or runs a command.
    package var hasNotes: Bool {
        (steps + initialSteps).contains {
            $0.actions.contains {
                switch $0 {
                case .note, .command, .toNumber, .compute(.divide, _, _): true
                case .match, .compute, .assignText, .rewrite, .test, .compareText, .timeOfDay, .stepIndex, .jump,
                    .restorePause, .sample, .lookup, .insertLine, .replaceLine, .verifyCredentials, .interrupt, .media:
                    false
                }
            }
        } || texts.contains { $0.showsCredentials } || steps.contains { $0.showsCredentials }
    }

    /// A warning found out later, as it is to be shown.
    package func warning(_ message: String, at place: Int) -> String {
        ScenarioFinding(.warning, message, at: place, in: source).description
    }

    /// Names of the files that `[file name=…]` shows, each once.
    package var shownFiles: [String] {
        var names: [String] = []
        for text in texts + steps.compactMap(\.text) {
            for use in text.keywords where use.keyword == .named(.file) {
                guard let name = use["name"]?.constant.map({ String(decoding: $0, as: UTF8.self) }) else { continue }
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }

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
        package internal(set) var actions: [Action] = []
        /// `next` only where this is set.
        package internal(set) var test: Variable?
        /// `next` only with this probability.
        package internal(set) var chance = 1.0
        /// The step is left out where this is unset; with `conditionIsInverse` where it is set.
        package internal(set) var condition: Variable?
        package internal(set) var conditionIsInverse = false
        package internal(set) var repeatsResponseTimes = false
        /// Index into `counters`.
        package internal(set) var counter: UInt16?
        /// Share of the messages that are lost, 0...1.
        package internal(set) var loss = 0.0
        /// `start_txn`, `response_txn`, `ack_txn`: index into `transactions`.
        package internal(set) var startsTransaction: UInt16?
        package internal(set) var respondsTo: UInt16?
        package internal(set) var acknowledges: UInt16?
        package internal(set) var keepsChallenge = false
        package internal(set) var advancesState = true

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
        /// As written: `200`, `INVITE`, or an expression.
        package let text: String
    }
}

/// `<DefaultMessage id="…">`.
package enum DefaultMessage: String, CaseIterable, Hashable, Sendable {
    case thirdPartyAbort = "3pcc_abort"
    case ack, ack2, bye, cancel
    case ok = "200"
}

extension Scenario.Step {
    /// What a send sends.
    package var text: MessageText? { if case .send(let send) = kind { send.text } else { nil } }

    fileprivate var showsCredentials: Bool { text?.showsCredentials ?? false }
}

extension MessageText {
    fileprivate var showsCredentials: Bool {
        keywords.contains {
            switch $0.keyword {
            case .named(.authentication), .field: true
            case .named, .lastHeader, .variable, .mediaSecurity, .key: false
            }
        }
    }
}
