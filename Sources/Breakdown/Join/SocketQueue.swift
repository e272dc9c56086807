import Datagrams

/// What lies in one socket's receive queue: tells a receive which packet it took.
///
/// The n-th in is the n-th out, unless several threads read the socket and their records stand in another order. A receive
/// that knows its key takes the packet of that key, wherever it lies; so one that was lost does not shift all that follow.
struct SocketQueue {
    struct Key: Hashable {
        var callID: UInt32
        var cseq: UInt32
        var method: UInt8
    }

    private struct Entry {
        var event: Int
        var packet: UInt64
        var key: Key?
        var isGone = false
    }

    /// A receive whose packet's enqueue is yet to come: the reader on another CPU was faster than the probe.
    private struct Early {
        var event: Int
        var key: Key?
        var at: MonotonicInstant
    }

    /// All that ever came; those before `head` are gone.
    private var entries: [Entry] = []
    private var head = 0
    /// Places of those of a key that are not gone.
    private var places: [Key: [Int]] = [:]
    private var early: [Early] = []
    /// Keys that were taken out at least once.
    private var received: Set<Key> = []
    private(set) var depth: UInt32 = 0

    /// The event of a receive that took this packet before its enqueue was recorded; nil: it lies in the queue now.
    mutating func enqueue(event: Int, packet: UInt64, key: Key?, at now: MonotonicInstant) -> Int? {
        if !early.isEmpty {
            early.removeAll { now - $0.at > Self.longestLead }
            let match = early.firstIndex { key == nil || $0.key == nil || $0.key == key }
            if let match { return early.remove(at: match).event }
        }
        if let key { places[key, default: []].append(entries.count) }
        entries.append(Entry(event: event, packet: packet, key: key))
        depth += 1
        return nil
    }

    /// The event of the enqueue this receive took; nil: none was recorded.
    mutating func receive(event: Int, key: Key?, at now: MonotonicInstant) -> Int? {
        advance()
        var place: Int?
        if let key {
            place = places[key]?.first ?? firstWithoutKey()
        } else if head < entries.count {
            place = head
        }
        guard let place else {
            early.append(Early(event: event, key: key, at: now))
            if early.count > Self.mostOvertaken { early.removeFirst() }
            return nil
        }
        if let key = entries[place].key ?? key { received.insert(key) }
        remove(place)
        forgetOvertaken(by: place)
        return entries[place].event
    }

    /// A response to this request was sent, so it was received before; if it still lies here, the record of that was lost.
    /// A request received before may lie here again, because it was sent again.
    mutating func answer(_ key: Key) {
        guard !received.contains(key), let place = places[key]?.first else { return }
        received.insert(key)
        remove(place)
    }

    /// The packet was thrown away after its enqueue was recorded. The event of that enqueue.
    mutating func drop(packet: UInt64) -> Int? {
        var place = entries.count - 1
        while place >= max(head, entries.count - Self.mostOvertaken) {
            if !entries[place].isGone, entries[place].packet == packet {
                remove(place)
                return entries[place].event
            }
            place -= 1
        }
        return nil
    }

    // MARK: places

    private mutating func remove(_ place: Int) {
        entries[place].isGone = true
        depth -= 1
        if let key = entries[place].key {
            if let found = places[key]?.firstIndex(of: place) { places[key]?.remove(at: found) }
            if places[key]?.isEmpty == true { places[key] = nil }
        }
        advance()
    }

    private mutating func advance() { while head < entries.count, entries[head].isGone { head += 1 } }

    /// Receives of those long before this one were lost: no more threads read one socket than that.
    private mutating func forgetOvertaken(by place: Int) {
        while head < place - Self.mostOvertaken {
            if !entries[head].isGone { remove(head) } else { head += 1 }
        }
    }

    private func firstWithoutKey() -> Int? {
        for place in head..<min(entries.count, head + Self.mostOvertaken)
        where !entries[place].isGone && entries[place].key == nil {
            return place
        }
        return nil
    }

    /// Threads that read one socket and overtake each other.
    private static let mostOvertaken = 64
    /// Between a packet's lying in the queue and the probe's stamp another CPU may take it. Longer, and a receive whose
    /// enqueue was lost would take the next one's.
    static let longestLead = Nanoseconds.microseconds(50)
}
