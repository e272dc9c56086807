import Datagrams

/// The events of one host in the order of time, each with the key of its request as far as one can be found.
///
/// A point without a key has it from its packet, where an earlier point knew that packet; else from the order of the
/// socket's queue, and then it is marked.
struct ResolvedLog {
    private(set) var events: [TraceEvent]
    /// Of a `socketEnqueue`: datagrams in the queue, itself included. Parallel to `events`.
    private(set) var depths: [UInt32]
    private(set) var drops = 0

    private struct Packet {
        var callID: UInt32
        var cseq: UInt32
        var method: CallTag.Method
        var flags: TraceEvent.Flags
        var isQueued = false
    }

    /// The kernel uses an address again for another packet, so only what was seen of it last counts.
    private var packets: [UInt64: Packet] = [:]
    private var sockets: [UInt64: SocketQueue] = [:]

    init(_ log: TraceLog) {
        events = Self.sorted(log.events)
        depths = Array(repeating: 0, count: events.count)
        for i in events.indices { resolve(i) }
        packets = [:]
        sockets = [:]
    }

    private static func sorted(_ events: [TraceEvent]) -> [TraceEvent] {
        var isSorted = true
        for i in events.indices.dropFirst() where events[i].at < events[i - 1].at {
            isSorted = false
            break
        }
        if isSorted { return events }
        // Of equal instants the order of the ring stays.
        let order = events.indices.sorted { events[$0].at == events[$1].at ? $0 < $1 : events[$0].at < events[$1].at }
        return order.map { events[$0] }
    }

    private mutating func resolve(_ i: Int) {
        switch events[i].point {
        case .tapTransmit, .tapRead, .driverReceive, .protocolStart:
            meetPacket(i)
        case .socketEnqueue: enqueue(i)
        case .applicationReceive: receive(i)
        case .receiveDrop: drop(i)
        case .applicationSend: answer(i)
        case .responseTransmit:
            if events[i].packet != 0 { packets[events[i].packet] = nil }
            answer(i)
        case .responseReceive:
            if events[i].packet != 0 { packets[events[i].packet] = nil }
        case .waking, .contextSwitch, .requestSent, .responseArrived: break
        }
    }

    // MARK: packets

    private mutating func meetPacket(_ i: Int) {
        let event = events[i]
        guard event.packet != 0 else { return }
        if event.hasKey {
            packets[event.packet] = Packet(
                callID: event.callID, cseq: event.cseq, method: event.method, flags: event.flags)
        } else if let known = packets[event.packet], !known.isQueued {
            take(known, i)
        } else {
            packets[event.packet] = nil
        }
    }

    private mutating func take(_ known: Packet, _ i: Int) {
        events[i].callID = known.callID
        events[i].cseq = known.cseq
        events[i].method = known.method
        events[i].flags.formUnion(known.flags)
    }

    /// The key of another event of this log, by the order of the queue.
    private mutating func infer(_ i: Int, from other: Int) {
        events[i].callID = events[other].callID
        events[i].cseq = events[other].cseq
        events[i].method = events[other].method
        events[i].flags.formUnion(events[other].flags.intersection(.isResponse))
        events[i].flags.insert(.inferred)
    }

    private func key(_ i: Int) -> SocketQueue.Key? {
        let event = events[i]
        return event.hasKey
            ? SocketQueue.Key(callID: event.callID, cseq: event.cseq, method: event.method.rawValue) : nil
    }

    // MARK: the socket's queue

    private mutating func enqueue(_ i: Int) {
        let packet = events[i].packet
        if !events[i].hasKey, packet != 0, let known = packets[packet], !known.isQueued { take(known, i) }
        if packet != 0 { packets[packet]?.isQueued = true }
        let socket = events[i].socket
        let receive = sockets[socket, default: SocketQueue()].enqueue(
            event: i, packet: packet, key: key(i), at: events[i].at)
        depths[i] = (sockets[socket]?.depth ?? 0) + (receive == nil ? 0 : 1)
        if let receive { pair(enqueue: i, receive: receive) }
    }

    private mutating func receive(_ i: Int) {
        if !events[i].hasKey, events[i].packet != 0, let known = packets[events[i].packet] { take(known, i) }
        if events[i].packet != 0 { packets[events[i].packet] = nil }
        let enqueue = sockets[events[i].socket, default: SocketQueue()].receive(
            event: i, key: key(i), at: events[i].at)
        if let enqueue { pair(enqueue: enqueue, receive: i) }
    }

    private mutating func pair(enqueue: Int, receive: Int) {
        if !events[receive].hasKey, events[enqueue].hasKey {
            infer(receive, from: enqueue)
        } else if !events[enqueue].hasKey, events[receive].hasKey {
            infer(enqueue, from: receive)
        }
        // The packet is freed now, and the next one may get its address, or has it already and is on its way.
        let packet = events[enqueue].packet
        if packet != 0, packets[packet]?.isQueued == true { packets[packet] = nil }
    }

    private mutating func answer(_ i: Int) {
        guard events[i].flags.contains(.isResponse), let key = key(i) else { return }
        if events[i].socket != 0 {
            sockets[events[i].socket]?.answer(key)
        } else if sockets.count <= Self.mostSocketsAsked {
            for socket in sockets.keys { sockets[socket]?.answer(key) }
        }
    }

    private mutating func drop(_ i: Int) {
        drops += 1
        let packet = events[i].packet
        if !events[i].hasKey, packet != 0, let known = packets[packet] { take(known, i) }
        guard packet != 0 else { return }
        packets[packet] = nil
        if let enqueue = sockets[events[i].socket]?.drop(packet: packet) {
            if !events[i].hasKey, events[enqueue].hasKey { infer(i, from: enqueue) }
            events[enqueue].flags.insert(.dropped)
        }
    }

    /// The wire does not say which socket sent a response. One for each worker is usual; of more, sends alone are asked.
    private static let mostSocketsAsked = 16
}
