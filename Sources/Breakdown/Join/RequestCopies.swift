import Datagrams

/// The copies of one request on one host: the first, and those sent again.
///
/// Events come in the order of time. A packet passes bridges and veth pairs with several events of the same point; it is one
/// copy as long as it is the same packet, or soon enough after.
struct RequestCopies {
    struct Copy {
        var times = PointTimes()
        var receiver: UInt32 = 0
        /// Place of its `socketEnqueue` among the host's events.
        var enqueue: Int?
        var isDropped = false
        /// What the application read was no request.
        var isResponse = false

        fileprivate var packet: UInt64 = 0
        fileprivate var furthest = -1
        fileprivate var last = MonotonicInstant(nanoseconds: 0)
        /// The last transmit, until a driver took the packet: what only looked like its way does not count.
        fileprivate var transmit: MonotonicInstant?

        fileprivate var isOpen: Bool { !isDropped && furthest < ProbePoint.applicationReceive.place }
        var isReceived: Bool { times.has(.applicationReceive) }
    }

    private(set) var copies: [Copy] = []

    mutating func add(_ event: TraceEvent, place: Int) {
        if event.point == .receiveDrop {
            drop(event)
            return
        }
        let copy = find(event) ?? start()
        write(event, place, to: copy)
    }

    /// Takes out what was no request after all, and settles what is left.
    mutating func finish() {
        copies.removeAll { $0.isResponse }
        for i in copies.indices {
            if let transmit = copies[i].transmit, !copies[i].times.has(.driverReceive) {
                copies[i].times[.tapTransmit] = transmit
            }
        }
    }

    // MARK: which copy

    private func find(_ event: TraceEvent) -> Int? {
        if event.point == .socketEnqueue, let latest = copies.last, latest.isReceived,
            !latest.times.has(.socketEnqueue), event.at - latest.last <= SocketQueue.longestLead
        {
            return copies.count - 1
        }
        let recent = copies.suffix(Self.mostOpen)
        if event.packet != 0, let same = recent.lastIndex(where: { $0.isOpen && $0.packet == event.packet }) {
            if copies[same].furthest < ProbePoint.socketEnqueue.place || event.point == .applicationReceive {
                return same
            }
        }
        // Of those that may come here next the furthest, and of these the first.
        var best: Int?
        for i in recent.indices where copies[i].isOpen && copies[i].furthest < event.point.place {
            if best.map({ copies[i].furthest > copies[$0].furthest }) ?? true { best = i }
        }
        if let best { return best }
        guard let latest = copies.indices.last, copies[latest].isOpen,
            copies[latest].furthest < ProbePoint.socketEnqueue.place,
            event.at - copies[latest].last < Self.longestForwarding
        else { return nil }
        return latest
    }

    private mutating func start() -> Int {
        copies.append(Copy())
        return copies.count - 1
    }

    private mutating func write(_ event: TraceEvent, _ place: Int, to i: Int) {
        if event.packet != 0 { copies[i].packet = event.packet }
        copies[i].last = event.at
        copies[i].furthest = max(copies[i].furthest, event.point.place)
        if event.point == .tapTransmit {
            copies[i].transmit = event.at
            if copies[i].times.has(.driverReceive) { return }
        }
        if event.point == .driverReceive, let transmit = copies[i].transmit {
            copies[i].times[.tapTransmit] = transmit
        }
        copies[i].times[event.point] = event.at
        copies[i].times.setInferred(event.point, event.flags.contains(.inferred))
        if event.point == .socketEnqueue {
            copies[i].enqueue = place
            copies[i].isDropped = event.flags.contains(.dropped)
        } else if event.point == .applicationReceive {
            copies[i].receiver = event.thread
            copies[i].isResponse = event.flags.contains(.isResponse)
        }
    }

    private mutating func drop(_ event: TraceEvent) {
        let recent = copies.suffix(Self.mostOpen)
        let same = recent.lastIndex { event.packet != 0 && $0.packet == event.packet && !$0.isReceived }
        guard let found = same ?? recent.lastIndex(where: { $0.isOpen }) else {
            copies.append(Copy())
            copies[copies.count - 1].isDropped = true
            return
        }
        copies[found].isDropped = true
    }

    /// A packet is forwarded from one device to the next within this; a request is sent again later (T1 is 500 ms).
    private static let longestForwarding = Nanoseconds.milliseconds(50)
    /// Copies of one request on their way at once; RFC 3261 sends eleven in all.
    private static let mostOpen = 32
}
