import Datagrams

/// A packet whose pieces have all been seen.
struct ReassembledPacket {
    /// The piece at offset 0, which alone carries options that are not copied.
    var first: IPFragment
    /// What follows the IP header.
    var bytes: [UInt8]
}

/// Puts IP packets together from their fragments (RFC 791, 3.2; RFC 8200, 4.5).
///
/// Its memory is bounded: packets whose pieces do not all come are given up, the oldest first, and counted. Of two pieces
/// that overlap the one that came first stays, so the same piece captured twice does no harm.
struct FragmentStore {
    private struct Key: Hashable {
        var source: SocketAddress
        var destination: SocketAddress
        var identification: UInt32
        var transport: UInt8
    }

    fileprivate struct Partial {
        var first: IPFragment?
        var bytes: [UInt8] = []
        var isFilled: [Bool] = []
        var missing = 0
        /// A piece was not captured whole: this packet is never complete, and is counted once.
        var isSpoilt = false
        /// Known once the last piece is there.
        var total: Int?
        var begun: Nanoseconds
    }

    /// Linux gives a packet 30 s as well.
    static let patience = Nanoseconds.seconds(30)
    static let capacity = 1024
    /// What an IP packet can hold.
    private static let longest = 65_535

    private var partials: [Key: Partial] = [:]
    private var order: [Key] = []
    private(set) var abandoned: UInt64 = 0

    var open: Int { partials.count }

    /// The whole packet, when this piece was the last one missing.
    mutating func add(
        _ fragment: IPFragment, from bytes: borrowing Span<UInt8>, at now: Nanoseconds
    ) -> ReassembledPacket? {
        let key = Key(
            source: fragment.source, destination: fragment.destination, identification: fragment.identification,
            transport: fragment.transport)
        if let old = partials[key], now - old.begun > Self.patience { abandon(key) }
        if partials[key] == nil {
            makeRoom()
            partials[key] = Partial(begun: now)
            order.append(key)
        }
        if fragment.isWhole, fragment.offset + fragment.payload.count <= Self.longest {
            partials[key]?.insert(fragment, from: bytes)
        } else {
            partials[key]?.isSpoilt = true
        }
        guard let whole = partials[key]?.whole else { return nil }
        partials[key] = nil
        return whole
    }

    /// At the end of a capture: what is still incomplete never comes.
    mutating func abandonAll() {
        abandoned += UInt64(partials.count)
        partials.removeAll()
        order.removeAll()
    }

    private mutating func abandon(_ key: Key) {
        if partials.removeValue(forKey: key) != nil { abandoned += 1 }
    }

    private mutating func makeRoom() {
        if order.count > 4 * Self.capacity { order.removeAll { partials[$0] == nil } }
        while partials.count >= Self.capacity, !order.isEmpty { abandon(order.removeFirst()) }
    }
}

extension FragmentStore.Partial {
    fileprivate mutating func insert(_ fragment: IPFragment, from source: borrowing Span<UInt8>) {
        let end = fragment.offset + fragment.payload.count
        if bytes.count < end {
            missing += end - bytes.count
            bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
            isFilled.append(contentsOf: repeatElement(false, count: end - isFilled.count))
        }
        for i in 0..<fragment.payload.count where !isFilled[fragment.offset + i] {
            bytes[fragment.offset + i] = source[fragment.payload.lowerBound + i]
            isFilled[fragment.offset + i] = true
            missing -= 1
        }
        if fragment.offset == 0, first == nil { first = fragment }
        if fragment.isLast { total = end }
    }

    fileprivate var whole: ReassembledPacket? {
        guard let first, let total, missing == 0, !isSpoilt, bytes.count == total else { return nil }
        return ReassembledPacket(first: first, bytes: bytes)
    }
}
