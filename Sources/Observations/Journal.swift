import Datagrams

/// What one worker has observed since it last handed a journal over: filled on the sending thread, read on the writing
/// thread. Whole journals change hands, so the two never wait for each other.
package struct Journal: Sendable {
    package var calls: [CallRecord] = []
    package var retransmissions: [RetransmissionRecord] = []
    package var responseTimes: [NamedResponseTime] = []
    /// At most one: a journal is handed over at the end of each second.
    package var mark: IntervalMark?
    /// With the mark, where they are wanted: totals since the run's start, one a step of the scenario.
    package var steps: [StepCount] = []
    /// Only where messages are wanted (`EngineConfiguration.keepsMessages`).
    package var unexpected: [UnexpectedMessage] = []
    package var unexpectedBytes = ByteBuffer(capacity: 0)
    package var messages = MessageLog()

    package init() {
        calls.reserveCapacity(Self.callCapacity)
        retransmissions.reserveCapacity(Self.callCapacity)
    }

    /// A journal this full is handed over early.
    package static let callCapacity = 4096

    /// A server that refuses everything must not fill the memory: beyond this, unexpected messages have no text.
    package static let unexpectedCapacity = 1 << 20

    package var isFull: Bool {
        calls.count >= Self.callCapacity || retransmissions.count >= Self.callCapacity || messages.isFull
    }
    package var isEmpty: Bool {
        calls.isEmpty && retransmissions.isEmpty && responseTimes.isEmpty && mark == nil && messages.entries.isEmpty
            && unexpected.isEmpty
    }

    package mutating func removeAll() {
        calls.removeAll(keepingCapacity: true)
        retransmissions.removeAll(keepingCapacity: true)
        responseTimes.removeAll(keepingCapacity: true)
        mark = nil
        steps.removeAll(keepingCapacity: true)
        unexpected.removeAll(keepingCapacity: true)
        unexpectedBytes.removeAll()
        messages.removeAll()
    }
}
