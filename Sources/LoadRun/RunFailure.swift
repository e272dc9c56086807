import Scenarios

/// The process's exit codes.
package enum ExitCode: Int32, Sendable, CaseIterable {
    case ok = 0
    case thresholdFailed = 2
    case generatorWasTheBottleneck = 3
    case aborted = 4
    case usage = 64
    case badScenario = 65
    case unreachable = 69
    case cannotWrite = 74
    case missingPrivilege = 77
    case interrupted = 130
}

/// Why a run could not be made or finished: one sentence for the user, and the code to exit with.
package struct RunFailure: Error, Sendable, CustomStringConvertible {
    package let code: ExitCode
    package let description: String
    /// The line for standard error.
    package let complaint: String
    /// Another program has the local port.
    package var isAddressInUse = false

    package init(_ code: ExitCode, _ description: String, isAddressInUse: Bool = false) {
        self.code = code
        self.description = description
        self.isAddressInUse = isAddressInUse
        complaint = "error: \(description)"
    }

    /// A scenario's error already says `file:line:column: error:`.
    package init(_ error: ScenarioError) {
        code = .badScenario
        description = error.description
        complaint = error.description
    }
}
