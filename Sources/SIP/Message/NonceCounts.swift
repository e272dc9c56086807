/// How often each nonce was used: `nc` (RFC 7616, 3.4), which goes on where a server hands out a nonce again. One value a call; it remembers the last four nonces, which is more
/// than a call meets servers that challenge it.
package struct NonceCounts: Sendable, BitwiseCopyable {
    private struct Entry: Sendable, BitwiseCopyable {
        var nonce: UInt64 = 0
        var count: UInt32 = 0
    }

    private var entries: (Entry, Entry, Entry, Entry) = (Entry(), Entry(), Entry(), Entry())

    package init() {}

    /// The count of this use, from 1.
    package mutating func use(_ nonce: borrowing Span<UInt8>) -> UInt32 {
        var key: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a: two nonces of one call never meet
        for i in 0..<nonce.count { key = (key ^ UInt64(nonce[i])) &* 0x0000_0100_0000_01B3 }
        var found = Entry(nonce: key, count: 0)
        if entries.0.nonce == key {
            found = entries.0
        } else if entries.1.nonce == key {
            (found, entries.1) = (entries.1, entries.0)
        } else if entries.2.nonce == key {
            found = entries.2
            (entries.2, entries.1) = (entries.1, entries.0)
        } else {
            if entries.3.nonce == key { found = entries.3 }
            (entries.3, entries.2, entries.1) = (entries.2, entries.1, entries.0)
        }
        found.count = found.count == .max ? .max : found.count + 1
        entries.0 = found
        return found.count
    }
}
