import Datagrams

/// What one worker has observed since it last handed a journal over: filled on the sending thread, read on the writing
/// thread. Whole journals change hands, so the two never wait for each other.
package struct Journal: Sendable {
    package var calls: [CallRecord] = []
    package var retransmissions: [RetransmissionRecord] = []
    package var responseTimes: [NamedResponseTime] = []
    /// What scenarios log, and commands they want run.
    package private(set) var notes: [ScenarioNote] = []
    package private(set) var noteText = ByteBuffer(capacity: 0)
    /// A command waits to be run: it is not to wait for the end of the second.
    package private(set) var isUrgent = false
    /// At most one: a journal is handed over at the end of each second.
    package var mark: IntervalMark?
    /// Only where somebody looks on.
    package var glance: Glance?
    /// With the mark, where they are wanted: totals since the run's start, one a step of the scenario.
    package var steps: [StepCount] = []
    /// With the mark, where somebody looks on: totals since the run's start.
    package var responses: [ResponseCount] = []
    /// Only where messages are wanted (`EngineConfiguration.keepsMessages`).
    package var unexpected: [UnexpectedMessage] = []
    package var unexpectedBytes = ByteBuffer(capacity: 0)
    package var messages = MessageLog()
    /// The first calls that failed, and their messages, in no order (`EngineConfiguration.keepsFailures`).
    package var failedCalls: [FailedCall] = []
    package private(set) var failedMessages: [FailedCallMessage] = []
    package private(set) var failedBytes = ByteBuffer(capacity: 0)

    package init() {
        calls.reserveCapacity(Self.callCapacity)
        retransmissions.reserveCapacity(Self.callCapacity)
    }

    /// A journal this full is handed over early.
    package static let callCapacity = 4096

    /// Text of notes that is kept until the end of a second; the journal is handed over early above it.
    package static let noteCapacity = 1 << 20
    /// A server that refuses everything must not fill the memory: beyond this, unexpected messages have no text.
    package static let unexpectedCapacity = 1 << 20

    package var isFull: Bool {
        calls.count >= Self.callCapacity || retransmissions.count >= Self.callCapacity
            || noteText.count >= Self.noteCapacity || messages.isFull
    }
    package var isEmpty: Bool {
        calls.isEmpty && retransmissions.isEmpty && responseTimes.isEmpty && notes.isEmpty && mark == nil
            && messages.entries.isEmpty && unexpected.isEmpty && failedCalls.isEmpty && failedMessages.isEmpty
    }

    package mutating func note(_ kind: ScenarioNote.Kind, call: UInt64, at instant: Nanoseconds, _ text: ByteBuffer) {
        let start = noteText.count
        noteText.append(text.storage.span.extracting(0..<text.count))
        notes.append(
            ScenarioNote(
                kind: kind, call: call, at: instant, textStart: UInt32(clamping: start),
                textCount: UInt32(clamping: text.count)))
        if kind == .command { isUrgent = true }
    }

    /// A message of a call that failed, `at` from the run's start. A peer may send it a thousand times: the first few tell.
    package mutating func keep(
        _ message: borrowing Span<UInt8>, of call: UInt64, at: Nanoseconds, isSent: Bool, isRebuilt: Bool = false
    ) {
        if failedBytes.count + message.count > Self.failedCapacity { return }
        failedMessages.append(
            FailedCallMessage(
                call: call, at: at, isSent: isSent, isRebuilt: isRebuilt, start: failedBytes.count,
                count: message.count))
        failedBytes.append(message)
    }

    private static let failedCapacity = 1 << 20

    package func text(of note: ScenarioNote) -> String {
        let start = Int(note.textStart)
        return String(decoding: noteText.storage[start..<start + Int(note.textCount)], as: UTF8.self)
    }

    package mutating func removeAll() {
        calls.removeAll(keepingCapacity: true)
        retransmissions.removeAll(keepingCapacity: true)
        responseTimes.removeAll(keepingCapacity: true)
        notes.removeAll(keepingCapacity: true)
        noteText.removeAll()
        isUrgent = false
        mark = nil
        glance = nil
        steps.removeAll(keepingCapacity: true)
        responses.removeAll(keepingCapacity: true)
        unexpected.removeAll(keepingCapacity: true)
        unexpectedBytes.removeAll()
        messages.removeAll()
        failedCalls.removeAll(keepingCapacity: true)
        failedMessages.removeAll(keepingCapacity: true)
        failedBytes.removeAll()
    }
}
