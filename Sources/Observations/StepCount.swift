import Datagrams

/// What happened at one step of the scenario, over all calls.
package struct StepCount: Sendable, BitwiseCopyable, Equatable {
    /// Messages sent, or received, the first copies only; for a pause, calls that came to it.
    package var passed: UInt64 = 0
    /// Further copies of the message, sent or received.
    package var repeats: UInt64 = 0
    /// Its retransmissions, or the wait for it, ran out.
    package var timeouts: UInt64 = 0
    /// Messages that did not belong there while a call stood on it.
    package var unexpected: UInt64 = 0

    package init() {}
}

/// A message a call had no place for, and where the call stood. Its bytes stand in `Journal.unexpectedBytes`, unless that
/// was full.
package struct UnexpectedMessage: Sendable, BitwiseCopyable {
    package var call: UInt64
    package var callID: CallIDText
    package var step: UInt16
    /// Of a response; 0: it was a request.
    package var status: UInt16
    /// From the run's start.
    package var at: Nanoseconds
    package var start: Int
    package var count: Int

    package init(
        call: UInt64, callID: CallIDText, step: UInt16, status: UInt16, at: Nanoseconds, start: Int, count: Int
    ) {
        self.call = call
        self.callID = callID
        self.step = step
        self.status = status
        self.at = at
        self.start = start
        self.count = count
    }
}

/// Whole datagrams as they went and came, one after another, where a run is asked to keep them.
package struct MessageLog: Sendable {
    package enum Direction: UInt8, Sendable, BitwiseCopyable { case sent, received }

    package struct Entry: Sendable, BitwiseCopyable {
        package var direction: Direction
        package var at: WallInstant
        package var start: Int
        package var count: Int

        package init(direction: Direction, at: WallInstant, start: Int, count: Int) {
            self.direction = direction
            self.at = at
            self.start = start
            self.count = count
        }
    }

    package private(set) var entries: [Entry] = []
    package private(set) var bytes = ByteBuffer(capacity: 0)

    package init() {}

    package mutating func append(_ direction: Direction, _ message: borrowing Span<UInt8>, at: WallInstant) {
        entries.append(Entry(direction: direction, at: at, start: bytes.count, count: message.count))
        bytes.append(message)
    }

    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll()
    }

    /// Handed over early then, as a journal full of calls is.
    static let capacity = 1 << 20

    package var isFull: Bool { bytes.count >= Self.capacity }
}
