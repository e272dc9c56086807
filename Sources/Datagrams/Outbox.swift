/// One datagram to send. Its bytes are `Outbox.bytes.storage[start ..< start + count]`.
package struct Transmit: Sendable, BitwiseCopyable {
    package var start: Int
    package var count: Int
    package var destination: SocketAddress
    /// Index into the run's source addresses; 0 unless a source range was asked for.
    package var source: UInt16
    /// Nil: goes out without the call tag (responses, and calls of the untagged control group).
    package var tag: CallTag?
    /// The instant it leaves is used: the kernel is asked for it, where the run uses the kernel's clock.
    package var wantsStamp = false
    /// Given back to the engine with the instant of sending (`didSend`).
    package var receipt: Receipt
    /// When the schedule wanted it sent: the retransmission timer's instant, or for a call's first request its due time.
    package var due: MonotonicInstant

    /// Which transmission this was, in the engine's own terms. Opaque to everybody else.
    package struct Receipt: Sendable, BitwiseCopyable, Equatable {
        package var slot: UInt32
        package var generation: UInt32
        package var kind: UInt8
        package var index: UInt8

        package init(slot: UInt32, generation: UInt32, kind: UInt8, index: UInt8) {
            self.slot = slot
            self.generation = generation
            self.kind = kind
            self.index = index
        }
        package static let none = Receipt(slot: .max, generation: 0, kind: 0, index: 0)
    }

    package init(
        start: Int, count: Int, destination: SocketAddress, source: UInt16 = 0, tag: CallTag? = nil,
        receipt: Receipt = .none, due: MonotonicInstant = MonotonicInstant(nanoseconds: 0)
    ) {
        self.start = start
        self.count = count
        self.destination = destination
        self.source = source
        self.tag = tag
        self.receipt = receipt
        self.due = due
    }
}

/// What the engine wants on the wire, in order: filled by the engine, handed to the kernel in one batch, then emptied.
/// It keeps its memory, so that after warm-up nothing allocates.
package struct Outbox: Sendable {
    package var bytes: ByteBuffer
    package private(set) var datagrams: [Transmit] = []
    /// Of `gatherRuns`: kept, so that it allocates nothing.
    private var gathered: [Transmit] = []
    private var groups: [Int] = []
    private var runs: [Run] = []

    private struct Run: Sendable, BitwiseCopyable {
        /// Index of its first datagram; later, where its next one goes.
        var place: Int
        var count: Int
    }

    /// Past this many the engine stops and asks to be flushed: a batch stays short enough that the last datagram of it
    /// is not kept waiting (64 x 2.5 us).
    package static let flushThreshold = 64

    /// More than this comes only of ending thousands of calls at once.
    private static let gatheringLimit = 4 * flushThreshold

    package init() {
        bytes = ByteBuffer(capacity: 128 << 10)
        datagrams.reserveCapacity(Self.gatheringLimit)
    }

    package var isEmpty: Bool { datagrams.isEmpty }
    package var wantsFlush: Bool { datagrams.count >= Self.flushThreshold }

    package mutating func append(_ transmit: Transmit) {
        precondition(transmit.start + transmit.count <= bytes.count, "a datagram must lie inside the outbox")
        datagrams.append(transmit)
    }

    package mutating func removeAll() {
        bytes.removeAll()
        datagrams.removeAll(keepingCapacity: true)
    }
}

extension Outbox {
    /// Takes datagrams from `mark` on out again, as a lossy link would. Returns how many.
    package mutating func remove(from mark: Int, where isLost: (Transmit) -> Bool) -> Int {
        var kept = mark
        for i in mark..<datagrams.count where !isLost(datagrams[i]) {
            datagrams[kept] = datagrams[i]
            kept += 1
        }
        let lost = datagrams.count - kept
        datagrams.removeLast(lost)
        return lost
    }
}

extension Outbox {
    /// Puts datagrams of one size to one destination side by side, so that they can leave as segments of one message.
    ///
    /// None overtakes an earlier one of its call (`Receipt.slot`), and none of any call one that names no call.
    package mutating func gatherRuns() {
        guard datagrams.count > 2, datagrams.count <= Self.gatheringLimit else { return }
        findRuns()
        if runs.count == datagrams.count { return }
        var end = 0
        for r in runs.indices {
            runs[r].place = end
            end += runs[r].count
        }
        gathered.removeAll(keepingCapacity: true)
        gathered.append(contentsOf: datagrams)
        for i in datagrams.indices {
            let r = groups[i]
            gathered[runs[r].place] = datagrams[i]
            runs[r].place += 1
        }
        swap(&gathered, &datagrams)
    }

    /// Numbers the run of each datagram, in the order in which the runs are to leave.
    private mutating func findRuns() {
        runs.removeAll(keepingCapacity: true)
        groups.removeAll(keepingCapacity: true)
        var barrier = 0
        for i in datagrams.indices {
            let slot = datagrams[i].receipt.slot
            var earliest = barrier
            if slot == Transmit.Receipt.none.slot {
                earliest = max(runs.count - 1, 0)
            } else {
                var before = i - 1
                while before >= 0, datagrams[before].receipt.slot != slot { before -= 1 }
                if before >= 0 { earliest = max(earliest, groups[before]) }
            }
            let r = run(of: i, from: earliest)
            groups.append(r)
            if slot == Transmit.Receipt.none.slot { barrier = r }
        }
    }

    /// The run that datagram `i` joins, among those from `earliest` on; a new one where none fits.
    private mutating func run(of i: Int, from earliest: Int) -> Int {
        for r in earliest..<max(runs.count, earliest) {
            let head = datagrams[runs[r].place]
            if head.count == datagrams[i].count, head.destination == datagrams[i].destination {
                runs[r].count += 1
                return r
            }
        }
        runs.append(Run(place: i, count: 1))
        return runs.count - 1
    }
}
