import Datagrams

/// One of the first calls that failed, whose messages are kept.
package struct FailedCall: Sendable, BitwiseCopyable {
    package var call: UInt64
    package var callID: CallIDText
    package var outcome: CallOutcome
    /// The instruction of the scenario it stood on.
    package var step: UInt16
    /// From the run's start.
    package var failed: Nanoseconds
    package var sent: Nanoseconds?
    /// Its first messages were no longer kept when it failed.
    package var isCut: Bool

    package init(
        call: UInt64, callID: CallIDText, outcome: CallOutcome, step: UInt16, failed: Nanoseconds, sent: Nanoseconds?,
        isCut: Bool
    ) {
        self.call = call
        self.callID = callID
        self.outcome = outcome
        self.step = step
        self.failed = failed
        self.sent = sent
        self.isCut = isCut
    }
}

/// A message of a failed call. Its bytes stand in `Journal.failedBytes`.
package struct FailedCallMessage: Sendable, BitwiseCopyable {
    package var call: UInt64
    /// From the run's start.
    package var at: Nanoseconds
    package var isSent: Bool
    /// Made again from what is kept for retransmissions.
    package var isRebuilt: Bool
    package var start: Int
    package var count: Int

    package init(call: UInt64, at: Nanoseconds, isSent: Bool, isRebuilt: Bool, start: Int, count: Int) {
        self.call = call
        self.at = at
        self.isSent = isSent
        self.isRebuilt = isRebuilt
        self.start = start
        self.count = count
    }
}
