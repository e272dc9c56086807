/// Which part of one schedule a process takes, where several share it: arrival k (from 0) belongs to shard k mod N.
///
/// Every shard computes the whole schedule, so the calls of all of them, with their numbers and due times, are those of the
/// run by one process, whatever N is and whatever number of sending threads each shard has.
package struct Shard: Sendable, Equatable, CustomStringConvertible {
    /// From 0.
    package let index: Int
    package let count: Int

    package static let whole = Shard(unchecked: 0, of: 1)
    /// Each shard makes the whole schedule to find its part: beyond this most of its work would be that.
    package static let most = 4096

    /// Nil where there is no such part.
    package init?(_ index: Int, of count: Int) {
        guard (1...Self.most).contains(count), (0..<count).contains(index) else { return nil }
        self.init(unchecked: index, of: count)
    }

    private init(unchecked index: Int, of count: Int) {
        self.index = index
        self.count = count
    }

    /// Which share of the whole schedule one of its sending threads takes, of how many.
    package func stripe(worker: Int, of workers: Int) -> (worker: UInt64, workers: UInt64) {
        (UInt64(worker) * UInt64(count) + UInt64(index), UInt64(workers) * UInt64(count))
    }

    /// Of a limit of the whole run: the first shards get what is left over.
    package func share(of total: Int) -> Int { total / count + (index < total % count ? 1 : 0) }

    /// Of directories and files: `shard-0-of-4`.
    package var name: String { "shard-\(index)-of-\(count)" }

    /// `0/4`
    package var description: String { "\(index)/\(count)" }
}
