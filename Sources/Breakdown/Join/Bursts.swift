import Datagrams

/// Requests that came close upon each other.
struct Bursts {
    private var numbers: [Int32]
    private var sizes: [Int32] = []

    init(_ arrivals: [(row: Int, at: Int64)], gap: Nanoseconds) {
        numbers = Array(repeating: -1, count: (arrivals.map(\.row).max() ?? -1) + 1)
        var previous: Int64?
        for (row, at) in arrivals.sorted(by: { ($0.at, $0.row) < ($1.at, $1.row) }) {
            if let previous, at - previous <= gap.rawValue {
                sizes[sizes.count - 1] += 1
            } else {
                sizes.append(1)
            }
            numbers[row] = Int32(sizes.count - 1)
            previous = at
        }
    }

    /// A request whose arrival was not seen is a burst of its own behind all others.
    func burst(of row: Int) -> (number: Int, size: Int) {
        guard row < numbers.count, numbers[row] >= 0 else { return (sizes.count, 1) }
        return (Int(numbers[row]), Int(sizes[Int(numbers[row])]))
    }

    /// - Parameter wait: the block that holds the socket wait.
    func groups(of requests: [Breakdown.Request], wait: Int?) -> [BurstGroup] {
        struct Sum {
            var wait = 0.0
            var count = 0.0
            mutating func add(_ length: Nanoseconds) {
                wait += Double(length.rawValue)
                count += 1
            }
            var mean: Nanoseconds { count == 0 ? .zero : Nanoseconds(Int64((wait / count).rounded())) }
        }
        var all: [Int: Sum] = [:]
        var lasts: [Int: Sum] = [:]
        // Joined requests come by their begin; of one burst the last of them is the last joined.
        var lastOf: [UInt32: Nanoseconds] = [:]
        for request in requests {
            let length = wait.map { request.lengths[$0] } ?? .zero
            all[Int(request.burstSize), default: Sum()].add(length)
            lastOf[request.burst] = length
        }
        for (burst, length) in lastOf where Int(burst) < sizes.count {
            lasts[Int(sizes[Int(burst)]), default: Sum()].add(length)
        }
        var counts: [Int: Int] = [:]
        for size in sizes { counts[Int(size), default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { size, count in
            BurstGroup(
                size: size, bursts: count, meanWait: all[size]?.mean ?? .zero,
                meanWaitOfLast: lasts[size]?.mean ?? .zero)
        }
    }
}
