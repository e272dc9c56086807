import Datagrams

/// The last messages of all calls, oldest overwritten first, so that when a call fails its messages are at hand. Fixed
/// memory, one copy a message, no allocation once it is made.
struct MessageRing: Sendable {
    struct Entry: Sendable, BitwiseCopyable {
        /// Whose it is: place and generation of a call.
        var owner: UInt64 = .max
        var at = MonotonicInstant(nanoseconds: 0)
        /// Bytes written before it since the beginning; its own begin there.
        var start: UInt64 = 0
        var count: UInt32 = 0
        var isSent = false
    }

    /// Two seconds at 500 calls/s, 40 ms at 25,000: as long as most calls that fail by an answer take.
    static let capacity = 4 << 20
    private static let mostEntries = 8192

    private var bytes: [UInt8]
    private var entries: [Entry]
    /// Since the beginning.
    private var written: UInt64 = 0
    private var count: UInt64 = 0

    /// - Parameter isKept: false takes no memory, and nothing may be appended.
    init(isKept: Bool) {
        bytes = isKept ? Array(repeating: 0, count: Self.capacity) : []
        entries = isKept ? Array(repeating: Entry(), count: Self.mostEntries) : []
    }

    mutating func append(_ message: borrowing Span<UInt8>, owner: UInt64, at: MonotonicInstant, isSent: Bool) {
        let n = message.count
        // Over TCP a message may be of any length; one that large is no evidence, it is the ring.
        if n == 0 || n > Self.capacity / 64 { return }
        var place = Int(written & UInt64(Self.capacity - 1))
        if place + n > Self.capacity {
            // In one piece: the rest of the ring is left.
            written += UInt64(Self.capacity - place)
            place = 0
        }
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe message.withUnsafeBytes { source in
                unsafe (target.baseAddress! + place).copyMemory(from: source.baseAddress!, byteCount: n)
            }
        }
        entries[Int(count & UInt64(Self.mostEntries - 1))] = Entry(
            owner: owner, at: at, start: written, count: UInt32(n), isSent: isSent)
        written += UInt64(n)
        count += 1
    }

    /// Calls `body` with each message of this owner that is still there, oldest first.
    func forEach(of owner: UInt64, _ body: (Entry, borrowing Span<UInt8>) -> Void) {
        let first = count > UInt64(Self.mostEntries) ? count - UInt64(Self.mostEntries) : 0
        for n in first..<count {
            let entry = entries[Int(n & UInt64(Self.mostEntries - 1))]
            guard entry.owner == owner, written - entry.start <= UInt64(Self.capacity) else { continue }
            let place = Int(entry.start & UInt64(Self.capacity - 1))
            body(entry, bytes.span.extracting(place..<place + Int(entry.count)))
        }
    }
}
