import Datagrams

/// Deadlines of all calls: one first-in-first-out queue per duration, and a heap for what does not fit one.
///
/// SIP uses about ten distinct durations, so entries of one duration fall due in the order they were made: pushing and
/// popping cost the same with ten calls open as with a hundred thousand. Nothing is ever removed: an entry whose stamp is no
/// longer the current one is skipped when it falls due.
package struct TimerQueue: Sendable {
    package struct Entry: Sendable, BitwiseCopyable {
        package var deadline: MonotonicInstant
        package var call: UInt32
        /// Of the call's place in the table: the place may be another call's by now.
        package var generation: UInt32
        package var stamp: UInt32
        package var kind: Kind

        package enum Kind: Sendable, BitwiseCopyable, Equatable {
            case transaction(UInt8)
            /// The scenario's pause or receive timeout.
            case scenario
        }

        package init(deadline: MonotonicInstant, call: UInt32, generation: UInt32, stamp: UInt32, kind: Kind) {
            self.deadline = deadline
            self.call = call
            self.generation = generation
            self.stamp = stamp
            self.kind = kind
        }
    }

    private var queues: [Queue] = []
    private var heap: [Entry] = []
    package private(set) var earliest = MonotonicInstant.distantFuture
    private var earliestQueue = Self.heapIndex

    /// Beyond this many distinct durations entries go to the heap: looking at every head costs a comparison each.
    private static let queueLimit = 24
    private static let heapIndex = -1

    package init() {}

    /// - Parameter duration: the nominal length, which chooses the queue.
    package mutating func schedule(_ entry: Entry, duration: Nanoseconds) {
        let chosen = queue(for: duration)
        if let chosen, queues[chosen].append(entry) {
            if entry.deadline < earliest {
                earliest = entry.deadline
                earliestQueue = chosen
            }
        } else {
            push(entry)
            if entry.deadline < earliest {
                earliest = entry.deadline
                earliestQueue = Self.heapIndex
            }
        }
    }

    /// What falls due next, whether it still counts or not.
    package var first: Entry? {
        earliestQueue == Self.heapIndex ? heap.first : queues[earliestQueue].first
    }

    package mutating func popDue(at now: MonotonicInstant) -> Entry? {
        guard earliest <= now else { return nil }
        return removeFirst()
    }

    /// There must be one.
    package mutating func removeFirst() -> Entry {
        let entry = earliestQueue == Self.heapIndex ? popHeap() : queues[earliestQueue].removeFirst()
        findEarliest()
        return entry
    }

    private mutating func findEarliest() {
        earliest = heap.first?.deadline ?? .distantFuture
        earliestQueue = Self.heapIndex
        for i in queues.indices where queues[i].headDeadline < earliest {
            earliest = queues[i].headDeadline
            earliestQueue = i
        }
    }

    private mutating func queue(for duration: Nanoseconds) -> Int? {
        for i in queues.indices where queues[i].duration == duration { return i }
        guard queues.count < Self.queueLimit else { return nil }
        queues.append(Queue(duration: duration))
        return queues.count - 1
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].deadline <= heap[child].deadline { break }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func popHeap() -> Entry {
        heap.swapAt(0, heap.count - 1)
        let entry = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)..<(2 * parent + 3) where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            if least == parent { return entry }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// A ring of entries in the order of their deadlines.
    private struct Queue: Sendable {
        let duration: Nanoseconds
        private var ring: Ring<Entry>
        private(set) var headDeadline = MonotonicInstant.distantFuture

        init(duration: Nanoseconds) {
            self.duration = duration
            ring = Ring(minimumCapacity: 64)
        }

        /// False where the entry would break the order: after a stall a deadline may precede the last one's.
        mutating func append(_ entry: Entry) -> Bool {
            if let last = ring.last, entry.deadline < last.deadline { return false }
            ring.append(entry)
            if ring.count == 1 { headDeadline = entry.deadline }
            return true
        }

        var first: Entry? { ring.first }

        mutating func removeFirst() -> Entry {
            let entry = ring.removeFirst()
            headDeadline = ring.first?.deadline ?? .distantFuture
            return entry
        }
    }
}
