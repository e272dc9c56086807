import SIP

/// From a Call-ID that is not ours to the slot of its call: open addressing, linear probing, no tombstones.
package struct CallIDMap: Sendable {
    private struct Place: Sendable, BitwiseCopyable {
        /// 0: empty.
        var hash: UInt64
        var slot: UInt32
    }

    private var places: [Place] = []
    package private(set) var count = 0

    package init() {}

    package static func hash(_ text: borrowing Span<UInt8>) -> UInt64 {
        // FNV-1a, then mixed: linear probing needs the low bits to be good.
        var h: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in text.indices { h = (h ^ UInt64(text[i])) &* 0x100_0000_01B3 }
        h ^= h >> 32
        h = h &* 0xD6E8_FEB8_6659_FD93
        h ^= h >> 32
        return h == 0 ? 1 : h
    }

    /// - Parameter owner: the Call-ID of the call in a slot, to be compared: equal hashes prove nothing.
    func find(_ callID: borrowing Span<UInt8>, in texts: borrowing TextStore, owner: (UInt32) -> TextRange) -> UInt32? {
        if count == 0 { return nil }
        let hash = Self.hash(callID)
        let mask = places.count - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while places[at].hash != 0 {
            if places[at].hash == hash, texts.matches(owner(places[at].slot), callID) { return places[at].slot }
            at = (at + 1) & mask
        }
        return nil
    }

    mutating func insert(_ hash: UInt64, slot: UInt32) {
        if places.count < (count + 1) * 2 { grow() }
        place(Place(hash: hash, slot: slot))
        count += 1
    }

    mutating func remove(_ hash: UInt64, slot: UInt32) {
        if count == 0 { return }
        let mask = places.count - 1
        var hole = Int(truncatingIfNeeded: hash) & mask
        while places[hole].hash != hash || places[hole].slot != slot {
            if places[hole].hash == 0 { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        // Close the gap: whatever follows and may stand nearer to its own place moves up.
        var next = (hole + 1) & mask
        while places[next].hash != 0 {
            let home = Int(truncatingIfNeeded: places[next].hash) & mask
            if (next - home) & mask >= (next - hole) & mask {
                places[hole] = places[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        places[hole].hash = 0
    }

    private mutating func place(_ new: Place) {
        let mask = places.count - 1
        var at = Int(truncatingIfNeeded: new.hash) & mask
        while places[at].hash != 0 { at = (at + 1) & mask }
        places[at] = new
    }

    private mutating func grow() {
        let old = places
        places = [Place](repeating: Place(hash: 0, slot: 0), count: max(old.count * 2, 1024))
        for entry in old where entry.hash != 0 { place(entry) }
    }
}
