/// What one worker has observed since it last handed a journal over: filled on the sending thread, read on the writing
/// thread. Whole journals change hands, so the two never wait for each other.
package struct Journal: Sendable {
    package var calls: [CallRecord] = []
    package var retransmissions: [RetransmissionRecord] = []
    package var responseTimes: [NamedResponseTime] = []
    /// At most one: a journal is handed over at the end of each second.
    package var mark: IntervalMark?

    package init() {
        calls.reserveCapacity(Self.callCapacity)
        retransmissions.reserveCapacity(Self.callCapacity)
    }

    /// A journal this full is handed over early.
    package static let callCapacity = 4096

    package var isFull: Bool { calls.count >= Self.callCapacity || retransmissions.count >= Self.callCapacity }
    package var isEmpty: Bool {
        calls.isEmpty && retransmissions.isEmpty && responseTimes.isEmpty && mark == nil
    }

    package mutating func removeAll() {
        calls.removeAll(keepingCapacity: true)
        retransmissions.removeAll(keepingCapacity: true)
        responseTimes.removeAll(keepingCapacity: true)
        mark = nil
    }
}
