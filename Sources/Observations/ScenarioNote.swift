import Datagrams

/// Something a scenario wants said or done outside of its calls. Its text stands in `Journal.noteText`.
package struct ScenarioNote: Sendable, BitwiseCopyable {
    package enum Kind: UInt8, Sendable, BitwiseCopyable {
        case log, warning
        /// Ends the run.
        case error
        /// A shell command to start and not to wait for; only there where the run permits it.
        case command
    }

    package var kind: Kind
    package var call: UInt64
    /// From the run's start.
    package var at: Nanoseconds
    package var textStart: UInt32
    package var textCount: UInt32

    package init(kind: Kind, call: UInt64, at: Nanoseconds, textStart: UInt32, textCount: UInt32) {
        self.kind = kind
        self.call = call
        self.at = at
        self.textStart = textStart
        self.textCount = textCount
    }
}
