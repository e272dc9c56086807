import Datagrams

/// A count for every bucket of `HistogramLayout.latency`, and a bit that says which hold anything: whoever reads, adds or
/// clears it goes through those, however many buckets there are.
///
/// A latency of a millisecond lies behind ten thousand empty buckets, and a second has fifty calls.
struct BucketArray: Sendable, Sequence {
    private let layout = HistogramLayout.latency
    /// Of the bits, which come first.
    private var words: Int { (layout.length + 63) >> 6 }

    /// Empty until something is counted: a recorder has twenty of these, of which a run fills half, each of 270 kB.
    private var cells: [UInt64] = []

    /// - Parameter value: the layout's last bucket has what lies beyond its range.
    mutating func record(_ value: UInt64) { add(1, at: layout.index(of: value)) }

    private mutating func add(_ count: UInt64, at index: Int) {
        if cells.isEmpty { cells = Array(repeating: 0, count: words + layout.length) }
        cells[index >> 6] |= 1 &<< UInt64(index & 63)
        cells[words + index] &+= count
    }

    mutating func add(_ other: BucketArray) {
        if cells.isEmpty {
            cells = other.cells
        } else {
            for bucket in other { add(bucket.count, at: bucket.index) }
        }
    }

    /// Keeps the memory.
    mutating func removeAll() {
        if cells.isEmpty { return }
        for word in 0..<words where cells[word] != 0 {
            var bits = cells[word]
            while bits != 0 {
                cells[words + word << 6 + bits.trailingZeroBitCount] = 0
                bits &= bits - 1
            }
            cells[word] = 0
        }
    }

    /// Those that hold anything, by ascending index.
    struct Iterator: IteratorProtocol {
        fileprivate let cells: [UInt64]
        fileprivate let words: Int
        private var word = -1
        private var bits: UInt64 = 0

        fileprivate init(_ cells: [UInt64], words: Int) {
            self.cells = cells
            self.words = cells.isEmpty ? 0 : words
        }

        mutating func next() -> HistogramCounts.Count? {
            while bits == 0 {
                word += 1
                if word >= words { return nil }
                bits = cells[word]
            }
            let index = word << 6 + bits.trailingZeroBitCount
            bits &= bits - 1
            return HistogramCounts.Count(index: index, count: cells[words + index])
        }
    }

    func makeIterator() -> Iterator { Iterator(cells, words: words) }
}
